"""Gradient boosting over plain trees, and AdaBoost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, logit

from modelward.models.rebuilt._base import Classifier, Estimator, Regressor, both, family, softmax
from modelward.models.rebuilt._table import Table
from modelward.models.rebuilt._view import cannot
from modelward.models.rebuilt.trees import TreeRegressor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models.rebuilt._table import Matrix
    from modelward.models.rebuilt._view import View


class _Stages:
    """The stages of a boosted model: a grid of trees, one column for each output."""

    def __init__(self, view: View, columns: int | None) -> None:
        items = [view.build(item) for item in view.items("estimators_")]
        per_stage = view.integer("n_trees_per_iteration_", 0, most=10_000) or columns or 1
        if not items or len(items) % per_stage or not all(isinstance(t, TreeRegressor) for t in items):
            raise view.bad("estimators_", "is no grid of trees")
        if columns is not None and per_stage != columns:
            raise view.bad("estimators_", "has another number of trees a stage than the classes need")
        self.rate = view.number("learning_rate")
        self.grid = np.empty((len(items) // per_stage, per_stage), dtype=object)
        self.grid.ravel()[:] = items

    def add(self, rows: NDArray[np.float32], out: NDArray[np.float64]) -> None:
        """Add what all stages say to `out` (n, k)."""
        for stage in self.grid:
            for k, tree in enumerate(stage):
                out[:, k] += self.rate * tree.values[tree.tree_.apply(rows), 0]


def _start(view: View) -> Estimator | None:
    """Return the estimator that a boosted model starts from; None for zero."""
    value = view.raw("init_")
    if value == "zero":
        return None
    built = view.build(value)
    if type(built).__name__ not in ("DummyClassifier", "DummyRegressor"):
        # It was fitted on float32 rows and answers in float32, which no formula here does.
        raise cannot(f"{view.name} starts from a {type(built).__name__}")
    return built


@family("GradientBoostingClassifier")
class BoostingClassifier(Classifier):
    """Gradient boosting with logistic or exponential loss."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        k = len(self.classes_)
        loss = view.text("loss")
        if loss not in ("log_loss", "deviance", "exponential"):
            raise view.bad("loss", f"is {loss!r}, which is not known")
        # The half logit of the exponential loss makes probabilities of twice the margin.
        self._half = 2.0 if loss == "exponential" else 1.0
        self._late = view.version() >= (1, 4)
        self.second_on_tie = self._late
        self._stages = _Stages(view, 1 if k == 2 else k)
        self.learning_rate = self._stages.rate
        self.estimators_ = self._stages.grid
        self._init = _start(view)
        self.init_ = "zero" if self._init is None else self._init
        if self._init is not None and len(getattr(self._init, "classes_", ())) != k:
            raise view.bad("init_", "answers with another number of classes")
        self._offer(predict=self._predict, predict_proba=self._proba, decision_function=self._decide)

    def _raw_predict_init(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        # scikit-learn's own name: `models._nodes` asks loaded and rebuilt models alike.
        width = self.estimators_.shape[1]
        if self._init is None:
            return np.zeros((len(rows), width))
        share = np.asarray(self._init.predict_proba(Table(rows)), dtype=np.float64)
        eps = np.finfo(np.float64 if self._late else np.float32).eps
        share = np.clip(share, eps, 1 - eps)
        if width == 1:
            return np.array(logit(share[:, 1:]) / self._half)
        if not self._late:
            return np.log(share)
        mean = np.exp(np.mean(np.log(share), axis=1))
        return np.log(share / mean[:, None])  # type: ignore[no-any-return]

    def _raw(self, X: Any) -> NDArray[np.float64]:
        rows = self.table(X).singles()
        out = self._raw_predict_init(rows)
        self._stages.add(rows, out)
        return out

    def _decide(self, X: Any) -> Matrix:
        out = self._raw(X)
        return out.ravel() if out.shape[1] == 1 else out

    def _proba(self, X: Any) -> Matrix:
        out = self._raw(X)
        return both(expit(self._half * out[:, 0])) if out.shape[1] == 1 else softmax(out)

    def _predict(self, X: Any) -> Matrix:
        out = self._raw(X)
        if out.shape[1] > 1:
            return self.named(out.argmax(axis=1))
        # On a tie older releases take the first class, later ones the second.
        second = out[:, 0] >= 0 if self.second_on_tie else out[:, 0] > 0
        return self.named(second.astype(np.int64))


@family("GradientBoostingRegressor")
class BoostingRegressor(Regressor):
    """Gradient boosting of numbers: all its losses add up as they are."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._stages = _Stages(view, 1)
        self.estimators_ = self._stages.grid
        self._init = _start(view)
        self._offer(predict=self._predict)

    def _predict(self, X: Any) -> Matrix:
        rows = self.table(X).singles()
        out = np.zeros((len(rows), 1))
        if self._init is not None:
            out[:, 0] = self._init.predict(Table(rows))
        self._stages.add(rows, out)
        return out[:, 0]


def _weighted(view: View) -> tuple[list[Estimator], NDArray[np.float64]]:
    members = [view.build(item) for item in view.items("estimators_")]
    weights = view.floats("estimator_weights_", 1).astype(np.float64)
    if not members or len(weights) < len(members):
        raise view.bad("estimator_weights_", "has not one entry for each estimator")
    return members, weights


@family("AdaBoostClassifier")
class AdaBoostClassifier(Classifier):
    """AdaBoost: SAMME, and SAMME.R of older releases."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.estimators_, self._weights = _weighted(view)
        # Later releases keep the parameter as a word without meaning.
        self._real = view.get("algorithm", "SAMME") == "SAMME.R"
        self._even = view.version() >= (1, 4)
        missing = [
            m for m in self.estimators_ if not hasattr(m, "predict_proba" if self._real else "predict")
        ]
        if missing:
            raise view.bad("estimators_", "holds estimators without probabilities")
        self._offer(predict=self._predict, predict_proba=self._proba, decision_function=self._decide)

    def _votes(self, table: Table) -> Matrix:
        k = len(self.classes_)
        out = np.zeros((table.n, k))
        for member, weight in zip(self.estimators_, self._weights, strict=False):
            if self._real:
                share = np.log(np.clip(member.predict_proba(table), np.finfo(np.float64).eps, None))
                out += (k - 1) * (share - (1.0 / k) * share.sum(axis=1)[:, None])
                continue
            hit = member.predict(table)[:, None] == self.classes_[None, :]
            out += np.where(hit, weight, -1 / (k - 1) * weight if self._even else 0.0)
        total = self._weights.sum()
        return out / total  # type: ignore[no-any-return]

    def _decide(self, X: Any) -> Matrix:
        table = Table(self.table(X).floats())
        if len(self.classes_) == 1:
            return np.zeros((table.n, 1))
        out = self._votes(table)
        if len(self.classes_) == 2:
            out[:, 0] *= -1
            return out.sum(axis=1)  # type: ignore[no-any-return]
        return out

    def _proba(self, X: Any) -> Matrix:
        raw, k = self._decide(X), len(self.classes_)
        if k == 1:
            return np.ones((len(raw), 1))
        return softmax(np.vstack([-raw, raw]).T / 2 if k == 2 else raw / (k - 1))

    def _predict(self, X: Any) -> Matrix:
        raw = self._decide(X)
        return self.named((raw > 0).astype(np.int64) if raw.ndim == 1 else raw.argmax(axis=1))


@family("AdaBoostRegressor")
class AdaBoostRegressor(Regressor):
    """AdaBoost of numbers: the weighted median."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.estimators_, self._weights = _weighted(view)
        self._offer(predict=self._predict)

    def _predict(self, X: Any) -> Matrix:
        table = Table(self.table(X).floats())
        answers = np.array([member.predict(table) for member in self.estimators_]).T
        order = np.argsort(answers, axis=1)
        mass = np.cumsum(self._weights[order], axis=1)
        first = (mass >= 0.5 * mass[:, -1][:, None]).argmax(axis=1)
        rows = np.arange(len(answers))
        result: Matrix = answers[rows, order[rows, first]]
        return result
