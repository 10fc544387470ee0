"""The search towards one goal class: its rows, what was tried, and what stands out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._excuse import SUSPECT, carries, covers, crowded_by_rows, excuse
from modelward.poisoning._justify import Justification, at_least_unpatched, is_smooth, justify_axis
from modelward.poisoning._patches import ask
from modelward.poisoning._reference import MIN_SUPPORT, Scorer

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from modelward.models import Subject
    from modelward.poisoning._axes import Axis
    from modelward.poisoning._crowd import Leaves
    from modelward.poisoning._patches import Setting

SEARCH_ROWS = 48
MEASURE_ROWS = 400
_REVISED = 64
TREND = "a steady trend of the column"
"""Why a smooth model's extrapolation is no trigger."""


@dataclass(frozen=True)
class Doubt:
    """A pull that can be called neither planted nor honest.

    Parameters
    ----------
    patch : tuple of Setting
    justification : Justification
        What it is held against.
    pull : float
        On the rows that searched.
    why : str
        What is missing.
    """

    patch: tuple[Setting, ...]
    justification: Justification
    pull: float
    why: str


@dataclass
class Hunt:
    """The search towards one goal.

    Parameters
    ----------
    axes : tuple of Axis
        What may be patched.
    scorer : Scorer
        Scores rows towards the goal.
    hit, second : ndarray of shape (r,)
        Which reference rows have the goal's label; which are of the half that measures.
    search, measure : ndarray of shape (n, d) and (m, d)
        Rows of low risk that search, and others that measure.
    base : ndarray of shape (n, 2)
        Scores of the searching rows, unpatched.
    settings : list of Setting
        Every value of every axis.
    scores : ndarray of shape (settings, n, 2)
        Scores of the searching rows with each setting.
    justified : list of Justification
        What each setting may do by right.
    pulls : ndarray of shape (settings,)
        What each does beyond that; -1 for those that the model refuses.
    X : ndarray of shape (r, d)
        The reference rows.
    trained : ndarray of shape (t, d) or None
        The training rows, where they are known.
    leaves : callable
        Gives counts of rows in the leaves of the model's trees, None where it has none that tell.
    patches : int
        Patches tried so far.
    doubts : list of Doubt
    """

    axes: tuple[Axis, ...]
    scorer: Scorer
    hit: NDArray[np.bool_]
    second: NDArray[np.bool_]
    search: NDArray[np.float64]
    measure: NDArray[np.float64]
    base: NDArray[np.float64]
    settings: list[Setting]
    scores: NDArray[np.float64]
    justified: list[Justification]
    pulls: NDArray[np.float64]
    X: NDArray[np.float64]
    trained: NDArray[np.float64] | None
    leaves: Callable[[], Leaves | None]
    patches: int = 0
    doubts: list[Doubt] = field(default_factory=list)

    @property
    def goal(self) -> int:
        """The class that rows are pulled to."""
        return self.scorer.goal


def hunt_singles(
    subject: Subject, axes: tuple[Axis, ...], X: NDArray[np.float64], y: NDArray[np.int64], goal: int,
    half: NDArray[np.bool_], rng: np.random.Generator, trained: NDArray[np.float64] | None,
    leaves: Callable[[], Leaves | None],
) -> Hunt | None:  # fmt: skip
    """Try every setting of every axis; None if there are too few rows to patch."""
    scorer = Scorer.fit(subject, goal, X, y)
    others = np.flatnonzero(y != goal)
    if len(others) < 2 * MIN_SUPPORT:
        return None
    own = scorer(X[others])[:, 0]
    low = others[np.argsort(own, kind="stable")[: max(2 * MIN_SUPPORT, len(others) // 2)]]
    low = rng.permutation(low)
    first, second = low[half[low]], low[~half[low]]
    if min(len(first), len(second)) < MIN_SUPPORT:
        first, second = low[::2], low[1::2]
    search, measure = X[first[:SEARCH_ROWS]], X[second[:MEASURE_ROWS]]
    settings = [(a, i) for a, axis in enumerate(axes) for i in range(len(axis.values))]
    scores = ask(scorer, axes, search, [(setting,) for setting in settings])
    hit, means, base = y == goal, scores.mean(axis=1), scorer(search)
    justified: list[Justification] = []
    start = 0
    for number, axis in enumerate(axes):
        stop = start + len(axis.values)
        found = justify_axis(axis, number, means[start:stop], hit, scorer.kind)
        justified += [at_least_unpatched(each, base.mean(axis=0)) for each in found]
        start = stop
    level = np.array([j.level for j in justified]).reshape(-1, 2)
    pulls = np.nan_to_num((means - level).min(axis=1), nan=-1.0)
    # What missing values are held against is tried on the column's own axis.
    pulls[[k for k, (a, i) in enumerate(settings) if axes[a].kind == "missing" and i]] = -1.0
    hunt = Hunt(
        axes, scorer, hit, ~half, search, measure, base, settings, scores, justified, pulls,
        X, trained, leaves, len(settings),
    )  # fmt: skip
    _excuse_singles(hunt)
    return hunt


def _excuse_singles(hunt: Hunt) -> None:
    """Look for what explains the strongest values; what cannot be told is set aside."""
    standing = np.zeros(len(hunt.pulls), dtype=bool)
    for _ in range(_REVISED):
        k = int(np.argmax(np.where(standing, -1.0, hunt.pulls)))
        if hunt.pulls[k] < SUSPECT or standing[k]:
            return
        setting, old, means = hunt.settings[k], hunt.justified[k], hunt.scores[k].mean(axis=0)
        smooth = _trend(hunt, setting)
        for other in smooth:
            if standing[other]:
                continue
            level = hunt.scores[other].mean(axis=0)
            hunt.justified[other], hunt.pulls[other] = (
                replace(hunt.justified[other], level=level, why=TREND),
                0.0,
            )
        if smooth:
            continue
        found = excuse(hunt, (setting,), old, means)
        if found.doubt:
            hunt.doubts.append(Doubt((setting,), old, float(hunt.pulls[k]), found.doubt))
        for other, each in enumerate(hunt.settings):
            if each[0] != setting[0] or standing[other]:
                continue
            if found.justification is old and not found.doubt:
                standing[other] = covers(hunt.axes, (setting,), found.regions, (each,))
                continue
            own = hunt.scores[other].mean(axis=0)
            if not carries(hunt, (setting,), found, (each,), float(np.abs(own - means).max())):
                continue
            level = own if found.doubt else found.justification.level
            if level.min() > hunt.justified[other].level.min():
                hunt.justified[other] = replace(found.justification, level=level)
                hunt.pulls[other] = float((own - level).min())


def _trend(hunt: Hunt, setting: Setting) -> list[int]:
    """Return the settings up to one that a smooth model reaches by extrapolation, none if it jumps."""
    a, i = setting
    axis = hunt.axes[a]
    support = np.bincount(axis.cells[axis.cells >= 0], minlength=len(axis.values))
    known = np.flatnonzero(support >= MIN_SUPPORT)
    if not axis.ordered or not len(known) or support[i] >= MIN_SUPPORT:
        return []
    x = axis.values[:, 0]
    nearest = int(known[np.argmin(np.abs(x[known] - x[i]))])
    if not is_smooth(hunt.scorer, hunt.axes, hunt.search, setting, float(x[nearest])):
        return []
    if crowded_by_rows(hunt, (setting,)):
        return []
    between = range(i, nearest) if i < nearest else range(nearest + 1, i + 1)
    first = hunt.settings.index((a, 0))
    return [first + k for k in between]
