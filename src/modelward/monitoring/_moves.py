"""Moves: how far a series went in the last weeks, beyond how far its level wanders by itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from modelward.monitoring._kernels import WEEK

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelward.monitoring._standing import Standing

LEAST_HOURS = WEEK
"""Hours of a series below which no move is stated."""
_METHOD = "Student t over the weekly moves of the level in the reference, which wanders by itself"


@dataclass(frozen=True)
class Move:
    """The mean of the last weeks against the learned level, relative to what is usual; knows its interval.

    Parameters
    ----------
    series : str
    usual, now : float
        In the unit of the series.
    step : float
        From the learned level, in the unit of the normal.
    error : float
        Of the step, if the level only wanders.
    n : int
        Hours behind it.
    weeks : int
        Weekly moves behind the error, and one.
    relative : callable
        From a step to its size relative to what is usual.
    """

    series: str
    usual: float
    now: float
    step: float
    error: float
    n: int
    weeks: int
    relative: Callable[[float], float]
    method: str = _METHOD

    @property
    def value(self) -> float:
        """The move, relative to what is usual: 0.1 is a tenth up."""
        return self.relative(self.step)

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return where the move lies that is more than wandering."""
        half = float(special.stdtrit(self.weeks - 1, 0.5 + confidence / 2)) * self.error
        return self.relative(self.step - half), self.relative(self.step + half)


@dataclass(frozen=True)
class _OfAnother:
    """A figure that is read off another estimate: of the same rows, by the same method."""

    of: Move

    @property
    def n(self) -> int:
        """The same rows."""
        return self.of.n

    @property
    def method(self) -> str:
        """The same method."""
        return self.of.method


@dataclass(frozen=True)
class Turned(_OfAnother):
    """Another estimate with its sign turned."""

    @property
    def value(self) -> float:
        """Minus the other's."""
        return -self.of.value

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the other's, turned."""
        low, high = self.of.interval(confidence)
        return -high, -low


@dataclass(frozen=True)
class Size(_OfAnother):
    """How large a move is, either way."""

    @property
    def value(self) -> float:
        """Without its sign."""
        return abs(self.of.value)

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the distance of the interval from nothing, and of its farther end."""
        low, high = self.of.interval(confidence)
        return max(0.0, low, -high), max(abs(low), abs(high))


@dataclass(frozen=True)
class Both:
    """The smaller of two figures: it is above a limit only if both are.

    The lower end needs both lower ends (an intersection–union test, Berger 1982), the upper end is of either, at half
    of the error.

    Examples
    --------
    >>> from modelward.stats import Normal
    >>> both = Both(Normal(3.0, 0.5, 10), Normal(1.0, 0.1, 10))
    >>> both.value, [round(end, 2) for end in both.interval(0.95)]
    (1.0, [0.8, 1.22])
    """

    first: Move | Turned
    second: Move | Turned

    @property
    def value(self) -> float:
        """The smaller one."""
        return min(self.first.value, self.second.value)

    @property
    def n(self) -> int:
        """The fewer hours."""
        return min(self.first.n, self.second.n)

    @property
    def method(self) -> str:
        """That both are needed."""
        return f"smaller of two (intersection–union); each: {self.first.method}"

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the lower of the lower ends, and the lower of the upper ends at half of the error."""
        wider = (1 + confidence) / 2
        low = min(e.interval(confidence)[0] for e in (self.first, self.second))
        return low, min(e.interval(wider)[1] for e in (self.first, self.second))


def move_of(standing: Standing, series: str) -> Move | None:
    """Return how far a watched series moved; None where under a week of it was judged, or nothing was learned.

    A level that wanders by itself goes farther the longer ago it was learned: the error grows with the root of the
    weeks since, and its size is read off the reference's own weeks.

    Parameters
    ----------
    standing : Standing
    series : str
    """
    hours = standing._fitted()  # noqa: SLF001 - the same room
    normal, learned = hours.watch.normal, hours.learned
    j = learned.names.index(series)
    left = standing.away[:, j]
    there = np.isfinite(left)
    if normal is None or int(there.sum()) < LEAST_HOURS:
        return None
    first = standing.judged.first
    gap = max(0, first - learned.first - learned.hours) / WEEK
    # Whole days, so that no hour of the day counts more than others.
    step = float(np.mean(left[there]))
    weeks = max(2, learned.hours // WEEK)
    error = float(normal.drift[j]) * math.sqrt(1.0 + gap + len(left) / WEEK / 3)
    level = float(np.median(normal.season[:, j]) + normal.level[j])
    usual, moved = (_natural(standing, j, level + s) for s in (0.0, step))
    spread = float(np.nanstd(learned.natural(_row(standing, normal.season + normal.level))[:, j]))
    noise = float(np.median(normal.scale[:, j]) / math.sqrt(1 - float(normal.memory[j]) ** 2))
    spread = max(spread, abs(_natural(standing, j, level + noise) - usual))
    size = abs(usual) if abs(usual) >= spread else max(spread, 1e-300)

    def relative(step: float) -> float:
        return (_natural(standing, j, level + step) - usual) / size

    return Move(series, usual, moved, step, error, int(there.sum()), weeks, relative)


def _natural(standing: Standing, j: int, value: float) -> float:
    return standing._fitted().learned.natural_of(j, value)  # noqa: SLF001 - the same room


def _row(standing: Standing, values: np.ndarray) -> np.ndarray:
    return np.asarray(values).reshape(-1, len(standing.series))
