"""Countermeasures tried and measured: what each does to accuracy and to the cost of an attack, on the same rows."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from modelward.errors import ModelwardError, NotRefittable
from modelward.evasion._result import Outcome
from modelward.evasion._thresholds import split_points
from modelward.evasion.cheapest import Cheapest
from modelward.evasion.coordinate import CoordinateSearch
from modelward.evasion.countermeasures import CONTROL, LOCKS, Hardened, Lock, NotForThisModel, Workbench
from modelward.evasion.ensemble import EnsembleSearch
from modelward.evasion.linear import LinearSearch
from modelward.findings import MIN_ROWS
from modelward.schema import cost
from modelward.stats import Mean, Median, Normal, Proportion, ProportionDifference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.evasion._result import Result
    from modelward.models import Subject
    from modelward.schema import FeatureSchema

UNIT_COST = 1.0
_CAP, _FLOOR = 8.0, 0.1
Status = Literal["tried", "not_applicable", "error"]
Effect = Literal["helps", "no difference shown", "makes it worse"]


@dataclass(frozen=True)
class Standing:
    """How a model stands: accuracy, and what it takes to flip its decisions.

    Parameters
    ----------
    balanced_accuracy : Normal
        On the test rows.
    flipped : Proportion
        Share of the attacked rows that a legal change of cost 1 or less moves.
    cost : Median
        Of the cheapest change found; inf for rows that never moved.
    exact : bool
        Whether no cheaper change exists for any of the rows.
    """

    balanced_accuracy: Normal
    flipped: Proportion
    cost: Median
    exact: bool


@dataclass(frozen=True)
class Trial:
    """One countermeasure.

    Parameters
    ----------
    name, title : str
    status : {"tried", "not_applicable", "error"}
    reason : str
        Why it was not tried; empty if it was.
    note : str
        What was chosen.
    code : str
        How to apply it.
    before, after : Standing or None
        Both attacked by the same search.
    log_factor : Mean or None
        Of the logarithm of what the cheapest flip costs after, by what it cost before; 0.1 is added to both, and
        costs over 8 count as 8.
    flipped_by, accuracy_by : estimates or None
        After minus before, of the share flipped and of balanced accuracy.
    luck : float
        The larger size of that of the controls, in which nothing but the seed differs.
    """

    name: str
    title: str
    status: Status
    reason: str = ""
    note: str = ""
    code: str = ""
    before: Standing | None = None
    after: Standing | None = None
    log_factor: Mean | None = None
    flipped_by: ProportionDifference | None = None
    accuracy_by: Normal | None = None
    outside: bool = False
    luck: float = 0.0

    @property
    def effect(self) -> Effect | None:
        """What is proven about the rows' costs beyond what another seed does; None if it was not tried."""
        if self.log_factor is None:
            return None
        low, high = self.log_factor.interval(0.95)
        return (
            "helps" if low > self.luck else "makes it worse" if high < -self.luck else "no difference shown"
        )

    @property
    def control(self) -> bool:
        """Whether nothing but the seed differs."""
        return self.name.startswith(CONTROL)

    @property
    def costs_accuracy(self) -> bool:
        """Whether a loss of balanced accuracy is proven."""
        return self.accuracy_by is not None and self.accuracy_by.interval(0.95)[1] < 0


@dataclass(frozen=True)
class Hardening:
    """All countermeasures on one model.

    Parameters
    ----------
    deployed : Standing
        The model as it is.
    trials : tuple of Trial
        Every known countermeasure, in a fixed order; those that could not be tried say why.
    rows : int
        Attacked rows.
    stopped : str
        Why some searches ended early; empty if none did.
    """

    deployed: Standing
    trials: tuple[Trial, ...]
    rows: int
    stopped: str = ""


