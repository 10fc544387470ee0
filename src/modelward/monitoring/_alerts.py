"""Alerts: alarms of one series and detector that follow each other, told as one."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from modelward.monitoring._clock import HOUR

if TYPE_CHECKING:
    from collections import Counter

    from modelward.monitoring._watch import Alarm

_MOST_ALERTS = 10_000
_SAME = 3
"""Hours of quiet after which the next alarm of a series is another alert."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A series out of its normal, from its first hour to its last.

    Parameters
    ----------
    series : str
        Such as ``"AGE: above 80"``.
    detector : {"fast", "slow", "reference", "novelty"}
        As in `Alarm`; "novelty" is a rare count that became frequent.
    start, end : int
        First and last hour in alert, seconds since 1970 UTC.
    hours : int
        Hours in alert.
    score, threshold : float
        Largest of its hours. Of a novelty −log10 of its probability.
    value, expected : float
        In that hour. Of shares and novelties the share of rows; of spreads the logarithm.
    """

    series: str
    detector: str
    start: int
    end: int
    hours: int
    score: float
    threshold: float
    value: float
    expected: float


class AlertBook:
    """The alerts so far, of very many the newest.

    Parameters
    ----------
    dropped : Counter
        Where those are counted that were let go.
    """

    def __init__(self, dropped: Counter[str]) -> None:
        self._dropped = dropped
        self._closed: deque[Alert] = deque(maxlen=_MOST_ALERTS)
        self._last: dict[tuple[str, str], Alert] = {}

    def note(self, alarm: Alarm, detector: str, at: int) -> None:
        """Take in the alarm of an hour that began at a time, in seconds since 1970."""
        key = (alarm.series, detector)
        new = Alert(
            alarm.series, detector, at, at, 1, alarm.score, alarm.threshold, alarm.value, alarm.expected
        )
        held = self._last.get(key)
        if held is not None and at - held.end <= _SAME * HOUR:
            worst = new if abs(new.score) > abs(held.score) else held
            self._last[key] = replace(worst, start=held.start, end=at, hours=held.hours + 1)
            return
        if held is not None:
            if len(self._closed) == _MOST_ALERTS:
                self._dropped["alerts, the oldest"] += 1
            self._closed.append(held)
        self._last[key] = new

    def all(self) -> tuple[Alert, ...]:
        """Return them by their start."""
        return tuple(sorted((*self._closed, *self._last.values()), key=lambda a: (a.start, a.series)))
