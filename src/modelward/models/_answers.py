"""What a bare function or an object with only `predict` means by its answer: labels, or scores."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from modelward.errors import SubjectError
from modelward.models._labels import codes_of, label_array, show_labels
from modelward.models._scores import ScoreKind, Scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOT_A_CLASSIFIER = (
    "a classifier is needed; for other models there are `modelward scan`, `modelward inspect`, "
    "`modelward schema infer` and `modelward explain`"
)
Meaning = Literal["labels", "probability", "margin"]


class Reader:
    """Read answers of one model, always in the same way.

    A single number a row can be a label, a probability or a margin. What the first batch shows is kept, so
    that rows mean the same alone and in a batch; a later answer that contradicts it is an error.

    Parameters
    ----------
    classes : ndarray of shape (k,)
        Sorted labels; columns of scores are in this order.
    meaning : {"labels", "probability", "margin"}, optional
        What a single number a row means, where that is known.
    """

    def __init__(self, classes: NDArray[Any], meaning: Meaning | None = None) -> None:
        self.classes = classes
        self.meaning = meaning
        self._kind: ScoreKind | None = meaning if meaning in ("probability", "margin") else None
        self._lock = threading.Lock()

    def read(self, raw: Any, n: int) -> tuple[NDArray[Any], Scores | None]:
        """Return labels (n,) and scores, if the answer has any.

        Raises
        ------
        SubjectError
            If the shape does not fit, or the answer is no label and no score.
        """
        answer = self._array(raw)
        if answer.ndim == 0 or len(answer) != n:
            got = "one value" if answer.ndim == 0 else f"{len(answer)} answers"
            raise SubjectError(f"{got} to {n} rows: it must answer each row once, in order")
        if answer.ndim == 2 and answer.shape[1] == 1:
            answer = answer[:, 0]
        if answer.ndim == 2:
            return self._columns(answer)
        if answer.ndim != 1:
            raise SubjectError(f"an answer of shape {answer.shape}: labels (n,) or scores (n, k) are read")
        return self._singles(answer)

    def _array(self, raw: Any) -> NDArray[Any]:
        if hasattr(raw, "to_numpy"):
            raw = raw.to_numpy()
        try:
            array = np.asarray(raw)
        except ValueError:
            raise SubjectError("an answer with rows of different lengths") from None
        if array.dtype.kind == "O" and array.ndim == 1:
            return label_array(array)
        if array.dtype.kind not in "biufU":
            raise SubjectError(f"an answer of type {array.dtype}: labels or scores are read")
        return array

    def _columns(self, answer: NDArray[Any]) -> tuple[NDArray[Any], Scores]:
        k = len(self.classes)
        if answer.shape[1] != k or answer.dtype.kind == "U":
            raise SubjectError(
                f"an answer with {answer.shape[1]} columns, but {k} labels are known "
                f"({show_labels(self.classes)}): several outputs at once cannot be assessed"
            )
        values = answer.astype(np.float64)
        bits = answer.dtype.kind in "biu" and np.all(np.isin(answer, (0, 1)))
        if bits and np.any(values.sum(axis=1) != 1):
            raise SubjectError("rows with several labels at once (multilabel): ask for one label at a time")
        finite(values)
        with self._lock:
            if self._kind is None:
                sums = np.abs(values.sum(axis=1) - 1)
                self._kind = "probability" if values.min() >= 0 and sums.max() < 1e-3 else "margin"
        return self.classes[np.argmax(values, axis=1)], Scores(values, self._kind)

    def _singles(self, answer: NDArray[Any]) -> tuple[NDArray[Any], Scores | None]:
        meaning = self._meaning(answer)
        if meaning == "labels":
            codes = codes_of(answer, self.classes)
            if np.any(codes < 0):
                raise SubjectError(
                    f"an answer {answer[codes < 0][0].item()!r}, which is no label "
                    f"({show_labels(self.classes)}); {NOT_A_CLASSIFIER}"
                )
            return self.classes[codes], None
        p = answer.astype(np.float64)
        finite(p)
        if meaning == "probability" and (p.min() < 0 or p.max() > 1):
            raise SubjectError(
                "answers between 0 and 1 first, then others: return labels, or one column of scores a label"
            )
        both = np.column_stack([1 - p if meaning == "probability" else -p, p])
        return self.classes[np.argmax(both, axis=1)], Scores(both, meaning)

    def _meaning(self, answer: NDArray[Any]) -> Meaning:
        """Decide once what a single number a row means."""
        if self.meaning is not None:
            # Whole numbers 0.0 and 1.0 came first, and now a score between them.
            return self.meaning
        if answer.dtype.kind != "f":
            return "labels"
        finite(answer)
        numeric = self.classes.dtype.kind in "biuf"
        if numeric and np.all(np.isin(answer, self.classes.astype(np.float64))):
            # Certain scores look like labels; both readings give the same label, so nothing is decided yet.
            return "labels"
        if len(self.classes) != 2:
            raise SubjectError(
                f"an answer {answer[~np.isin(answer, np.arange(len(self.classes)))][:1].tolist()}, "
                f"which is no label ({show_labels(self.classes)}); {NOT_A_CLASSIFIER}"
            )
        with self._lock:
            if self.meaning is None:
                self.meaning = "probability" if answer.min() >= 0 and answer.max() <= 1 else "margin"
        return self.meaning


def finite(values: NDArray[Any]) -> None:
    """Raise if a score is not a number.

    Raises
    ------
    SubjectError
        If a value is NaN or infinite.
    """
    if not np.all(np.isfinite(values)):
        raise SubjectError("an answer with NaN or infinite scores: the model must answer every row")
