"""Thin traffic: where an hour alone has too few rows, means and shares are taken over the last few hours together."""

from __future__ import annotations

from collections import deque
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from modelward.monitoring._reading import LEAST_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from modelward.profiles import Profile

WIDTHS = (1, 2, 3, 6, 12, 24)
"""Hours that are taken together."""
_ENOUGH = 0.9


def width_of(rows: NDArray[np.float64]) -> int:
    """Return how many hours are taken together: so few that nine of ten stretches have rows enough, 24 at most.

    Parameters
    ----------
    rows : ndarray of float64, shape (T,)
        Of each hour of the reference.

    Examples
    --------
    >>> [width_of(np.full(1000, rows)) for rows in (20.0, 8.0, 4.0, 0.1)]
    [1, 3, 6, 24]
    """
    total = np.concatenate([[0.0], np.cumsum(rows)])
    for width in WIDTHS:
        if len(total) > width and float(np.mean(total[width:] - total[:-width] >= LEAST_ROWS)) >= _ENOUGH:
            return width
    return WIDTHS[-1]


class Together:
    """The last hours' profiles, and all of them as one.

    Parameters
    ----------
    width : int
        Hours.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self._held: deque[Profile] = deque(maxlen=width)
        # Of a queue in two stacks each hour is merged about three times, not once for every other hour: `_older` has
        # for each of the older hours the sum from it on, the whole of them last, and `_newer` is the sum of the rest.
        self._older: list[Profile] = []
        self._newer: Profile | None = None

    def take(self, profile: Profile) -> Profile:
        """Take in the profile of the next hour; return that of all hours that are held."""
        if self.width == 1:
            return profile
        if len(self._held) == self.width:
            if not self._older:
                self._older = list(accumulate(reversed(self._held), _sum))
                self._newer = None
            self._older.pop()
        self._held.append(profile)
        self._newer = profile if self._newer is None else _sum(self._newer, profile)
        return _sum(self._older[-1], self._newer) if self._older else self._newer

    def clear(self) -> None:
        """Forget the hours before a long silence."""
        self._held.clear()
        self._older, self._newer = [], None

    def held(self) -> tuple[Profile, ...]:
        """Return the hours, the oldest first."""
        return tuple(self._held)

    def restore(self, profiles: Iterable[Profile]) -> None:
        """Go on after these hours."""
        for profile in profiles:
            self.take(profile)


def _sum(one: Profile, two: Profile) -> Profile:
    return one.merge(two) if one.rows and two.rows else one if one.rows else two
