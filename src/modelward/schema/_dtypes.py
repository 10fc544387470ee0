"""Data types of columns: one for all tables, and the numbers that values stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from modelward.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.schema._schema import Column


def common_dtype(column: Column, dtypes: Sequence[pl.DataType]) -> pl.DataType:
    """Return the data type that holds a column of several tables, as the schema means it."""
    if column.coded:
        return _coded_dtype(column, dtypes)
    plain = [d for d in dtypes if not _is_text(d) and d != pl.Null]
    if not plain:
        return pl.Datetime("us") if column.kind == "datetime" else pl.Float64()
    return _joined(plain)


def _coded_dtype(column: Column, dtypes: Sequence[pl.DataType]) -> pl.DataType:
    seen = [pl.String() if _is_text(d) else d for d in dtypes if d != pl.Null]
    kinds = {type(c) for c in column.categories}
    if kinds == {str} or (not kinds and not seen):
        return pl.String()
    if kinds == {bool}:
        return pl.Boolean()
    if kinds and (not seen or pl.String() in seen or pl.Boolean() in seen):
        return pl.Float64() if float in kinds else pl.Int64()
    joined = _joined(seen)
    # A category of 1.5 does not fit a table that happens to hold whole numbers only.
    return pl.Float64() if joined.is_integer() and float in kinds else joined


def _joined(dtypes: Sequence[pl.DataType]) -> pl.DataType:
    first = dtypes[0]
    if all(d == first for d in dtypes):
        return first
    if all(d.is_integer() or d == pl.Boolean for d in dtypes):
        return pl.Int64()
    if all(d.is_numeric() or d == pl.Boolean for d in dtypes):
        return pl.Float64()
    if all(d in (pl.Date, pl.Datetime) for d in dtypes):
        return pl.Datetime("us")
    return pl.String()


def _is_text(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.String | pl.Categorical | pl.Enum)


def conform(series: pl.Series, column: Column, dtype: pl.DataType) -> pl.Series:
    """Return a column in the data type that was agreed on, NaN as missing.

    Raises
    ------
    SchemaError
        If a number or a date cannot be made of a text.
    """
    if series.dtype.is_float():
        series = series.fill_nan(None)
    if series.dtype == dtype:
        return series
    if column.coded:
        return _as_category(series, dtype)
    if series.dtype.is_nested() or series.dtype in (pl.Object, pl.Binary):
        raise SchemaError(f"column {column.name!r} holds {series.dtype}, not single values")
    if _is_text(series.dtype):
        return _parsed(series.cast(pl.String), column)
    # Numbers and dates need no cast: they are read as numbers next.
    return series


def _as_category(series: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Cast a column to its categories' type; what cannot be cast is a value that nobody knows."""
    if dtype == pl.String and series.dtype.is_float():
        # 1.0 in a table that has missing values is the "1" of one that has none.
        whole = (series == series.floor()) | series.is_null()
        return series.cast(pl.Int64 if whole.all() else pl.Float64, strict=False).cast(pl.String)
    if dtype == pl.Boolean and _is_text(series.dtype):
        text = series.cast(pl.String).str.to_lowercase()
        return text.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
    return series.cast(dtype, strict=False)


def _parsed(text: pl.Series, column: Column) -> pl.Series:
    if column.kind == "datetime":
        try:
            parsed = text.str.to_datetime(strict=False, time_unit="us")
        except pl.exceptions.PolarsError:
            parsed = pl.Series(text.name, [None] * len(text), dtype=pl.Datetime("us"))
        wanted = "dates"
    else:
        parsed = text.str.strip_chars().cast(pl.Float64, strict=False)
        wanted = "numbers"
    bad = (parsed.is_null() & text.is_not_null()).arg_true()
    if len(bad):
        raise SchemaError(
            f"column {column.name!r} should hold {wanted}, but row {bad[0]} (from 0) holds text"
        )
    return parsed


def numbers(series: pl.Series) -> NDArray[np.float64]:
    """Return the numbers that values stand for, NaN where missing: dates and times in seconds."""
    dtype = series.dtype
    if dtype in (pl.Date, pl.Datetime):
        series = series.dt.epoch("us").cast(pl.Float64) / 1e6
    elif dtype == pl.Duration:
        series = series.dt.total_microseconds().cast(pl.Float64) / 1e6
    elif dtype == pl.Time:
        series = series.to_physical().cast(pl.Float64) / 1e9
    values: NDArray[np.float64] = series.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return values


def from_numbers(name: str, values: NDArray[np.float64], dtype: pl.DataType) -> pl.Series:
    """Return the column of a type that numbers stand for."""
    series = pl.Series(name, np.ascontiguousarray(values))
    missing = np.isnan(values)
    if missing.any():
        series = series.fill_nan(None)
    if dtype == pl.Float64:
        return series
    if dtype.is_integer():
        return _whole(series, values[~missing], dtype)
    if dtype in (pl.Date, pl.Datetime):
        instants = _microseconds(series).cast(pl.Datetime("us"))
        zone = getattr(dtype, "time_zone", None)
        if zone is not None:
            instants = instants.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
        return instants.cast(dtype)
    if dtype == pl.Duration:
        return _microseconds(series).cast(pl.Duration("us")).cast(dtype)
    if dtype == pl.Time:
        return (series * 1e9).round().clip(0, 86_399_999_999_999).cast(pl.Int64).cast(pl.Time)
    return series.cast(dtype, strict=False)


def _microseconds(series: pl.Series) -> pl.Series:
    # Beyond these a date has no calendar: about the years -9,999 and 9,999.
    seconds = series.clip(-3.7e11, 2.5e11)
    whole = seconds.floor()
    # Seconds and their fraction apart: their product with 1e6 would lose microseconds from 2038 on.
    return whole.cast(pl.Int64) * 1_000_000 + ((seconds - whole) * 1e6).round().cast(pl.Int64)


def _whole(series: pl.Series, present: NDArray[np.float64], dtype: pl.DataType) -> pl.Series:
    """Return integers where all are whole and fit the type, in a wider type or as floats else."""
    if np.any(present != np.floor(present)) or np.any(np.abs(present) >= 2.0**63):
        return series
    cast = series.cast(dtype, strict=False)
    return cast if cast.null_count() == series.null_count() else series.cast(pl.Int64)
