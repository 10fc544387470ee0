"""Trees of additive ensembles as plain arrays, in one meaning for all libraries.

A node sends ``x[j] <= t`` left and ``x[j] > t`` right, and a missing cell where `missing_left` says. What the
library compares with is considered: scikit-learn and xgboost cast x to float32 first, HistGradientBoosting and
lightgbm do not; xgboost sends ``x < t`` left, so its thresholds become the next smaller float32 value.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from modelward.models._boxes import decision_trees
from modelward.models._estimator import step_module
from modelward.models._kinds import is_kind, is_rebuilt

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


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
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    missing_left: NDArray[np.bool_]
    value: NDArray[np.float64]

    @property
    def split(self) -> NDArray[np.bool_]:
        """Which nodes are no leaves, shape (m,)."""
        return np.asarray(self.left != -1)


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

    def sums(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sums of each row, shape (n, k), as the library compares but in float64."""
        seen = X.astype(np.float32).astype(np.float64) if self.single else X
        every = np.arange(len(X))
        total = np.tile(self.base, (len(X), 1))
        for tree in self.trees:
            at = np.zeros(len(X), dtype=np.int64)
            while (moving := tree.split[at]).any():
                x = seen[every, tree.feature[at]]
                goes = np.where(np.isnan(x), tree.missing_left[at], x <= tree.threshold[at])
                at = np.where(moving, np.where(goes, tree.left[at], tree.right[at]), at)
            total += tree.value[at]
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
    library = "sklearn" if is_rebuilt(model) else step_module(model)
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
    return replace(_summed(nodes, _base(first, k), True, 1e-12, model.classes_), tie_up=True)


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
                )
            )  # fmt: skip
    return nodes


def _xgboost(model: Any) -> Forest | None:
    document = json.loads(model.get_booster().save_raw("json"))["learner"]
    if document["gradient_booster"].get("name") != "gbtree":
        return None
    classes = np.asarray(model.classes_)
    k = len(classes)
    start = _xgboost_start(document, k)
    if start is None:
        return None
    nodes = xgboost_nodes(document, k)
    best = document.get("attributes", {}).get("best_iteration")
    if best is not None:
        parallel = int(
            document["gradient_booster"]["model"]["gbtree_model_param"].get("num_parallel_tree", 1)
        )
        nodes = nodes[: (int(best) + 1) * parallel * (1 if k == 2 else k)]
    return replace(_summed(nodes, start, True, 2e-7, classes), sums_in="float32")


def xgboost_nodes(learner: Any, k: int = 1) -> list[Nodes]:
    """Return the trees of the learner in xgboost's JSON document with k columns of values.

    Raises
    ------
    CategoricalSplitError
        If a tree splits on a set of categories, or there are no plain trees.
    """
    gradient = learner["gradient_booster"]
    inner = gradient.get("gbtree", gradient).get("model")
    if inner is None or "trees" not in inner:
        raise CategoricalSplitError
    nodes = []
    for tree, c in zip(inner["trees"], inner["tree_info"], strict=True):
        if int(tree["tree_param"].get("size_leaf_vector", "1")) > 1:
            raise CategoricalSplitError
        left = np.asarray(tree["left_children"], dtype=np.int64)
        split = left != -1
        if np.any(np.asarray(tree["split_type"])[split]):
            raise CategoricalSplitError
        at = np.asarray(tree["split_conditions"], dtype=np.float64).astype(np.float32)
        below = np.nextafter(at, np.float32(-np.inf)).astype(np.float64)
        nodes.append(
            Nodes(
                left, np.asarray(tree["right_children"], dtype=np.int64),
                np.asarray(tree["split_indices"], dtype=np.int64), below,
                np.asarray(tree["default_left"], dtype=bool), _column(at.astype(np.float64), c, k),
            )
        )  # fmt: skip
    return nodes


def _xgboost_start(document: Any, k: int) -> NDArray[np.float64] | None:
    """Return the margin from which xgboost begins; None for objectives that are no classification by margin."""
    name = document["objective"]["name"]
    text = str(document["learner_model_param"]["base_score"]).strip("[]")
    guess = np.array([float(part) for part in text.split(",")])
    if name == "binary:logistic" and k == 2:
        return np.array([0.0, float(np.log(guess[0] / (1 - guess[0])))])
    if name in ("multi:softprob", "multi:softmax") and len(guess) in (1, k):
        return np.broadcast_to(guess, (k,)).astype(np.float64)
    return None


def _lightgbm(model: Any) -> Forest | None:
    classes = np.asarray(model.classes_)
    k = len(classes)
    dump = model.booster_.dump_model()
    per_stage = int(dump["num_tree_per_iteration"])
    if per_stage != (1 if k == 2 else k) or dump.get("average_output"):
        return None
    return _summed(lightgbm_nodes(dump, k), np.zeros(k), False, 1e-12, classes)


def lightgbm_nodes(dump: Any, k: int = 1) -> list[Nodes]:
    """Return the trees of lightgbm's dump with k columns of values.

    Raises
    ------
    CategoricalSplitError
        If a tree splits on a set of categories, or treats zeros as missing.
    """
    stage = int(dump["num_tree_per_iteration"])
    return [_lightgbm_tree(tree["tree_structure"], i % stage, k) for i, tree in enumerate(dump["tree_info"])]


def _lightgbm_tree(root: Any, c: int, k: int) -> Nodes:
    order = [root]
    for node in order:  # grows while it is walked
        if "split_feature" in node:
            if node["decision_type"] != "<=":
                raise CategoricalSplitError
            node["at"] = len(order)
            order += [node["left_child"], node["right_child"]]
    splits = ["split_feature" in node for node in order]
    left = np.array([node["at"] if s else -1 for node, s in zip(order, splits, strict=True)], dtype=np.int64)
    # A missing cell goes its own way only where training met some; else it counts as zero.
    goes = [
        bool(n["default_left"] if n["missing_type"] != "None" else n["threshold"] >= 0) if s else False
        for n, s in zip(order, splits, strict=True)
    ]
    if any(s and n["missing_type"] == "Zero" for n, s in zip(order, splits, strict=True)):
        raise CategoricalSplitError
    value = np.array([0.0 if s else float(n["leaf_value"]) for n, s in zip(order, splits, strict=True)])
    return Nodes(
        left, np.where(left == -1, -1, left + 1),
        np.array([n["split_feature"] if s else 0 for n, s in zip(order, splits, strict=True)], dtype=np.int64),
        np.array([n["threshold"] if s else 0.0 for n, s in zip(order, splits, strict=True)], dtype=np.float64),
        np.array(goes, dtype=bool), _column(value, c, k),
    )  # fmt: skip


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
    ("xgboost", "XGBClassifier"): _xgboost,
    ("xgboost", "XGBRFClassifier"): _xgboost,
    ("lightgbm", "LGBMClassifier"): _lightgbm,
}
