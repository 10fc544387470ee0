"""A trigger measured on the rows that did not search for it, against what justifies it on the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._hunt import TREND
from modelward.poisoning._justify import added, rate_bound
from modelward.poisoning._patches import ask, patched
from modelward.poisoning._pull import Pull
from modelward.poisoning._reference import MIN_SUPPORT
from modelward.stats import Mean, Proportion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from modelward.poisoning._hunt import Hunt
    from modelward.poisoning._justify import Justification
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


def measure(hunt: Hunt, patch: tuple[Setting, ...], justification: Justification) -> Trigger:
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


def by_axis(hunt: Hunt) -> tuple[tuple[str, Pull], ...]:
    """Measure the strongest setting of every axis."""
    owners = np.array([a for a, _ in hunt.settings])
    strongest = [
        int(mine[np.argmax(hunt.pulls[mine])])
        for a in range(len(hunt.axes))
        if len(mine := np.flatnonzero(owners == a))
        and (hunt.axes[a].kind != "missing" or hunt.pulls[mine].max() > 0)
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
