"""environment.yml of conda, and the conda.yaml beside an MLflow model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from modelward.dependencies._extra import canonical, need
from modelward.dependencies._packages import Package, Problem, Read
from modelward.dependencies.sources import _requirements
from modelward.dependencies.sources._parts import line_of

if TYPE_CHECKING:
    from pathlib import Path

_NOT_PYTHON = {"python", "pip", "cudatoolkit", "mkl", "openssl", "libgcc-ng"}
# Names that conda-forge and PyPI do not share.
_NAMES = {"pytorch": "torch", "py-xgboost": "xgboost", "opencv": "opencv-python", "matplotlib-base": "matplotlib",
          "msgpack-python": "msgpack", "pytables": "tables"}  # fmt: skip


def read(text: str, path: str, root: Path) -> Read:
    """Read a conda environment."""
    yaml = need("yaml", "PyYAML")
    try:
        document: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        return Read(problems=(Problem(path, line, f"is not valid YAML: {getattr(error, 'problem', '')}"),))
    if not isinstance(document, dict) or not isinstance(document.get("dependencies"), list):
        return Read(problems=(Problem(path, 0, "has no list of dependencies"),))
    packages: list[Package] = []
    problems: list[Problem] = []
    for entry in document["dependencies"]:
        if isinstance(entry, str):
            package = _package(entry, text, path)
            if package is None:
                problems.append(
                    Problem(path, line_of(text, entry), f"is no package of conda: {entry[:80]!r}")
                )
            elif package.name not in _NOT_PYTHON:
                packages.append(package)
        elif isinstance(entry, dict) and isinstance(entry.get("pip"), list):
            for line in entry["pip"]:
                inner = _requirements.read(str(line), path, root)
                at = line_of(text, str(line))
                packages += [_moved(p, at) for p in inner.packages]
                problems += [Problem(path, at, p.text) for p in inner.problems]
        else:
            problems.append(
                Problem(path, line_of(text, str(entry)), f"is no package of conda: {str(entry)[:80]!r}")
            )
    return Read(tuple(packages), tuple(problems))


def _package(entry: str, text: str, path: str) -> Package | None:
    found = re.fullmatch(r"(?:[\w./-]+::)?([\w.-]+)\s*(.*)", entry.strip())
    if not found:
        return None
    name = canonical(found[1])
    asked = found[2].strip()
    exact = re.fullmatch(r"==?\s*(\d+(?:\.\w+){2,})(?:=\S+)?|==\s*([\w.]+)", asked)
    version = (exact[1] or exact[2]) if exact else ""
    return Package(_NAMES.get(name, name), version, path, line_of(text, entry), asked=asked)


def _moved(package: Package, line: int) -> Package:
    from dataclasses import replace

    return replace(package, line=line, hashed=None)
