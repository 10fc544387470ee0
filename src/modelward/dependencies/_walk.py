"""Files of a project, without what was installed or built in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from modelward.dependencies._packages import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

_SKIPPED = {"node_modules", "__pycache__", "site-packages"}
_BUILT = {"build", "dist"}


def walk(
    root: Path, wanted: Callable[[str], bool], *, built: bool = False
) -> tuple[list[Path], tuple[Problem, ...]]:
    """Return the files of a folder whose names are wanted, in order, and the folders that could not be read.

    Links to folders are not followed; hidden folders and such as hold what was installed or built are left out.
    Container files are often kept in a folder named ``build``: with `built` these are read, too.
    """
    skipped = _SKIPPED if built else _SKIPPED | _BUILT
    found: list[Path] = []
    problems: list[Problem] = []

    def unread(error: OSError) -> None:
        place = Path(error.filename).relative_to(root).as_posix()
        problems.append(Problem(place, 0, f"cannot be read: {(error.strerror or '').lower()}"))

    for folder, inner, names in os.walk(root, onerror=unread):
        here = Path(folder)
        inner[:] = sorted(
            n
            for n in inner
            if not n.startswith(".") and n not in skipped and not (here / n / "pyvenv.cfg").exists()
        )
        found += [here / name for name in sorted(names) if wanted(name)]
    return found, tuple(problems)
