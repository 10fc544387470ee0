"""What the reference justifies: how strongly a value, or a pair of values, may pull by right."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

from modelward.poisoning._patches import ask
from modelward.poisoning._reference import MIN_SUPPORT
from modelward.stats import Proportion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.poisoning._axes import Axis
    from modelward.poisoning._patches import Setting
    from modelward.poisoning._reference import Scorer

_FEW = 3
_DOUBLINGS = 24
_GRID = 16
_FINE = 256
_JUMP = 0.5
_CAP = 4.0


@dataclass(frozen=True)
class Justification:
    """What one patch is held against.

    Parameters
    ----------
    level : ndarray of shape (2,)
        On the model's own scale and calibrated.
    hits, support : int
        Reference rows of the goal class and rows in all, if the label rate decides; else 0.
    stand_in : tuple of Setting or None
        The patch whose scores decide, if not the label rate; empty for rows as they are.
    additive : bool
        Whether the sum of the single effects (on the logit) decides.
    why : str
        In words.
    members : ndarray of shape (n,) or None
        The reference rows behind a label rate, where they are a region's and not one value's.
    """

    level: NDArray[np.float64]
    hits: int = 0
    support: int = 0
    stand_in: tuple[Setting, ...] | None = None
    additive: bool = False
    why: str = ""
    members: NDArray[np.bool_] | None = None


def rate_bound(hits: int, n: int, kind: str) -> float:
    """Return what a label rate justifies: its upper bound, or everything for labels where it may be half."""
    upper = Proportion(hits, n).interval(0.95)[1]
    return 1.0 if kind == "label" and upper >= 0.5 else upper


def justify_axis(
    axis: Axis, number: int, scores: NDArray[np.float64], hit: NDArray[np.bool_], kind: str
) -> list[Justification]:
    """Return for every setting of an axis what the reference justifies.

    Parameters
    ----------
    axis : Axis
        The axis, `number` among all.
    scores : ndarray of shape (m, 2)
        Mean patched score of every setting.
    hit : ndarray of shape (n,)
        Whether each reference row has the goal's label.
    kind : str
        What the model gives, see `Scorer`.
    """
    m = len(axis.values)
    inside = axis.cells >= 0
    support = np.bincount(axis.cells[inside], minlength=m)
    hits = np.bincount(axis.cells[inside], weights=hit[inside], minlength=m).astype(int)
    known = np.flatnonzero((support >= MIN_SUPPORT) & np.isfinite(scores).all(axis=1))
    out = []
    for i in range(m):
        if support[i] >= MIN_SUPPORT:
            bound = rate_bound(int(hits[i]), int(support[i]), kind)
            why = "label rate of the reference rows with this value"
            out.append(Justification(np.full(2, bound), int(hits[i]), int(support[i]), why=why))
            continue
        level, stand_in = _nearest(axis, number, i, known, scores)
        for few in _few_between(axis, i, known, support):
            share = hits[few] / support[few]
            level = np.maximum(level, share if few == i else np.minimum(scores[few], share))
        why = f"score at {axis.text(stand_in[0][1])}" if stand_in else "nothing like it in the reference"
        out.append(Justification(level, stand_in=stand_in, why=why))
    return out


def with_region(
    justified: Justification, members: NDArray[np.bool_], hit: NDArray[np.bool_], kind: str
) -> Justification:
    """Return the justification, or the label rate of a region's reference rows where it justifies more."""
    support, hits = int(members.sum()), int(hit[members].sum())
    if support < MIN_SUPPORT:
        return justified
    bound = rate_bound(hits, support, kind)
    if bound <= justified.level.min():
        return justified
    level = np.maximum(justified.level, bound)
    why = "label rate of the reference rows in its region"
    return Justification(level, hits, support, why=why, members=members)


def at_least_unpatched(justified: Justification, base: NDArray[np.float64]) -> Justification:
    """Return the justification, or the rows as they are where they score higher: then nothing pulls."""
    if base.min() <= justified.level.min():
        return replace(justified, level=np.maximum(justified.level, base))
    return Justification(np.maximum(justified.level, base), stand_in=(), why="the rows unpatched")


def _few_between(axis: Axis, i: int, known: NDArray[np.int64], support: NDArray[np.int64]) -> list[int]:
    """Return the settings with a few reference rows from this one to the nearest supported ones."""
    some = np.flatnonzero((support >= _FEW) & (support < MIN_SUPPORT))
    if axis.ordered:
        low = max(known[known < i], default=-1)
        high = min(known[known > i], default=len(axis.values))
        some = some[(some > low) & (some < high)]
    return [int(k) for k in some]


def _nearest(
    axis: Axis, number: int, i: int, known: NDArray[np.int64], scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], tuple[Setting, ...] | None]:
    """Return the score at the nearest supported value: of numbers on either side, of categories any."""
    if not len(known):
        return np.full(2, 1.0), None
    candidates = known
    if axis.ordered:
        candidates = np.array([*known[known < i][-1:], *known[known > i][:1]])
    best = int(candidates[np.argmax(scores[candidates].min(axis=1))])
    return scores[candidates].max(axis=0), ((number, best),)


