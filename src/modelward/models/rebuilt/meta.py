"""Ensembles of any estimators: bagging, voting, stacking, calibration, one against the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from modelward.errors import SubjectError
from modelward.models.rebuilt._base import Classifier, Estimator, Regressor, family
from modelward.models.rebuilt._view import cannot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models.rebuilt._table import Matrix, Table
    from modelward.models.rebuilt._view import View


def _members(view: View) -> list[Estimator]:
    members = [view.build(item) for item in view.items("estimators_")]
    if not members or not all(hasattr(m, "predict") for m in members):
        raise view.bad("estimators_", "is empty, or holds what answers nothing")
    return members


def _subsets(view: View, members: list[Estimator]) -> list[NDArray[np.int64]]:
    columns = view.integer("n_features_in_", most=10_000_000)
    items = view.items("estimators_features_")
    if len(items) != len(members):
        raise view.bad("estimators_features_", "has not one entry for each estimator")
    return [view.places(item, "estimators_features_", columns) for item in items]


@family("BaggingClassifier")
class BaggingClassifier(Classifier):
    """The mean of the probabilities of estimators, each of some columns."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.estimators_ = _members(view)
        self.estimators_features_ = _subsets(view, self.estimators_)
        k = len(self.classes_)
        self._own = []
        for member in self.estimators_:
            if not hasattr(member, "predict_proba"):
                raise cannot("a BaggingClassifier of estimators without probabilities")
            self._own.append(view.places(member.classes_.tolist(), "classes_", k))
        self._offer(predict=self._predict, predict_proba=self._proba)
        if all(hasattr(m, "decision_function") and len(m.classes_) == k for m in self.estimators_):
            self._offer(decision_function=self._decide)

    def _decide(self, X: Any) -> Matrix:
        table = self.table(X)
        parts = zip(self.estimators_, self.estimators_features_, strict=True)
        total: Matrix = sum(member.decision_function(table.take(columns)) for member, columns in parts)  # type: ignore[assignment]
        return total / len(self.estimators_)

    def _proba(self, X: Any) -> Matrix:
        table = self.table(X)
        out = np.zeros((table.n, len(self.classes_)))
        parts = zip(self.estimators_, self.estimators_features_, self._own, strict=True)
        for member, columns, own in parts:
            out[:, own] += member.predict_proba(table.take(columns))
        return out / len(self.estimators_)

    def _predict(self, X: Any) -> Matrix:
        return self.named(self._proba(X).argmax(axis=1))


@family("BaggingRegressor")
class BaggingRegressor(Regressor):
    """The mean of the numbers of estimators, each of some columns."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.estimators_ = _members(view)
        self.estimators_features_ = _subsets(view, self.estimators_)
        self._offer(predict=self._predict)

    def _predict(self, X: Any) -> Matrix:
        table = self.table(X)
        parts = zip(self.estimators_, self.estimators_features_, strict=True)
        total: Matrix = sum(member.predict(table.take(columns)) for member, columns in parts)  # type: ignore[assignment]
        return total / len(self.estimators_)


def _weights(view: View, members: list[Estimator]) -> NDArray[np.float64] | None:
    if not view.has("weights"):
        return None
    weights = view.floats("weights", 1)
    kept = [
        not (isinstance(item, tuple | list) and len(item) == 2 and item[1] == "drop")
        for item in view.items("estimators")
    ]
    if len(weights) != len(kept) or sum(kept) != len(members) or not weights[kept].sum():
        raise view.bad("weights", "has not one number for each estimator")
    return weights[kept].astype(np.float64)


@family("VotingClassifier")
class VotingClassifier(Classifier):
    """The class that most estimators name, or the mean of their probabilities."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.estimators_ = _members(view)
        self._weights = _weights(view, self.estimators_)
        self._soft = view.text("voting") == "soft"
        for member in self.estimators_:
            if len(getattr(member, "classes_", ())) != len(self.classes_):
                raise view.bad("estimators_", "holds estimators with other classes")
            if self._soft and not hasattr(member, "predict_proba"):
                raise view.bad("estimators_", "holds estimators without probabilities")
        self._offer(predict=self._predict)
        if self._soft:
            self._offer(predict_proba=self._proba)

    def _proba(self, X: Any) -> Matrix:
        table = self.table(X)
        shares = np.asarray([member.predict_proba(table) for member in self.estimators_])
        return np.asarray(np.average(shares, axis=0, weights=self._weights))

    def _predict(self, X: Any) -> Matrix:
        if self._soft:
            return self.named(self._proba(X).argmax(axis=1))
        table = self.table(X)
        votes = np.zeros((table.n, len(self.classes_)))
        for i, member in enumerate(self.estimators_):
            votes[np.arange(table.n), _codes(member.predict(table), len(self.classes_))] += (
                1.0 if self._weights is None else self._weights[i]
            )
        return self.named(votes.argmax(axis=1))


