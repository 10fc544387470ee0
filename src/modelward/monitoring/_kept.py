"""Kept: where a monitor is kept, and who is told of its alerts."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Self

from modelward.errors import InputError
from modelward.monitoring._clock import Gate
from modelward.monitoring._described import Described
from modelward.monitoring._intake import Intake
from modelward.monitoring._metrics import exposition
from modelward.monitoring._recorder import Recorder
from modelward.monitoring._saved import pack, pack_learned, state_of, unpack_hours
from modelward.monitoring._store import Store
from modelward.monitoring._webhook import Notifier

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from modelward.monitoring._alerts import Alert
    from modelward.monitoring._hours import Hours, Window


class Kept(Described):
    """Base of `Monitor`: its store, its notices and its metrics.

    Parameters
    ----------
    lateness, clock, keep
        As `Monitor` has them.
    """

    def __init__(self, lateness: int, clock: Callable[[], float], keep: int) -> None:
        if not 0 <= lateness <= 48:
            raise InputError(f"rows may be 0 to 48 hours late, not {lateness}")
        self._clock, self._lock, self._keep = clock, threading.RLock(), keep
        self._gate = Gate(lateness)
        self.dropped: Counter[str] = self._gate.dropped
        self._intake: Intake | None = None
        self._recorder: Recorder | None = None
        self._notifier: Notifier | None = None

    def _start(self, hours: Hours) -> None:
        self._hours = hours
        self._intake = Intake(hours, self._clock)

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
    ) -> Self:
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
        self._stop_recording()

    def _stop_recording(self) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is not None and self._hours is not None:
            with self._lock:
                self._flush()
                self._hours.told = None
            recorder.close()

    def _record(self, store: Store, every: float, *, owned: bool) -> None:
        hours, before = self._fitted(), self._recorder
        unwritten: tuple[Window, ...] = ()
        if before is not None:
            try:
                self._stop_recording()
            except InputError:
                # The file before is gone or broken, which is why there is another: what it lacks goes along.
                unwritten = before.unwritten()
        self._recorder = Recorder(hours, store, self._lock, every, self._flush, owned=owned)
        with self._lock:
            for window in unwritten:
                self._recorder.note(window)
            hours.told = self._recorder.note

    def _flush(self) -> None:
        if self._intake is not None:
            self._intake.flush()
