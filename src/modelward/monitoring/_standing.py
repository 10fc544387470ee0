"""Standing: what the store of a monitor says of a service, read while the service may go on writing to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from modelward.errors import InputError
from modelward.monitoring._described import Described
from modelward.monitoring._kernels import WEEK
from modelward.monitoring._saved import unpack_hours
from modelward.monitoring._store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from modelward.monitoring._alerts import Alert
    from modelward.monitoring._declared import Proxy
    from modelward.monitoring._hours import Hours, Window
    from modelward.monitoring._performance import Performance

SPAN = 28 * 24
"""The hours that count: what is older is history."""
_THURSDAY = 72


@dataclass(frozen=True)
class Judged:
    """The last four weeks of a monitor.

    Parameters
    ----------
    first, last : int
        Hours since 1970; the last hour that was judged.
    hours : int
        How many were judged.
    rows : int
        In them.
    dropped : int
        Rows and figures that were never taken in, since the monitor began.
    """

    first: int
    last: int
    hours: int
    rows: int
    dropped: int


class Standing(Described):
    """A monitor as its store holds it.

    Parameters
    ----------
    hours : Hours
        What was learned, and where it is.
    windows : tuple of Window
        The last four weeks that were judged.
    alerts : tuple of Alert
        Of that time, by their start.
    """

    def __init__(self, hours: Hours, windows: tuple[Window, ...], alerts: tuple[Alert, ...]) -> None:
        self._hours = hours
        self.windows, self.alerts = windows, alerts

    @property
    def judged(self) -> Judged:
        """What was judged."""
        dropped = sum(n for reason, n in self._fitted().dropped.items() if not reason.startswith("alerts"))
        if not self.windows:
            return Judged(0, -1, 0, 0, dropped)
        rows = sum(w.rows for w in self.windows)
        return Judged(self.windows[0].hour, self.windows[-1].hour, len(self.windows), rows, dropped)

    @property
    def proxies(self) -> tuple[Proxy, ...]:
        """Figures that the model is optimised for, with what they stand for."""
        return self._fitted().learned.proxies

    @property
    def intended(self) -> tuple[str, ...]:
        """Business figures that the model is meant to move."""
        return self._fitted().learned.intended

    @property
    def performance(self) -> tuple[Performance, ...]:
        """How often the model was right, hour by hour, in the time that counts."""
        begin = self.judged.first
        return tuple(p for p in self._fitted().ledger.all() if p.hour >= begin)

    @property
    def open_alerts(self) -> tuple[Alert, ...]:
        """Those that no event explains and that nobody called a false alarm or the new normal."""
        settled = {d.alert for d in self.decisions() if d.verdict != "incident"}
        return tuple(a for a in self.alerts if not a.explained and a.id not in settled)

    def series_of(self, metric: str) -> str:
        """Return the watched series that a figure, a column (its mean) or a series is."""
        return self._fitted().learned.series_of(metric)

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """What was measured, shape (T, S), an hour a row from `judged.first`; NaN where there is none."""
        return self._grid("value")

    def _grid(self, what: str) -> NDArray[np.float64]:
        judged = self.judged
        out = np.full((judged.last - judged.first + 1, len(self.series)), np.nan)
        for w in self.windows:
            out[w.hour - judged.first] = getattr(w, what)
        return out

    @cached_property
    def away(self) -> NDArray[np.float64]:
        """How far each hour is from season and learned level, in the unit of the normal, shape (T, S)."""
        hours, judged = self._fitted(), self.judged
        normal = hours.watch.normal
        if normal is None or not self.windows:
            return np.full(self.values.shape, np.nan)
        phase = (judged.first + _THURSDAY + np.arange(len(self.values))) % WEEK
        return hours.learned.turned(self.values) - normal.season[phase] - normal.level


def read_standing(path: str | Path) -> Standing:
    """Read what the store of a monitor says.

    Raises
    ------
    InputError
        If it cannot be read, holds no monitor, or is damaged.
    """
    store = Store(path, read_only=True)
    try:
        hours = unpack_hours(*store.monitor())
        hours.decisions += (*store.decisions(), *store.waiting().values())
        windows = store.windows()
        last = windows[-1].hour if windows else -1
        windows = tuple(w for w in windows if w.hour > last - SPAN)
        begin = windows[0].hour * 3600 if windows else 0
        alerts = tuple(a for a in store.alerts() if a.end >= begin)
    finally:
        store.close()
    wrong = [w for w in windows if not len(w.value) == len(w.low) == len(w.high) == len(hours.learned.names)]
    if wrong:
        raise InputError(f"store {path} is damaged: its hours do not fit its series")
    return Standing(hours, windows, alerts)
