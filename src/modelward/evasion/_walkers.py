"""Walkers: points with the wanted label on their way back to the origin, all in lock step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.evasion._desk import Desk
    from modelward.evasion._grid import Grid


@dataclass
class Walkers:
    """Points that the subject gave the wanted label, with the rows that they belong to.

    Parameters
    ----------
    owner : ndarray of int, shape (w,)
        Row of each walker.
    A : ndarray of shape (w, d)
        Where it stands.
    cost : ndarray of shape (w,)
        What that costs.
    """

    owner: NDArray[np.int64]
    A: NDArray[np.float64]
    cost: NDArray[np.float64]

    @classmethod
    def concatenate(cls, parts: Sequence[Walkers], d: int) -> Walkers:
        """Return all of them together."""
        if not parts:
            return cls(np.empty(0, dtype=np.int64), np.empty((0, d)), np.empty(0))
        return cls(
            np.concatenate([p.owner for p in parts]),
            np.concatenate([p.A for p in parts]),
            np.concatenate([p.cost for p in parts]),
        )

    @classmethod
    def gather(cls, desk: Desk, parts: Sequence[Walkers], keep: int) -> Walkers:
        """Return the cheapest few of each row, without doubles."""
        every = cls.concatenate(parts, desk.X.shape[1])
        order = np.lexsort((every.cost, every.owner))
        owner, A, cost = every.owner[order], every.A[order], every.cost[order]
        if len(owner) > 1:
            same = (owner[1:] == owner[:-1]) & ((A[1:] == A[:-1]) | (np.isnan(A[1:]) & np.isnan(A[:-1]))).all(
                axis=1
            )
            fresh = np.concatenate([[True], ~same])
            owner, A, cost = owner[fresh], A[fresh], cost[fresh]
        rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
        kept = rank < keep
        return cls(owner[kept], A[kept], cost[kept])

    def restore(self, desk: Desk) -> None:
        """Undo differences as long as the label stays, the dearest first."""
        if not len(self.owner):
            return
        units = self._units(desk)
        order = np.argsort(-units, axis=1, kind="stable")
        for k in range(int((units > 0).sum(axis=1).max(initial=0))):
            unit = order[:, k]
            costs = desk.space.combine_with(units, unit, np.zeros(len(units)))
            some = np.flatnonzero(costs < self.cost - 1e-15)
            if len(some):
                undone = desk.space.unit_of[None, :] == unit[some, None]
                rows = np.where(undone, desk.X[self.owner[some]], self.A[some])
                hit = some[self.go(desk, some, rows, costs[some])]
                units[hit, unit[hit]] = 0.0

    def shrink(self, desk: Desk, grid: Grid, bisections: int) -> None:
        """Move each changed number towards the origin: along the grid, then between two of its values."""
        if not len(self.owner):
            return
        units = self._units(desk)
        order = np.argsort(-units, axis=1, kind="stable")
        single = np.array([len(u) == 1 and not desk.space.flat[u[0]] for u in desk.space.units])
        column = np.array([int(u[0]) for u in desk.space.units])
        for k in range(int((units > 0).sum(axis=1).max(initial=0))):
            unit = order[:, k]
            some = np.flatnonzero((np.take_along_axis(units, unit[:, None], 1)[:, 0] > 0) & single[unit])
            bar = _Bar(units, unit, column[unit])
            floor = self._scan(desk, grid, some, bar)
            self._bisect(desk, grid, some, bar, floor, bisections)

    def _units(self, desk: Desk) -> NDArray[np.float64]:
        return desk.space.unit_costs(self.A, desk.X[self.owner])

    def go(
        self, desk: Desk, some: NDArray[np.int64], rows: NDArray[np.float64], costs: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Ask about one new place for some walkers; those that keep the label go there."""
        if desk.space.schema.relations:
            hit = np.zeros(len(some), dtype=bool)
            holds = np.flatnonzero(desk.space.relations_hold(rows))
            hit[holds] = desk.ask(self.owner[some[holds]], rows[holds], costs[holds])
        else:
            hit = desk.ask(self.owner[some], rows, costs)
        self.A[some[hit]], self.cost[some[hit]] = rows[hit], costs[hit]
        return hit

    def _scan(self, desk: Desk, grid: Grid, some: NDArray[np.int64], bar: _Bar) -> NDArray[np.float64]:
        """Ask about every value of the grid between origin and point; go to the nearest that keeps the label.

        Returns
        -------
        ndarray of shape (len(some),)
            The value next to the new place on the origin's side, which does not have the label.
        """
        column = bar.column[some]
        x, a = desk.X[self.owner[some], column], self.A[some, column]
        table, counts = _padded(grid)
        values = table[column]
        between = (values > np.minimum(x, a)[:, None]) & (values < np.maximum(x, a)[:, None])
        who, which = np.nonzero(between & (np.arange(table.shape[1]) < counts[column][:, None]))
        tried = values[who, which]
        costs = bar.costs(desk, some[who], np.abs(tried - x[who]))
        cheaper = costs < self.cost[some[who]]
        who, which, tried, costs = who[cheaper], which[cheaper], tried[cheaper], costs[cheaper]
        rows = self.A[some[who]]
        rows[np.arange(len(who)), column[who]] = tried
        holds = desk.space.relations_hold(rows)
        hit = np.zeros(len(who), dtype=bool)
        hit[holds] = desk.ask(self.owner[some[who[holds]]], rows[holds], costs[holds])
        distance = np.full(values.shape, np.inf)
        distance[who, which] = np.abs(tried - x[who])
        good = np.full(values.shape, np.inf)
        good[who[hit], which[hit]] = distance[who[hit], which[hit]]
        nearest = good.argmin(axis=1)
        moved = np.flatnonzero(np.isfinite(good.min(axis=1)))
        self.A[some[moved], column[moved]] = values[moved, nearest[moved]]
        bar.settle(desk, self, some[moved])
        here = np.abs(self.A[some, column] - x)
        inner = np.where(distance < here[:, None], distance, -np.inf)
        floor = np.take_along_axis(values, inner.argmax(axis=1)[:, None], 1)[:, 0]
        return np.asarray(np.where(np.isfinite(inner.max(axis=1)), floor, x))

    def _bisect(
        self,
        desk: Desk,
        grid: Grid,
        some: NDArray[np.int64],
        bar: _Bar,
        floor: NDArray[np.float64],
        rounds: int,
    ) -> None:
        """Halve the gap between the point and the nearest value that is known not to keep the label."""
        open_ = ~grid.complete[bar.column[some]]
        some, floor = some[open_], floor[open_].copy()
        column = bar.column[some]
        rate = desk.space.rate[column]
        stepped = [(j, np.flatnonzero(column == j)) for j in np.unique(column).tolist() if desk.space.step[j]]
        for _ in range(rounds):
            a = self.A[some, column]
            middle = (floor + a) / 2
            for j, mine in stepped:
                middle[mine] = desk.space.snap(middle[mine], j)
            costs = bar.costs(desk, some, np.abs(middle - desk.X[self.owner[some], column]))
            live = (middle != a) & (middle != floor) & (np.abs(a - floor) * rate > 1e-4)
            live = np.flatnonzero(live & (costs < self.cost[some]))
            if not len(live):
                break
            rows = self.A[some[live]]
            rows[np.arange(len(live)), column[live]] = middle[live]
            hit = self.go(desk, some[live], rows, costs[live])
            bar.settle(desk, self, some[live[hit]])
            floor[live[~hit]] = middle[live[~hit]]


@dataclass(frozen=True)
class _Bar:
    """The unit that each walker is moving, beside what its other units cost; shapes (w, units), (w,), (w,)."""

    units: NDArray[np.float64]
    unit: NDArray[np.int64]
    column: NDArray[np.int64]

    def costs(self, desk: Desk, some: NDArray[np.int64], gap: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what walkers would cost at other distances from their origin."""
        return desk.space.combine_with(
            self.units[some], self.unit[some], gap * desk.space.rate[self.column[some]]
        )

    def settle(self, desk: Desk, walkers: Walkers, some: NDArray[np.int64]) -> None:
        """Price walkers again that have moved."""
        column = self.column[some]
        gap = np.abs(walkers.A[some, column] - desk.X[walkers.owner[some], column])
        walkers.cost[some] = self.costs(desk, some, gap)
        self.units[some, self.unit[some]] = gap * desk.space.rate[column]


def _padded(grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    counts = np.array([len(v) for v in grid.values], dtype=np.int64)
    table = np.full((len(counts), max(1, int(counts.max(initial=1)))), np.inf)
    for j, values in enumerate(grid.values):
        table[j, : len(values)] = values
    return table, counts
