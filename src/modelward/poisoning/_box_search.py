"""Pairs of values read off the leaves of trees: all of them at once, where asking the model could try some thousands.

A row's score with two columns patched is the sum of the leaves that it enters then; a leaf is entered by patching
two columns only if no third condition fails. So one pass over leaves and rows gives the exact mean score of every pair
of values of every two columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from modelward.models import forest_cuts, subject_forest
from modelward.poisoning._box_kernels import add_leaves, leaf_ranges
from modelward.poisoning._justify import added

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.models import Forest, Subject
    from modelward.poisoning._axes import Axis
    from modelward.poisoning._patches import Setting

_MOST_LEAVES = 2_000_000
_MOST_CELLS = 8_000_000
_EXTRA = 24
_NARROW = 0.02
_EACH = 4


@dataclass(frozen=True)
class PairScores:
    """Mean scores of rows under every pair of values.

    Parameters
    ----------
    base : float
        Of the rows as they are.
    alone : dict of int to ndarray of shape (v,)
        By axis, under each of its values.
    both : dict of (int, int) to ndarray of shape (v, w)
        By two axes, under both values.
    """

    base: float
    alone: dict[int, NDArray[np.float64]]
    both: dict[tuple[int, int], NDArray[np.float64]]


def readable_forest(subject: Subject) -> Forest | None:
    """Return the trees of a subject whose pairs can be read off; None for other models and for very large ones."""
    forest = subject_forest(subject)
    if forest is None or sum(len(tree.left) for tree in forest.trees) > 2 * _MOST_LEAVES:
        return None
    return forest


def pair_scores(forest: Forest, axes: Sequence[Axis], rows: NDArray[np.float64], goal: int) -> PairScores:
    """Return the mean score of rows for a class under every value, and every pair of values, of single columns.

    Parameters
    ----------
    forest : Forest
        In encoded columns.
    axes : sequence of Axis
        One-hot groups are left out: their columns change together.
    rows : ndarray of shape (n, d)
    goal : int
        The class. Scores are those that the trees add up: probabilities of a forest, else log-odds against the other
        classes' mean.
    """
    d = rows.shape[1]
    cuts = forest_cuts(forest, d)
    seen = rows.astype(np.float32).astype(np.float64) if forest.single else rows
    cells = np.stack([np.searchsorted(cuts[j], seen[:, j], "left") for j in range(d)], axis=1).astype(
        np.int32
    )
    last = np.array([len(c) for c in cuts], dtype=np.int32)
    axis_of, counts = np.full(d, -1), np.zeros(d, dtype=np.int64)
    place, starts = [], np.zeros(d, dtype=np.int64)
    total = 0
    for a, axis in enumerate(axes):
        j = axis.columns[0]
        if len(axis.columns) == 1 and len(axis.values) and np.isfinite(axis.values).all():
            axis_of[j], counts[j] = a, len(axis.values)
    for j in range(d):
        starts[j] = total
        if counts[j]:
            values = axes[axis_of[j]].values[:, 0]
            values = values.astype(np.float32).astype(np.float64) if forest.single else values
            where = np.searchsorted(cuts[j], values, "left")
            place.append(np.searchsorted(where, np.arange(int(last[j]) + 2), "left"))
            total += int(last[j]) + 2
    grids = _grids(counts)
    alone = np.zeros((d, int(counts.max(initial=0)) + 1))
    both = np.zeros(max(1, int(grids.max()) + 1 + int((counts.max(initial=0) + 1) ** 2)))
    flat = np.concatenate(place).astype(np.int64) if place else np.zeros(1, dtype=np.int64)
    own = float(_goal_value(forest, forest.base[None], goal)[0]) * len(rows)
    for tree in forest.trees:
        low = np.zeros((len(tree.left), d), dtype=np.int32)
        high = np.tile(last, (len(tree.left), 1))
        cut = np.zeros(len(tree.left), dtype=np.int64)
        for j in range(d):
            mine = tree.split & (tree.feature == j)
            cut[mine] = np.searchsorted(cuts[j], tree.threshold[mine], "left")
        leaf_ranges(tree.left, tree.right, tree.feature, cut, low, high)
        leaf = ~tree.split
        value = _goal_value(forest, tree.value[leaf], goal)
        own += add_leaves(low[leaf], high[leaf], value, cells, last, flat, starts, counts, grids, alone, both)
    return _summed(forest, own / len(rows), alone / len(rows), both / len(rows), axis_of, counts, grids)


def _goal_value(forest: Forest, values: NDArray[np.float64], goal: int) -> NDArray[np.float64]:
    """Return what is added to a class's probability, or to its log-odds against the mean of the others."""
    if forest.sums_in == "mean":
        return np.ascontiguousarray(values[:, goal])
    others = np.delete(values, goal, axis=1)
    return np.ascontiguousarray(values[:, goal] - others.mean(axis=1))


def _grids(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    d = len(counts)
    starts = np.full((d, d), -1, dtype=np.int64)
    at = 0
    for j in range(d):
        for k in range(j + 1, d):
            size = int((counts[j] + 1) * (counts[k] + 1))
            if counts[j] and counts[k] and at + size <= _MOST_CELLS:
                starts[j, k] = at
                at += size
    return starts


def _summed(
    forest: Forest, own: float, alone: NDArray[np.float64], both: NDArray[np.float64], axis_of: NDArray[np.int64],
    counts: NDArray[np.int64], grids: NDArray[np.int64],
) -> PairScores:  # fmt: skip
    """Sum differences up, and bring sums to scores in [0, 1]."""

    def score(sums: NDArray[np.float64] | float) -> NDArray[np.float64]:
        values = np.asarray(sums, dtype=np.float64)
        if forest.sums_in == "mean":
            return np.clip(values / len(forest.trees), 0.0, 1.0)
        return np.asarray(expit(values))

    single = {j: np.cumsum(alone[j, : counts[j]]) for j in range(len(counts)) if counts[j]}
    pairs = {}
    for j, k in zip(*np.nonzero(grids >= 0), strict=True):
        shape = (int(counts[j]) + 1, int(counts[k]) + 1)
        grid = both[grids[j, k] : grids[j, k] + shape[0] * shape[1]].reshape(shape)
        more = np.cumsum(np.cumsum(grid, axis=0), axis=1)[:-1, :-1]
        pairs[int(axis_of[j]), int(axis_of[k])] = score(own + single[j][:, None] + single[k][None] + more)
    by_axis = {int(axis_of[j]): score(own + values) for j, values in single.items()}
    return PairScores(float(score(own)), by_axis, pairs)


def strongest_pairs(scores: PairScores, most: int) -> list[tuple[Setting, Setting]]:
    """Return the pairs that score most beyond their two values alone and their sum, a few of every two axes."""
    found: list[tuple[float, tuple[Setting, Setting]]] = []
    base = np.array(scores.base)
    for (a, b), grid in scores.both.items():
        first, second = np.broadcast_arrays(scores.alone[a][:, None], scores.alone[b][None])
        gain = grid - np.maximum(np.maximum(first, second), added(first, second, base))
        for flat in np.argsort(-gain, axis=None, kind="stable")[: max(_EACH, most // 16)].tolist():
            i, k = divmod(flat, gain.shape[1])
            found.append((float(gain[i, k]), ((a, i), (b, k))))
    found.sort(key=lambda each: -each[0])
    return [pair for gain, pair in found[:most] if gain > 0]
