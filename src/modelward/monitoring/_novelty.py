"""Counts that are rare or were never seen: how surprising, as a Poisson rate that is itself uncertain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from modelward.monitoring._folds import HELD

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PRIOR = 0.5
_MARGIN = 1.15
_OWN_MARGIN = 1.5
_SPAN = 4 * 168
_MOST = 300.0
_WORTH = 20.0
"""Rows that the size of bursts of all counts together counts for beside a count's own."""


class Novelty:
    """Rare counts, and from which surprise on they alarm.

    The rate of a count that was seen `a` times in N rows has the gamma posterior of Jeffreys' prior, so a coming
    count is negative binomial. Surprise is −log10 of its tail; 1 / (hours of 30 days × counts) of them is allowed
    for, and held-out weeks raise that where real traffic comes in bursts. Rows that come several times, as from a
    client that sends again, are no independent counts: every count is taken in bursts, of the size that its variance
    over the hours says, which is drawn towards that of all counts the rarer it is.

    Parameters
    ----------
    counts : ndarray of float64, shape (T, C)
        An hour a row.
    rows : ndarray of float64, shape (T,)
    """

    def __init__(self, counts: NDArray[np.float64], rows: NDArray[np.float64]) -> None:
        hours, c = counts.shape
        nominal = float(np.log10(30 * 24 * max(c, 1)))
        own = np.zeros(c)
        self.bursts = _bursts(counts, rows)
        counts = counts / self.bursts
        begins = range(hours % _SPAN + (_SPAN if hours % _SPAN < _SPAN // 2 else 0), hours, _SPAN)
        for begin in begins[-HELD:]:
            seen, total = counts[:begin].sum(axis=0), float(rows[:begin].sum())
            for k, n in zip(counts[begin : begin + _SPAN], rows[begin : begin + _SPAN].tolist(), strict=True):
                own = np.maximum(own, surprise(k, n, seen, total))
        bursty = own > 2 * nominal
        common = max(nominal, _MARGIN * float(np.where(bursty, 0.0, own).max(initial=0.0)))
        self.limits = np.where(bursty, np.maximum(common, _OWN_MARGIN * own), common)
        self.seen = counts.sum(axis=0)
        self.total = float(rows.sum())

    @classmethod
    def restored(
        cls, limits: NDArray[np.float64], bursts: NDArray[np.float64], seen: NDArray[np.float64], total: float
    ) -> Novelty:
        """Return what was learned before: limits, sizes of bursts and rates, shapes (C,), and the rows behind them.

        Raises
        ------
        ValueError
            If the shapes differ.
        """
        if not limits.shape == seen.shape == bursts.shape or limits.ndim != 1 or not (bursts >= 1).all():
            raise ValueError("limits and rates of different shapes")
        out = cls.__new__(cls)
        out.limits, out.seen, out.total = limits.astype(float), seen.astype(float), total
        out.bursts = bursts.astype(float)
        return out

    def accept(self, j: int, share: float) -> None:
        """Take a share of rows of count j as usual from now on."""
        self.seen[j] = max(self.seen[j], share * self.total / self.bursts[j])

    def usual(self, j: int) -> float:
        """Return the usual share of rows of count j."""
        return float(self.seen[j] * self.bursts[j] / max(self.total, 1.0))

    def score(self, counts: NDArray[np.float64], rows: float) -> NDArray[np.float64]:
        """Return the surprise of an hour's counts, shape (C,)."""
        return surprise(counts / self.bursts, rows, self.seen, self.total)


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
