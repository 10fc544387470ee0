"""Where a column deserves a closer look than its quantiles: values that training rows crowd at, and jumps of the trees.

A column of many values is tried at quantiles and beyond its range. One value within it that somebody planted lies
between them, and would be missed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binom

from modelward.models import forest_cuts
from modelward.poisoning._axes import Narrow, with_narrow
from modelward.poisoning._box_search import value_curves
from modelward.poisoning._reference import MIN_SUPPORT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.models import Forest
    from modelward.poisoning._axes import Axis

_MOST = 6
"""Narrow settings of a column from each source."""
_RARE = 1e-3
"""Chance from which on a training value's crowd deserves a setting: being one proves nothing yet."""
_RISE = 0.02
"""Score that a jump must add to what the settings about it have, on the rows tried."""
_TOP = 0.9
"""Share of a jump's rise that its range keeps."""
_ROWS = 64


def closer(
    axes: Sequence[Axis], X: NDArray[np.float64], y: NDArray[np.int64], goals: Sequence[int],
    forest: Forest | None, trained: NDArray[np.float64] | None, rng: np.random.Generator,
) -> tuple[Axis, ...]:  # fmt: skip
    """Return the axes with settings of their own for what lies between quantiles.

    Parameters
    ----------
    axes : sequence of Axis
    X, y : ndarray of shape (n, d) and (n,)
        Reference rows and labels.
    goals : sequence of int
        Classes that are tried.
    forest : Forest or None
        The model's trees, where it has trees that can be read.
    trained : ndarray of shape (t, d) or None
        The training rows, where they are given.
    rng : Generator
        Draws rows.
    """
    found: list[list[Narrow]] = [[] for _ in axes]
    wide = [a for a, axis in enumerate(axes) if axis.ordered and _between(axis, X, trained)]
    if trained is not None:
        for a in wide:
            j = axes[a].columns[0]
            found[a] += crowded_values(trained[:, j], X[:, j])
    if forest is not None and wide:
        for goal in goals:
            others = rng.permutation(np.flatnonzero(y != goal))[:_ROWS]
            for a, ranges in _jumps(forest, axes, wide, X, X[others], goal).items():
                found[a] += ranges
    return tuple(
        with_narrow(axis, ranges, X) if ranges else axis for axis, ranges in zip(axes, found, strict=True)
    )


def _between(axis: Axis, X: NDArray[np.float64], trained: NDArray[np.float64] | None) -> bool:
    """Say whether any row has a value that is no setting: columns of few values are tried at all of them."""
    tables = [X] if trained is None else [X, trained]
    for table in tables:
        x = table[:, axis.columns[0]]
        if not np.isin(x[~np.isnan(x)], axis.values[:, 0]).all():
            return True
    return False


def crowded_values(trained: NDArray[np.float64], x: NDArray[np.float64]) -> list[Narrow]:
    """Return the values that more training rows have than the reference explains, the least likely first.

    Parameters
    ----------
    trained, x : ndarray of shape (t,) and (n,)
        A column of both.
    """
    values, counts = np.unique(trained[~np.isnan(trained)], return_counts=True)
    kept = counts >= MIN_SUPPORT
    values, counts = values[kept], counts[kept]
    known = np.sort(x[~np.isnan(x)])
    there = np.searchsorted(known, values, "right") - np.searchsorted(known, values, "left")
    chance = binom.sf(counts - 1, counts + there, len(trained) / (len(trained) + len(x)))
    order = np.argsort(chance, kind="stable")
    return [Narrow.of_value(float(values[k])) for k in order[:_MOST] if chance[k] < _RARE]


def _jumps(
    forest: Forest, axes: Sequence[Axis], wide: Sequence[int], X: NDArray[np.float64],
    rows: NDArray[np.float64], goal: int,
) -> dict[int, list[Narrow]]:  # fmt: skip
    """Return by axis where the rows' mean score stands out between two settings, the highest first."""
    cuts = forest_cuts(forest, X.shape[1])
    curves = value_curves(forest, rows, goal, [axes[a].columns[0] for a in wide])
    out: dict[int, list[Narrow]] = {}
    for a in wide:
        j = axes[a].columns[0]
        if j in curves and len(cuts[j]) > 1:
            out[a] = _peaks(curves[j], cuts[j], axes[a])
    return out


def _peaks(curve: NDArray[np.float64], cuts: NDArray[np.float64], axis: Axis) -> list[Narrow]:
    """Return the narrow ranges between cuts in which a curve is over that of the settings on either side."""
    settings, cells = np.searchsorted(cuts, axis.values[:, 0], "left"), np.arange(len(curve))
    below = np.clip(np.searchsorted(settings, cells, "right") - 1, 0, None)
    above = np.clip(np.searchsorted(settings, cells, "left"), None, len(settings) - 1)
    rise = curve - np.maximum(curve[settings[below]], curve[settings[above]])
    rise[[0, -1]] = 0.0  # the outermost have no end, and settings beyond the range lie in them
    found: list[Narrow] = []
    for _ in range(_MOST):
        top = int(np.argmax(rise))
        if rise[top] < _RISE:
            break
        # Reference rows beside the top are no witnesses of it, though trees may treat many of them alike.
        first, last = _around(curve >= curve[top] - (1 - _TOP) * rise[top], top)
        value = _inside(float(cuts[top - 1]), float(cuts[top]), axis.step)
        if value is not None:
            found.append(Narrow(float(cuts[first - 1]), float(cuts[last]), value))
        wide = _around(curve >= curve[top] - rise[top] / 2, top)
        rise[wide[0] : wide[1] + 1] = 0.0
    return found


def _around(over: NDArray[np.bool_], top: int) -> tuple[int, int]:
    """Return the first and the last of the positions about one without a gap, the outermost left out."""
    under = np.flatnonzero(~over)
    first = int(under[under < top].max(initial=0)) + 1
    last = int(under[under > top].min(initial=len(over) - 1)) - 1
    return first, last


def _inside(low: float, high: float, step: float) -> float | None:
    """Return a value over `low` and up to `high` that the column may have; None where it has none there."""
    if not step:
        return (low + high) / 2
    value = float(np.floor(high / step) * step)
    return value if value > low else None
