"""Naive Bayes, and models that look at no column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import logsumexp

from modelward.errors import SubjectError
from modelward.models.rebuilt._base import Classifier, Regressor, family
from modelward.models.rebuilt._table import Table
from modelward.models.rebuilt._view import cannot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models.rebuilt._table import Matrix
    from modelward.models.rebuilt._view import View


class _Bayes(Classifier):
    """The class with the largest joint likelihood."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._offer(predict=self._predict, predict_proba=self._proba)

    def _joint(self, rows: NDArray[np.float64]) -> Matrix:
        raise NotImplementedError

    def _ask(self, X: Any) -> Matrix:
        with np.errstate(all="ignore"):
            return self._joint(self.table(X).floats())

    def _predict(self, X: Any) -> Matrix:
        return self.named(self._ask(X).argmax(axis=1))

    def _proba(self, X: Any) -> Matrix:
        joint = self._ask(X)
        with np.errstate(all="ignore"):
            return np.exp(joint - logsumexp(joint, axis=1)[:, None])  # type: ignore[no-any-return]


@family("GaussianNB")
class GaussianBayes(_Bayes):
    """Naive Bayes with normal densities."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        k = len(self.classes_)
        self._mean = view.floats("theta_", 2)
        self._spread = view.floats("var_", 2, self._mean.shape)
        self._prior = view.floats("class_prior_", 1, (k,))
        if len(self._mean) != k:
            raise view.bad("theta_", "has not one row for each class")
        self.n_features_in_ = self._mean.shape[1]

    def _joint(self, rows: NDArray[np.float64]) -> Matrix:
        out = []
        for mean, spread, prior in zip(self._mean, self._spread, self._prior, strict=True):
            one = -0.5 * np.sum(np.log(2.0 * np.pi * spread))
            one = one - 0.5 * np.sum((rows - mean) ** 2 / spread, axis=1)
            out.append(np.log(prior) + one)
        return np.array(out).T


@family("BernoulliNB", "MultinomialNB", "ComplementNB")
class DiscreteBayes(_Bayes):
    """Naive Bayes with counts."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        k = len(self.classes_)
        self._share = view.floats("feature_log_prob_", 2)
        self._prior = view.floats("class_log_prior_", 1, (k,))
        if len(self._share) != k:
            raise view.bad("feature_log_prob_", "has not one row for each class")
        self.n_features_in_ = self._share.shape[1]
        self._kind = view.name
        self._cut = view.number("binarize") if view.name == "BernoulliNB" and view.has("binarize") else None

    def _joint(self, rows: NDArray[np.float64]) -> Matrix:
        if self._kind == "BernoulliNB":
            if self._cut is not None:
                rows = (rows > self._cut).astype(np.float64)
            absent = np.log(1 - np.exp(self._share))
            out: Matrix = rows @ (self._share - absent).T
            out += self._prior + absent.sum(axis=1)
            return out
        if rows.size and rows.min() < 0:
            raise SubjectError("the model takes no negative numbers")
        out = rows @ self._share.T
        # The complement weighs classes by itself; a prior counts only if there is but one.
        return out + self._prior if self._kind == "MultinomialNB" or len(self.classes_) == 1 else out


@family("CategoricalNB")
class CategoricalBayes(_Bayes):
    """Naive Bayes with categories."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        k = len(self.classes_)
        self._shares = [view.floats_of(s, "feature_log_prob_", 2) for s in view.items("feature_log_prob_")]
        self._prior = view.floats("class_log_prior_", 1, (k,))
        if any(len(s) != k for s in self._shares):
            raise view.bad("feature_log_prob_", "has not one row for each class")
        self.n_features_in_ = len(self._shares)

    def _joint(self, rows: NDArray[np.float64]) -> Matrix:
        out = np.zeros((len(rows), len(self.classes_)))
        for j, share in enumerate(self._shares):
            codes = rows[:, j].astype(np.int64)
            if np.any(codes < 0) or np.any(codes >= share.shape[1]):
                raise SubjectError("a category that the model has not seen, and it takes no such thing")
            out += share[:, codes].T
        return out + self._prior  # type: ignore[no-any-return]


@family("DummyClassifier")
class DummyClassifier(Classifier):
    """The same answer to every row."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        how = view.get("_strategy", view.get("strategy"))
        share = view.floats("class_prior_", 1, (len(self.classes_),))
        if how == "constant":
            hit = self.classes_ == np.asarray(view.raw("constant")).ravel()[:1]
            if not np.any(hit):
                raise view.bad("constant", "is no class")
            share = np.asarray(hit, dtype=np.float64)
        elif how == "most_frequent":
            share = np.eye(len(share))[share.argmax()]
        elif how != "prior":
            raise cannot("a DummyClassifier that draws its answers by chance")
        self._share = share.astype(np.float64)
        self._offer(
            predict=lambda X: self.named(np.full(Table.of(X).n, self._share.argmax())),
            predict_proba=lambda X: np.tile(self._share, (Table.of(X).n, 1)),
        )


@family("DummyRegressor")
class DummyRegressor(Regressor):
    """The same number for every row."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        value = view.floats("constant_").ravel()
        if len(value) != 1:
            raise view.bad("constant_", "belongs to several outputs")
        self._offer(predict=lambda X: np.full(Table.of(X).n, value[0]))
