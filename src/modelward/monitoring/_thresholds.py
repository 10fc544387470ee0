"""Alarms, and the thresholds behind them with what may be promised of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from modelward.monitoring._folds import MARGIN, SPAN

LEAST_WEEKS = 8
"""Of history, below which nothing alarms."""
Detector = Literal["fast", "slow", "reference"]
DETECTORS: tuple[Detector, ...] = ("fast", "slow", "reference")


@dataclass(frozen=True, slots=True)
class Alarm:
    """A series that left its normal.

    Parameters
    ----------
    series : str
    detector : {"fast", "slow", "reference"}
        A jump within the hour, a move that hours added up to, or a level that crept away from the one that was
        learned.
    score, threshold : float
        In standard deviations of an hour's innovation; of "reference" in weekly moves of the level. The score has
        the sign of the move.
    value, expected : float
        What was measured, and what the season and the level gave to expect.
    again : bool
        Whether the series has not come back, to half of its threshold, since a slow detector alarmed on that side.
    within : bool or None
        In an event whose past is known, whether it went as far before; None elsewhere.
    """

    series: str
    detector: Detector
    score: float
    threshold: float
    value: float
    expected: float
    again: bool = False
    within: bool | None = None


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where the detectors alarm, and what stands behind it.

    Parameters
    ----------
    fast, slow, reference : float
        Of all series but the wild ones; infinite if the history is insufficient.
    folds : int
        Spans of four weeks that were held out, one after another, and set the thresholds: of many the newest six.
    tested : int
        Of those the ones that thresholds from earlier folds alone were tried on.
    alarms : int
        Series that alarmed in those, counted by series and detector.
    wild : tuple of str
        Series with outbursts of their own, which have thresholds of their own.
    margins : tuple of float
        How far above the largest held-out score the three detectors alarm: the fewer weeks were held out and the
        heavier the tail of their scores, the further. Of the group of series with the least.
    most : tuple of float
        Of the group with the largest.
    """

    fast: float
    slow: float
    folds: int
    tested: int
    alarms: int
    reference: float = np.inf
    wild: tuple[str, ...] = ()
    margins: tuple[float, ...] = (MARGIN, MARGIN, MARGIN)
    most: tuple[float, ...] = (MARGIN, MARGIN, MARGIN)

    @property
    def promise(self) -> str:
        """What may be expected of them, and why, in a sentence."""
        if not self.folds:
            return f"insufficient history: under {LEAST_WEEKS} weeks, so nothing alarms"
        weeks, low, high = SPAN * self.folds, min(self.margins), max(self.most)
        times = f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f}"
        if not self.tested:
            return (
                f"thresholds are {times} × the largest score of {weeks} held-out weeks; they are too few to count "
                "false alarms on as well; expected about 1 in 30 days if coming weeks resemble them"
            )
        return (
            f"on the last {SPAN * self.tested} held-out weeks thresholds from the weeks before them raised "
            f"{self.alarms} alarms, counted once by series and detector; today's are {times} × the largest score of "
            f"the last {weeks}; expected at most 1 in 30 days if coming weeks resemble them"
        )
