"""Recognise a table file by its first bytes, and refuse politely what is none."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Literal

from modelward.errors import InputError

Format = Literal["csv", "parquet", "arrow", "arrow stream"]

HEAD_BYTES = 1 << 20

_STRANGERS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip or Excel file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\xff\xfe", "a UTF-16 text"),
    (b"\xfe\xff", "a UTF-16 text"),
    (b"%PDF", "a PDF"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
    (b"\x80\x02", "a pickle"),
    (b"\x80\x03", "a pickle"),
    (b"\x80\x04", "a pickle"),
    (b"\x80\x05", "a pickle"),
)

FORMATS = "CSV (also .gz), Parquet or Arrow/Feather"


def existing_file(path: str | Path, what: str) -> Path:
    """Return the path of a file that exists and is not empty.

    Raises
    ------
    InputError
        If it is missing, a directory, empty or not readable.
    """
    file = Path(path)
    try:
        if file.is_dir():
            raise InputError(f"{what} {path} is a directory: name a file in it")
        if not file.exists():
            raise InputError(f"{what} {path} does not exist: check the path")
        if not file.stat().st_size:
            raise InputError(f"{what} {path} is empty: it needs a line of column names and rows")
    except (OSError, ValueError) as error:
        raise InputError(f"{what} {path} cannot be read: {_reason(error)}") from None
    return file


def read_head(file: Path, what: str) -> tuple[bytes, bool]:
    """Return the first bytes of a file, unpacked if it is gzip, and whether it was."""
    try:
        with file.open("rb") as raw:
            head = raw.read(HEAD_BYTES)
        if not head.startswith(b"\x1f\x8b"):
            return head, False
        with gzip.open(file) as unpacked:
            return unpacked.read(HEAD_BYTES), True
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{what} {file} cannot be read: {_reason(error)}") from None


def recognise(file: Path, head: bytes, what: str) -> Format:
    """Return the format of a file from its first bytes.

    Raises
    ------
    InputError
        If it is no table.
    """
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"ARROW1"):
        return "arrow"
    if head.startswith(b"\xff\xff\xff\xff"):
        return "arrow stream"
    for magic, name in _STRANGERS:
        if head.startswith(magic):
            raise InputError(f"{what} {file} is {name}, not a table: save it as {FORMATS}")
    if b"\0" in head:
        raise InputError(f"{what} {file} is a binary file, not a table: save it as {FORMATS}")
    if not head.strip():
        raise InputError(f"{what} {file} is empty: it needs a line of column names and rows")
    return "csv"


def _reason(error: Exception) -> str:
    """Return an operating system's or decompressor's reason on one line."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).replace("\n", " ")
