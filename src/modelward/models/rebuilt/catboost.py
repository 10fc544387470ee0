"""CatBoost: symmetric trees over numbers. Sums are taken tree after tree in double precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.artifacts._catboost import catboost_facts, model_bytes
from modelward.artifacts._catboost_trees import CatBoostError, catboost_trees
from modelward.models.rebuilt._base import Classifier, Estimator, Regressor, both, family, softmax
from modelward.models.rebuilt._view import cannot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models.rebuilt._table import Matrix
    from modelward.models.rebuilt._view import View

_AS_IT_IS = ("RMSE", "MAE", "Quantile", "Huber", "LogCosh", "MAPE")


class _Symmetric(Estimator):
    """The trees, and what they add up to."""

    def _read(self, view: View) -> None:
        data, facts = model_bytes(view.inert), catboost_facts(view.inert)
        if data is None or facts is None:
            raise cannot("its model is not in the file: is it fitted?")
        try:
            found = catboost_trees(data)
        except CatBoostError as err:
            raise cannot(str(err)) from None
        if found.own_threshold:
            raise cannot("it has a threshold of its own for the label")
        self._trees, self._high, self._bias = found.trees, sorted(found.missing_high), found.bias
        self.loss = found.loss
        self.n_features_in_ = found.n_features
        names = facts.feature_names
        if len(names) == found.n_features and names != tuple(map(str, range(len(names)))):
            self.feature_names_in_ = np.array(names, dtype=object)

    def _raw(self, X: Any) -> NDArray[np.float64]:
        """Return the sums (n, k); a missing cell is below all borders, or above where the file says so."""
        rows = self.table(X).floats(nan=True, inf=True)
        with np.errstate(over="ignore"):
            rows = rows.astype(np.float32).astype(np.float64)
        missing = np.isnan(rows)
        rows[missing] = -np.inf
        for j in self._high:
            rows[missing[:, j], j] = np.inf
        out = np.zeros((len(rows), len(self._bias)))
        for tree in self._trees:
            above = rows[:, tree.columns] > tree.borders
            out += tree.values[above @ (1 << np.arange(len(tree.columns), dtype=np.int64))]
        return out + self._bias


@family("CatBoostClassifier", packages=("catboost",))
class CatBoostClassifier(_Symmetric, Classifier):
    """Two classes by one score, more by one score each."""

    def _labels(self, view: View) -> NDArray[Any]:
        facts = catboost_facts(view.inert)
        if facts is None or len(facts.classes) < 2:
            raise cannot("its model says no classes")
        return view.labels_of(list(facts.classes), "class_names")

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._read(view)
        two = len(self.classes_) == 2
        if self.loss not in ("Logloss", "MultiClass") or len(self._bias) != (
            1 if two else len(self.classes_)
        ):
            raise cannot(f"the loss {self.loss or 'of its model'} is not known for its classes")
        self._offer(predict=self._predict, predict_proba=self._proba)

    def _proba(self, X: Any) -> Matrix:
        raw = self._raw(X)
        if raw.shape[1] > 1:
            return softmax(raw)
        with np.errstate(over="ignore"):
            return both(1.0 / (1.0 + np.exp(-raw[:, 0])))

    def _predict(self, X: Any) -> Matrix:
        raw = self._raw(X)
        return self.named(raw.argmax(axis=1) if raw.shape[1] > 1 else (raw[:, 0] > 0).astype(np.int64))


@family("CatBoostRegressor", "CatBoost", packages=("catboost",))
class CatBoostRegressor(_Symmetric, Regressor):
    """Numbers, where the loss leaves the sum as it is."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._read(view)
        if self.loss not in _AS_IT_IS or len(self._bias) != 1:
            raise cannot(f"the loss {self.loss or 'of its model'} is not known")
        self._offer(predict=self._number)

    def _number(self, X: Any) -> Matrix:
        return self._raw(X)[:, 0]
