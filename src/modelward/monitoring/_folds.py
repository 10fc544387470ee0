"""Thresholds from replaying weeks that were not learned from, walk-forward."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.monitoring._normal import WEEK, Normal, peaks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MARGIN = 1.15
"""Thresholds lie so far above the largest score of the held-out weeks."""
WILD = 4.0
"""A series whose largest score is so many times the middle one has a threshold of its own."""
_WILD_MARGIN = 1.5
SPAN = 4
"""Weeks that are learned from at least, and that each fold holds out."""
HELD = 6
"""Folds that set the thresholds, the newest: the largest score of ever longer histories is ever larger, and blind."""
_MOST = 2 * HELD + 1
"""Folds that are replayed, the newest: beyond the first ones they count the alarms that such thresholds raise."""


def limits(held: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return where each series alarms, shape (3, S), given its largest held-out scores, and which are wild.

    All share 1.15 × the largest score of all, but for series that have outbursts of their own: those would make
    the others blind, and have 1.5 × their own largest score.
    """
    middle = np.median(held, axis=1, keepdims=True)
    apart = held > WILD * np.maximum(middle, 1e-9)
    common = MARGIN * np.max(np.where(apart, 0.0, held), axis=1, keepdims=True)
    return np.where(apart, np.maximum(common, _WILD_MARGIN * held), common), np.asarray(apart.any(axis=0))


def highest(folds: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the largest scores of the newest folds that set thresholds, shape (3, S)."""
    return np.asarray(np.max(folds[-HELD:], axis=0))


def fold_peaks(Y: NDArray[np.float64], phase: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Replay walk-forward: learn from the first weeks, replay the next four, learn from those as well, and so on.

    Returns
    -------
    list of ndarray of shape (3, S)
        Largest fast, slow and reference scores of each series in each fold, of many the newest thirteen. The last
        fold ends with the history.
    """
    weeks = len(Y) // WEEK
    first = len(Y) - WEEK * SPAN * min(_MOST, (weeks - SPAN) // SPAN)
    out = []
    for begin in range(first, len(Y), WEEK * SPAN):
        normal = Normal.fit(Y[:begin], phase[:begin])
        out.append(peaks(normal, Y[begin : begin + WEEK * SPAN], phase[begin : begin + WEEK * SPAN]))
    return out
