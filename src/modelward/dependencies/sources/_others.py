"""Files that name packages and that no reader here knows: never passed over in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.dependencies._packages import MAX_TEXT, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_LOCKS = {
    "conda-lock.yml": "conda-lock render -k env",
    "pixi.lock": "pixi project export conda-environment",
}
_DECLARATIONS = ("setup.py", "setup.cfg")
_READ = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", *_LOCKS)


def unread(files: Iterable[Path], root: Path) -> Iterator[Problem]:
    """Yield a problem for each file that asks for packages in a form that is not read here.

    A declaration beside a lock, or beside the file that was made of it, is taken to be in it.
    """
    known = set(files)
    for file in sorted(known):
        name = file.name
        path = file.relative_to(root).as_posix()
        if name in _LOCKS:
            yield Problem(path, 0, f"names packages and is not read here: write it as {_LOCKS[name]}")
        elif name == "Pipfile" and file.with_name("Pipfile.lock") not in known:
            yield Problem(path, 0, "names packages and is not read here: lock it (pipenv lock)")
        elif name in _DECLARATIONS:
            beside = any(file.with_name(lock) in known for lock in _READ)
            if not beside and _asks(file):
                yield Problem(path, 0, "asks for packages (install_requires) and is not read here: move them to "
                              "pyproject.toml, or lock them")  # fmt: skip
        elif (
            name.startswith("requirements") and name.endswith(".in") and file.with_suffix(".txt") not in known
        ):
            yield Problem(
                path, 0, "names packages and was not compiled: lock it (pip-compile --generate-hashes)"
            )


def _asks(file: Path) -> bool:
    try:
        return file.stat().st_size <= MAX_TEXT and b"install_requires" in file.read_bytes()
    except OSError:
        return True
