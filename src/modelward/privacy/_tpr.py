"""True-positive rate at a low false-positive rate, with the uncertainty of its threshold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from modelward.stats import Proportion

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TprAtFpr:
    """Share of members that an attack names while it wrongly names so many non-members (Carlini et al. 2022).

    The threshold is an order statistic of a sample of non-members, so its own rate is uncertain: the number of
    them above the true threshold is binomial. The interval joins that with Clopper-Pearson of the members by the
    square-and-add rule (MOVER, Zou & Donner 2008).

    Parameters
    ----------
    named : tuple of int
        Members above the threshold that lets 0, 1, 2, … non-members through.
    n : int
        Members.
    non_members : int
        Rows that the threshold was set on.
    fpr : float
        The false-positive rate.
    """

    named: tuple[int, ...] = field(repr=False)
    n: int
    non_members: int
    fpr: float = 0.01
    method: str = "Clopper-Pearson and the order statistics of the threshold, joined by MOVER"

    @classmethod
    def of(
        cls,
        members: NDArray[np.float64],
        non_members: NDArray[np.float64],
        *,
        fpr: float = 0.01,
        random_state: int | np.random.Generator = 0,
    ) -> TprAtFpr:
        """Measure the scores of both sides; higher should be a member.

        Ties are broken at random: an attacker who must not exceed a rate flips a coin among equal scores.
        """
        n, m = len(members), len(non_members)
        both = np.concatenate([members, non_members])
        coins = np.random.default_rng(random_state).random(len(both))
        ranks = np.empty(len(both))
        ranks[np.lexsort((coins, both))] = np.arange(len(both))
        thresholds = np.append(np.sort(ranks[n:])[::-1], -1.0)
        ranked = np.sort(ranks[:n])
        named = n - np.searchsorted(ranked, thresholds, side="right")
        return cls(tuple(int(v) for v in named), n, m, fpr)

    def _at(self, let_through: float) -> float:
        return float(np.interp(let_through, np.arange(len(self.named)), self.named)) / max(1, self.n)

    @property
    def value(self) -> float:
        """The rate at the threshold that lets the share `fpr` of the sample through."""
        return self._at(self.fpr * self.non_members)

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided interval, within [0, 1]."""
        tail = (1 - confidence) / 2
        value = self.value
        members = Proportion(round(value * self.n), self.n).interval(confidence)
        # Binomial quantiles from the distribution function and its complement: both tails stay exact.
        counts = np.arange(self.non_members + 1)
        fewest = np.searchsorted(special.bdtr(counts, self.non_members, self.fpr), tail)
        most = 1 + np.searchsorted(-special.bdtrc(counts, self.non_members, self.fpr), -tail)
        strict, lax = self._at(float(fewest)), self._at(min(float(most), float(self.non_members)))
        low = value - float(np.hypot(value - min(value, members[0]), value - strict))
        high = value + float(np.hypot(max(value, members[1]) - value, lax - value))
        return max(0.0, low), min(1.0, high)


def log_odds(p: NDArray[np.float64], clip: float) -> NDArray[np.float64]:
    """Return log(p / (1 - p)) of probabilities kept `clip` away from 0 and 1.

    Examples
    --------
    >>> log_odds(np.array([0.0, 0.5]), 0.05).round(3).tolist()
    [-2.944, 0.0]
    """
    return np.asarray(special.logit(np.clip(p, clip, 1 - clip)), dtype=np.float64)
