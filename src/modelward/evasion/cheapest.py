"""The attack of choice for a model: exact where that is possible, the cheapest of several searches otherwise."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import EndpointError, UsageError
from modelward.evasion._desk import meets
from modelward.evasion._result import Outcome, Result
from modelward.evasion._thresholds import piecewise_constant, split_points
from modelward.evasion.boundary import BoundarySearch
from modelward.evasion.coordinate import CoordinateSearch
from modelward.evasion.ensemble import EnsembleSearch
from modelward.evasion.linear import LinearSearch

_LOOKS = 3
"""Queries of a row that are kept for the second look of the exact search."""

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._result import Attack
    from modelward.evasion._space import Norm
    from modelward.models import Subject
    from modelward.schema import FeatureSchema


@dataclass(frozen=True)
class Cheapest:
    """Choose the attacks for a model, run them one after the other, and keep the cheapest move of each row.

    Parameters
    ----------
    reference : ndarray of shape (m, d), optional
        Rows such as a caller may know, see `CoordinateSearch`.
    work : int
        What the exact search on tree ensembles may do for each row, see `EnsembleSearch`.
    norm : {"cost", "l1", "l2", "linf"}
        What is least, see `EnsembleSearch`.
    """

    reference: NDArray[np.float64] | None = None
    work: int = 60_000_000
    norm: Norm = "cost"

    def plan(self, subject: Subject, schema: FeatureSchema | None = None) -> tuple[Attack, ...]:
        """Return the attacks for a model, and for what a schema allows; an exact one comes first."""
        search = CoordinateSearch(reference=self.reference, thresholds=split_points(subject), norm=self.norm)
        if EnsembleSearch.fits(subject, schema):
            return (EnsembleSearch(self.work, self.norm), search)
        if LinearSearch.fits(subject):
            return (LinearSearch(norm=self.norm), search)
        if piecewise_constant(subject):
            return (search,)
        return (search, BoundarySearch(reference=self.reference, norm=self.norm))

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
        plan: tuple[Attack, ...] | None = None,
    ) -> Result:
        """Find a cheap legal move of each row; see `Attack.run`.

        Parameters
        ----------
        subject, X, codes, schema, goal, budget, random_state
            As there.
        plan : tuple of Attack, optional
            What `plan` returned for this subject and schema: it reads the model, which takes seconds for a large one.
        """
        attacks = self.plan(subject, schema) if plan is None else plan
        metered = subject.with_budget(budget)
        left = metered.meter.left
        share = None if left is None else left // max(1, len(X))
        # What the exact search did not get to by itself shows it where to look.
        twice = isinstance(attacks[0], EnsembleSearch) and (share is None or share > _LOOKS * _LOOKS)
        every = np.arange(len(X))
        options: dict[str, Any] = {"schema": schema, "goal": goal, "random_state": random_state}
        result: Result | None = None
        cost = np.full(len(X), np.inf)
        # Both runs of the exact search work on the same trees.
        binned = attacks[0].prepared(metered, schema) if isinstance(attacks[0], EnsembleSearch) else None
        for k, attack in enumerate([*attacks, *attacks[:twice]]):
            # Where an exact attack has proven its answer there is nothing to improve.
            again = every if result is None else np.flatnonzero(result.tried & ~result.proven)
            if result is not None and k == len(attacks):
                again = again[(result.cost[again] < cost[again]) & (result.stopped == "")]
                options["known"] = _part(result, again)
            if result is not None and (not len(again) or Outcome.FAILED in result.outcome):
                break
            part = None if share is None else share // max(1, len(attacks) - k) * len(again)
            if part is not None and twice and 0 < k < len(attacks):
                part = min(part, (metered.meter.left or 0) - _LOOKS * len(again))
            shared: dict[str, Any] = {"binned": binned} if isinstance(attack, EnsembleSearch) else {}
            try:
                found = attack.run(metered, X[again], codes[again], budget=part, **options, **shared)
            except EndpointError as err:
                if result is None:
                    raise
                result = _failed(result, again, str(err))
                break
            cost = cost if result is None else result.cost
            result = found if result is None else _cheaper(result, found, again)
        if result is None:
            raise UsageError("there is no attack for this model")
        return dataclasses.replace(result, queries=metered.meter.rows)


def _part(result: Result, rows: NDArray[np.int64]) -> Result:
    """Return a result's part that is about some of its rows."""
    arrays = {name: getattr(result, name)[rows] for name in ("rows", "success", "cost", "proven", "bound")}
    return dataclasses.replace(result, outcome=tuple(result.outcome[i] for i in rows.tolist()), **arrays)


def _failed(result: Result, rows: NDArray[np.int64], reason: str) -> Result:
    """Return what was found before the endpoint failed, which ended the search of some rows."""
    lost = set(rows[~result.success[rows]].tolist())
    outcome = tuple(Outcome.FAILED if i in lost else o for i, o in enumerate(result.outcome))
    return dataclasses.replace(result, outcome=outcome, stopped=reason)


def _cheaper(first: Result, second: Result, rows: NDArray[np.int64]) -> Result:
    """Return the cheaper move of each row; `second` is about some of the rows of `first`."""
    out_rows, cost = first.rows.copy(), first.cost.copy()
    success, outcome = first.success.copy(), list(first.outcome)
    better = second.cost < cost[rows]
    out_rows[rows[better]], cost[rows[better]] = second.rows[better], second.cost[better]
    success[rows[better]] = second.success[better]
    for k, i in enumerate(rows.tolist()):
        lost = second.outcome[k] is Outcome.FAILED and not success[i]
        if better[k] or lost or outcome[i] is Outcome.BUDGET:
            outcome[i] = second.outcome[k]
    bound = first.bound.copy()
    # Both are proven, so the larger one is.
    bound[rows] = np.maximum(bound[rows], np.where(second.tried, second.bound, 0.0))
    bound = np.minimum(bound, cost)
    # The bound is about all legal flips, so whatever search reached it has found the least.
    proven = first.proven | (success & meets(cost, bound))
    return Result(
        out_rows, success, cost, tuple(outcome), first.queries + second.queries, proven, bound,
        first.stopped or second.stopped,
    )  # fmt: skip
