"""Halving: each changed number goes back towards its origin as far as the label stays, a few questions each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from modelward.evasion._desk import Desk
    from modelward.evasion._walkers import Walkers


@dataclass(frozen=True)
class Halving:
    """A bisection along each changed column, the dearest first.

    The label is taken to change once on the way, which need not be so: a scan of all values finds more and asks more.

    Parameters
    ----------
    rounds : int
        Halvings of a column.
    tolerance : float
        Share of a row's cost below which a gap is not halved further.
    edges : mapping of int to ndarray, optional
        The only values of a column that matter, sorted: one on each side of every threshold of the model.
    """

    rounds: int
    tolerance: float
    edges: Mapping[int, NDArray[np.float64]] | None = None

    def halve(self, desk: Desk, walkers: Walkers) -> None:
        """Move walkers of a desk, in place."""
        if not len(walkers.owner):
            return
        space = desk.space
        units = space.unit_costs(walkers.A, desk.X[walkers.owner])
        order = np.argsort(-units, axis=1, kind="stable")
        plain = np.array([len(u) == 1 and not space.flat[u[0]] for u in space.units])
        column = np.array([int(u[0]) for u in space.units])
        for k in range(int((units > 0).sum(axis=1).max(initial=0))):
            unit = order[:, k]
            moved = np.take_along_axis(units, unit[:, None], 1)[:, 0] > 0
            some = np.flatnonzero(moved & plain[unit])
            if len(some):
                self._column(desk, walkers, some, units, unit[some], column[unit[some]])

    def _column(
        self,
        desk: Desk,
        walkers: Walkers,
        some: NDArray[np.int64],
        units: NDArray[np.float64],
        unit: NDArray[np.int64],
        column: NDArray[np.int64],
    ) -> None:
        x, rate = desk.X[walkers.owner[some], column], desk.space.rate[column]
        floor = x.copy()
        for _ in range(self.rounds):
            a = walkers.A[some, column]
            middle = self._middle(desk, floor, a, column)
            costs = desk.space.combine_with(units[some], unit, np.abs(middle - x) * rate)
            live = (middle != a) & (middle != floor) & (costs < walkers.cost[some])
            live &= np.abs(a - floor) * rate > self.tolerance * walkers.cost[some]
            live = np.flatnonzero(live)
            if not len(live):
                return
            rows = walkers.A[some[live]]
            rows[np.arange(len(live)), column[live]] = middle[live]
            hit = walkers.go(desk, some[live], rows, costs[live])
            done = live[hit]
            units[some[done], unit[done]] = np.abs(middle[done] - x[done]) * rate[done]
            floor[live[~hit]] = middle[live[~hit]]

    def _middle(
        self, desk: Desk, floor: NDArray[np.float64], a: NDArray[np.float64], column: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return a value between, on a step or an edge; `a` where there is none."""
        middle = (floor + a) / 2
        if self.edges is None:
            return desk.space.schema.rules.snap_each(middle, column)
        for j in np.unique(column).tolist():
            mine = np.flatnonzero(column == j)
            edges = self.edges.get(j, np.empty(0))
            low, high = np.minimum(floor[mine], a[mine]), np.maximum(floor[mine], a[mine])
            first, end = np.searchsorted(edges, low, "right"), np.searchsorted(edges, high, "left")
            there = np.flatnonzero(first < end)
            middle[mine] = a[mine]
            middle[mine[there]] = edges[(first[there] + end[there]) // 2]
        return middle