def _codes(answers: Matrix, k: int) -> NDArray[np.int64]:
    codes = np.asarray(answers)
    if codes.dtype.kind not in "iuf" or np.any(codes < 0) or np.any(codes >= k):
        raise SubjectError("an estimator inside the model answers with other classes than the model's")
    return codes.astype(np.int64)


@family("VotingRegressor")
class VotingRegressor(Regressor):
    """The mean of the numbers of estimators."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.estimators_ = _members(view)
        self._weights = _weights(view, self.estimators_)
        self._offer(predict=self._predict)

    def _predict(self, X: Any) -> Matrix:
        table = self.table(X)
        answers = np.asarray([member.predict(table) for member in self.estimators_]).T
        return np.asarray(np.average(answers, axis=1, weights=self._weights))


@family("StackingClassifier")
class StackingClassifier(Classifier):
    """An estimator of the answers of others."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.estimators_ = _members(view)
        self._methods = view.items("stack_method_")
        known = ("predict_proba", "decision_function", "predict")
        if len(self._methods) != len(self.estimators_) or any(m not in known for m in self._methods):
            raise view.bad("stack_method_", "has not one known method for each estimator")
        if not all(hasattr(e, m) for e, m in zip(self.estimators_, self._methods, strict=True)):
            raise view.bad("stack_method_", "names methods that an estimator has not")
        self._through = view.flag("passthrough", default=False)
        self.final_estimator_ = last = view.child("final_estimator_")
        if len(getattr(last, "classes_", ())) != len(self.classes_):
            raise view.bad("final_estimator_", "answers with other classes")
        self._offer(predict=lambda X: self.named(_codes(last.predict(self._answers(X)), len(self.classes_))))
        for name in ("predict_proba", "decision_function"):
            if hasattr(last, name):
                method = getattr(last, name)
                self._offer(**{name: lambda X, method=method: method(self._answers(X))})

    def _answers(self, X: Any) -> Matrix:
        table, blocks = self.table(X), []
        for member, method in zip(self.estimators_, self._methods, strict=True):
            answer = getattr(member, method)(table)
            if answer.ndim == 1:
                answer = answer[:, None]
            elif method == "predict_proba" and len(self.classes_) == 2:
                answer = answer[:, 1:]
            blocks.append(answer)
        if self._through:
            blocks.append(table.matrix())
        return np.hstack(blocks)


@family("FrozenEstimator")
class Frozen(Estimator):
    """An estimator that is not fitted again."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        inner = view.child("estimator")
        for name in (
            "predict",
            "predict_proba",
            "decision_function",
            "transform",
            "classes_",
            "n_features_in_",
        ):
            if hasattr(inner, name):
                setattr(self, name, getattr(inner, name))


@family("OneVsRestClassifier")
class OneAgainstRest(Classifier):
    """One estimator for each class."""

    def __init__(self, view: View) -> None:
        # The classes are a property of the file's class.
        binarizer = view.inside(view.raw("label_binarizer_"))
        Estimator.__init__(self, view)
        self.classes_ = binarizer.labels("classes_")
        self.estimators_ = _members(view)
        if binarizer.text("y_type_") not in ("binary", "multiclass"):
            raise cannot("a OneVsRestClassifier of several labels at once")
        k, m = len(self.classes_), len(self.estimators_)
        if k < 2 or m != (1 if k == 2 else k):
            raise view.bad("estimators_", f"has {m} entries for {k} classes")
        self._margins = all(hasattr(e, "decision_function") for e in self.estimators_)
        shares = all(hasattr(e, "predict_proba") for e in self.estimators_)
        if not self._margins and not shares:
            raise view.bad("estimators_", "holds estimators without scores")
        self._offer(predict=self._predict)
        if shares:
            self._offer(predict_proba=self._proba)
        if self._margins:
            self._offer(decision_function=self._decide)

    def _decide(self, X: Any) -> Matrix:
        table = self.table(X)
        out = np.array([e.decision_function(table).ravel() for e in self.estimators_]).T
        return out[:, 0] if out.shape[1] == 1 else out

    def _second(self, X: Any) -> Matrix:
        table = self.table(X)
        return np.array([e.predict_proba(table)[:, 1] for e in self.estimators_]).T

    def _proba(self, X: Any) -> Matrix:
        out = self._second(X)
        if out.shape[1] == 1:
            out = np.concatenate((1 - out, out), axis=1)
        total = out.sum(axis=1)[:, None]
        return np.divide(out, total, out=out, where=total != 0)  # type: ignore[no-any-return]

    def _predict(self, X: Any) -> Matrix:
        out = self._decide(X) if self._margins else self._second(X)
        if len(self.estimators_) == 1:
            return self.named((out.ravel() > (0 if self._margins else 0.5)).astype(np.int64))
        return self.named(out.argmax(axis=1))


@family("CalibratedClassifierCV")
class Calibrated(Classifier):
    """Estimators whose scores were made into probabilities."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._parts = [
            _CalibratedPart(view.inside(item), self.classes_)
            for item in view.items("calibrated_classifiers_")
        ]
        if not self._parts:
            raise view.bad("calibrated_classifiers_", "is empty")
        self._offer(predict=self._predict, predict_proba=self._proba)

    def _proba(self, X: Any) -> Matrix:
        table = self.table(X)
        out = np.zeros((table.n, len(self.classes_)))
        for part in self._parts:
            out += part.shares(table)
        return out / len(self._parts)

    def _predict(self, X: Any) -> Matrix:
        return self.named(self._proba(X).argmax(axis=1))


