"""Seconds that importing a package takes: the one measure for which packages are run, and only when asked."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from modelward.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_REPEATS, _LONGEST = 3, 120
_LINE = re.compile(r"^import time:\s+\d+ \|\s+(\d+) \| (\s*)(\S+)$")


def measure_imports(
    names: Iterable[str], modules: Mapping[str, tuple[str, ...]], python: Path | None = None
) -> dict[str, float | None]:
    """Import packages, each in an interpreter of its own, and return the median seconds; None if that fails.

    This runs their code, and what they import.

    Parameters
    ----------
    names : iterable of str
        Packages.
    modules : mapping
        From a package to its modules; the first is imported.
    python : Path, optional
        A virtual environment or an interpreter; the one that runs this if absent.

    Raises
    ------
    InputError
        If there is no interpreter.
    """
    program = _program(python)
    return {name: _seconds(program, modules[name]) for name in names if modules.get(name)}


def _program(python: Path | None) -> str:
    if python is None:
        return sys.executable
    for file in (python, python / "bin" / "python", python / "Scripts" / "python.exe"):
        if file.is_file():
            return str(file.absolute())
    raise InputError(f"--measure-imports needs an interpreter, and there is none in {python}")


def _seconds(program: str, modules: tuple[str, ...]) -> float | None:
    import statistics
    import subprocess

    # A package's own name comes before the names of its compiled helpers.
    module = min(modules, key=lambda m: (m.startswith("_"), m))
    if not re.fullmatch(r"\w+(\.\w+)*", module):
        return None
    took = []
    for _ in range(_REPEATS):
        try:
            done = subprocess.run(  # noqa: S603 - a list, and the module's name was checked
                [program, "-I", "-X", "importtime", "-c", f"import {module}"],
                capture_output=True, text=True, timeout=_LONGEST, stdin=subprocess.DEVNULL, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return None
        if done.returncode:
            return None
        lines = (_LINE.match(line) for line in done.stderr.splitlines())
        took.append(sum(int(m[1]) for m in lines if m and m[2] == "" and m[3] == module) / 1e6)
    return statistics.median(took)
