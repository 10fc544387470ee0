"""Thin traffic: where an hour alone has too few rows, means and shares are taken over the last few hours together."""

from __future__ import annotations

from collections import deque
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

    def take(self, profile: Profile) -> Profile:
        """Take in the profile of the next hour; return that of all hours that are held."""
        if self.width == 1:
            return profile
        self._held.append(profile)
        filled = [p for p in self._held if p.rows]
        if not filled:
            return profile
        out = filled[0]
        for other in filled[1:]:
            out = out.merge(other)
        return out

    def clear(self) -> None:
        """Forget the hours before a long silence."""
        self._held.clear()

    def held(self) -> tuple[Profile, ...]:
        """Return the hours, the oldest first."""
        return tuple(self._held)

    def restore(self, profiles: Iterable[Profile]) -> None:
        """Go on after these hours."""
        self._held.extend(profiles)
