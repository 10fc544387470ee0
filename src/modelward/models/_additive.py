"""Linear classifiers behind encoders: numbers count by weights, coded columns by what each value adds.

Which steps a pipeline may have is read from it; the figures are the differences of its own scores on rows that
differ in one column.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import SubjectError
from modelward.models._columns import fitted_names
from modelward.models._estimator import EstimatorBackend
from modelward.models._kinds import is_kind
from modelward.models._labels import codes_of
from modelward.models._linear import is_linear

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from modelward.models._subject import Subject
    from modelward.schema import Column, FeatureSchema

_MOST_VALUES = 64
_TRIAL = 256
_CLOSE = 1e-8


@dataclass(frozen=True)
class AdditiveForm:
    """Scores as sums over columns: the label is the class with the largest.

    Parameters
    ----------
    coef : ndarray of shape (k, d)
        In encoded columns; one row for each of `Subject.classes`, zero in columns that have a table.
    intercept : ndarray of shape (k,)
        −∞ for a class that the model never answers.
    tables : dict of int to ndarray of shape (k, values)
        What each value of a column adds.
    lowest : dict of int to int
        The first value of each table.
    """

    coef: NDArray[np.float64]
    intercept: NDArray[np.float64]
    tables: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    lowest: dict[int, int] = field(default_factory=dict)

    def scores(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sums of rows without missing cells, shape (n, k)."""
        out = X @ self.coef.T + self.intercept
        for j, table in self.tables.items():
            out = out + table[:, X[:, j].astype(np.int64) - self.lowest[j]].T
        return np.asarray(out)


def additive_form(subject: Subject, schema: FeatureSchema | None = None) -> AdditiveForm | None:
    """Return what columns add to the scores of a linear classifier behind scalers, imputers and encoders.

    Parameters
    ----------
    subject : Subject
    schema : FeatureSchema, optional
        Between whose ends whole numbers that are encoded get a table; the subject's own without it.

    Returns
    -------
    AdditiveForm or None
        None for other models, for numbers that are encoded and have no ends or more than 64 values, where the
        model refuses a value that the schema allows, and where a seeded trial contradicts the form.
    """
    schema = schema or subject.codec.schema
    model, backend = subject.model, subject.backend
    names = fitted_names(model)
    if not isinstance(backend, EstimatorBackend) or (names is not None and names != schema.names):
        return None
    encoded = _encoded(model, schema.names)
    if encoded is None:
        return None
    values = [_values(subject, column, j in encoded) for j, column in enumerate(schema)]
    if any(v is None for v in values):
        return None
    ends = [v for v in values if v is not None]
    base = np.array([v[0] for v in ends])
    probes = [base]
    for j, own in enumerate(ends):
        for value in own[1:]:
            probes.append(base.copy())
            probes[-1][j] = value
    try:
        told = _scores(subject, backend, np.array(probes))
        form = _form(subject, schema, encoded, ends, told)
        return form if _confirmed(subject, backend, form, ends) else None
    except SubjectError:
        return None


def _encoded(model: Any, names: Sequence[str]) -> set[int] | None:
    """Return the columns that go through encoders; None if a step may join columns, or the last is not linear."""
    if not hasattr(model, "steps") or not is_linear(model.steps[-1][1]):
        return None
    found: set[int] = set()
    every, mixed = set(range(len(names))), False
    for _, step in model.steps[:-1]:
        if is_kind(step, "ColumnTransformer"):
            for _, part, columns in step.transformers_:
                inner = [one for _, one in part.steps] if hasattr(part, "steps") else [part]
                encoder = _encodes(inner)
                if encoder is None:
                    return None
                if encoder:
                    found |= every if mixed else _places(columns, names)
            mixed = True
            continue
        encoder = _encodes([step])
        if encoder is None:
            return None
        if encoder:
            found, mixed = every, True
    return found


def _encodes(steps: Iterable[Any]) -> bool | None:
    """Say whether steps, each of which treats every column for itself, encode values; None if one may not."""
    found = False
    for step in steps:
        if step is None or (isinstance(step, str) and step in ("passthrough", "drop")):
            continue
        if is_kind(step, "FunctionTransformer") and step.func is None:
            continue  # what "passthrough" becomes when it is fitted
        if is_kind(step, "OneHotEncoder", "OrdinalEncoder"):
            found = True
        elif is_kind(step, "MinMaxScaler", "MaxAbsScaler"):
            if getattr(step, "clip", False):
                return None
        elif not is_kind(step, "StandardScaler", "RobustScaler", "SimpleImputer"):
            return None
    return found


