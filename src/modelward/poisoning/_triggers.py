"""Trigger search on a fitted model, black box: one column, then two, in and outside the range of the data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._axes import Axis, axes_of
from modelward.poisoning._box_search import readable_forest
from modelward.poisoning._crowd import Leaves
from modelward.poisoning._hunt import TREND, Hunt, hunt_singles
from modelward.poisoning._justify import Justification, added, rate_bound
from modelward.poisoning._pairs import hunt_pairs
from modelward.poisoning._patches import ask, patched
from modelward.poisoning._pull import Pull
from modelward.poisoning._reference import MIN_SUPPORT, Scorer
from modelward.stats import Mean, Proportion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from modelward.models import Subject
    from modelward.poisoning._pairs import Duo
    from modelward.poisoning._patches import Setting


@dataclass(frozen=True)
class Trigger:
    """A value, or a pair of values, and how strongly it pulls towards a class.

    Parameters
    ----------
    patch : tuple of Setting
        Axis and setting, one or two.
    goal : int
        The class that it pulls to.
    pull : Pull
        The unjustified pull, measured on rows that did not choose it.
    share : Proportion
        Rows that the model gives the goal's label once patched.
    why : str
        What the reference justifies, and by what.
    doubt : str
        Why it can be called neither planted nor honest; empty if it can.
    """

    patch: tuple[Setting, ...]
    goal: int
    pull: Pull
    share: Proportion
    why: str
    doubt: str = ""


@dataclass(frozen=True)
class TriggerSearch:
    """What a search found.

    Parameters
    ----------
    axes : tuple of Axis
        Columns and one-hot groups with the values tried.
    single, pair : Trigger or None
        The strongest of each kind; None if nothing could be tried.
    crowded : Trigger or None
        The strongest pair about which the leaves of the model's trees hold more training rows than the reference
        explains: see `crowded_pairs`.
    doubtful : Trigger or None
        The strongest of those that could be called neither planted nor honest.
    by_axis : tuple of (str, Pull)
        For each axis its strongest setting, measured.
    hunts : mapping of int to Hunt
        The search towards each goal class.
    """

    axes: tuple[Axis, ...]
    single: Trigger | None
    pair: Trigger | None
    crowded: Trigger | None
    doubtful: Trigger | None
    by_axis: tuple[tuple[str, Pull], ...]
    hunts: Mapping[int, Hunt]

    @property
    def patches(self) -> int:
        """Patches that were tried."""
        return sum(hunt.patches for hunt in self.hunts.values())

    def text(self, trigger: Trigger) -> str:
        """Return the values of a trigger as a rule."""
        return " and ".join(self.axes[a].text(i) for a, i in trigger.patch)

    def scorer_of(self, trigger: Trigger) -> Scorer:
        """Return what scores rows towards the trigger's goal."""
        return self.hunts[trigger.goal].scorer

    def search_rows_of(self, trigger: Trigger) -> NDArray[np.float64]:
        """Return the rows that searched for it."""
        return self.hunts[trigger.goal].search

    def attack_rows(self, trigger: Trigger) -> NDArray[np.float64]:
        """Return the measuring rows as somebody who knows the trigger would send them."""
        return patched(self.axes, self.hunts[trigger.goal].measure, [trigger.patch])


def find_triggers(
    subject: Subject, X: NDArray[np.float64], y: NDArray[np.int64], *, goal: int | None = None,
    trained: NDArray[np.float64] | None = None, patches: int = 4_000, random_state: int = 0,
) -> TriggerSearch:  # fmt: skip
    """Search values and pairs of values that send rows to a class without the reference justifying it.

    Rows of another class with a low score for the goal are patched. One half of them searches, the other
    measures what was found. The pull of a value is the mean patched score minus what the reference rows
    justify: the upper bound of the label rate of rows with this value, where there are ten of them, else the
    score at the nearest value that has them; for a pair also minus the larger single. A pull where hardly a
    reference row lies is no trigger if hardly a training row does either: see `excuse` for how that is told.

    Parameters
    ----------
    subject : Subject
        The model.
    X, y : ndarray of shape (n, d) and (n,)
        Reference rows that are trusted, encoded, and their labels as indices into `subject.classes`. Rows
        from the same source as a poisoned training set would justify its trigger.
    goal : int, optional
        The class that an attacker wants; without it every class is tried.
    trained : ndarray of shape (t, d), optional
        The training rows, encoded, whether they are trusted or not.
    patches : int
        The most patches to try, each on some dozens of rows.
    random_state : int
        Draws the rows.

    Returns
    -------
    TriggerSearch

    Raises
    ------
    ValueError
        If no goal has at least 2 × 10 rows of another class.

    Notes
    -----
    A trigger that neither stands in the reference nor was learned by the model cannot be found. Values that
    the model does not tell apart are one region. A value that ten reference rows have is judged by their
    labels. Pairs are tried only where the model gives scores.
    """
    axes = axes_of(subject.codec, X)
    goals = [goal] if goal is not None else list(range(subject.n_classes))
    rng = np.random.default_rng(random_state)
    half = rng.permutation(len(X)) % 2 == 0
    forest = readable_forest(subject)
    known: list[Leaves] = []

    def leaves() -> Leaves | None:
        if forest is not None and not known and Leaves.told_by(forest):
            known.append(Leaves(forest, X))
        return known[0] if known else None

    hunts = []
    for each in goals:
        hunt = hunt_singles(subject, axes, X, y, each, half, rng, trained, leaves)
        if hunt is not None:
            hunts.append(hunt)
    if not hunts:
        raise ValueError(f"a trigger search needs {2 * MIN_SUPPORT} reference rows that are not of the goal")
    spent = sum(hunt.patches for hunt in hunts)
    share = max(0, patches - spent) // len(hunts)
    best = max(hunts, key=lambda hunt: float(hunt.pulls.max()))
    top = int(np.argmax(best.pulls))
    single = _measure(best, (best.settings[top],), best.justified[top])
    pairs = [(hunt, found) for hunt in hunts if (found := hunt_pairs(hunt, share, forest)) is not None]
    pair = _measure_duo([(hunt, found) for hunt, (found, _) in pairs])
    crowded = _measure_duo([(hunt, found) for hunt, (_, found) in pairs if found is not None])
    return TriggerSearch(
        axes, single, pair, crowded, _doubtful(hunts), _by_axis(best), {hunt.goal: hunt for hunt in hunts}
    )


