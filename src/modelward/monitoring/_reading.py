"""Series read off the counts of an hour, and into the units of people, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from modelward.profiles._kernels import HUGE, PRESENT

LEAST_ROWS = 20
"""Shares and moments of fewer rows are not looked at."""
SAME, ROWS, SPREAD, SHARE = range(4)
"""How a series is turned into the unit that people use: as it is, by expm1, by exp, from the arcsine of a root."""


@njit(cache=True, nogil=True)
def tally(
    counts: Any, counters: Any, repeats: Any, group: Any, shown: Any, binned: Any, slots: int, out: Any
) -> None:
    """Write the numbers of rows of groups of slots, of the `shown` counters and of the fullest buckets to out.

    `group` says of each slot (d, w) which of the first `slots` places it counts for, -1 for none.
    """
    out[:slots] = 0.0
    for j in range(group.shape[0]):
        for k in range(group.shape[1]):
            if group[j, k] >= 0:
                out[group[j, k]] += counts[j, k]
    place = slots
    for k in shown:
        for j in range(counters.shape[0]):
            out[place] = counters[j, k]
            place += 1
    for j in binned:
        most = repeats[j, 0]
        for k in range(1, repeats.shape[1]):
            most = max(most, repeats[j, k])
        out[place] = most
        place += 1


@njit(cache=True, nogil=True)
def read_off(counts: Any, stands: Any, used: Any, out: Any) -> None:
    """Write the standard deviation of each column, shape (d,), as its slots stand for values, to out."""
    for j in range(counts.shape[0]):
        n = first = second = 0.0
        for k in range(counts.shape[1]):
            if used[j, k]:
                n += counts[j, k]
                first += counts[j, k] * stands[j, k]
        n = max(n, 1.0)
        first /= n
        for k in range(counts.shape[1]):
            if used[j, k]:
                second += counts[j, k] * (stands[j, k] - first) ** 2
        out[j] = np.sqrt(second / n)


@njit(cache=True, nogil=True)
def moments(
    counters: Any, sums: Any, centre: Any, spread: Any, least: Any, ratio: Any, measured: Any, out: Any
) -> None:
    """Write means, and after them logarithms of spreads, of the measured columns to out (2 m,).

    A spread under its `least` (d,) is taken for that: of a column that stands still now and then, by day or by hour,
    logarithms would otherwise be as wild as rounding is, and nothing else would be seen of it.
    """
    m = len(measured)
    for i in range(m):
        j = measured[i]
        n = counters[j, PRESENT] - counters[j, HUGE]
        if counters[j, PRESENT] < LEAST_ROWS or n == 0:
            out[i] = out[m + i] = np.nan
            continue
        out[i] = centre[j] + sums[j, 0] / n
        # A column that does not move at all is as far down as can be told.
        out[m + i] = np.log(max(spread[j], least[j]) * ratio[j] + 1e-9 * (abs(out[i]) + 1e-9))


@njit(cache=True, nogil=True)
def arcs(counts: Any, rows: float, out: Any) -> None:
    """Write counts as arcsines of root shares, whose noise does not depend on the share, to out; NaN for few rows."""
    for j in range(len(counts)):
        if np.isnan(counts[j]) or rows < LEAST_ROWS:
            out[j] = np.nan
        else:
            out[j] = np.arcsin(np.sqrt(min(max(counts[j] / rows, 0.0), 1.0)))


@njit(cache=True, nogil=True, inline="always")
def _turned(x: Any, turn: int) -> Any:
    if turn == ROWS:
        return np.expm1(x)
    if turn == SPREAD:
        return np.exp(x)
    if turn == SHARE and not np.isnan(x):
        return np.sin(min(max(x, 0.0), np.pi / 2)) ** 2
    return x


@njit(cache=True, nogil=True)
def natural(values: Any, turns: Any, out: Any) -> None:
    """Write series (n, S) in the units that people use to out; `turns` says of each series which that is."""
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            out[i, j] = _turned(values[i, j], turns[j])


@njit(cache=True, nogil=True)
def bands(y: Any, expected: Any, width: Any, turns: Any, out: Any) -> None:
    """Write what was measured, and the lower and the upper band, in the units that people use to out (3, S)."""
    for j in range(len(y)):
        turn = turns[j]
        out[0, j] = _turned(y[j], turn)
        out[1, j] = _turned(expected[j] - width[j], turn)
        out[2, j] = _turned(expected[j] + width[j], turn)
