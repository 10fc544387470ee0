"""Score search: the coordinate search with an eye on the model's scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from modelward.evasion._desk import Desk, open_desk
from modelward.evasion._grid import Grid
from modelward.evasion._judge import JudgedTrades
from modelward.evasion._pool import Pool
from modelward.evasion._space import Space
from modelward.evasion._starts import starting_points
from modelward.evasion._walkers import Walkers
from modelward.evasion.coordinate import CoordinateSearch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._result import Result
    from modelward.evasion._trades import Trades
    from modelward.models import Subject
    from modelward.schema import FeatureSchema

_MANY = 4
"""Questions of a row for each candidate, up to which other people's rows do not get all of them."""


@dataclass(frozen=True)
class ScoreSearch(CoordinateSearch):
    """Search along columns, with scores.

    As `CoordinateSearch`, from the same starting points and with the same trades. Four times as many trades are
    drawn as are asked, and a linear fit to the row's own scores says which.

    Examples
    --------
    >>> ScoreSearch(norm="l2").candidates
    64
    """

    _trades: ClassVar[type[Trades]] = JudgedTrades

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
        grid = Grid.build(space, self.grid, self.reference, self.thresholds)
        desk = open_desk(subject, space, X, codes, goal, budget)
        desk.scored = True
        return desk.run(lambda desk: self._search(desk, grid, random_state))

    def _points(self, desk: Desk, grid: Grid, seed: int) -> Walkers:
        asked = self._asked(desk.share)
        if desk.share > _MANY * asked or self.reference is None or not len(self.reference):
            return super()._points(desk, grid, seed)
        # Rows that get no hit from other people's rows need some questions for drawn ones.
        rows, few = desk.open(), max(2, min(asked, 2 * desk.share // 3))
        near = Walkers(*Pool(desk.space, self.reference).nearest(rows, desk.X[rows], few))
        hit = desk.ask(near.owner, near.A, near.cost)
        found = Walkers(near.owner[hit], near.A[hit], near.cost[hit])
        rows = rows[~np.isfinite(desk.best_cost[rows])]
        many = max(1, min(asked, (desk.share - few) // 4))
        more = starting_points(desk, grid, None, many, seed, rows)
        return Walkers.concatenate([found, more], desk.X.shape[1])
