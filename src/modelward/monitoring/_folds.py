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
    """

    highest: NDArray[np.float64]
    days: NDArray[np.float64]


def limits(folds: Sequence[Fold]) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Return where each series alarms, shape (3, S), given held-out weeks, which are wild, and the margins.

    The newest folds set them. All series share a margin over the largest score of all (`margins`), but for series that
    have outbursts of their own: those would make the others blind, and have that margin over their own largest score,
    or 1.5 if that is more.
    """
    newest = folds[-HELD:]
    held = np.max([f.highest for f in newest], axis=0)
    middle = np.median(held, axis=1, keepdims=True)
    apart = held > WILD * np.maximum(middle, 1e-9)
    used = margins(newest, apart)
    beyond = used[:, None]
    common = beyond * np.max(np.where(apart, 0.0, held), axis=1, keepdims=True)
    own = np.maximum(beyond, _WILD_MARGIN) * held
    return np.where(apart, np.maximum(common, own), common), np.asarray(apart.any(axis=0)), used


def margins(folds: Sequence[Fold], apart: NDArray[np.bool_]) -> NDArray[np.float64]:
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
    ...     return [Fold(np.stack([days.max(axis=0)] * 3), days) for days in held]
    >>> wide = lambda size: rng.standard_t(5, size)
    >>> none = np.zeros((3, 50), dtype=bool)
    >>> [float(margins(folds(n, draw), none)[0].round(2)) for draw in (rng.standard_normal, wide) for n in (1, 6)]
    [1.24, 1.15, 1.92, 1.15]
    """
    out = []
    for d in range(3):
        scores = [(f.days if d == 0 else f.highest[d][None])[:, ~apart[d]] for f in folds]
        shape = _tail(np.concatenate([s.ravel() for s in scores]), _WORTH[d])
        out.append((_FEWER / len(folds)) ** (1.0 / shape))
    return np.maximum(out, MARGIN)


def _tail(scores: NDArray[np.float64], worth: int) -> float:
    ordered = np.sort(scores[scores > 0])[::-1]
    k = min(max(5, min(100, len(ordered) // 20)), len(ordered) - 1)
    if k < 1:
        return _SHAPE
    return float((k + worth) / (np.log(ordered[:k] / ordered[k]).sum() + worth / _SHAPE))


def fold_peaks(Y: NDArray[np.float64], phase: NDArray[np.int64]) -> list[Fold]:
    """Replay walk-forward: learn from the first weeks, replay the next four, learn from those as well, and so on.

    Returns
    -------
    list of Fold
        Of many the newest thirteen. The last ends with the history.
    """
    weeks = len(Y) // WEEK
    first = len(Y) - WEEK * SPAN * min(_MOST, (weeks - SPAN) // SPAN)
    out = []
    for begin in range(first, len(Y), WEEK * SPAN):
        normal = Normal.fit(Y[:begin], phase[:begin])
        out.append(Fold(*peaks(normal, Y[begin : begin + WEEK * SPAN], phase[begin : begin + WEEK * SPAN])))
    return out
