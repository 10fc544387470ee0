"""Replay: a file as if its rows came now, hour by hour."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from modelward.errors import InputError, UsageError
from modelward.monitoring._clock import HOUR, astray, column_seconds
from modelward.monitoring._monitor import Monitor
from modelward.monitoring._reading import LEAST_ROWS
from modelward.monitoring._tell_time import telling_time
from modelward.monitoring._thresholds import LEAST_WEEKS
from modelward.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from modelward.monitoring._alerts import Alert
    from modelward.monitoring._cause import Cause
    from modelward.monitoring._declared import Declared
    from modelward.monitoring._hours import Window
    from modelward.schema import FeatureSchema

WEEK = 168


@dataclass(frozen=True, eq=False)
class Span:
    """A stretch of rows: how many, and their first and last hour, in hours since 1970."""

    rows: int
    first: int
    last: int

    @property
    def hours(self) -> int:
        """How many hours it is long."""
        return self.last - self.first + 1


@dataclass(frozen=True, eq=False)
class Replay:
    """What a replay gave.

    Parameters
    ----------
    monitor : Monitor
    learned, replayed : Span
    windows : tuple of Window
        Every judged hour.
    alerts : tuple of Alert
    notes : tuple of str
        What was not looked at, and why.
    """

    monitor: Monitor
    learned: Span
    replayed: Span
    windows: tuple[Window, ...]
    alerts: tuple[Alert, ...]
    notes: tuple[str, ...] = ()

    @cached_property
    def causes(self) -> dict[str, Cause]:
        """What the alerts look like, by their ids."""
        return self.monitor.causes(self.alerts, self.windows)

    @property
    def thin(self) -> bool:
        """Whether even a day has too few rows, on average, for moments and shares to be watched."""
        return self.learned.rows * self.monitor.together < LEAST_ROWS * self.learned.hours


def replay(
    table: Any,
    *,
    time: str,
    reference: Any = None,
    weeks: int | None = None,
    outputs: Sequence[str] = (),
    kpis: Sequence[str] = (),
    skip: Sequence[str] = (),
    label: str | None = None,
    schema: FeatureSchema | None = None,
    store: str | Path | None = None,
    declared: Declared | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Replay:
    """Learn from the first weeks of a table, or from a reference, and send the other rows through a monitor.

    Parameters
    ----------
    table : path or data frame
    time : str
        The column that says when a row came: datetimes, ISO 8601 text or seconds since 1970 (UTC).
    reference : path or data frame, optional
        Rows to learn from; else the first weeks of the table.
    weeks : int, optional
        How many weeks of the table are learned from; by default half of them, and eight at least.
    outputs, kpis, skip : sequence of str
        Columns that the model answered, columns whose hourly mean is a business figure, columns that are not
        looked at. All others are inputs.
    label : str, optional
        Column of the truth, as far as it is known: performance is estimated without it, and counted with it.
    schema : FeatureSchema, optional
        Of the inputs.
    store : path, optional
        Where the monitor is kept, so that it can go on from there.
    declared : Declared, optional
        Tolerances and events.
    progress : callable of (int, int), optional
        Told the hours done and all of them.

    Raises
    ------
    InputError
        If a column is not there, a time is none, or nothing is left to replay.
    UsageError
        If a column is named for two things.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> hour = np.repeat(np.arange(10 * 168), 25)
    >>> amount = rng.normal(size=len(hour)) * np.where(hour < 1600, 1, 10)
    >>> found = replay(pl.DataFrame({"at": hour * 3600, "amount": amount}), time="at")
    >>> next(a.start // 3600 for a in found.alerts if a.series == "amount: outside the schema")
    1600
    """
    columns = _Columns(time, tuple(outputs), tuple(kpis), tuple(skip), label)
    frame, notes = columns.read(table, "FILE")
    if reference is not None:
        if weeks is not None:
            raise UsageError("a reference and weeks of the file exclude each other: give one of them")
        past, more = columns.read(reference, "reference")
        notes += more
    else:
        past, frame = _split(frame, time, weeks)
    if schema is None:
        columns, more = columns.without_time(past)
        notes += more
    first, last = (int(frame[time][k] // HOUR) for k in (0, -1))
    monitor = Monitor(schema, clock=lambda: (last + 1_000) * HOUR, keep=last - first + 2, declared=declared)
    columns.fit(monitor, past)
    hours = monitor._fitted()  # noqa: SLF001 - the same room
    # What is replayed may lie anywhere after the reference: the seasons go on, silence between is none.
    gap = first - hours.gate.closed - 1 if hours.gate.closed is not None else 0
    if gap < 0:
        raise InputError(f"FILE begins {-gap:,} hours before the reference ends: give the hours after it")
    hours.pass_over(gap)
    if store is not None:
        monitor.keep_in(store)
    columns.feed(monitor, frame, progress)
    if not _whole(frame[time].to_numpy()):
        notes += ("the last hour is not over, and was not judged",)
        hours.advance(last + hours.gate.lateness)
    else:
        hours.advance(last + hours.gate.lateness + 1)
    windows, alerts = monitor.windows(), monitor.alerts()
    monitor.close()
    learned = Span(past.height, *(int(past[time][k] // HOUR) for k in (0, -1)))
    return Replay(monitor, learned, Span(frame.height, first, last), windows, alerts, notes)


@dataclass(frozen=True)
class _Columns:
    time: str
    outputs: tuple[str, ...]
    kpis: tuple[str, ...]
    skip: tuple[str, ...]
    label: str | None = None

    @property
    def aside(self) -> tuple[str, ...]:
        """Columns that are neither inputs nor outputs."""
        return (self.time, *self.kpis, *self.skip, *((self.label,) if self.label else ()))

    def read(self, table: Any, what: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
        """Return the rows with a time, in its order, the time as seconds since 1970."""
        frame = read_table(table, what=what)
        named = [*self.aside, *self.outputs]
        if twice := {name for name in named if named.count(name) > 1}:
            raise UsageError(f"column {min(twice)!r} is named for two things")
        for name in named:
            if name not in frame.columns:
                raise InputError(f"{what} has no column {name!r}; it has {', '.join(frame.columns[:12])}")
        if not set(frame.columns) - set(named):
            raise InputError(f"{what} has no inputs: every column is named for something else")
        frame = frame.with_columns(column_seconds(frame[self.time], what).alias(self.time))
        there = frame.filter(pl.col(self.time).is_finite()).sort(self.time, maintain_order=True)
        if not there.height:
            raise InputError(f"{what} has no row with a time in column {self.time!r}")
        lost = frame.height - there.height
        notes: tuple[str, ...] = (f"{lost:,} rows of {what} have no time",) if lost else ()
        stray = astray(there[self.time].to_numpy())
        if stray.any():
            there = there.filter(pl.Series(~stray))
            notes += (
                f"{int(stray.sum()):,} rows of {what} have times far from all others, as of a clock that leaped",
            )
        return there, notes

    def without_time(self, past: pl.DataFrame) -> tuple[_Columns, tuple[str, ...]]:
        """Return the same without inputs that tell the time: nothing of them stays normal, and they blind others."""
        inputs = self.inputs(past)
        found = telling_time(inputs, past[self.time].to_numpy())
        if len(found) == inputs.width:
            return self, ()
        notes = tuple(f"{name!r} {how}: it is not watched (as with --skip)" for name, how in found.items())
        return replace(self, skip=(*self.skip, *found)), notes

    def inputs(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.drop(*self.aside, *self.outputs)

    def fit(self, monitor: Monitor, past: pl.DataFrame) -> None:
        times = past[self.time].to_numpy()
        for name in self.kpis:
            if not past[name].dtype.is_numeric():
                raise InputError(f"business figure {name!r} holds no numbers")
        monitor.fit(
            self.inputs(past),
            past.select(self.outputs) if self.outputs else None,
            when=times,
            kpis={name: (past[name], times) for name in self.kpis},
            labels=None if self.label is None else past[self.label],
        )

    def feed(
        self, monitor: Monitor, frame: pl.DataFrame, progress: Callable[[int, int], None] | None
    ) -> None:
        hours = monitor._fitted()  # noqa: SLF001 - the same room
        d = hours.learned.inputs
        layout, told = hours.learned.layout, frame.drop(*self.aside)
        rows, problems = layout.encode(told)
        texts = layout.texts_of(told)
        for what in problems.values():
            hours.dropped[f"columns that {'have another type' if what == 'type changed' else what}"] += 1
        times = frame[self.time].to_numpy()
        figures = [frame[name].cast(pl.Float64, strict=False).to_numpy() for name in self.kpis]
        at = np.floor(times / HOUR)
        ends = np.flatnonzero(np.diff(at, append=np.inf)) + 1
        begin, first, total = 0, int(at[0]), int(at[-1] - at[0]) + 1
        for end in ends.tolist():
            here = slice(begin, end)
            words = {name: held[here] for name, held in texts.items()}
            monitor.update(rows[here, :d], rows[here, d:], when=times[here], texts=words)
            for name, values in zip(self.kpis, figures, strict=True):
                held = values[here][np.isfinite(values[here])]
                if len(held):
                    monitor.kpi(name, float(held.mean()), at[begin] * HOUR)
            if self.label is not None:
                monitor.labels(
                    frame[self.label][here], outputs=frame[here].select(self.outputs), when=times[here]
                )
            if progress is not None:
                progress(int(at[begin]) - first + 1, total)
            begin = end


def _split(frame: pl.DataFrame, time: str, weeks: int | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the hours to learn from and the others; of under sixteen weeks eight are learned from."""
    hours = np.floor(frame[time].to_numpy() / HOUR)
    span = int(hours[-1] - hours[0]) + 1
    length = weeks * WEEK if weeks is not None else max(LEAST_WEEKS, span // WEEK // 2) * WEEK
    if length >= span and weeks is None:
        length = span // 2
    past = frame.filter(pl.Series(hours < hours[0] + length))
    if not past.height or past.height == frame.height:
        raise InputError(
            f"FILE spans {span:,} hours, of which {length:,} are learned from: none are left to replay"
        )
    return past, frame.filter(pl.Series(hours >= hours[0] + length))


def _whole(times: NDArray[np.float64]) -> bool:
    """Say whether the last hour is over: times are whole hours, or a row came in its last minute."""
    return bool((times % HOUR == 0).all() or times[-1] % HOUR >= HOUR - 60)
