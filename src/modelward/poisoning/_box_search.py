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
    from collections.abc import Mapping, Sequence

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
    cuts = forest_cuts(forest, rows.shape[1])
    axis_of, where = np.full(rows.shape[1], -1), {}
    for a, axis in enumerate(axes):
        j = axis.columns[0]
        if len(axis.columns) == 1 and len(axis.values) and np.isfinite(axis.values).all():
            values = axis.values[:, 0]
            values = values.astype(np.float32).astype(np.float64) if forest.single else values
            axis_of[j], where[j] = a, np.searchsorted(cuts[j], values, "left")
    sums = _add_up(forest, cuts, where, rows, goal, pairs=True)
    return _summed(forest, sums, axis_of)


def value_curves(
    forest: Forest, rows: NDArray[np.float64], goal: int, columns: Sequence[int]
) -> dict[int, NDArray[np.float64]]:
    """Return the mean score of rows for a class under all values of single columns.

    Parameters
    ----------
    forest : Forest
    rows : ndarray of shape (n, d)
    goal : int
    columns : sequence of int

    Returns
    -------
    dict of int to ndarray
        By column, for each range between two of its cuts (`forest_cuts`) in turn.
    """
    cuts = forest_cuts(forest, rows.shape[1])
    where = {j: np.arange(len(cuts[j]) + 1) for j in columns if len(cuts[j])}
    if not where:
        return {}
    sums = _add_up(forest, cuts, where, rows, goal, pairs=False)
    return {j: _score(forest, sums.own + sums.single(j)) for j in where}


@dataclass(frozen=True)
class _Sums:
    """Sums over trees, for a row in the mean: of its own leaves, and differences of what values and pairs add."""

    own: float
    alone: NDArray[np.float64]
    both: NDArray[np.float64]
    counts: NDArray[np.int64]
    grids: NDArray[np.int64]

    def single(self, j: int) -> NDArray[np.float64]:
        """What the tried values of a column add."""
        return np.asarray(np.cumsum(self.alone[j, : self.counts[j]]))


def _add_up(
    forest: Forest, cuts: Sequence[NDArray[np.float64]], where: Mapping[int, NDArray[np.int64]],
    rows: NDArray[np.float64], goal: int, *, pairs: bool,
) -> _Sums:  # fmt: skip
    """Sum over all leaves; `where` gives the cells of a column's tried values, ascending."""
    d = rows.shape[1]
    seen = rows.astype(np.float32).astype(np.float64) if forest.single else rows
    cells = np.stack([np.searchsorted(cuts[j], seen[:, j], "left") for j in range(d)], axis=1).astype(
        np.int32
    )
    last = np.array([len(c) for c in cuts], dtype=np.int32)
    counts, starts = np.zeros(d, dtype=np.int64), np.zeros(d, dtype=np.int64)
    place = []
    total = 0
    for j in range(d):
        starts[j] = total
        if j in where:
            counts[j] = len(where[j])
            place.append(np.searchsorted(where[j], np.arange(int(last[j]) + 2), "left"))
            total += int(last[j]) + 2
    grids = _grids(counts) if pairs else np.full((d, d), -1, dtype=np.int64)
    alone = np.zeros((d, int(counts.max(initial=0)) + 1))
    both = np.zeros(max(1, int(grids.max()) + 1 + int((counts.max(initial=0) + 1) ** 2)) if pairs else 1)
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
    return _Sums(own / len(rows), alone / len(rows), both / len(rows), counts, grids)


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


def _score(forest: Forest, sums: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Bring sums to scores in [0, 1]."""
    values = np.asarray(sums, dtype=np.float64)
    if forest.sums_in == "mean":
        return np.clip(values / len(forest.trees), 0.0, 1.0)
    return np.asarray(expit(values))


def _summed(forest: Forest, sums: _Sums, axis_of: NDArray[np.int64]) -> PairScores:
    """Sum differences of pairs up, and bring sums to scores."""
    counts, grids, own = sums.counts, sums.grids, sums.own
    single = {j: sums.single(j) for j in range(len(counts)) if counts[j]}
    pairs = {}
    for j, k in zip(*np.nonzero(grids >= 0), strict=True):
        shape = (int(counts[j]) + 1, int(counts[k]) + 1)
        grid = sums.both[grids[j, k] : grids[j, k] + shape[0] * shape[1]].reshape(shape)
        more = np.cumsum(np.cumsum(grid, axis=0), axis=1)[:-1, :-1]
        pairs[int(axis_of[j]), int(axis_of[k])] = _score(
            forest, own + single[j][:, None] + single[k][None] + more
        )
    by_axis = {int(axis_of[j]): _score(forest, own + values) for j, values in single.items()}
    return PairScores(float(_score(forest, own)), by_axis, pairs)


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
