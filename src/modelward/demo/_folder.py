"""The demo's folder: written beside its place and moved there when it is whole."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from modelward.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

ABOUT = "README.txt"
FILES = ("model.pkl", "train.csv", "test.csv", "report.html", ABOUT)
FIRST_LINE = "Written by `modelward demo`; it may be deleted."
_TEXT = f"""{FIRST_LINE}

The customers in train.csv and test.csv are generated: nobody's data, no row copied. Columns, codes and rough
distributions follow "Default of credit card clients" (Yeh, Lien 2009, UCI Machine Learning Repository, CC BY 4.0).
model.pkl is a forest of five shallow trees on ten of the columns. report.html is its assessment; open it in a
browser.
"""


def check_place(folder: Path) -> None:
    """Refuse a place that holds something else.

    Raises
    ------
    UsageError
        If the folder is a file, or holds anything that a demo did not write.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder} is a file: give a folder with --out DIR")
    strangers = sorted(path.name for path in folder.iterdir() if path.name not in FILES)
    about = folder / ABOUT
    former = about.is_file() and about.read_text(encoding="utf-8", errors="replace").startswith(FIRST_LINE)
    if strangers or (not former and any(folder.iterdir())):
        what = f" ({strangers[0]})" if strangers else ""
        raise UsageError(
            f"{folder} holds files that are not of a demo{what}: give another folder with --out DIR"
        )


@contextmanager
def building(folder: Path) -> Iterator[Path]:
    """Give a fresh folder beside the final place; move its files there at the end, or leave all as it was.

    Raises
    ------
    InputError
        If the place cannot be written.
    """
    check_place(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}") from error
    try:
        yield fresh
        (fresh / ABOUT).write_text(_TEXT, encoding="utf-8")
        folder.mkdir(exist_ok=True)
        for name in FILES:
            (folder / name).unlink(missing_ok=True)
            if (fresh / name).exists():
                (fresh / name).replace(folder / name)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
