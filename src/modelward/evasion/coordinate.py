"""Coordinate search: a decision-based attack for any model, made for those that are piecewise constant.

Single changes first, then rows of other people as starting points, whose differences are undone one by one
and shrunk towards the origin. It needs labels only, and asks about all rows in lock step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.errors import SubjectError
from modelward.evasion._desk import Desk, open_desk
from modelward.evasion._grid import Grid
from modelward.evasion._singles import Singles
from modelward.evasion._space import MISSING_COST, Norm, Space
from modelward.evasion._starts import starting_points
from modelward.evasion._walkers import Walkers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from modelward.evasion._result import Result
    from modelward.models import Subject
    from modelward.schema import FeatureSchema


@dataclass(frozen=True)
class CoordinateSearch:
    """Search along columns, with labels only.

    Parameters
    ----------
    reference : ndarray of shape (m, d), optional
        Rows such as a caller may know: their values are tried, and they are starting points. Without them
        starting points are drawn from the schema's ranges.
    thresholds : mapping of int to ndarray, optional
        Where a piecewise constant model can change its answer, by column (see `split_points`). A column
        that it lacks is taken to have none.
    grid : int
        The most values that are tried in a column.
    starts : int
        Starting points that are followed for each row.
    candidates : int
        Starting points that are asked about for each row.
    rounds : int
        How often the differences are shrunk, and exchanged for others.
    bisections : int
        Halvings between two values of the grid, for columns of which not every threshold is known.
    norm : {"cost", "l1", "l2", "linf"}
        How the prices of a row's changes add up. The largest change is a poor guide for steps along columns:
        `BoundarySearch` is made for it.

    Examples
    --------
    >>> CoordinateSearch(grid=16).starts
    4
    """

    reference: NDArray[np.float64] | None = None
    thresholds: Mapping[int, NDArray[np.float64]] | None = None
    grid: int = 24
    starts: int = 4
    candidates: int = 32
    rounds: int = 2
    bisections: int = 12
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
        grid = Grid.build(space, self.grid, self.reference, self.thresholds)
        desk = open_desk(subject, space, X, codes, goal, budget)
        return desk.run(lambda desk: self._search(desk, grid, random_state))

    def _search(self, desk: Desk, grid: Grid, seed: int) -> None:
        fades = _go_missing(desk)
        alone = self._singles(desk, Singles(desk.space, grid))
        singles = Singles(desk.space, grid, fades)
        walkers = Walkers.gather(
            desk, [alone, starting_points(desk, grid, self.reference, self.candidates, seed)], self.starts + 2
        )
        for _ in range(self.rounds):
            walkers.restore(desk)
            walkers.shrink(desk, grid, self.bisections)
            walkers = self._exchange(desk, walkers, singles)
        walkers.restore(desk)
        walkers.shrink(desk, grid, self.bisections)

    def _singles(self, desk: Desk, singles: Singles) -> Walkers:
        """Try every single change, the cheapest first where the share does not cover all."""
        rows = desk.open()
        return singles.ask(desk, rows, desk.X[rows], np.full(len(rows), np.inf), 2, share=0.5)

    @staticmethod
    def _exchange(desk: Desk, walkers: Walkers, singles: Singles) -> Walkers:
        """Undo one difference of each row's best point and look for a cheaper single change in its place."""
        owner, A = walkers.best_of_each(desk)
        found = [walkers]
        saved = desk.space.unit_costs(A, desk.X[owner])
        order = np.argsort(-saved, axis=1, kind="stable")
        for k in range(min(3, order.shape[1])):
            unit = order[:, k]
            many = (saved > 0).sum(axis=1) > max(1, k)
            some = np.flatnonzero(many & (np.take_along_axis(saved, unit[:, None], 1)[:, 0] > 0))
            if not len(some):
                break
            undone = desk.space.unit_of[None, :] == unit[some, None]
            base = np.where(undone, desk.X[owner[some]], A[some])
            worth = np.take_along_axis(saved[some], unit[some, None], 1)[:, 0]
            found.append(singles.ask(desk, owner[some], base, worth, 1, share=0.3))
        return Walkers.gather(desk, found, 2)


def _go_missing(desk: Desk) -> NDArray[np.bool_]:
    """Ask about rows that lack a value; return the columns in which the model takes that, shape (d,)."""
    taken = np.zeros(len(desk.space.schema), dtype=bool)
    for j in np.flatnonzero(desk.space.fades):
        rows = desk.open()
        rows = rows[~np.isnan(desk.X[rows, j])]
        A = desk.X[rows]
        A[:, j] = np.nan
        try:
            desk.ask(rows, A, np.full(len(rows), MISSING_COST))
            taken[j] = True
        except SubjectError:
            # The schema may allow what the model refuses; an endpoint that is down fails at the next call.
            continue
    return taken
