"""Thresholds from replaying weeks that were not learned from, walk-forward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.monitoring._kernels import WEEK
from modelward.monitoring._normal import Normal, peaks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MARGIN = 1.15
"""Thresholds lie at least so far above the largest score of the held-out weeks."""
_FEWER = 9.0
"""How many times rarer than the largest score of one fold an alarm of one detector is to be."""
_SHAPE = 4.0
"""Exponent of the tail that is assumed before any score was seen."""
_WORTH = (10, 4, 4)
"""How many of the largest scores of each detector it counts for."""
WILD = 4.0
"""A series whose largest score is so many times the middle one has a threshold of its own."""
_WILD_MARGIN = 1.5
SPAN = 4
"""Weeks that are learned from at least, and that each fold holds out."""
HELD = 6
"""Folds that set the thresholds, the newest: the largest score of ever longer histories is ever larger, and blind."""
_EVEN_RATE = 0.6
"""How many slow alarms in 30 days a group of series that are alike is given, all of them together."""
_EVEN_SERIES = 8
"""So many series are needed to tell the tail of their weeks from."""
_EVEN_SCALE, _EVEN_WORTH = 0.22, 100.0
"""Scale beside mean of a week's largest slow score, of normal independent steps, and how many weeks it counts for."""
_LUCK = 1.25
"""A largest score further beyond what all weeks tell is no luck: then they do not have the law of such sums."""
_MEASURED = 0.5
"""Share of hours, and of series, that a span must have to say anything."""
_MOST = 2 * HELD + 1
"""Folds that are replayed, the newest: beyond the first ones they count the alarms that such thresholds raise."""


@dataclass(frozen=True, eq=False)
class Fold:
    """What held-out weeks gave.

    Parameters
    ----------
    highest : ndarray of float64, shape (3, S)
        Largest fast, slow and reference score of each series.
    days : ndarray of float64, shape (D, S)
        Largest fast score of each day.
    weeks : ndarray of float64, shape (W, S)
        Largest slow score of each week.
    measured : ndarray of bool, shape (S,)
        Whether at least half of the hours of a series were measured.
    """

    highest: NDArray[np.float64]
    days: NDArray[np.float64]
    weeks: NDArray[np.float64]
    measured: NDArray[np.bool_]

    def of(self, here: NDArray[np.bool_]) -> Fold:
        """Return what it gave for some series."""
        return Fold(self.highest[:, here], self.days[:, here], self.weeks[:, here], self.measured[here])


