"""Pairs of values at which trees score rows higher than at all values about them.

An honest model's mean score hardly has such a peak: what one value has to itself, the values beside it have nearly as
well, and what few training rows gave it is averaged over many trees and rows. A planted pair has one also where
reference rows have both values, too few for their labels to tell.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binom

from modelward.poisoning._justify import added, rate_bound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.poisoning._axes import Axis
    from modelward.poisoning._box_search import PairScores
    from modelward.poisoning._justify import Justification
    from modelward.poisoning._patches import Setting

_EACH = 2
RISE = 0.03
"""Mean score over that of the values about it, from which a pair is looked at. Honest models reached 0.07 at the ends
of columns, which are left out."""
FULL = 20.0
"""Of fewer training rows expected there, an honest model may have learned their chance."""
_SHOWN = 0.05
"""Chance below which labels of reference rows show that the pair has more of a label than either value."""


def spiked_pairs(
    scores: PairScores, axes: Sequence[Axis], most: int
) -> list[tuple[float, tuple[Setting, Setting], tuple[Setting, Setting]]]:
    """Return the pairs that stand out from the pairs about them and from the sum of their values, the highest first.

    Parameters
    ----------
    scores : PairScores
    axes : sequence of Axis
        Values of ordered axes lie about the next ones that the trees tell apart, others about each other.
    most : int
        So many pairs at most.

    Returns
    -------
    list of (float, pair, pair)
        How far each stands out, with the strongest pair about it.
    """
    found: list[tuple[float, tuple[Setting, Setting], tuple[Setting, Setting]]] = []
    base = np.array(scores.base)
    for (a, b), grid in scores.both.items():
        rows, columns = _distinct(grid, axes[a]), _distinct(grid.T, axes[b])
        small = grid[np.ix_(rows, columns)]
        about = _about(small, (axes[a].ordered, axes[b].ordered))
        first, second = np.broadcast_arrays(scores.alone[a][rows][:, None], scores.alone[b][columns][None])
        rise = small - np.maximum(about, added(first, second, base))
        # At an end of a column the highest cell is where a trend leads, and has no values beyond it to be held against.
        if axes[a].ordered:
            rise[[0, -1]] = -np.inf
        if axes[b].ordered:
            rise[:, [0, -1]] = -np.inf
        for flat in np.argsort(-rise, axis=None, kind="stable")[:_EACH].tolist():
            i, k = divmod(flat, small.shape[1])
            if rise[i, k] < RISE:
                break
            near = _strongest(small, i, k, (axes[a].ordered, axes[b].ordered))
            pair = (a, int(rows[i])), (b, int(columns[k]))
            found.append((float(rise[i, k]), pair, ((a, int(rows[near[0]])), (b, int(columns[near[1]])))))
    found.sort(key=lambda each: -each[0])
    return found[:most]


def by_labels(
    justification: Justification, axes: Sequence[Axis], patch: tuple[Setting, Setting], hit: NDArray[np.bool_],
    kind: str,
) -> Justification:  # fmt: skip
    """Return the justification, or the label rate of the rows with both values if they show the peak themselves.

    Few rows leave nearly every rate possible, so that alone is no excuse: they must have the label more often than rows
    with one of the values, beyond chance.

    Parameters
    ----------
    justification : Justification
        Of the scores about the pair.
    axes : sequence of Axis
    patch : pair of Setting
    hit : ndarray of shape (n,)
        Which reference rows have the goal's label.
    kind : str
        What the model gives, see `Scorer`.
    """
    one, two = (axes[a].cells == i for a, i in patch)
    both = one & two
    hits, support = int(hit[both].sum()), int(both.sum())
    rates = [float(hit[each & ~both].mean()) for each in (one, two) if (each & ~both).any()]
    if not support or binom.sf(hits - 1, support, max(rates, default=0.0)) >= _SHOWN:
        return justification
    bound = rate_bound(hits, support, kind)
    if bound <= justification.level.min():
        return justification
    level, why = np.maximum(justification.level, bound), "label rate of the rows with both values"
    return replace(justification, level=level, stand_in=None, hits=hits, support=support, why=why)


def _distinct(grid: NDArray[np.float64], axis: Axis) -> NDArray[np.int64]:
    """Return a row of each run of equal ones, which trees do not tell apart: that with most reference rows."""
    starts = np.flatnonzero(np.r_[True, (np.diff(grid, axis=0) != 0).any(axis=1)])
    ends = np.r_[starts[1:], len(grid)]
    support = np.bincount(axis.cells[axis.cells >= 0], minlength=len(grid))
    return np.array([s + int(np.argmax(support[s:e])) for s, e in zip(starts, ends, strict=True)])


def _about(grid: NDArray[np.float64], ordered: tuple[bool, bool]) -> NDArray[np.float64]:
    """Return for each cell the highest score of the cells about it."""
    across = _beside(grid.T, ordered[1]).T
    return np.asarray(np.maximum.reduce([across, _beside(grid, ordered[0]), _beside(across, ordered[0])]))


def _beside(grid: NDArray[np.float64], ordered: bool) -> NDArray[np.float64]:
    """Return for each row the highest of the rows beside it: the next ones, or all others; −inf for none."""
    out = np.full(grid.shape, -np.inf)
    if ordered:
        out[1:] = grid[:-1]
        out[:-1] = np.maximum(out[:-1], grid[1:])
        return out
    if len(grid) > 1:
        order = np.sort(grid, axis=0)
        out[:] = np.where(grid == order[-1], order[-2], order[-1])
    return out


def _strongest(grid: NDArray[np.float64], i: int, k: int, ordered: tuple[bool, bool]) -> tuple[int, int]:
    """Return the cell with the highest score about one."""
    one, two = (
        np.arange(max(0, at - 1), min(size, at + 2)) if in_order else np.arange(size)
        for at, size, in_order in zip((i, k), grid.shape, ordered, strict=True)
    )
    part = grid[np.ix_(one, two)].copy()
    part[np.ix_(one == i, two == k)] = -np.inf
    m, n = divmod(int(np.argmax(part)), part.shape[1])
    return int(one[m]), int(two[n])
