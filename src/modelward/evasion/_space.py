"""The space of legal moves, as arrays that searches can work on.

Searches build their candidates so that they are legal, because asking the schema about each of a million
candidates would cost more than the model. What is found is checked with the schema's own functions at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from modelward.errors import UsageError
from modelward.schema import cost, legal, project

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.schema import FeatureSchema

MISSING_COST = 1.0
"""Price of a value that goes missing, or comes back: see `modelward.schema.cost`."""

Norm = Literal["cost", "l1", "l2", "linf"]
"""How the prices of a row's changes add up: their sum (both names), the root of the sum of squares, or the largest."""

ExactNorm = Literal["cost", "l0", "l1", "l2", "linf"]
"""Those of the exact search, which can also count the units that are changed."""

HOLDS = {"<=": np.less_equal, "<": np.less, ">=": np.greater_equal, ">": np.greater, "==": np.equal}


@dataclass(frozen=True)
class Space:
    """What a caller can change: units (a column, or a one-hot group as a whole), reach, steps and prices.

    Parameters
    ----------
    schema : FeatureSchema
        The source of all of it.
    norm : {"cost", "l0", "l1", "l2", "linf"}
        How the prices of the units add up. All norms are in the schema's units, and a one-hot group counts once;
        the sum, ``"cost"`` or ``"l1"``, is L1 in units of price, and ``"l0"`` counts the units that are changed.

    Raises
    ------
    UsageError
        If there is no such norm.
    """

    schema: FeatureSchema
    norm: ExactNorm = "cost"

    def __post_init__(self) -> None:
        if self.norm not in get_args(ExactNorm):
            raise UsageError(f"norm={self.norm!r} is none of {', '.join(get_args(ExactNorm))}")

    @cached_property
    def groups(self) -> tuple[NDArray[np.int64], ...]:
        """Columns of each one-hot group."""
        return tuple(np.array([self.schema.index(n) for n in g]) for g in self.schema.onehot)

    @cached_property
    def units(self) -> tuple[NDArray[np.int64], ...]:
        """Columns of each unit: single columns in order, then the groups."""
        taken = {int(j) for group in self.groups for j in group}
        singles = tuple(np.array([j]) for j in range(len(self.schema)) if j not in taken)
        return singles + self.groups

    @cached_property
    def unit_of(self) -> NDArray[np.int64]:
        """Unit of each column, shape (d,)."""
        out = np.zeros(len(self.schema), dtype=np.int64)
        for u, columns in enumerate(self.units):
            out[columns] = u
        return out

    @cached_property
    def mutable(self) -> NDArray[np.bool_]:
        """Units that a caller may change; text has no values to choose from, so it stays."""
        text = np.array([c.kind == "text" for c in self.schema])
        columns = self.schema.rules.mutable & ~text
        return np.array([bool(columns[unit].all()) for unit in self.units])

    @cached_property
    def fades(self) -> NDArray[np.bool_]:
        """Columns in which a caller may take a value away, or give one that is missing, shape (d,)."""
        rules = self.schema.rules
        single = np.array(
            [len(self.units[u]) == 1 and bool(self.mutable[u]) for u in self.unit_of], dtype=bool
        )
        return np.asarray(single & rules.missing & ~rules.up & ~rules.down)

    def beyond(self) -> float:
        """Return the least price of a legal move that no exact search makes: texts, and missing cells."""
        rules = self.schema.rules
        text = np.array([c.kind == "text" for c in self.schema], dtype=bool) & rules.mutable
        prices = [MISSING_COST] if (rules.missing & rules.mutable & (text | self.fades)).any() else []
        prices += rules.cost[text].tolist()
        return float(min(prices if self.norm != "l0" else [1.0] * len(prices), default=np.inf))

    @property
    def flat(self) -> NDArray[np.bool_]:
        """Columns where any change costs the same, shape (d,)."""
        return self.schema.rules.flat

    @property
    def rate(self) -> NDArray[np.float64]:
        """Price of a unit of each column, shape (d,)."""
        return self.schema.rules.cost

    @property
    def step(self) -> NDArray[np.float64]:
        """Smallest step of each column, 0 for any float, shape (d,)."""
        return self.schema.rules.step

    @cached_property
    def low(self) -> NDArray[np.float64]:
        """Lowest legal value of each column, on its steps, shape (d,)."""
        return self._ends(self.schema.rules.low, "up")

    @cached_property
    def high(self) -> NDArray[np.float64]:
        """Highest legal value of each column, on its steps, shape (d,)."""
        return self._ends(self.schema.rules.high, "down")

    def _ends(self, ends: NDArray[np.float64], way: str) -> NDArray[np.float64]:
        return np.array([self.schema.rules.snap(ends[[j]], j, way)[0] for j in range(len(self.schema))])

    def reach(self, X: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the ends that each cell may be moved to, two arrays of shape (n, d); missing cells stay."""
        held, rules = ~self.mutable[self.unit_of], self.schema.rules
        low, high = np.where(held | rules.up, X, self.low), np.where(held | rules.down, X, self.high)
        missing = np.isnan(X)
        low[missing] = high[missing] = np.nan
        return low, high

    def snap(self, values: NDArray[np.float64], j: int, way: str = "near") -> NDArray[np.float64]:
        """Round values of column j to its steps: ``"near"``, ``"down"`` or ``"up"``."""
        return self.schema.rules.snap(values, j, way)

    @cached_property
    def switch(self) -> tuple[NDArray[np.float64], ...]:
        """Price of a switch from one member of a group to another, one (k, k) matrix a group; inf if illegal."""
        matrices = []
        rules = self.schema.rules
        for group in self.groups:
            k = len(group)
            first, second = np.divmod(np.arange(k * k), k)
            before, after = np.zeros((k * k, len(self.schema))), np.zeros((k * k, len(self.schema)))
            before[np.arange(k * k), group[first]] = 1.0
            after[np.arange(k * k), group[second]] = 1.0
            cells = after[:, group]
            allowed = ((cells >= rules.low[group]) & (cells <= rules.high[group])).all(axis=1)
            allowed &= (project(self.schema, after, before)[:, group] == cells).all(axis=1)
            prices = np.where(allowed, cost(self.schema, after, before), np.inf).reshape(k, k)
            np.fill_diagonal(prices, 0.0)
            matrices.append(prices)
        return tuple(matrices)

    def unit_costs(self, A: NDArray[np.float64], X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each unit's change from X to A costs, shape (n, units)."""
        gap = np.abs(A - X)
        np.nan_to_num(gap, copy=False)
        gap *= self.rate
        if self.flat.any():
            gap[:, self.flat] = (gap[:, self.flat] > 0) * self.rate[self.flat]
        if self.fades.any():
            gap[np.isnan(A) != np.isnan(X)] = MISSING_COST
        out = np.zeros((len(A), len(self.units)))
        singles = len(self.units) - len(self.groups)
        out[:, :singles] = gap[:, [int(u[0]) for u in self.units[:singles]]]
        for g, group in enumerate(self.groups):
            before, after = X[:, group].argmax(axis=1), A[:, group].argmax(axis=1)
            out[:, singles + g] = self.switch[g][before, after]
        return out

    def combine(self, units: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what rows cost whose units cost so much, by the norm, shape (n,)."""
        if self.norm == "l2":
            return np.asarray(np.sqrt((units * units).sum(axis=1)))
        if self.norm == "l0":
            return np.asarray((units > 0).sum(axis=1).astype(np.float64))
        if self.norm == "linf":
            return np.asarray(units.max(axis=1, initial=0.0))
        return np.asarray(units.sum(axis=1))

    def combine_with(
        self, units: NDArray[np.float64], unit: NDArray[np.int64], price: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return what rows cost after one unit of each got another price, shape (n,)."""
        changed = units.copy()
        changed[np.arange(len(units)), unit] = price
        return self.combine(changed)

    def measure(self, A: NDArray[np.float64], X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what moves from X to A cost by the norm, shape (n,)."""
        return self.combine(self.unit_costs(A, X))

    def reachable(self, A: NDArray[np.float64], X: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say which rows A are legal and can be made out of the rows X by a caller, shape (n,)."""
        back = project(self.schema, A, X)
        return np.asarray(
            legal(self.schema, A) & np.all((back == A) | (np.isnan(back) & np.isnan(A)), axis=1)
        )

    def relations_hold(self, A: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say which rows keep all relations, shape (n,); a missing side holds."""
        out = np.ones(len(A), dtype=bool)
        for left, operator, right in self.schema.rules.relations:
            a, b = A[:, left], A[:, right]
            out &= HOLDS[operator](a, b) | np.isnan(a) | np.isnan(b)
        return out
