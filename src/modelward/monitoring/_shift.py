"""Distributional shift between two tables: column by column, and all columns together."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats as sps

from modelward.findings import MIN_ROWS
from modelward.stats import benjamini_yekutieli

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FDR = 0.05
MIN_DISTANCE = 0.1
"""Total variation from which a shift of one column is worth a word, however many rows prove it."""
_BINS = 10
_MANY = 50
_FEWEST_EXPECTED = 5.0


@dataclass(frozen=True)
class ColumnShift:
    """How far one column moved.

    Parameters
    ----------
    name : str
    distance : float
        Total variation between the binned shares, 0 to 1.
    p_value : float
        Of the chi-squared test of homogeneity, adjusted (Benjamini & Yekutieli 2001).
    bins : tuple of str
        Names of the bins: rounded edges of numbers, values that at least ten rows have.
    reference, other : tuple of float
        Shares in each bin.
    """

    name: str
    distance: float
    p_value: float
    bins: tuple[str, ...]
    reference: tuple[float, ...]
    other: tuple[float, ...]

    @property
    def moved(self) -> bool:
        """Whether the move is proven and worth a word."""
        return self.p_value < FDR and self.distance > MIN_DISTANCE


def column_shifts(
    reference: NDArray[np.float64],
    other: NDArray[np.float64],
    names: Sequence[str],
    values: Sequence[tuple[Any, ...] | None],
) -> list[ColumnShift]:
    """Compare two tables column by column.

    Numbers are binned at rounded quantiles of both tables together, codes by themselves; missing values have
    a bin of their own, and values that fewer than ten rows have share one.

    Parameters
    ----------
    reference, other : ndarray of shape (n, d), (m, d)
        Encoded rows.
    names : sequence of str
    values : sequence of tuple or None
        What the codes of a column stand for; None for numbers.

    Returns
    -------
    list of ColumnShift
        In the order of the columns.
    """
    tables = [_bin(reference[:, j], other[:, j], values[j]) for j in range(len(names))]
    p_values = benjamini_yekutieli([_homogeneity(counts) for _, counts in tables])
    shifts = []
    for name, (bins, counts), p in zip(names, tables, p_values, strict=True):
        first, second = counts / counts.sum(axis=1, keepdims=True)
        distance = float(np.abs(first - second).sum() / 2)
        shifts.append(
            ColumnShift(name, distance, float(p), bins, tuple(first.tolist()), tuple(second.tolist()))
        )
    return shifts


def distance_slack(first: int, second: int, alpha: float) -> float:
    """Return what to add to an observed total variation for an upper bound that holds with 1 - `alpha`.

    The observed distance is never below the true one in the mean (it is convex), and one row changes it by
    at most one over its sample's size, so McDiarmid's inequality (1989) bounds how far below it may fall.

    Parameters
    ----------
    first, second : int
        Rows of the two samples.
    alpha : float
        Error rate, one-sided.

    Examples
    --------
    >>> round(distance_slack(30_000, 3_000, 0.01), 3)
    0.029
    """
    return math.sqrt(math.log(1 / alpha) / 2 * (1 / first + 1 / second))


def _bin(
    first: NDArray[np.float64], second: NDArray[np.float64], values: tuple[Any, ...] | None
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return names of bins and the counts of both samples, shape (2, bins)."""
    both = np.concatenate([first, second])
    known, counts = np.unique(both[~np.isnan(both)], return_counts=True)
    if values is None and len(known) > _BINS:
        edges = rounded_edges(both[~np.isnan(both)])
        text = [f"{edge:.6g}" for edge in edges]
        bins = (
            "missing",
            f"< {text[0]}",
            *(f"{a} – {b}" for a, b in itertools.pairwise(text)),
            f"≥ {text[-1]}",
        )
        return bins, np.array([_fill(part, edges) for part in (first, second)])
    kept = known[counts >= MIN_ROWS]
    bins = ("missing", "rare", *(_value_name(v, values) for v in kept.tolist()))
    table = []
    for part in (first, second):
        own = [int((part == v).sum()) for v in kept]
        missing = int(np.isnan(part).sum())
        table.append([missing, len(part) - missing - sum(own), *own])
    return bins, np.array(table)


def _value_name(value: float, values: tuple[Any, ...] | None) -> str:
    if values is None:
        return f"{value:.6g}"
    if value >= len(values):
        return "unseen"
    # A column of many values may name people: what it holds is shown as a hash.
    plain = str(values[int(value)])
    return plain if len(values) <= _MANY else f"#{sha256(plain.encode()).hexdigest()[:8]}"


def _homogeneity(counts: NDArray[np.int64]) -> float:
    """Return the p-value of the chi-squared test; bins in which it expects fewer than five rows are joined.

    With sparse bins chi-squared finds shifts where there are none (Cochran 1954).
    """
    sizes = counts.sum(axis=1)
    if not sizes.all():
        return 1.0
    smaller = sizes.min() / sizes.sum()
    ranked = counts[:, np.argsort(counts.sum(axis=0), kind="stable")]
    sparse = int((ranked.sum(axis=0) * smaller < _FEWEST_EXPECTED).sum())
    if sparse:
        rest = ranked[:, :sparse].sum(axis=1, keepdims=True)
        if rest.sum() * smaller < _FEWEST_EXPECTED and sparse < ranked.shape[1]:
            # Together they are still too few: the rarest of the others takes them.
            sparse += 1
            rest = ranked[:, :sparse].sum(axis=1, keepdims=True)
        ranked = np.hstack([rest, ranked[:, sparse:]])
    if ranked.shape[1] < 2:
        return 1.0
    return float(sps.chi2_contingency(ranked, correction=False).pvalue)


def _fill(values: NDArray[np.float64], inner: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return counts: missing first, then below the first edge, between the edges, above the last."""
    known = values[~np.isnan(values)]
    places = np.bincount(np.searchsorted(inner, known, side="right"), minlength=len(inner) + 1)
    return np.concatenate([[len(values) - len(known)], places])


def rounded_edges(values: NDArray[np.float64], bins: int = _BINS) -> NDArray[np.float64]:
    """Return the inner edges of so many bins of about equal share, rounded to two legible digits.

    Rounding keeps a single person's value out of every report; edges that round to the same number join.
    """
    raw = np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1])
    spread = float(np.subtract(*np.quantile(values, [0.95, 0.05]))) or float(np.ptp(values)) or 1.0
    step = 10.0 ** (np.floor(np.log10(spread)) - 1)
    return np.unique(np.round(raw / step) * step)
