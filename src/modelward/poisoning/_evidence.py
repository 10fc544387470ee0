"""What a search over rules maximises, and how much of it chance can give.

All scores are in nats of log-likelihood, and the bounds need no resampling. For one rule that was fixed before the
rows were seen, a likelihood ratio of n nats has a probability of at most ``exp(-n)`` (Chernoff 1952 for rates, which
Hoeffding 1963 extends to draws without replacement; Markov's inequality for a ratio of two fixed models). A union
bound over every rule that the columns' values allow does the rest.

Where a rate is estimated from the very rows that are searched (strata of risk, earlier rows under a rule) the ratio
is not of two fixed models, and the bound a guide: what it is worth is measured on quiet tables, not proved.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Score: TypeAlias = Callable[[NDArray[Any]], NDArray[np.float64]]
"""Counts of shape (..., groups) to scores of shape (...)."""

ALPHA = 0.005
"""Probability that a search names anything where nothing is, as far as the bound holds."""


def _sum(counts: NDArray[Any], groups: list[int]) -> NDArray[np.float64]:
    total = counts[..., groups[0]].astype(np.float64)
    for group in groups[1:]:
        total += counts[..., group]
    return np.asarray(total)


def surplus(hit: list[int], miss: list[int], rate: float, *, below: bool = False) -> Score:
    """Return the likelihood ratio of a rate of its own inside a rule, where it is above (below) `rate`.

    Parameters
    ----------
    hit, miss : list of int
        Groups that count as having the property, and as not having it.
    rate : float
        The property's rate everywhere.
    """

    def score(counts: NDArray[Any]) -> NDArray[np.float64]:
        h, m = _sum(counts, hit), _sum(counts, miss)
        inside = h / np.maximum(h + m, 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = np.where(h > 0, h * np.log(inside / rate), 0.0)
            gain += np.where(m > 0, m * np.log((1 - inside) / (1 - rate)), 0.0)
        return np.asarray(np.where((inside < rate) == below, gain, -1.0))

    return score


def purity(hit: list[int], miss: list[int], rates: list[float], impurity: float) -> Score:
    """Return the likelihood ratio of a rule that is all hits but for `impurity`, against known rates.

    Parameters
    ----------
    hit, miss : list of int
        Groups of hits and of misses, one of each for every stratum.
    rates : list of float
        The rate of hits that is expected in each stratum.
    impurity : float
        Share of misses that a pure rule may have.
    """

    def score(counts: NDArray[Any]) -> NDArray[np.float64]:
        weight = purity_weights(hit, miss, rates, impurity, counts.shape[-1]).astype(np.float32)
        return np.asarray(counts.astype(np.float32, copy=False) @ weight, dtype=np.float64)

    return score


def purity_weights(
    hit: list[int], miss: list[int], rates: list[float], impurity: float, groups: int
) -> NDArray[np.float64]:
    """Return what a row of each group adds to the score of `purity`."""
    # Where nearly all rows are hits anyway, a rule cannot be purer; misses would count as evidence beyond that.
    p = np.clip(np.array(rates), 1e-4, 1 - impurity)
    weight = np.zeros(groups)
    weight[hit] = np.log((1 - impurity) / p)[: len(hit)]
    weight[miss] = np.log(impurity / (1 - p))[: len(miss)]
    return weight


def excess(hit: list[int], miss: list[int], rates: list[float]) -> Score:
    """Return the likelihood ratio of a rate of its own inside a rule, above what its rows' strata let expect.

    Parameters
    ----------
    hit, miss : list of int
        Groups of hits and of misses, one of each for every stratum.
    rates : list of float
        The rate of hits that is expected in each stratum.
    """

    def score(counts: NDArray[Any]) -> NDArray[np.float64]:
        held = counts.astype(np.float32, copy=False)
        weights = np.zeros((counts.shape[-1], 3), dtype=np.float32)
        weights[hit, 0], weights[hit + miss, 1] = 1, 1
        weights[hit, 2], weights[miss, 2] = rates, rates
        h, n, expected = np.moveaxis(held @ weights, -1, 0).astype(np.float64)
        inside = h / np.maximum(n, 1)
        p = np.clip(expected / np.maximum(n, 1), 1e-4, 1 - 1e-4)
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = np.where(h > 0, h * np.log(inside / p), 0.0)
            gain += np.where(n > h, (n - h) * np.log((1 - inside) / (1 - p)), 0.0)
        return np.asarray(np.where((n > 0) & (inside > p), gain, -1.0))

    return score


def purer(hit: list[int], miss: list[int], before: list[int], other: list[int], rate: float,
          impurity: float) -> Score:  # fmt: skip
    """Return the likelihood ratio of purity in new rows against the rate that earlier rows have under the rule.

    Parameters
    ----------
    hit, miss : list of int
        Groups of new rows.
    before, other : list of int
        The same of earlier rows.
    rate : float
        The earlier rows' rate everywhere: what is expected where they have few rows.
    impurity : float
        Share of misses that a pure rule may have.
    """
    weight = 50.0

    def score(counts: NDArray[Any]) -> NDArray[np.float64]:
        h, m, b, o = (_sum(counts, groups) for groups in (hit, miss, before, other))
        # Never below the rate everywhere: few earlier rows by chance without the label are no reason to cut there.
        p = np.clip((b + weight * rate) / (b + o + weight), min(rate, 1 - impurity), 1 - impurity)
        return np.asarray(h * np.log((1 - impurity) / p) + m * np.log(impurity / (1 - p)))

    return score


def nats_of_chance(language: int, size: int, aims: int) -> float:
    """Return the score that a search goes beyond by chance with a probability of at most `ALPHA`.

    Parameters
    ----------
    language : int
        Conditions that a rule could be made of.
    size : int
        Conditions of the rule; every size has the same share of `ALPHA`.
    aims : int
        Scores that were maximised.

    Examples
    --------
    >>> round(nats_of_chance(1000, 2, 4), 1)
    21.6
    """
    rules = size * math.log(max(language, 2)) - math.lgamma(size + 1)
    return rules + math.log(2 * 3 * aims / ALPHA)


def nats_of_rule(parts: list[tuple[int, int]], aims: int) -> float:
    """Return the bound of chance for one rule where every column has the same share of `ALPHA`, whatever its values.

    A union bound may be shared out as one likes before the labels are seen; a rule over columns of few values then
    does not pay for all the cuts that a column of money allows.

    Parameters
    ----------
    parts : list of tuple of int
        For each condition how many of its form its column allows, and how many columns there are.
    aims : int
        Scores that were maximised.

    Examples
    --------
    >>> round(nats_of_rule([(11, 23), (56, 23)], 6), 1)
    24.1
    """
    forms = 5  # a value, two open sides, an interval, "missing"
    rules = sum(math.log(forms * max(kinds, 1) * columns) for kinds, columns in parts)
    return rules - math.lgamma(len(parts) + 1) + math.log(2 * 3 * aims / ALPHA)
