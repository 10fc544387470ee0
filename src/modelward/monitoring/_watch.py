"""A watch over hourly series whose thresholds come from replaying the user's own unused weeks.

Theorems about false alarms assume independence that real traffic breaks; what a setting did on weeks that it had not
learned from needs no assumption but that coming weeks resemble them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from modelward.errors import InputError
from modelward.monitoring._normal import WEEK, Normal, State, peaks, step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MARGIN = 1.15
"""Thresholds lie so far above the largest score of the held-out weeks."""
LEAST_WEEKS = 8
_SPAN = 4
"""Weeks that are learned from at least, and that each fold holds out."""
_LEAST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Alarm:
    """A series that left its normal.

    Parameters
    ----------
    series : str
    detector : {"fast", "slow"}
        A jump within the hour, or a move that hours added up to.
    score, threshold : float
        In standard deviations of an hour's innovation.
    value, expected : float
        What was measured, and what the season and the level gave to expect.
    """

    series: str
    detector: Literal["fast", "slow"]
    score: float
    threshold: float
    value: float
    expected: float


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where the detectors alarm, and what stands behind it.

    Parameters
    ----------
    fast, slow : float
        Infinite if the history is insufficient.
    folds : int
        Spans of four weeks that were held out, one after another.
    tested : int
        Of those the ones that thresholds from earlier folds alone were tried on.
    alarms : int
        Series that alarmed in those, counted by series and detector.
    """

    fast: float
    slow: float
    folds: int
    tested: int
    alarms: int


