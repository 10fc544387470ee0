"""When rows came: any notation of a time as seconds, and which hour takes them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from modelward.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOUR = 3600.0
JUMP = 168
"""Hours that the clock may run ahead at once; further on it takes `CONFIRM` rows in succession."""
CONFIRM = 100
_MOST_SECONDS = 1e11
"""The year 5138: whoever sends more means milliseconds."""


def seconds(when: Any) -> float:
    """Return a time as seconds since 1970 UTC; a time without a zone is UTC.

    Raises
    ------
    InputError
        If it is no time.
    """
    if isinstance(when, int | float) and not isinstance(when, bool):
        return float(when)
    if isinstance(when, datetime):
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    try:
        if isinstance(when, str):
            return seconds(datetime.fromisoformat(when))
        if isinstance(when, np.datetime64):
            return (
                float("nan")
                if np.isnat(when)
                else float(when.astype("datetime64[us]").astype(np.int64)) / 1e6
            )
        return float(when)
    except (ValueError, TypeError, OverflowError):
        raise InputError("a time is a datetime, ISO 8601 text or seconds since 1970") from None


def many_seconds(when: Any, rows: int) -> NDArray[np.float64]:
    """Return a time for each of so many rows, from one or from as many.

    Raises
    ------
    InputError
        If they are no times, or not as many as there are rows.
    """
    if isinstance(when, np.ndarray) and when.dtype.kind in "iuf":
        out = when.astype(np.float64)
    elif isinstance(when, np.ndarray | list | tuple | pl.Series) or hasattr(when, "to_numpy"):
        values = when.to_list() if isinstance(when, pl.Series) else list(when)
        out = np.array([np.nan if v is None else seconds(v) for v in values], dtype=np.float64)
    else:
        return np.full(rows, seconds(when))
    if out.shape != (rows,):
        raise InputError(f"{len(out)} times do not fit {rows} rows: give one time, or one for each row")
    return out


def column_seconds(column: pl.Series, what: str) -> pl.Series:
    """Return a column of times of any notation as seconds since 1970 (float64), NaN where there is none.

    Raises
    ------
    InputError
        If it holds no times.
    """
    if column.dtype.is_temporal() and column.dtype not in (pl.Time, pl.Duration):
        out = column.dt.epoch("us").cast(pl.Float64) / 1e6
    elif column.dtype.is_numeric():
        out = column.cast(pl.Float64)
        largest = out.abs().max()
        if isinstance(largest, float) and largest > _MOST_SECONDS:
            raise InputError(
                f"{what}: column {column.name!r} is no number of seconds since 1970: milliseconds?"
            )
    else:
        text = column.cast(pl.String, strict=False)
        parsed = [_seconds_or_nan(value) for value in text.to_list()]
        out = pl.Series(column.name, parsed, dtype=pl.Float64)
        if text.drop_nulls().len() and not out.is_finite().any():
            raise InputError(f"{what}: column {column.name!r} holds no times such as 2024-03-01T05:00:00Z")
    return out.fill_null(float("nan"))


def _seconds_or_nan(value: str | None) -> float:
    try:
        return float("nan") if value is None else seconds(value.strip())
    except InputError:
        return float("nan")


def astray(times: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which of n ascending times a clock that leaped gave, shape (n,).

    They lie over a week before or after all others, and are under a hundred and under a hundredth of them.

    Examples
    --------
    >>> honest = np.arange(1000) * HOUR
    >>> astray(np.concatenate([[-1e9], honest, [1e9, 2e9]])).nonzero()[0].tolist()
    [0, 1001, 1002]
    """
    n, out = len(times), np.zeros(len(times), dtype=bool)
    few = min(CONFIRM, n // 100 + 1)
    cuts = np.flatnonzero(np.diff(times) > JUMP * HOUR) + 1
    first = cuts[cuts < few].max(initial=0)
    last = cuts[cuts > n - few].min(initial=n)
    out[:first] = True
    out[last:] = True
    return out


class Gate:
    """Says which rows an open hour takes, and counts the others by reason."""

    def __init__(self, lateness: int) -> None:
        self.lateness = lateness
        self.newest: int | None = None
        self.closed: int | None = None
        self.dropped: Counter[str] = Counter()
        self._ahead = 0

    def admit(self, hours: NDArray[np.float64], now: float) -> NDArray[np.bool_]:
        """Return which rows of these hours (NaN for no time) are taken, shape (n,)."""
        known = np.isfinite(hours)
        self._drop("without a time", ~known)
        future = known & (hours > now // HOUR + 1)
        self._drop("from the future", future)
        ok = known & ~future
        if self.closed is not None:
            late = ok & (hours <= self.closed)
            self._drop("too late", late)
            ok &= ~late
        if self.newest is not None:
            far = ok & (hours > self.newest + JUMP)
            self._ahead = self._ahead + int(far.sum()) if far.any() and far[ok].all() else 0
            if self._ahead < CONFIRM:
                self._drop("after a leap of the clock", far)
                ok &= ~far
        return np.asarray(ok)

    def _drop(self, reason: str, rows: NDArray[np.bool_]) -> None:
        if n := int(rows.sum()):
            self.dropped[reason] += n
