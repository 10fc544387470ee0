"""Queries of a thief who has no rows: drawn from what the schema allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.schema import Column, FeatureSchema

_ROUNDS = 30


def draw_from_schema(
    schema: FeatureSchema, n: int, *, reference: NDArray[np.float64], random_state: int | np.random.Generator
) -> NDArray[np.float64]:
    """Draw rows uniformly from the legal ranges, each column by itself.

    Numbers keep their precision, one-hot groups get exactly one 1. Rows that break a relation between columns are
    drawn again; after thirty rounds they are repaired by exchanging the two values.

    Parameters
    ----------
    schema : FeatureSchema
        What is legal.
    n : int
        Rows.
    reference : ndarray of shape (m, d)
        Encoded rows that stand in where the schema has no range, and for the values of text.
    random_state : int or Generator
        Random numbers.

    Returns
    -------
    ndarray of float64, shape (n, d)
    """
    rng = np.random.default_rng(random_state)
    rows = _draw(schema, n, reference, rng)
    for _ in range(_ROUNDS):
        broken = np.flatnonzero(_broken(schema, rows))
        if not broken.size:
            return rows
        rows[broken] = _draw(schema, broken.size, reference, rng)
    return _repair(schema, rows)


def _draw(
    schema: FeatureSchema, n: int, reference: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    rows = np.empty((n, len(schema)))
    for j, column in enumerate(schema):
        rows[:, j] = _draw_column(column, n, reference[:, j], rng)
    for group in schema.onehot:
        columns = [schema.index(name) for name in group]
        rows[:, columns] = np.eye(len(columns))[rng.integers(len(columns), size=n)]
    return rows


def _draw_column(
    column: Column, n: int, seen: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    known = seen[np.isfinite(seen)]
    if column.coded:
        if column.categories:
            return rng.integers(len(column.categories), size=n).astype(np.float64)
        codes = np.unique(known) if known.size else np.zeros(1)
        return np.asarray(rng.choice(codes, size=n), dtype=np.float64)
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    low = low if column.low is None else column.low
    high = high if column.high is None else column.high
    low, high = min(low, high), max(low, high)
    step = column.precision or (1.0 if column.kind == "integer" else None)
    if step:
        steps = rng.integers(int(np.floor((high - low) / step + 1e-9)) + 1, size=n)
        return np.asarray(low + step * steps, dtype=np.float64)
    return rng.uniform(low, high, size=n)


def _broken(schema: FeatureSchema, rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    broken = np.zeros(len(rows), dtype=bool)
    tests = {"<=": np.less_equal, "<": np.less, ">=": np.greater_equal, ">": np.greater, "==": np.equal}
    for relation in schema.relations:
        left, right = rows[:, schema.index(relation.left)], rows[:, schema.index(relation.right)]
        broken |= ~tests[relation.operator](left, right)
    return broken


def _repair(schema: FeatureSchema, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    for relation in schema.relations:
        i, j = schema.index(relation.left), schema.index(relation.right)
        if relation.operator == "==":
            rows[:, i] = rows[:, j]
            continue
        wrong = rows[:, i] > rows[:, j] if "<" in relation.operator else rows[:, i] < rows[:, j]
        rows[wrong, i], rows[wrong, j] = rows[wrong, j], rows[wrong, i]
    return rows