class Watch:
    """Watch S hourly series together.

    Parameters
    ----------
    names : sequence of str
        Of the series.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> hours = np.arange(9 * 168)
    >>> y = np.sin(hours / 24 * 2 * np.pi)[:, None] + 0.1 * rng.normal(size=(len(hours), 2))
    >>> watch = Watch(["orders", "logins"]).fit(y[:-1], start=0)
    >>> watch.observe(y[-1])
    ()
    >>> [alarm.series for alarm in watch.observe(np.array([9.0, 0.0]))]
    ['orders']
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        if len(set(self.names)) != len(self.names) or not self.names:
            raise InputError("a watch needs series with different names")
        self._normal: Normal | None = None
        self._state: State | None = None
        self._phase = 0
        self.thresholds = Thresholds(np.inf, np.inf, 0, 0, 0)

    def fit(self, Y: NDArray[np.float64], *, start: int, events: NDArray[np.bool_] | None = None) -> Watch:
        """Learn the normal and the thresholds.

        Parameters
        ----------
        Y : ndarray of float64, shape (T, S)
            An hour a row, without gaps; NaN (or infinite) where nothing was measured.
        start : int
            Hour of the week of the first row.
        events : ndarray of bool, shape (T,) or (T, S), optional
            Hours that are not normal; they neither train the normal nor set a threshold.

        Raises
        ------
        InputError
            If the shapes do not fit, or a series has less than half of its hours.
        """
        Y = np.array(Y, dtype=np.float64)
        if Y.ndim != 2 or Y.shape[1] != len(self.names):
            raise InputError(f"hours of shape {Y.shape} do not fit {len(self.names)} series")
        Y[~np.isfinite(Y)] = np.nan
        if events is not None:
            events = np.asarray(events, dtype=bool)
            if events.shape not in ((len(Y),), Y.shape):
                raise InputError(f"events of shape {events.shape} do not fit hours of shape {Y.shape}")
            Y[np.broadcast_to(events if events.ndim == 2 else events[:, None], Y.shape)] = np.nan
        phase = (start + np.arange(len(Y))) % WEEK
        self._phase = int((start + len(Y)) % WEEK)
        if len(Y) < LEAST_WEEKS * WEEK:
            self._normal = self._state = None
            self.thresholds = Thresholds(np.inf, np.inf, 0, 0, 0)
            return self
        thin = np.isfinite(Y).mean(axis=0) < _LEAST_SHARE
        if thin.any():
            name = self.names[int(np.argmax(thin))]
            raise InputError(f"series {name!r} has less than half of its hours: leave it out")
        folds = fold_peaks(Y, phase)
        each = [(float(fast.max()), float(slow.max())) for fast, slow in folds]
        alarms = sum(
            int((folds[k][d] > MARGIN * max(e[d] for e in each[:k])).sum())
            for k in range(1, len(folds))
            for d in (0, 1)
        )
        self.thresholds = Thresholds(
            MARGIN * max(e[0] for e in each),
            MARGIN * max(e[1] for e in each),
            len(folds),
            len(folds) - 1,
            alarms,
        )
        self._normal = Normal.fit(Y, phase)
        self._state = State.start(self._normal)
        return self

    @property
    def sufficient(self) -> bool:
        """Whether there was history enough to alarm at all."""
        return self._normal is not None

    @property
    def promise(self) -> str:
        """What may be expected of the thresholds, and why, in a sentence."""
        t = self.thresholds
        if not self.sufficient:
            return f"insufficient history: under {LEAST_WEEKS} weeks, so nothing alarms"
        weeks = _SPAN * t.folds
        if not t.tested:
            return (
                f"thresholds are {MARGIN} × the largest score of {weeks} held-out weeks; they are too few to count "
                "false alarms on as well; expected about 1 in 30 days if coming weeks resemble them"
            )
        return (
            f"on the last {_SPAN * t.tested} held-out weeks thresholds from the weeks before them raised {t.alarms} "
            f"alarms, counted by series and detector; today's are {MARGIN} × the largest score of all {weeks}; "
            "expected at most 1 in 30 days if coming weeks resemble them"
        )

    @property
    def smallest_jump(self) -> NDArray[np.float64]:
        """The jump of each series, in its own unit, that the fast detector sees within the hour, shape (S,).

        Infinite without history.
        """
        if self._normal is None:
            return np.full(len(self.names), np.inf)
        return np.asarray(self.thresholds.fast * np.median(self._normal.scale, axis=0))

    def observe(self, y: NDArray[np.float64]) -> tuple[Alarm, ...]:
        """Take in the next hour and return the alarms that it raises, by series and detector.

        Parameters
        ----------
        y : ndarray of float64, shape (S,)
            NaN where nothing was measured.

        Raises
        ------
        InputError
            If the shape does not fit.
        """
        y = np.asarray(y, dtype=np.float64)
        if y.shape != (len(self.names),):
            raise InputError(f"an hour of shape {y.shape} does not fit {len(self.names)} series")
        phase, self._phase = self._phase, (self._phase + 1) % WEEK
        normal, state = self._normal, self._state
        if normal is None or state is None:
            return ()
        expected = normal.season[phase] + state.level + normal.memory * state.last
        z = step(normal, state, y, phase)
        sums = np.maximum(state.up, state.down)
        loud = sums > self.thresholds.slow
        out = [
            Alarm(
                self.names[j], "fast", abs(float(z[j])), self.thresholds.fast, float(y[j]), float(expected[j])
            )
            for j in np.flatnonzero(np.abs(z) > self.thresholds.fast).tolist()
        ]
        out += [
            Alarm(
                self.names[j], "slow", float(sums[j]), self.thresholds.slow, float(y[j]), float(expected[j])
            )
            for j in np.flatnonzero(loud).tolist()
        ]
        state.up[loud] = state.down[loud] = 0.0
        return tuple(out)


def fold_peaks(
    Y: NDArray[np.float64], phase: NDArray[np.int64]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Replay walk-forward: learn from the first weeks, replay the next four, learn from those as well, and so on.

    Returns
    -------
    list of (fast, slow)
        Largest scores of each series in each fold, shapes (S,). The last folds end with the history.
    """
    weeks = len(Y) // WEEK
    first = len(Y) - WEEK * _SPAN * ((weeks - _SPAN) // _SPAN)
    out = []
    for begin in range(first, len(Y), WEEK * _SPAN):
        normal = Normal.fit(Y[:begin], phase[:begin])
        out.append(peaks(normal, Y[begin : begin + WEEK * _SPAN], phase[begin : begin + WEEK * _SPAN]))
    return out
