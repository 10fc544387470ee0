"""Columns that tell the time: clocks, numbers of rows, parts of the date. Nothing of them can be normal for long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_DAY = 86_400
_LEAST_DAYS = 14
_TOGETHER = 0.999
"""How closely the days of a column must follow one another in order."""
_SAME = 0.99
_PARTS = ("year", "quarter", "month", "week", "day", "ordinal_day")


def telling_time(frame: pl.DataFrame, seconds: NDArray[np.float64]) -> dict[str, str]:
    """Return the columns that tell the time, and how.

    Parameters
    ----------
    frame : DataFrame of n rows
    seconds : ndarray of float64, shape (n,)
        When they came, since 1970 (UTC).

    Examples
    --------
    >>> at = np.arange(60 * 24) * 3600.0
    >>> when = pl.from_epoch(pl.Series(at))
    >>> frame = pl.DataFrame({"key": range(len(at)), "month": when.dt.month(), "hour": when.dt.hour()})
    >>> telling_time(frame, at)
    {'key': 'goes up with time, as a clock or a number of the row does', 'month': 'is the month of the time'}
    """
    day = np.floor(seconds / _DAY)
    if len(np.unique(day)) < _LEAST_DAYS:
        return {}
    when = pl.from_epoch(pl.Series(seconds.astype(np.int64)), time_unit="s")
    parts = {part: getattr(when.dt, part)().cast(pl.Float64).to_numpy() for part in _PARTS}
    out = {}
    for name, values in _numbers(frame):
        there = np.isfinite(values)
        if not there.any() or np.ptp(values[there]) == 0:
            continue
        same = (k for k, part in parts.items() if _is(values[there], part[there]))
        if (part := next(same, None)) is not None:
            out[name] = f"is the {part.replace('_', ' ')} of the time"
        elif abs(order := _order(day[there], values[there])) >= _TOGETHER:
            out[name] = (
                f"goes {'up' if order > 0 else 'down'} with time, as a clock or a number of the row does"
            )
    return out


def _is(values: NDArray[np.float64], part: NDArray[np.float64]) -> bool:
    """Say whether values are a part of the date, in each of several stretches: ones all January are no month."""
    stretches, at = np.unique(part, return_inverse=True)
    same = np.bincount(at, (values == part).astype(np.float64)) / np.bincount(at)
    return len(stretches) > 1 and bool(same.min() >= _SAME)


def _numbers(frame: pl.DataFrame) -> Iterator[tuple[str, NDArray[np.float64]]]:
    for column in frame.iter_columns():
        if column.dtype.is_temporal():
            column = column.to_physical()
        elif column.dtype == pl.String:
            # ISO dates sort as texts do; what is none becomes null.
            column = (
                column.str.to_datetime(strict=False, exact=False).to_physical() if _dated(column) else column
            )
        if column.dtype.is_numeric():
            yield column.name, column.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _dated(column: pl.Series) -> bool:
    return bool(
        column.head(1_000).drop_nulls().str.contains(r"^\d{4}-\d{2}-\d{2}").all()
    ) and column.null_count() < len(column)


def _order(day: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """Return the rank correlation of a column's daily means with the days."""
    days, at = np.unique(day, return_inverse=True)
    if len(days) < _LEAST_DAYS:
        return 0.0
    means = np.bincount(at, values - values[0]) / np.bincount(at)
    ranks = np.argsort(np.argsort(means, kind="stable"), kind="stable").astype(np.float64)
    # A column that stands still for days has no order in them, whatever a stable sort makes of it.
    if (np.diff(means) == 0).mean() > 1 - _TOGETHER:
        return 0.0
    return float(np.corrcoef(ranks, np.arange(len(days)))[0, 1])
