"""Hours: rows and figures into open windows, windows that are due into alerts."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.monitoring._alerts import AlertBook
from modelward.monitoring._clock import HOUR
from modelward.monitoring._performance import Ledger
from modelward.monitoring._series import unseen_word
from modelward.monitoring._thresholds import Alarm
from modelward.monitoring._together import Together
from modelward.profiles import Profile

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from modelward.monitoring._clock import Gate
    from modelward.monitoring._decisions import Decision
    from modelward.monitoring._learned import Learned
    from modelward.monitoring._novelty import Novelty
    from modelward.monitoring._watch import Watch

MOST_GAP = 672
"""After a longer silence, in hours, what lies before it is passed over."""
RECENT = 48
"""Hours that are kept as they were measured, to read a new level off."""
_DIFFERENT = 20
_MOST_BATCHES = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """An hour that was judged.

    Parameters
    ----------
    hour : int
        Since 1970.
    rows : int
    value, low, high : ndarray of float32, shape (S,)
        Of each watched series what was measured, and between what the fast detector is silent; NaN where there is
        none. In the units of `Alert`.
    """

    hour: int
    rows: int
    value: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]


class Hours:
    """The windows of one monitor.

    Parameters
    ----------
    learned, watch, novelty
        What `learn` returned.
    gate : Gate
        Which rows are taken.
    keep : int
        Judged windows that are kept.
    """

    def __init__(
        self, learned: Learned, watch: Watch, novelty: Novelty, gate: Gate, *, keep: int = 0
    ) -> None:
        self.learned, self.watch, self.novelty, self.gate = learned, watch, novelty, gate
        self.open: dict[int, Profile] = {}
        self.figures: dict[int, dict[str, list[float]]] = {}
        self.batches: dict[str, int] = {}
        self.book = AlertBook(gate.dropped)
        self.judged: deque[Window] = deque(maxlen=keep)
        self.recent: deque[tuple[int, int, NDArray[np.float64]]] = deque(maxlen=RECENT)
        self.decisions: list[Decision] = []
        self.ledger = Ledger(learned.calibration)
        self.together = Together(learned.together)
        answer = learned.calibration.column if learned.calibration else None
        self._answer = None if answer is None else learned.layout.names.index(answer)
        self.told: Callable[[Window], None] | None = None
        self.count = 0
        last = learned.first + learned.hours - 1
        gate.newest = gate.closed = last

    @property
    def dropped(self) -> Counter[str]:
        """What was not taken in, by reason."""
        return self.gate.dropped

    def take(
        self,
        rows: NDArray[np.float64],
        times: NDArray[np.float64],
        now: float,
        texts: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        """Take in encoded rows, shape (n, d), with their times and, by column, their texts."""
        hours = np.floor(times / HOUR)
        for hour in np.unique(hours).tolist():
            here = hours == hour if np.isfinite(hour) else ~np.isfinite(hours)
            ok = here.copy()
            ok[here] = self.gate.admit(hours[here], now)
            if ok.any():
                profile = self.open.setdefault(int(hour), Profile(self.learned.layout))
                kept = np.flatnonzero(ok).tolist() if texts else []
                profile.update(rows[ok], {k: [held[i] for i in kept] for k, held in (texts or {}).items()})
                self.advance(int(hour))

    def remember(self, ids: Sequence[Any], rows: NDArray[np.float64], times: NDArray[np.float64]) -> None:
        """Keep the answers of rows until their labels come."""
        if self._answer is None or len(ids) != len(rows):
            self.dropped["ids that labels cannot come for"] += len(ids)
            return
        lost = self.ledger.remember(ids, np.floor(times / HOUR), rows[:, self._answer])
        if lost:
            self.dropped["answers that waited for labels, the oldest"] += lost

    def repeated(self, rows: NDArray[np.float64], times: NDArray[np.float64], name: str | None) -> bool:
        """Say whether a batch came before: one of that name, else the same rows at the same times.

        Of batches without a name only those with twenty different rows are recognised: fewer may well be equal by
        chance.
        """
        if name is None and not _various(rows[: 10 * _DIFFERENT]):
            return False
        content = f"name\0{name}".encode() if name is not None else rows.tobytes() + times.tobytes()
        key = blake2b(content, digest_size=16).hexdigest()
        if key in self.batches:
            self.dropped["rows of batches that came before"] += len(rows)
            return True
        newest = times[np.isfinite(times)]
        self.batches[key] = int(newest.max() // HOUR) if len(newest) else 0
        if len(self.batches) > _MOST_BATCHES:
            self.batches.pop(next(iter(self.batches)))
        return False

    def figure(self, name: str, number: float, hour: int, now: float) -> None:
        """Take in a business figure."""
        if name not in self.learned.kpis:
            self.dropped["figures of a name that was not learned"] += 1
        elif not np.isfinite(number):
            self.dropped["figures that are no number"] += 1
        elif self.gate.admit(np.array([float(hour)]), now)[0]:
            total = self.figures.setdefault(hour, {}).setdefault(name, [0.0, 0.0])
            total[0] += number
            total[1] += 1
            self.advance(hour)

    def advance(self, hour: int) -> None:
        """Judge the windows that are due when something of an hour has come."""
        gate = self.gate
        if gate.newest is None or gate.closed is None:
            return
        gate.newest = max(gate.newest, hour)
        last = gate.newest - gate.lateness - 1
        if last - gate.closed > MOST_GAP:
            # So long a silence is no traffic to be judged hour by hour; open hours of before it still are.
            for waiting in sorted({h for h in (*self.open, *self.figures) if h <= last - MOST_GAP}):
                self.pass_over(waiting - gate.closed - 1)
                self._close(waiting)
            self.pass_over(last - MOST_GAP - gate.closed)
        for due in range(gate.closed + 1, last + 1):
            self._close(due)

    def pass_over(self, hours: int) -> None:
        """Pass over hours that are not judged at all."""
        if self.gate.closed is not None and hours > 0:
            self.together.clear()
            self.watch.skip(hours)
            self.gate.closed += hours

    def _close(self, hour: int) -> None:
        self.gate.closed = hour
        if self.batches:
            # What is older is late, and dropped for that.
            self.batches = {key: newest for key, newest in self.batches.items() if newest > hour}
        learned, calendar = self.learned, self.learned.calendar
        profile = self.open.pop(hour, None) or Profile(learned.layout)
        wide = self.together.take(profile)
        if self._answer is not None:
            here = int(profile.counts[self._answer].sum())
            self.ledger.judge(hour, wide.counts[self._answer], here)
        y, rare, declared = learned.vector(profile, wide, self.figures.pop(hour, {}))
        past = calendar.hour(hour) if calendar.events else None
        expected, width = self.watch.expect(past)
        self.count += 1
        self._keep(Window(hour, profile.rows, *learned.bands(y, expected, width)))
        self.recent.append((hour, self.watch.phase, y))
        for alarm in self.watch.observe(y, past):
            self._jump(hour, alarm, None if past is None else past.held, wide)
        if self.watch.sufficient and profile.rows:
            self._rare(hour, rare, profile, wide)
        self._tolerances(hour, declared)

    def _jump(
        self,
        hour: int,
        alarm: Alarm,
        held: NDArray[np.bool_] | None,
        profile: Profile,
    ) -> None:
        learned, calendar = self.learned, self.learned.calendar
        j = self.watch.names.index(alarm.series)
        # What an event did before is expected of it where it went beyond that, and explains it elsewhere.
        value, expected = learned.natural_of(j, alarm.value), learned.natural_of(j, alarm.expected)
        if learned.kinds[j] == "spread":
            # What is read off bins is bounded; a person is told how large it is.
            value = float(np.sqrt(profile.moments()[1][learned.layout.names.index(learned.columns[j])]))
        if held is not None and held[j]:
            ratio = value / expected if expected > 0 else float("nan")
            cause = calendar.explains(hour, j, alarm.score, ratio, alarm.within)
        else:
            cause = calendar.near(hour, learned.columns[j]), False
        told = replace(alarm, value=value, expected=expected)
        self.book.note(
            told, alarm.detector, int(hour * HOUR), learned.columns[j], str(learned.kinds[j]), cause,
            unseen_word(alarm.series, learned.columns[j], profile),
        )  # fmt: skip

    def _keep(self, window: Window) -> None:
        self.judged.append(window)
        if self.told is not None:
            self.told(window)

    def _rare(self, hour: int, rare: NDArray[np.float64], profile: Profile, wide: Profile) -> None:
        novelty, learned, rows = self.novelty, self.learned, profile.rows
        scores = novelty.score(rare, rows)
        for j in np.flatnonzero(scores > novelty.limits).tolist():
            self._frequent(hour, j, scores[j], novelty.limits[j], rare[j] / rows, wide)
        # What an event brings says nothing of ordinary days.
        active = learned.calendar.active(hour) if learned.calendar.events else []
        touched = [any(e.touches(c) for e in active) for c in learned.rare_columns] if active else False
        day = novelty.add(np.where(touched, 0.0, rare), rows)
        if day is not None:
            for j in np.flatnonzero(day[0] > novelty.day_limits).tolist():
                self._frequent(hour, j, day[0][j], novelty.day_limits[j], day[1][j], wide)

    def _frequent(self, hour: int, j: int, score: float, limit: float, share: float, wide: Profile) -> None:
        learned, usual = self.learned, self.novelty.usual(j)
        found = Alarm(learned.rare[j], "fast", float(score), float(limit), float(share), usual)
        column = learned.rare_columns[j]
        cause = learned.calendar.explains_rare(hour, j, column, float(share), usual)
        named = unseen_word(found.series, column, wide)
        self.book.note(found, "novelty", int(hour * HOUR), column, "count", cause, named)

    def _tolerances(self, hour: int, declared: dict[str, float]) -> None:
        learned = self.learned
        for tolerance in learned.tolerances:
            value = declared[tolerance.series]
            for bound, beyond in ((tolerance.low, -1.0), (tolerance.high, 1.0)):
                if bound is not None and (value - bound) * beyond > 0:
                    found = Alarm(tolerance.series, "fast", value, bound, value, bound)
                    j = learned.place(tolerance.series)
                    column = learned.all_columns[j]
                    cause = learned.calendar.near(hour, column), False
                    self.book.note(found, "declared", int(hour * HOUR), column, learned.kind_of(j), cause)


def _various(rows: NDArray[np.float64]) -> bool:
    """Say whether twenty of these rows differ; it stops where they do."""
    seen: set[bytes] = set()
    for row in rows:
        seen.add(row.tobytes())
        if len(seen) == _DIFFERENT:
            return True
    return False
