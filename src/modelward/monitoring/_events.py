"""Events: known causes, when they are, what they may move, and how far they did before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np

from modelward.errors import InputError
from modelward.monitoring._kernels import WEEK, advance
from modelward.monitoring._normal import DAY, State
from modelward.monitoring._occurrences import ENOUGH, LONGEST, EventHour, Occurrence, Past, learn_past

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.monitoring._normal import Normal

Direction = Literal["up", "down", "any"]
Repeat = Literal["once", "day", "week", "year"]
HOUR = 3600
NEAR = 48
"""Hours before and after an event in which it is named as what may explain an alert."""
_MARGIN = 1.3
_LONG = 24 * 31
_NEWEST = 60
"""Occurrences that an event is learned from, the newest."""
_EVERY = {"day": 24, "week": WEEK}


@dataclass(frozen=True, slots=True)
class Event:
    """A known cause: campaign, holiday, release, outage.

    Parameters
    ----------
    name : str
        Entries of one name are occurrences of one event.
    start, end : float
        Seconds since 1970 UTC; of a recurring event the first.
    columns : tuple of str
        Columns and business figures that it may move, "rows" for the number of rows; empty for everything.
    direction : {"any", "up", "down"}
        Which way it may move them.
    repeat : {"once", "day", "week", "year"}
    at_most : float, optional
        By which factor at most; else it is learned from two or more past occurrences.

    Examples
    --------
    >>> sale = Event("sale", 3600.0 * 10, 3600.0 * 12, repeat="day")
    >>> [sale.at(hour) for hour in (9, 10, 11, 12, 34, 35)]
    [None, 10, 10, None, 34, 34]
    """

    name: str
    start: float
    end: float
    columns: tuple[str, ...] = ()
    direction: Direction = "any"
    repeat: Repeat = "once"
    at_most: float | None = None

    def __post_init__(self) -> None:
        if not self.name or not np.isfinite([self.start, self.end]).all() or self.end <= self.start:
            raise InputError(f"event {self.name!r} needs a name, and an end after its start")
        if self.direction not in ("any", "up", "down") or self.repeat not in ("once", "day", "week", "year"):
            raise InputError(
                f"event {self.name!r}: direction is any, up or down; repeat is once, day, week or year"
            )
        if self.at_most is not None and not self.at_most >= 1:
            raise InputError(f"event {self.name!r}: at_most is a factor of 1 or more")
        every = _EVERY.get(self.repeat, 365 * 24 if self.repeat == "year" else None)
        if every is not None and self.end - self.start > every * HOUR:
            raise InputError(f"event {self.name!r} is longer than the time after which it comes again")

    def at(self, hour: int) -> int | None:
        """Return the first hour of the occurrence that an hour (since 1970) lies in, if any."""
        first, length = int(self.start // HOUR), int(np.ceil(self.end / HOUR)) - int(self.start // HOUR)
        if self.repeat == "year":
            begins = [self._in_year(hour, back) for back in (0, 1)]
        elif self.repeat in _EVERY:
            begins = [hour - (hour - first) % _EVERY[self.repeat]]
        else:
            begins = [first]
        return next((b for b in begins if first <= b <= hour < b + length), None)

    def _in_year(self, hour: int, back: int) -> int:
        begin = datetime.fromtimestamp(self.start, UTC)
        year = (datetime.fromtimestamp(0, UTC) + timedelta(hours=hour)).year - back
        leap = begin.month == 2 and begin.day == 29
        moved = begin.replace(year=year, day=28) if leap else begin.replace(year=year)
        return int(moved.timestamp() // HOUR)

    def touches(self, column: str) -> bool:
        """Say whether it may move a column; empty is the number of rows."""
        return not self.columns or (column or "rows") in self.columns


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An event that would explain an alert.

    Parameters
    ----------
    name : str
    away : int
        Hours since its last hour (positive) or until its first one (negative); 0 while it goes on.
    since : int or None
        Hours since it began, while it goes on.
    declared : bool
        Whether it was declared to move the column.
    """

    name: str
    away: int
    since: int | None
    declared: bool

    @property
    def words(self) -> str:
        """When it is, beside the alert."""
        if self.since is not None:
            when = f"{self.since} h after {self.name} began"
        elif self.away > 0:
            when = f"{self.away - 1} h after {self.name}" if self.away > 1 else f"right after {self.name}"
        else:
            when = f"{-self.away} h before {self.name}"
        return when if self.declared else f"{when}, which is not declared to move it"


