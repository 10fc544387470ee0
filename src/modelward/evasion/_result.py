"""What an attack hands back: one outcome a row, and the goal that rows are held to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models import Subject
    from modelward.schema import FeatureSchema


class Outcome(StrEnum):
    """What became of one row.

    ``MOVED``: a legal row with the wanted label was found. ``NOT_MOVED``: the search ended without one.
    ``ALREADY_GOAL``: there was nothing to move. ``ILLEGAL_ROW``: the row itself breaks the schema, so it was
    never sent. ``BUDGET``: the budget ended first. ``FAILED``: the endpoint failed first.
    """

    MOVED = "moved"
    NOT_MOVED = "not_moved"
    ALREADY_GOAL = "already_goal"
    ILLEGAL_ROW = "illegal_row"
    BUDGET = "budget"
    FAILED = "failed"


@dataclass(frozen=True)
class Result:
    """What an attack found.

    Parameters
    ----------
    rows : ndarray of float64, shape (n, d)
        The adversarial row where `success`, else the origin.
    success : ndarray of bool, shape (n,)
        Rows that moved: the subject itself gave the wanted label, and the row is a legal move.
    cost : ndarray of float64, shape (n,)
        Cost of the move in the schema's units, by the attack's norm; 0 for rows that were already there,
        inf for all others.
    outcome : tuple of Outcome, length n
        What became of each row.
    queries : int
        Rows sent to the subject.
    proven : ndarray of bool, shape (n,)
        Moved rows for which no legal flip is cheaper by more than a millionth, and rows that did not move for
        which there is no legal flip at all. A search that only asks for labels proves nothing.
    bound : ndarray of float64, shape (n,)
        What any legal move of a row to the wanted label costs at least, as proven: inf if there is none, 0 where
        nothing is proven. The gap to `cost` is what is open.
    stopped : str
        Why the search ended before its end, in one line; empty if it did not.
    """

    rows: NDArray[np.float64]
    success: NDArray[np.bool_]
    cost: NDArray[np.float64]
    outcome: tuple[Outcome, ...]
    queries: int
    proven: NDArray[np.bool_]
    bound: NDArray[np.float64]
    stopped: str = ""

    @property
    def tried(self) -> NDArray[np.bool_]:
        """Rows that were legal and had something to move, shape (n,): what a share is a share of."""
        idle = (Outcome.ALREADY_GOAL, Outcome.ILLEGAL_ROW)
        return np.array([outcome not in idle for outcome in self.outcome], dtype=bool)


class Attack(Protocol):
    """An attack: options in a frozen dataclass, work in `run`."""

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
        """Search for the cheapest legal move of each row.

        Parameters
        ----------
        subject : Subject
            The model under test.
        X : ndarray of float64, shape (n, d)
            Encoded rows.
        codes : ndarray of int64, shape (n,)
            The label that each row has to leave, as index into `subject.classes`.
        schema : FeatureSchema
            What is legal, and what a move costs.
        goal : int or None
            Index of the label that is wanted; None for any other than `codes`.
        budget : int or None
            The most rows to send. Each row of `X` has the same share of it, so that n rows give what n
            single runs with a share each would give.
        random_state : int
            Seed. Each row's random numbers depend on this and on the row, not on its neighbours.

        Returns
        -------
        Result
        """


def reached(labels: NDArray[np.int64], codes: NDArray[np.int64], goal: int | None) -> NDArray[np.bool_]:
    """Say which labels are what the attacker wants, shape (n,)."""
    return np.asarray(labels != codes if goal is None else labels == goal)


def losses(scores: NDArray[np.float64], codes: NDArray[np.int64], goal: int | None) -> NDArray[np.float64]:
    """Return how far rows are from what the attacker wants by their scores (n, k): below 0 is there, shape (n,)."""
    every = np.arange(len(scores))
    column = codes if goal is None else np.full(len(scores), goal)
    mine = scores[every, column]
    others = scores.copy()
    others[every, column] = -np.inf
    rival = others.max(axis=1)
    # A class that the model never gives has the margin minus infinity; it is as far as can be.
    with np.errstate(invalid="ignore"):
        gap = mine - rival if goal is None else rival - mine
    return np.asarray(np.where(np.isnan(gap), np.inf, gap))
