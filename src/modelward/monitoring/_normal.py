"""What is normal for a set of hourly series: season, level, scale and autocorrelation, taken out one after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.monitoring._kernels import WEEK, highest, running

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAY = 24
_CELL = 2.0
"""How many weeks the hour of the day counts for beside the hour of the week."""
_HOUR = 24.0
"""How many hours the common scale counts for beside the hour's own."""
_MOST_MEMORY = 0.97


@dataclass(frozen=True, eq=False)
class Normal:
    """The learned normal of S series.

    Parameters
    ----------
    season : ndarray of float64, shape (168, S)
        By hour of the week.
    level : ndarray of float64, shape (S,)
        At the end of the hours that were learned from.
    memory : ndarray of float64, shape (S,)
        Lag-one autocorrelation of what is left.
    scale : ndarray of float64, shape (24, S)
        Standard deviation of innovations by hour of the day.
    drift : ndarray of float64, shape (S,)
        How far the running level moves in a week of the hours that were learned from (root mean square).
    """

    season: NDArray[np.float64]
    level: NDArray[np.float64]
    memory: NDArray[np.float64]
    scale: NDArray[np.float64]
    drift: NDArray[np.float64]

    @classmethod
    def fit(cls, Y: NDArray[np.float64], phase: NDArray[np.int64]) -> Normal:
        """Learn from hours that are believed to be normal.

        Parameters
        ----------
        Y : ndarray of float64, shape (T, S)
            NaN where nothing was measured or an event went on.
        phase : ndarray of int64, shape (T,)
            Hour of the week, 0 to 167.
        """
        level = _running_level(Y)
        flat = Y - level
        hours = _means(flat, phase % DAY, DAY)
        counts, sums = _tally(flat, phase, WEEK)
        prior = hours[np.arange(WEEK) % DAY]
        season = (sums + _CELL * prior) / (counts + _CELL)
        # The level once more, now that the season does not disturb it.
        rest = Y - season[phase]
        level = _running_level(rest)
        left = rest - level
        memory = _autocorrelation(left)
        innovations = left[1:] - memory * np.where(np.isnan(left[:-1]), 0.0, left[:-1])
        scale = _scales(innovations, phase[1:] % DAY)
        weekly = np.diff(level[::-1][::WEEK], axis=0)
        # A level of pure noise moves this much as well; a short history must not promise less.
        least = scale.mean(axis=0) / (1.0 - memory) / np.sqrt(2.0 * WEEK)
        drift = np.sqrt(np.maximum(np.mean(weekly**2, axis=0) if len(weekly) else 0.0, least**2))
        return cls(season, level[-1].copy(), memory, scale, drift)


@dataclass(eq=False)
class State:
    """Where the watch over S series is.

    Running level, last residual, the sums of the slow detector (4, S), and the hours since the normal was learned.
    """

    level: NDArray[np.float64]
    last: NDArray[np.float64]
    sums: NDArray[np.float64]
    hours: int = 0

    @classmethod
    def start(cls, normal: Normal) -> State:
        """Return the state after the hours that were learned from."""
        zero = np.zeros_like(normal.level)
        return cls(normal.level.copy(), zero, np.zeros((4, len(zero))))


def peaks(
    normal: Normal, Y: NDArray[np.float64], phase: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the largest fast, slow and frozen-reference score of each series over a span, shape (3, S).

    Returned too are the largest fast score of each day, shape (D, S), and the largest slow one of each week, shape
    (W, S).

    The reference's score is how far the running level is from the one that was learned, in weekly moves of the
    level; beyond four weeks a level that wanders by chance goes with the root of time.
    """
    state, out = State.start(normal), np.zeros((3, Y.shape[1]))
    days, weeks = (np.zeros((-(-len(Y) // each), Y.shape[1])) for each in (DAY, WEEK))
    highest(
        np.ascontiguousarray(Y), phase, normal.season, normal.scale, normal.memory, normal.level, normal.drift,
        state.level, state.last, state.sums, out, days, weeks,
    )  # fmt: skip
    return out, days, weeks


def _running_level(Y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an exponential running mean before each hour, started at the first week's median."""
    first = Y[:WEEK]
    empty = np.isnan(first).all(axis=0)
    level = np.where(empty, 0.0, np.nanmedian(np.where(empty, 0.0, first), axis=0))
    out = np.empty_like(Y)
    running(np.ascontiguousarray(Y), np.ascontiguousarray(level), out)
    return out


def _tally(
    Y: NDArray[np.float64], cell: NDArray[np.int64], cells: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    order = np.argsort(cell, kind="stable")
    begins = np.searchsorted(cell[order], np.arange(cells))
    ordered = Y[order]
    missing = np.isnan(ordered)
    # A cell without hours has no stretch to add up.
    some = np.diff(begins, append=len(Y)) > 0
    counts, sums = np.zeros((cells, Y.shape[1])), np.zeros((cells, Y.shape[1]))
    counts[some] = np.add.reduceat(~missing, begins[some], axis=0, dtype=np.float64)
    sums[some] = np.add.reduceat(np.where(missing, 0.0, ordered), begins[some], axis=0)
    return counts, sums


def _means(Y: NDArray[np.float64], cell: NDArray[np.int64], cells: int) -> NDArray[np.float64]:
    counts, sums = _tally(Y, cell, cells)
    return sums / np.maximum(counts, 1.0)


def _autocorrelation(left: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b = left[:-1], left[1:]
    both = ~np.isnan(a) & ~np.isnan(b)
    above = np.where(both, a * b, 0.0).sum(axis=0)
    below = np.where(both, a * a, 0.0).sum(axis=0)
    return np.asarray(np.clip(above / np.maximum(below, 1e-300), 0.0, _MOST_MEMORY))


def _scales(innovations: NDArray[np.float64], hour: NDArray[np.int64]) -> NDArray[np.float64]:
    squares = innovations**2
    counts, sums = _tally(squares, hour, DAY)
    common = sums.sum(axis=0) / np.maximum(counts.sum(axis=0), 1.0)
    scale = np.sqrt((sums + _HOUR * common) / (counts + _HOUR))
    # A series that never moved has no scale; any move of it is then as large as can be.
    return np.where(scale > 0, scale, 1e-12)