class Calendar:
    """The events that a monitor knows, and how far each moved each series before.

    Parameters
    ----------
    events : sequence of Event
    columns : sequence of str, length S
        Of each watched series the column that it is about.
    """

    def __init__(self, events: Sequence[Event], columns: Sequence[str]) -> None:
        self.events, self.columns = tuple(events), tuple(columns)
        self._touched = {e: np.array([e.touches(c) for c in self.columns], dtype=bool) for e in self.events}
        # Hours of what happens once are looked up: calendars name each holiday of ten years.
        self._once: dict[int, list[Event]] = {}
        self._other = [e for e in self.events if e.repeat != "once" or e.end - e.start > _LONG * HOUR]
        for event in self.events:
            if event not in self._other:
                for hour in range(int(event.start // HOUR), int(np.ceil(event.end / HOUR))):
                    self._once.setdefault(hour, []).append(event)
        self.past: dict[str, Past] = {}
        self.rare: dict[str, NDArray[np.float64]] = {}

    def active(self, hour: int) -> list[Event]:
        """Return the events that go on in an hour, in their order."""
        once = self._once.get(hour, [])
        other = [e for e in self._other if e.at(hour) is not None]
        return [e for e in self.events if e in once or e in other] if once and other else once or other

    def held(self, hour: int) -> NDArray[np.bool_] | None:
        """Return which series an event may move in an hour, shape (S,); None if there is none."""
        active = [self._touched[e] for e in self.active(hour)]
        return np.logical_or.reduce(active) if active else None

    def mask(self, first: int, hours: int) -> NDArray[np.bool_]:
        """Return `held` of so many hours, shape (T, S)."""
        out = np.zeros((hours, len(self.columns)), dtype=bool)
        for t in range(hours):
            if (held := self.held(first + t)) is not None:
                out[t] = held
        return out

    def learn(
        self,
        normal: Normal,
        Y: NDArray[np.float64],
        first: int,
        phase: NDArray[np.int64],
        days: NDArray[np.float64],
    ) -> None:
        """Learn from past occurrences what each event does to each series.

        Parameters
        ----------
        normal : Normal
            Learned without the hours of events.
        Y : ndarray of float64, shape (T, S)
        first : int
            Hour of the first row.
        phase : ndarray of int64, shape (T,)
        days : ndarray of float64, shape (D, S)
            `Watch.days`.
        """
        if not self.events:
            return
        state, s = State.start(normal), Y.shape[1]
        never, nothing, z = np.zeros(s, dtype=bool), np.zeros(s), np.zeros(s)
        state.level[:] = _early_level(normal, Y, phase, self.mask(first, min(len(Y), WEEK)))
        seen: dict[str, dict[int, list[NDArray[np.float64]]]] = {}
        before: dict[tuple[str, int], NDArray[np.float64]] = {}
        for t, (y, p) in enumerate(zip(np.ascontiguousarray(Y), phase.tolist(), strict=True)):
            active = self.active(first + t)
            for event in active:
                if (begin := event.at(first + t)) is not None and event.at_most is None:
                    hours = seen.setdefault(event.name, {}).setdefault(begin, [])
                    before.setdefault((event.name, begin), state.last.copy())
                    if len(hours) < LONGEST:
                        hours.append(np.stack([y - normal.season[p] - state.level, normal.scale[p % DAY]]))
            held = self.held(first + t)
            advance(
                y, normal.season[p], normal.scale[p % DAY], normal.memory, state.level, state.last, state.sums,
                never if held is None else held, never, nothing, z,
            )  # fmt: skip
        occurrences = {
            name: [
                Occurrence(
                    np.array([h[0] for h in hours]), np.array([h[1] for h in hours]), before[name, begin]
                )
                for begin, hours in list(past.items())[-_NEWEST:]
            ]
            for name, past in seen.items()
        }
        touched = {
            name: np.logical_or.reduce([self._touched[e] for e in self.events if e.name == name])
            for name in seen
        }
        self.past = learn_past(occurrences, touched, normal.memory, days)

    def hour(self, hour: int) -> EventHour | None:
        """Return what is known of an hour, None if no event goes on; of several events the first that is known."""
        active = self.active(hour)
        if not active:
            return None
        s = len(self.columns)
        held, known = np.zeros(s, dtype=bool), np.zeros(s, dtype=bool)
        effect, limit = np.zeros(s), np.full((2, s), np.inf)
        for event in active:
            held |= self._touched[event]
            past, begin = self.past.get(event.name), event.at(hour)
            if past is None or begin is None or event.at_most is not None:
                continue
            within = hour - begin
            row = past.effect[within if within < len(past.effect) else within % WEEK % len(past.effect)]
            here = self._touched[event] & ~known & np.isfinite(row)
            effect[here], limit[:, here] = row[here], past.limit[:, here]
            known |= here
        return EventHour(held, known, effect, limit)

    def learn_rare(self, shares: NDArray[np.float64], first: int) -> None:
        """Learn from past occurrences how large each rare share was, given those of every hour, shape (T, C)."""
        seen: dict[str, dict[int, NDArray[np.float64]]] = {}
        for event in self.events:
            for t, share in enumerate(shares):
                if (begin := event.at(first + t)) is not None:
                    past = seen.setdefault(event.name, {})
                    past[begin] = np.maximum(past.get(begin, 0.0), share)
        self.rare = {
            name: np.max(list(past.values()), axis=0) for name, past in seen.items() if len(past) >= ENOUGH
        }

    def explains_rare(self, hour: int, j: int, column: str, share: float, usual: float) -> tuple[str, bool]:
        """Judge a rare count j that became frequent, as `explains` does."""
        for event in self.events:
            if event.at(hour) is None or not event.touches(column) or event.direction == "down":
                continue
            most = event.at_most * usual if event.at_most is not None else -1.0
            if event.at_most is None and event.name in self.rare:
                most = _MARGIN * float(self.rare[event.name][j])
            if share <= most:
                return event.name, True
        return self.near(hour, column), False

    def explains(
        self, hour: int, j: int, score: float, ratio: float, within: bool | None
    ) -> tuple[str, bool]:
        """Judge a jump of series j: which event goes on or is near, and whether it explains the jump.

        Parameters
        ----------
        hour, j : int
        score : float
            Of the fast detector, signed.
        ratio : float
            What was measured over what was expected; NaN where that says nothing.
        within : bool or None
            Whether the event's past occurrences went as far; None if they tell nothing.
        """
        for event in self.active(hour):
            if not self._touched[event][j]:
                continue
            right = event.direction == "any" or (event.direction == "up") == (score > 0)
            so_far = bool(within) and event.name in self.past
            if event.at_most is not None:
                so_far = bool(1 / event.at_most <= ratio <= event.at_most)
            if right and so_far:
                return event.name, True
        return self.near(hour, self.columns[j]), False

    def suggest(self, hour: int, column: str) -> Suggestion | None:
        """Return the event that would explain something in an hour: that goes on, else the nearest in two days.

        Of equally near ones first those that are declared to move the column.
        """
        best: tuple[int, bool, Suggestion] | None = None
        for event in self.events:
            for away in sorted(range(-NEAR, NEAR + 1), key=abs):
                if best is not None and abs(away) > best[0]:
                    break
                if event.at(hour - away) is None:
                    continue
                begin = event.at(hour)
                found = Suggestion(
                    event.name, away, None if begin is None else hour - begin, event.touches(column)
                )
                key = abs(away), not found.declared
                if best is None or key < best[:2]:
                    best = (*key, found)
                break
        return None if best is None else best[2]

    def near(self, hour: int, column: str) -> str:
        """Return the event that may explain something in an hour: that goes on, else the nearest in two days."""
        best, name = NEAR + 1, ""
        for event in self.events:
            if not event.touches(column):
                continue
            for away in range(NEAR + 1):
                if away >= best:
                    break
                if event.at(hour - away) is not None or event.at(hour + away) is not None:
                    best, name = away, event.name
        return name


def _early_level(
    normal: Normal, Y: NDArray[np.float64], phase: NDArray[np.int64], held: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the level of the first week, without its events; that of the end where it has no hours."""
    left = np.where(held, np.nan, Y[:WEEK] - normal.season[phase[:WEEK]])
    none = np.isnan(left).all(axis=0)
    return np.asarray(np.where(none, normal.level, np.nanmedian(np.where(none, 0.0, left), axis=0)))