class _CalibratedPart:
    """One estimator, and one curve for each of its scores."""

    def __init__(self, view: View, classes: Matrix) -> None:
        self._estimator = view.child("estimator" if view.has("estimator") else "base_estimator")
        if view.text("method") not in ("sigmoid", "isotonic"):
            raise cannot(f"a CalibratedClassifierCV with method {view.text('method')!r}")
        own = self._estimator.classes_.tolist() if hasattr(self._estimator, "classes_") else []
        places = {label: i for i, label in enumerate(classes.tolist())}
        self._k = len(classes)
        if any(label not in places for label in own):
            raise view.bad("estimator", "answers with other classes")
        self._places = [1] if self._k == 2 else [places[label] for label in own]
        self._curves = [view.build(item) for item in view.items("calibrators")]
        if len(self._curves) != len(self._places) or len(own) != self._k:
            raise view.bad("calibrators", "has not one curve for each class")

    def shares(self, table: Table) -> Matrix:
        """Return probabilities (n, k)."""
        if hasattr(self._estimator, "decision_function"):
            raw = self._estimator.decision_function(table)
            raw = raw[:, None] if raw.ndim == 1 else raw
        else:
            raw = self._estimator.predict_proba(table)
            raw = raw[:, 1:] if self._k == 2 else raw
        out = np.zeros((table.n, self._k))
        for j, place in enumerate(self._places):
            out[:, place] = self._curves[j].predict(raw[:, j])
        if self._k == 2:
            out[:, 0] = 1.0 - out[:, 1]
        else:
            total = out.sum(axis=1)[:, None]
            out = np.divide(out, total, out=np.full_like(out, 1 / self._k), where=total != 0)
        out[(out > 1.0) & (out <= 1.0 + 1e-5)] = 1.0
        return out


@family("_SigmoidCalibration")
class Sigmoid(Estimator):
    """A logistic curve."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        a, b = view.number("a_"), view.number("b_")
        self._offer(predict=lambda x: expit(-(a * x + b)))


@family("IsotonicRegression")
class Isotonic(Estimator):
    """A rising (or falling) curve between points."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._x = view.floats("X_thresholds_", 1)
        self._y = view.floats("y_thresholds_", 1, self._x.shape)
        self._how = view.text("out_of_bounds")
        if not len(self._x) or self._how not in ("clip", "nan", "raise"):
            raise view.bad("out_of_bounds", "is not known, or there is no point")
        self._offer(predict=self._predict)

    def _predict(self, x: Any) -> Matrix:
        x = np.asarray(x).astype(self._x.dtype).ravel()
        outside = (x < self._x[0]) | (x > self._x[-1])
        if self._how == "raise" and outside.any():
            raise SubjectError("a score outside those that the calibration saw, and it takes no such thing")
        out = np.interp(x, self._x, self._y).astype(self._x.dtype)
        if self._how == "nan" and len(self._x) > 1:
            out[outside] = np.nan
        return out  # type: ignore[no-any-return]
