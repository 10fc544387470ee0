"""Boosters of xgboost and lightgbm, and their wrappers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.artifacts._boosters import BoosterError, booster_trees
from modelward.errors import SubjectError
from modelward.models.rebuilt._base import Classifier, Estimator, Regressor, both, family
from modelward.models.rebuilt._booster_categories import CodedColumns
from modelward.models.rebuilt._booster_sums import BoosterSums
from modelward.models.rebuilt._kernels import ZERO
from modelward.models.rebuilt._view import cannot

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from modelward.artifacts._boosters import BoosterTrees
    from modelward.models.rebuilt._table import Matrix
    from modelward.models.rebuilt._view import View


class _Boosted(Estimator):
    """What all of them have: the trees, and rows as the trees see them."""

    def _read(self, view: View, *, wrapped: bool) -> None:
        try:
            found = booster_trees(view.inert)
        except BoosterError as err:
            raise cannot(str(err)) from None
        if found is None:
            raise view.bad("_Booster", "is not in the file: is the model fitted?")
        self.trees_: BoosterTrees = found
        self.library = found.library
        self.n_features_in_ = found.n_features
        names = found.feature_names
        if names and names != tuple(f"Column_{i}" for i in range(len(names))):
            self.feature_names_in_ = np.array(names, dtype=object)
        # A raw booster of xgboost answers with all its trees, whatever its best round was.
        best = found.best if wrapped or found.library == "lightgbm" else 0
        self._sums = BoosterSums(found, best, in_place=wrapped)
        self.objective = self._sums.objective
        self.categories_ = CodedColumns(found)
        missing = view.get("missing", float("nan"))
        if not isinstance(missing, int | float):
            raise view.bad("missing", "is no number")
        self._missing = float(missing)

    def rows(self, X: Any) -> NDArray[np.float64]:
        """Return rows (n, d), NaN where a cell counts as missing.

        Raises
        ------
        SubjectError
            If xgboost is given infinite numbers, or a category that it never saw.
        """
        table = self.table(self.categories_.coded(X))
        out = table.floats(nan=True, inf=True)
        if self.library != "xgboost":
            out[np.abs(out) <= ZERO] = 0.0  # as lightgbm does where a row enters
            return out
        if not np.isnan(self._missing):
            out[out.astype(np.float32) == np.float32(self._missing)] = np.nan
        with np.errstate(over="ignore"):
            if np.isinf(out.astype(np.float32)).any():
                raise SubjectError(
                    "the model takes no infinite values, nor such as are too large for its type"
                )
        return out

    def _answer(self, X: Any) -> Matrix:
        return self._sums.answers(self.rows(X))


@family("Booster", packages=("xgboost", "lightgbm"))
class RawBooster(_Boosted):
    """A booster without its wrapper: it answers with what its objective makes of the sums."""

    raw_booster = True

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._read(view, wrapped=False)
        self._offer(predict=self._answer)


class _BoostedClassifier(_Boosted, Classifier):
    """Probabilities, and labels from them."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._read(view, wrapped=True)
        if not self._allowed():
            raise cannot(f"the objective {self.objective} gives no probabilities")
        if self.trees_.n_groups != (1 if len(self.classes_) == 2 else len(self.classes_)):
            raise cannot("the trees of its booster do not fit its classes")
        self._offer(predict=self._predict, predict_proba=self._proba)

    def _allowed(self) -> bool:
        raise NotImplementedError

    def _proba(self, X: Any) -> Matrix:
        out = self._answer(X)
        return both(out) if out.ndim == 1 else out

    def _predict(self, X: Any) -> Matrix:
        return self.named(self._proba(X).argmax(axis=1))


@family("XGBClassifier", "XGBRFClassifier", packages=("xgboost",))
class XGBoostClassifier(_BoostedClassifier):
    """The wrappers of xgboost, whose labels are numbers from zero."""

    def _labels(self, view: View) -> NDArray[Any]:
        return np.arange(view.integer("n_classes_", most=100_000))

    def _allowed(self) -> bool:
        return self.objective in ("binary:logistic", "multi:softprob", "binary:hinge", "binary:logitraw")

    def _predict(self, X: Any) -> Matrix:
        out = self._answer(X)
        return self.named((out > 0.5).astype(np.int64) if out.ndim == 1 else out.argmax(axis=1))


@family("LGBMClassifier", packages=("lightgbm",))
class LightGBMClassifier(_BoostedClassifier):
    """The wrapper of lightgbm."""

    def _labels(self, view: View) -> NDArray[Any]:
        return view.labels("_classes")

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._offer(decision_function=self._decide)

    def _decide(self, X: Any) -> Matrix:
        out = self._sums.margins(self.rows(X))
        return out[:, 0] if out.shape[1] == 1 else out

    def _allowed(self) -> bool:
        return self.objective in ("binary", "multiclass", "multiclassova", "cross_entropy", "xentropy")


class _BoostedRegressor(_Boosted, Regressor):
    """Numbers."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._read(view, wrapped=True)
        answer: Callable[[Any], Matrix] = self._answer
        self._offer(predict=answer)


@family("XGBRegressor", "XGBRFRegressor", "XGBRanker", packages=("xgboost",))
class XGBoostRegressor(_BoostedRegressor):
    """Wrappers of xgboost that answer with numbers."""


@family("LGBMRegressor", "LGBMRanker", packages=("lightgbm",))
class LightGBMRegressor(_BoostedRegressor):
    """Wrappers of lightgbm that answer with numbers."""