def _places(columns: Any, names: Sequence[str]) -> set[int]:
    if isinstance(columns, slice):
        if isinstance(columns.start, str) or isinstance(columns.stop, str):
            return set(range(len(names)))
        return set(range(len(names))[columns])
    found = [columns] if isinstance(columns, str | int) else list(columns)
    if found and isinstance(found[0], bool | np.bool_):
        return {j for j, mine in enumerate(found) if mine}
    return {names.index(c) if isinstance(c, str) else int(c) % len(names) for c in found}


def _values(subject: Subject, column: Column, encoded: bool) -> list[float] | None:
    """Return the values that are tried: all of a column with a table, two of a number."""
    if column.coded:
        return [float(code) for code in range(len(subject.codec.values[column.name]))]
    if not encoded:
        low = 0.0 if column.low is None else float(column.low)
        high = low + 1.0 if column.high is None or column.high <= low else float(column.high)
        return [low, high]
    if column.kind != "integer" or column.low is None or column.high is None:
        return None
    whole = np.arange(np.ceil(column.low), np.floor(column.high) + 1)
    return [float(v) for v in whole] if 0 < len(whole) <= _MOST_VALUES else None


def _scores(subject: Subject, backend: EstimatorBackend, X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the model's own scores in the order of the subject's classes, −∞ for one that it does not know."""
    told = np.asarray(backend.feed.ask(subject.model.decision_function, X), dtype=np.float64)
    if told.ndim == 1:
        told = np.column_stack([-told, told])
    codes = codes_of(np.asarray(subject.model.classes_), subject.classes)
    if told.shape[1] != len(codes) or len(np.unique(codes)) != len(codes) or np.any(codes < 0):
        raise SubjectError("scores that are not one for each class")
    out = np.full((len(X), subject.n_classes), -np.inf)
    out[:, codes] = told
    return out


def _form(
    subject: Subject, schema: FeatureSchema, encoded: set[int], ends: Sequence[Sequence[float]],
    told: NDArray[np.float64],
) -> AdditiveForm:  # fmt: skip
    known = np.isfinite(told[0])
    above = np.where(known, told - np.where(known, told[0], 0.0), 0.0)
    coef, intercept = np.zeros((subject.n_classes, len(schema))), told[0].copy()
    tables, lowest, at = {}, {}, 1
    for j, (column, own) in enumerate(zip(schema, ends, strict=True)):
        mine = above[at : at + len(own) - 1]
        at += len(own) - 1
        if column.coded or j in encoded:
            tables[j] = np.concatenate([np.zeros((1, subject.n_classes)), mine]).T
            lowest[j] = int(own[0])
        else:
            coef[:, j] = mine[0] / (own[1] - own[0])
            intercept = intercept - coef[:, j] * own[0]
    return AdditiveForm(coef, intercept, tables, lowest)


def _confirmed(
    subject: Subject, backend: EstimatorBackend, form: AdditiveForm, ends: Sequence[Sequence[float]]
) -> bool:
    """Hold the form against the model's own scores and labels on random rows."""
    rng = np.random.default_rng(0)
    X = np.column_stack(
        [
            rng.choice(own, _TRIAL) if j in form.tables else rng.uniform(own[0], own[1], _TRIAL)
            for j, own in enumerate(ends)
        ]
    )
    for j, column in enumerate(subject.codec.schema):
        if column.kind == "integer" and j not in form.tables:
            X[:, j] = np.round(X[:, j])
    theirs, ours = _scores(subject, backend, X), form.scores(X)
    known = np.isfinite(theirs[0])
    size = 1 + np.abs(theirs[:, known]).max()
    if np.abs(theirs[:, known] - ours[:, known]).max() > _CLOSE * size:
        return False
    top = np.sort(ours, axis=1)
    clear = top[:, -1] - top[:, -2] > _CLOSE * size
    told = codes_of(np.asarray(backend.labels(X)), subject.classes)
    return bool(np.array_equal(ours.argmax(axis=1)[clear], told[clear]))
