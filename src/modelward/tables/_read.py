"""Read tables: from files of several formats, whole or by batches, and from memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from modelward.errors import InputError
from modelward.tables._csv import CsvFile
from modelward.tables._formats import existing_file, read_head, recognise
from modelward.tables._frames import as_polars

if TYPE_CHECKING:
    from collections.abc import Iterator


def read_table(source: Any, *, what: str = "table", names: tuple[str, ...] | None = None) -> pl.DataFrame:
    """Return a table from a file or from memory.

    Parameters
    ----------
    source : path or data frame
        A CSV (also gzip), Parquet or Arrow/Feather file, recognised by its content; or a pandas, polars,
        pyarrow or numpy table.
    what : str
        How errors call it, such as ``"training data"``.
    names : tuple of str, optional
        Column names of a plain numpy array; else they are ``x0``, ``x1``, …

    Returns
    -------
    polars.DataFrame
        Integers with missing values, booleans and dates are recognised over the whole file. Lines with
        nothing in them are left out.

    Raises
    ------
    InputError
        In one line what is wrong, where, and what to do.

    Examples
    --------
    >>> import numpy as np
    >>> read_table(np.eye(2), names=("a", "b")).columns
    ['a', 'b']
    """
    if not isinstance(source, str | Path):
        return as_polars(source, what, names)
    opened = _open(source, what)
    if isinstance(opened, CsvFile):
        return opened.frame()
    frame = _collected(opened, source, what)
    if not frame.height or not frame.width:
        raise InputError(f"{what} {source} has no rows: add rows")
    return frame


def read_batches(path: str | Path, rows: int, *, what: str = "table") -> Iterator[pl.DataFrame]:
    """Yield a table file in batches, with the same column types in each and as in `read_table`.

    Parameters
    ----------
    path : str or Path
        A file that `read_table` takes.
    rows : int
        Rows of each batch; the last may have fewer.
    what : str
        How errors call it.

    Yields
    ------
    polars.DataFrame

    Raises
    ------
    InputError
        As `read_table`.
    """
    if rows < 1:
        raise InputError(f"{what}: a batch needs at least one row, not {rows}")
    opened = _open(path, what)
    lazy = opened.scan() if isinstance(opened, CsvFile) else opened
    rest: list[pl.DataFrame] = []
    held = 0
    try:
        # Polars' own batches are of about the size asked for; ours are of exactly that size.
        for part in lazy.collect_batches(chunk_size=rows, maintain_order=True):
            rest.append(part)
            held += part.height
            if held >= rows:
                joined = pl.concat(rest)
                whole = held - held % rows
                for start in range(0, whole, rows):
                    yield joined.slice(start, rows)
                rest, held = [joined.slice(whole)], held - whole
    except (pl.exceptions.PolarsError, OSError) as error:
        if isinstance(opened, CsvFile):
            raise opened.explain(error) from None
        raise InputError(f"{what} {path} is damaged: {str(error).splitlines()[0]}") from None
    if held:
        yield pl.concat(rest)


def scan_table(path: str | Path, *, what: str = "table") -> pl.LazyFrame:
    """Return a table file as a lazy frame with the types that `read_table` gives."""
    opened = _open(path, what)
    return opened.scan() if isinstance(opened, CsvFile) else opened


def _open(path: str | Path, what: str) -> CsvFile | pl.LazyFrame:
    file = existing_file(path, what)
    head, gzipped = read_head(file, what)
    kind = recognise(file, head, what)
    if kind == "csv":
        return CsvFile.probe(file, head, what, gzipped=gzipped)
    if gzipped:
        raise InputError(f"{what} {path} is a packed {kind} file: unpack it first")
    try:
        if kind == "parquet":
            return pl.scan_parquet(file, glob=False)
        if kind == "arrow":
            return pl.scan_ipc(file)
        return pl.read_ipc_stream(file).lazy()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{what} {path} is a damaged {kind} file: {str(error).splitlines()[0]}") from None


def _collected(lazy: pl.LazyFrame, path: str | Path, what: str) -> pl.DataFrame:
    try:
        return lazy.collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{what} {path} is damaged: {str(error).splitlines()[0]}") from None
