"""Subject: the model under test, as a caller meets it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from modelward.errors import NotRefittable, SubjectError
from modelward.models._labels import codes_of, label_array, show_labels
from modelward.models._meter import Meter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models._scores import Scores
    from modelward.schema import Codec


class Backend(Protocol):
    """What answers: an estimator, a callable, an endpoint. It takes encoded matrices."""

    @property
    def kind(self) -> str:
        """Such as ``"estimator"``."""

    def ask(self, X: NDArray[np.float64]) -> tuple[NDArray[Any], Scores | None]:
        """Return labels (n,) and scores, if there are any, of one batch."""

    def labels(self, X: NDArray[np.float64]) -> NDArray[Any]:
        """Return labels (n,) of one batch."""

    def scores(self, X: NDArray[np.float64]) -> Scores | None:
        """Return scores (n, k) of one batch, if there are any."""


@runtime_checkable
class Resending(Protocol):
    """A backend that may have to send rows again, and counts them on the subject's meter."""

    def bound(self, meter: Meter) -> Backend:
        """Return the same backend, counting on another meter."""


class Trainer(Protocol):
    """Trains the same kind of model afresh."""

    def __call__(self, X: NDArray[np.float64], y: NDArray[Any], seed: int) -> Backend:
        """Fit a clone on an encoded matrix and labels."""


@dataclass(frozen=True)
class Subject:
    """The model under test.

    All engines speak to it in encoded matrices (see `modelward.schema.Codec`); the backend turns them into
    whatever the model takes, with its own dtype. It may be used from several threads.

    Parameters
    ----------
    name : str
        How reports call it.
    backend : Backend
        What answers.
    classes : ndarray, shape (k,)
        All labels, of the model and of the data, each once, sorted.
    codec : Codec
        Between tables and encoded matrices.
    meter : Meter
        Counts the rows sent.
    trainer : Trainer or None
        Fits the same kind of model again; None where that is impossible.
    model : object or None
        The fitted estimator, for engines that look inside; None for callables and endpoints.
    """

    name: str
    backend: Backend
    classes: NDArray[Any]
    codec: Codec
    meter: Meter = field(default_factory=Meter)
    trainer: Trainer | None = None
    model: Any = None

    def __post_init__(self) -> None:
        if isinstance(self.backend, Resending):
            object.__setattr__(self, "backend", self.backend.bound(self.meter))

    @property
    def n_features(self) -> int:
        """Columns that the model takes."""
        return len(self.codec.schema)

    @property
    def n_classes(self) -> int:
        """Number of labels."""
        return len(self.classes)

    def predict(self, X: NDArray[np.float64]) -> NDArray[Any]:
        """Return the labels of an encoded matrix, shape (n,), in the type of `classes`.

        Raises
        ------
        BudgetExhausted
            Before anything is sent, if the meter does not cover the batch.
        SubjectError
            If the model fails or answers with labels that nobody declared.
        """
        return self.classes[self.codes(X)]

    def codes(self, X: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the labels as indices into `classes`, shape (n,).

        Raises
        ------
        BudgetExhausted, SubjectError
            As `predict`.
        """
        self._spend(X)
        if not len(X):
            return np.empty(0, dtype=np.int64)
        try:
            return self._codes(self.backend.labels(X), len(X))
        except SubjectError as err:
            raise self._named(err) from err

    def scores(self, X: NDArray[np.float64]) -> Scores | None:
        """Return scores of shape (n, k), or None if the model has none.

        Raises
        ------
        BudgetExhausted, SubjectError
            As `predict`.
        """
        self._spend(X)
        if not len(X):
            return None
        try:
            return self._checked(self.backend.scores(X), len(X))
        except SubjectError as err:
            raise self._named(err) from err

    def ask(self, X: NDArray[np.float64]) -> tuple[NDArray[np.int64], Scores | None]:
        """Return codes and scores of one batch, which the meter counts once.

        Raises
        ------
        BudgetExhausted, SubjectError
            As `predict`.
        """
        self._spend(X)
        if not len(X):
            return np.empty(0, dtype=np.int64), None
        try:
            labels, scores = self.backend.ask(X)
            return self._codes(labels, len(X)), self._checked(scores, len(X))
        except SubjectError as err:
            raise self._named(err) from err

    def encode_labels(self, labels: NDArray[Any]) -> NDArray[np.int64]:
        """Return labels of a table as indices into `classes`.

        Labels that a CSV spells otherwise (``"1"`` or 1.0 for 1) are aligned.

        Raises
        ------
        SubjectError
            If a label is not among the classes.
        """
        codes = codes_of(np.asarray(labels), self.classes)
        if np.any(codes < 0):
            strange = np.asarray(labels)[codes < 0][:1].tolist()[0]
            raise SubjectError(
                f"{strange!r} is none of the labels of {self.name}: {show_labels(self.classes)}"
            )
        return codes

    def with_budget(self, rows: int | None) -> Subject:
        """Return the same model behind a meter of its own; this one's meter counts too."""
        return dataclasses.replace(self, meter=Meter(rows, parent=self.meter))

    def refit(self, X: NDArray[np.float64], y: NDArray[np.int64], seed: int) -> Subject:
        """Train the same kind of model on other rows.

        Parameters
        ----------
        X : ndarray of shape (n, d)
            Encoded rows.
        y : ndarray of shape (n,)
            Indices into `classes`.
        seed : int
            Random state of the new model.

        Returns
        -------
        Subject
            The new model, with a meter of its own; its `model` is the new estimator.

        Raises
        ------
        NotRefittable
            If the model is a callable, an endpoint, or cannot be cloned.
        """
        if self.trainer is None:
            raise NotRefittable(f"{self.name} cannot be trained again: give a scikit-learn style estimator")
        try:
            backend = self.trainer(X, self.classes[y], seed)
        except NotRefittable as err:
            raise self._named(err) from err
        return dataclasses.replace(
            self, name=f"{self.name} (refitted)", backend=backend, meter=Meter(),
            model=getattr(backend, "model", None),
        )  # fmt: skip

    def _spend(self, X: NDArray[np.float64]) -> None:
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise SubjectError(f"{self.name} takes rows of {self.n_features} columns, not shape {X.shape}")
        if len(X):
            self.meter.spend(len(X))

    def _codes(self, raw: NDArray[Any], n: int) -> NDArray[np.int64]:
        labels = np.asarray(raw)
        if labels.ndim != 1 or len(labels) != n:
            raise SubjectError(f"an answer of shape {labels.shape} to {n} rows: one label a row is needed")
        codes = codes_of(labels, self.classes)
        if np.any(codes < 0):
            strange = label_array(labels)[codes < 0][0].item()
            raise SubjectError(f"an answer {strange!r}, which is no label ({show_labels(self.classes)})")
        return codes

    def _checked(self, scores: Scores | None, n: int) -> Scores | None:
        if scores is not None and scores.values.shape != (n, self.n_classes):
            raise SubjectError(
                f"scores of shape {scores.values.shape} to {n} rows and {self.n_classes} labels: "
                "one row of scores a row is needed"
            )
        return scores

    def _named(self, err: SubjectError) -> SubjectError:
        return type(err)(f"{self.name}: {err.message}", err.detail)