def harden(
    bench: Workbench,
    X_test: NDArray[np.float64],
    y_test: NDArray[np.int64],
    *,
    goal: int | None = None,
    rows: int = 100,
    queries: int = 1_000,
    work: int = 10_000_000,
    locks: Sequence[Lock] = LOCKS,
) -> Hardening:
    """Apply each countermeasure and measure the model before and after.

    Parameters
    ----------
    bench : Workbench
    X_test, y_test : ndarray of shape (n, d), (n,)
        Rows that no model was trained on.
    goal : int, optional
        Index of the label that an attacker wants.
    rows : int
        Rows that are attacked, the same for all models.
    queries : int
        Rows that a search may send for each.
    work : int
        What the exact search may do for each.
    locks : sequence of Lock

    Returns
    -------
    Hardening

    Raises
    ------
    SubjectError
        If the deployed model fails.
    """
    codes = bench.subject.codes(X_test)
    pool = np.flatnonzero(codes != goal) if goal is not None else np.arange(len(X_test))
    picked = pool[np.random.default_rng([bench.seed, 1]).permutation(len(pool))[:rows]]
    field = _Field(bench, X_test, y_test, X_test[picked], goal, queries, work)
    deployed = field.attacked(bench.subject, None, exact=True, outside=False)
    trials = tuple(_tried(lock, field) for lock in locks)
    luck = max((abs(t.log_factor.value) for t in trials if t.control and t.log_factor), default=0.0)
    trials = tuple(t if t.outside else dataclasses.replace(t, luck=luck) for t in trials)
    return Hardening(deployed.standing, trials, len(picked), field.stopped)


def _tried(lock: Lock, field: _Field) -> Trial:
    try:
        made = lock.make(field.bench)
    except NotForThisModel as err:
        return Trial(lock.name, lock.title, "not_applicable", str(err))
    except NotRefittable as err:
        return Trial(lock.name, lock.title, "not_applicable", err.public)
    except ModelwardError as err:
        return Trial(lock.name, lock.title, "error", err.public)
    try:
        after, before = field.pair(made)
    except ModelwardError as err:
        return Trial(lock.name, lock.title, "error", err.public, made.note, made.code)
    both = before.tried & after.tried
    if both.sum() < MIN_ROWS:
        reason = f"fewer than {MIN_ROWS} of the attacked rows are refused the wanted label by both models"
        return Trial(lock.name, lock.title, "not_applicable", reason, made.note, made.code)
    flips = [int(np.count_nonzero(one.cost[both] <= UNIT_COST + 1e-9)) for one in (after, before)]
    n = int(both.sum())
    return Trial(
        lock.name, lock.title, "tried", "", made.note, made.code, before.standing, after.standing,
        _factor(after.cost[both], before.cost[both]), ProportionDifference(flips[0], n, flips[1], n),
        _paired(after.right, before.right, field.y_test), made.outside,
    )  # fmt: skip


def _factor(after: NDArray[np.float64], before: NDArray[np.float64]) -> Mean:
    return Mean.of(np.log(np.minimum(after, _CAP) + _FLOOR) - np.log(np.minimum(before, _CAP) + _FLOOR))


@dataclass(frozen=True)
class _Attacked:
    standing: Standing
    cost: NDArray[np.float64]
    tried: NDArray[np.bool_]
    right: NDArray[np.bool_]
    rows: NDArray[np.float64]


@dataclass
class _Field:
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
    def _exact(self) -> _Attacked:
        return self.attacked(self.bench.again, None, exact=True, outside=False)

    @cached_property
    def _searched(self) -> _Attacked:
        again = self.bench.again
        return self.attacked(again, split_points(again), exact=False, outside=False)

    @cached_property
    def _outside(self) -> _Attacked:
        subject = self.bench.subject
        return self.attacked(subject, split_points(subject), exact=False, outside=True)

    def pair(self, made: Hardened) -> tuple[_Attacked, _Attacked]:
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
        self, subject: Subject, cuts: object, *, exact: bool, outside: bool, known: _Attacked | None = None
    ) -> _Attacked:
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
        return _Attacked(standing, costs, tried, answers == self.y_test, result.rows)

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


def _paired(after: NDArray[np.bool_], before: NDArray[np.bool_], y: NDArray[np.int64]) -> Normal:
    """Return the difference of balanced accuracy on the same rows (Agresti & Min 2005: one pair added each way)."""
    gaps, variances = [], []
    for k in np.unique(y):
        a, b = after[y == k], before[y == k]
        n, won, lost = len(a), int((a & ~b).sum()), int((b & ~a).sum())
        gaps.append((won - lost) / n)
        variances.append((won + lost + 2 - (won - lost) ** 2 / n) / n**2)
    error = float(np.sqrt(np.sum(variances))) / len(gaps)
    return Normal(float(np.mean(gaps)), error, len(y), "normal, paired rows", -1.0, 1.0)
