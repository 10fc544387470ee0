"""Estimates that know their own interval at any confidence."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray


def _normal_quantile(confidence: float) -> float:
    return float(special.ndtri(0.5 + confidence / 2))


@dataclass(frozen=True, slots=True)
class Exact:
    """A figure without sampling error, such as a count of dangerous names in a file.

    Parameters
    ----------
    value : float
        The figure.
    n : int
        How many units were looked at.

    Examples
    --------
    >>> Exact(2.0, 5).interval(0.95)
    (2.0, 2.0)
    """

    value: float
    n: int
    method: str = "exact count"

    def interval(self, confidence: float) -> tuple[float, float]:  # noqa: ARG002
        """Return the value twice."""
        return self.value, self.value


@dataclass(frozen=True, slots=True)
class Bracket:
    """A count of what is proven, up to what is not excluded at a confidence.

    Parameters
    ----------
    value : float
        How many are proven.
    most : callable
        From a two-sided confidence to how many are not excluded; never below `value`.
    n : int
        Rows behind it.

    Examples
    --------
    >>> Bracket(1.0, lambda confidence: 1.0 if confidence < 0.9 else 3.0, 500).interval(0.95)
    (1.0, 3.0)
    """

    value: float
    most: Callable[[float], float] = field(repr=False)
    n: int
    method: str = "proven, up to not excluded"

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the count and its upper bound."""
        return self.value, max(self.value, self.most(confidence))


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share of rows with its Clopper-Pearson interval (Clopper & Pearson 1934).

    Parameters
    ----------
    successes : int
        Rows that have the property.
    n : int
        Rows looked at; 0 gives the interval (0, 1).

    Examples
    --------
    >>> share = Proportion(3, 20)
    >>> share.value
    0.15
    >>> [round(edge, 4) for edge in share.interval(0.95)]
    [0.0321, 0.3789]
    """

    successes: int
    n: int
    method: str = "Clopper-Pearson"

    def __post_init__(self) -> None:
        if not 0 <= self.successes <= self.n:
            raise ValueError(f"successes must be between 0 and n={self.n}, got {self.successes}")

    @property
    def value(self) -> float:
        """The share; nan for no rows."""
        return self.successes / self.n if self.n else math.nan

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the exact interval."""
        k, n, tail = self.successes, self.n, (1 - confidence) / 2
        low = float(special.betaincinv(k, n - k + 1, tail)) if k else 0.0
        high = float(special.betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0
        return low, high


@dataclass(frozen=True, slots=True)
class ProportionDifference:
    """Difference of two independent shares with Newcombe's hybrid score interval (Newcombe 1998, method 10).

    Parameters
    ----------
    successes, total : int
        The first sample.
    other_successes, other_total : int
        The second, which is subtracted.

    Examples
    --------
    >>> gap = ProportionDifference(56, 70, 48, 80)
    >>> round(gap.value, 2), [round(edge, 4) for edge in gap.interval(0.95)]
    (0.2, [0.0524, 0.3339])
    """

    successes: int
    total: int
    other_successes: int
    other_total: int
    method: str = "Newcombe"

    @property
    def n(self) -> int:
        """The smaller of the two samples."""
        return min(self.total, self.other_total)

    @property
    def value(self) -> float:
        """First share minus second."""
        return self.successes / self.total - self.other_successes / self.other_total

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the hybrid score interval."""
        z = _normal_quantile(confidence)
        p, q = self.successes / self.total, self.other_successes / self.other_total
        p_low, p_high = _wilson(p, self.total, z)
        q_low, q_high = _wilson(q, self.other_total, z)
        gap = p - q
        return gap - math.hypot(p - p_low, q_high - q), gap + math.hypot(p_high - p, q - q_low)


def _wilson(share: float, n: int, z: float) -> tuple[float, float]:
    centre = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return (centre - half) / scale, (centre + half) / scale


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over independent rows with Student's t interval.

    Parameters
    ----------
    mean, deviation : float
        Sample mean and standard deviation (n - 1).
    n : int
        Rows.
    lower, upper : float
        Where the figure can lie; the interval is clipped to it.

    Examples
    --------
    >>> mean = Mean.of([1.0, 2.0, 3.0, 4.0])
    >>> mean.value, [round(edge, 3) for edge in mean.interval(0.95)]
    (2.5, [0.446, 4.554])
    """

    mean: float
    deviation: float
    n: int
    method: str = "Student t"
    lower: float = -math.inf
    upper: float = math.inf

    @classmethod
    def of(cls, values: ArrayLike) -> Mean:
        """Summarise a vector of values."""
        array = np.asarray(values, dtype=float)
        deviation = float(array.std(ddof=1)) if array.size > 1 else math.inf
        return cls(float(array.mean()), deviation, int(array.size))

    @property
    def value(self) -> float:
        """The mean."""
        return self.mean

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the t interval; the whole line for fewer than two values."""
        if self.n < 2 or not math.isfinite(self.deviation):
            return self.lower, self.upper
        half = float(special.stdtrit(self.n - 1, 0.5 + confidence / 2)) * self.deviation / math.sqrt(self.n)
        return max(self.lower, self.mean - half), min(self.upper, self.mean + half)


@dataclass(frozen=True, slots=True)
class Normal:
    """An estimate with a standard error, taken as normal; clipped to where the figure can lie."""

    value: float
    error: float
    n: int
    method: str = "normal approximation"
    lower: float = -math.inf
    upper: float = math.inf

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return value ± z × error within [lower, upper]."""
        half = _normal_quantile(confidence) * self.error
        return max(self.lower, self.value - half), min(self.upper, self.value + half)


@dataclass(frozen=True, slots=True)
class Median:
    """A median with the distribution-free interval of order statistics.

    Parameters
    ----------
    values : tuple of float
        Sorted values; infinities are allowed (rows that never moved).
    """

    values: tuple[float, ...] = field(repr=False)
    method: str = "order statistics"

    @classmethod
    def of(cls, values: ArrayLike) -> Median:
        """Sort and keep a vector of values."""
        return cls(tuple(float(v) for v in np.sort(np.asarray(values, dtype=float))))

    @property
    def n(self) -> int:
        """Number of values."""
        return len(self.values)

    @property
    def value(self) -> float:
        """The sample median; nan for no values."""
        if not self.values:
            return math.nan
        middle = (self.values[(self.n - 1) // 2], self.values[self.n // 2])
        return middle[0] if middle[0] == middle[1] else sum(middle) / 2

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the shortest symmetric pair of order statistics that covers; else the whole line."""
        n, tail = self.n, (1 - confidence) / 2
        ranks = np.arange(n + 1)
        cumulative = special.bdtr(ranks, n, 0.5) if n else np.array([1.0])
        below = int(np.searchsorted(cumulative, tail, side="right"))
        if below == 0 or n == 0:
            return -math.inf, math.inf
        return self.values[below - 1], self.values[n - below]


@dataclass(frozen=True, slots=True)
class Auc:
    """Area under the ROC curve with DeLong's variance on the logit scale.

    Parameters
    ----------
    auc : float
        The area (Mann-Whitney).
    variance : float
        DeLong's variance (DeLong, DeLong & Clarke-Pearson 1988).
    n : int
        Size of the smaller group.

    Examples
    --------
    >>> auc = Auc.of([0.9, 0.8, 0.7, 0.4, 0.6], [0.1, 0.3, 0.5, 0.2, 0.65])
    >>> round(auc.value, 2)
    0.88
    """

    auc: float
    variance: float
    n: int
    method: str = "DeLong on the logit"

    @classmethod
    def of(cls, positives: ArrayLike, negatives: ArrayLike) -> Auc:
        """Compare the scores of two groups; higher should be positive.

        Raises
        ------
        ValueError
            If a group is empty.
        """
        first, second = np.asarray(positives, dtype=float), np.asarray(negatives, dtype=float)
        if not first.size or not second.size:
            raise ValueError("both groups need at least one score")
        share_first, share_second = _placements(first, second), 1 - _placements(second, first)
        variance = _variance(share_first) / first.size + _variance(share_second) / second.size
        return cls(float(share_first.mean()), variance, min(first.size, second.size))

    @property
    def value(self) -> float:
        """The area."""
        return self.auc

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the interval, which stays within [0, 1]."""
        if not 0 < self.auc < 1 or self.variance <= 0:
            return _separated(self.auc, self.n, confidence)
        logit = math.log(self.auc / (1 - self.auc))
        half = _normal_quantile(confidence) * math.sqrt(self.variance) / (self.auc * (1 - self.auc))
        return float(special.expit(logit - half)), float(special.expit(logit + half))


def _separated(auc: float, n: int, confidence: float) -> tuple[float, float]:
    """Bound an area without variance (groups wholly apart) as an exact share of the smaller group."""
    return Proportion(round(auc * n), n).interval(confidence)


def _placements(scores: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each score the share of the others below it, ties counting one half."""
    ranked = np.sort(others)
    below = np.searchsorted(ranked, scores, side="left")
    upto = np.searchsorted(ranked, scores, side="right")
    return np.asarray((below + upto) / (2 * others.size), dtype=np.float64)


def _variance(values: NDArray[np.float64]) -> float:
    return float(values.var(ddof=1)) if values.size > 1 else 0.25


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """A statistic with the basic percentile interval of its resampled values (Efron 1979).

    Parameters
    ----------
    value : float
        The statistic on the sample.
    n : int
        Rows in the sample.
    replicates : tuple of float
        The statistic on each resample, sorted.
    """

    value: float
    n: int
    replicates: tuple[float, ...] = field(repr=False)
    method: str = "bootstrap percentile"

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the percentiles; the extremes where the resamples do not reach that far."""
        edges = np.quantile(np.asarray(self.replicates), [(1 - confidence) / 2, (1 + confidence) / 2])
        return float(edges[0]), float(edges[1])
