"""Boundary search: a decision-based attack that needs nothing but labels, after HopSkipJump.

Each row walks along the decision boundary: the boundary's direction is estimated from the labels of random
neighbours, a step is taken along it, and a bisection towards the origin comes back to the boundary (Chen,
Jordan & Wainwright 2020, algorithm 2). All rows go in lock step, in units of the schema's cost. Every place
is put on a legal move before it is asked about, and the direction is estimated from the places that were
asked about, not from those that were drawn. Numbers walk; one-hot groups and categories are as in the
starting point until their differences are undone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from modelward.evasion._desk import Desk, open_desk
from modelward.evasion._grid import Grid
from modelward.evasion._space import Norm, Space
from modelward.evasion._starts import row_rng, starting_points
from modelward.evasion._walkers import Walkers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._result import Result
    from modelward.models import Subject
    from modelward.schema import FeatureSchema

_DRAWN = (1.0, 0.9, 0.75, 0.5, 0.25, 0.0)
"""How much of the way in numbers is kept where a group is switched, the most that is cheaper."""
_ORDER: dict[str, float] = {"cost": 2, "l1": 2, "l2": 2, "linf": np.inf}
"""Of the vector norm in which a step is measured."""


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
        Steps along the boundary at most; a budget may end them sooner.
    neighbours : int
        Random neighbours that each step asks about; the k-th step asks sqrt(k) times as many.
    halvings : int
        Halvings of each bisection, and of each step's length.
    norm : {"cost", "l1", "l2", "linf"}
        How the prices of a row's changes add up.

    Examples
    --------
    >>> BoundarySearch(norm="l2").steps
    6
    """

    reference: NDArray[np.float64] | None = None
    candidates: int = 32
    steps: int = 6
    neighbours: int = 24
    halvings: int = 8
    norm: Norm = "cost"

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
        space = Space(schema, self.norm)
        grid = Grid.build(space, 8, self.reference, None)
        desk = open_desk(subject, space, X, codes, goal, budget)
        return desk.run(lambda desk: self._search(desk, grid, random_state))

    def _search(self, desk: Desk, grid: Grid, seed: int) -> None:
        points = starting_points(desk, grid, self.reference, self.candidates, seed)
        walkers = Walkers.gather(desk, [points], 1)
        if not len(walkers.owner):
            return
        walkers.restore(desk)
        walk = _Walk(desk, walkers, _free(desk.space))
        rngs = [row_rng(seed + 1, x) for x in walk.X]
        walk.approach(self.halvings)
        for k in range(1, self.steps + 1) if walk.free.any() else ():
            count = int(self.neighbours * np.sqrt(k))
            # A row stops where what it has left does not pay for a step, whatever its neighbours have.
            live = np.flatnonzero(desk.left[walkers.owner] > count)
            if not len(live):
                break
            part = Walkers(walkers.owner[live], walkers.A[live], walkers.cost[live])
            walk = _Walk(desk, part, walk.free)
            walk.leap(walk.normal([rngs[i] for i in live.tolist()], count), k, self.halvings)
            walk.approach(self.halvings)
            walk.switch([rngs[i] for i in live.tolist()])
            walkers.A[live], walkers.cost[live] = part.A, part.cost
        walkers.restore(desk)
        walkers.shrink(desk, grid, 2 * self.halvings)


