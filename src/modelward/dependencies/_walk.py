"""Files of a project, without what was installed or built in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_SKIPPED = {"node_modules", "__pycache__", "site-packages", "build", "dist"}


def walk(root: Path, wanted: Callable[[str], bool]) -> list[Path]:
    """Return the files of a folder whose names are wanted, in order; links to folders are not followed."""
    found: list[Path] = []
    for folder, inner, names in os.walk(root):
        here = Path(folder)
        inner[:] = sorted(
            n
            for n in inner
            if not n.startswith(".") and n not in _SKIPPED and not (here / n / "pyvenv.cfg").exists()
        )
        found += [here / name for name in sorted(names) if wanted(name)]
    return found
