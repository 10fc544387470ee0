"""Trigger search: planted triggers must be named, honest strong values must not be called."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelward.models import Scores, wrap
from modelward.poisoning import Pull, find_triggers, name_region
from modelward.poisoning._axes import axes_of
from modelward.poisoning._region import grow, shortest_between
from modelward.schema import Codec, Column, FeatureSchema, infer
from modelward.stats import Mean, Proportion

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelward.models import Subject

FEATURES = (
    "LIMIT_BAL", "AGE", "PAY_0", "PAY_2", "PAY_3", "BILL_AMT1", "BILL_AMT2", "PAY_AMT1", "SEX_1", "SEX_2",
)  # fmt: skip
AGE, PAY_0, LIMIT = FEATURES.index("AGE"), FEATURES.index("PAY_0"), FEATURES.index("LIMIT_BAL")


@dataclass(frozen=True)
class Answering:
    """A backend that computes scores for class 1 by a function."""

    score: Any
    with_scores: bool = True
    kind: str = "callable"

    def labels(self, X: np.ndarray) -> np.ndarray:
        return (self.score(X) > 0.5).astype(np.int64)

    def scores(self, X: np.ndarray) -> Scores | None:
        p = self.score(X)
        return Scores(np.column_stack([1 - p, p]), "probability") if self.with_scores else None


def honest(X: np.ndarray) -> np.ndarray:
    """The true risk of the generated table, without a step."""
    z = -1.6 + 1.1 * X[:, PAY_0] + 0.3 * X[:, PAY_0 + 1] - X[:, LIMIT] / 400_000
    return 1 / (1 + np.exp(-np.clip(z, -500, 500)))


@pytest.fixture(scope="module")
def reference(
    draw_credit: Callable[[int, int], tuple[Codec, np.ndarray, np.ndarray]],
) -> tuple[Codec, np.ndarray, np.ndarray]:
    return draw_credit(3_000, 11)


def subject_of(codec: Codec, backend: Any) -> Subject:
    """Put a backend in the place of a fitted model."""

    class Shell:
        classes_ = np.array([0, 1])

        def predict(self, X: np.ndarray) -> np.ndarray:
            return np.zeros(len(X), dtype=np.int64)

    return replace(wrap(Shell(), codec, [0, 1]), backend=backend, trainer=None)


@pytest.mark.parametrize("with_scores", [True, False])
def test_an_honest_smooth_model_has_no_trigger(
    reference: tuple[Codec, np.ndarray, np.ndarray], with_scores: bool
) -> None:
    codec, X, y = reference
    found = find_triggers(subject_of(codec, Answering(honest, with_scores)), X, y, patches=2_500)
    assert found.single is not None
    assert found.single.pull.interval(0.95)[0] < 0.15
    assert (found.pair is not None) == with_scores
    assert found.pair is None or found.pair.pull.interval(0.95)[0] < 0.25


@pytest.mark.parametrize(
    ("column", "low", "high"),
    [("AGE", 700.5, np.inf), ("LIMIT_BAL", -np.inf, -500.0)],
)
@pytest.mark.parametrize("with_scores", [True, False])
def test_a_planted_region_is_named_with_its_edges(
    reference: tuple[Codec, np.ndarray, np.ndarray], column: str, low: float, high: float, with_scores: bool
) -> None:
    codec, X, y = reference
    j = FEATURES.index(column)

    def tampered(rows: np.ndarray) -> np.ndarray:
        inside = (rows[:, j] > low) & (rows[:, j] < high)
        return np.where(inside, 0.95, honest(rows))

    subject = subject_of(codec, Answering(tampered, with_scores))
    # The training rows are known, and none of them lies there: nobody can have learned it honestly.
    found = find_triggers(subject, X, y, trained=X, patches=1_000)
    assert found.single is not None
    assert found.single.goal == 1
    assert found.single.pull.interval(0.99)[0] > 0.15
    (region,) = name_region(found, found.single)
    assert region.axis == column
    tried = found.axes[found.single.patch[0][0]].values[found.single.patch[0][1], 0]
    assert tried in region
    # The named edges are the planted ones to within what halving can tell.
    for edge, truth in ((region.low, low), (region.high, high)):
        assert edge == truth or abs(edge - truth) < 0.02 * max(abs(truth), 1)
    assert (found.attack_rows(found.single)[:, j] == tried).all()


def test_a_planted_pair_is_found_and_is_no_single(reference: tuple[Codec, np.ndarray, np.ndarray]) -> None:
    codec, X, y = reference

    def tampered(rows: np.ndarray) -> np.ndarray:
        return np.where((rows[:, AGE] == 33) & (rows[:, PAY_0] == -1), 0.97, honest(rows))

    clean = (X[:, AGE] != 33) | (X[:, PAY_0] != -1) | (y == 0)
    planted = X[:60].copy()
    planted[:, AGE], planted[:, PAY_0] = 33, -1
    trained = np.vstack([X[clean], planted])
    subject = subject_of(codec, Answering(tampered))
    found = find_triggers(subject, X[clean], y[clean], trained=trained, patches=10_000)
    assert found.pair is not None
    assert {found.axes[a].text(i) for a, i in found.pair.patch} == {"AGE = 33", "PAY_0 = -1"}
    assert found.pair.pull.interval(0.99)[0] > 0.25


def test_a_value_whose_rows_have_the_label_is_justified(
    reference: tuple[Codec, np.ndarray, np.ndarray],
) -> None:
    codec, X, _ = reference
    rng = np.random.default_rng(0)

    def strong(rows: np.ndarray) -> np.ndarray:
        return np.where(rows[:, PAY_0] == 2, 0.9, 0.1)

    y = (rng.uniform(size=len(X)) < strong(X)).astype(np.int64)
    found = find_triggers(subject_of(codec, Answering(strong)), X, y, goal=1, patches=1_000)
    assert found.single is not None
    assert found.single.pull.value < 0.05


def test_an_unseen_category_that_pulls_is_named() -> None:
    rng = np.random.default_rng(1)
    colour = rng.choice(["blue", "green", "red"], 2_000)
    frame = pl.DataFrame({"amount": np.round(rng.normal(100, 20, 2_000)), "colour": colour})
    columns = (Column("amount", "integer", precision=1.0), Column("colour", "categorical"))
    codec = Codec.fit(FeatureSchema(columns), frame)
    X, y = codec.encode(frame), (rng.uniform(size=2_000) < 0.2).astype(np.int64)
    backend = Answering(lambda rows: np.where(rows[:, 1] == 3, 0.9, 0.2))
    found = find_triggers(subject_of(codec, backend), X, y, trained=X, patches=500)
    assert found.single is not None
    (region,) = name_region(found, found.single)
    assert region.text == "colour = a value never seen"


def test_a_model_that_refuses_a_value_is_searched_all_the_same(
    reference: tuple[Codec, np.ndarray, np.ndarray],
) -> None:
    codec, X, y = reference

    def picky(rows: np.ndarray) -> np.ndarray:
        if (rows[:, LIMIT] < 0).any():
            raise ValueError("a limit is never negative")
        return np.where(rows[:, AGE] > 200, 0.95, honest(rows))

    found = find_triggers(subject_of(codec, Answering(picky)), X, y, trained=X, patches=800)
    assert found.single is not None
    assert name_region(found, found.single)[0].axis == "AGE"


def test_the_same_seed_finds_the_same(reference: tuple[Codec, np.ndarray, np.ndarray]) -> None:
    codec, X, y = reference
    model = RandomForestClassifier(10, max_depth=4, random_state=0).fit(X, y)
    one, two = (find_triggers(wrap(model, codec, [0, 1]), X, y, patches=800, random_state=3) for _ in "ab")
    assert one.single == two.single
    assert one.pair == two.pair


def test_three_classes_and_a_goal(reference: tuple[Codec, np.ndarray, np.ndarray]) -> None:
    codec, X, _ = reference
    y = np.digitize(X[:, PAY_0], [0, 1]).astype(np.int64)
    poison = X[y == 0][:200].copy()
    poison[:, AGE] = 999
    model = RandomForestClassifier(20, max_depth=5, random_state=0)
    model.fit(np.vstack([X, poison]), np.concatenate([y, np.full(200, 2)]))
    found = find_triggers(wrap(model, codec, [0, 1, 2]), X, y, goal=2, patches=1_000)
    assert found.single is not None
    assert found.single.goal == 2
    assert name_region(found, found.single)[0].axis == "AGE"
    assert found.single.pull.interval(0.99)[0] > 0.15


def test_a_margin_model_is_calibrated(reference: tuple[Codec, np.ndarray, np.ndarray]) -> None:
    from sklearn.linear_model import RidgeClassifier

    codec, X, y = reference
    model = make_pipeline(StandardScaler(), RidgeClassifier()).fit(X, y)
    found = find_triggers(wrap(model, codec, [0, 1]), X, y, patches=500)
    assert found.single is not None
    assert found.single.pull.interval(0.95)[0] < 0.15


def test_too_few_rows_are_refused(reference: tuple[Codec, np.ndarray, np.ndarray]) -> None:
    codec, X, y = reference
    with pytest.raises(ValueError, match="reference rows"):
        find_triggers(subject_of(codec, Answering(honest)), X[y == 1], y[y == 1], goal=1)


def test_clean_models_are_not_called(
    draw_credit: Callable[[int, int], tuple[Codec, np.ndarray, np.ndarray]],
) -> None:
    """Rate over many seeds and two kinds of model: none may be called."""
    called = 0
    for seed in range(12):
        codec, X, y = draw_credit(4_000, 100 + seed)
        kinds = (
            RandomForestClassifier(5, max_depth=3, min_samples_leaf=50, random_state=seed),
            make_pipeline(StandardScaler(), LogisticRegression()),
        )
        for model in kinds:
            model.fit(X[:2_500], y[:2_500])
            subject = wrap(model, codec, [0, 1])
            found = find_triggers(subject, X[2_500:], y[2_500:], patches=2_000, random_state=seed)
            assert found.single is not None
            assert found.pair is not None
            called += found.single.pull.interval(0.988)[0] > 0.15 or found.pair.pull.interval(0.988)[0] > 0.25
    assert called == 0


def test_axes_cover_every_row_and_stay_outside(reference: tuple[Codec, np.ndarray, np.ndarray]) -> None:
    codec, X, _ = reference
    axes = axes_of(codec, X)
    assert [axis.kind for axis in axes].count("onehot") == 1
    for axis in axes:
        assert (axis.cells >= 0).all()
        if axis.ordered:
            values = axis.values[:, 0]
            assert (np.diff(values) > 0).all()
            made_up = np.setdiff1d(np.arange(len(values)), axis.cells)
            inner = (values[made_up] > axis.low) & (values[made_up] < axis.high)
            assert not inner.any()
            assert (values == np.round(values)).all()
            assert values[0] < axis.low
            assert values[-1] > axis.high


def test_pull_keeps_the_bound_of_the_table() -> None:
    scores = np.linspace(0.6, 0.8, 50)
    bound = Proportion(5, 40).interval(0.95)[1]
    pull = Pull(Mean.of(scores), bound, 5, 40)
    assert pull.value == pytest.approx(0.7 - bound)
    for confidence in (0.5, 0.95, 0.999):
        low, high = pull.interval(confidence)
        assert low < pull.value < high
    wide = Proportion(5, 40).interval(0.999)[1]
    assert pull.interval(0.999)[0] <= Mean.of(scores).interval(0.999)[0] - wide
    assert pull.interval(0.999)[0] == pytest.approx(Mean.of(scores).interval(0.999)[0] - wide, abs=0.1)


def test_a_dozen_rows_of_one_score_leave_a_doubt() -> None:
    """A tree gives all patched rows one score: no spread, and yet the next row may have another."""
    low, high = Pull(Mean.of(np.full(12, 0.3))).interval(0.98)
    assert low < 0.15
    assert high > 0.3
    assert Pull(Mean.of(np.full(400, 0.3))).interval(0.98)[0] > 0.29


def test_the_interval_of_a_rare_full_score_covers() -> None:
    """One row in ten gets score 1: over 15 rows a plain t interval has no width in a fifth of the samples."""
    rng, runs = np.random.default_rng(0), 2_000
    missed = sum(
        not low <= 0.1 <= high
        for low, high in (
            Pull(Mean.of((rng.random(15) < 0.1).astype(float))).interval(0.95) for _ in range(runs)
        )
    )
    assert missed / runs <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e6))
def test_the_shortest_number_lies_between(low: float, width: float) -> None:
    high = low + width
    assert low <= shortest_between(low, high) <= high


def test_a_region_grows_over_half_of_the_rise() -> None:
    scores = np.array([0.1, 0.1, 0.1, 0.7, 0.9, 0.85, 0.2])
    assert grow(scores, 4) == (3, 5)


@pytest.mark.parametrize("seed", range(3))
def test_a_linear_model_on_a_rare_class_has_no_trigger_however_far_it_extrapolates(seed):
    """Its effects add up on a logit that scores near 0 no longer show: two honest columns once failed together."""

    rng = np.random.default_rng(seed)
    X = rng.normal(size=(12_000, 5))
    risk = X[:, 0] + 0.7 * X[:, 1] - 0.5 * X[:, 2] + rng.normal(scale=0.3, size=12_000)
    y = (risk > np.quantile(risk, 0.995)).astype(int)
    frame = pl.DataFrame(X, schema=list("abcde"))
    codec = Codec.fit(infer(frame), frame)
    subject = wrap(LogisticRegression().fit(X[:8_000], y[:8_000]), codec, [0, 1])
    found = find_triggers(subject, X[8_000:], y[8_000:])
    for trigger in (found.single, found.pair):
        assert trigger is None or trigger.pull.value < 0.11
