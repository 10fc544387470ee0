"""Recorder: writes a monitor into its store from a thread of its own, so that no request waits for a disk."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from modelward.errors import InputError, UsageError
from modelward.monitoring._decisions import decide
from modelward.monitoring._saved import pack, state_of
from modelward.monitoring._store import Batch

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelward.monitoring._decisions import Decision
    from modelward.monitoring._hours import Hours, Window
    from modelward.monitoring._store import Store

_MOST_WINDOWS = 1_000


class Recorder:
    """Writes every so many seconds; what it could not write it keeps, bounded, and says so.

    Parameters
    ----------
    hours : Hours
    store : Store
    lock : RLock
        Held while `hours` changes; the recorder holds it while it copies, never while it writes.
    every : float
        Seconds: what is lost at most when the process is killed.
    flush : callable
        Takes in what still waits; called with the lock held.
    owned : bool
        Whether the store is closed with the recorder.
    """

    def __init__(
        self,
        hours: Hours,
        store: Store,
        lock: threading.RLock,
        every: float,
        flush: Callable[[], None],
        *,
        owned: bool,
    ) -> None:
        self.store, self.problem = store, ""
        self._hours, self._lock, self._every = hours, lock, every
        self._flush, self._owned, self._said = flush, owned, len(hours.decisions)
        self._pending: deque[Window] = deque()
        self._writing, self._stop = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="modelward store", daemon=True)
        self._thread.start()

    def note(self, window: Window) -> None:
        """Take in a judged hour; called with the lock held."""
        if len(self._pending) == _MOST_WINDOWS:
            self._pending.popleft()
            self._hours.dropped["hours that were not stored, the oldest"] += 1
        self._pending.append(window)

    def unwritten(self) -> tuple[Window, ...]:
        """Return the judged hours that are not in the file."""
        return tuple(self._pending)

    def write(self) -> None:
        """Write now.

        Raises
        ------
        InputError
            If it could not be written; nothing is lost by that.
        """
        with self._writing:
            waiting = self.store.waiting()
            with self._lock:
                self._flush()
                followed = tuple(k for k, decision in waiting.items() if self._follow(decision))
                meta, arrays = state_of(self._hours)
                windows, alerts = tuple(self._pending), self._hours.book.changed()
                decisions = tuple(self._hours.decisions[self._said :])
            self.store.write(Batch(pack(meta, arrays), windows, alerts, decisions, followed))
            with self._lock:
                done = {w.hour for w in windows}
                self._pending = deque(w for w in self._pending if w.hour not in done)
                self._hours.book.settled(alerts)
                self._said += len(decisions)

    def _follow(self, decision: Decision) -> bool:
        """Follow what somebody decided beside this process; say whether it could be, else it goes on waiting."""
        if decision in self._hours.decisions:
            return True
        try:
            decide(self._hours, decision)
        except (InputError, UsageError):
            return False
        return True

    def close(self) -> None:
        """Write a last time and stop.

        Raises
        ------
        InputError
            If it could not be written.
        """
        self._stop.set()
        self._thread.join()
        try:
            self.write()
        finally:
            if self._owned:
                self.store.close()

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self.write()
                self.problem = ""
            except InputError as error:
                self.problem = str(error)
            except Exception as error:  # noqa: BLE001 - a full disk must not end the thread
                self.problem = f"store {self.store.path}: {type(error).__name__}"
