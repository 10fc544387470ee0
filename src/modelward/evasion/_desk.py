"""The desk: asks the subject for all rows in lock step, keeps each row to its share, and remembers the best."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from modelward.errors import BudgetExhausted, EndpointError, SubjectError, UsageError
from modelward.evasion._result import Outcome, Result, losses, reached
from modelward.schema import cost, legal

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from modelward.evasion._space import Space
    from modelward.models import Subject

UNBOUNDED = 1 << 40
BATCH_CELLS = 8_000_000
"""Cells (rows × columns) that are sent in one call at most: 64 MB."""
SLACK = 1e-4
"""How far over its lower bound a cost may be and still count as the least: tolerances of solvers, rounding, and the
last of a great number of small steps."""


@dataclass
class Desk:
    """The state of one run over n rows.

    Parameters
    ----------
    subject : Subject
        Behind a meter of its own.
    space : Space
        What is legal.
    X : ndarray of shape (n, d)
        Origins.
    codes : ndarray of shape (n,)
        Label that each row has to leave.
    goal : int or None
        Label that is wanted.
    share : int
        Rows that may be sent for each row of X.

    Notes
    -----
    An exact search leaves in `bound` what any legal flip of a row costs at least: inf if it has proven that
    there is none, and 0, as it stands at first, if it has proven nothing.
    """

    subject: Subject
    space: Space
    X: NDArray[np.float64]
    codes: NDArray[np.int64]
    goal: int | None
    share: int
    scored: bool = False
    left: NDArray[np.int64] = field(init=False)
    losses: NDArray[np.float64] = field(init=False)
    best: NDArray[np.float64] = field(init=False)
    best_cost: NDArray[np.float64] = field(init=False)
    bound: NDArray[np.float64] = field(init=False)
    starved: NDArray[np.bool_] = field(init=False)
    state: list[Outcome | None] = field(init=False)

    def __post_init__(self) -> None:
        n = len(self.X)
        self.losses = np.empty(0)
        self.left = np.full(n, self.share, dtype=np.int64)
        self.best = self.X.copy()
        self.best_cost = np.full(n, np.inf)
        self.bound = np.zeros(n)
        self.starved = np.zeros(n, dtype=bool)
        self.state = [None] * n

    @property
    def bounded(self) -> bool:
        """Whether there is a budget at all."""
        return self.share < UNBOUNDED

    def ask(
        self, owner: NDArray[np.int64], rows: NDArray[np.float64], costs: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Send candidates and say which have the wanted label.

        Parameters
        ----------
        owner : ndarray of int, shape (m,)
            Which row of X each candidate belongs to.
        rows : ndarray of shape (m, d)
            Legal candidates.
        costs : ndarray of shape (m,)
            What each costs.

        Returns
        -------
        ndarray of bool, shape (m,)
            False too where the row's share did not cover the candidate; earlier ones go first.
        """
        hit, self.losses = self._send(owner, rows, costs, scored=self.scored)
        return hit

    def ask_scores(
        self, owner: NDArray[np.int64], rows: NDArray[np.float64], costs: NDArray[np.float64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """As `ask`, and say how far each candidate is from the wanted label by the model's scores.

        Returns
        -------
        hit : ndarray of bool, shape (m,)
        loss : ndarray of shape (m,)
            The score that has to fall minus the one that has to rise; inf where nothing was asked.

        Raises
        ------
        UsageError
            If the subject gives no scores.
        """
        return self._send(owner, rows, costs, scored=True)

    def _send(
        self, owner: NDArray[np.int64], rows: NDArray[np.float64], costs: NDArray[np.float64], *, scored: bool
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        hit, loss = np.zeros(len(rows), dtype=bool), np.full(len(rows) if scored else 0, np.inf)
        if not len(rows):
            return hit, loss
        asked = np.bincount(owner, minlength=len(self.X))
        if np.any(asked > self.left):
            self.starved |= asked > self.left
            kept = np.flatnonzero(_rank_within(owner, asked) < self.left[owner])
            hit[kept], some = self._send(owner[kept], rows[kept], costs[kept], scored=scored)
            if scored:
                loss[kept] = some
            return hit, loss
        size = max(1, BATCH_CELLS // rows.shape[1])
        for start in range(0, len(rows), size):
            part = slice(start, start + size)
            # Counted first: what a model refuses has been sent all the same.
            self.left -= asked if len(rows) <= size else np.bincount(owner[part], minlength=len(self.X))
            if scored:
                labels, scores = self.subject.ask(rows[part])
                if scores is None:
                    raise UsageError(
                        f"{self.subject.name} gives no scores: use a search that asks for labels"
                    )
                loss[part] = losses(scores.values, self.codes[owner[part]], self.goal)
            else:
                labels = self.subject.codes(rows[part])
            hit[part] = reached(labels, self.codes[owner[part]], self.goal)
            self._remember(owner[part], rows[part], np.where(hit[part], costs[part], np.inf))
        return hit, loss

    def _remember(
        self, owner: NDArray[np.int64], rows: NDArray[np.float64], costs: NDArray[np.float64]
    ) -> None:
        better = np.flatnonzero(costs < self.best_cost[owner])
        if len(better):
            order = better[np.lexsort((costs[better], owner[better]))]
            first = order[np.unique(owner[order], return_index=True)[1]]
            self.best[owner[first]] = rows[first]
            self.best_cost[owner[first]] = costs[first]

    def open(self) -> NDArray[np.int64]:
        """Return the rows that are still to be searched."""
        return np.array([i for i, s in enumerate(self.state) if s is None], dtype=np.int64)

    def run(self, search: Callable[[Desk], None]) -> Result:
        """Look at the origins, search, ask about every found row once more, and report.

        A budget that ends on the way, here or above, ends the search, and so does an endpoint that fails after
        it has answered about the origins; what was found is kept.

        Raises
        ------
        SubjectError
            If the subject fails; an endpoint only if it fails at once.
        """
        legal_rows = legal(self.space.schema, self.X) if len(self.X) else np.zeros(0, dtype=bool)
        for i in np.flatnonzero(~legal_rows):
            self.state[i] = Outcome.ILLEGAL_ROW
        stopped, rest = "", Outcome.NOT_MOVED
        try:
            self._look()
            self.left -= 1  # for the second look at the end
            try:
                search(self)
            except EndpointError as err:
                stopped, rest = str(err), Outcome.FAILED
        except BudgetExhausted as err:
            stopped, rest = str(err), Outcome.BUDGET
        stopped = self._confirm(again=rest is not Outcome.FAILED) or stopped
        self._close(rest)
        success = np.array([s is Outcome.MOVED for s in self.state], dtype=bool)
        idle = np.array([s is Outcome.ALREADY_GOAL for s in self.state], dtype=bool)
        costs = np.where(success, self.best_cost, np.where(idle, 0.0, np.inf))
        rows = np.where(success[:, None], self.best, self.X)
        outcome = tuple(s for s in self.state if s is not None)
        least = np.minimum(self.bound, self.space.beyond())
        stuck = np.array([s is Outcome.NOT_MOVED for s in outcome], dtype=bool)
        proven = np.where(success, meets(costs, least), stuck & np.isinf(least))
        out = np.array([s in (Outcome.ALREADY_GOAL, Outcome.ILLEGAL_ROW) for s in outcome], dtype=bool)
        bound = np.where(out, 0.0, np.minimum(costs, least))
        return Result(rows, success, costs, outcome, self.subject.meter.rows, proven, bound, stopped)

    def _look(self) -> None:
        rows = self.open()
        if self.share < 1:
            raise BudgetExhausted("no row may be sent")
        try:
            labels = self.subject.codes(self.X[rows])
        except SubjectError:
            # The schema may allow missing cells that the model does not take: those rows are no legal input.
            missing = np.isnan(self.X[rows]).any(axis=1)
            if not missing.any():
                raise
            for i in rows[missing]:
                self.state[i] = Outcome.ILLEGAL_ROW
            rows = rows[~missing]
            labels = self.subject.codes(self.X[rows])
        self.left[rows] -= 1
        for i in rows[reached(labels, self.codes[rows], self.goal)]:
            self.state[i] = Outcome.ALREADY_GOAL

    def _confirm(self, *, again: bool) -> str:
        """Check the found rows with the schema, and ask the subject for them once more.

        Where a budget has ended, or an endpoint is down, there is nobody left to ask; then the subject's first
        answer stands. An endpoint that failed is not asked `again`: a search that is resumed has to find its
        next question unasked. Returns why an endpoint gave no second answer; empty if it did.
        """
        found, failed = np.flatnonzero(np.isfinite(self.best_cost)), ""
        if not len(found):
            return failed
        A, X = self.best[found], self.X[found]
        good = self.space.reachable(A, X)
        try:
            if again:
                good &= reached(self.subject.codes(A), self.codes[found], self.goal)
        except EndpointError as err:
            failed = str(err)
        except BudgetExhausted:
            pass
        priced = cost(self.space.schema, A, X) if self.space.norm == "cost" else self.space.measure(A, X)
        self.best_cost[found] = np.where(good, priced, np.inf)
        return failed

    def _close(self, rest: Outcome) -> None:
        """Name what became of the rows that have no outcome yet; `rest` is for those that found nothing."""
        for i, state in enumerate(self.state):
            if state is None:
                moved = bool(np.isfinite(self.best_cost[i]))
                short = rest is Outcome.NOT_MOVED and bool(self.starved[i])
                self.state[i] = Outcome.MOVED if moved else Outcome.BUDGET if short else rest


def meets(costs: NDArray[np.float64], bound: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say which costs are as low as their bounds, shape (n,)."""
    return np.asarray(costs <= bound * (1 + SLACK) + 1e-12)


def open_desk(
    subject: Subject,
    space: Space,
    X: NDArray[np.float64],
    codes: NDArray[np.int64],
    goal: int | None,
    budget: int | None,
) -> Desk:
    """Return the desk of a run; every row has the same share of the budget, or of what the meter has left.

    Raises
    ------
    UsageError
        If the goal or a code is the index of no label.
    """
    for what, number in (("goal", [] if goal is None else [goal]), ("codes", codes)):
        if np.any((np.asarray(number) < 0) | (np.asarray(number) >= subject.n_classes)):
            raise UsageError(
                f"{what} has an index that is no label's: {subject.name} has {subject.n_classes} labels, from 0"
            )
    metered = subject.with_budget(budget)
    left = metered.meter.left
    share = UNBOUNDED if left is None else left // max(1, len(X))
    return Desk(metered, space, np.asarray(X, dtype=np.float64), np.asarray(codes), goal, share)


def _rank_within(owner: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each entry's position among the entries of the same owner."""
    order = np.argsort(owner, kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    out = np.empty(len(owner), dtype=np.int64)
    out[order] = np.arange(len(owner)) - starts[owner[order]]
    return out
