"""Alerts: alarms of one series and detector that follow each other, told as one."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from modelward.monitoring._clock import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelward.monitoring._thresholds import Alarm

_MOST_ALERTS = 10_000
_WEEK = 7 * 24 * HOUR
SAME = {"fast": 3, "reference": 3, "slow": 24, "novelty": 24, "declared": 3}
"""Hours of quiet after which the next alarm of a series is another alert, unless it has not come back meanwhile."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A series out of its normal, from its first hour to its last.

    Parameters
    ----------
    series : str
        Such as ``"AGE: above 80"``.
    column : str
        The column or business figure that it is about; empty for the number of rows.
    kind : {"rows", "mean", "spread", "share", "count", "kpi"}
        What of it is measured; a "count" is a rare share.
    detector : {"fast", "slow", "reference", "novelty", "declared"}
        As in `Alarm`; "novelty" is a rare count that became frequent, "declared" a tolerance that a person set.
    start, end : int
        First and last hour in alert, seconds since 1970 UTC.
    hours : int
        Hours in alert.
    score, threshold : float
        Largest of its hours. Of a novelty −log10 of its probability.
    value, expected : float
        In that hour; of a declared tolerance the bound that was crossed. Of shares and novelties the share of rows;
        of spreads the standard deviation, read off the bins: what lies in an outer one counts as its inner edge.
    event : str
        The known event that goes on, or the nearest within two days before or after; empty if there is none.
    explained : bool
        Whether that event moves the series so far: by what was declared, or as in two or more of its past
        occurrences.
    named : str
        Of unseen words the one that the most texts of the hour had, if ten had it; else empty.
    """

    series: str
    column: str
    kind: str
    detector: str
    start: int
    end: int
    hours: int
    score: float
    threshold: float
    value: float
    expected: float
    event: str = ""
    explained: bool = False
    named: str = ""

    @property
    def id(self) -> str:
        """Twelve characters that name it, the same in every run over the same rows."""
        return sha256(f"{self.series}\0{self.detector}\0{self.start}".encode()).hexdigest()[:12]

    @property
    def what(self) -> str:
        """The series, with the unseen word if it is named."""
        return f"{self.series} ({self.named!r})" if self.named else self.series

    @property
    def words(self) -> str:
        """What was measured and what was expected, in a few words."""
        value, expected = (
            _number(v, share=self.kind in ("share", "count")) for v in (self.value, self.expected)
        )
        if self.detector == "declared":
            most = "at most" if self.value > self.expected else "at least"
            return f"{self.series}: {value}, declared is {most} {expected}"
        if self.detector == "slow":
            return f"{self.what}: {value} where {expected} was expected, hour after hour"
        if self.detector == "reference":
            return f"{self.what}: {value} where {expected} was expected; its level has crept away"
        return f"{self.what}: {value} where {expected} was expected"


def _number(value: float, *, share: bool) -> str:
    shown = 100 * value if share else value
    text = f"{shown:,.0f}" if abs(shown) >= 1_000 else f"{shown:.3g}"
    return f"{text} %" if share else text


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
        self._changed: dict[str, Alert] = {}
        self.begun: Counter[str] = Counter()

    def note(
        self,
        alarm: Alarm,
        detector: str,
        at: int,
        column: str,
        kind: str,
        cause: tuple[str, bool] = ("", False),
        named: str = "",
    ) -> None:
        """Take in the alarm of an hour that began at a time, in seconds since 1970."""
        key = (alarm.series, detector)
        new = Alert(
            alarm.series, column, kind, detector, at, at, 1, alarm.score, alarm.threshold, alarm.value,
            alarm.expected, *cause, named,
        )  # fmt: skip
        held = self._last.get(key)
        # What is away for longer sends the fast detector off again and again: for a week that is one alert.
        away = alarm.again and held is not None and (detector != "fast" or at - held.end <= _WEEK)
        if held is not None and (away or at - held.end <= SAME[detector] * HOUR):
            worst = new if abs(new.score) > abs(held.score) else held
            # An alert is explained only if each of its hours is.
            event, known = held.event or new.event, held.explained and new.explained
            named = worst.named or held.named
            on = replace(
                worst,
                start=held.start,
                end=at,
                hours=held.hours + 1,
                explained=known,
                event=event,
                named=named,
            )
            self._set(key, on)
            return
        if held is not None:
            if len(self._closed) == _MOST_ALERTS:
                self._dropped["alerts, the oldest"] += 1
            self._closed.append(held)
        self.begun[detector] += 1
        self._set(key, new)

    def _set(self, key: tuple[str, str], alert: Alert) -> None:
        self._last[key] = alert
        self._changed[alert.id] = alert
        if len(self._changed) > _MOST_ALERTS:
            self._dropped["alerts that were not stored, the oldest"] += 1
            self._changed.pop(next(iter(self._changed)))

    def changed(self) -> dict[str, Alert]:
        """Return what is new or went on since `settled`, by id."""
        return dict(self._changed)

    def settled(self, stored: Mapping[str, Alert]) -> None:
        """Take note that these were stored."""
        self._changed = {k: a for k, a in self._changed.items() if stored.get(k) != a}

    def restore(self, alerts: Iterable[Alert]) -> None:
        """Go on after these, given by their start."""
        for alert in alerts:
            key = (alert.series, alert.detector)
            if (held := self._last.get(key)) is not None:
                self._closed.append(held)
            self._last[key] = alert
            self.begun[alert.detector] += 1

    def all(self) -> tuple[Alert, ...]:
        """Return them by their start."""
        return tuple(sorted((*self._closed, *self._last.values()), key=lambda a: (a.start, a.series)))
