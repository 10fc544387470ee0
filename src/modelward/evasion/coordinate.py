"""Coordinate search: a decision-based attack for any model, made for those that are piecewise constant.

Rows of other people as starting points, whose differences are undone one by one and halved towards the origin; single
changes that are cheaper; then trades, in which one change gives way and others take over less than what it
gave up (`_trades.py`), until the queries end. It needs labels only, and asks about all rows in lock step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from modelward.errors import SubjectError
from modelward.evasion._desk import Desk, open_desk
from modelward.evasion._grid import Grid, edges_of
from modelward.evasion._halving import Halving
from modelward.evasion._moves import ways_of
from modelward.evasion._singles import Singles
from modelward.evasion._space import MISSING_COST, Norm, Space
from modelward.evasion._starts import starting_points
from modelward.evasion._trades import Trades
from modelward.evasion._walkers import Walkers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from modelward.evasion._result import Result
    from modelward.evasion._trading import Ways
    from modelward.models import Subject
    from modelward.schema import FeatureSchema

_ROUGH, _ROUGH_TOLERANCE, _FINE_TOLERANCE = 4, 0.05, 1e-4
_SINGLES = 0.15
_RESERVE = 24
_FEWEST, _OF_SHARE = 16, 8


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
        The most values of a column that single changes try.
    starts : int
        Points that are followed for each row.
    candidates : int
        Starting points that are asked about for each row: fewer where they would be more than an eighth of its
        queries, but no fewer than 16; more where none of them has the wanted label.
    rounds : int
        Rounds of trades at most; a budget may end them sooner, and so may `patience`.
    trades : int
        Trades that a row asks about in a round.
    patience : int
        Rounds without a cheaper point after which a row is left alone.
    bisections : int
        Halvings of each changed number at the end, for columns of which not every threshold is known.
    norm : {"cost", "l1", "l2", "linf"}
        How the prices of a row's changes add up. The largest change is a poor guide for steps along columns:
        `BoundarySearch` is made for it.

    Examples
    --------
    >>> CoordinateSearch(grid=16).starts
    3
    """

    reference: NDArray[np.float64] | None = None
    thresholds: Mapping[int, NDArray[np.float64]] | None = None
    grid: int = 24
    starts: int = 3
    candidates: int = 64
    rounds: int = 200
    trades: int = 16
    patience: int = 60
    bisections: int = 12
    norm: Norm = "cost"
    _trades: ClassVar[type[Trades]] = Trades

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
        edges = edges_of(desk.space, self.thresholds)
        rough = Halving(_ROUGH, _ROUGH_TOLERANCE, edges)
        elite = self._first(desk, self._points(desk, grid, seed))
        rough.halve(desk, elite)
        rows = desk.open()
        singles = Singles(desk.space, grid, fades).ask(
            desk, rows, desk.X[rows], desk.best_cost[rows], 2, share=_SINGLES
        )
        rough.halve(desk, singles)
        elite = Walkers.gather(desk, [elite, singles], self.starts)
        elite = self._trade(desk, ways_of(desk.space, grid), rough, elite, seed)
        last = Walkers.gather(desk, [elite], 1)
        last.restore(desk)
        Halving(self.bisections, _FINE_TOLERANCE, edges).halve(desk, last)
        if not desk.bounded:
            last.shrink(desk, grid, self.bisections)

    def _points(self, desk: Desk, grid: Grid, seed: int) -> Walkers:
        """Return points with the wanted label."""
        return starting_points(desk, grid, self.reference, self._asked(desk.share), seed)

    def _asked(self, share: int) -> int:
        """Return how many starting points a row asks about that may ask `share` in all."""
        return min(self.candidates, max(_FEWEST, share // _OF_SHARE))

    def _first(self, desk: Desk, points: Walkers) -> Walkers:
        """Return the points that are followed, without the differences that they do not need."""
        elite = Walkers.gather(desk, [points], self.starts)
        elite.restore(desk)
        return elite

    def _trade(self, desk: Desk, ways: Ways, rough: Halving, elite: Walkers, seed: int) -> Walkers:
        # Some questions are kept for the last halving.
        reserve = min(_RESERVE, desk.share // 10)
        trades = self._trades(desk, ways, rough, seed, self.trades)
        stale = np.zeros(len(desk.X), dtype=np.int64)
        for _ in range(self.rounds):
            live = np.unique(elite.owner)
            live = live[(desk.left[live] > reserve) & (stale[live] < self.patience)]
            if not len(live):
                break
            before = desk.best_cost.copy()
            elite = trades.round(elite, live, self.starts)
            stale = np.where(desk.best_cost < before, 0, stale + 1)
        return elite


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
