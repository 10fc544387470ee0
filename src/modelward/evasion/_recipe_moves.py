"""Assignments that a recipe can be made of: one column or one-hot group, and the value that it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.evasion._floats import just_above, just_below
from modelward.findings import MIN_ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from modelward.evasion._space import Space


@dataclass(frozen=True)
class Held:
    """What a recipe asks of one unit.

    Parameters
    ----------
    unit : int
        Unit of the space: a column, or a one-hot group as a whole.
    value : float
        The encoded value that it is set to; for a group the position of the member that becomes 1.
    low, high : float
        Rows between them stay as they are; `value` twice unless more is proven. −∞ and ∞ where there is no end.
    """

    unit: int
    value: float
    low: float
    high: float

    @classmethod
    def at(cls, unit: int, value: float) -> Held:
        """Return the assignment of one value."""
        return cls(unit, value, value, value)


def list_moves(
    space: Space,
    population: NDArray[np.float64],
    cuts: Mapping[int, NDArray[np.float64]] | None,
    per_column: int,
) -> tuple[Held, ...]:
    """Return the assignments that are worth trying.

    Parameters
    ----------
    space : Space
    population : ndarray of shape (n, d)
        Rows whose quantiles are tried where thresholds are not known.
    cuts : mapping of int to ndarray, optional
        Thresholds by column: one value from between each two of them is tried.
    per_column : int
        The most values of a column.
    """
    singles = len(space.units) - len(space.groups)
    found: list[Held] = []
    for u, unit in enumerate(space.units):
        if not space.mutable[u]:
            continue
        j = int(unit[0])
        if u >= singles:
            values = np.arange(len(unit), dtype=np.float64)
        elif space.flat[j]:
            values = np.arange(len(space.schema.columns[j].categories), dtype=np.float64)
        elif cuts is not None:
            values = _between(space, j, cuts.get(j, np.empty(0)))
        else:
            values = _quantiles(space, j, population[:, j], per_column)
        found += [Held.at(u, float(v)) for v in _thin(values, per_column)]
    return tuple(found)


def bin_ends(
    space: Space, j: int, cut: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the smallest and largest legal value between each two thresholds of a column; low > high if none."""
    low = np.fmax(just_above(np.concatenate([[-np.inf], cut]), space, j), space.low[j])
    high = np.fmin(just_below(np.concatenate([cut, [np.inf]]), space, j), space.high[j])
    return low, high


def _between(space: Space, j: int, cut: NDArray[np.float64]) -> NDArray[np.float64]:
    if not len(cut):
        return np.empty(0)
    low, high = bin_ends(space, j, cut)
    with np.errstate(invalid="ignore"):
        middle = space.snap((low + high) / 2, j) + 0.0  # no negative zero in words
    middle = np.where(np.isfinite(middle), np.clip(middle, low, high), np.where(np.isfinite(high), high, low))
    return np.asarray(middle[(low <= high) & np.isfinite(middle)])


def _quantiles(space: Space, j: int, values: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    known = values[~np.isnan(values)]
    if not len(known):
        return np.empty(0)
    ends = [e for e in (space.low[j], space.high[j]) if np.isfinite(e)]
    # Ten rows lie beyond each, and three digits are kept: a recipe is told, and no row's own value may be.
    tail = min(0.5, max(0.02, MIN_ROWS / len(known)))
    inner = np.quantile(known, np.linspace(tail, 1 - tail, most))
    with np.errstate(divide="ignore"):
        digits = np.where(inner == 0, 0, 2 - np.floor(np.log10(np.abs(inner)))).astype(int)
    inner = np.array([round(float(v), int(k)) for v, k in zip(inner, digits, strict=True)])
    tried = np.concatenate([inner, ends])
    snapped = np.clip(space.snap(tried, j), space.low[j], space.high[j])
    return np.unique(snapped)


def _thin(values: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    if len(values) <= most:
        return values
    places = np.unique(np.linspace(0, len(values) - 1, most).round().astype(int))
    return np.asarray(values[places])


def follow(
    space: Space, X: NDArray[np.float64], recipe: Sequence[Held]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return rows that follow a recipe, and which of them a caller can make.

    Parameters
    ----------
    space : Space
    X : ndarray of shape (n, d)
    recipe : sequence of Held

    Returns
    -------
    rows : ndarray of shape (n, d)
    possible : ndarray of bool, shape (n,)
        False where a direction, a group, a relation or a missing cell stands against it; those rows stay.
    """
    A, possible = X.copy(), np.ones(len(X), dtype=bool)
    rules, singles = space.schema.rules, len(space.units) - len(space.groups)
    for held in recipe:
        unit = space.units[held.unit]
        if held.unit >= singles:
            member = int(held.value)
            prices = space.switch[held.unit - singles][X[:, unit].argmax(axis=1), member]
            possible &= np.isfinite(prices)
            A[:, unit] = 0.0
            A[:, unit[member]] = 1.0
            continue
        j = int(unit[0])
        x = X[:, j]
        there = (x >= held.low) & (x <= held.high)
        can = ~np.isnan(x) | space.fades[j]
        if rules.up[j]:
            can &= x <= held.value
        if rules.down[j]:
            can &= x >= held.value
        possible &= there | can
        A[~there, j] = held.value
    possible &= space.relations_hold(A)
    A[~possible] = X[~possible]
    return A, possible