def is_smooth(
    scorer: Scorer, axes: Sequence[Axis], rows: NDArray[np.float64], setting: Setting, start: float
) -> bool:
    """Say whether the score goes to this value without a jump, as a model's does that extrapolates.

    The response is read at distances from a supported value that are halved again and again, then on a fine
    grid in the interval that gains most. A linear model or a network spreads the gain over the grid; a region
    that trees were taught has all of it at one threshold. Trees that put their thresholds a little apart would spread
    it, too: what goes in steps extrapolates nothing. Where only labels are seen, rows that flip at
    different values make the share of rows smooth, and rows that flip together make it jump.
    """
    value = float(axes[setting[0]].values[setting[1], 0])
    j = axes[setting[0]].columns[0]
    fractions = 0.5 ** np.arange(_DOUBLINGS)[::-1]
    points = np.concatenate([[start], start + (value - start) * fractions])
    gains = np.diff(_response(scorer, rows, j, points))
    top = int(np.argmax(gains))
    if gains[top] <= 0:
        return False
    gains = np.diff(_response(scorer, rows, j, np.linspace(points[top], points[top + 1], _GRID + 1)))
    steepest = float((gains[1:] + gains[:-1]).max())
    # A label hides how far a row is from flipping: only rows that nearly all flip together are a jump.
    most = 0.9 if scorer.kind == "label" else _JUMP
    if steepest > most * float(gains.sum()):
        return False
    return scorer.kind == "label" or not _in_steps(
        scorer, rows, j, float(points[top]), float(points[top + 1])
    )


def _in_steps(scorer: Scorer, rows: NDArray[np.float64], j: int, low: float, high: float) -> bool:
    """Say whether scores stay the same, to the last bit, over most of a fine grid: trees and votes do, curves never."""
    points = np.linspace(low, high, _FINE + 1)
    scores = _asked(scorer, rows, j, points)
    moved = scores[-1] != scores[0]
    return bool((np.diff(scores[:, moved], axis=0) == 0).mean() > 0.5) if moved.any() else False


def _asked(
    scorer: Scorer, rows: NDArray[np.float64], j: int, points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the score of every row at each value of column j, shape (points, n)."""
    probe = np.repeat(rows[None], len(points), axis=0)
    probe[:, :, j] = points[:, None]
    return scorer(probe.reshape(-1, rows.shape[1]))[:, 0].reshape(len(points), len(rows))


def _response(
    scorer: Scorer, rows: NDArray[np.float64], j: int, points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean score at each value of column j, on the logit within what matters."""
    own = _asked(scorer, rows, j, points)
    if scorer.kind == "label":
        return np.asarray(own.mean(axis=1), dtype=np.float64)
    return np.asarray(np.clip(logit(np.clip(own, 1e-4, 1 - 1e-4)), -_CAP, _CAP).mean(axis=1))


def justify_pair(
    axes: Sequence[Axis], pair: tuple[Setting, Setting], levels: dict[str, NDArray[np.float64]],
    singles: Sequence[Justification], hit: NDArray[np.bool_], kind: str,
) -> Justification:  # fmt: skip
    """Return what the reference justifies for two values together.

    The largest of: the larger single, the single effects added on the logit scale, and the label rate where
    reference rows have both values.

    Parameters
    ----------
    levels : mapping
        Mean scores on two scales: ``"first"``, ``"second"`` alone, and ``"sum"`` of both effects, if that counts.
    singles : sequence of Justification
        Of the values alone, where their label rates count for the pair too.
    """
    first, second = pair
    options = [
        Justification(levels["first"], stand_in=(first,), why=f"{axes[first[0]].text(first[1])} alone"),
        Justification(levels["second"], stand_in=(second,), why=f"{axes[second[0]].text(second[1])} alone"),
    ]
    if "sum" in levels:
        options.append(Justification(levels["sum"], additive=True, why="the two effects added up"))
    both = (axes[first[0]].cells == first[1]) & (axes[second[0]].cells == second[1])
    support, hits = int(both.sum()), int(hit[both].sum())
    if support >= MIN_SUPPORT:
        bound = np.full(2, rate_bound(hits, support, kind))
        options.append(Justification(bound, hits, support, why="label rate of the rows with both values"))
    elif support >= _FEW:
        options.append(Justification(np.full(2, hits / support), why="share of the few rows with both"))
    # What the labels justify of one value alone, a pair with it may have as well.
    options += [single for single in singles if single.support]
    best = max(options, key=lambda option: float(option.level.min()))
    level = np.max([option.level for option in options], axis=0)
    return Justification(level, best.hits, best.support, best.stand_in, best.additive, best.why)


def added(
    first: NDArray[np.float64], second: NDArray[np.float64], base: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the score that two effects give if they add up on the logit scale, row by row."""

    def z(p: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(logit(np.clip(p, 0.005, 0.995)), dtype=np.float64)

    return np.asarray(expit(z(first) + z(second) - z(base)), dtype=np.float64)


__all__ = [
    "Justification",
    "added",
    "ask",
    "at_least_unpatched",
    "is_smooth",
    "justify_axis",
    "justify_pair",
    "rate_bound",
    "with_region",
]  # fmt: skip
