"""Decision trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.artifacts import Inert
from modelward.models.rebuilt._base import Classifier, Regressor, family
from modelward.models.rebuilt._kernels import add_values, leaves
from modelward.models.rebuilt._view import cannot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models.rebuilt._table import Matrix
    from modelward.models.rebuilt._view import View

_FIELDS = ("left_child", "right_child", "feature", "threshold", "n_node_samples")


class Tree:
    """The nodes of a tree, checked, under the names that scikit-learn gives them.

    Parameters
    ----------
    view : View
        Of the estimator.
    columns : int or None
        How many it must take.
    """

    def __init__(self, view: View, columns: int | None) -> None:
        inner = view.raw("tree_")
        if not isinstance(inner, Inert) or not inner.type_name.endswith(".Tree"):
            raise view.bad("tree_", "is no tree")
        state, args = inner.state, inner.args
        if not isinstance(state, dict) or len(args) < 3:
            raise view.bad("tree_", "has no nodes")
        n_features, n_outputs = args[0], args[2]
        if n_outputs != 1:
            raise cannot(f"{view.name} has several outputs")
        if (
            type(n_features) is not int
            or not 0 < n_features <= 10_000_000
            or columns not in (None, n_features)
        ):
            raise view.bad("tree_", "takes another number of columns than its estimator")
        nodes = view.array_of(state.get("nodes"), "tree_", 1)
        values = view.floats_of(state.get("values"), "tree_", 3).astype(np.float64)
        if nodes.dtype.names is None or any(field not in nodes.dtype.names for field in _FIELDS):
            raise view.bad("tree_", "has nodes of an unknown kind")
        if not len(nodes) or len(values) != len(nodes) or values.shape[1] != 1 or not values.shape[2]:
            raise view.bad("tree_", "has not one value for each node")
        self.n_features = n_features
        self.node_count = len(nodes)
        self.children_left = _whole(view, nodes["left_child"])
        self.children_right = _whole(view, nodes["right_child"])
        self.feature = _whole(view, nodes["feature"])
        self.threshold = _real(view, nodes["threshold"])
        self.n_node_samples = _whole(view, nodes["n_node_samples"])
        self.knows_missing = "missing_go_to_left" in nodes.dtype.names
        self.missing_go_to_left = (
            _whole(view, nodes["missing_go_to_left"]).astype(bool)
            if self.knows_missing
            else np.zeros(len(nodes), dtype=bool)
        )
        self.value: NDArray[np.float64] = np.ascontiguousarray(values)
        check_links(view, self.children_left, self.children_right, self.feature, n_features)

    def apply(self, X: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the leaf of every row of a float32 matrix with `n_features` columns."""
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise cannot("a tree takes another number of columns than it is given")
        out = np.zeros(len(X), dtype=np.int64)
        leaves(
            X, self.feature, self.threshold, self.children_left, self.children_right,
            self.missing_go_to_left, out,
        )  # fmt: skip
        return out

    def add(self, X: NDArray[np.float32], out: NDArray[np.float64], values: NDArray[np.float64]) -> None:
        """Add `values` (nodes, k) of each row's leaf to `out` (n, k)."""
        if values.shape != (self.node_count, out.shape[1]) or len(X) != len(out):
            raise cannot("a tree has another number of classes than its ensemble")
        add_values(values, self.apply(X), out)


def check_links(
    view: View, left: NDArray[np.int64], right: NDArray[np.int64], feature: NDArray[np.int64], columns: int
) -> None:
    """Check that every walk ends, inside: children stand behind their parents, columns exist.

    Raises
    ------
    SubjectError
        If not.
    """
    inner = np.flatnonzero(left >= 0)
    for child in (left[inner], right[inner]):
        if np.any(child <= inner) or np.any(child >= len(left)):
            raise cannot(f"a tree of {view.name} has links that point outside, or backwards")
    if np.any(feature[inner] < 0) or np.any(feature[inner] >= columns):
        raise cannot(f"a tree of {view.name} splits on columns that there are not")


def _whole(view: View, values: NDArray[Any]) -> NDArray[np.int64]:
    if values.ndim != 1 or values.dtype.kind not in "biu":
        raise view.bad("tree_", "has nodes of an unknown kind")
    return np.ascontiguousarray(values, dtype=np.int64)


def _real(view: View, values: NDArray[Any]) -> NDArray[np.float64]:
    if values.ndim != 1 or values.dtype.kind != "f":
        raise view.bad("tree_", "has nodes of an unknown kind")
    return np.ascontiguousarray(values, dtype=np.float64)


@family("DecisionTreeClassifier", "ExtraTreeClassifier")
class TreeClassifier(Classifier):
    """A decision tree that answers with labels."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.tree_ = Tree(view, getattr(self, "n_features_in_", None))
        self.shares = self._shares(view)
        self._offer(predict=self._predict, predict_proba=self._proba)

    def _shares(self, view: View) -> NDArray[np.float64]:
        """Return the probabilities of each node; releases before 1.4 store counts."""
        values = self.tree_.value[:, 0, :]
        if values.shape[1] < len(self.classes_):
            raise view.bad("tree_", f"has {values.shape[1]} values a node for {len(self.classes_)} classes")
        values = np.ascontiguousarray(values[:, : len(self.classes_)])
        if view.version() >= (1, 4):
            return values
        total = values.sum(axis=1)[:, None]
        total[total == 0] = 1.0
        return values / total  # type: ignore[no-any-return]

    def _proba(self, X: Any) -> Matrix:
        rows = self.table(X).singles(nan=self.tree_.knows_missing)
        return self.shares[self.tree_.apply(rows)]

    def _predict(self, X: Any) -> Matrix:
        rows = self.table(X).singles(nan=self.tree_.knows_missing)
        values = self.tree_.value[self.tree_.apply(rows), 0, : len(self.classes_)]
        return self.named(values.argmax(axis=1))


@family("DecisionTreeRegressor", "ExtraTreeRegressor")
class TreeRegressor(Regressor):
    """A decision tree that answers with numbers."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.tree_ = Tree(view, getattr(self, "n_features_in_", None))
        self.values = np.ascontiguousarray(self.tree_.value[:, 0, :1])
        self._offer(predict=self._predict)

    def _predict(self, X: Any) -> Matrix:
        rows = self.table(X).singles(nan=self.tree_.knows_missing)
        return self.values[self.tree_.apply(rows), 0]  # type: ignore[no-any-return]
