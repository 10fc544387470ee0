"""Labels: one array of classes from whatever a model and a table call them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

_WORDS = {"true": True, "false": False, "yes": True, "no": False}
_SHOWN = 5


def label_array(labels: Iterable[Any]) -> NDArray[Any]:
    """Return labels as an array of one plain type: bool, int64, float64 or str.

    Parameters
    ----------
    labels : iterable
        Python or numpy scalars.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    SubjectError
        If a label is missing, or texts and numbers are mixed.

    Examples
    --------
    >>> label_array(["no", "yes"])
    array(['no', 'yes'], dtype='<U3')
    >>> label_array([1, 2.5])
    array([1. , 2.5])
    """
    array = labels if isinstance(labels, np.ndarray) else None
    if array is not None and array.dtype.kind in "biuU":
        return _plain(array.ravel())
    values = [
        v.item() if isinstance(v, np.generic) else v for v in (labels if array is None else array.ravel())
    ]
    types = {type(v) for v in values}
    if any(v is None or v != v for v in values):
        raise SubjectError("a label is missing: drop the rows without a label")
    if types <= {str}:
        return np.array(values, dtype=np.str_)
    if types <= {bool}:
        return np.array(values, dtype=np.bool_)
    if not types <= {bool, int, float}:
        names = ", ".join(sorted(t.__name__ for t in types))
        raise SubjectError(f"labels mix types ({names}): make them all texts or all whole numbers")
    if float in types:
        return np.array(values, dtype=np.float64)
    try:
        return np.array(values, dtype=np.int64)
    except OverflowError:
        raise SubjectError("a label does not fit into 64 bits: use smaller whole numbers") from None


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.int64) if array.dtype.kind in "iu" else array


def show_labels(labels: Iterable[Any]) -> str:
    """Return the first few labels for a message.

    Examples
    --------
    >>> show_labels([1, 2])
    '1, 2'
    """
    values = [v.item() if isinstance(v, np.generic) else v for v in labels]
    shown = ", ".join(repr(v)[:40] for v in values[:_SHOWN])
    return shown + (f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else "")


def align_labels(labels: Iterable[Any], classes: Sequence[Any] | NDArray[Any]) -> NDArray[Any]:
    """Return labels in the type of a model's classes, so that ``"1"`` or ``1.0`` of a CSV meets class 1.

    A label that the model does not know stays, in the model's type, as long as some label is known: a table
    may hold a class that the model never answers.

    Parameters
    ----------
    labels : iterable
        Of a table: n labels.
    classes : sequence
        Of the model; empty if it does not say.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    SubjectError
        If labels are missing, or none of them is one of the classes.

    Examples
    --------
    >>> align_labels(["0", "1.0"], [0, 1])
    array([0, 1])
    >>> align_labels([1.0, 0.0], ["0", "1"])
    array(['1', '0'], dtype='<U1')
    """
    given = label_array(labels)
    if not len(classes):
        return given
    own = label_array(classes)
    if not len(given):
        return own[:0]
    values, inverse = np.unique(given, return_inverse=True)
    known = {v.item() for v in own}
    try:
        converted = [_convert(v.item(), own.dtype.kind, known) for v in values]
    except (ValueError, OverflowError):
        converted = []
    if not known.intersection(converted):
        raise SubjectError(
            f"the labels {show_labels(values)} are none of the model's classes {show_labels(sorted(known))}: "
            "name the column that holds the model's own labels with --target"
        )
    return label_array(converted)[inverse.ravel()]


def _convert(value: Any, kind: str, known: set[Any]) -> Any:
    """Return a label in the type of the classes.

    Raises
    ------
    ValueError
        If that loses something.
    """
    if kind == "U":
        return value if isinstance(value, str) else _text_of(value, known)
    if isinstance(value, str):
        word = _WORDS.get(value.strip().lower())
        value = float(value) if word is None else word
    if kind == "b":
        if value not in (0, 1):
            raise ValueError
        return bool(value)
    if kind == "i":
        if value != int(value):
            raise ValueError
        return int(value)
    return float(value)


def _text_of(value: Any, known: set[Any]) -> str:
    """Return the spelling of a number or bool that the classes use."""
    spellings = [str(value)]
    if isinstance(value, bool):
        spellings += [str(value).lower(), str(value).upper(), str(int(value))]
    elif value == int(value):
        spellings += [str(int(value)), str(float(value))]
    return next((s for s in spellings if s in known), spellings[0])


def union_of_classes(own: Iterable[Any], labels: Iterable[Any]) -> NDArray[Any]:
    """Return all labels of a model and of a table, each once, sorted, in the model's type.

    Raises
    ------
    SubjectError
        If they cannot be aligned, or there are none.
    """
    mine = label_array(list(own))
    theirs = align_labels(labels, mine)
    together = np.unique(label_array([*mine.tolist(), *theirs.tolist()]))
    if not len(together):
        raise SubjectError("no labels are known: give data with a label column")
    return together


def codes_of(labels: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.int64]:
    """Return labels as indices into sorted or unsorted classes; -1 where a label is not among them.

    Labels of the classes' own kind take the fast way; others are aligned first.
    """
    k = len(classes)
    if labels.dtype.kind == "i" == classes.dtype.kind and classes[0] == 0 and np.all(np.diff(classes) == 1):
        # 0..k-1, the usual case on the hot path of every attack: labels are their own codes.
        same = labels.astype(np.int64)
        if len(same) and not (same.min() >= 0 and same.max() < k):
            same[(same < 0) | (same >= k)] = -1
        return same
    if labels.dtype.kind == "O":
        labels = label_array(labels)
    if labels.dtype.kind != classes.dtype.kind and not (
        labels.dtype.kind in "biuf" and classes.dtype.kind in "biuf"
    ):
        labels = align_labels(labels, classes)
    order = np.argsort(classes, kind="stable")
    found = np.searchsorted(classes, labels, sorter=order)
    codes = order[np.minimum(found, len(order) - 1)].astype(np.int64)
    codes[classes[codes] != labels] = -1
    return codes
