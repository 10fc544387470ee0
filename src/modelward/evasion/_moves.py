"""Moves of one unit: it gives up a part of its change, or takes over what others gave up. Many rows at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._grid import Grid
    from modelward.evasion._space import Space


@dataclass(frozen=True)
class Batch:
    """Candidates in the making, one a row.

    Parameters
    ----------
    X : ndarray of shape (m, d)
        Origins.
    A : ndarray of shape (m, d)
        Where each stands; moved in place.
    units : ndarray of shape (m, units)
        What each unit's change costs; kept up to date.
    """

    X: NDArray[np.float64]
    A: NDArray[np.float64]
    units: NDArray[np.float64]

    @classmethod
    def at(cls, space: Space, X: NDArray[np.float64], A: NDArray[np.float64]) -> Batch:
        """Return candidates that stand at A."""
        return cls(X, A.copy(), space.unit_costs(A, X))


@dataclass(frozen=True)
class Moves:
    """What one unit of a row can do.

    Parameters
    ----------
    space : Space
    grid : Grid
        Values of columns in which any change costs the same.
    """

    space: Space
    grid: Grid

    @cached_property
    def column(self) -> NDArray[np.int64]:
        """First column of each unit, shape (units,)."""
        return np.array([int(unit[0]) for unit in self.space.units], dtype=np.int64)

    @cached_property
    def single(self) -> NDArray[np.bool_]:
        """Units of one column, shape (units,)."""
        return np.array([len(unit) == 1 for unit in self.space.units], dtype=bool)

    @cached_property
    def number(self) -> NDArray[np.bool_]:
        """Units that move by as much as is paid for, shape (units,)."""
        space, column = self.space, self.column
        priced = ~space.flat[column] & (space.rate[column] > 0)
        return np.asarray(self.single & space.mutable & priced)

    @cached_property
    def least(self) -> NDArray[np.float64]:
        """The least that a change of each unit costs, shape (units,); inf if it cannot change."""
        space, column = self.space, self.column
        out = np.where(self.number, space.step[column] * space.rate[column], space.rate[column])
        for g, prices in enumerate(space.switch):
            out[len(space.units) - len(space.groups) + g] = prices[prices > 0].min(initial=np.inf)
        return np.asarray(np.where(space.mutable, out, np.inf))

    def room(
        self, units: NDArray[np.float64], unit: NDArray[np.int64], target: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return what one unit of each row may cost, so that the row costs `target` by the norm; shape (m,)."""
        rest = units.copy()
        rest[np.arange(len(units)), unit] = 0.0
        if self.space.norm == "l2":
            return np.asarray(np.sqrt(np.maximum(target**2 - (rest * rest).sum(axis=1), 0.0)))
        if self.space.norm == "linf":
            return np.where(rest.max(axis=1, initial=0.0) <= target, target, 0.0)
        return np.asarray(np.maximum(target - rest.sum(axis=1), 0.0))

    def weaken(
        self, batch: Batch, some: NDArray[np.int64], unit: NDArray[np.int64], keep: NDArray[np.float64]
    ) -> None:
        """Take one unit of some rows back to a share of its change; what is no number goes back whole."""
        plain = self.number[unit]
        mine, column = some[plain], self.column[unit[plain]]
        x, old = batch.X[mine, column], batch.A[mine, column]
        value = x + (old - x) * keep[plain]
        # What is missing on one side has no way between: it goes back.
        self._set(batch, mine, unit[plain], np.where(np.isnan(value), x, value))
        for u in np.unique(unit[~plain]).tolist():
            mine = some[unit == u]
            cells = np.ix_(mine, self.space.units[u])
            batch.A[cells] = batch.X[cells]
            batch.units[mine, u] = 0.0

    def redraw(
        self,
        batch: Batch,
        some: NDArray[np.int64],
        factor: NDArray[np.float64],
        target: NDArray[np.float64],
    ) -> None:
        """Share out anew what the numbers of some rows may cost, in the proportion of their changes times a factor.

        Parameters
        ----------
        batch : Batch
        some : ndarray of int, shape (k,)
        factor : ndarray of shape (k, units)
        target : ndarray of shape (k,)
            What each row is to cost, by the norm; steps can make it less. Where what stays costs more, numbers go back.
        """
        space, column = self.space, self.column
        units, x = batch.units[some], batch.X[np.ix_(some, column)]
        gap = batch.A[np.ix_(some, column)] - x
        loose = self.number & (units > 0) & ~np.isnan(gap)
        shares = np.where(loose, units * factor, 0.0)
        fixed = np.where(loose, 0.0, units)
        room = self.room(
            np.column_stack([np.zeros(len(some)), fixed]), np.zeros(len(some), dtype=np.int64), target
        )
        scale = room / np.maximum(space.combine(shares), 1e-300)
        who, unit = np.nonzero(loose)
        j = column[unit]
        way = np.sign(gap[who, unit]) * shares[who, unit] * scale[who] / space.rate[j]
        self._set(batch, some[who], unit, np.clip(x[who, unit] + way, *self._ends(x[who, unit], j)))

    def take(
        self,
        batch: Batch,
        some: NDArray[np.int64],
        unit: NDArray[np.int64],
        sign: NDArray[np.float64],
        price: NDArray[np.float64],
        draw: NDArray[np.float64],
    ) -> None:
        """Move one unit of some rows by what a price pays for: numbers up or down, others to a drawn value."""
        plain = self.number[unit]
        mine, column = some[plain], self.column[unit[plain]]
        x = batch.X[mine, column]
        value = np.clip(x + sign[plain] * price[plain] / self.space.rate[column], *self._ends(x, column))
        self._set(batch, mine, unit[plain], np.where(np.isnan(value), x, value))
        for u in np.unique(unit[~plain]).tolist():
            who = unit == u
            if self.single[u]:
                self._drawn_value(batch, some[who], u, price[who], draw[who])
            else:
                self._drawn_member(batch, some[who], u, price[who], draw[who])

    def _ends(
        self, x: NDArray[np.float64], column: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        rules = self.space.schema.rules
        low = np.where(rules.up[column], x, self.space.low[column])
        return low, np.where(rules.down[column], x, self.space.high[column])

    def _set(
        self, batch: Batch, mine: NDArray[np.int64], unit: NDArray[np.int64], value: NDArray[np.float64]
    ) -> None:
        """Put numbers on their steps, towards the origin and never past it."""
        column = self.column[unit]
        x = batch.X[mine, column]
        stepped = self.space.schema.rules.snap_towards(value, x, column)
        value = np.where((stepped - x) * (value - x) <= 0, x, stepped)
        batch.A[mine, column] = value
        gap = np.abs(value - x)
        batch.units[mine, unit] = np.where(np.isnan(gap), 0.0, gap) * self.space.rate[column]

    def _drawn_value(
        self,
        batch: Batch,
        mine: NDArray[np.int64],
        u: int,
        price: NDArray[np.float64],
        draw: NDArray[np.float64],
    ) -> None:
        j = int(self.column[u])
        values = self.grid.values[j]
        if not len(values):
            return
        value = values[(draw * len(values)).astype(np.int64)]
        low, high = self._ends(batch.X[mine, j], np.array(j))
        fits = (value >= low) & (value <= high) & (self.space.rate[j] <= price)
        batch.A[mine[fits], j] = value[fits]
        batch.units[mine[fits], u] = (value[fits] != batch.X[mine[fits], j]) * self.space.rate[j]

    def _drawn_member(
        self,
        batch: Batch,
        mine: NDArray[np.int64],
        u: int,
        price: NDArray[np.float64],
        draw: NDArray[np.float64],
    ) -> None:
        g = u - (len(self.space.units) - len(self.space.groups))
        group = self.space.groups[g]
        home = batch.X[np.ix_(mine, group)].argmax(axis=1)
        member = (draw * len(group)).astype(np.int64)
        paid = self.space.switch[g][home, member]
        fits = paid <= price
        batch.A[np.ix_(mine[fits], group)] = np.eye(len(group))[member[fits]]
        batch.units[mine[fits], u] = paid[fits]
