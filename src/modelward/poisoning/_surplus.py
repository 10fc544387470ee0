"""How much evidence it is that all surplus rows of a cell have one label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._cells import HARD

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEPS = 60


@dataclass(frozen=True)
class Told:
    """What one source leads to expect: a Poisson count, and how often it counts; single figures or a table's cells."""

    count: NDArray[np.float64]
    times: NDArray[np.float64]

    @property
    def mean(self) -> NDArray[np.float64]:
        """How many rows that is."""
        return self.count * self.times

    def at(self, *cell: int) -> Told:
        """Return one cell of a table."""
        return Told(self.count[cell], self.times[cell])

    def and_(self, other: Told) -> Told:
        """Return both together."""
        return Told(self.count + other.count, 1 / (1 / self.times + 1 / other.times))


def nats_of_surplus(h: int, m: int, told: tuple[Told, Told], rate: float) -> float:
    """Return the log likelihood ratio of a surplus that all has a label to one that has it at a given rate.

    Parameters
    ----------
    h, m : int
        Rows with the label and without it.
    told : pair of Told
        What is expected of both, but for a surplus of any size.
    rate : float
        The label's rate in an honest surplus.

    Examples
    --------
    >>> ten, thirty = Told(np.float64(10), np.float64(1)), Told(np.float64(30), np.float64(1))
    >>> nats_of_surplus(60, 30, (ten, thirty), 0.25) > 15 > 5 > nats_of_surplus(30, 90, (ten, thirty), 0.25)
    True
    """
    return _best(h, m, told, 1 - HARD) - _best(h, m, told, rate)


def _best(h: int, m: int, told: tuple[Told, Told], rate: float) -> float:
    size = np.linspace(0, h + m, _STEPS)
    for _ in range(2):
        total = _profile(h, told[0], size * rate) + _profile(m, told[1], size * (1 - rate))
        at = int(np.argmax(total))
        size = np.linspace(size[max(at - 1, 0)], size[min(at + 1, _STEPS - 1)], _STEPS)
    return float(total.max())


def _profile(count: int, told: Told, extra: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log likelihood of two Poisson counts, one with a surplus, at their best common mean.

    The mean t of the other solves ``other / t - 1 + times * count / (times * t + extra) - times = 0``.
    """
    a = told.times * (1 + told.times)
    b = extra * (1 + told.times) - told.times * (told.count + count)
    t = np.maximum((-b + np.sqrt(b * b + 4 * a * told.count * extra)) / (2 * a), 1e-9)
    mean = np.maximum(told.times * t + extra, 1e-9)
    return np.asarray(told.count * np.log(t) - t + count * np.log(mean) - mean)
