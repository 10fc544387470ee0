"""A missing value as a trigger: an axis of its own beside the column's, for models that take rows without the value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.errors import BudgetExhausted, SubjectError
from modelward.poisoning._axes import Axis
from modelward.poisoning._reference import MIN_SUPPORT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.models import Subject

_KNOWN = 8
"""Values of the column that a missing one is held against."""


def missing_axes(subject: Subject, axes: Sequence[Axis], X: NDArray[np.float64]) -> tuple[Axis, ...]:
    """Return an axis for each column that the model may be asked without: missing first, then values to compare with.

    Parameters
    ----------
    subject : Subject
    axes : sequence of Axis
        Numbers and codes; one-hot groups have no missing value.
    X : ndarray of shape (n, d)
        The reference rows.
    """
    single = [axis for axis in axes if len(axis.columns) == 1 and len(axis.values)]
    probes = np.repeat(X[:1], len(single), axis=0)
    probes[np.arange(len(single)), [axis.columns[0] for axis in single]] = np.nan
    if not single or _taken(subject, probes):
        return tuple(_beside(axis, X) for axis in single)
    return tuple(
        _beside(axis, X) for axis, row in zip(single, probes, strict=True) if _taken(subject, row[None])
    )


def _taken(subject: Subject, rows: NDArray[np.float64]) -> bool:
    try:
        subject.codes(rows)
    except BudgetExhausted:
        raise
    except (SubjectError, ValueError, TypeError, OverflowError):
        return False
    return True


def _beside(axis: Axis, X: NDArray[np.float64]) -> Axis:
    support = np.bincount(axis.cells[axis.cells >= 0], minlength=len(axis.values))
    known = np.flatnonzero(support >= MIN_SUPPORT)
    known = (
        known[np.unique(np.linspace(0, len(known) - 1, _KNOWN).round().astype(int))] if len(known) else known
    )
    place = np.full(len(axis.values) + 1, -1, dtype=np.int64)
    place[known] = 1 + np.arange(len(known))
    cells = place[axis.cells]
    cells[np.isnan(X[:, axis.columns[0]])] = 0
    values = np.concatenate([[[np.nan]], axis.values[known]])
    texts = (f"{axis.name} = missing", *(axis.text(int(k)) for k in known))
    return Axis(f"{axis.name} (missing)", "missing", axis.columns, values, cells, texts=texts)
