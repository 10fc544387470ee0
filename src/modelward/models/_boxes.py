"""Leaves of scikit-learn's decision trees as boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.models._kinds import is_kind

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Boxes:
    """The leaves of one tree, each the box of all rows that end in it.

    scikit-learn casts a row to float32 and sends it left where ``float32(x) <= threshold`` (the threshold is
    float64). So row x is in box i if ``low[i] < float32(x) <= high[i]`` in every column. `closed` gives the
    same boxes with ends that are float32 values themselves, which can be written into a row.

    Parameters
    ----------
    low, high : ndarray of float64, shape (L, d)
        Open lower and closed upper ends; −∞ and ∞ where there is none.
    value : ndarray of float64, shape (L, k)
        Share of each of the tree's own classes.
    n_samples : ndarray of int64, shape (L,)
        Training rows in the leaf.
    missing : ndarray of bool, shape (L, d)
        Whether a row that lacks the column can be in the box.
    leaf : ndarray of int64, shape (L,)
        Node of each leaf, as `apply` of the tree answers.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    value: NDArray[np.float64]
    n_samples: NDArray[np.int64]
    missing: NDArray[np.bool_]
    leaf: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.leaf)

    def closed(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return closed ends, shape (L, d) each: the smallest and largest float32 values inside.

        Any float64 row between them is inside too, because rounding to float32 keeps the order.
        """
        return next_float32(self.low), float32_at_most(self.high)

    def contains(self, X: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which rows are in which boxes, shape (n, L)."""
        rows = X.astype(np.float32).astype(np.float64)[:, None, :]
        inside = (self.low < rows) & (rows <= self.high) | (np.isnan(rows) & self.missing)
        return np.asarray(inside.all(axis=2))


def float32_at_most(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest float32 values that are not over the given ones, as float64."""
    with np.errstate(over="ignore"):
        near = values.astype(np.float32)
        over = near.astype(np.float64) > values
        near[over] = np.nextafter(near[over], np.float32(-np.inf))
    return near.astype(np.float64)


def next_float32(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the smallest float32 values over the given ones, as float64; −∞ stays."""
    below = float32_at_most(values).astype(np.float32)
    with np.errstate(over="ignore"):
        above = np.nextafter(below, np.float32(np.inf)).astype(np.float64)
    return np.where(np.isneginf(values), -np.inf, above)


def tree_boxes(tree: Any) -> Boxes:
    """Return the leaves of a fitted decision tree of scikit-learn.

    Parameters
    ----------
    tree : DecisionTreeClassifier or ExtraTreeClassifier
        Fitted, with one output.

    Returns
    -------
    Boxes
        In the order of the tree's nodes.
    """
    inner = tree.tree_
    d, left, right = int(inner.n_features), inner.children_left, inner.children_right
    to_left = getattr(inner, "missing_go_to_left", np.zeros(inner.node_count, dtype=bool)).astype(bool)
    low = np.full((inner.node_count, d), -np.inf)
    high = np.full((inner.node_count, d), np.inf)
    missing = np.ones((inner.node_count, d), dtype=bool)
    # Parents stand before their children.
    for node in np.flatnonzero(left != -1):
        a, b, j, at = left[node], right[node], inner.feature[node], inner.threshold[node]
        for child in (a, b):
            low[child], high[child], missing[child] = low[node], high[node], missing[node]
        high[a, j] = min(high[a, j], at)
        low[b, j] = max(low[b, j], at)
        missing[b if to_left[node] else a, j] = False
    leaf = np.flatnonzero(left == -1)
    counts = inner.value[leaf, 0, :].astype(np.float64)
    return Boxes(
        low[leaf],
        high[leaf],
        counts / counts.sum(axis=1, keepdims=True),
        inner.n_node_samples[leaf].astype(np.int64),
        missing[leaf],
        leaf.astype(np.int64),
    )


def decision_trees(model: Any) -> tuple[Any, ...]:
    """Return the decision trees of a tree or forest of scikit-learn; nothing for other models."""
    if is_kind(model, "DecisionTreeClassifier"):
        return (model,)
    if is_kind(model, "RandomForestClassifier", "ExtraTreesClassifier"):
        return tuple(model.estimators_)
    return ()
