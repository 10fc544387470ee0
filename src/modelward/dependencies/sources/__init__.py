"""Files that name packages: one module a format."""

from __future__ import annotations

import fnmatch
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from modelward.dependencies._packages import MAX_TEXT, Problem, Read

if TYPE_CHECKING:
    from pathlib import Path

    class _Reader(Protocol):
        def __call__(self, text: str, path: str, root: Path) -> Read: ...


_FORMATS: tuple[tuple[str, str], ...] = (
    ("uv.lock", "_uv"),
    ("poetry.lock", "_poetry"),
    ("pdm.lock", "_pdm"),
    ("Pipfile.lock", "_pipenv"),
    ("pylock.toml", "_pylock"),
    ("pylock.*.toml", "_pylock"),
    ("pyproject.toml", "_pyproject"),
    ("uv.toml", "_indexes"),
    ("environment*.y*ml", "_conda"),
    ("conda.y*ml", "_conda"),
    ("*requirements*.txt", "_requirements"),
    ("requirements/*.txt", "_requirements"),
)


def format_of(path: Path) -> str:
    """Return the module that reads a file of this name; empty if none does."""
    tail = "/".join(path.parts[-2:])
    for pattern, module in _FORMATS:
        if fnmatch.fnmatch(path.name, pattern) or ("/" in pattern and fnmatch.fnmatch(tail, pattern)):
            return module
    return ""


def read_source(file: Path, root: Path) -> Read:
    """Read a file that names packages; whatever is wrong with it is in the result and never raised."""
    name = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name
    try:
        size = file.stat().st_size
        if size > MAX_TEXT:
            return Read(
                problems=(Problem(name, 0, f"has {size:,} bytes: over {MAX_TEXT:,} nothing is read"),)
            )
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Read(problems=(Problem(name, 0, f"is not UTF-8 (byte {error.start:,}): save it as UTF-8"),))
    except OSError as error:
        return Read(problems=(Problem(name, 0, f"cannot be read: {(error.strerror or '').lower()}"),))
    reader: _Reader = import_module(
        f"modelward.dependencies.sources.{format_of(file) or '_requirements'}"
    ).read
    try:
        return reader(text, name, root)
    except RecursionError:
        return Read(problems=(Problem(name, 0, "is nested too deeply to be read"),))
    except (TypeError, AttributeError, KeyError, ValueError) as error:
        # A value of another type than its format prescribes: nothing is known of the file then.
        return Read(problems=(Problem(name, 0, f"has not the form of its format ({type(error).__name__})"),))


__all__ = ["format_of", "read_source"]
