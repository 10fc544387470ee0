"""Counts that are rare or were never seen: how surprising, as a Poisson rate that is itself uncertain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from modelward.monitoring._folds import HELD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_PRIOR = 0.5
_MARGIN = 1.15
_OWN_MARGIN = 1.5
_SPAN = 4 * 168
_MOST = 300.0
_WORTH = 20.0
"""Rows that the size of bursts of all counts together counts for beside a count's own."""
DAY = 24
"""Hours whose counts are added up and judged once more: three of sixty rows are no surprise, seventy a day are."""
_RARER = 100.0
"""An alarm of a day is to be so many times rarer: rates wander by the day, and what is to be seen is far beyond."""


class Novelty:
    """Rare counts, and from which surprise on they alarm.

    The rate of a count that was seen `a` times in N rows has the gamma posterior of Jeffreys' prior, so a coming
    count is negative binomial. Surprise is −log10 of its tail; 1 / (hours of 30 days × counts) of them is allowed
    for, and held-out weeks raise that where real traffic comes in bursts. Rows that come several times, as from a
    client that sends again, are no independent counts: every count is taken in bursts, of the size that its variance
    over the hours says, which is drawn towards that of all counts the rarer it is.
    Days are allowed a hundredth of the budget beside it.

    Parameters
    ----------
    counts : ndarray of float64, shape (T, C)
        An hour a row.
    rows : ndarray of float64, shape (T,)
    """

    def __init__(self, counts: NDArray[np.float64], rows: NDArray[np.float64]) -> None:
        c = counts.shape[1]
        self.bursts, self.limits = _judged(counts, rows, _SPAN)
        days = len(counts) // DAY
        whole = slice(len(counts) - days * DAY, None)
        self.day_bursts, self.day_limits = np.ones(c), np.full(c, np.inf)
        if days:
            self.day_bursts, self.day_limits = _judged(
                counts[whole].reshape(days, DAY, c).sum(axis=1),
                rows[whole].reshape(days, DAY).sum(axis=1),
                _SPAN // DAY,
                _RARER,
            )
        self.seen = counts.sum(axis=0) / self.bursts
        self.total = float(rows.sum())
        self.day = np.zeros(c + 2)

    @classmethod
    def restored(
        cls, learned: Mapping[str, NDArray[np.float64]], state: Mapping[str, NDArray[np.float64]]
    ) -> Novelty:
        """Return what `learned` and `state` were taken of.

        Raises
        ------
        ValueError
            If the shapes do not fit each other.
        """
        out = cls.__new__(cls)
        out.limits, out.bursts, out.day_limits, out.day_bursts = (
            learned[name].astype(float) for name in ("novelty", "bursts", "day_limits", "day_bursts")
        )
        out.seen, out.total, out.day = (
            state["seen"].astype(float), float(state["total"]), state["day"].astype(float),
        )  # fmt: skip
        shapes = {a.shape for a in (out.limits, out.bursts, out.day_limits, out.day_bursts, out.seen)}
        if len(shapes) > 1 or out.limits.ndim != 1 or out.day.shape != (len(out.limits) + 2,):
            raise ValueError("limits and rates of different shapes")
        if not ((out.bursts >= 1).all() and (out.day_bursts >= 1).all()):
            raise ValueError("bursts of less than a row: the shapes are of something else")
        return out

    def learned(self) -> dict[str, NDArray[np.float64]]:
        """Return what does not change."""
        return {
            "novelty": self.limits, "bursts": self.bursts, "day_limits": self.day_limits, "day_bursts": self.day_bursts
        }  # fmt: skip

    def state(self) -> dict[str, NDArray[np.float64]]:
        """Return copies of rates, and of the day so far."""
        return {"seen": self.seen.copy(), "total": np.array(self.total), "day": self.day.copy()}

    def accept(self, j: int, share: float) -> None:
        """Take a share of rows of count j as usual from now on."""
        self.seen[j] = max(self.seen[j], share * self.total / self.bursts[j])

    def usual(self, j: int) -> float:
        """Return the usual share of rows of count j."""
        return float(self.seen[j] * self.bursts[j] / max(self.total, 1.0))

    def score(self, counts: NDArray[np.float64], rows: float) -> NDArray[np.float64]:
        """Return the surprise of an hour's counts, shape (C,)."""
        return surprise(counts / self.bursts, rows, self.seen, self.total)

    def add(
        self, counts: NDArray[np.float64], rows: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Add an hour to its day; when that is over return the surprise of its counts and their shares, shapes (C,)."""
        self.day[:-2] += counts
        self.day[-2:] += rows, 1.0
        if self.day[-1] < DAY:
            return None
        held, total = self.day[:-2].copy(), float(self.day[-2])
        self.day[:] = 0.0
        seen = self.seen * self.bursts / self.day_bursts
        return surprise(held / self.day_bursts, total, seen, self.total), held / max(total, 1.0)


def _judged(
    counts: NDArray[np.float64], rows: NDArray[np.float64], span: int, rarer: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return sizes of bursts and limits, shapes (C,), of counts of hours or of days; a span is four weeks of them."""
    length, c = counts.shape
    nominal = float(np.log10(rarer * 30 * span / 28 * max(c, 1)))
    own = np.zeros(c)
    bursts = _bursts(counts, rows)
    counts = counts / bursts
    begins = range(length % span + (span if length % span < span // 2 else 0), length, span)
    for begin in begins[-HELD:]:
        seen, total = counts[:begin].sum(axis=0), float(rows[:begin].sum())
        for k, n in zip(counts[begin : begin + span], rows[begin : begin + span].tolist(), strict=True):
            own = np.maximum(own, surprise(k, n, seen, total))
    bursty = own > 2 * nominal
    common = max(nominal, _MARGIN * float(np.where(bursty, 0.0, own).max(initial=0.0)))
    return bursts, np.where(bursty, np.maximum(common, _OWN_MARGIN * own), common)


def _bursts(counts: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return of each count how many rows come at once, at least 1: its variance over what Poisson's would be."""
    total = counts.sum(axis=0)
    expected = rows[:, None] / max(float(rows.sum()), 1.0) * total
    squares = ((counts - expected) ** 2).sum(axis=0)
    all_at_once = max(1.0, float(squares.sum()) / max(float(total.sum()), 1.0))
    return np.asarray(np.maximum(1.0, (squares + _WORTH * all_at_once) / (total + _WORTH)))


def surprise(
    counts: NDArray[np.float64], rows: float, seen: NDArray[np.float64], total: float
) -> NDArray[np.float64]:
    """Return −log10 P(at least so many), of counts that were `seen` in `total` rows; 0 where none came."""
    out = np.zeros(len(counts))
    some = counts > 0
    if rows > 0 and some.any():
        p = rows / (rows + max(total, 1.0))
        with np.errstate(divide="ignore"):
            tail = np.log10(special.betainc(counts[some], seen[some] + _PRIOR, p))
        out[some] = np.minimum(_MOST, -tail)
    return out
