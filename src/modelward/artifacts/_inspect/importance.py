"""Importances of columns, computed from the trees as scikit-learn computes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.artifacts._inspect.trees import TreeNodes


def tree_importance(tree: TreeNodes, n_features: int, *, normalise: bool = True) -> NDArray[np.float64]:
    """Return the decrease of impurity that each column brings to a tree (Breiman et al. 1984)."""
    inside = tree.inner & (tree.feature < n_features)
    found: Any = np.bincount(tree.feature[inside], weights=tree.gain[inside], minlength=n_features)
    with np.errstate(all="ignore"):
        found = found / tree.weight[0]
        total = found.sum()
        return np.asarray(found / total if normalise and total > 0 else found)


def forest_importance(trees: Sequence[TreeNodes], n_features: int) -> NDArray[np.float64]:
    """Return the mean over the trees that split, made to add up to one."""
    parts = [tree_importance(tree, n_features) for tree in trees if len(tree.left) > 1]
    if not parts:
        return np.zeros(n_features)
    mean = np.mean(parts, axis=0, dtype=np.float64)
    with np.errstate(all="ignore"):
        return np.asarray(mean / np.sum(mean))


def boosting_importance(trees: Sequence[TreeNodes], n_features: int) -> NDArray[np.float64]:
    """Return the mean over the trees that split before each is normalised, made to add up to one."""
    parts = [tree_importance(tree, n_features, normalise=False) for tree in trees if len(tree.left) > 1]
    if not parts:
        return np.zeros(n_features)
    mean = np.mean(parts, axis=0, dtype=np.float64)
    with np.errstate(all="ignore"):
        return np.asarray(mean / np.sum(mean))


def weighted_importance(
    trees: Sequence[TreeNodes], weights: Sequence[float], n_features: int
) -> NDArray[np.float64]:
    """Return the mean over AdaBoost's trees, weighted as they vote."""
    total = np.zeros(n_features)
    for tree, weight in zip(trees, weights, strict=False):
        total += weight * tree_importance(tree, n_features)
    with np.errstate(all="ignore"):
        return np.asarray(total / np.sum(weights))


def split_gain(trees: Sequence[TreeNodes], n_features: int) -> NDArray[np.float64]:
    """Return each column's share of the gain of all splits, for ensembles whose library tells none."""
    total = np.zeros(n_features)
    for tree in trees:
        inside = tree.inner & (tree.feature < n_features)
        gain = np.maximum(tree.gain[inside], 0.0)
        total += np.bincount(tree.feature[inside], weights=gain, minlength=n_features)
    whole = total.sum()
    return np.asarray(total / whole) if np.isfinite(whole) and whole > 0 else total
