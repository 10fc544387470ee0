"""All single changes of a row, laid out so that numpy can price and build them for many rows at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from modelward.evasion._space import MISSING_COST
from modelward.evasion._walkers import Walkers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._desk import Desk
    from modelward.evasion._grid import Grid
    from modelward.evasion._space import Space

BLOCK_CELLS = 4_000_000


@dataclass(frozen=True)
class Singles:
    """The single changes that a grid offers.

    Parameters
    ----------
    space : Space
        Units and prices.
    grid : Grid
        Values of each column.
    fades : ndarray of bool, shape (d,), optional
        Columns in which a value may go missing too; none without it.
    """

    space: Space
    grid: Grid
    fades: NDArray[np.bool_] | None = None

    @cached_property
    def _numbers(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Column and value of each change of a single column."""
        columns = [int(u[0]) for u in self.space.units if len(u) == 1]
        fades = np.zeros(len(self.space.schema), dtype=bool) if self.fades is None else self.fades
        values = [np.append(self.grid.values[j], [np.nan] * int(fades[j])) for j in columns]
        sizes = [len(v) for v in values]
        return np.repeat(np.array(columns, dtype=np.int64), sizes), np.concatenate([np.empty(0), *values])

    @cached_property
    def _switches(self) -> list[tuple[int, int]]:
        """Group and member of each change of a one-hot group."""
        singles = len(self.space.units) - len(self.space.groups)
        return [
            (g, member)
            for g, group in enumerate(self.space.groups)
            if self.space.mutable[singles + g]
            for member in range(len(group))
        ]

    @cached_property
    def _unit(self) -> NDArray[np.int64]:
        """Unit of each change."""
        singles = len(self.space.units) - len(self.space.groups)
        members = np.array([singles + g for g, _ in self._switches], dtype=np.int64)
        return np.concatenate([self.space.unit_of[self._numbers[0]], members])

    def prices(
        self, X: NDArray[np.float64], base: NDArray[np.float64], below: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return what each change costs beyond the base, shape (n, changes); inf where it cannot be made.

        A change of a unit in which the base differs from X already is none: it costs inf.
        """
        column, value = self._numbers
        low, high = self.space.reach(X)
        out = np.full((len(X), len(column) + len(self._switches)), np.inf)
        k = len(column)
        gap = np.abs(value[None, :] - X[:, column])
        price = np.where(self.space.flat[column], self.space.rate[column], gap * self.space.rate[column])
        legal = (value >= low[:, column]) & (value <= high[:, column]) & (gap > 0)
        same = (base == X)[:, column]
        if self.space.fades.any():
            # A grid's values are in the column's range, so each of them may stand where nothing stood.
            without = np.isnan(X)[:, column]
            legal |= (without != np.isnan(value)) & self.space.fades[column]
            same |= without & np.isnan(base)[:, column]
            price = np.where(without | np.isnan(value), MISSING_COST, price)
        out[:, :k] = np.where(legal & same, price, np.inf)
        for s, (g, member) in enumerate(self._switches):
            group = self.space.groups[g]
            now, fresh = X[:, group].argmax(axis=1), (base[:, group] == X[:, group]).all(axis=1)
            out[:, k + s] = np.where((now != member) & fresh, self.space.switch[g][now, member], np.inf)
        out[out >= below[:, None]] = np.inf
        return out

    def build(self, base: NDArray[np.float64], change: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return copies of rows with one change each."""
        rows = base.copy()
        column, value = self._numbers
        number = np.flatnonzero(change < len(column))
        rows[number, column[change[number]]] = value[change[number]]
        for s, (g, member) in enumerate(self._switches):
            mine = np.flatnonzero(change == len(column) + s)
            if len(mine):
                rows[np.ix_(mine, self.space.groups[g])] = np.eye(len(self.space.groups[g]))[member]
        return rows

    def ask(
        self,
        desk: Desk,
        owner: NDArray[np.int64],
        base: NDArray[np.float64],
        below: NDArray[np.float64],
        keep: int,
        *,
        share: float,
    ) -> Walkers:
        """Ask about the changes of some bases and return each base's cheapest hits.

        Parameters
        ----------
        desk : Desk
            Of the run.
        owner : ndarray of int, shape (m,)
            Row of each base.
        base : ndarray of shape (m, d)
            Rows that are changed further.
        below : ndarray of shape (m,)
            A change has to cost less than this.
        keep : int
            Hits that are kept of each base.
        share : float
            How much of what a row has left may be spent.
        """
        found = []
        width = max(1, len(self._numbers[0]) + len(self._switches))
        size = max(1, BLOCK_CELLS // (width * base.shape[1]))
        for start in range(0, len(owner), size):
            part = slice(start, start + size)
            found.append(self._block(desk, owner[part], base[part], below[part], keep, share))
        return Walkers.concatenate(found, base.shape[1])

    def offers(
        self,
        desk: Desk,
        owner: NDArray[np.int64],
        base: NDArray[np.float64],
        below: NDArray[np.float64] | None = None,
        *,
        share: float,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the changes of some bases that keep relations, the cheapest where the share does not cover all.

        Returns
        -------
        who : ndarray of int, shape (k,)
            Which base each is a change of.
        rows : ndarray of shape (k, d)
        costs : ndarray of shape (k,)
            By the norm.
        """
        below = np.full(len(owner), np.inf) if below is None else below
        X = desk.X[owner]
        prices = self.prices(X, base, below)
        wanted = np.isfinite(prices)
        allowed = (desk.left[owner] * share).astype(np.int64)
        if np.any(wanted.sum(axis=1) > allowed):
            rank = np.argsort(np.argsort(prices, axis=1, kind="stable"), axis=1, kind="stable")
            wanted &= rank < allowed[:, None]
        who, change = np.nonzero(wanted)
        rows = self.build(base[who], change)
        if self.space.schema.relations:
            holds = self.space.relations_hold(rows)
            who, change, rows = who[holds], change[holds], rows[holds]
        units = self.space.unit_costs(base, X)
        costs = self.space.combine_with(units[who], self._unit[change], prices[who, change])
        return who, rows, costs

    def _block(
        self,
        desk: Desk,
        owner: NDArray[np.int64],
        base: NDArray[np.float64],
        below: NDArray[np.float64],
        keep: int,
        share: float,
    ) -> Walkers:
        who, rows, costs = self.offers(desk, owner, base, below, share=share)
        hit = desk.ask(owner[who], rows, costs)
        who, rows, costs = who[hit], rows[hit], costs[hit]
        order = np.lexsort((costs, who))
        starts = np.searchsorted(who[order], np.arange(len(owner)))
        rank = np.arange(len(order)) - starts[who[order]]
        kept = order[rank < keep]
        return Walkers(owner[who[kept]], rows[kept], costs[kept])
