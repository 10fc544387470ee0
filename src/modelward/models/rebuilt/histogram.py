"""Histogram gradient boosting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from modelward.models.rebuilt._base import Classifier, Estimator, Regressor, both, family, softmax
from modelward.models.rebuilt._kernels import add_histogram_tree
from modelward.models.rebuilt.trees import check_links

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models.rebuilt._table import Matrix
    from modelward.models.rebuilt._view import View

_FIELDS = (
    "value", "feature_idx", "num_threshold", "missing_go_to_left", "left", "right", "is_leaf",
    "is_categorical", "bitset_idx",
)  # fmt: skip
_WORDS = 8


class _Predictor:
    """One tree, checked."""

    def __init__(self, view: View, columns: int, categorical: NDArray[np.bool_]) -> None:
        nodes = view.array("nodes", 1)
        if nodes.dtype.names is None or any(field not in nodes.dtype.names for field in _FIELDS):
            raise view.bad("nodes", "are of an unknown kind")
        if not len(nodes) or any(nodes[f].ndim != 1 or nodes[f].dtype.kind not in "biuf" for f in _FIELDS):
            raise view.bad("nodes", "are of an unknown kind")
        self.nodes = nodes
        leaf = nodes["is_leaf"].astype(bool)
        self.left = np.where(leaf, -1, nodes["left"].astype(np.int64))
        self.right = nodes["right"].astype(np.int64)
        self.feature = nodes["feature_idx"].astype(np.int64)
        self.threshold = nodes["num_threshold"].astype(np.float64)
        self.to_left = nodes["missing_go_to_left"].astype(bool)
        self.value = nodes["value"].astype(np.float64)
        if np.any(self.left[~leaf] < 0):
            raise view.bad("nodes", "have links that point outside")
        check_links(view, self.left, self.right, self.feature, columns)
        sets = view.array("raw_left_cat_bitsets", 2)
        if sets.dtype != np.uint32 or sets.shape[1] != _WORDS:
            raise view.bad("raw_left_cat_bitsets", "are no sets of categories")
        self.sets = np.ascontiguousarray(sets)
        of_sets = ~leaf & nodes["is_categorical"].astype(bool)
        self.categories = np.where(of_sets, nodes["bitset_idx"].astype(np.int64), -1)
        chosen = self.categories[of_sets]
        if len(chosen) and (chosen.min() < 0 or chosen.max() >= len(sets)):
            raise view.bad("nodes", "name sets of categories that there are not")
        if not categorical[self.feature[of_sets]].all():
            raise view.bad("nodes", "split a column of numbers by categories")


class _Histogram:
    """The stages of a model and what comes before them."""

    def __init__(self, view: View) -> None:
        columns = view.integer("_n_features", most=10_000_000)
        self._columns = columns
        self._encoder, self._order = _preprocessor(view, columns)
        bins = view.inside(view.raw("_bin_mapper"))
        categorical = bins.array("is_categorical_", 1).astype(bool)
        if len(categorical) != columns:
            raise bins.bad("is_categorical_", "has not one entry for each column")
        self._known, self._known_row = _known(bins, categorical)
        # One number, or a row of them: the shape changed over the releases.
        base = view.floats("_baseline_prediction").astype(np.float64).ravel()
        self.width = view.integer("n_trees_per_iteration_", most=10_000)
        if not self.width or len(base) != self.width:
            raise view.bad("_baseline_prediction", "has not one number for each class")
        self.start = base
        self.stages = []
        for item in view.items("_predictors"):
            if not isinstance(item, list) or len(item) != self.width:
                raise view.bad("_predictors", "have not one tree for each class")
            self.stages.append([_Predictor(view.inside(tree), columns, categorical) for tree in item])

    def raw(self, estimator: Estimator, X: Any) -> NDArray[np.float64]:
        """Return the sums (n, k)."""
        table = estimator.table(X)
        if self._encoder is None:
            rows = table.floats(nan=True, inf=True)
        else:
            coded, others = self._order
            rows = np.empty((table.n, self._columns))
            rows[:, : len(coded)] = self._encoder.transform(table.take(coded))
            rows[:, len(coded) :] = table.take(others).floats(nan=True, inf=True)
        out = np.zeros((self.width, len(rows)))
        out += self.start[:, None]
        for stage in self.stages:
            for k, tree in enumerate(stage):
                add_histogram_tree(
                    rows, tree.feature, tree.threshold, tree.left, tree.right, tree.to_left, tree.categories,
                    tree.sets, self._known, self._known_row, tree.value, out[k],
                )  # fmt: skip
        return np.ascontiguousarray(out.T)


def _preprocessor(view: View, columns: int) -> tuple[Estimator | None, Any]:
    """Return the encoder of the categories (they come first then), and which columns it takes."""
    if not view.has("_preprocessor"):
        return None, ()
    mask = view.mask("is_categorical_")
    if len(mask) != columns:
        raise view.bad("is_categorical_", "has not one entry for each column")
    for item in view.inside(view.raw("_preprocessor")).items("transformers_"):
        if isinstance(item, tuple) and len(item) == 3 and item[0] == "encoder":
            return view.build(item[1]), (np.flatnonzero(mask), np.flatnonzero(~mask))
    raise view.bad("_preprocessor", "has no encoder")


def _known(bins: View, categorical: NDArray[np.bool_]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return the categories that training saw, as sets of bits, and each column's row among them."""
    places = np.flatnonzero(categorical)
    known = np.zeros((max(len(places), 1), _WORDS), dtype=np.uint32)
    row = np.zeros(len(categorical), dtype=np.int64)
    row[places] = np.arange(len(places))
    values = bins.items("bin_thresholds_")
    if len(values) != len(categorical):
        raise bins.bad("bin_thresholds_", "has not one entry for each column")
    for i, j in enumerate(places):
        for value in bins.floats_of(values[j], "bin_thresholds_", 1):
            if not 0 <= value < 256:
                raise bins.bad("bin_thresholds_", "has categories outside 0 to 255")
            known[i, int(value) // 32] |= np.uint32(1 << int(value) % 32)
    return known, row


@family("HistGradientBoostingClassifier")
class HistogramClassifier(Classifier):
    """Histogram gradient boosting that answers with labels."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._model = _Histogram(view)
        k = len(self.classes_)
        if self._model.width != (1 if k <= 2 else k):
            raise view.bad("_predictors", "have another number of trees a stage than the classes need")
        loss = view.get("loss", "log_loss")
        if loss not in ("log_loss", "auto", "binary_crossentropy", "categorical_crossentropy"):
            raise view.bad("loss", "is not known")
        self.is_categorical_ = view.mask("is_categorical_") if view.has("is_categorical_") else None
        self._predictors, self._baseline_prediction = self._model.stages, self._model.start
        self._offer(predict=self._predict, predict_proba=self._proba, decision_function=self._decide)

    def _decide(self, X: Any) -> Matrix:
        out = self._model.raw(self, X)
        return out.ravel() if out.shape[1] == 1 else out

    def _proba(self, X: Any) -> Matrix:
        out = self._model.raw(self, X)
        return both(expit(out[:, 0])) if out.shape[1] == 1 else softmax(out)

    def _predict(self, X: Any) -> Matrix:
        out = self._model.raw(self, X)
        return self.named((out[:, 0] > 0).astype(np.int64) if out.shape[1] == 1 else out.argmax(axis=1))


@family("HistGradientBoostingRegressor")
class HistogramRegressor(Regressor):
    """Histogram gradient boosting that answers with numbers."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._model = _Histogram(view)
        if self._model.width != 1:
            raise view.bad("_predictors", "have several trees a stage")
        loss = view.get("loss")
        if not isinstance(loss, str):
            raise view.bad("loss", "is no word")
        self._exponential = loss in ("poisson", "gamma")
        self._offer(predict=self._predict)

    def _predict(self, X: Any) -> Matrix:
        out = self._model.raw(self, X)[:, 0]
        return np.exp(out) if self._exponential else out
