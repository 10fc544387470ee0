"""Trigger search on a fitted model, black box: one column, then two, in and outside the range of the data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._axes import Axis, axes_of
from modelward.poisoning._box_search import readable_forest
from modelward.poisoning._crowd import Leaves
from modelward.poisoning._hunt import hunt_singles
from modelward.poisoning._measured import by_axis, measure
from modelward.poisoning._missing import missing_axes
from modelward.poisoning._narrow import closer
from modelward.poisoning._pairs import hunt_pairs
from modelward.poisoning._patches import patched
from modelward.poisoning._planted import PlantedTrigger, measure_planted, moved_axes, planted_values
from modelward.poisoning._reference import MIN_SUPPORT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from modelward.models import Subject
    from modelward.poisoning._hunt import Hunt
    from modelward.poisoning._measured import Trigger
    from modelward.poisoning._pairs import Duo
    from modelward.poisoning._pull import Pull
    from modelward.poisoning._reference import Scorer

_PAIRS_MORE = 0.14
"""Clean models have pulls of pairs that are higher than those of single values by so much."""


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
    spiked : Trigger or None
        The strongest pair at which trees score higher than at all values about it: see `spiked_pairs`.
    doubtful : Trigger or None
        The strongest of those that could be called neither planted nor honest.
    planted : tuple of PlantedTrigger
        What was planted in the training rows, told by the rows alone, and whether the model learned it; empty where
        they were not given.
    drifted : tuple of str
        What looks planted in columns that differ as a whole between training and reference rows: it may be drift.
    by_axis : tuple of (str, Pull)
        For each axis its strongest setting, measured.
    hunts : mapping of int to Hunt
        The search towards each goal class.
    """

    axes: tuple[Axis, ...]
    single: Trigger | None
    pair: Trigger | None
    crowded: Trigger | None
    spiked: Trigger | None
    doubtful: Trigger | None
    planted: tuple[PlantedTrigger, ...]
    drifted: tuple[str, ...]
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
    trained: NDArray[np.float64] | None = None, labels: NDArray[np.int64] | None = None, patches: int = 4_000,
    random_state: int = 0,
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
    labels : ndarray of shape (t,), optional
        Their labels as indices: with them, values that were planted there are named whether the model learned them or
        not.
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
    goals = [goal] if goal is not None else list(range(subject.n_classes))
    rng = np.random.default_rng(random_state)
    half = rng.permutation(len(X)) % 2 == 0
    forest = readable_forest(subject)
    axes = closer(
        axes_of(subject.codec, X), X, y, goals, forest, trained, np.random.default_rng(random_state)
    )
    axes = (*axes, *missing_axes(subject, axes, X))
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
    single = measure(best, (best.settings[top],), best.justified[top])
    pairs = [(hunt, found) for hunt in hunts if (found := hunt_pairs(hunt, share, forest)) is not None]
    pair = _measure_duo([(hunt, found.pair) for hunt, found in pairs])
    crowded = _measure_duo([(hunt, found.crowded) for hunt, found in pairs if found.crowded is not None])
    spiked = _measure_duo([(hunt, found.spiked) for hunt, found in pairs if found.spiked is not None])
    by_goal = {hunt.goal: hunt for hunt in hunts}
    planted, drifted = _planted(axes, by_goal, X, y, trained, labels)
    return TriggerSearch(
        axes, single, pair, crowded, spiked, _doubtful(hunts), planted, drifted, by_axis(best), by_goal
    )


def _planted(
    axes: tuple[Axis, ...], by_goal: dict[int, Hunt], X: NDArray[np.float64], y: NDArray[np.int64],
    trained: NDArray[np.float64] | None, labels: NDArray[np.int64] | None,
) -> tuple[tuple[PlantedTrigger, ...], tuple[str, ...]]:  # fmt: skip
    """Return what was planted in the training rows, and what looks so in columns that differ as a whole."""
    if trained is None or labels is None:
        return (), ()
    drifted: tuple[str, ...] = ()
    left_out = moved_axes(axes, trained, X)
    told = planted_values(axes, trained, labels, X, y, but=left_out)
    if left_out:
        either = planted_values(axes, trained, labels, X, y)
        drifted = tuple(each.text for each in either if any(a in left_out for a, _ in each.patch))
    planted = tuple(measure_planted(by_goal[each.goal], each) for each in told if each.goal in by_goal)
    return planted, drifted


def _measure_duo(pairs: list[tuple[Hunt, Duo]]) -> Trigger | None:
    """Measure the strongest pair."""
    if not pairs:
        return None
    hunt, duo = max(pairs, key=lambda item: item[1].pull)
    return measure(hunt, duo.patch, duo.justification)


def _doubtful(hunts: list[Hunt]) -> Trigger | None:
    """Measure the strongest of what could be called neither planted nor honest."""
    doubts = [(hunt, doubt) for hunt in hunts for doubt in hunt.doubts]
    if not doubts:
        return None
    # A single value that pulls must not be hidden by a pair that pulls a little more.
    hunt, doubt = max(doubts, key=lambda item: item[1].pull - _PAIRS_MORE * (len(item[1].patch) - 1))
    return replace(measure(hunt, doubt.patch, doubt.justification), doubt=doubt.why)
