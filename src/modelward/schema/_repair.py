"""Repair relations between columns by moving a side that may move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.schema._rules import Rules

Way = Literal["cheaper", "lower", "raise"]


def repair_relations(
    rules: Rules, X: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return rows in which relations hold, where that was found.

    First the side whose move is cheaper gives way. Chains of relations can make that run in circles, so what
    is still broken starts again and is only lowered, then only raised: both are monotone, and end at the
    greatest solution below the row or the least one above it, if there is any.

    Parameters
    ----------
    rules : Rules
        Compiled schema.
    X : ndarray of shape (n, d)
        Rows that are legal but for their relations.
    low, high : ndarray of shape (n, d)
        Lowest and highest value that each cell can be given.

    Returns
    -------
    ndarray of shape (n, d)
    """
    out = X.copy()
    ways: tuple[Way, ...] = ("cheaper", "lower", "raise")
    left = np.arange(len(X))
    for way in ways:
        trial = X[left].copy()
        open_rows = np.arange(len(left))
        for _ in range(2 * len(rules.relations) + 2):
            block = trial[open_rows]
            # An infinite origin makes gaps that are no numbers; such a row is never repaired.
            with np.errstate(invalid="ignore", over="ignore"):
                changed = _one_pass(rules, block, low[left[open_rows]], high[left[open_rows]], way)
            trial[open_rows] = block
            open_rows = open_rows[changed]
            if not len(open_rows):
                break
        out[left] = trial
        left = left[_broken(rules, trial)]
        if not len(left):
            break
    return out


def _broken(rules: Rules, X: NDArray[np.float64]) -> NDArray[np.bool_]:
    bad = np.zeros(len(X), dtype=bool)
    for smaller, larger, strict in _ordered(rules):
        a, b = X[:, smaller], X[:, larger]
        bad |= (a >= b) if strict else (a > b)
    return bad


def _ordered(rules: Rules) -> list[tuple[int, int, bool]]:
    """Return all relations as (smaller, larger, strict); an equality is two of them."""
    ordered = []
    for left, operator, right in rules.relations:
        if operator in ("<=", "<", "=="):
            ordered.append((left, right, operator == "<"))
        if operator in (">=", ">", "=="):
            ordered.append((right, left, operator == ">"))
    return ordered


def _one_pass(
    rules: Rules, X: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64], way: Way
) -> NDArray[np.bool_]:
    """Move one side of every broken relation, in place; return the rows that changed."""
    changed = np.zeros(len(X), dtype=bool)
    for smaller, larger, strict in _ordered(rules):
        a, b = X[:, smaller], X[:, larger]
        bad = (a >= b) if strict else (a > b)
        if not bad.any():
            continue
        fallen = _beyond(rules, b, smaller, "down", strict=strict)
        risen = _beyond(rules, a, larger, "up", strict=strict)
        can_fall = (fallen >= low[:, smaller]) & (fallen <= high[:, smaller])
        can_rise = (risen >= low[:, larger]) & (risen <= high[:, larger])
        if way == "lower":
            fall, rise = can_fall, np.zeros_like(can_fall)
        elif way == "raise":
            fall, rise = np.zeros_like(can_rise), can_rise
        else:
            cheaper = (a - fallen) * rules.cost[smaller] <= (risen - b) * rules.cost[larger]
            fall, rise = can_fall & (cheaper | ~can_rise), can_rise & ~(cheaper & can_fall)
        X[:, smaller] = np.where(bad & fall, fallen, a)
        X[:, larger] = np.where(bad & rise, risen, b)
        changed |= bad & (fall | rise)
    return changed


def _beyond(
    rules: Rules, bound: NDArray[np.float64], j: int, way: Literal["up", "down"], *, strict: bool
) -> NDArray[np.float64]:
    """Return column j's nearest value on the right side of a bound."""
    sign = 1.0 if way == "up" else -1.0
    value = rules.snap(bound, j, way)
    wrong = value < bound if way == "up" else value > bound
    if strict:
        wrong |= value == bound
    if rules.step[j] == 0:
        return np.where(wrong, np.nextafter(bound, sign * np.inf), value)
    return np.where(wrong, rules.snap(value + sign * rules.step[j], j), value)
