"""Linear models and discriminant analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from modelward.models.rebuilt._base import Classifier, Regressor, both, family, softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models.rebuilt._table import Matrix
    from modelward.models.rebuilt._view import View


class _Linear(Classifier):
    """A linear classifier: the class with the largest margin, or the second of two if it is positive."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.coef_ = np.atleast_2d(view.floats("coef_"))
        self.intercept_ = view.floats("intercept_")
        rows, k = len(self.coef_), len(self.classes_)
        if self.coef_.ndim != 2 or self.intercept_.shape not in ((), (1,), (rows,)):
            raise view.bad("coef_", "does not fit intercept_")
        if rows != (1 if k == 2 else k):
            raise view.bad("coef_", f"has {rows} rows for {k} classes")
        self.n_features_in_ = self.coef_.shape[1]
        self._offer(predict=self._predict, decision_function=self._decide)

    def _decide(self, X: Any) -> Matrix:
        out = self.table(X).floats() @ self.coef_.T + self.intercept_
        return out.ravel() if out.shape[1] == 1 else out  # type: ignore[no-any-return]

    def _predict(self, X: Any) -> Matrix:
        out = self._decide(X)
        return self.named((out > 0).astype(np.int64) if out.ndim == 1 else out.argmax(axis=1))

    def _one_against_rest(self, X: Any) -> Matrix:
        share = expit(self._decide(X))
        return both(share) if share.ndim == 1 else _divided(share)

    def _multinomial(self, X: Any) -> Matrix:
        raw = self._decide(X)
        return softmax(np.column_stack([-raw, raw]) if raw.ndim == 1 else raw)


def _divided(share: Matrix) -> Matrix:
    """Return rows that add up to one; a row of zeros is shared out evenly."""
    total = share.sum(axis=1)
    share[total == 0] = 1
    total[total == 0] = share.shape[1]
    return share / total[:, None]  # type: ignore[no-any-return]


@family("LinearSVC", "Perceptron", "PassiveAggressiveClassifier")
class LinearClassifier(_Linear):
    """A linear classifier without probabilities."""


@family("RidgeClassifier", "RidgeClassifierCV")
class RidgeLabels(_Linear):
    """Ridge regression on labels; releases before 1.8 keep the labels in a binarizer alone."""

    def _labels(self, view: View) -> NDArray[Any]:
        if view.knows("classes_") or not view.knows("_label_binarizer"):
            return super()._labels(view)
        return view.inside(view.raw("_label_binarizer")).labels("classes_")


@family("LogisticRegression", "LogisticRegressionCV")
class Logistic(_Linear):
    """Logistic regression: of two classes, multinomial, or one against the rest."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        binary = len(self.classes_) <= 2
        ovr = binary
        if view.knows("multi_class"):
            how = view.text("multi_class")
            ovr = how == "ovr" or (
                how in ("auto", "deprecated", "warn") and (binary or view.get("solver") == "liblinear")
            )
        self._offer(predict_proba=self._one_against_rest if ovr else self._multinomial)


@family("SGDClassifier")
class StochasticGradient(_Linear):
    """A linear classifier trained by stochastic gradient descent; two of its losses have probabilities."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        loss = view.text("loss")
        if loss in ("log_loss", "log"):
            self._offer(predict_proba=self._one_against_rest)
        elif loss == "modified_huber":
            self._offer(predict_proba=self._huber)

    def _huber(self, X: Any) -> Matrix:
        share = (np.clip(self._decide(X), -1, 1) + 1.0) / 2.0
        return both(share) if share.ndim == 1 else _divided(share)


@family("LinearDiscriminantAnalysis")
class LinearDiscriminant(_Linear):
    """Linear discriminant analysis."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        binary = len(self.classes_) == 2
        self._offer(predict_proba=self._one_against_rest if binary else self._multinomial)


@family("QuadraticDiscriminantAnalysis")
class QuadraticDiscriminant(Classifier):
    """Quadratic discriminant analysis."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        k = len(self.classes_)
        self._means = view.floats("means_", 2)
        d = self._means.shape[1]
        self._priors = view.floats("priors_", 1, (k,))
        self._scalings = [view.floats_of(s, "scalings_", 1) for s in view.items("scalings_")]
        turns = [view.floats_of(r, "rotations_", 2) for r in view.items("rotations_")]
        fits = len(self._scalings) == len(turns) == len(self._means) == k
        if not fits or any(r.shape != (d, len(s)) for r, s in zip(turns, self._scalings, strict=True)):
            raise view.bad("rotations_", "do not fit the classes")
        self.n_features_in_ = d
        with np.errstate(all="ignore"):
            self._turns = [r * s ** (-0.5) for r, s in zip(turns, self._scalings, strict=True)]
        self._offer(predict=self._predict, predict_proba=self._proba, decision_function=self._decide)

    def _joint(self, X: Any) -> Matrix:
        rows = self.table(X).floats()
        far = [np.sum(((rows - m) @ t) ** 2, axis=1) for m, t in zip(self._means, self._turns, strict=True)]
        with np.errstate(all="ignore"):
            spread = np.array([np.sum(np.log(s)) for s in self._scalings])
            result: Matrix = -0.5 * (np.array(far).T + spread) + np.log(self._priors)
        return result

    def _decide(self, X: Any) -> Matrix:
        out = self._joint(X)
        return out[:, 1] - out[:, 0] if out.shape[1] == 2 else out

    def _predict(self, X: Any) -> Matrix:
        return self.named(self._joint(X).argmax(axis=1))

    def _proba(self, X: Any) -> Matrix:
        out = self._joint(X)
        likelihood = out - out.max(axis=1)[:, None]
        return np.exp(likelihood - np.log(np.exp(likelihood).sum(axis=1)[:, None]))  # type: ignore[no-any-return]


@family(
    "LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV", "SGDRegressor",
    "HuberRegressor", "BayesianRidge", "LinearSVR", "Lars", "LassoLars", "TheilSenRegressor",
    "PoissonRegressor", "GammaRegressor",
)  # fmt: skip
class LinearRegressor(Regressor):
    """A linear model of a number, or of its logarithm."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        coef = view.floats("coef_")
        if coef.ndim not in (1, 2) or (coef.ndim == 2 and coef.shape[0] != 1):
            raise view.bad("coef_", "belongs to several outputs")
        self._flat = coef.ravel()
        self.n_features_in_ = len(self._flat)
        intercept = view.floats("intercept_").ravel()
        if len(intercept) != 1:
            raise view.bad("intercept_", "belongs to several outputs")
        self._intercept = float(intercept[0])
        self._log = view.name in ("PoissonRegressor", "GammaRegressor")
        self._offer(predict=self._predict)

    def _predict(self, X: Any) -> Matrix:
        out = self.table(X).floats() @ self._flat + self._intercept
        return np.exp(out) if self._log else out  # type: ignore[no-any-return]
