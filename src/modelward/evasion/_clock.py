"""A limit in seconds for compiled searches, which cannot look at a clock themselves."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOOK = 0.0005
"""Seconds between two looks at the clock when the end is near."""


class Clock:
    """Watches the processor time of the thread that made it, and sets `stop` when it has had its seconds.

    Compiled code lets other threads run, so a thread of its own looks at the clock. It sleeps for as long as is left,
    since no thread takes processor time faster than time goes by: looking every so often took a tenth of the search's
    own time. Where a thread's processor time cannot be read from outside, the time on the wall counts.
    """

    def __init__(self, seconds: float | None) -> None:
        self.stop: NDArray[np.bool_] = np.zeros(1, dtype=np.bool_)
        self._seconds = seconds
        self._end = np.inf
        self._closed = threading.Event()
        reader = getattr(time, "pthread_getcpuclockid", None)
        self._id = None if reader is None else reader(threading.get_ident())

    def __enter__(self) -> Self:
        if self._seconds is not None:
            threading.Thread(target=self._watch, args=(self._seconds,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()

    def start(self) -> None:
        """Begin a search's seconds."""
        if self._seconds is not None:
            self._end = np.inf
            self.stop[0] = False
            self._end = self._now() + self._seconds

    def _now(self) -> float:
        return time.perf_counter() if self._id is None else time.clock_gettime(self._id)

    def _watch(self, seconds: float) -> None:
        wait = 0.0
        while not self._closed.wait(wait):
            left = self._end - self._now()
            if left <= 0:
                self.stop[0] = True
            # A search that begins meanwhile has all of its seconds, so its end is not slept through.
            wait = max(_LOOK, min(left if left > 0 else _LOOK, seconds))
