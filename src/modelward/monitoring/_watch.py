"""A watch over hourly series whose thresholds come from replaying the user's own unused weeks.

Theorems about false alarms assume independence that real traffic breaks; what a setting did on weeks that it had not
learned from needs no assumption but that coming weeks resemble them.
"""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import InputError
from modelward.monitoring._folds import HELD, fold_peaks, limits
from modelward.monitoring._kernels import BEYOND, PLAIN, WEEK, WITHIN, judge
from modelward.monitoring._normal import DAY, Normal, State
from modelward.monitoring._occurrences import EventHour
from modelward.monitoring._thresholds import DETECTORS, LEAST_WEEKS, Alarm, Thresholds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_SETTLES = 2 * WEEK
_LEAST_SHARE = 0.5
_IN_EVENT = {PLAIN: None, WITHIN: True, BEYOND: False}


class Watch:
    """Watch S hourly series together.

    Parameters
    ----------
    names : sequence of str
        Of the series.

    Attributes
    ----------
    days : ndarray of float64, shape (D, S)
        After `fit`, the largest fast score of each day of the held-out weeks that set the thresholds.

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
        self._limits = np.full((3, len(self.names)), np.inf)
        self._settling = np.zeros(len(self.names))
        self._side = np.zeros((2, len(self.names)))
        s = len(self.names)
        never, nothing = np.zeros(s, dtype=bool), np.zeros(s)
        self._ordinary = (never, never, nothing, np.zeros((2, s)))
        self.days = np.zeros((0, s))
        self._scores, self._usual = np.zeros((3, s)), np.zeros(s)
        self._loud, self._again = np.zeros((3, s), np.int64), np.zeros((3, s), bool)
        self.thresholds = Thresholds(np.inf, np.inf, 0, 0, 0)

    def fit(
        self,
        Y: NDArray[np.float64],
        *,
        start: int,
        events: NDArray[np.bool_] | None = None,
        groups: Sequence[str] | None = None,
        even: Sequence[str] = (),
    ) -> Watch:
        """Learn the normal and the thresholds.

        Parameters
        ----------
        Y : ndarray of float64, shape (T, S)
            An hour a row, without gaps; NaN (or infinite) where nothing was measured.
        start : int
            Hour of the week of the first row.
        events : ndarray of bool, shape (T,) or (T, S), optional
            Hours that are not normal; they neither train the normal nor set a threshold.
        groups : sequence of str, length S, optional
            Series of one group share thresholds; all do if it is not given.
        even : sequence of str, optional
            Groups whose series are alike, such as means of many rows: creep in them is seen earlier.

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
            self._limits = np.full((3, len(self.names)), np.inf)
            self.thresholds = Thresholds(np.inf, np.inf, 0, 0, 0)
            return self
        thin = np.isfinite(Y).mean(axis=0) < _LEAST_SHARE
        if thin.any():
            name = self.names[int(np.argmax(thin))]
            raise InputError(f"series {name!r} has less than half of its hours: leave it out")
        folds = fold_peaks(Y, phase)
        kinds, of = np.unique(list(groups) if groups else [""] * len(self.names), return_inverse=True)
        alike = frozenset(np.flatnonzero(np.isin(kinds, list(even))).tolist())
        alarms = sum(
            int((folds[k].highest > limits(folds[:k], of, alike)[0]).sum()) for k in range(1, len(folds))
        )
        self._limits, wild, used = limits(folds, of, alike)
        fast, slow, reference = np.min(self._limits, axis=1).tolist()
        self.thresholds = Thresholds(
            fast, slow, min(HELD, len(folds)), len(folds) - 1, alarms, reference,
            tuple(self.names[j] for j in np.flatnonzero(wild).tolist()), *(tuple(m) for m in used.T.tolist()),
        )  # fmt: skip
        self.days = np.concatenate([f.days for f in folds[-HELD:]])
        self._normal = Normal.fit(Y, phase)
        self._state = State.start(self._normal)
        return self

    @property
    def normal(self) -> Normal | None:
        """What is normal; None without history."""
        return self._normal

    def accept(self, j: int, level: float) -> None:
        """Take a level of series j, over which its season stands, as the new normal from now on.

        For two weeks the frozen reference of the series follows: a level read off a few hours is not yet known well.
        """
        if self._normal is not None and self._state is not None:
            frozen = self._normal.level.copy()
            frozen[j] = self._state.level[j] = level
            self._state.last[j] = 0.0
            self._state.sums[:, j] = 0.0
            self._normal = replace(self._normal, level=frozen)
            self._settling[j] = _SETTLES
            self._side[:, j] = 0.0

    @property
    def jump_limits(self) -> NDArray[np.float64]:
        """From how many σ of an hour's innovation on the fast detector alarms, shape (S,)."""
        return np.asarray(self._limits[0])

    @property
    def phase(self) -> int:
        """Hour of the week of the next hour."""
        return self._phase

    @property
    def sufficient(self) -> bool:
        """Whether there was history enough to alarm at all."""
        return self._normal is not None

    @property
    def promise(self) -> str:
        """What may be expected of the thresholds, and why, in a sentence."""
        return self.thresholds.promise

    @property
    def smallest_jump(self) -> NDArray[np.float64]:
        """The jump of each series, in its own unit, that the fast detector sees within the hour, shape (S,).

        Infinite without history.
        """
        if self._normal is None:
            return np.full(len(self.names), np.inf)
        return np.asarray(self._limits[0] * np.median(self._normal.scale, axis=0))

    def expect(self, past: EventHour | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what the next hour should bring, and how far from that the fast detector alarms, shapes (S,).

        NaN without history.
        """
        normal, state = self._normal, self._state
        if normal is None or state is None:
            nothing = np.full(len(self.names), np.nan)
            return nothing, nothing
        expected = normal.season[self._phase] + state.level + normal.memory * state.last
        limit = self._limits[0]
        if past is not None:
            expected = expected + past.effect
            limit = np.where(past.known, np.max(past.limit, axis=0), limit)
        return expected, limit * normal.scale[self._phase % DAY]

    def observe(
        self, y: NDArray[np.float64], held: NDArray[np.bool_] | EventHour | None = None
    ) -> tuple[Alarm, ...]:
        """Take in the next hour and return the alarms that it raises, by series and detector.

        Parameters
        ----------
        y : ndarray of float64, shape (S,)
            NaN where nothing was measured.
        held : ndarray of bool, shape (S,), or EventHour, optional
            Series in which an event goes on: a jump is told, and nothing is learned from it; with what the event
            did before it is judged by that.

        Raises
        ------
        InputError
            If the shape does not fit.
        """
        y = np.array(y, dtype=np.float64)
        s = len(self.names)
        if y.shape != (s,):
            raise InputError(f"an hour of shape {y.shape} does not fit {s} series")
        phase, self._phase = self._phase, (self._phase + 1) % WEEK
        normal, state = self._normal, self._state
        if normal is None or state is None:
            return ()
        past = held if isinstance(held, EventHour) else None
        in_event = self._ordinary
        if past is not None:
            in_event = (past.held, past.known, past.effect, past.limit)
        elif held is not None:
            in_event = (np.asarray(held, dtype=bool), *self._ordinary[1:])
        state.hours += 1
        scores, loud, again, expected = self._scores, self._loud, self._again, self._usual
        if not judge(
            y, normal.season[phase], normal.scale[phase % DAY], normal.memory, normal.level, normal.drift, state.hours,
            state.level, state.last, state.sums, self._settling, self._side,
            self._limits, *in_event, scores, loud, again, expected,
        ):  # fmt: skip
            return ()
        out = []
        for d, j in np.argwhere(loud).tolist():
            kind = int(loud[d, j])
            beyond = past is not None and kind == BEYOND
            side = int(scores[d, j] < 0)
            limit, moved = (
                (past.limit[side, j], past.effect[j]) if past and beyond else (self._limits[d, j], 0.0)
            )
            out.append(
                Alarm(
                    self.names[j], DETECTORS[d], float(scores[d, j]), float(limit), float(y[j]),
                    float(expected[j] + moved), bool(again[d, j]), _IN_EVENT[kind],
                )
            )  # fmt: skip
        return tuple(out)

    def skip(self, hours: int) -> None:
        """Pass over hours in which nothing was watched at all."""
        self._phase = (self._phase + hours) % WEEK
        if self._state is not None:
            self._state.hours += hours
            self._state.last = np.zeros_like(self._state.last)

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Return copies of where the watch is, for `restore`."""
        s, normal = self._state, self._normal
        clock = np.array([float(self._phase), float(s.hours if s else 0)])
        if s is None or normal is None:
            return {"clock": clock}
        held = {
            "level": s.level, "last": s.last, "sums": s.sums, "frozen": normal.level,
            "settling": self._settling, "side": self._side,
        }  # fmt: skip
        return {"clock": clock} | {name: array.copy() for name, array in held.items()}

    def restore(self, held: Mapping[str, NDArray[np.float64]]) -> None:
        """Go on from where `state` was taken.

        Raises
        ------
        InputError
            If it is the state of another watch.
        """
        try:
            phase, hours = (int(v) for v in held["clock"])
            if self._state is not None and self._normal is not None:
                names = ("level", "last", "frozen", "settling")
                parts = [np.array(held[k], dtype=np.float64) for k in names]
                if {p.shape for p in parts} != {(len(self.names),)}:
                    raise ValueError
                sums = np.array(held["sums"], dtype=np.float64).reshape(4, len(self.names))
                self._state = State(parts[0], parts[1], sums, hours)
                self._normal = replace(self._normal, level=parts[2])
                self._settling = parts[3]
                self._side = np.array(held["side"], dtype=np.float64).reshape(2, len(self.names))
        except (KeyError, ValueError, TypeError):
            raise InputError("the state is of another watch: fit it anew") from None
        self._phase = phase % WEEK

    def learned(self) -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
        """Return what `fit` learned, for `from_learned`: what goes into JSON, and the arrays."""
        meta = asdict(self.thresholds) | {"names": list(self.names)}
        if self._normal is None:
            return meta, {}
        parts = {f.name: getattr(self._normal, f.name) for f in fields(self._normal)}
        return meta, parts | {"limits": self._limits}

    @classmethod
    def from_learned(cls, meta: Mapping[str, Any], held: Mapping[str, NDArray[np.float64]]) -> Watch:
        """Return the watch that `learned` was taken of; `restore` tells it where it was.

        Raises
        ------
        InputError
            If it is none.
        """
        try:
            out = cls(meta["names"])
            numbers = {f.name: meta[f.name] for f in fields(Thresholds)}
            out.thresholds = Thresholds(**numbers | {k: tuple(meta[k]) for k in ("wild", "margins", "most")})
            if held:
                parts = {f.name: np.array(held[f.name], dtype=np.float64) for f in fields(Normal)}
                s = len(out.names)
                if parts["season"].shape != (WEEK, s) or held["limits"].shape != (3, s):
                    raise ValueError
                out._normal, out._limits = Normal(**parts), np.array(held["limits"], dtype=np.float64)
                out._state = State.start(out._normal)
        except (KeyError, ValueError, TypeError, AttributeError):
            raise InputError("what is stored is no watch: fit it anew") from None
        return out
