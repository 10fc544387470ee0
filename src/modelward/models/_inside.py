"""What the inside of a subject looks like, in encoded columns, and checked against its own answers.

The readers of trees and linear models speak of the matrix that the model takes; a subject's encoded matrix
differs from it where a column is coded (an ordinal's code 0 may stand for −2). Nothing is returned that a
seeded trial against the model does not confirm; the rows of the trial are not counted on the meter, as no
caller could send them for free.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from modelward.errors import SubjectError
from modelward.models._boxes import Boxes, decision_trees, float32_at_most, next_float32, tree_boxes
from modelward.models._columns import fitted_names
from modelward.models._feed import value_table
from modelward.models._labels import codes_of
from modelward.models._linear import model_linear_form
from modelward.models._nodes import CategoricalSplitError, Forest, Nodes, forest_of
from modelward.models._thresholds import thresholds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.models._subject import Subject

_TRIAL = 256


def subject_boxes(subject: Subject) -> tuple[Boxes, ...] | None:
    """Return the leaves of a subject that is a decision tree or forest of scikit-learn.

    Parameters
    ----------
    subject : Subject

    Returns
    -------
    tuple of Boxes, or None
        One for each tree, with `low`, `high` in encoded columns and `value` in the order of
        `Subject.classes`. None for other models, and where a coded column has no order in numbers.
    """
    trees = decision_trees(subject.model)
    tables = _tables(subject)
    if not trees or tables is None:
        return None
    own = np.asarray(subject.model.classes_)
    found = []
    for tree in trees:
        boxes = tree_boxes(tree)
        value = np.zeros((len(boxes), subject.n_classes))
        for column, code in enumerate(codes_of(own, subject.classes)):
            value[:, code] += boxes.value[:, column]
        found.append(
            Boxes(
                _to_codes(boxes.low, tables), _to_codes(boxes.high, tables), value, boxes.n_samples,
                boxes.missing, boxes.leaf,
            )
        )  # fmt: skip
    X = _trial(
        subject, [np.unique(np.concatenate([b.high[:, j] for b in found])) for j in range(_d(subject))]
    )
    mean = np.mean([b.value[np.argmax(b.contains(X), axis=1)] for b in found], axis=0)
    scores = subject.backend.scores(X)
    if scores is None or not np.allclose(scores.values, mean, rtol=0, atol=1e-9):
        return None
    return tuple(found)


def subject_forest(subject: Subject) -> Forest | None:
    """Return the trees of a subject that is an additive ensemble, in encoded columns and the subject's classes.

    Parameters
    ----------
    subject : Subject

    Returns
    -------
    Forest or None
        None for other models, where a coded column has no order in numbers, and where the subject's labels are
        not those of its trees.
    """
    tables = _tables(subject)
    try:
        found = None if tables is None or subject.model is None else forest_of(subject.model)
    except CategoricalSplitError:
        return None
    if found is None or tables is None:
        return None
    codes = codes_of(found.classes, subject.classes)
    if len(codes) != subject.n_classes or sorted(codes.tolist()) != list(range(subject.n_classes)):
        return None
    back = np.argsort(codes)
    trees = tuple(_tree_in_codes(tree, tables, back) for tree in found.trees)
    forest = replace(found, trees=trees, base=found.base[back], classes=subject.classes)
    cuts = forest_cuts(forest, _d(subject))
    X = _trial(subject, cuts)
    sums = forest.sums(X)
    top = np.sort(sums, axis=1)
    clear = top[:, -1] - top[:, -2] > 4 * forest.error
    told = codes_of(np.asarray(subject.backend.labels(X)), subject.classes)
    return forest if np.array_equal(np.argmax(sums, axis=1)[clear], told[clear]) else None


def _tree_in_codes(
    tree: Nodes, tables: Sequence[NDArray[np.float64] | None], back: NDArray[np.int64]
) -> Nodes:
    at = tree.threshold.copy()
    for j, table in enumerate(tables):
        if table is not None:
            mine = tree.split & (tree.feature == j)
            at[mine] = np.searchsorted(float32_table(table), at[mine], side="right") - 0.5
    return replace(tree, threshold=at, value=tree.value[:, back])


def forest_cuts(forest: Forest, d: int) -> list[NDArray[np.float64]]:
    """Return the sorted thresholds of each of d columns; infinite ones, which split missing cells off, too."""
    columns = np.concatenate([tree.feature[tree.split] for tree in forest.trees])
    values = np.concatenate([tree.threshold[tree.split] for tree in forest.trees])
    return [np.unique(values[columns == j]) for j in range(d)]


def subject_thresholds(subject: Subject) -> list[NDArray[np.float64]] | None:
    """Return the thresholds of a subject that is a tree ensemble, in encoded columns.

    Parameters
    ----------
    subject : Subject

    Returns
    -------
    list of d sorted ndarrays, or None
        Rows that lie on the same side of all of them (``x <= t`` or ``x > t``, as the library compares: see
        `models._thresholds`) get the same answer. None as for `thresholds`, and where a coded column has no
        order in numbers.
    """
    tables = _tables(subject)
    found = None if tables is None or subject.model is None else thresholds(subject.model, _d(subject))
    if found is None or tables is None:
        return None
    found = [np.unique(_to_codes(t[:, None], [table])[:, 0]) for t, table in zip(found, tables, strict=True)]
    X = _trial(subject, found)
    moved = _within_cells(X, found, tables)
    try:
        before, after = subject.backend.ask(X), subject.backend.ask(moved)
    except SubjectError:
        return None
    same = np.array_equal(before[0], after[0])
    if same and before[1] is not None and after[1] is not None:
        same = bool(np.allclose(before[1].values, after[1].values, rtol=0, atol=1e-9))
    return found if same else None


def linear_form(subject: Subject) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return weights of a subject that is a linear classifier, alone or behind scalers.

    Parameters
    ----------
    subject : Subject

    Returns
    -------
    coef : ndarray of shape (k, d)
        In encoded columns; one row for each of `Subject.classes`.
    intercept : ndarray of shape (k,)
        −∞ for a class that the model never answers.

        The label is the class with the largest ``coef @ x + intercept``. None for other models.
    """
    tables = _tables(subject)
    if subject.model is None or tables is None:
        return None
    form = model_linear_form(subject.model)
    if form is None or form[0][0].shape[1] != _d(subject):
        return None
    (weights, constants), own = form
    coef = np.zeros((subject.n_classes, _d(subject)))
    intercept = np.full(subject.n_classes, -np.inf)
    codes = codes_of(own, subject.classes)
    coef[codes], intercept[codes] = weights, constants
    for j, table in enumerate(tables):
        if table is None:
            continue
        steps = np.diff(table)
        if len(steps) and not np.all(steps == steps[0]):
            return None
        intercept = intercept + coef[:, j] * table[0]
        coef[:, j] *= steps[0] if len(steps) else 0.0
    X = _trial(subject, [np.empty(0)] * _d(subject))
    margin = X @ coef.T + intercept
    top = np.sort(margin, axis=1)
    clear = top[:, -1] - top[:, -2] > 1e-9 * np.maximum(np.abs(top[:, -1]), 1)
    told = codes_of(np.asarray(subject.backend.labels(X)), subject.classes)
    return (coef, intercept) if np.array_equal(np.argmax(margin, axis=1)[clear], told[clear]) else None


