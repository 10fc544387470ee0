"""The leaves of a set of trees as boxes of threshold cells, and what can be proven about a box.

Column j's thresholds, sorted, cut it into cells: cell c holds the values over threshold c − 1 and up to
threshold c. A box is a range of cells for each column, so it is exact whatever the thresholds are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.artifacts._inspect.trees import TreeNodes, TreeSet

MOST = 40_000_000
"""Leaves times columns that are laid out at most: 320 MB."""


@dataclass(frozen=True, eq=False)
class Leaves:
    """All leaves of a set of trees.

    Parameters
    ----------
    columns : ndarray of int64, shape (d,)
        The columns that some tree splits on by order; the axes of the boxes.
    cuts : tuple of d sorted ndarrays
        Thresholds of each.
    low, high : ndarray of int32, shape (d, L)
        First and last cell of each leaf.
    value : ndarray of float64, shape (L, k)
        What each leaf adds to the scores.
    share : ndarray of float64, shape (L,)
        Share of its tree's training rows.
    starts : ndarray of int64, shape (t,)
        First leaf of each tree.
    """

    columns: NDArray[np.int64]
    cuts: tuple[NDArray[np.float64], ...]
    low: NDArray[np.int32]
    high: NDArray[np.int32]
    value: NDArray[np.float64]
    share: NDArray[np.float64]
    starts: NDArray[np.int64]

    @property
    def last(self) -> NDArray[np.int32]:
        """The last cell of each column."""
        return np.array([len(cut) for cut in self.cuts], dtype=np.int32)


def lay_out(trees: TreeSet) -> Leaves | None:
    """Return the leaves of a set of trees; None if there are too many to be laid out."""
    cuts = _cuts(trees)
    columns = np.array(sorted(cuts), dtype=np.int64)
    total = sum(int((~tree.inner).sum()) for tree in trees.trees)
    if total * max(1, len(columns)) > MOST:
        return None
    ordered = tuple(cuts[int(j)] for j in columns)
    parts = [_tree_leaves(tree, columns, ordered) for tree in trees.trees]
    counts = np.array([len(value) for _, _, value, _ in parts], dtype=np.int64)
    return Leaves(
        columns, ordered,
        np.ascontiguousarray(np.concatenate([p[0] for p in parts]).T),
        np.ascontiguousarray(np.concatenate([p[1] for p in parts]).T),
        np.concatenate([p[2] for p in parts]), np.concatenate([p[3] for p in parts]),
        np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64),
    )  # fmt: skip


def _cuts(trees: TreeSet) -> dict[int, NDArray[np.float64]]:
    feature = np.concatenate([tree.feature[tree.inner & ~tree.categorical] for tree in trees.trees])
    threshold = np.concatenate([tree.threshold[tree.inner & ~tree.categorical] for tree in trees.trees])
    order = np.argsort(feature, kind="stable")
    feature, threshold = feature[order], threshold[order]
    names, first = np.unique(feature, return_index=True)
    return {
        int(j): np.unique(part)
        for j, part in zip(names, np.split(threshold, first[1:]) if len(names) else [], strict=True)
    }


def _tree_leaves(
    tree: TreeNodes, columns: NDArray[np.int64], cuts: tuple[NDArray[np.float64], ...]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
    """Return cells, values and shares of a tree's leaves, level by level."""
    d = len(columns)
    axis = np.searchsorted(columns, tree.feature)
    cell = np.zeros(len(tree.left), dtype=np.int32)
    by_order = tree.inner & ~tree.categorical
    for a in np.unique(axis[by_order]):
        here = by_order & (axis == a)
        cell[here] = np.searchsorted(cuts[a], tree.threshold[here])
    level = np.zeros(1, dtype=np.int64)
    low = np.zeros((1, d), dtype=np.int32)
    high = np.tile(np.array([len(cut) for cut in cuts], dtype=np.int32), (1, 1))
    found: list[tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]] = []
    while len(level):
        leaf = ~tree.inner[level]
        found.append((level[leaf], low[leaf], high[leaf]))
        level, low, high = level[~leaf], low[~leaf], high[~leaf]
        rows = np.flatnonzero(by_order[level])
        at, mark = axis[level[rows]], cell[level[rows]]
        left_high, right_low = high.copy(), low.copy()
        left_high[rows, at] = np.minimum(high[rows, at], mark)
        right_low[rows, at] = np.maximum(low[rows, at], mark + 1)
        level = np.concatenate([tree.left[level], tree.right[level]])
        low, high = np.concatenate([low, right_low]), np.concatenate([left_high, high])
    nodes = np.concatenate([f[0] for f in found])
    counts = tree.samples if tree.samples[0] > 0 else tree.weight
    with np.errstate(all="ignore"):
        share = np.nan_to_num(counts[nodes] / counts[0], nan=0.0, posinf=0.0, neginf=0.0)
    return (
        np.concatenate([f[1] for f in found]),
        np.concatenate([f[2] for f in found]),
        tree.value[nodes],
        share,
    )


