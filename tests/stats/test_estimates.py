"""Intervals against their theorems: coverage over many seeds, and independent computations."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as sps
from sklearn.metrics import roc_auc_score

from modelward.stats import (
    Auc,
    Bootstrap,
    Exact,
    Mean,
    Median,
    Normal,
    Proportion,
    ProportionDifference,
    benjamini_hochberg,
    benjamini_yekutieli,
    holm,
)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
def test_clopper_pearson_equals_scipy(case: tuple[int, int], confidence: float) -> None:
    k, n = case
    theirs = sps.binomtest(k, n).proportion_ci(confidence, method="exact")
    assert Proportion(k, n).interval(confidence) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.22, 0.5])
def test_clopper_pearson_never_covers_less_than_promised(share: float) -> None:
    """The theorem: coverage summed over the binomial distribution is at least nominal, exactly."""
    n = 300
    inside = 0.0
    for k in range(n + 1):
        low, high = Proportion(k, n).interval(0.95)
        if low <= share <= high:
            inside += sps.binom.pmf(k, n, share)
    assert inside >= 0.95


def test_newcombe_covers() -> None:
    rng, covered, runs = np.random.default_rng(1), 0, 2_000
    for _ in range(runs):
        first, second = rng.binomial(150, 0.2), rng.binomial(90, 0.35)
        low, high = ProportionDifference(int(first), 150, int(second), 90).interval(0.95)
        covered += low <= -0.15 <= high
    assert sps.binomtest(covered, runs, 0.95).pvalue > 1e-3 or covered / runs > 0.95


def test_mean_covers_for_normal_data() -> None:
    rng, runs = np.random.default_rng(2), 3_000
    covered = sum(
        low <= 3.0 <= high for low, high in (Mean.of(rng.normal(3, 2, 12)).interval(0.9) for _ in range(runs))
    )
    assert sps.binomtest(covered, runs, 0.9).pvalue > 1e-3


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=60))
def test_mean_equals_scipy(values: list[float]) -> None:
    mean = Mean.of(values)
    if mean.deviation > 1e-9:
        theirs = sps.t.interval(0.95, len(values) - 1, np.mean(values), sps.sem(values))
        assert mean.interval(0.95) == pytest.approx(theirs, rel=1e-9, abs=1e-12)


def test_a_mean_of_one_value_is_not_known() -> None:
    assert Mean.of([4.0]).interval(0.95) == (-math.inf, math.inf)


@given(
    st.lists(st.integers(0, 8), min_size=1, max_size=30), st.lists(st.integers(0, 8), min_size=1, max_size=30)
)
def test_auc_equals_counting_pairs_and_sklearn(first: list[int], second: list[int]) -> None:
    pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a, b in itertools.product(first, second)]
    auc = Auc.of(first, second).value
    assert auc == pytest.approx(np.mean(pairs))
    assert auc == pytest.approx(roc_auc_score([1] * len(first) + [0] * len(second), first + second))


@pytest.mark.parametrize(("shift", "n", "m"), [(0.0, 200, 300), (0.5, 100, 100), (1.5, 60, 400)])
def test_auc_interval_covers(shift: float, n: int, m: int) -> None:
    rng, runs, truth = np.random.default_rng(3), 1_500, sps.norm.cdf(shift / math.sqrt(2))
    covered = 0
    for _ in range(runs):
        low, high = Auc.of(rng.normal(shift, 1, n), rng.normal(0, 1, m)).interval(0.95)
        covered += low <= truth <= high
    assert covered / runs > 0.95 - 3.5 * math.sqrt(0.95 * 0.05 / runs) - 0.005


def test_auc_variance_equals_the_covariance_form_of_delong() -> None:
    rng = np.random.default_rng(4)
    first, second = rng.normal(0.4, 1, 37), rng.normal(0, 1, 51)
    kernel = (first[:, None] > second[None, :]).astype(float)
    expected = kernel.mean(1).var(ddof=1) / 37 + kernel.mean(0).var(ddof=1) / 51
    assert Auc.of(first, second).variance == pytest.approx(expected)


def test_auc_of_groups_wholly_apart_still_has_an_interval() -> None:
    low, high = Auc.of([2.0, 3.0, 4.0], [0.0, 1.0]).interval(0.95)
    assert low < 0.5
    assert high == 1.0


def test_median_interval_covers_at_least_nominal() -> None:
    rng, runs, covered = np.random.default_rng(5), 2_000, 0
    for _ in range(runs):
        low, high = Median.of(rng.exponential(1.0, 41)).interval(0.95)
        covered += low <= math.log(2) <= high
    assert covered / runs > 0.94


def test_median_of_rows_that_never_moved_is_infinite() -> None:
    median = Median.of([1.0, math.inf, math.inf, math.inf, math.inf])
    assert median.value == math.inf


@pytest.mark.parametrize("n", [0, 1, 5])
def test_a_median_of_too_few_values_is_not_known(n: int) -> None:
    assert Median.of(np.arange(n)).interval(0.95) == (-math.inf, math.inf)


def test_bootstrap_of_a_mean_covers() -> None:
    rng, runs, covered = np.random.default_rng(6), 400, 0
    for _ in range(runs):
        sample = rng.normal(0, 1, 80)
        means = np.sort(sample[rng.integers(0, 80, (400, 80))].mean(1))
        low, high = Bootstrap(float(sample.mean()), 80, tuple(means)).interval(0.9)
        covered += low <= 0 <= high
    assert covered / runs > 0.85


def test_exact_and_normal_intervals() -> None:
    assert Exact(3.0, 7).interval(0.5) == (3.0, 3.0)
    low, high = Normal(0.5, 0.1, 20, lower=0.0, upper=0.6).interval(0.95)
    assert low == pytest.approx(0.5 - 1.959964 * 0.1)
    assert high == 0.6


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and n=3"):
        Proportion(4, 3)
    with pytest.raises(ValueError, match="both groups"):
        Auc.of([], [1.0])


p_lists = st.lists(st.floats(0, 1), min_size=1, max_size=25)


@given(p_lists)
def test_multiplicity_equals_scipy(p: list[float]) -> None:
    assert benjamini_hochberg(p) == pytest.approx(sps.false_discovery_control(p, method="bh"))
    assert benjamini_yekutieli(p) == pytest.approx(sps.false_discovery_control(p, method="by"))


@given(p_lists, st.floats(0.001, 0.5))
def test_holm_rejects_what_the_step_down_procedure_rejects(p: list[float], alpha: float) -> None:
    """The textbook loop: compare the i-th smallest with alpha / (m - i), stop at the first that fails."""
    rejected, order = set(), np.argsort(p, kind="stable")
    for rank, i in enumerate(order):
        if p[i] * (len(p) - rank) > alpha:
            break
        rejected.add(int(i))
    assert set(np.flatnonzero(holm(p) <= alpha).tolist()) == rejected
