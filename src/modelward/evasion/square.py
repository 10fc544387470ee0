"""Square search: random moves of several columns at once that the model's scores accept or reject."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.evasion._desk import Desk, open_desk
from modelward.evasion._grid import Grid
from modelward.evasion._space import Norm, Space
from modelward.evasion._starts import row_rng
from modelward.evasion._walkers import Walkers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._result import Result
    from modelward.models import Subject
    from modelward.schema import FeatureSchema

_SHARES = (0.8, 0.4, 0.2, 0.1)
_PULL = 0.8


@dataclass(frozen=True)
class SquareSearch:
    """Random search with scores, after the Square attack (Andriushchenko et al. 2020), for tables.

    In place of a square of pixels a random set of units moves to the edge of a ball around the origin: numbers
    up or down by what the radius allows, one-hot groups to a random member. A move that brings the scores
    nearer to the wanted label is kept. The sets become smaller as the search goes on; when the label is there
    the ball shrinks below the cost of that point and the search goes on inside. All rows go in lock step.

    Parameters
    ----------
    radius : float
        Of the first ball, in the schema's units.
    steps : int
        Random moves of each row at most; a budget may end them sooner.
    halvings : int
        Halvings of each changed number at the end.
    norm : {"cost", "l1", "l2", "linf"}
        How the prices of a row's changes add up.

    Examples
    --------
    >>> SquareSearch(norm="linf").radius
    8.0
    """

    radius: float = 8.0
    steps: int = 300
    halvings: int = 12
    norm: Norm = "linf"

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
        """Search for the cheapest legal move of each row; see `Attack.run`.

        Raises
        ------
        UsageError
            If the subject gives no scores.
        """
        space = Space(schema, self.norm)
        desk = open_desk(subject, space, X, codes, goal, budget)
        return desk.run(lambda desk: self._search(desk, random_state))

    def _search(self, desk: Desk, seed: int) -> None:
        owner = desk.open()
        X = desk.X[owner]
        rngs = [row_rng(seed, x) for x in X]
        A, loss = X.copy(), np.full(len(owner), np.inf)
        radius, pulled = np.full(len(owner), self.radius), np.zeros(len(owner), dtype=bool)
        reserve = desk.left[owner] // 4
        for k in range(self.steps) if len(owner) else ():
            some = np.flatnonzero(desk.left[owner] > reserve)
            if not len(some):
                break
            share = _SHARES[min(len(_SHARES) - 1, len(_SHARES) * k // self.steps)]
            rows = np.array(
                [
                    A[i]
                    if pulled[i]
                    else self._move(desk.space, X[i], A[i], float(radius[i]), share, rngs[i])
                    for i in some.tolist()
                ]
            )
            self._settle(desk.space, rows, X[some])
            ask = np.flatnonzero(desk.space.relations_hold(rows))
            some, rows = some[ask], rows[ask]
            pulled[some] &= False
            costs = desk.space.measure(rows, X[some])
            hit, fresh = desk.ask_scores(owner[some], rows, costs)
            better = np.flatnonzero((fresh < loss[some]) | hit)
            A[some[better]], loss[some[better]] = rows[better], fresh[better]
            won = some[hit]
            radius[won] = np.minimum(radius[won], _PULL * costs[hit])
            A[won] = X[won] + _PULL * (A[won] - X[won])
            pulled[won], loss[won] = True, np.inf
        at = np.flatnonzero(np.isfinite(desk.best_cost))
        walkers = Walkers(at, desk.best[at].copy(), desk.best_cost[at].copy())
        grid = Grid.build(desk.space, 8, None, None)
        walkers.restore(desk)
        walkers.shrink(desk, grid, self.halvings)

    @staticmethod
    def _move(
        space: Space,
        x: NDArray[np.float64],
        a: NDArray[np.float64],
        radius: float,
        share: float,
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        """Return a row in which some units are at the edge of the ball, and as many others as it has room for."""
        units = np.flatnonzero(space.mutable)
        chosen = rng.permutation(units)[: max(1, round(share * len(units)))]
        many = {"l2": float(np.sqrt(len(chosen))), "linf": 1.0}.get(space.norm, float(len(chosen)))
        row = a.copy()
        signs = rng.choice([-1.0, 1.0], size=len(chosen))
        for u, sign in zip(chosen.tolist(), signs.tolist(), strict=True):
            unit = space.units[u]
            if len(unit) > 1:
                row[unit] = np.eye(len(unit))[rng.integers(len(unit))]
            elif space.rate[unit[0]] > 0 and not space.flat[unit[0]]:
                row[unit] = x[unit] + sign * radius / many / space.rate[unit]
            else:
                row[unit] = x[unit] + sign * rng.integers(1, 4) * max(1.0, float(space.step[unit[0]]))
        if space.measure(row[None], x[None])[0] <= radius:
            return row
        # No room for both: the new move alone.
        return np.where(np.isin(space.unit_of, chosen), row, x)

    @staticmethod
    def _settle(space: Space, rows: NDArray[np.float64], X: NDArray[np.float64]) -> None:
        """Put rows on legal moves, in place: reach, steps, and groups with one member that may be gone to."""
        low, high = space.reach(X)
        single = np.array([len(space.units[u]) == 1 for u in space.unit_of])
        moved = np.clip(rows, low, high)
        for j in np.flatnonzero(single & (space.step > 0)).tolist():
            moved[:, j] = space.snap(moved[:, j], j)
            moved[:, j] = np.where(
                rows[:, j] == X[:, j], X[:, j], np.clip(moved[:, j], low[:, j], high[:, j])
            )
        rows[:, single] = np.where(np.isnan(X), X, moved)[:, single]
        for g, group in enumerate(space.groups):
            before, after = X[:, group].argmax(axis=1), rows[:, group].argmax(axis=1)
            wanted = np.eye(len(group))[after]
            bad = ~np.isfinite(space.switch[g][before, after])
            rows[:, group] = np.where(bad[:, None], X[:, group], wanted)
