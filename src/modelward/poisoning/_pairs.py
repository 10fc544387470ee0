"""Pairs of values that pull rows to one class, as each of them alone and both added do not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._box_search import pair_scores, strongest_pairs
from modelward.poisoning._crowded_pairs import crowded_pairs
from modelward.poisoning._excuse import SUSPECT, carries, crowded_by_rows, excuse
from modelward.poisoning._hunt import TREND, Doubt
from modelward.poisoning._justify import Justification, added, is_smooth, justify_pair
from modelward.poisoning._patches import ask
from modelward.poisoning._spikes import FULL, by_labels, spiked_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models import Forest
    from modelward.poisoning._box_search import PairScores
    from modelward.poisoning._hunt import Hunt
    from modelward.poisoning._patches import Setting

_SCREEN_ROWS = 16
_KEPT = 64
_CROWDED = 24
_REVISED = 24
_READ, _READ_ROWS = 512, 32
_SPIKES = 8
_TREES = 20
"""The mean of fewer trees has peaks of its own training rows."""
_SURE = 2.0
"""Surplus of training rows, in nats, from which a pair is called crowded; honest forests stay below 1.2."""


@dataclass
class Duo:
    """A pair with what it is held against and what it does beyond, on the rows that search.

    Parameters
    ----------
    patch : pair of Setting
    means : ndarray of shape (2,)
        Its mean scores.
    justification : Justification
    pull : float
    crowded : bool
        Whether the model's leaves hold more training rows there than the reference explains.
    """

    patch: tuple[Setting, Setting]
    means: NDArray[np.float64]
    justification: Justification
    pull: float
    crowded: bool = False


@dataclass(frozen=True)
class Duos:
    """The strongest pair of each kind, None for none.

    Parameters
    ----------
    pair : Duo
        It pulls most beyond its singles.
    crowded : Duo or None
        Training rows crowd about it.
    spiked : Duo or None
        It stands out from all values about it.
    """

    pair: Duo
    crowded: Duo | None
    spiked: Duo | None


def hunt_pairs(hunt: Hunt, budget: int, forest: Forest | None = None) -> Duos | None:
    """Return the strongest pairs; None without a budget.

    Where the trees of the model are known, all pairs are read off their leaves and the strongest are asked for.
    """
    if hunt.scorer.kind == "label":
        # Two honest values may flip a row together that neither flips alone; labels cannot show the sum.
        return None
    crowded = _crowded(hunt)
    read = None
    if forest is not None:
        read = pair_scores(forest, hunt.axes, hunt.search[:_READ_ROWS], hunt.goal)
    pairs = list(crowded)[:budget]
    if read is not None:
        pairs += _numbered(hunt, strongest_pairs(read, min(_READ, budget // 2)))
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
    hunt.patches += len(pairs)
    screened = ask(hunt.scorer, hunt.axes, hunt.search[:_SCREEN_ROWS], [_patch(hunt, pair) for pair in pairs])
    gain = np.nan_to_num(_gains(hunt, pairs, screened, screened.shape[1]).min(axis=1), nan=-1.0)
    keep = [pairs[i] for i in np.argsort(-gain, kind="stable")[:_KEPT]]
    sure = [pair for pair, surplus in crowded.items() if surplus >= _SURE and pair in pairs]
    keep = list(dict.fromkeys(sure + keep))
    scores = ask(hunt.scorer, hunt.axes, hunt.search, [_patch(hunt, pair) for pair in keep]).mean(axis=1)
    found = [_duo(hunt, pair, means) for pair, means in zip(keep, scores, strict=True)]
    apart = [_crowded_duo(hunt, pair, means) for pair, means in zip(sure, scores, strict=False)]
    strongest = _strongest(hunt, [duo for duo in found if np.isfinite(duo.pull)])
    if strongest is None:
        return None
    apart = [duo for duo in apart if np.isfinite(duo.pull)]
    return Duos(strongest, max(apart, key=lambda each: each.pull, default=None), _spiked(hunt, forest, read))


def _patch(hunt: Hunt, pair: tuple[int, int]) -> tuple[Setting, Setting]:
    return hunt.settings[pair[0]], hunt.settings[pair[1]]


def _duo(hunt: Hunt, pair: tuple[int, int], means: NDArray[np.float64]) -> Duo:
    """Hold a pair against what justifies it."""
    k, m = pair
    singles = (hunt.justified[k], hunt.justified[m])
    justification = justify_pair(
        hunt.axes, _patch(hunt, pair), _levels(hunt, k, m), singles, hunt.hit, hunt.scorer.kind
    )
    return Duo(_patch(hunt, pair), means, justification, float((means - justification.level).min()))


def _crowded_duo(hunt: Hunt, pair: tuple[int, int], means: NDArray[np.float64]) -> Duo:
    """Hold a crowded pair against its two values alone and the rows that have both.

    Label rates of one value, and the sum of the two effects, say nothing of a crowd that only both lead to; both values
    have some of its effect, too.
    """
    k, m = pair
    levels = {name: level for name, level in _levels(hunt, k, m).items() if name != "sum"}
    justification = justify_pair(hunt.axes, _patch(hunt, pair), levels, (), hunt.hit, hunt.scorer.kind)
    return Duo(
        _patch(hunt, pair), means, justification, float((means - justification.level).min()), crowded=True
    )


def _strongest(hunt: Hunt, found: list[Duo]) -> Duo | None:
    """Return the strongest pair that nothing excuses; what cannot be told is set aside."""
    for _ in range(2 * len(found)):
        duo = max(found, key=lambda each: each.pull)
        if duo.pull < SUSPECT:
            break
        if _is_trend(hunt, duo.patch):
            new = replace(duo.justification, stand_in=None, additive=False, support=0, why=TREND)
            _settle(duo, replace(new, level=duo.means))
            continue
        answer = excuse(hunt, duo.patch, duo.justification, duo.means)
        if answer.doubt:
            hunt.doubts.append(Doubt(duo.patch, duo.justification, duo.pull, answer.doubt))
        elif answer.justification is duo.justification:
            break
        for each in found:
            apart = float(np.abs(each.means - duo.means).max())
            if carries(hunt, duo.patch, answer, each.patch, apart):
                level = each.means if answer.doubt else answer.justification.level
                if level.min() > each.justification.level.min():
                    _settle(each, replace(answer.justification, level=level))
    return max(found, key=lambda each: each.pull, default=None)


def _settle(duo: Duo, justification: Justification) -> None:
    duo.justification = justification
    duo.pull = float((duo.means - justification.level).min())


def _crowded(hunt: Hunt) -> dict[tuple[int, int], float]:
    """Return pairs about which leaves are crowded, with the surplus of training rows in nats."""
    leaves = hunt.leaves()
    if leaves is None:
        return {}
    found = crowded_pairs(leaves, hunt.axes, hunt.X, hunt.goal, _CROWDED)
    numbers = _numbered(hunt, [pair for _, pair in found])
    return {number: surplus for number, (surplus, _) in zip(numbers, found, strict=True)}


def _spiked(hunt: Hunt, forest: Forest | None, read: PairScores | None) -> Duo | None:
    """Return the pair that stands out most from all values about it, where more than a few training rows have it."""
    if forest is None or read is None or (forest.sums_in == "mean" and len(forest.trees) < _TREES):
        return None
    rows = _training_rows(hunt, forest)
    told = [
        each for each in spiked_pairs(read, hunt.axes, _SPIKES) if _expected(hunt, each[1]) * rows >= FULL
    ]
    if not told:
        return None
    pairs = _numbered(hunt, [pair for _, pair, _ in told])
    asked = [patch for _, pair, near in told for patch in (pair, near)]
    scores = ask(hunt.scorer, hunt.axes, hunt.search, asked).mean(axis=1)
    found = []
    for (k, m), (_, patch, near), means, beside in zip(pairs, told, scores[::2], scores[1::2], strict=True):
        level = np.max([beside, *_levels(hunt, k, m).values()], axis=0)
        words = " and ".join(hunt.axes[a].text(i) for a, i in near)
        justification = by_labels(
            Justification(level, stand_in=near, why=f"score at {words}"),
            hunt.axes,
            patch,
            hunt.hit,
            hunt.scorer.kind,
        )
        found.append(Duo(patch, means, justification, float((means - justification.level).min())))
    found = [duo for duo in found if np.isfinite(duo.pull)]
    return max(found, key=lambda each: each.pull, default=None)


def _training_rows(hunt: Hunt, forest: Forest) -> float:
    """Return how many rows a tree was trained on; where nothing tells, as many as the reference has."""
    if hunt.trained is not None:
        return float(len(hunt.trained))
    counts = [float(tree.count[0]) for tree in forest.trees if tree.count is not None]
    return float(np.mean(counts)) if counts else float(len(hunt.X))


def _expected(hunt: Hunt, patch: tuple[Setting, Setting]) -> float:
    """Return the share of rows that have both values: as counted, and as if they had nothing to do with each other."""
    one, two = (hunt.axes[a].cells == i for a, i in patch)
    return float((one & two).mean() + one.mean() * two.mean()) / 2


def _numbered(hunt: Hunt, pairs: list[tuple[Setting, Setting]]) -> list[tuple[int, int]]:
    first: dict[int, int] = {}
    for k, (a, _) in enumerate(hunt.settings):
        first.setdefault(a, k)
    return [(first[a] + i, first[b] + m) for (a, i), (b, m) in pairs]


def _is_trend(hunt: Hunt, duo: tuple[Setting, Setting]) -> bool:
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
    return not crowded_by_rows(hunt, duo)


def _partners(hunt: Hunt, budget: int) -> list[int]:
    """Return the settings to combine: those that move rows most, so many that their pairs fit the budget.

    Half of a pair trigger moves only the rows that happen to lie near the other half: a high quantile of the
    effect over rows finds it where the mean does not.
    """
    size = int((1 + np.sqrt(1 + 8 * max(0, budget))) / 2)
    effect = hunt.scores[:, :, 0] - hunt.base[None, :, 0]
    strength = np.nan_to_num(effect.mean(axis=1) + np.quantile(effect, 0.9, axis=1), nan=-1.0)
    strength[[k for k, (a, i) in enumerate(hunt.settings) if hunt.axes[a].kind == "missing" and i]] = -1.0
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
