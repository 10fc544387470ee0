"""environment.yml of conda, and the conda.yaml beside an MLflow model."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from modelward.dependencies._extra import canonical, need
from modelward.dependencies._packages import Doubt, Package, Problem, Read
from modelward.dependencies.sources import _requirements
from modelward.dependencies.sources._parts import line_of

if TYPE_CHECKING:
    from pathlib import Path

_Placed = TypeVar("_Placed", Package, Problem, Doubt)
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
    doubts: list[Doubt] = []
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
            lines = [str(line) for line in entry["pip"]]
            # One file: a constraint or an index holds for all of its lines.
            inner = _requirements.read("\n".join(" ".join(line.split("\n")) for line in lines), path, root)
            at = [line_of(text, line) for line in lines]
            packages += [_moved(one, path, at, hashed=None) for one in inner.packages]
            problems += [_moved(one, path, at) for one in inner.problems]
            doubts += [_moved(one, path, at) for one in inner.doubts]
        else:
            problems.append(
                Problem(path, line_of(text, str(entry)), f"is no package of conda: {str(entry)[:80]!r}")
            )
    return Read(tuple(packages), tuple(problems), tuple(doubts))


def _package(entry: str, text: str, path: str) -> Package | None:
    found = re.fullmatch(r"(?:[\w./-]+::)?([\w.-]+)\s*(.*)", entry.strip())
    if not found:
        return None
    name = canonical(found[1])
    asked = found[2].strip()
    exact = re.fullmatch(r"==?\s*(\d+(?:\.\w+){2,})(?:=\S+)?|==\s*([\w.]+)", asked)
    version = (exact[1] or exact[2]) if exact else ""
    return Package(_NAMES.get(name, name), version, path, line_of(text, entry), asked=asked)


def _moved(one: _Placed, path: str, at: list[int], **changes: Any) -> _Placed:
    """Return it at its line of the environment, unless it is of a file that the environment includes."""
    return replace(one, line=at[one.line - 1], **changes) if one.path == path and one.line else one
