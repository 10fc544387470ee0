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

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models import Forest
    from modelward.poisoning._hunt import Hunt
    from modelward.poisoning._patches import Setting

_SCREEN_ROWS = 16
_KEPT = 64
_CROWDED = 24
_REVISED = 24
_READ = 512
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


def hunt_pairs(hunt: Hunt, budget: int, forest: Forest | None = None) -> tuple[Duo, Duo | None] | None:
    """Return the pair that pulls most beyond its singles, and the strongest crowded one; None without a budget.

    Where the trees of the model are known, all pairs are read off their leaves and the strongest are asked for.
    """
    if hunt.scorer.kind == "label":
        # Two honest values may flip a row together that neither flips alone; labels cannot show the sum.
        return None
    crowded = _crowded(hunt)
    pairs = list(crowded)[:budget] + _read_pairs(hunt, forest, budget)
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
    return strongest, max(
        (duo for duo in apart if np.isfinite(duo.pull)), key=lambda each: each.pull, default=None
    )


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


def _read_pairs(hunt: Hunt, forest: Forest | None, budget: int) -> list[tuple[int, int]]:
    if forest is None:
        return []
    scores = pair_scores(forest, hunt.axes, hunt.search[:_SCREEN_ROWS], hunt.goal)
    return _numbered(hunt, strongest_pairs(scores, min(_READ, budget // 2)))


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