def _d(subject: Subject) -> int:
    return len(subject.codec.schema)


def _tables(subject: Subject) -> list[NDArray[np.float64] | None] | None:
    """Return what codes stand for, None for plain columns; None if some column is no ordered number."""
    names = fitted_names(subject.model)
    if subject.model is None or (names is not None and names != subject.codec.schema.names):
        return None
    tables: list[NDArray[np.float64] | None] = []
    for column in subject.codec.schema:
        if not column.coded:
            tables.append(None)
            continue
        table = value_table(subject.codec.values[column.name])
        if table is None or np.any(np.isnan(table)) or np.any(np.diff(table) <= 0):
            return None
        tables.append(table)
    return tables


def _to_codes(ends: NDArray[np.float64], tables: Sequence[NDArray[np.float64] | None]) -> NDArray[np.float64]:
    """Return ends of ranges of values as ends of ranges of codes: half-way between two codes."""
    out = ends.copy()
    for j, table in enumerate(tables):
        if table is not None:
            finite = np.isfinite(ends[:, j])
            out[finite, j] = np.searchsorted(float32_table(table), ends[finite, j], side="right") - 0.5
    return out


def float32_table(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values as a model sees them after rounding to float32."""
    return table.astype(np.float32).astype(np.float64)


def _trial(subject: Subject, cuts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return seeded rows that spread over the thresholds, or over the schema's ranges, in legal codes."""
    rng = np.random.default_rng(0)
    X = np.empty((_TRIAL, _d(subject)))
    for j, column in enumerate(subject.codec.schema):
        if column.coded:
            X[:, j] = rng.integers(0, len(subject.codec.values[column.name]) + 1, _TRIAL)
            continue
        finite = cuts[j][np.isfinite(cuts[j])]
        if len(finite):
            spread = max(float(np.ptp(finite)), abs(float(finite[0])) * 1e-3, 1e-6)
            X[:, j] = rng.choice(finite, _TRIAL) + rng.normal(scale=0.2 * spread, size=_TRIAL)
        else:
            low = -1.0 if column.low is None else column.low
            X[:, j] = rng.uniform(low, max(low + 1e-9, 1.0 if column.high is None else column.high), _TRIAL)
    return X


def _within_cells(
    X: NDArray[np.float64],
    cuts: Sequence[NDArray[np.float64]],
    tables: Sequence[NDArray[np.float64] | None],
) -> NDArray[np.float64]:
    """Move every number elsewhere between the same two thresholds (codes stay)."""
    rng = np.random.default_rng(1)
    out = X.copy()
    for j, (cut, table) in enumerate(zip(cuts, tables, strict=True)):
        if table is not None:
            continue
        ends = np.concatenate([[-np.inf], cut, [np.inf]])
        cell = np.searchsorted(cut, float32_table(X[:, j]), side="left")
        low, high = next_float32(ends[cell]), float32_at_most(ends[cell + 1])
        width = np.ptp(cut) + 1.0 if len(cut) else 1.0
        low = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high - width, X[:, j] - width))
        high = np.where(np.isfinite(high), high, np.maximum(low, X[:, j]) + width)
        # Both ends are float32 values inside the cell; a cell too narrow to hold one keeps its row.
        out[:, j] = np.where(low <= high, rng.uniform(size=len(X)) * (high - low) + low, X[:, j])
        out[:, j] = np.clip(out[:, j], np.minimum(low, X[:, j]), np.maximum(high, X[:, j]))
    return out
