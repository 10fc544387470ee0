"""Attribute inference: models with a planted leak, models that ignore the column, and the secret's columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.checks import Sample
from modelward.errors import BudgetExhausted, SchemaError
from modelward.models import Scores, Subject
from modelward.privacy import AttributeInference, find_columns, secret_of
from modelward.privacy._attributes import balance, paired
from modelward.schema import Codec, Column, FeatureSchema

SCHEMA = FeatureSchema(
    (
        Column("a", "continuous"),
        Column("b", "continuous"),
        Column("SEX_1", "integer"),
        Column("SEX_2", "integer"),
        Column("SEXTON", "continuous"),
    ),
    onehot=(("SEX_1", "SEX_2"),),
)


class Formula:
    """A model that is a formula of the row, so that what it leaks is known."""

    kind = "formula"

    def __init__(self, score):
        self._score = score

    def ask(self, X):
        p = self._score(X)
        return (p > 0.5).astype(int), Scores(np.column_stack([1 - p, p]), "probability")

    def labels(self, X):
        return self.ask(X)[0]

    def scores(self, X):
        return self.ask(X)[1]


def subject_of(score):
    return Subject("formula", Formula(score), np.array([0, 1]), Codec.fit(SCHEMA))


def population(n, seed):
    """Draw rows whose SEX follows a hidden rule that is in the label only by halves."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    woman = rng.random(n) < 0.5
    X[:, 2], X[:, 3] = ~woman, woman
    y = (rng.random(n) < 0.5).astype(np.int64)
    return X, y


def memory_of(X, y):
    """Return a score that is sure of the label exactly on rows it has by heart, sensitive column included."""
    by_heart = {row.tobytes(): label for row, label in zip(X, y, strict=True)}

    def score(rows):
        return np.array(
            [0.98 * by_heart[r.tobytes()] + 0.01 if r.tobytes() in by_heart else 0.5 for r in rows]
        )

    return score


def run(score, train, test, name="SEX", seed=0, budget=None, **options):
    subject = subject_of(score).with_budget(budget)
    attack = AttributeInference(**{"rows": 1_200, "auxiliary": 800, **options})
    return attack.run(subject, Sample(*train), Sample(*test), schema=SCHEMA, name=name, random_state=seed)


def test_a_model_that_knows_its_rows_by_heart_is_caught():
    train, test = population(1_200, 0), population(800, 1)
    result = run(memory_of(*train), train, test)
    assert result.attack == "posterior"
    assert result.advantage.interval(0.99)[0] > 0.3
    assert abs(result.without.value - 0.5) < 0.1
    assert result.labels_only.value < result.advantage.value


def test_what_the_label_tells_anyway_is_not_held_against_the_model():
    """The label is the hidden column where a > 0, so whoever knows the label knows it, model or not."""

    def score(X):
        return np.where(X[:, 0] > 0, np.where(X[:, 3] == 1, 0.9, 0.1), 0.5)

    def draw(n, seed):
        X, y = population(n, seed)
        return X, np.where(X[:, 0] > 0, X[:, 3], y).astype(np.int64)

    result = run(score, draw(1_200, 0), draw(800, 1))
    assert result.without.value > 0.65
    assert result.advantage.interval(0.99)[0] < 0.05


@pytest.mark.parametrize("seed", range(6))
def test_a_model_that_ignores_the_column_is_not_accused(seed):
    def score(X):
        return 1 / (1 + np.exp(-X[:, 0]))

    result = run(score, population(800, 2 * seed), population(500, 2 * seed + 1), seed=seed)
    assert result.advantage.interval(0.99)[0] <= 0.05


def test_a_number_is_guessed_by_tertiles_at_rounded_edges():
    X, _ = population(2_000, 3)
    secret = secret_of(SCHEMA, "a", X)
    assert len(secret.edges) == 2
    assert all(float(f"{edge:.1e}") == edge for edge in secret.edges)
    codes = secret.codes(X)
    assert np.bincount(codes).min() > 500
    for code in range(3):
        assert np.all(secret.codes(secret.filled(X, code)) == code)
    holes = X.copy()
    holes[:5, 0] = np.nan
    assert np.all(secret.codes(holes)[:5] == -1)


@pytest.mark.parametrize("name", ["SEX", "SEX_1", "SEX_2"])
def test_a_group_is_found_by_prefix_or_member(name):
    assert find_columns(SCHEMA, name) == (2, 3)


def test_other_columns_stand_for_themselves():
    assert find_columns(SCHEMA, "SEXTON") == (4,)
    with pytest.raises(SchemaError, match="no column 'AGE'"):
        find_columns(SCHEMA, "AGE")
    with pytest.raises(SchemaError):
        find_columns(SCHEMA, "SE")


def test_rare_values_are_no_candidates():
    X, _ = population(400, 0)
    X[:, 0] = np.arange(400) % 2
    X[:9, 0] = 7.0
    assert secret_of(SCHEMA, "a", X).candidates.ravel().tolist() == [0.0, 1.0]
    X[:, 0] = 1.0
    assert secret_of(SCHEMA, "a", X) is None


def test_the_meter_is_respected_and_the_seed_decides():
    train, test = population(300, 0), population(300, 1)

    def score(X):
        return 1 / (1 + np.exp(-X[:, 0] - X[:, 3]))

    with pytest.raises(BudgetExhausted):
        run(score, train, test, budget=100)
    first, second = run(score, train, test, seed=4), run(score, train, test, seed=4)
    assert (first.advantage, first.with_model) == (second.advantage, second.with_model)


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.booleans()), min_size=3, max_size=60))
@settings(max_examples=60, deadline=None)
def test_the_weighted_mean_is_the_difference_of_balanced_accuracies(rows):
    truth, one, other = (np.array(c) for c in zip(*rows, strict=True))
    want = np.mean([one[truth == t].mean() - other[truth == t].mean() for t in np.unique(truth)])
    got = paired(one.astype(float) - other, balance(truth))
    assert got.value == pytest.approx(want)


def test_the_paired_interval_covers():
    rng = np.random.default_rng(0)
    missed = 0
    for _ in range(400):
        truth = rng.integers(0, 2, 200)
        difference = rng.choice([-1.0, 0.0, 1.0], p=[0.02, 0.93, 0.05], size=200)
        low, high = paired(difference, balance(truth)).interval(0.95)
        missed += not low <= 0.03 <= high
    assert missed <= 33
    low, high = paired(np.zeros(100), np.ones(100)).interval(0.95)
    assert low < 0 < high
