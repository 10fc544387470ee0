"""The search towards one goal class: its rows, what was tried, and what stands out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._box_search import pair_scores, strongest_pairs
from modelward.poisoning._justify import (
    Justification,
    added,
    at_least_unpatched,
    is_smooth,
    justify_axis,
    justify_pair,
    with_region,
)
from modelward.poisoning._patches import ask
from modelward.poisoning._reference import MIN_SUPPORT, Scorer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models import Forest, Subject
    from modelward.poisoning._axes import Axis
    from modelward.poisoning._patches import Setting

SEARCH_ROWS = 48
SCREEN_ROWS = 16
MEASURE_ROWS = 400
SUSPECT = 0.05
_REVISED = 8
_READ = 512
TREND = "a steady trend of the column"
"""Why a smooth model's extrapolation is no trigger."""


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
    patches : int
        Patches tried so far.
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
    patches: int = 0

    @property
    def goal(self) -> int:
        """The class that rows are pulled to."""
        return self.scorer.goal


def hunt_singles(
    subject: Subject, axes: tuple[Axis, ...], X: NDArray[np.float64], y: NDArray[np.int64], goal: int,
    half: NDArray[np.bool_], rng: np.random.Generator,
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
    hunt = Hunt(
        axes, scorer, hit, ~half, search, measure, base, settings, scores, justified, pulls,
        len(settings),
    )  # fmt: skip
    _excuse_trends(hunt)
    _widen_singles(hunt)
    return hunt


def _widen_singles(hunt: Hunt) -> None:
    """Hold the strongest values against the labels of their whole region, until one stands."""
    for _ in range(_REVISED):
        k = int(np.argmax(hunt.pulls))
        if hunt.pulls[k] < SUSPECT:
            return
        patch = (hunt.settings[k],)
        members = region_rows(hunt, patch)
        better = with_region(hunt.justified[k], members, hunt.hit, hunt.scorer.kind)
        if better is hunt.justified[k]:
            return
        hunt.justified[k] = better
        hunt.pulls[k] = float((hunt.scores[k].mean(axis=0) - better.level).min())


def region_rows(hunt: Hunt, patch: tuple[Setting, ...]) -> NDArray[np.bool_]:
    """Return which reference rows lie in a patch's region: values with at least half of its effect."""
    members = np.ones(len(hunt.hit), dtype=bool)
    for position, (a, i) in enumerate(patch):
        rest = patch[:position] + patch[position + 1 :]
        first, last = span(hunt, (a, i), rest)
        cells = hunt.axes[a].cells
        members &= (cells >= first) & (cells <= last)
    return members


def span(hunt: Hunt, setting: Setting, rest: tuple[Setting, ...]) -> tuple[int, int]:
    """Return the first and the last setting about one that have at least half of its effect."""
    a, i = setting
    axis = hunt.axes[a]
    if not axis.ordered:
        return i, i
    patches = [((a, k), *rest) for k in range(len(axis.values))]
    scores = ask(hunt.scorer, hunt.axes, hunt.search, patches)[:, :, 0].mean(axis=1)
    return grow(scores, i)


def grow(scores: NDArray[np.float64], i: int) -> tuple[int, int]:
    """Widen from a position to its neighbours while they are over half of its rise from the median."""
    bar = (float(scores[i]) + float(np.nanmedian(scores))) / 2
    first = last = i
    while first > 0 and scores[first - 1] >= bar:
        first -= 1
    while last < len(scores) - 1 and scores[last + 1] >= bar:
        last += 1
    return first, last


def _excuse_trends(hunt: Hunt) -> None:
    """Take back pulls of values that a smooth model reaches by extrapolation."""
    for k in np.argsort(-hunt.pulls, kind="stable"):
        a, i = hunt.settings[k]
        axis = hunt.axes[a]
        if hunt.pulls[k] < SUSPECT:
            break
        support = np.bincount(axis.cells[axis.cells >= 0], minlength=len(axis.values))
        known = axis.values[support >= MIN_SUPPORT, 0]
        if not axis.ordered or support[i] >= MIN_SUPPORT or not len(known):
            continue
        start = float(known[np.argmin(np.abs(known - axis.values[i, 0]))])
        if is_smooth(hunt.scorer, hunt.axes, hunt.search, (a, i), start):
            level = hunt.scores[k].mean(axis=0)
            hunt.justified[k] = replace(hunt.justified[k], level=level, why=TREND)
            hunt.pulls[k] = 0.0


def hunt_pairs(
    hunt: Hunt, budget: int, forest: Forest | None = None
) -> tuple[tuple[Setting, Setting], Justification, float] | None:
    """Return the pair of settings of two axes that pulls most beyond its singles, None without a budget.

    Where the trees of the model are known, all pairs are read off their leaves and the strongest are asked for.
    """
    if hunt.scorer.kind == "label":
        # Two honest values may flip a row together that neither flips alone; labels cannot show the sum.
        return None
    pairs = _read_pairs(hunt, forest, budget)
    chosen = _partners(hunt, budget - len(pairs))
    pairs += [
        (k, m)
        for position, k in enumerate(chosen)
        for m in chosen[position + 1 :]
        if hunt.settings[k][0] != hunt.settings[m][0]
    ]
    pairs = list(dict.fromkeys(pairs))[:budget]
    if not pairs:
        return None
    patches = [(hunt.settings[k], hunt.settings[m]) for k, m in pairs]
    hunt.patches += len(patches)
    rows = hunt.search[:SCREEN_ROWS]
    screened = ask(hunt.scorer, hunt.axes, rows, patches)
    gain = _gains(hunt, pairs, screened, len(rows)).min(axis=1)
    keep = np.argsort(-np.nan_to_num(gain, nan=-1.0), kind="stable")[:64]
    scores = ask(hunt.scorer, hunt.axes, hunt.search, [patches[i] for i in keep])
    found: list[tuple[float, tuple[Setting, Setting], Justification]] = []
    for position, i in enumerate(keep):
        k, m = pairs[i]
        levels = _levels(hunt, k, m)
        singles = (hunt.justified[k], hunt.justified[m])
        justification = justify_pair(hunt.axes, patches[i], levels, singles, hunt.hit, hunt.scorer.kind)
        pull = float((scores[position].mean(axis=0) - justification.level).min())
        if np.isfinite(pull):
            found.append((pull, patches[i], justification))
    if not found:
        return None
    found.sort(key=lambda item: -item[0])
    revised: list[tuple[float, tuple[Setting, Setting], Justification]] = []
    for pull, duo, justification in found:
        if len(revised) == _REVISED:
            break
        if pull < SUSPECT:
            revised.append((pull, duo, justification))
            break
        if _is_pair_trend(hunt, duo):
            continue
        better = with_region(justification, region_rows(hunt, duo), hunt.hit, hunt.scorer.kind)
        if better is justification:
            revised.append((pull, duo, justification))
            break
        means = scores[[patches[i] for i in keep].index(duo)].mean(axis=0)
        revised.append((float((means - better.level).min()), duo, better))
    if not revised:
        # Every pair that was kept is a steady trend of both columns: the strongest is shown, with no pull.
        _, duo, justification = found[0]
        revised.append(
            (0.0, duo, replace(justification, stand_in=None, additive=False, support=0, why=TREND))
        )
    pull, duo, justification = max(revised, key=lambda item: item[0])
    return duo, justification, pull


def _read_pairs(hunt: Hunt, forest: Forest | None, budget: int) -> list[tuple[int, int]]:
    if forest is None:
        return []
    first: dict[int, int] = {}
    for k, (a, _) in enumerate(hunt.settings):
        first.setdefault(a, k)
    scores = pair_scores(forest, hunt.axes, hunt.search[:SCREEN_ROWS], hunt.goal)
    return [
        (first[a] + i, first[b] + m) for (a, i), (b, m) in strongest_pairs(scores, min(_READ, budget // 2))
    ]


def _is_pair_trend(hunt: Hunt, duo: tuple[Setting, Setting]) -> bool:
    """Say whether a smooth model reaches this pair along both columns, each with the other one patched.

    The effects of a linear model add up exactly on its own logit, which scores near 0 and 1 no longer show.
    """
    for setting, other in (duo, duo[::-1]):
        axis = hunt.axes[setting[0]]
        if not axis.ordered:
            return False
        rows = hunt.search.copy()
        rows[:, list(hunt.axes[other[0]].columns)] = hunt.axes[other[0]].values[other[1]]
        start = float(np.nanmedian(hunt.search[:, axis.columns[0]]))
        if not is_smooth(hunt.scorer, hunt.axes, rows, setting, start):
            return False
    return True


def _partners(hunt: Hunt, budget: int) -> list[int]:
    """Return the settings to combine: those that move rows most, so many that their pairs fit the budget.

    Half of a pair trigger moves only the rows that happen to lie near the other half: a high quantile of the
    effect over rows finds it where the mean does not.
    """
    size = int((1 + np.sqrt(1 + 8 * max(0, budget))) / 2)
    effect = hunt.scores[:, :, 0] - hunt.base[None, :, 0]
    strength = np.nan_to_num(effect.mean(axis=1) + np.quantile(effect, 0.9, axis=1), nan=-1.0)
    return [int(k) for k in np.argsort(-strength, kind="stable")[:size]]


def _levels(hunt: Hunt, k: int, m: int) -> dict[str, NDArray[np.float64]]:
    first, second = hunt.scores[k], hunt.scores[m]
    return {
        "first": first.mean(axis=0),
        "second": second.mean(axis=0),
        "sum": added(first, second, hunt.base).mean(axis=0),
    }


def _gains(
    hunt: Hunt, pairs: list[tuple[int, int]], scores: NDArray[np.float64], n: int
) -> NDArray[np.float64]:
    """Return how much every pair's mean score exceeds the singles and their sum, shape (pairs, 2)."""
    first = hunt.scores[[k for k, _ in pairs], :n]
    second = hunt.scores[[m for _, m in pairs], :n]
    sums = added(first, second, hunt.base[None, :n]).mean(axis=1)
    best = np.maximum(np.maximum(first.mean(axis=1), second.mean(axis=1)), sums)
    return np.asarray(scores.mean(axis=1) - best, dtype=np.float64)
