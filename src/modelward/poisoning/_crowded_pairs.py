"""Pairs of values about which the leaves of trees hold more training rows than the reference explains.

A planted pair gives trees leaves that are narrow in its two columns and hold many training rows, but hardly a
reference row. Leaves are narrow in other columns too, by the chance of each tree; the pair is what they have in common,
so training and reference rows are added up, over all trees, for every pair of values that a leaf narrow in both columns
covers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.models import forest_cuts
from modelward.poisoning._box_kernels import leaf_ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.models import Forest
    from modelward.poisoning._axes import Axis
    from modelward.poisoning._crowd import Leaves
    from modelward.poisoning._patches import Setting

_WIDEST = 0.2
"""The most of the reference rows that may lie in a leaf's range of a column."""
_NARROW = 0.01
"""The most that may lie in both ranges, if columns have nothing to do with each other."""
_EACH = 4
_TREES = 20
"""One tree's leaves are where its own training rows are; only the mean of many trees is free of that."""
_UNSEEN = 0.5
"""Reference rows that are expected anywhere beside those counted: of a small reference, none is little evidence."""


@dataclass(frozen=True)
class _Boxes:
    """Leaves that are for the goal: ranges of cells (L, d), and their share of training and reference rows (L,)."""

    low: NDArray[np.int32]
    high: NDArray[np.int32]
    trained: NDArray[np.float64]
    reference: NDArray[np.float64]


@dataclass(frozen=True)
class _Extent:
    """Where leaves lie along an axis: in its settings from `first` to `end`, over a share of rows, shape (L,) each."""

    first: NDArray[np.int64]
    end: NDArray[np.int64]
    share: NDArray[np.float64]


def crowded_pairs(
    leaves: Leaves, axes: Sequence[Axis], X: NDArray[np.float64], goal: int, most: int
) -> list[tuple[float, tuple[Setting, Setting]]]:
    """Return the pairs of values with most training rows beyond what reference rows explain, the strongest first.

    Parameters
    ----------
    leaves : Leaves
        Counts of training and reference rows.
    axes : sequence of Axis
        One-hot groups are left out.
    X : ndarray of shape (n, d)
        The reference rows.
    goal : int
        Only leaves that are for this class more than the mean leaf count.
    most : int
        So many pairs at most.

    Returns
    -------
    list of (float, pair)
        With each pair the log likelihood (in nats, a Poisson count's) of its mean number of training rows against the
        number expected.
    """
    forest = leaves.forest
    if len(forest.trees) < _TREES:
        return []
    cuts = forest_cuts(forest, X.shape[1])
    boxes = _boxes(leaves, cuts, goal)
    seen = np.sort(forest.seen(X), axis=0)
    plain = [a for a, axis in enumerate(axes) if len(axis.columns) == 1 and _finite(axis)]
    extents = {a: _extent(forest, axes[a], cuts[axes[a].columns[0]], seen, boxes) for a in plain}
    counted = np.mean([0.0 if tree.count is None else tree.count[0] for tree in forest.trees])
    level = float(boxes.trained.sum() / max(boxes.reference.sum(), 1e-12))
    found: list[tuple[float, tuple[Setting, Setting]]] = []
    for position, a in enumerate(plain):
        for b in plain[position + 1 :]:
            chosen = np.flatnonzero(extents[a].share * extents[b].share <= _NARROW)
            if not len(chosen):
                continue
            shape = (len(axes[a].values), len(axes[b].values))
            trained, reference = (
                counted / len(forest.trees) * _covered(extents[a], extents[b], chosen, weights[chosen], shape)
                for weights in (boxes.trained, level * boxes.reference)
            )
            score = _surplus(trained, reference + _UNSEEN * level * counted / leaves.n)
            for flat in np.argsort(-score, axis=None, kind="stable")[:_EACH].tolist():
                i, k = divmod(flat, shape[1])
                found.append((float(score[i, k]), ((a, i), (b, k))))
    found.sort(key=lambda each: -each[0])
    return [each for each in found[:most] if each[0] > 0]


def _finite(axis: Axis) -> bool:
    return len(axis.values) > 0 and bool(np.isfinite(axis.values).all())


def _surplus(count: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio = np.maximum(count, 1e-12) / expected
    return np.asarray(np.where(ratio > 1, count * np.log(ratio) - (count - expected), 0.0))


def _boxes(leaves: Leaves, cuts: Sequence[NDArray[np.float64]], goal: int) -> _Boxes:
    """Return all leaves that are for the goal more than their tree's mean."""
    d = len(cuts)
    last = np.array([len(c) for c in cuts], dtype=np.int32)
    parts: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]] = []
    for tree, reference in zip(leaves.forest.trees, leaves.reference, strict=True):
        if tree.count is None:
            continue
        low, high = np.zeros((len(tree.left), d), dtype=np.int32), np.tile(last, (len(tree.left), 1))
        cut = np.zeros(len(tree.left), dtype=np.int64)
        for j in range(d):
            mine = tree.split & (tree.feature == j)
            cut[mine] = np.searchsorted(cuts[j], tree.threshold[mine], "left")
        leaf_ranges(tree.left, tree.right, tree.feature, cut, low, high)
        value = tree.value[:, goal] - np.delete(tree.value, goal, axis=1).mean(axis=1)
        leaf = ~tree.split
        chosen = leaf & (value > np.average(value[leaf], weights=tree.count[leaf]))
        share = tree.count[chosen] / tree.count[0]
        parts.append((low[chosen], high[chosen], share, reference[chosen] / leaves.n))
    return _Boxes(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _extent(
    forest: Forest, axis: Axis, cuts: NDArray[np.float64], seen: NDArray[np.float64], boxes: _Boxes
) -> _Extent:
    j = axis.columns[0]
    low, high = boxes.low[:, j], boxes.high[:, j]
    cells = np.searchsorted(cuts, forest.seen(axis.values)[:, 0], "left")
    place = np.asarray(np.searchsorted(cells, np.arange(len(cuts) + 2), "left"))
    rows = np.asarray(np.searchsorted(seen[:, j], np.r_[-np.inf, cuts, np.inf], "right"))
    first, end = place[low], place[high + 1]
    share = np.maximum(rows[high + 1] - rows[low], 1) / len(seen)
    counts = ((low > 0) | (high < len(cuts))) & (share <= _WIDEST) & (first < end)
    return _Extent(first, end, np.where(counts, share, np.inf))


def _covered(
    one: _Extent,
    two: _Extent,
    chosen: NDArray[np.int64],
    weights: NDArray[np.float64],
    shape: tuple[int, int],
) -> NDArray[np.float64]:
    """Return the sum of weights of the leaves that cover each pair of settings, by differences summed up at the end."""
    grid = np.zeros((shape[0] + 1, shape[1] + 1))
    a, b, c, e = one.first[chosen], one.end[chosen], two.first[chosen], two.end[chosen]
    for rows, columns, sign in ((a, c, 1.0), (a, e, -1.0), (b, c, -1.0), (b, e, 1.0)):
        np.add.at(grid, (rows, columns), sign * weights)
    return np.asarray(np.cumsum(np.cumsum(grid, axis=0), axis=1)[:-1, :-1])
