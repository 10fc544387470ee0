"""Random forests, extremely randomised trees, and isolation forests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.models.rebuilt._base import Classifier, Estimator, Regressor, family
from modelward.models.rebuilt.trees import TreeClassifier, TreeRegressor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models.rebuilt._table import Matrix
    from modelward.models.rebuilt._view import View


def _members(view: View, kind: type[Any]) -> list[Any]:
    trees = [view.build(item) for item in view.items("estimators_")]
    if not trees or not all(isinstance(tree, kind) for tree in trees):
        raise view.bad("estimators_", "holds other things than decision trees, or none")
    return trees


@family("RandomForestClassifier", "ExtraTreesClassifier")
class ForestClassifier(Classifier):
    """A forest: the mean of its trees' probabilities, added in their order and divided once."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.estimators_: list[TreeClassifier] = _members(view, TreeClassifier)
        if any(len(tree.classes_) != len(self.classes_) for tree in self.estimators_):
            raise view.bad("estimators_", "holds trees with another number of classes")
        self._offer(predict=self._predict, predict_proba=self._proba)

    def _proba(self, X: Any) -> Matrix:
        missing = all(tree.tree_.knows_missing for tree in self.estimators_)
        rows = self.table(X).singles(nan=missing)
        out = np.zeros((len(rows), len(self.classes_)))
        for tree in self.estimators_:
            tree.tree_.add(rows, out, tree.shares)
        out /= len(self.estimators_)
        return out

    def _predict(self, X: Any) -> Matrix:
        return self.named(self._proba(X).argmax(axis=1))


@family("RandomForestRegressor", "ExtraTreesRegressor")
class ForestRegressor(Regressor):
    """A forest: the mean of its trees' numbers."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.estimators_: list[TreeRegressor] = _members(view, TreeRegressor)
        self._offer(predict=self._predict)

    def _predict(self, X: Any) -> Matrix:
        missing = all(tree.tree_.knows_missing for tree in self.estimators_)
        rows = self.table(X).singles(nan=missing)
        out = np.zeros((len(rows), 1))
        for tree in self.estimators_:
            tree.tree_.add(rows, out, tree.values)
        out /= len(self.estimators_)
        return out[:, 0]


@family("IsolationForest")
class IsolationForest(Estimator):
    """An isolation forest: 1 for ordinary rows, −1 for those that few splits single out."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.estimators_: list[TreeRegressor] = _members(view, TreeRegressor)
        self.offset_ = view.number("offset_")
        self._most = view.number("_max_samples")
        columns = view.integer("n_features_in_", most=10_000_000)
        subsets = view.items("estimators_features_")
        if len(subsets) != len(self.estimators_):
            raise view.bad("estimators_features_", "has not one entry for each tree")
        self._columns = [view.places(item, "estimators_features_", columns) for item in subsets]
        self._depths = [_depths(tree) for tree in self.estimators_]
        self._offer(predict=lambda X: np.where(self._decide(X) < 0, -1, 1), decision_function=self._decide)

    def _decide(self, X: Any) -> Matrix:
        rows = self.table(X).singles(nan=True)
        total = np.zeros(len(rows))
        for tree, columns, depths in zip(self.estimators_, self._columns, self._depths, strict=True):
            total += depths[tree.tree_.apply(np.ascontiguousarray(rows[:, columns]))]
        divisor = len(self.estimators_) * _path(np.array([self._most]))
        share = np.divide(total, divisor, out=np.ones_like(total), where=divisor != 0)
        result: Matrix = -(2.0 ** (-share)) - self.offset_
        return result


def _depths(tree: TreeRegressor) -> NDArray[np.float64]:
    """Return how deep each node is, counted in nodes, with what the rows of a leaf would have added."""
    inner = tree.tree_
    depth = np.ones(inner.node_count)
    for node in np.flatnonzero(inner.children_left >= 0):
        depth[inner.children_left[node]] = depth[inner.children_right[node]] = depth[node] + 1
    return depth + _path(inner.n_node_samples.astype(np.float64)) - 1.0


def _path(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean path in a random binary search tree of so many rows (Liu, Ting, Zhou 2008, eq. 1)."""
    out = np.where(rows == 2, 1.0, 0.0)
    many = rows[rows > 2]
    out[rows > 2] = 2.0 * (np.log(many - 1.0) + np.euler_gamma) - 2.0 * (many - 1.0) / many
    return out