class Box:
    """A box, and what is known about it while its sides move.

    Parameters
    ----------
    leaves : Leaves
    margins : ndarray of float64, shape (L, k - 1)
        By how much each leaf favours the wanted class over each other one.
    base : ndarray of float64, shape (k - 1,)
        The same of what the scores begin with.
    low, high : ndarray of int32, shape (d,)
        Cells.
    """

    def __init__(
        self, leaves: Leaves, margins: NDArray[np.float64], base: NDArray[np.float64],
        low: NDArray[np.int32], high: NDArray[np.int32],
    ) -> None:  # fmt: skip
        self.leaves, self.margins, self.base = leaves, margins, base
        self.low, self.high = low.copy(), high.copy()
        self._misses = np.zeros(leaves.low.shape[1], dtype=np.int32)
        for j in range(len(low)):
            self._misses += ~self._meets(j, int(low[j]), int(high[j]))
        self.margin = self.bound(self._misses == 0)

    def _meets(self, j: int, low: int, high: int) -> NDArray[np.bool_]:
        return np.asarray((self.leaves.low[j] <= high) & (self.leaves.high[j] >= low))

    def bound(self, reached: NDArray[np.bool_]) -> float:
        """Return what the wanted class leads by at least, if each tree may answer with any reached leaf."""
        worst = np.where(reached[:, None], self.margins, np.inf)
        least = np.minimum.reduceat(worst, self.leaves.starts, axis=0).sum(axis=0) + self.base
        return float(least.min())

    def others(self, j: int) -> NDArray[np.bool_]:
        """Return which leaves the box meets in all columns but one."""
        return np.asarray(self._misses - ~self._meets(j, int(self.low[j]), int(self.high[j])) == 0)

    def tried(self, j: int, low: int, high: int, others: NDArray[np.bool_] | None = None) -> float:
        """Return the margin that the box would have with other ends in column j."""
        met = self.others(j) if others is None else others
        return self.bound(met & self._meets(j, low, high))

    def move(self, j: int, low: int, high: int) -> None:
        """Give the box other ends in column j."""
        self._misses += ~self._meets(j, low, high)
        self._misses -= ~self._meets(j, int(self.low[j]), int(self.high[j]))
        self.low[j], self.high[j] = low, high
        self.margin = self.bound(self._misses == 0)

    def shares(self) -> tuple[float, float, float]:
        """Return the share of training rows in the box: at least, at most, and about.

        At least what lies in leaves wholly inside, at most what lies in leaves that it meets, by the tree
        that knows best; the third is half-way, over all trees.
        """
        met = self._misses == 0
        inside = met.copy()
        for j in range(len(self.low)):
            if self.low[j] > 0 or self.high[j] < len(self.leaves.cuts[j]):
                inside &= (self.leaves.low[j] >= self.low[j]) & (self.leaves.high[j] <= self.high[j])
        starts = self.leaves.starts
        low = np.add.reduceat(np.where(inside, self.leaves.share, 0.0), starts)
        high = np.add.reduceat(np.where(met, self.leaves.share, 0.0), starts)
        return float(min(low.max(), 1.0)), float(min(high.min(), 1.0)), float((low + high).mean() / 2)
