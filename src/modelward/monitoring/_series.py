"""What of a window's profile is watched: its size, moments of every column, and counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.profiles._kernels import ILLEGAL, INFINITE, MISSING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.profiles import Layout, Profile

LEAST_ROWS = 20
"""Shares and moments of fewer rows are not looked at."""
DENSE = 5.0
"""Counts of at least so many an hour are watched as shares; rarer ones as Poisson counts."""
_INNER = 16
_COUNTERS = ((MISSING, "missing"), (INFINITE, "infinite"), (ILLEGAL, "outside the schema"))


@dataclass(frozen=True, slots=True)
class Count:
    """Rows of a window that have something in common, such as a bin of one column."""

    column: str
    what: str

    @property
    def name(self) -> str:
        """The series' name."""
        return f"{self.column}: {self.what}"


class Plan:
    """Turns the profile of a window into series.

    Parameters
    ----------
    layout : Layout
        Of the profiles.
    """

    def __init__(self, layout: Layout) -> None:
        self.measured = tuple(j for j, c in enumerate(layout.schema) if not c.coded)
        self.names = (
            "rows",
            *(f"{layout.names[j]}: {what}" for what in ("mean", "spread") for j in self.measured),
        )
        self.counts: list[Count] = []
        width = max((len(p) for p in layout.points), default=0)
        self._group = np.full((len(layout.points), max(width, 1) + 2), -1, dtype=np.int64)
        for j, column in enumerate(layout.names):
            self._slots(layout, j, column)
        self._slot_counts = len(self.counts)
        self.counts += [Count(column, what) for _, what in _COUNTERS for column in layout.names]
        # Slots that are not used fall into one more group, which is cut off.
        self._flat = np.where(self._group < 0, self._slot_counts, self._group).ravel()

    def _slots(self, layout: Layout, j: int, column: str) -> None:
        size, names = len(layout.points[j]), layout.slot_names(j)
        inner = size if layout.by_value[j] else size - 1
        each = max(1, -(-inner // _INNER))
        for start in range(0, inner, each):
            stop = min(inner, start + each)
            self._group[j, start:stop] = len(self.counts)
            if stop - start == 1:
                what = names[start]
            elif layout.by_value[j]:
                what = f"{names[start]} and {stop - start - 1} more"
            else:
                what = f"{names[start].split(' to ')[0]} to {names[stop - 1].split(' to ')[-1]}"
            self.counts.append(Count(column, what))
        outer = (
            ((size, "never seen"),)
            if layout.by_value[j]
            else ((size, names[size]), (size + 1, names[size + 1]))
        )
        for slot, what in outer:
            self._group[j, slot] = len(self.counts)
            self.counts.append(Count(column, what))

    def count(self, profile: Profile) -> NDArray[np.float64]:
        """Return the numbers of rows of `counts`."""
        held = np.bincount(self._flat, weights=profile.counts.ravel(), minlength=self._slot_counts + 1)
        more = [profile.counters[:, k] for k, _ in _COUNTERS]
        return np.concatenate([held[: self._slot_counts], *more])

    def measure(self, profile: Profile) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the series of `names`, and the numbers of rows of `counts`."""
        counts = self.count(profile)
        mean, variance = profile.moments()
        few = profile.present < LEAST_ROWS
        mean[few] = variance[few] = np.nan
        picked = list(self.measured)
        # A column that does not move at all is as far down as can be told.
        spread = np.log(np.sqrt(variance[picked]) + 1e-9 * (np.abs(mean[picked]) + 1e-9))
        return np.concatenate([[np.log1p(profile.rows)], mean[picked], spread]), counts


def shares(counts: NDArray[np.float64], rows: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return counts as arcsines of root shares, whose noise does not depend on the share; NaN for few rows."""
    rows = np.asarray(rows, dtype=np.float64)
    enough = np.where(rows >= LEAST_ROWS, rows, np.nan)
    return np.asarray(np.arcsin(np.sqrt(np.clip(counts / enough, 0.0, 1.0))))
