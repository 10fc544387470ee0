"""Project rows onto the legal moves: the nearest legal row that a caller could have made of the original."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.errors import SchemaError
from modelward.schema._repair import repair_relations
from modelward.schema._violations import broken_relations, checked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.schema._rules import Rules
    from modelward.schema._schema import FeatureSchema


def project(
    schema: FeatureSchema, X: NDArray[np.float64], origin: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return legal rows near X that can be reached from `origin`.

    Values are put into their range and on their precision, groups get exactly one member, what may not be
    changed or moved that way is taken from the origin, and broken relations are repaired by moving a side
    that may move. A cell that equals its origin's is left alone, even if it is not legal: nobody moved it.
    Where relations cannot be repaired the origin's row is returned.

    Parameters
    ----------
    schema : FeatureSchema
        What is legal, and what a caller may change.
    X : ndarray of float64, shape (n, d)
        Encoded rows.
    origin : ndarray of float64, shape (n, d) or (1, d), optional
        The rows that X was made of. Without it mutability and directions do not count, and missing values
        that must not be are filled with the middle of the range.

    Returns
    -------
    ndarray of float64, shape (n, d)
        Legal wherever the origin's row is; projecting again changes nothing.

    Raises
    ------
    SchemaError
        If a matrix does not fit the schema, or X and origin each other.

    Examples
    --------
    >>> from modelward.schema import Column, FeatureSchema
    >>> s = FeatureSchema((Column("AGE", "integer", low=21, high=79, direction="up"),))
    >>> project(s, np.array([[999.0], [30.4], [50.6]]), np.array([[40.0]])).ravel()
    array([79., 40., 51.])
    """
    rules = schema.rules
    X = checked(X, rules)
    start = None
    if origin is not None:
        start = checked(origin, rules)
        if len(start) not in (1, len(X)):
            raise SchemaError(
                f"{len(X)} rows cannot have {len(start)} origins: give one for each, or one for all"
            )
        start = np.ascontiguousarray(np.broadcast_to(start, X.shape))
    out = X.copy()
    low, high = reach(rules, out.shape, start)
    grouped = np.zeros(len(rules.names), dtype=bool)
    for members in rules.onehot:
        grouped[members] = True
    for j in np.flatnonzero(~grouped).tolist():
        out[:, j] = _column(rules, j, X[:, j], low[:, j], high[:, j], None if start is None else start[:, j])
    for members in rules.onehot:
        out[:, members] = _group(rules, members, X[:, members], None if start is None else start[:, members])
    if start is not None:
        untouched = _same(X, start).all(axis=1)
        out[untouched] = start[untouched]
    if rules.relations:
        _relate(rules, out, low, high, start)
    return out


def reach(
    rules: Rules, shape: tuple[int, ...], origin: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lowest and highest value that each cell can be given, each of shape (n, d), on the grid."""
    floor = np.array([rules.snap(rules.low[[j]], j, "up")[0] for j in range(len(rules.names))])
    ceiling = np.array([rules.snap(rules.high[[j]], j, "down")[0] for j in range(len(rules.names))])
    low, high = np.broadcast_to(floor, shape).copy(), np.broadcast_to(ceiling, shape).copy()
    if origin is not None:
        up, down, fixed = rules.up, rules.down, ~rules.mutable
        for j in np.flatnonzero(up).tolist():
            low[:, j] = np.fmax(low[:, j], np.fmax(origin[:, j], rules.snap(origin[:, j], j, "up")))
        for j in np.flatnonzero(down).tolist():
            high[:, j] = np.fmin(high[:, j], np.fmin(origin[:, j], rules.snap(origin[:, j], j, "down")))
        low[:, fixed] = high[:, fixed] = origin[:, fixed]
    return low, high


def _column(
    rules: Rules,
    j: int,
    values: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    origin: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """Make one column outside the groups legal."""
    if origin is not None and not rules.mutable[j]:
        return origin
    fallback = origin if origin is not None else np.full(len(values), _middle(rules, j))
    # An unordered code that is no category has no nearest one.
    stray = rules.flat[j] & ((values < rules.low[j] - 0.5) | (values > rules.high[j] + 0.5))
    moved = np.where(stray, fallback, rules.snap(values, j))
    moved = np.where(np.isnan(moved), moved, np.minimum(np.maximum(moved, low), high))
    moved = np.where(np.isinf(moved), fallback, moved)
    if not rules.missing[j]:
        moved = np.where(np.isnan(moved), fallback, moved)
    if origin is None:
        return np.asarray(moved)
    # What stands within the rounding of the origin has not been moved.
    rounded = (rules.step[j] > 0) & (moved == rules.snap(origin, j)) & (moved != values)
    kept = _same(values, origin) | rounded
    # Neither up nor down leads to a missing value, or back; and an origin beyond its range may block the way.
    blocked = (low > high) | ((rules.up[j] | rules.down[j]) & (np.isnan(moved) != np.isnan(origin)))
    return np.where(kept | blocked, origin, moved)


def _middle(rules: Rules, j: int) -> float:
    """Return a legal value for a cell of which nothing is known."""
    low, high = rules.low[j], rules.high[j]
    if rules.flat[j]:
        return 0.0
    bounds = [edge for edge in (low, high) if np.isfinite(edge)]
    guess = sum(edge / len(bounds) for edge in bounds)
    snapped = rules.snap(np.array([guess]), j)[0]
    floor, ceiling = rules.snap(np.array([low]), j, "up")[0], rules.snap(np.array([high]), j, "down")[0]
    return float(np.clip(snapped, floor, ceiling))


def _group(
    rules: Rules, members: NDArray[np.int64], values: NDArray[np.float64], origin: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Give a one-hot group its largest member; ties go to the origin's."""
    if origin is not None and not rules.mutable[members].all():
        return origin
    score = np.where(np.isnan(values), -np.inf, values)
    score = np.where((rules.high[members] >= 1) & (rules.low[members] <= 1), score, -np.inf)
    winner = score.argmax(axis=1)
    if origin is not None:
        rows = np.arange(len(values))
        own = origin.argmax(axis=1)
        winner = np.where(score[rows, own] == score[rows, winner], own, winner)
    out = np.zeros_like(values)
    out[np.arange(len(values)), winner] = 1.0
    if origin is None:
        return out
    up, down = rules.up[members], rules.down[members]
    against = np.asarray(((out < origin) & up).any(axis=1) | ((out > origin) & down).any(axis=1))
    kept = _same(values, origin).all(axis=1) | against
    return np.where(kept[:, None], origin, out)


def _relate(
    rules: Rules,
    out: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    origin: NDArray[np.float64] | None,
) -> None:
    """Repair relations in place; rows where that fails get their origin."""
    broken = broken_relations(rules, out).any(axis=1)
    if origin is not None:
        broken &= ~_same(out, origin).all(axis=1)
    rows = np.flatnonzero(broken)
    if not len(rows):
        return
    out[rows] = repair_relations(rules, out[rows], low[rows], high[rows])
    failed = rows[broken_relations(rules, out[rows]).any(axis=1)]
    if origin is not None:
        # A side that gave way to an infinite origin was pushed to infinity, which is legal nowhere.
        endless = np.isinf(out[rows]) & ~_same(out[rows], origin[rows])
        failed = np.union1d(failed, rows[endless.any(axis=1)])
        out[failed] = origin[failed]


def _same(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray((a == b) | (np.isnan(a) & np.isnan(b)))
