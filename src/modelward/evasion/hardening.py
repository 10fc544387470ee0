"""Countermeasures tried and measured: what each does to accuracy and to the cost of an attack, on the same rows."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from modelward.errors import ModelwardError, NotRefittable
from modelward.evasion._field import UNIT_COST, Field
from modelward.evasion._trial import Hardening, Trial
from modelward.evasion.countermeasures import LOCKS, Lock, NotForThisModel, Workbench
from modelward.findings import MIN_ROWS
from modelward.stats import Mean, Normal, ProportionDifference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_CAP, _FLOOR = 8.0, 0.1


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
    field = Field(bench, X_test, y_test, X_test[picked], goal, queries, work)
    deployed = field.attacked(bench.subject, None, exact=True, outside=False)
    trials = tuple(_tried(lock, field) for lock in locks)
    luck = max((abs(t.log_factor.value) for t in trials if t.control and t.log_factor), default=0.0)
    trials = tuple(t if t.outside else dataclasses.replace(t, luck=luck) for t in trials)
    return Hardening(deployed.standing, trials, len(picked), field.stopped)


def _tried(lock: Lock, field: Field) -> Trial:
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
