"""Score search: steps along columns, each to where the model's scores say that the wanted label is nearest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.evasion._desk import Desk, open_desk
from modelward.evasion._grid import Grid
from modelward.evasion._singles import Singles
from modelward.evasion._space import Norm, Space
from modelward.evasion._walkers import Walkers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from modelward.evasion._result import Result
    from modelward.models import Subject
    from modelward.schema import FeatureSchema


@dataclass(frozen=True)
class ScoreSearch:
    """Search along columns, with scores.

    Every single change is asked about; the one after which the scores are nearest to the wanted label is kept,
    and another is put on top, until the label is there. Differences are then undone and shrunk as in
    `CoordinateSearch`. All rows go in lock step.

    Parameters
    ----------
    reference : ndarray of shape (m, d), optional
        Rows whose values are tried.
    thresholds : mapping of int to ndarray, optional
        Where a piecewise constant model can change its answer, by column (see `split_points`).
    grid : int
        The most values that are tried in a column.
    depth : int
        Changes that are put on top of each other at most.
    starts : int
        Found points that are followed for each row.
    bisections : int
        Halvings between two values of the grid.
    norm : {"cost", "l1", "l2", "linf"}
        How the prices of a row's changes add up.

    Examples
    --------
    >>> ScoreSearch().depth
    4
    """

    reference: NDArray[np.float64] | None = None
    thresholds: Mapping[int, NDArray[np.float64]] | None = None
    grid: int = 16
    depth: int = 4
    starts: int = 4
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
        random_state: int = 0,  # noqa: ARG002 - nothing here is random
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
        return desk.run(lambda desk: self._search(desk, grid))

    def _search(self, desk: Desk, grid: Grid) -> None:
        singles = Singles(desk.space, grid)
        owner = desk.open()
        base, found = desk.X[owner], []
        for k in range(self.depth):
            if not len(owner):
                break
            who, rows, costs = singles.offers(desk, owner, base, share=1 / (self.depth - k + 1))
            hit, loss = desk.ask_scores(owner[who], rows, costs)
            found.append(Walkers(owner[who[hit]], rows[hit], costs[hit]))
            done = np.isin(np.arange(len(owner)), who[hit])
            order = np.lexsort((costs, loss, who))
            place = order[np.unique(who[order], return_index=True)[1]]
            place = place[~done[who[place]] & np.isfinite(loss[place])]
            owner, base = owner[who[place]], rows[place]
        walkers = Walkers.gather(desk, found, self.starts)
        for _ in range(2):
            walkers.restore(desk)
            walkers.shrink(desk, grid, self.bisections)
