"""Monitor: rows and business figures as they come, hour by hour, against what was normal."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from modelward.errors import InputError
from modelward.monitoring._alerts import Alert, AlertBook
from modelward.monitoring._clock import HOUR, Gate, many_seconds, seconds
from modelward.monitoring._novelty import Novelty
from modelward.monitoring._series import DENSE, Plan, shares
from modelward.monitoring._watch import Alarm, Watch
from modelward.profiles import Layout, Profile
from modelward.schema import FeatureSchema, infer
from modelward.tables import read_table

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

_BUFFER = 256
_MOST_GAP = 672
_THURSDAY = 72
"""1970-01-01 was a Thursday, and hour 0 of a week is Monday's first."""


class Monitor:
    """Watch what a model is sent, what it answers, and business figures.

    Windows are hours (UTC). An hour is judged when rows of the hour `lateness` hours later have come.

    Parameters
    ----------
    schema : FeatureSchema, optional
        Of the inputs; inferred from the reference if it is not given.
    lateness : int
        Hours that rows may come late.
    clock : callable
        Seconds since 1970; rows more than an hour later than it are dropped.

    Attributes
    ----------
    dropped : Counter
        Rows and figures that were not taken in, by reason.
    """

    def __init__(
        self,
        schema: FeatureSchema | None = None,
        *,
        lateness: int = 1,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not 0 <= lateness <= 48:
            raise InputError(f"rows may be 0 to 48 hours late, not {lateness}")
        self.schema, self._clock, self._lock = schema, clock, threading.RLock()
        self._gate = Gate(lateness)
        self.dropped: Counter[str] = self._gate.dropped
        self._watch: Watch | None = None
        self._open: dict[int, Profile] = {}
        self._figures: dict[int, dict[str, list[float]]] = {}
        self._book = AlertBook(self.dropped)
        self._held = 0

    def fit(
        self, X: Any, outputs: Any = None, *, when: Any, kpis: Mapping[str, tuple[Any, Any]] | None = None
    ) -> Monitor:
        """Learn what is normal.

        Parameters
        ----------
        X : table of n rows
            Inputs that are believed to be honest, over eight weeks at least.
        outputs : table of n rows, optional
            What the model answered; other column names than those of X.
        when : n times
        kpis : mapping of str to (values, times), optional
            Business figures, one an hour or more.

        Raises
        ------
        InputError
            If tables and times do not fit each other, or the schema.
        """
        frame = read_table(X, what="inputs", names=self.schema.names if self.schema else None)
        schema = self.schema or infer(frame)
        self._inputs = len(schema)
        frame = frame.select(schema.names)
        if outputs is not None:
            answers = read_table(outputs, what="outputs")
            if answers.height != frame.height or set(answers.columns) & set(schema.names):
                raise InputError("outputs need as many rows as the inputs, and column names of their own")
            schema = FeatureSchema(
                (*schema.columns, *infer(answers).columns), schema.onehot, schema.relations
            )
            frame = frame.hstack(answers)
        hours = np.floor(many_seconds(when, frame.height) / HOUR)
        if not np.isfinite(hours).all() or np.ptp(hours) > 20 * 366 * 24:
            raise InputError("the reference needs a time for every row, all within twenty years")
        self._layout, first = Layout.fit(frame, schema), int(hours.min())
        self._plan = Plan(self._layout)
        self._kpis = tuple(kpis or {})
        Y, counts, rows = self._history(self._layout.encode(frame)[0], hours.astype(np.int64) - first)
        figures = [_hourly(kpis[k], first, len(Y)) for k in self._kpis] if kpis else []
        dense = counts.sum(axis=0) / max(1.0, float((rows > 0).sum())) >= DENSE
        names = np.array([*self._plan.names, *self._kpis, *(c.name for c in self._plan.counts)])
        self._dense = dense
        full = np.column_stack([Y, *figures, shares(counts, rows[:, None])])
        usable = (np.isfinite(full).mean(axis=0) >= 0.5) & (np.nan_to_num(full).std(axis=0) > 1e-12)
        usable[-len(dense) :] &= dense
        usable[0] = True
        self._used = np.flatnonzero(usable)
        self.left_out = tuple(k for k in (*self._plan.names, *self._kpis) if k not in set(names[usable]))
        self._watch = Watch(names[usable].tolist())
        self._watch.fit(full[:, usable], start=(first + _THURSDAY) % 168)
        self._novelty = Novelty(counts[:, ~dense], rows)
        self._rare = [c.name for c, d in zip(self._plan.counts, dense, strict=True) if not d]
        self._gate.newest = self._gate.closed = first + len(Y) - 1
        self._buffer = np.empty((_BUFFER, len(schema)))
        self._times = np.empty(_BUFFER)
        return self

    @property
    def promise(self) -> str:
        """What may be expected of the thresholds, and why, in a sentence."""
        if self._watch is None:
            return "not fitted: nothing alarms"
        if not self._watch.sufficient:
            return self._watch.promise
        return f"{self._watch.promise}; values that are rare or were never seen have as large a budget of their own"

    def update(self, X: Any, outputs: Any = None, *, when: Any = None) -> None:
        """Take in one row or many. It never raises; what cannot be taken in is counted in `dropped`.

        Parameters
        ----------
        X : table, or encoded ndarray of float64 of shape (d,) or (n, d)
        outputs : the same of the outputs, optional
        when : time or n times, optional
            Now if it is not given.
        """
        try:
            with self._lock:
                if isinstance(X, np.ndarray) and X.ndim == 1 and (outputs is None or outputs.ndim == 1):
                    self._one(X, outputs, self._clock() if when is None else seconds(when))
                else:
                    self._flush()
                    rows = self._encode(X, outputs)
                    self._take(rows, many_seconds(self._clock() if when is None else when, len(rows)))
        except Exception as error:  # noqa: BLE001 - a monitor must not stop what it watches
            self.dropped[f"updates that failed: {type(error).__name__}"] += 1

    def kpi(self, name: str, value: float, when: Any = None) -> None:
        """Take in a business figure. It never raises."""
        try:
            number, hour = float(value), (self._clock() if when is None else seconds(when)) // HOUR
            with self._lock:
                if name not in self._kpis:
                    self.dropped["figures of a name that was not learned"] += 1
                elif not np.isfinite(number):
                    self.dropped["figures that are no number"] += 1
                elif self._gate.admit(np.array([hour]), self._clock())[0]:
                    total = self._figures.setdefault(int(hour), {}).setdefault(name, [0.0, 0.0])
                    total[0] += number
                    total[1] += 1
                    self._advance(int(hour))
        except Exception as error:  # noqa: BLE001 - a monitor must not stop what it watches
            self.dropped[f"updates that failed: {type(error).__name__}"] += 1

    def tick(self, when: Any = None) -> None:
        """Say what time it is, so that hours without any row are judged as well. It never raises."""
        try:
            with self._lock:
                self._flush()
                hour = (self._clock() if when is None else seconds(when)) // HOUR
                if self._watch is not None and self._gate.admit(np.array([hour]), self._clock())[0]:
                    self._advance(int(hour))
        except Exception as error:  # noqa: BLE001 - a monitor must not stop what it watches
            self.dropped[f"updates that failed: {type(error).__name__}"] += 1

    def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts so far, by their start; of very many the newest 10,000."""
        with self._lock:
            self._flush()
            return self._book.all()

    def _history(
        self, X: NDArray[np.float64], hour: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        order = np.argsort(hour, kind="stable")
        ends = np.searchsorted(hour[order], np.arange(int(hour.max()) + 2))
        Y, counts, rows = [], [], np.diff(ends).astype(np.float64)
        for start, stop in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            profile = Profile(self._layout)
            profile.update(X[order[start:stop]])
            y, c = self._plan.measure(profile)
            Y.append(y)
            counts.append(c)
        return np.array(Y), np.array(counts), rows

    def _encode(self, X: Any, outputs: Any) -> NDArray[np.float64]:
        d = self._inputs
        parts = []
        for table, names in ((X, self._layout.names[:d]), (outputs, self._layout.names[d:])):
            if isinstance(table, np.ndarray) and table.dtype.kind == "f":
                if table.shape[1] != len(names):
                    raise InputError("the rows have another number of columns than the reference")
                parts.append(table)
            elif table is not None:
                frame = read_table(table, what="rows")
                encoded, problems = self._layout.encode(frame)
                parts.append(encoded[:, :d] if table is X else encoded[:, d:])
                for name, what in problems.items():
                    if what == "appeared" or name in names:
                        self.dropped[
                            f"columns that {'have another type' if what == 'type changed' else what}"
                        ] += 1
            elif names:
                parts.append(np.full((len(parts[0]), len(names)), np.nan))
        return np.hstack(parts)

    def _one(self, X: NDArray[np.float64], outputs: NDArray[np.float64] | None, t: float) -> None:
        if self._held and t // HOUR != self._times[self._held - 1] // HOUR:
            self._flush()
        row = self._buffer[self._held]
        row[: self._inputs] = X
        row[self._inputs :] = np.nan if outputs is None else outputs
        self._times[self._held] = t
        self._held += 1
        if self._held == _BUFFER:
            self._flush()

    def _flush(self) -> None:
        n, self._held = self._held, 0
        if n:
            self._take(self._buffer[:n], self._times[:n])

    def _take(self, rows: NDArray[np.float64], times: NDArray[np.float64]) -> None:
        hours = np.floor(times / HOUR)
        for hour in np.unique(hours).tolist():
            here = hours == hour if np.isfinite(hour) else ~np.isfinite(hours)
            ok = here.copy()
            ok[here] = self._gate.admit(hours[here], self._clock())
            if ok.any():
                profile = self._open.setdefault(int(hour), Profile(self._layout))
                profile.update(rows[ok])
                self._advance(int(hour))

    def _advance(self, hour: int) -> None:
        gate = self._gate
        if gate.newest is None or gate.closed is None or self._watch is None:
            return
        gate.newest = max(gate.newest, hour)
        last = gate.newest - gate.lateness - 1
        if last - gate.closed > _MOST_GAP:
            # So long a silence is no traffic to be judged hour by hour; open hours of before it still are.
            for waiting in sorted({h for h in (*self._open, *self._figures) if h <= last - _MOST_GAP}):
                self._skip(waiting - gate.closed - 1)
                self._close(waiting)
            self._skip(last - _MOST_GAP - gate.closed)
        for due in range(gate.closed + 1, last + 1):
            self._close(due)

    def _skip(self, hours: int) -> None:
        if self._watch is not None and self._gate.closed is not None and hours > 0:
            self._watch.skip(hours)
            self._gate.closed += hours

    def _close(self, hour: int) -> None:
        if self._watch is None:
            return
        self._gate.closed = hour
        profile = self._open.pop(hour, None) or Profile(self._layout)
        figures = self._figures.pop(hour, {})
        y, counts = self._plan.measure(profile)
        kpis = [figures[k][0] / figures[k][1] if k in figures else np.nan for k in self._kpis]
        full = np.concatenate([y, kpis, shares(counts, profile.rows)])
        for alarm in self._watch.observe(full[self._used]):
            self._alarm(hour, alarm, alarm.detector, shared=self._is_share(alarm.series))
        if self._watch.sufficient:
            rare = counts[~self._dense]
            scores = self._novelty.score(rare, profile.rows)
            for j in np.flatnonzero(scores > self._novelty.limits).tolist():
                share, usual = rare[j] / profile.rows, self._novelty.seen[j] / max(self._novelty.total, 1.0)
                limit = float(self._novelty.limits[j])
                found = Alarm(self._rare[j], "fast", float(scores[j]), limit, float(share), float(usual))
                self._alarm(hour, found, "novelty", shared=False)

    def _is_share(self, name: str) -> bool:
        return name not in self._plan.names and name not in self._kpis

    def _alarm(self, hour: int, alarm: Alarm, detector: str, *, shared: bool) -> None:
        value, expected = alarm.value, alarm.expected
        if shared:
            value, expected = (float(np.sin(np.clip(v, 0, np.pi / 2)) ** 2) for v in (value, expected))
        elif alarm.series == "rows":
            value, expected = float(np.expm1(value)), float(np.expm1(expected))
        self._book.note(
            replace(alarm, value=float(value), expected=float(expected)), detector, int(hour * HOUR)
        )


def _hourly(figure: tuple[Any, Any], first: int, hours: int) -> NDArray[np.float64]:
    values = np.asarray(pl.Series(figure[0]).cast(pl.Float64).to_numpy(), dtype=np.float64)
    place = np.floor(many_seconds(figure[1], len(values)) / HOUR) - first
    ok = np.isfinite(values) & (place >= 0) & (place < hours)
    at = place[ok].astype(np.int64)
    n = np.bincount(at, minlength=hours).astype(np.float64)
    return np.bincount(at, weights=values[ok], minlength=hours) / np.where(n > 0, n, np.nan)
