"""Verdicts: the promise about false fails, and what each side of a limit becomes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as sps

from modelward.findings import REPORT_ALPHA, Claim, Limit, code_alpha, judge, p_value, verdict_of, worst
from modelward.stats import Auc, Exact, Mean, Proportion


def _claim(
    estimate: object, warn: float | None = None, fail: float | None = None, worse: str = "higher"
) -> Claim:
    return Claim("m", estimate, "share", worse, Limit(warn, fail))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("k", "warn", "fail", "verdict"),
    [
        (500, 0.2, 0.3, "fail"),
        (250, 0.2, 0.3, "warn"),
        (100, 0.2, 0.3, "pass"),
        (300, 0.2, 0.3, "inconclusive"),
        (200, 0.2, 0.3, "inconclusive"),
        (900, None, None, "measured"),
        (900, 0.5, None, "warn"),
        (100, None, 0.5, "pass"),
    ],
)
def test_each_side_of_a_limit(k: int, warn: float | None, fail: float | None, verdict: str) -> None:
    (measure,) = judge([_claim(Proportion(k, 1000), warn, fail)], alpha=0.01)
    assert measure.verdict == verdict
    assert measure.decision_low <= measure.low <= measure.value <= measure.high <= measure.decision_high


def test_lower_can_be_worse() -> None:
    (measure,) = judge([_claim(Proportion(100, 1000), fail=0.5, worse="lower")], alpha=0.01)
    assert measure.verdict == "fail"


def test_an_exact_count_at_its_limit_passes_and_over_it_fails() -> None:
    zero, one = judge([_claim(Exact(0, 4), fail=0.0), _claim(Exact(1, 4), fail=0.0)], alpha=0.001)
    assert (zero.verdict, one.verdict) == ("pass", "fail")


@given(st.integers(0, 200), st.floats(0.01, 0.99))
def test_p_value_of_a_share_is_the_exact_binomial_tail(k: int, limit: float) -> None:
    """Clopper-Pearson inverts the binomial tail, so inverting it again must give the tail."""
    tail = sps.binom.sf(k - 1, 200, limit)
    if 1e-9 < tail < 0.49:
        assert p_value(Proportion(k, 200), limit, "higher") == pytest.approx(tail, rel=1e-4)


def test_holm_within_a_code_is_stricter_than_a_single_test() -> None:
    edge = next(k for k in range(1000) if Proportion(k, 1000).interval(0.98)[0] > 0.3)
    clean = _claim(Proportion(100, 1000), fail=0.3)
    alone = judge([_claim(Proportion(edge, 1000), fail=0.3)], alpha=0.01)
    among = judge([_claim(Proportion(edge, 1000), fail=0.3), *[clean] * 4], alpha=0.01)
    assert alone[0].verdict == "fail"
    assert among[0].verdict == "inconclusive"


def test_the_worst_verdict_rules() -> None:
    assert worst(["pass", "warn", "inconclusive", "fail"]) == "fail"
    assert worst(["pass", "warn", "inconclusive"]) == "inconclusive"
    assert worst(["measured", "pass"]) == "pass"


def test_a_proven_warning_beats_the_open_question_whether_another_warns() -> None:
    proven, open_warn = _claim(Proportion(300, 1000), warn=0.2), _claim(Proportion(200, 1000), warn=0.2)
    open_fail = _claim(Proportion(300, 1000), warn=0.2, fail=0.3)
    assert verdict_of(judge([proven, open_warn], alpha=0.01)) == "warn"
    assert verdict_of(judge([open_warn], alpha=0.01)) == "inconclusive"
    assert verdict_of(judge([proven, open_fail], alpha=0.01)) == "inconclusive"
    assert verdict_of(judge([proven, _claim(Proportion(900, 1000), fail=0.3)], alpha=0.01)) == "fail"
    assert verdict_of([]) == "measured"


def test_at_most_five_percent_of_reports_over_sound_cases_hold_a_false_fail() -> None:
    """Six codes, each with several claims that lie exactly at their limit: the worst sound case there is."""
    rng, runs, false = np.random.default_rng(0), 1_500, 0
    alpha = code_alpha(6)
    for _ in range(runs):
        codes = [
            [_claim(Proportion(int(rng.binomial(2_000, 0.05)), 2_000), fail=0.05) for _ in range(3)],
            [_claim(Auc.of(rng.normal(0.3583, 1, 400), rng.normal(0, 1, 400)), fail=0.6001)],
            [_claim(Mean.of(rng.normal(0.15, 0.2, 40)), fail=0.15) for _ in range(2)],
            [_claim(Exact(0, 5), fail=0.0)],
            [_claim(Proportion(int(rng.binomial(300, 0.1)), 300), fail=0.1) for _ in range(4)],
            [_claim(Auc.of(rng.normal(0, 1, 100), rng.normal(0, 1, 100)), fail=0.5)],
        ]
        false += any(m.verdict == "fail" for claims in codes for m in judge(claims, alpha=alpha))
    assert sps.binomtest(false, runs).proportion_ci(0.95, method="exact").low <= REPORT_ALPHA
    assert false / runs <= REPORT_ALPHA
    assert false > 0, "at the limit some runs must fail, else the rule is vacuous"


def test_a_false_pass_is_as_rare() -> None:
    """A share that truly lies at the limit may be passed in at most alpha of the runs."""
    rng, runs, alpha = np.random.default_rng(1), 4_000, 0.05 / 6
    passed = sum(
        judge([_claim(Proportion(int(rng.binomial(800, 0.1)), 800), fail=0.1)], alpha=alpha)[0].verdict
        == "pass"
        for _ in range(runs)
    )
    assert passed / runs <= alpha + 3 * math.sqrt(alpha / runs)


def test_power_a_gross_violation_is_always_found() -> None:
    rng = np.random.default_rng(2)
    for _ in range(200):
        claim = _claim(Proportion(int(rng.binomial(1_000, 0.3)), 1_000), fail=0.1)
        assert (
            judge([claim, *[replace(claim, estimate=Proportion(10, 1_000))] * 5], alpha=0.005)[0].verdict
            == "fail"
        )
