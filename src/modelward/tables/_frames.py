"""Any data frame in memory as a polars frame."""

from __future__ import annotations

import warnings
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from polars import selectors

from modelward.errors import InputError


def as_polars(source: Any, what: str, names: tuple[str, ...] | None = None) -> pl.DataFrame:
    """Return a pandas, polars, pyarrow or numpy table as a polars frame, index left out.

    Raises
    ------
    InputError
        If it is no table, names repeat, or there are no rows.
    """
    if isinstance(source, pl.LazyFrame):
        source = source.collect()
    if isinstance(source, np.ndarray):
        frame = _from_numpy(source, what, names)
    elif isinstance(source, pl.DataFrame):
        frame = source
    else:
        frame = _through_narwhals(source, what)
    if not frame.width or not frame.height:
        raise InputError(f"{what} has no {'rows' if frame.width else 'columns'}: give a table with both")
    return frame.with_columns(selectors.float().fill_nan(None))


def _from_numpy(array: np.ndarray[Any, Any], what: str, names: tuple[str, ...] | None) -> pl.DataFrame:
    if array.dtype.names:
        return pl.DataFrame({name: np.ascontiguousarray(array[name]) for name in array.dtype.names})
    if array.ndim != 2:
        raise InputError(f"{what} is an array of {array.ndim} dimensions: give two, rows and columns")
    names = names or tuple(f"x{j}" for j in range(array.shape[1]))
    if len(names) != array.shape[1] or len(set(names)) != len(names):
        raise InputError(f"{what} has {array.shape[1]} columns: give as many names, each once")
    if array.dtype.kind == "O":
        return pl.DataFrame([_column(n, array[:, j].tolist()) for j, n in enumerate(names)])
    return pl.DataFrame({name: np.ascontiguousarray(array[:, j]) for j, name in enumerate(names)})


def _through_narwhals(source: Any, what: str) -> pl.DataFrame:
    try:
        table = nw.from_native(source, eager_only=True)
    except (TypeError, ValueError) as error:
        if "unique" in str(error).lower() or "duplicate" in str(error).lower():
            raise InputError(f"{what} has a column name more than once: rename one of them") from None
        kind = type(source).__name__
        raise InputError(
            f"{what} is a {kind}: give a path, or a pandas, polars, pyarrow or numpy table"
        ) from None
    names = (
        [str(name) for name in getattr(source, "columns", table.columns)]
        if _is_pandas(source)
        else table.columns
    )
    if len(set(names)) != len(names):
        raise InputError(f"{what} has a column name more than once: rename one of them")
    return pl.DataFrame([_converted(c, n) for n, c in zip(names, table.iter_columns(), strict=True)])


def _converted(column: nw.Series[Any], name: str) -> pl.Series:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return column.to_polars().alias(name)
    except Exception:  # noqa: BLE001 - mixed columns fail in as many ways as there are backends
        return _column(name, column.to_list())


def _is_pandas(source: Any) -> bool:
    return type(source).__module__.partition(".")[0] == "pandas"


def _column(name: str, cells: list[Any]) -> pl.Series:
    """Return a column of Python values; values of mixed type become text."""
    cells = [None if _is_missing(cell) else cell for cell in cells]
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds == {int, float}:
        cells = [None if cell is None else float(cell) for cell in cells]
    elif len(kinds) > 1:
        cells = [None if cell is None else str(cell) for cell in cells]
    return pl.Series(name, cells, strict=False)


def _is_missing(cell: Any) -> bool:
    """Whether a cell is None, NaN, NaT or pandas' NA."""
    return (
        cell is None
        or type(cell).__name__ in ("NAType", "NaTType")
        or (isinstance(cell, float) and cell != cell)
    )
