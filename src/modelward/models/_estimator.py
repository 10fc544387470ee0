"""Backend for fitted estimators: scikit-learn and whatever follows its conventions."""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import NotRefittable, SubjectError
from modelward.models._answers import NOT_A_CLASSIFIER, Reader, finite
from modelward.models._feed import Feed, failure
from modelward.models._labels import codes_of, label_array, show_labels
from modelward.models._scores import Scores

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class EstimatorBackend:
    """Asks a fitted estimator.

    Parameters
    ----------
    model : object
        Has `predict` and `classes_`, and perhaps `predict_proba` or `decision_function`.
    feed : Feed
        Turns encoded matrices into what the model takes.
    classes : ndarray, shape (k,)
        The subject's classes, which columns of scores are put in the order of.
    own : ndarray, shape (m,)
        The model's classes, in the order of its columns; a label may stand twice in a tampered file.
    relabel : ndarray, shape (m,), optional
        For a model that was fitted on 0..m-1 in place of labels: what they stand for.
    """

    model: Any
    feed: Feed
    classes: NDArray[Any]
    own: NDArray[Any]
    relabel: NDArray[Any] | None = None
    kind: str = "estimator"

    def labels(self, X: NDArray[np.float64]) -> NDArray[Any]:
        """Return the estimator's own labels (its own dtype and tie rule)."""
        try:
            raw = np.asarray(self.feed.ask(self.model.predict, X))
        except ValueError:
            raise SubjectError("an answer with rows of different lengths") from None
        if raw.ndim == 2 and raw.shape[1] == 1:
            raw = raw[:, 0]
        if raw.ndim != 1:
            raise SubjectError(
                f"an answer of shape {raw.shape} to {len(X)} rows: models with several outputs or several "
                "labels at once cannot be assessed; wrap one output in a function"
            )
        if self.relabel is not None:
            raw = self.relabel[raw.astype(np.int64)]
        if raw.dtype.kind == "f" and np.any(raw != np.floor(raw)) and np.any(codes_of(raw, self.classes) < 0):
            strange = raw[codes_of(raw, self.classes) < 0][0].item()
            raise SubjectError(
                f"an answer {strange!r}, which is no label ({show_labels(self.classes)}); {NOT_A_CLASSIFIER}"
            )
        return raw

    def ask(self, X: NDArray[np.float64]) -> tuple[NDArray[Any], Scores | None]:
        """Return labels and scores, with one column for each of the subject's classes."""
        return self.labels(X), self.scores(X)

    def scores(self, X: NDArray[np.float64]) -> Scores | None:
        """Return scores of shape (n, k), or None if the model has none.

        A class that the model never saw has probability 0, or margin −∞. Where two of a tampered model's
        classes have one name, probabilities are added and the larger margin counts.
        """
        if hasattr(self.model, "predict_proba"):
            values = np.asarray(self.feed.ask(self.model.predict_proba, X), dtype=np.float64)
            return Scores(self._align(values, 0.0), "probability")
        if hasattr(self.model, "decision_function"):
            raw = np.asarray(self.feed.ask(self.model.decision_function, X), dtype=np.float64)
            both = np.column_stack([-raw, raw]) if raw.ndim == 1 else raw
            if both.ndim == 2 and both.shape[1] != len(self.own) and len(self.own) > 2:
                return None  # one against one: its columns are pairs of classes
            return Scores(self._align(both, -np.inf), "margin")
        return None

    def _align(self, values: NDArray[Any], absent: float) -> NDArray[np.float64]:
        """Put the model's columns in the order of the subject's classes."""
        if values.ndim != 2 or values.shape[1] != len(self.own):
            raise SubjectError(
                f"scores of shape {values.shape} do not fit the model's {len(self.own)} classes"
            )
        finite(values)
        if len(self.own) == len(self.classes) and np.array_equal(self.own, self.classes):
            return values
        out = np.full((len(values), len(self.classes)), absent, dtype=np.float64)
        for j, label in enumerate(self.classes):
            mine = np.flatnonzero(self.own == label)
            if len(mine):
                out[:, j] = values[:, mine].sum(axis=1) if absent == 0.0 else values[:, mine].max(axis=1)
        return out


