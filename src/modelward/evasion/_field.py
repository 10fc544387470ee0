"""The same rows, and the same attacks on them, before and after a countermeasure."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from modelward.evasion._result import Outcome
from modelward.evasion._thresholds import split_points
from modelward.evasion._trial import Standing
from modelward.evasion.cheapest import Cheapest
from modelward.evasion.coordinate import CoordinateSearch
from modelward.evasion.ensemble import EnsembleSearch
from modelward.evasion.linear import LinearSearch
from modelward.schema import cost
from modelward.stats import Median, Normal, Proportion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._result import Result
    from modelward.evasion.countermeasures import Hardened, Workbench
    from modelward.models import Subject
    from modelward.schema import FeatureSchema

UNIT_COST = 1.0


@dataclass(frozen=True)
class Attacked:
    """A model under attack: how it stands, and what became of each attacked row and of each test row."""

    standing: Standing
    cost: NDArray[np.float64]
    tried: NDArray[np.bool_]
    right: NDArray[np.bool_]
    rows: NDArray[np.float64]


@dataclass
class Field:
    """The rows, and the attacks on them."""

    bench: Workbench
    X_test: NDArray[np.float64]
    y_test: NDArray[np.int64]
    X: NDArray[np.float64]
    goal: int | None
    queries: int
    work: int
    stopped: str = ""

    @cached_property
    def loose(self) -> FeatureSchema:
        """The schema of callers who go one range beyond each end of a column, in any steps."""
        columns = []
        for c in self.bench.schema.columns:
            grouped = any(c.name in group for group in self.bench.schema.onehot)
            if c.coded or grouped or c.low is None or c.high is None or not c.mutable:
                columns.append(c)
                continue
            wide = c.high - c.low
            kind = "continuous" if c.kind == "integer" else c.kind
            columns.append(
                dataclasses.replace(c, kind=kind, low=c.low - wide, high=c.high + wide, precision=None)
            )
        return dataclasses.replace(self.bench.schema, columns=tuple(columns))

    @cached_property
    def _exact(self) -> Attacked:
        return self.attacked(self.bench.again, None, exact=True, outside=False)

    @cached_property
    def _searched(self) -> Attacked:
        again = self.bench.again
        return self.attacked(again, split_points(again), exact=False, outside=False)

    @cached_property
    def _outside(self) -> Attacked:
        subject = self.bench.subject
        return self.attacked(subject, split_points(subject), exact=False, outside=True)

    def pair(self, made: Hardened) -> tuple[Attacked, Attacked]:
        """Attack the hardened model, and the model before by the same search."""
        if made.outside:
            before = self._outside
            return self.attacked(
                made.subject, made.thresholds, exact=False, outside=True, known=before
            ), before
        exact = _exact_fits(made.subject) and _exact_fits(self.bench.again)
        before = self._exact if exact else self._searched
        cuts = made.thresholds if made.thresholds is not None else split_points(made.subject)
        return self.attacked(made.subject, cuts, exact=exact, outside=False, known=before), before

    def attacked(
        self, subject: Subject, cuts: object, *, exact: bool, outside: bool, known: Attacked | None = None
    ) -> Attacked:
        """Attack a model, and try on it what flipped the model before."""
        schema = self.loose if outside else self.bench.schema
        own = subject.codes(self.X)
        reference = self.bench.X[:1_000]
        search = CoordinateSearch(reference=reference, thresholds=cuts)  # type: ignore[arg-type]
        attack = Cheapest(reference=reference, work=self.work) if exact else search
        result = attack.run(
            subject, self.X, own, schema=schema, goal=self.goal, budget=self.queries * len(self.X),
            random_state=self.bench.seed,
        )  # fmt: skip
        self._note(result)
        costs = result.cost.copy()
        if known is not None:
            costs = np.minimum(costs, self._transferred(subject, own, known.rows, schema))
        answers = subject.codes(self.X_test)
        tried = result.tried
        flipped = int(np.count_nonzero(costs[tried] <= UNIT_COST + 1e-9))
        standing = Standing(
            balanced_accuracy(answers == self.y_test, self.y_test), Proportion(flipped, int(tried.sum())),
            Median.of(costs[tried]), bool(result.proven[tried].all()),
        )  # fmt: skip
        return Attacked(standing, costs, tried, answers == self.y_test, result.rows)

    def _transferred(
        self, subject: Subject, own: NDArray[np.int64], rows: NDArray[np.float64], schema: FeatureSchema
    ) -> NDArray[np.float64]:
        """Return what the flips of the model before cost where they flip this one too, shape (n,)."""
        labels = subject.codes(rows)
        wanted = labels != own if self.goal is None else labels == self.goal
        moved = wanted & (rows != self.X).any(axis=1)
        return np.where(moved, cost(schema, rows, self.X), np.inf)

    def _note(self, result: Result) -> None:
        short = sum(o in (Outcome.BUDGET, Outcome.FAILED) for o in result.outcome)
        if result.stopped or short > 0.05 * len(result.outcome):
            self.stopped = result.stopped or "the budget ended before all rows were searched: raise --budget"


def _exact_fits(subject: Subject) -> bool:
    return EnsembleSearch.fits(subject) or LinearSearch.fits(subject)


def balanced_accuracy(right: NDArray[np.bool_], y: NDArray[np.int64]) -> Normal:
    """Return the mean of the classes' recalls.

    Parameters
    ----------
    right : ndarray of bool, shape (n,)
    y : ndarray of int64, shape (n,)

    Returns
    -------
    Normal
        Its variance has one success and one failure added in each class, so that it is never zero.
    """
    shares, variances = [], []
    for k in np.unique(y):
        mine = right[y == k]
        guess = (mine.sum() + 1) / (len(mine) + 2)
        shares.append(mine.mean())
        variances.append(guess * (1 - guess) / len(mine))
    error = float(np.sqrt(np.sum(variances))) / len(shares)
    return Normal(float(np.mean(shares)), error, len(y), "normal, classes apart", 0.0, 1.0)
