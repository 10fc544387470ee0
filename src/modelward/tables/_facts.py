"""What a report says of an input file: its digest, its rows, where it is."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import polars as pl

from modelward.errors import InputError
from modelward.tables._formats import existing_file, read_head, recognise
from modelward.tables._read import scan_table

TABLE_SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet", ".pq", ".arrow", ".feather", ".ipc")


def file_facts(path: str | Path, *, rows: int | None = None) -> dict[str, Any]:
    """Return what a report says of an input file.

    Parameters
    ----------
    path : str or Path
        A table, a model or any other file.
    rows : int, optional
        Its rows if they are known already; else a table's are counted. A file is taken for a table by its
        suffix.

    Returns
    -------
    dict
        `path` (relative to the working directory; only the name of a file that lies elsewhere), `sha256` in
        hexadecimal, and `rows` of a table.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    file = existing_file(path, "file")
    with file.open("rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
    facts: dict[str, Any] = {"path": display_path(file), "sha256": digest}
    if rows is None and file.name.lower().endswith(TABLE_SUFFIXES):
        rows = int(scan_table(file).select(pl.len()).collect().item())
    return facts if rows is None else {**facts, "rows": rows}


def is_table(path: str | Path) -> bool:
    """Return whether a file is a table: Parquet or Arrow by its content, CSV by its name and content.

    Examples
    --------
    >>> is_table("there-is-no.csv")
    False
    """
    file = Path(path)
    try:
        head, _ = read_head(existing_file(file, "file"), "file")
        return recognise(file, head, "file") != "csv" or file.name.lower().endswith(TABLE_SUFFIXES)
    except InputError:
        return False


def display_path(path: Path) -> str:
    """Return a path that tells nothing of the machine: relative, or the bare name."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.name