class AnswerBackend:
    """Asks a function, or an object that has nothing but `predict`.

    Parameters
    ----------
    call : callable
        Takes a batch; returns labels (n,), scores (n,) of the second class, or scores (n, k).
    feed : Feed
        Turns encoded matrices into what it takes.
    reader : Reader
        Reads the answers.
    kind : str
        Such as ``"callable"``.
    """

    def __init__(self, call: Any, feed: Feed, reader: Reader, kind: str = "callable") -> None:
        import threading

        self.kind = kind
        self._call = call
        self._feed = feed
        self._reader = reader
        # Nobody promised that a user's function may run twice at once.
        self._lock = threading.Lock()

    def ask(self, X: NDArray[np.float64]) -> tuple[NDArray[Any], Scores | None]:
        """Return labels and scores of a batch, from one call."""
        with self._lock:
            raw = self._feed.ask(self._call, X)
        return self._reader.read(raw, len(X))

    def labels(self, X: NDArray[np.float64]) -> NDArray[Any]:
        """Return the labels of a batch."""
        return self.ask(X)[0]

    def scores(self, X: NDArray[np.float64]) -> Scores | None:
        """Return the scores of a batch, if it gives any."""
        return self.ask(X)[1]


@dataclass(frozen=True)
class CloneTrainer:
    """Fits clones of an estimator."""

    model: Any
    feed: Feed
    classes: NDArray[Any]

    def __call__(
        self, X: NDArray[np.float64], y: NDArray[Any], seed: int
    ) -> EstimatorBackend | AnswerBackend:
        """Fit a clone with another random state; the user's object is left alone.

        Raises
        ------
        NotRefittable
            If the model cannot be cloned or fitted.
        """
        from sklearn.base import clone

        try:
            fresh = clone(self.model)
            parameters = fresh.get_params(deep=True)
            states = {k: seed for k in parameters if k == "random_state" or k.endswith("__random_state")}
            fresh.set_params(**states)
            relabel = None
            if step_module(fresh) == "xgboost":
                # It takes 0..m-1 without gaps, and a sample of the rows may lack a label; fitting leaves
                # the objective of three classes in the parameters, which fails for two.
                relabel, y = np.unique(y, return_inverse=True)
                last = last_step(fresh)
                if len(relabel) == 2 and str(last.get_params().get("objective", "")).startswith("multi:"):
                    last.set_params(objective="binary:logistic")
            fresh.fit(self.feed.form(X, self.feed.chosen or self.feed.forms[0]), y)
        except Exception as err:
            kind, words = failure(err)
            raise NotRefittable(f"training the model again failed: {kind}", words) from err
        one = single_threaded(fresh)
        own = relabel if relabel is not None else own_classes(fresh)
        if own is None:
            return AnswerBackend(one.predict, self.feed, Reader(self.classes), "estimator")
        return EstimatorBackend(one, self.feed, self.classes, own, relabel)


def last_step(model: Any) -> Any:
    """Return the estimator at the end of a pipeline or search, or the model itself."""
    for _ in range(10):
        if hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        elif hasattr(model, "steps"):
            model = model.steps[-1][1]
        else:
            break
    return model


def step_module(model: Any) -> str:
    """Return the package that the estimator at the end of a pipeline comes from, bases included."""
    packages = {base.__module__.partition(".")[0] for base in type(last_step(model)).__mro__}
    return next((p for p in ("xgboost", "lightgbm", "catboost", "sklearn") if p in packages), "")


def own_classes(model: Any) -> NDArray[Any] | None:
    """Return a model's classes in the order of its columns, or None if it has none.

    Raises
    ------
    SubjectError
        If it has several outputs.
    """
    classes = getattr(model, "classes_", None)
    if classes is None:
        return None
    if getattr(model, "multilabel_", False) or getattr(model, "n_outputs_", 1) > 1 or np.ndim(classes[0]):
        raise SubjectError(
            "models with several outputs or several labels at once cannot be assessed: "
            "wrap one output in a function"
        )
    return label_array(np.asarray(classes))


def single_threaded(model: Any) -> Any:
    """Return the model, or a shallow copy that predicts on one thread; the model is not changed.

    A forest of scikit-learn adds up its trees in the order in which threads finish, so scores could differ in
    the last bit from run to run.
    """
    forest = sys.modules.get("sklearn.ensemble._forest")
    last = last_step(model)
    if forest is None or not isinstance(last, forest.BaseForest) or last.n_jobs in (None, 1):
        return model
    quiet = copy.copy(last)
    quiet.n_jobs = 1
    if last is model:
        return quiet
    if hasattr(model, "steps") and model.steps[-1][1] is last:
        whole = copy.copy(model)
        whole.steps = [*model.steps[:-1], (model.steps[-1][0], quiet)]
        return whole
    return model
