"""What is read from the JSON that an endpoint answers.

Accepted, for n rows and k labels:

- a list, or an object with one of ``predictions``, ``outputs``, ``results``, ``result``, ``data``, ``labels``,
  ``scores``, ``probabilities``; ``labels`` may stand beside ``scores`` or ``probabilities``;
- in that list, for each row: a label; a number (a label, or the score of the second label of two); a list of k
  scores in sorted order of the labels; an object that gives each label its score; or an object with ``label``
  (or ``class``, ``prediction``) and perhaps ``scores``, ``probabilities``, ``score`` or ``probability``.

Labels are aligned with those of the data, so ``"1"`` is 1. Anything else is an error of one line.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import EndpointError, SubjectError
from modelward.models._labels import codes_of, label_array, show_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.models._answers import Reader
    from modelward.models._scores import Scores

_SCORES = ("scores", "probabilities", "proba")
_LABELS = ("labels", "classes", "predictions", "prediction", "outputs", "output", "results", "result", "data")
_ROW_LABEL = ("label", "class", "prediction", "predicted", "output")
_ROW_SCORES = (*_SCORES, "score", "probability")


def parse_answer(body: bytes, n: int, reader: Reader) -> tuple[NDArray[Any], Scores | None]:
    """Return labels (n,) and scores of an answer.

    Parameters
    ----------
    body : bytes
        The answer.
    n : int
        Rows that were sent.
    reader : Reader
        Knows the labels, and what a single number means.

    Raises
    ------
    EndpointError
        If it is no JSON or does not answer each row once.
    """
    try:
        answer = json.loads(body.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise EndpointError("answered something that is no JSON") from None
    try:
        labels, scores = _columns(answer)
        if labels is not None and labels and all(isinstance(row, dict) for row in labels):
            labels, scores = _from_objects(labels, scores, reader.classes)
        return _read(labels, scores, n, reader)
    except SubjectError as err:
        raise EndpointError(f"answered nonsense: {err}") from None
    except (TypeError, ValueError, OverflowError):
        raise EndpointError(
            'answered JSON of no known form: send {"labels": [...]}, one label for each record'
        ) from None


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _columns(answer: Any) -> tuple[list[Any] | None, list[Any] | None]:
    """Return the list of labels (or whatever it holds) and the list of scores of an answer."""
    if isinstance(answer, list):
        return answer, None
    if not isinstance(answer, dict):
        raise TypeError
    if "error" in answer and isinstance(answer["error"], str):
        raise SubjectError(
            f"error {answer['error'].splitlines()[0][:200] if answer['error'].strip() else ''!r}"
        )
    scores = next((answer[k] for k in _SCORES if isinstance(answer.get(k), list)), None)
    labels = next((answer[k] for k in _LABELS if isinstance(answer.get(k), list)), None)
    if scores is None and labels is None:
        raise TypeError
    return labels, scores


def _from_objects(
    rows: Sequence[dict[str, Any]], scores: list[Any] | None, classes: NDArray[Any]
) -> tuple[list[Any] | None, list[Any] | None]:
    """Return labels and scores of a list with one object a row; every row must have the same form."""
    first = rows[0]
    label = next((k for k in _ROW_LABEL if k in first), None)
    score = next((k for k in _ROW_SCORES if k in first), None)
    if label is None and score is None:
        return None, list(rows)
    if score is not None:
        scores = [row.get(score) for row in rows]
    if label is None:
        return None, scores
    labels = [row.get(label) for row in rows]
    if score in ("score", "probability") and not _is_second_score(labels, scores, classes):
        # How sure it is of its own answer, not the score of a fixed label: of no use as a score.
        scores = None
    return labels, scores


def _is_second_score(labels: list[Any], scores: list[Any] | None, classes: NDArray[Any]) -> bool:
    if len(classes) != 2 or scores is None or not all(isinstance(s, int | float) for s in scores):
        return False
    second = codes_of(label_array(labels), classes) == 1
    return bool(np.array_equal(second, np.array(scores, dtype=np.float64) > 0.5))


def _read(
    labels: list[Any] | None, scores: list[Any] | None, n: int, reader: Reader
) -> tuple[NDArray[Any], Scores | None]:
    if scores is None:
        return reader.read(_plain(labels), n)
    if scores and all(isinstance(row, dict) for row in scores):
        scores = _by_label(scores, reader.classes)
    matrix = np.array(scores, dtype=np.float64) if _numbers(scores) else None
    if matrix is None:
        raise TypeError
    if matrix.ndim == 1 and np.all(np.isin(matrix, (0.0, 1.0))):
        # They are called scores, so they are no labels.
        matrix = np.column_stack([1 - matrix, matrix])
    derived, read = reader.read(matrix, n)
    if labels is None:
        return derived, read
    told = label_array(labels)
    if len(told) != n:
        raise SubjectError(f"{len(told)} labels to {n} rows")
    codes = codes_of(told, reader.classes)
    if np.any(codes < 0):
        raise SubjectError(
            f"a label {told[codes < 0][0].item()!r}, which is none of {show_labels(reader.classes)}"
        )
    return reader.classes[codes], read


def _plain(answers: list[Any] | None) -> NDArray[Any]:
    """Return labels or scores as an array; lists within must be rows of numbers."""
    if answers is None:
        raise TypeError
    if any(isinstance(a, list | dict) for a in answers):
        if not _numbers(answers):
            raise TypeError
        return np.array(answers, dtype=np.float64)
    return label_array(answers)


def _numbers(answers: list[Any]) -> bool:
    """Whether all cells are numbers (true and false are labels, not scores)."""
    cells = [c for a in answers for c in (a if isinstance(a, list) else [a])]
    return all(isinstance(c, int | float) and not isinstance(c, bool) for c in cells)


def _by_label(rows: Sequence[dict[str, Any]], classes: NDArray[Any]) -> list[list[Any]]:
    """Return scores in the order of the classes from objects that give each label its score."""
    keys = list(rows[0])
    codes = codes_of(label_array(keys), classes)
    if sorted(codes.tolist()) != list(range(len(classes))):
        raise SubjectError(f"scores for {show_labels(keys)}, but the labels are {show_labels(classes)}")
    order = [keys[i] for i in np.argsort(codes)]
    if any(len(row) != len(order) for row in rows):
        raise SubjectError("scores for other labels in some rows")
    try:
        return [[row[k] for k in order] for row in rows]
    except KeyError:
        raise SubjectError("scores for other labels in some rows") from None