def _measure_duo(pairs: list[tuple[Hunt, Duo]]) -> Trigger | None:
    """Measure the strongest pair."""
    if not pairs:
        return None
    hunt, duo = max(pairs, key=lambda item: item[1].pull)
    return _measure(hunt, duo.patch, duo.justification)


def _doubtful(hunts: list[Hunt]) -> Trigger | None:
    """Measure the strongest of what could be called neither planted nor honest."""
    doubts = [(hunt, doubt) for hunt in hunts for doubt in hunt.doubts]
    if not doubts:
        return None
    hunt, doubt = max(doubts, key=lambda item: item[1].pull)
    return replace(_measure(hunt, doubt.patch, doubt.justification), doubt=doubt.why)


def _measure(hunt: Hunt, patch: tuple[Setting, ...], justification: Justification) -> Trigger:
    """Measure a patch on the rows that did not search, against what justifies it on the same rows."""
    rows = hunt.measure
    scores = ask(hunt.scorer, hunt.axes, rows, [patch])[0]
    pull = _pull(hunt, patch, justification, scores, {})
    codes = hunt.scorer.subject.codes(patched(hunt.axes, rows, [patch]))
    share = Proportion(int((codes == hunt.goal).sum()), len(rows))
    return Trigger(patch, hunt.goal, pull, share, justification.why)


def _by_stand_in(justification: Justification) -> bool:
    """Say whether the scores of another patch decide."""
    chosen = justification.stand_in is not None and justification.why != TREND
    return chosen and not justification.support and not justification.additive


def _pull(
    hunt: Hunt, patch: tuple[Setting, ...], justification: Justification, scores: NDArray[np.float64],
    asked: Mapping[tuple[Setting, ...], NDArray[np.float64]],
) -> Pull:  # fmt: skip
    """Return the pull of patched scores of shape (n, 2); `asked` are answers to stand-ins that are known already."""
    found = hunt.scores.shape[2]
    if justification.support:
        hits, n = _recount(hunt, patch, justification)
        bound = rate_bound(hits, n, hunt.scorer.kind)
        options = [Pull(Mean.of(scores[:, s]), bound, hits, n) for s in range(found)]
    else:
        against = _comparator(hunt, patch, justification, scores, asked)
        options = [Pull(Mean.of(scores[:, s] - against[:, s])) for s in range(found)]
    # Whatever else justified the patch where it was found, such as a few rows nearby, still does.
    options += [Pull(Mean.of(scores[:, s]), float(justification.level[s])) for s in range(found)]
    return min(options, key=lambda option: option.value)


def _recount(hunt: Hunt, patch: tuple[Setting, ...], justification: Justification) -> tuple[int, int]:
    """Count labels again on the half that did not search, where it has enough rows."""
    members = justification.members
    if members is None:
        members = np.ones(len(hunt.hit), dtype=bool)
        for a, i in patch:
            members &= hunt.axes[a].cells == i
    fresh = members & hunt.second
    if members.sum() == justification.support and fresh.sum() >= MIN_SUPPORT:
        return int(hunt.hit[fresh].sum()), int(fresh.sum())
    return justification.hits, justification.support


def _comparator(
    hunt: Hunt, patch: tuple[Setting, ...], justification: Justification, scores: NDArray[np.float64],
    asked: Mapping[tuple[Setting, ...], NDArray[np.float64]],
) -> NDArray[np.float64]:  # fmt: skip
    """Return what stands in for a label rate, row by row, shape (n, 2)."""
    if justification.why == TREND:
        return scores
    if justification.additive:
        parts = ask(hunt.scorer, hunt.axes, hunt.measure, [(setting,) for setting in patch])
        return added(parts[0], parts[1], hunt.scorer(hunt.measure))
    if justification.stand_in is not None:
        known = asked.get(justification.stand_in)
        if known is None:
            known = ask(hunt.scorer, hunt.axes, hunt.measure, [justification.stand_in])[0]
        return known
    return np.repeat(justification.level[None], len(scores), axis=0)


def _by_axis(hunt: Hunt) -> tuple[tuple[str, Pull], ...]:
    """Measure the strongest setting of every axis."""
    owners = np.array([a for a, _ in hunt.settings])
    strongest = [
        int(mine[np.argmax(hunt.pulls[mine])])
        for a in range(len(hunt.axes))
        if len(mine := np.flatnonzero(owners == a))
    ]
    rows = hunt.measure
    scores = ask(hunt.scorer, hunt.axes, rows, [(hunt.settings[k],) for k in strongest])
    held = {k: hunt.justified[k].stand_in for k in strongest}
    instead = [patch for k, patch in held.items() if patch is not None and _by_stand_in(hunt.justified[k])]
    asked = dict(zip(instead, ask(hunt.scorer, hunt.axes, rows, instead), strict=True))
    return tuple(
        (hunt.axes[hunt.settings[k][0]].name, _pull(hunt, (hunt.settings[k],), hunt.justified[k], own, asked))
        for k, own in zip(strongest, scores, strict=True)
    )
