"""Recipes: the few columns and values that give a wanted label to the most rows, the same for everybody.

An attack finds a change for each row; a recipe is one change for all. It is searched on one half of the rows and its
share is counted on the other, so that the figure is no optimum over noise. Where the model is a tree ensemble or
linear, a recipe that leaves no way out is proven by the exact search and its values widened to ranges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.errors import BudgetExhausted, EndpointError
from modelward.evasion._always import Prover
from modelward.evasion._recipe_climb import Climb
from modelward.evasion._recipe_moves import Held, follow
from modelward.evasion._recipe_result import Recipe, Recipes
from modelward.evasion._space import Space
from modelward.schema import legal
from modelward.stats import Proportion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models import Subject
    from modelward.schema import FeatureSchema

_NEARLY = 0.01


@dataclass(frozen=True)
class RecipeSearch:
    """Search for the smallest recipe that moves the most rows to a label.

    Parameters
    ----------
    columns : int
        The most columns or groups of a recipe.
    per_column : int
        The most values of a column that are tried.
    rows : int
        Rows of the searched half that decide.
    screen : int
        Rows that all combinations are tried on first.
    kept : int
        Combinations that are then tried on all rows.
    held_out : int
        The most rows of the other half.
    work : int
        What the exact search may do for one proof.

    Examples
    --------
    >>> RecipeSearch(columns=2).columns
    2
    """

    columns: int = 3
    per_column: int = 16
    rows: int = 150
    screen: int = 16
    kept: int = 24
    held_out: int = 2_000
    work: int = 2_000_000

    def run(
        self,
        subject: Subject,
        X: NDArray[np.float64],
        codes: NDArray[np.int64],
        *,
        schema: FeatureSchema,
        goal: int,
        budget: int = 60_000,
        random_state: int = 0,
    ) -> Recipes:
        """Search on one half of the rows, and count on the other.

        Parameters
        ----------
        subject : Subject
        X : ndarray of shape (n, d)
            The population.
        codes : ndarray of int64, shape (n,)
            The label that the model gives to each row now.
        schema : FeatureSchema
            Which columns may change, which way, and what is legal.
        goal : int
            Index of the label that is wanted.
        budget : int
            The most rows to send.
        random_state : int
            Seed.

        Returns
        -------
        Recipes
            Empty if fewer than two legal rows are without the label. Where an endpoint fails half-way, the recipes
            that were searched and counted by then, with the reason in `stopped`.
        """
        rng = np.random.default_rng(random_state)
        denied = np.flatnonzero((codes != goal) & legal(schema, X))
        denied = denied[rng.permutation(len(denied))]
        half = len(denied) // 2
        if not half:
            return Recipes((), None, len(denied), 0, True)
        subject = subject.with_budget(budget)
        # What the other half needs is kept for it.
        out = X[denied[half:][: min(self.held_out, max(1, budget // (4 * self.columns)))]]
        proofs = budget // 8
        most = budget - proofs - (self.columns + 1) * len(out)
        if most < self.kept * self.screen:
            return Recipes(
                (), None, len(denied), 0, False, f"{budget} rows are too few to search for recipes"
            )
        rows = X[denied[:half][: self.rows]]
        search = Climb(self, subject.with_budget(most), Space(schema), rows, goal, most)
        whole = rows[~np.isnan(rows).any(axis=1)]
        if len(whole):
            search.prover = Prover(subject.with_budget(proofs), schema, goal, whole[0], self.work)
        stopped, ladder = "", list[Recipe]()
        try:
            search.climb(X)
        except (BudgetExhausted, EndpointError) as err:
            stopped = str(err)
        try:
            for held, searched, always in search.found:
                moved = _count(subject, search.space, out, held, goal)
                ladder.append(Recipe(goal, held, searched, moved, always))
        except EndpointError as err:
            stopped = str(err)
        return Recipes(
            tuple(ladder),
            _smallest(ladder),
            len(denied),
            subject.meter.rows,
            search.complete and not stopped,
            stopped,
        )


def _smallest(ladder: list[Recipe]) -> Recipe | None:
    useful = [r for r in ladder if r.searched.successes]
    proven = [r for r in useful if r.always]
    if proven or not useful:
        return proven[0] if proven else None
    most = max(r.searched.value for r in useful)
    return next(r for r in useful if r.searched.value >= most - _NEARLY)


def _count(
    subject: Subject, space: Space, X: NDArray[np.float64], held: tuple[Held, ...], goal: int
) -> Proportion:
    """Return the share of rows that get the goal by following; a cell that is in its range stays."""
    A, possible = follow(space, X, held)
    good = possible & space.reachable(A, X)
    A[~good] = X[~good]
    hit = (subject.codes(A) == goal) & good
    return Proportion(int(hit.sum()), len(X))
