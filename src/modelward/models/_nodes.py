"""Trees of additive ensembles as plain arrays, in one meaning for all libraries.

A node sends ``x[j] <= t`` left and ``x[j] > t`` right, and a missing cell where `missing_left` says. What the
library compares with is considered: scikit-learn and xgboost cast x to float32 first, HistGradientBoosting and
lightgbm do not; xgboost sends ``x < t`` left, so its thresholds become the next smaller float32 value.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from modelward.models._booster_nodes import LIGHTGBM_ZERO, booster_of, starting_margins
from modelward.models._boxes import decision_trees
from modelward.models._estimator import step_module
from modelward.models._kinds import is_kind, is_rebuilt

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from modelward.artifacts._boosters import BoosterTrees


class CategoricalSplitError(Exception):
    """A split on a set of categories, which has no threshold."""


@dataclass(frozen=True)
class Nodes:
    """One tree.

    Parameters
    ----------
    left, right : ndarray of int64, shape (m,)
        Children; −1 in leaves.
    feature : ndarray of int64, shape (m,)
        Column that is compared; anything in leaves.
    threshold : ndarray of float64, shape (m,)
        What it is compared with; anything in leaves.
    missing_left : ndarray of bool, shape (m,)
        Where a missing cell goes.
    value : ndarray of float64, shape (m, k)
        What a leaf adds to the score of each class; anything in other nodes.
    count : ndarray of float64, shape (m,), or None
        Training rows that came to each node, as the model says; None where it does not.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    missing_left: NDArray[np.bool_]
    value: NDArray[np.float64]
    count: NDArray[np.float64] | None = None

    @property
    def split(self) -> NDArray[np.bool_]:
        """Which nodes are no leaves, shape (m,)."""
        return np.asarray(self.left != -1)

    def leaves_of(self, X: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the leaf of each row, shape (n,); rows as the library compares them (see `Forest.seen`)."""
        split, every = self.split, np.arange(len(X))
        at = np.zeros(len(X), dtype=np.int64)
        while (moving := split[at]).any():
            x = X[every, self.feature[at]]
            goes = np.where(np.isnan(x), self.missing_left[at], x <= self.threshold[at])
            at = np.where(moving, np.where(goes, self.left[at], self.right[at]), at)
        return at


@dataclass(frozen=True)
class Forest:
    """An additive ensemble: the label is the class with the largest sum of `base` and leaf values.

    Parameters
    ----------
    trees : tuple of Nodes
    base : ndarray of float64, shape (k,)
        Where the sums begin.
    single : bool
        Whether rows are cast to float32 before they are compared.
    error : float
        How far the sums here may be off those that the library makes in its own precision.
    sums_in : {"mean", "float32", "float64"}
        How the library adds: in float64 with a division by the number of trees at the end, or in the order of
        the trees in that type.
    tie_up : bool
        Whether a binary model answers its second class at a margin of exactly zero.
    classes : ndarray of shape (k,)
        Labels, in the order of `base`.
    """

    trees: tuple[Nodes, ...]
    base: NDArray[np.float64]
    single: bool
    error: float
    classes: NDArray[Any]
    sums_in: Literal["mean", "float32", "float64"] = "float64"
    tie_up: bool = False

    def seen(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return rows as the library compares them."""
        return X.astype(np.float32).astype(np.float64) if self.single else X

    def sums(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sums of each row, shape (n, k), as the library compares but in float64."""
        seen = self.seen(X)
        total = np.tile(self.base, (len(X), 1))
        for tree in self.trees:
            total += tree.value[tree.leaves_of(seen)]
        return total


def forest_of(model: Any) -> Forest | None:
    """Return the trees of a fitted classifier of scikit-learn, xgboost or lightgbm.

    Parameters
    ----------
    model : object
        A decision tree, random forest, ExtraTrees, gradient boosting (histogram too), or a classifier of
        xgboost or lightgbm.

    Returns
    -------
    Forest or None
        None for other models.

    Raises
    ------
    CategoricalSplitError
        If a tree splits on a set of categories.
    """
    if hasattr(model, "steps") or hasattr(model, "best_estimator_"):
        return None
    if np.asarray(getattr(model, "classes_", np.empty((0, 0)))).ndim != 1:
        return None
    library = getattr(model, "library", "sklearn") if is_rebuilt(model) else step_module(model)
    for (home, name), reader in _READERS.items():
        if home == library and (is_kind(model, name) if home == "sklearn" else type(model).__name__ == name):
            return reader(model)
    return None


def _averaging(model: Any) -> Forest | None:
    trees = decision_trees(model)
    if not trees:
        return None
    nodes = []
    for tree in trees:
        shares = tree.tree_.value[:, 0, :].astype(np.float64)
        total = shares.sum(axis=1, keepdims=True)
        if not np.allclose(total, 1.0, atol=1e-6):  # releases before 1.3 keep counts
            shares = shares / total
        nodes.append(plain_nodes(tree.tree_, shares))
    base = np.zeros(len(model.classes_))
    return Forest(tuple(nodes), base, True, 1e-12 * len(nodes), np.asarray(model.classes_), "mean")


def plain_nodes(inner: Any, value: NDArray[np.float64] | None = None) -> Nodes:
    """Return scikit-learn's own tree structure as Nodes."""
    m = int(inner.node_count)
    missing = getattr(inner, "missing_go_to_left", np.zeros(m, dtype=bool))
    return Nodes(
        inner.children_left.astype(np.int64), inner.children_right.astype(np.int64),
        inner.feature.astype(np.int64), inner.threshold.astype(np.float64), np.asarray(missing, dtype=bool),
        inner.value[:, 0, :].astype(np.float64) if value is None else value,
        np.asarray(inner.n_node_samples, dtype=np.float64),
    )  # fmt: skip


def _boosting(model: Any) -> Forest | None:
    """Read GradientBoostingClassifier whose first guess is the same for all rows."""
    if model.init_ != "zero" and type(model.init_).__name__ not in ("DummyClassifier", "DummyRegressor"):
        return None
    k = len(model.classes_)
    stages, columns = model.estimators_.shape
    start = np.zeros((1, model.n_features_in_), dtype=np.float32)
    first = np.asarray(model._raw_predict_init(start), dtype=np.float64)[0]  # noqa: SLF001 - no public way in
    nodes = []
    for i in range(stages):
        for c in range(columns):
            inner = model.estimators_[i, c].tree_
            raw = model.learning_rate * inner.value[:, 0, 0].astype(np.float64)
            nodes.append(plain_nodes(inner, _column(raw, c, k)))
    tie_up = getattr(model, "second_on_tie", True)  # files of releases before 1.4 say otherwise when rebuilt
    return replace(_summed(nodes, _base(first, k), True, 1e-12, model.classes_), tie_up=tie_up)


def _histogram(model: Any) -> Forest:
    k = len(model.classes_)
    start = np.asarray(model._baseline_prediction, dtype=np.float64).ravel()  # noqa: SLF001 - no public way in
    return _summed(histogram_nodes(model, k), _base(start, k), False, 1e-12, model.classes_)


def histogram_nodes(model: Any, k: int = 1) -> list[Nodes]:
    """Return the trees of a HistGradientBoostingClassifier with k columns of values.

    Raises
    ------
    CategoricalSplitError
        If it was fitted with categorical features.
    """
    if model.is_categorical_ is not None and np.any(model.is_categorical_):
        raise CategoricalSplitError
    nodes = []
    for stage in model._predictors:  # noqa: SLF001 - there is no public way in
        for c, predictor in enumerate(stage):
            table = predictor.nodes
            leaf = table["is_leaf"].astype(bool)
            nodes.append(
                Nodes(
                    np.where(leaf, -1, table["left"].astype(np.int64)),
                    np.where(leaf, -1, table["right"].astype(np.int64)),
                    table["feature_idx"].astype(np.int64), table["num_threshold"].astype(np.float64),
                    table["missing_go_to_left"].astype(bool), _column(table["value"].astype(np.float64), c, k),
                    table["count"].astype(np.float64) if "count" in (table.dtype.names or ()) else None,
                )
            )  # fmt: skip
    return nodes


def _booster(model: Any) -> Forest | None:
    """Read a classifier of xgboost or lightgbm, loaded or rebuilt."""
    found = booster_of(model)
    classes = np.asarray(model.classes_)
    k = len(classes)
    if found is None or found.averaged or found.n_groups != (1 if k == 2 else k):
        return None
    start = starting_margins(found)
    if start is None:
        return None
    if found.library == "lightgbm":
        return _summed(booster_nodes(found, k), _base(start, k), False, 1e-12, classes)
    if found.booster != "gbtree" or found.objective not in (
        "binary:logistic",
        "multi:softprob",
        "multi:softmax",
    ):
        return None
    nodes = booster_nodes(found, k)[: found.best or None]
    return replace(_summed(nodes, _base(start, k), True, 2e-7, classes), sums_in="float32")


def booster_nodes(found: BoosterTrees, k: int = 1) -> list[Nodes]:
    """Return the trees of xgboost or lightgbm with k columns of values.

    Raises
    ------
    CategoricalSplitError
        If a tree splits on a set of categories, takes zeros for missing or has linear models in its leaves, or
        there are no trees.
    """
    if found.linear is not None:
        raise CategoricalSplitError
    nodes = []
    for tree in found.trees:
        split = tree.left != -1
        plain = tree.linear is None and not tree.categories and tree.value.shape[1] == 1
        if not plain or np.any(tree.missing[split] == 1):
            raise CategoricalSplitError
        at = np.where(split, tree.threshold, 0.0)
        # A missing cell goes its own way only where training met some; else lightgbm counts it as zero.
        goes = np.where(tree.missing == 0, at >= 0, tree.default_left) & split
        if found.strict:
            at = np.nextafter(at.astype(np.float32), np.float32(-np.inf)).astype(np.float64)
        elif found.library == "lightgbm":
            # It takes all of ±LIGHTGBM_ZERO for 0, so it never splits within.
            within = (at >= -LIGHTGBM_ZERO) & (at <= LIGHTGBM_ZERO)
            at = np.where(within, np.where(at < 0, np.nextafter(-LIGHTGBM_ZERO, -1.0), LIGHTGBM_ZERO), at)
        nodes.append(
            Nodes(
                tree.left, tree.right, np.where(split, tree.feature, 0), at, goes,
                _column(tree.value[:, 0] * tree.weight, tree.group, k),
                # xgboost's cover is a sum of second derivatives, no number of rows.
                tree.cover if found.library == "lightgbm" and tree.cover[0] > 0 else None,
            )
        )  # fmt: skip
    return nodes


def _column(values: NDArray[np.float64], c: int, k: int) -> NDArray[np.float64]:
    """Put the values of a tree into its class's column; a binary model has one margin, that of the second."""
    out = np.zeros((len(values), k))
    out[:, min(c, k - 1) if k != 2 else 1] = values
    return out


def _base(start: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    if k == 2:
        return np.array([0.0, float(start[0])])
    return np.broadcast_to(start, (k,)).astype(np.float64)


def _summed(
    nodes: list[Nodes], base: NDArray[np.float64], single: bool, precision: float, classes: Any
) -> Forest:
    reach = sum(float(np.abs(tree.value[~tree.split]).max(initial=0.0)) for tree in nodes) + float(
        np.abs(base).max()
    )
    return Forest(tuple(nodes), base, single, precision * max(1.0, reach), np.asarray(classes))


_READERS: dict[tuple[str, str], Callable[[Any], Forest | None]] = {
    ("sklearn", "DecisionTreeClassifier"): _averaging,
    ("sklearn", "ExtraTreeClassifier"): _averaging,
    ("sklearn", "RandomForestClassifier"): _averaging,
    ("sklearn", "ExtraTreesClassifier"): _averaging,
    ("sklearn", "GradientBoostingClassifier"): _boosting,
    ("sklearn", "HistGradientBoostingClassifier"): _histogram,
    ("xgboost", "XGBClassifier"): _booster,
    ("xgboost", "XGBRFClassifier"): _booster,
    ("lightgbm", "LGBMClassifier"): _booster,
}