@dataclass(frozen=True)
class _Walk:
    """Walkers on the boundary, and the columns in which they walk: `free`, bool of shape (d,)."""

    desk: Desk
    walkers: Walkers
    free: NDArray[np.bool_]

    @cached_property
    def X(self) -> NDArray[np.float64]:  # noqa: N802 - a matrix
        """Origin of each walker, shape (w, d)."""
        return self.desk.X[self.walkers.owner]

    @cached_property
    def ends(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The reach of each walker in the columns that are free, two arrays of shape (w, f)."""
        low, high = self.desk.space.reach(self.X)
        return low[:, self.free], high[:, self.free]

    def _priced(self, rows: NDArray[np.float64], origin: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the way from origin to rows in units of cost, shape (n, f)."""
        return np.asarray(np.nan_to_num((rows - origin)[:, self.free]) * self.desk.space.rate[self.free])

    def _length(self, way: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.linalg.norm(way, axis=1, ord=_ORDER[self.desk.space.norm]))

    def approach(self, halvings: int) -> None:
        """Bisect towards the origin: on the line, in the box, or by what is taken off the largest changes."""
        start = self.walkers.A.copy()
        way = self._priced(start, self.X)
        most = np.abs(way).max(axis=1, initial=0.0)[:, None]
        near, far = np.zeros(len(start)), np.ones(len(start))
        for k in range(halvings + 1):
            share = (far if k == 0 else (near + far) / 2)[:, None]
            if self.desk.space.norm == "l2":
                left = way * (1 - share)
            elif self.desk.space.norm == "linf":
                left = np.clip(way, -(1 - share) * most, (1 - share) * most)
            else:
                # Changes shrink by the same price, and the small ones end: the nearest point of an L1 ball.
                left = np.sign(way) * np.maximum(np.abs(way) - share * most, 0.0)
            rows = start.copy()
            rows[:, self.free] = np.where(
                left == way,
                start[:, self.free],
                self.X[:, self.free] + left / self.desk.space.rate[self.free],
            )
            hit = self._go(rows)
            near, far = np.where(hit, share[:, 0], near), np.where(hit, far, share[:, 0])

    def normal(self, rngs: list[np.random.Generator], count: int) -> NDArray[np.float64]:
        """Estimate the boundary's normal, towards the wanted label, in units of cost; shape (w, f)."""
        desk, A, d = self.desk, self.walkers.A, int(self.free.sum())
        noise = np.array([rng.normal(size=(count, d)) for rng in rngs])
        noise /= np.linalg.norm(noise, axis=2, keepdims=True)
        radius = np.maximum(np.linalg.norm(self._priced(A, self.X), axis=1) / np.sqrt(d), 1e-3) / 2
        # A column whose steps are wider than the radius would never move.
        wide = np.maximum(radius[:, None], np.sqrt(d) * (desk.space.step * desk.space.rate)[self.free] / 2)
        rows = np.repeat(A, count, axis=0)
        rows[:, self.free] += (wide[:, None, :] * noise / desk.space.rate[self.free]).reshape(-1, d)
        low, high = (np.repeat(end, count, axis=0) for end in self.ends)
        self._legal(rows, low, high)
        owner = np.repeat(self.walkers.owner, count)
        moved = self._priced(rows, np.repeat(A, count, axis=0))
        ask = np.flatnonzero(desk.space.relations_hold(rows) & moved.any(axis=1))
        hit = np.zeros(len(rows), dtype=bool)
        hit[ask] = desk.ask(owner[ask], rows[ask], desk.space.measure(rows[ask], desk.X[owner[ask]]))
        sent = np.zeros((len(A), count))
        sent.reshape(-1)[ask] = 1.0
        sign = np.where(hit, 1.0, -1.0).reshape(-1, count) * sent
        mean = sign.sum(axis=1, keepdims=True) / np.maximum(sent.sum(axis=1, keepdims=True), 1.0)
        # All on one side: the plain mean points there; else the mean is taken off to lower the variance.
        weight = np.where(np.abs(mean) == 1.0, sign, (sign - mean) * sent)
        normal = (weight[:, :, None] * moved.reshape(len(A), count, d)).sum(axis=1)
        if desk.space.norm == "linf":
            normal = np.sign(normal)
        length = self._length(normal)[:, None]
        return np.asarray(normal / np.where(length > 0, length, 1.0))

    def leap(self, normal: NDArray[np.float64], k: int, halvings: int) -> None:
        """Step along the normal, half as far again and again until the label stays."""
        start = self.walkers.A.copy()
        length = self._length(self._priced(start, self.X)) / np.sqrt(k)
        waiting = np.ones(len(start), dtype=bool)
        for _ in range(halvings):
            rows = start.copy()
            rows[:, self.free] += length[:, None] * normal / self.desk.space.rate[self.free]
            rows[~waiting] = self.walkers.A[~waiting]
            waiting &= ~self._go(rows, waiting)
            length = length / 2
            if not waiting.any():
                return

    def switch(self, rngs: list[np.random.Generator]) -> None:
        """Try another member of each one-hot group, with the numbers drawn back so far that the row is cheaper.

        A group that has left the origin's member goes back to it, any other to a member by chance.
        """
        space = self.desk.space
        for g, group in enumerate(space.groups):
            if not space.mutable[len(space.units) - len(space.groups) + g]:
                continue
            rows, home = self.walkers.A.copy(), self.X[:, group].argmax(axis=1)
            drawn = np.array([rng.integers(len(group)) for rng in rngs], dtype=np.int64)
            now = rows[:, group].argmax(axis=1)
            member = np.where(now == home, drawn, home)
            allowed = np.isfinite(space.switch[g][home, member]) & (member != now)
            rows[:, group] = np.eye(len(group))[member]
            way = rows - self.X
            cheaper = np.zeros(len(rows), dtype=bool)
            for share in _DRAWN:
                trial = rows.copy()
                trial[:, self.free] = (self.X + share * way)[:, self.free]
                missing = np.isnan(way)
                trial[missing] = rows[missing]
                self._legal(trial, *self.ends)
                fits = ~cheaper & allowed & (space.measure(trial, self.X) < 0.99 * self.walkers.cost)
                rows[fits] = trial[fits]
                cheaper |= fits
            self._go(rows, cheaper)

    def _legal(self, rows: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
        """Put numbers into reach and on their steps, in place."""
        rows[:, self.free] = np.clip(rows[:, self.free], low, high)
        for j in np.flatnonzero(self.free & (self.desk.space.step > 0)).tolist():
            rows[:, j] = self.desk.space.snap(rows[:, j], j)

    def _go(self, rows: NDArray[np.float64], some: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """Ask about one new place for each walker (of some), and go there where the label is the wanted one."""
        walkers, desk = self.walkers, self.desk
        self._legal(rows, *self.ends)
        ask = desk.space.relations_hold(rows)
        if some is not None:
            ask &= some
        places = np.flatnonzero(ask)
        hit = np.zeros(len(rows), dtype=bool)
        costs = desk.space.measure(rows[places], self.X[places])
        hit[places] = desk.ask(walkers.owner[places], rows[places], costs)
        walkers.A[hit] = rows[hit]
        walkers.cost[places[hit[places]]] = costs[hit[places]]
        return hit


def _free(space: Space) -> NDArray[np.bool_]:
    """Return the columns that can walk: numbers outside groups that may be moved and cost something."""
    single = np.array([len(space.units[u]) == 1 for u in space.unit_of])
    return np.asarray(single & space.mutable[space.unit_of] & ~space.flat & (space.rate > 0))
