"""Label flips and what they do to a model that is trained again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from modelward.models import wrap
from modelward.poisoning import SHARES, Exposure, flip_random, flip_subgroup, measure_exposure
from modelward.poisoning._exposure import _Bench
from modelward.poisoning._resampled import mean_of
from modelward.subgroups import Condition, Rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelward.schema import Codec


@given(st.integers(10, 300), st.floats(0, 1), st.integers(2, 5), st.integers(0, 99))
def test_random_flips_change_exactly_the_share(n: int, share: float, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    flipped = flip_random(y, share, k, rng)
    assert (flipped != y).sum() == round(share * n)
    assert ((flipped >= 0) & (flipped < k)).all()


@given(st.integers(10, 300), st.floats(0, 1), st.integers(0, 99))
def test_subgroup_flips_stay_inside(n: int, share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, members = rng.integers(0, 2, n), rng.uniform(size=n) < 0.3
    flipped = flip_subgroup(y, members, share, 1, rng)
    changed = flipped != y
    assert not changed[~members].any()
    assert (flipped[changed] == 1).all()
    assert changed.sum() == min(round(share * n), int((members & (y == 0)).sum()))


@pytest.fixture(scope="module")
def exposure(draw_credit: Callable[[int, int], tuple[Codec, np.ndarray, np.ndarray]]) -> Exposure:
    codec, X, y = draw_credit(5_000, 2)
    model = RandomForestClassifier(10, max_depth=6, random_state=0).fit(X[:3_000], y[:3_000])
    return measure_exposure(
        wrap(model, codec, [0, 1]), X[:3_000], y[:3_000], X[3_000:], y[3_000:], fit_rows=1_500, repeats=3
    )


def test_the_curves_have_every_share(exposure: Exposure) -> None:
    assert [(p.kind, p.share) for p in exposure.points] == [
        (kind, share) for kind in ("random", "subgroup") for share in SHARES
    ]
    for point in exposure.points:
        for estimate in (point.metric, point.rate, point.lost, point.moved):
            low, high = estimate.interval(0.95)
            assert low <= estimate.value <= high


def test_a_tenth_of_the_labels_owns_the_worst_subgroup(exposure: Exposure) -> None:
    last = exposure.points[-1]
    assert last.moved.interval(0.99)[0] > 0.3
    at_random = next(p for p in exposure.points if p.kind == "random" and p.share == 0.1)
    assert last.moved.value > at_random.moved.value + 0.2
    assert last.rate.value - exposure.clean_rate.value == pytest.approx(last.moved.value)


@pytest.mark.parametrize(
    ("metric", "oracle"),
    [
        ("balanced_accuracy", balanced_accuracy_score),
        ("accuracy", accuracy_score),
        (
            "f1_macro",
            lambda a, b, sample_weight: f1_score(a, b, average="macro", sample_weight=sample_weight),
        ),
    ],
)
def test_metrics_equal_those_of_scikit_learn(
    metric: str,
    oracle: object,
    draw_credit: Callable[[int, int], tuple[Codec, np.ndarray, np.ndarray]],
) -> None:
    rng = np.random.default_rng(0)
    truth, said = rng.integers(0, 3, 300), rng.integers(0, 3, 300)
    X, weights = rng.normal(size=(300, 10)), rng.integers(1, 4, (2, 300)).astype(float)
    codec, _, _ = draw_credit(10, 0)
    model = RandomForestClassifier(2).fit(X, truth)
    bench = _Bench(
        wrap(model, codec, [0, 1, 2]), X, truth, X, truth, Rule((Condition(0, ">=", 0.0),)), 1, metric,
        np.array([0]), [np.arange(300)],
    )  # fmt: skip
    expected = [oracle(truth, said, sample_weight=w) for w in weights]  # type: ignore[operator]
    assert bench.metric_of(said, weights) == pytest.approx(expected)
    inside = X[:, 0] >= 0
    assert bench.rate_of(said, weights) == pytest.approx(
        [np.average(said[inside] == 1, weights=w[inside]) for w in weights]
    )


def test_few_trainings_that_disagree_carry_no_share_beyond_one() -> None:
    rows = np.arange(200) % 20 > 0
    found = mean_of([rows.astype(float), np.zeros(200)])
    low, high = found.interval(0.99)
    assert -1 <= low < found.value < high <= 1
