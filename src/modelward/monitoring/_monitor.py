"""Monitor: rows and business figures as they come, hour by hour, against what was normal."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import InputError
from modelward.monitoring._clock import HOUR, Gate, many_seconds, seconds
from modelward.monitoring._decisions import Decision, Verdict, decide
from modelward.monitoring._declared import Declared
from modelward.monitoring._hours import Hours, Window
from modelward.monitoring._learn import learn
from modelward.monitoring._metrics import exposition
from modelward.monitoring._recorder import Recorder
from modelward.monitoring._saved import pack, pack_learned, state_of, unpack_hours
from modelward.monitoring._store import Store
from modelward.monitoring._webhook import Notifier
from modelward.tables import read_table

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from modelward.monitoring._alerts import Alert
    from modelward.monitoring._events import Event
    from modelward.schema import FeatureSchema

_BUFFER = 256


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
    keep : int
        How many judged hours `windows` gives back.
    declared : Declared, optional
        Tolerances and events, as `read_declared` reads them from a file.

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
        keep: int = 24,
        declared: Declared | None = None,
    ) -> None:
        if not 0 <= lateness <= 48:
            raise InputError(f"rows may be 0 to 48 hours late, not {lateness}")
        self.schema, self._clock, self._lock = schema, clock, threading.RLock()
        self._gate, self._keep = Gate(lateness), keep
        self._declared = declared or Declared()
        self.dropped: Counter[str] = self._gate.dropped
        self._hours: Hours | None = None
        self._recorder: Recorder | None = None
        self._notifier: Notifier | None = None
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
        learned, watch, novelty = learn(X, outputs, when, kpis or {}, self.schema, self._declared)
        self._start(Hours(learned, watch, novelty, self._gate, keep=self._keep))
        return self

    def _start(self, hours: Hours) -> None:
        self._hours = hours
        self._buffer = np.empty((_BUFFER, len(hours.learned.layout.names)))
        self._times = np.empty(_BUFFER)

    @property
    def promise(self) -> str:
        """What may be expected of the thresholds, and why, in a sentence."""
        if self._hours is None:
            return "not fitted: nothing alarms"
        watch = self._hours.watch
        if not watch.sufficient:
            return watch.promise
        return (
            f"{watch.promise}; values that are rare or were never seen have as large a budget of their own; the "
            f"smallest jump that it sees within an hour is {watch.thresholds.fast:.1f} σ of an hour's noise"
        )

    @property
    def plain_alarms(self) -> float:
        """How often plain 3σ bands over the same series would have alarmed in 30 days of the last held-out weeks.

        NaN under five weeks.
        """
        return self._fitted().learned.plain_alarms

    def smallest(self) -> dict[str, tuple[float, float, float]]:
        """Return of each watched series what is usual, and below and above which an hour is a jump.

        At the median hour of the week, in the units of `Alert`; nothing without history.
        """
        hours = self._fitted()
        normal = hours.watch.normal
        if normal is None:
            return {}
        usual, jump = np.median(normal.season, axis=0) + normal.level, hours.watch.smallest_jump
        turned = hours.learned.natural(np.stack([usual, usual - jump, usual + jump])).T
        return {name: (u, a, b) for name, (u, a, b) in zip(self.series, turned.tolist(), strict=True)}

    def decide(self, alert: str, verdict: Verdict, *, by: str, note: str = "") -> None:
        """Put on record what a person says of an alert; "new normal" is followed from now on.

        Parameters
        ----------
        alert : str
            Its id.
        verdict : {"new normal", "false alarm", "incident"}
        by, note : str
            Who, and why.

        Raises
        ------
        UsageError
            If there is no such verdict.
        InputError
            If there is no such alert, or its new level cannot be told yet.
        """
        with self._lock:
            self._flush()
            decide(self._fitted(), Decision(alert, verdict, by, note, self._clock()))

    def decisions(self) -> tuple[Decision, ...]:
        """Return what people said of alerts."""
        return tuple(self._hours.decisions) if self._hours else ()

    @property
    def sufficient(self) -> bool:
        """Whether there was history enough to alarm at all."""
        return self._hours is not None and self._hours.watch.sufficient

    @property
    def series(self) -> tuple[str, ...]:
        """The watched series, in the order of the arrays of `windows`."""
        return self._hours.learned.names if self._hours else ()

    @property
    def kpis(self) -> tuple[str, ...]:
        """The business figures."""
        return self._hours.learned.kpis if self._hours else ()

    @property
    def events(self) -> tuple[Event, ...]:
        """The events that were declared."""
        return self._hours.learned.calendar.events if self._hours else ()

    def column(self, series: str) -> str:
        """Return the column or figure that a watched series is about; empty for the number of rows."""
        self.kind(series)
        learned = self._fitted().learned
        return learned.columns[learned.names.index(series)]

    def kind(self, series: str) -> str:
        """Return what a watched series measures: "rows", "mean", "spread", "share" or "kpi".

        Raises
        ------
        InputError
            If there is no such series.
        """
        learned = self._fitted().learned
        if series not in learned.names:
            raise InputError(f"there is no series {series!r}")
        return str(learned.kinds[learned.names.index(series)])

    @property
    def left_out(self) -> tuple[str, ...]:
        """Moments and figures that cannot be watched: too often missing, or they never moved."""
        return self._hours.learned.left_out if self._hours else ()

    def update(self, X: Any, outputs: Any = None, *, when: Any = None, batch: str | None = None) -> None:
        """Take in one row or many. It never raises; what cannot be taken in is counted in `dropped`.

        Parameters
        ----------
        X : table, or encoded ndarray of float64 of shape (d,) or (n, d)
        outputs : the same of the outputs, optional
        when : time or n times, optional
            Now if it is not given.
        batch : str, optional
            Names the rows, so that they are counted once however often they are sent. Without a name a batch of
            twenty different rows or more is known again by rows and times.
        """
        with self._safely():
            hours = self._fitted()
            t = self._clock() if when is None else when
            if isinstance(X, np.ndarray) and X.ndim == 1 and (outputs is None or outputs.ndim == 1):
                self._one(hours, X, outputs, seconds(t))
            else:
                self._flush()
                rows = self._encode(hours, X, outputs)
                times = many_seconds(t, len(rows))
                if not hours.repeated(rows, times, batch):
                    hours.take(rows, times, self._clock())

    def kpi(self, name: str, value: float, when: Any = None) -> None:
        """Take in a business figure. It never raises."""
        with self._safely():
            hour = int((self._clock() if when is None else seconds(when)) // HOUR)
            self._fitted().figure(name, float(value), hour, self._clock())

    def tick(self, when: Any = None) -> None:
        """Say what time it is, so that hours without any row are judged as well. It never raises."""
        with self._safely():
            hours = self._fitted()
            self._flush()
            hour = (self._clock() if when is None else seconds(when)) // HOUR
            if self._gate.admit(np.array([hour]), self._clock())[0]:
                hours.advance(int(hour))

    def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts so far, by their start; of very many the newest 10,000."""
        with self._lock:
            self._flush()
            return self._hours.book.all() if self._hours else ()

    def windows(self) -> tuple[Window, ...]:
        """Return the last `keep` hours that were judged."""
        with self._lock:
            self._flush()
            return tuple(self._hours.judged) if self._hours else ()

    def keep_in(self, store: Store | str | Path, *, every: float = 10.0) -> None:
        """Keep the monitor in a file from now on; it is written by a thread of its own.

        Parameters
        ----------
        store : Store or path
            A monitor that was in it is replaced.
        every : float
            Seconds between writes: a process that is killed loses what came in the last ones. While the file is
            full, locked or gone the monitor goes on, keeps up to 1,000 hours to be written later, and says so
            in `store_problem`.

        Raises
        ------
        InputError
            If the file cannot be written, or the monitor is not fitted.
        """
        hours = self._fitted()
        owned = not isinstance(store, Store)
        store = store if isinstance(store, Store) else Store(store)
        with self._lock:
            store.begin(pack_learned(hours), hours.learned.names, pack(*state_of(hours)))
        self._record(store, every, owned=owned)

    @classmethod
    def resume(
        cls,
        store: Store | str | Path,
        *,
        every: float = 10.0,
        clock: Callable[[], float] = time.time,
        keep: int = 24,
    ) -> Monitor:
        """Go on with the monitor that a file holds; another process that still writes to it is shut out.

        Raises
        ------
        InputError
            If there is none, or it is damaged or of another release.
        """
        owned = not isinstance(store, Store)
        store = store if isinstance(store, Store) else Store(store)
        hours = unpack_hours(*store.monitor(), keep=keep)
        hours.book.restore(store.alerts())
        hours.decisions += store.decisions()
        out = cls(lateness=hours.gate.lateness, clock=clock, keep=keep)
        out._gate, out.dropped = hours.gate, hours.gate.dropped
        out._start(hours)
        store.claim()
        out._record(store, every, owned=owned)
        return out

    def notify(self, send: Callable[[Sequence[dict[str, Any]]], None], *, every: float = 60.0) -> None:
        """Tell somebody of each alert that no event explains, when it begins and when it is over.

        Alerts of before are not told. A thread of its own does it, until `close`.

        Parameters
        ----------
        send : callable
            Such as a `Webhook`, or any function that takes a list of dicts; what raises is sent again later, and said
            in `notify_problem`.
        every : float
            Seconds between looks.

        Raises
        ------
        InputError
            If the monitor is not fitted.
        """
        self._fitted()
        if self._notifier is not None:
            self._notifier.close()
        self._notifier = Notifier(self._look, send, every)

    @property
    def notify_problem(self) -> str:
        """Why alerts could not be sent the last time; empty if they were."""
        return self._notifier.problem if self._notifier else ""

    def metrics(self) -> str:
        """Return the state for Prometheus, in its text format 0.0.4.

        Alerts that go on are labelled by column (a hundred at most), detector and whether an event explains them.
        """
        with self._lock:
            self._flush()
            return exposition(self._fitted(), store_problem=self.store_problem)

    def _look(self) -> tuple[tuple[Alert, ...], int]:
        with self._lock:
            self._flush()
            return self._fitted().book.all(), self._gate.closed or 0

    @property
    def store_problem(self) -> str:
        """Why the last write into the store failed; empty if it did not."""
        return self._recorder.problem if self._recorder else ""

    def close(self) -> None:
        """Write what is not yet in the store, stop writing and telling, and close a file that was given by its path.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        notifier, self._notifier = self._notifier, None
        if notifier is not None:
            notifier.close()
        recorder, self._recorder = self._recorder, None
        if recorder is not None and self._hours is not None:
            with self._lock:
                self._flush()
                self._hours.told = None
            recorder.close()

    def _record(self, store: Store, every: float, *, owned: bool) -> None:
        hours = self._fitted()
        if self._recorder is not None:
            self.close()
        self._recorder = Recorder(hours, store, self._lock, every, self._flush, owned=owned)
        hours.told = self._recorder.note

    @contextmanager
    def _safely(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except Exception as error:  # noqa: BLE001 - a monitor must not stop what it watches
            self.dropped[f"updates that failed: {type(error).__name__}"] += 1

    def _fitted(self) -> Hours:
        if self._hours is None:
            raise InputError("the monitor is not fitted: call fit first")
        return self._hours

    def _encode(self, hours: Hours, X: Any, outputs: Any) -> NDArray[np.float64]:
        layout, d = hours.learned.layout, hours.learned.inputs
        parts = []
        for table, names in ((X, layout.names[:d]), (outputs, layout.names[d:])):
            if isinstance(table, np.ndarray) and table.dtype.kind == "f":
                if table.shape[1] != len(names):
                    raise InputError("the rows have another number of columns than the reference")
                parts.append(table)
            elif table is not None:
                encoded, problems = layout.encode(read_table(table, what="rows"))
                parts.append(encoded[:, :d] if table is X else encoded[:, d:])
                for name, what in problems.items():
                    if what == "appeared" or name in names:
                        told = "have another type" if what == "type changed" else what
                        self.dropped[f"columns that {told}"] += 1
            elif names:
                parts.append(np.full((len(parts[0]), len(names)), np.nan))
        return np.hstack(parts)

    def _one(
        self, hours: Hours, X: NDArray[np.float64], outputs: NDArray[np.float64] | None, t: float
    ) -> None:
        if self._held and t // HOUR != self._times[self._held - 1] // HOUR:
            self._flush()
        row = self._buffer[self._held]
        d = hours.learned.inputs
        row[:d] = X
        row[d:] = np.nan if outputs is None else outputs
        self._times[self._held] = t
        self._held += 1
        if self._held == _BUFFER:
            self._flush()

    def _flush(self) -> None:
        n, self._held = self._held, 0
        if n and self._hours is not None:
            self._hours.take(self._buffer[:n], self._times[:n], self._clock())