def limits(
    folds: Sequence[Fold], group: NDArray[np.int64], even: frozenset[int] = frozenset()
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Return where each series alarms, shape (3, S), given held-out weeks, which are wild, and the margins.

    The newest folds set them. Series of a group (S,) share a margin over the largest score of all of them (`margins`),
    but for series that have outbursts of their own: those would make the others blind, and have that margin over their
    own largest score, or 1.5 if that is more. Groups that are `even` have series of one kind, whose slow limit is told
    from all of their weeks (`evenly`). The margins that are returned, shape (3, 2), are the least and the most.
    """
    out = np.empty_like(folds[-1].highest)
    wild, used = np.zeros(out.shape[1], dtype=bool), []
    count = int(group.max()) + 1
    for g in range(count):
        here = group == g
        # Weeks without hours have no scores, which is no silence; where all are such, those that there are count.
        own_folds = [f.of(here) for f in folds]
        newest = [f for f in own_folds if f.measured.mean() >= _MEASURED][-HELD:] or own_folds[-HELD:]
        own = np.max([f.highest for f in newest], axis=0)
        apart = own > WILD * np.maximum(np.median(own, axis=1, keepdims=True), 1e-9)
        beyond = margins(newest, apart, count)[:, None]
        largest = np.max(np.where(apart, 0.0, own), axis=1, keepdims=True)
        if g in even and (~apart[1]).sum() >= _EVEN_SERIES and largest[1, 0] > 0:
            weeks = np.concatenate([f.weeks[:, ~apart[1]] for f in newest])
            told = evenly(weeks) / largest[1, 0]
            beyond[1] = told if told * _LUCK >= 1.0 else 1.0
        common = beyond * largest
        out[:, here] = np.where(apart, np.maximum(common, np.maximum(beyond, _WILD_MARGIN) * own), common)
        wild[here] = apart.any(axis=0)
        used.append(beyond[:, 0])
    # A group that was never measured has the limits of the wildest.
    out = np.where(out > 0, out, out.max(axis=1, keepdims=True))
    return out, wild, np.stack([np.min(used, axis=0), np.max(used, axis=0)], axis=1)


def margins(folds: Sequence[Fold], apart: NDArray[np.bool_], groups: int = 1) -> NDArray[np.float64]:
    """Return of each detector how far above the largest held-out score it alarms, shape (3,).

    Of scores with the tail x^-a as many as (m^-a) / n are expected in a month above m times the largest of n months.
    The margin is the m at which that is a ninth for each of three detectors: a third of an alert is allowed for, the
    rest is for months that do not resemble those. The tail is Hill's (1975), of the largest twentieth of the scores,
    drawn towards a heavy one the fewer those are.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> def folds(n, draw):
    ...     held = [np.abs(draw((28, 24, 50))).max(axis=1) for _ in range(n)]
    ...     return [Fold(np.stack([days.max(axis=0)] * 3), days, days[::7], np.ones(50, bool)) for days in held]
    >>> wide = lambda size: rng.standard_t(5, size)
    >>> none = np.zeros((3, 50), dtype=bool)
    >>> [float(margins(folds(n, draw), none)[0].round(2)) for draw in (rng.standard_normal, wide) for n in (1, 6)]
    [1.24, 1.15, 1.92, 1.15]
    """
    out = []
    for d in range(3):
        scores = [(f.days if d == 0 else f.highest[d][None])[:, ~apart[d]] for f in folds]
        shape = _tail(np.concatenate([s.ravel() for s in scores]), _WORTH[d])
        out.append((_FEWER * (groups if d == 0 else 1) / len(folds)) ** (1.0 / shape))
    return np.maximum(out, MARGIN)


def evenly(weeks: NDArray[np.float64]) -> float:
    """Return where the slow scores of series that are alike may alarm, given their largest of each week, shape (W, S).

    The largest of many sums of steps that are nearly normal has Gumbel's (1958) law, and all weeks of all series tell
    where it lies: far surer than the one largest score, of which another margin would have to be kept. How wide the law
    is, a few weeks tell badly; it is drawn towards what it is of normal and independent steps.

    Examples
    --------
    >>> weeks = 10.0 + 3.0 * np.random.default_rng(0).gumbel(size=(400, 17))
    >>> ahead = 10.0 + 3.0 * np.random.default_rng(1).gumbel(size=(4000, 17))
    >>> float(((ahead > evenly(weeks)).sum() / (4000 * 7 / 30)).round(2))
    0.56
    """
    there = weeks[weeks > 0]
    middle, n = float(there.mean()), len(there)
    seen = float(there.std()) * np.sqrt(6.0) / np.pi
    scale = (n * seen + _EVEN_WORTH * _EVEN_SCALE * middle) / (n + _EVEN_WORTH)
    begins = middle - float(np.euler_gamma) * scale
    return float(begins + scale * np.log(weeks.shape[1] * 30 / 7 / _EVEN_RATE))


def _tail(scores: NDArray[np.float64], worth: int) -> float:
    ordered = np.sort(scores[scores > 0])[::-1]
    k = min(max(5, min(100, len(ordered) // 20)), len(ordered) - 1)
    if k < 1:
        return _SHAPE
    return float((k + worth) / (np.log(ordered[:k] / ordered[k]).sum() + worth / _SHAPE))


def fold_peaks(Y: NDArray[np.float64], phase: NDArray[np.int64]) -> list[Fold]:
    """Replay walk-forward: learn from the first weeks, replay the next four, learn from those as well, and so on.

    Spans in which most series were not measured tell nothing and are left out, unless all are such.

    Returns
    -------
    list of Fold
        Of many the newest thirteen. The last ends with the history.
    """
    there = np.isfinite(Y)
    spans = [slice(b, b + WEEK * SPAN) for b in range(len(Y) - WEEK * SPAN, WEEK * SPAN - 1, -WEEK * SPAN)]
    full = [span for span in spans if (there[span].mean(axis=0) >= _MEASURED).mean() >= _MEASURED] or spans
    out = []
    for span in reversed(full[:_MOST]):
        normal = Normal.fit(Y[: span.start], phase[: span.start])
        highest, days, weeks = peaks(normal, Y[span], phase[span])
        out.append(Fold(highest, days, weeks, there[span].mean(axis=0) >= _MEASURED))
    return out
