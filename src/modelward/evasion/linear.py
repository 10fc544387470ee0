"""Exact search on linear models: the cheapest legal move over a hyperplane.

With floats alone there is a closed form in every norm, see `_knapsack`. With integers, steps, one-hot groups,
categories or relations it is a small mixed-integer program, which HiGHS solves exactly; L2 is cut out of such programs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.errors import UsageError
from modelward.evasion._desk import open_desk
from modelward.evasion._knapsack import knapsack
from modelward.evasion._milp import Halfspaces, cheapest_integer_move
from modelward.evasion._space import Space
from modelward.models import AdditiveForm, additive_form, linear_form

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._desk import Desk
    from modelward.evasion._result import Result
    from modelward.evasion._space import ExactNorm
    from modelward.models import Subject
    from modelward.schema import FeatureSchema

_MARGINS = (1e-9, 1e-7, 1e-5)
"""How far beyond the boundary a move goes, relative to the scores: more where rounding brought it back."""


@dataclass(frozen=True)
class LinearSearch:
    """Exact search on a linear classifier, alone or behind scalers and encoders.

    Exact up to a margin of 1e-9 of the scores (the boundary itself belongs to one of its sides) and the
    tolerance of HiGHS. Missing cells stay missing. A program that `nodes` ends proves nothing of its row.

    Parameters
    ----------
    nodes : int
        The most nodes of branch and bound for a row and a label.
    norm : {"cost", "l0", "l1", "l2", "linf"}
        What is least, see `EnsembleSearch`.
    """

    nodes: int = 2_000
    norm: ExactNorm = "cost"

    @staticmethod
    def fits(subject: Subject) -> bool:
        """Say whether the subject is linear in its numbers, and adds something for each value of its other columns."""
        return _form(subject) is not None

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
        """Find the cheapest legal move of each row; see `Attack.run`.

        Raises
        ------
        UsageError
            If the subject is not linear in its encoded columns.
        """
        form = _form(subject, schema)
        if form is None:
            raise UsageError(f"{subject.name} is not linear in its columns: use CoordinateSearch")
        desk = open_desk(subject, Space(schema, self.norm), X, codes, goal, budget)
        return desk.run(lambda desk: self._search(desk, form))

    def _search(self, desk: Desk, form: AdditiveForm) -> None:
        coef, intercept = form.coef, form.intercept
        labels = np.flatnonzero(np.isfinite(intercept))
        waiting = desk.open()
        waiting = waiting[~np.isnan(desk.X[waiting]).any(axis=1)]
        least = np.zeros(len(desk.X))
        least[waiting] = np.inf
        for margin in _MARGINS:
            owner, rows = [], []
            for label in labels if desk.goal is None else labels[labels == desk.goal]:
                # Every other label must lose; for an untargeted move the cheapest of all labels is the answer.
                mine = waiting[desk.codes[waiting] != label] if desk.goal is None else waiting
                others = labels[labels != label]
                tables = {j: table[label] - table[others] for j, table in form.tables.items()}
                spaces = Halfspaces(
                    coef[label] - coef[others], intercept[label] - intercept[others], tables, form.lowest
                )
                found, moved, bound = self._moves(desk, mine, spaces, margin)
                if margin == _MARGINS[0]:  # a larger margin only makes up for rounding
                    least[mine] = np.minimum(least[mine], bound)
                owner.append(found)
                rows.append(moved)
            if margin == _MARGINS[0]:
                desk.bound = least
            if not owner:
                return
            who, A = np.concatenate(owner), np.concatenate(rows)
            hit = desk.ask(who, A, desk.space.measure(A, desk.X[who]))
            waiting = np.setdiff1d(waiting, who[hit])
            if not len(waiting):
                return

    def _moves(
        self, desk: Desk, mine: NDArray[np.int64], spaces: Halfspaces, margin: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Return which rows can move, the moves, and what any move of each row of `mine` costs at least."""
        X = desk.X[mine]
        if _plain(desk.space) and not spaces.tables and len(spaces.constant) == 1:
            A, fits = knapsack(desk.space, X, spaces.weight[0], float(spaces.constant[0]), margin)
            bound = np.where(fits, desk.space.measure(A, X), np.inf)
            return mine[fits], A[fits], bound
        moves = [cheapest_integer_move(desk.space, x, spaces, margin, self.nodes) for x in X]
        kept = [k for k, move in enumerate(moves) if move.row is not None]
        rows = [move.row for move in moves if move.row is not None]
        return mine[kept], np.array(rows).reshape(-1, X.shape[1]), np.array([move.bound for move in moves])


def _plain(space: Space) -> bool:
    """Say whether all that can move is floats, one by one."""
    movable = space.mutable[space.unit_of]
    stepped = bool(np.any((space.step > 0) & movable))
    return not (stepped or space.groups or space.schema.relations or np.any(space.flat & movable))


def _form(subject: Subject, schema: FeatureSchema | None = None) -> AdditiveForm | None:
    plain = linear_form(subject)
    return AdditiveForm(*plain) if plain is not None else additive_form(subject, schema)
