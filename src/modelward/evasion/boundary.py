"""Boundary search: a decision-based attack for models that are smooth, after HopSkipJump.

Each row walks along the decision boundary: the boundary's direction is estimated from the labels of random
neighbours, a step is taken along it, and a bisection towards the origin comes back to the boundary (Chen,
Jordan & Wainwright 2020, algorithm 2). All rows go in lock step, in units of the schema's cost. Only the
numbers walk; the rest is as in the starting point until differences are undone at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.evasion._desk import Desk, open_desk
from modelward.evasion._grid import Grid
from modelward.evasion._space import Space
from modelward.evasion._starts import row_rng, starting_points
from modelward.evasion._walkers import Walkers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._result import Result
    from modelward.models import Subject
    from modelward.schema import FeatureSchema


@dataclass(frozen=True)
class BoundarySearch:
    """Walk along the decision boundary, with labels only.

    Parameters
    ----------
    reference : ndarray of shape (m, d), optional
        Rows such as a caller may know, as starting points; without them they are drawn from the schema.
    candidates : int
        Starting points that are asked about for each row.
    steps : int
        Steps along the boundary.
    neighbours : int
        Random neighbours that each step asks about; the k-th step asks sqrt(k) times as many.
    halvings : int
        Halvings of each bisection, and of each step's length.
    """

    reference: NDArray[np.float64] | None = None
    candidates: int = 32
    steps: int = 6
    neighbours: int = 24
    halvings: int = 8

    def run(
        self,
        subject: Subject,
        X: NDArray[np.float64],
        codes: NDArray[np.int64],
        *,
        schema: FeatureSchema,
        goal: int | None = None,
        budget: int | None = None,
        random_state: int = 0,
    ) -> Result:
        """Search for the cheapest legal move of each row; see `Attack.run`."""
        space = Space(schema)
        grid = Grid.build(space, 8, self.reference, None)
        desk = open_desk(subject, space, X, codes, goal, budget)
        return desk.run(lambda desk: self._search(desk, grid, random_state))

    def _search(self, desk: Desk, grid: Grid, seed: int) -> None:
        points = starting_points(desk, grid, self.reference, self.candidates, seed)
        walkers = Walkers.gather(desk, [points], 1)
        if not len(walkers.owner):
            return
        free = _free(desk.space)
        rngs = [row_rng(seed + 1, x) for x in desk.X[walkers.owner]]
        self._approach(desk, walkers, free)
        for k in range(1, self.steps + 1) if free.any() else ():
            normal = self._normal(desk, walkers, free, rngs, int(self.neighbours * np.sqrt(k)))
            self._leap(desk, walkers, free, normal, k)
            self._approach(desk, walkers, free)
        walkers.restore(desk)
        walkers.shrink(desk, grid, 2 * self.halvings)

    def _approach(self, desk: Desk, walkers: Walkers, free: NDArray[np.bool_]) -> None:
        """Bisect on the line to the origin."""
        start, X = walkers.A.copy(), desk.X[walkers.owner]
        near, far = np.zeros(len(start)), np.ones(len(start))
        for k in range(self.halvings + 1):
            share = far if k == 0 else (near + far) / 2
            rows = np.where(free, start + share[:, None] * (X - start), start)
            hit = _go(desk, walkers, rows, free)
            near, far = np.where(hit, share, near), np.where(hit, far, share)

    def _normal(
        self,
        desk: Desk,
        walkers: Walkers,
        free: NDArray[np.bool_],
        rngs: list[np.random.Generator],
        count: int,
    ) -> NDArray[np.float64]:
        """Estimate the boundary's normal, towards the wanted label, in units of cost; shape (w, free)."""
        d = int(free.sum())
        noise = np.array([rng.normal(size=(count, d)) for rng in rngs])
        noise /= np.linalg.norm(noise, axis=2, keepdims=True)
        gap = np.nan_to_num((walkers.A - desk.X[walkers.owner])[:, free]) * desk.space.rate[free]
        radius = np.maximum(np.linalg.norm(gap, axis=1) / d, 1e-3)
        rows = np.repeat(walkers.A, count, axis=0)
        rows[:, free] += (radius[:, None, None] * noise / desk.space.rate[free]).reshape(-1, d)
        owner = np.repeat(walkers.owner, count)
        rows = _legal(desk, rows, owner, free)
        holds = np.flatnonzero(desk.space.relations_hold(rows))
        costs = desk.space.unit_costs(rows[holds], desk.X[owner[holds]]).sum(axis=1)
        hit = np.zeros(len(rows), dtype=bool)
        hit[holds] = desk.ask(owner[holds], rows[holds], costs)
        sign = np.where(hit, 1.0, -1.0).reshape(len(rngs), count)
        mean = sign.mean(axis=1, keepdims=True)
        # All on one side: the plain mean points there; else the mean is taken off to lower the variance.
        weight = np.where(np.abs(mean) == 1.0, sign, sign - mean)
        normal = (weight[:, :, None] * noise).sum(axis=1)
        length = np.linalg.norm(normal, axis=1, keepdims=True)
        return np.asarray(normal / np.where(length > 0, length, 1.0))

    def _leap(
        self, desk: Desk, walkers: Walkers, free: NDArray[np.bool_], normal: NDArray[np.float64], k: int
    ) -> None:
        """Step along the normal, half as far again and again until the label stays."""
        start = walkers.A.copy()
        gap = np.nan_to_num((start - desk.X[walkers.owner])[:, free]) * desk.space.rate[free]
        length = np.linalg.norm(gap, axis=1) / np.sqrt(k)
        waiting = np.ones(len(start), dtype=bool)
        for _ in range(self.halvings):
            rows = start.copy()
            rows[:, free] += length[:, None] * normal / desk.space.rate[free]
            rows[~waiting] = walkers.A[~waiting]
            waiting &= ~_go(desk, walkers, rows, free, waiting)
            length = length / 2
            if not waiting.any():
                return


def _free(space: Space) -> NDArray[np.bool_]:
    """Return the columns that can walk: numbers outside groups that may be moved and cost something."""
    single = np.array([len(space.units[u]) == 1 for u in space.unit_of])
    return np.asarray(single & space.mutable[space.unit_of] & ~space.flat & (space.rate > 0))


def _legal(
    desk: Desk, rows: NDArray[np.float64], owner: NDArray[np.int64], free: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Put numbers into reach and on their steps."""
    low, high = desk.space.reach(desk.X[owner])
    out = np.where(free, np.clip(rows, low, high), rows)
    for j in np.flatnonzero(free & (desk.space.step > 0)).tolist():
        out[:, j] = desk.space.snap(out[:, j], j)
    return out


def _go(
    desk: Desk,
    walkers: Walkers,
    rows: NDArray[np.float64],
    free: NDArray[np.bool_],
    some: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Ask about one new place for each walker (of some), and go there where the label is the wanted one."""
    rows = _legal(desk, rows, walkers.owner, free)
    ask = desk.space.relations_hold(rows)
    if some is not None:
        ask &= some
    places = np.flatnonzero(ask)
    hit = np.zeros(len(rows), dtype=bool)
    costs = desk.space.unit_costs(rows[places], desk.X[walkers.owner[places]]).sum(axis=1)
    hit[places] = desk.ask(walkers.owner[places], rows[places], costs)
    walkers.A[hit] = rows[hit]
    walkers.cost[places[hit[places]]] = costs[hit[places]]
    return hit
