"""Rows that cannot be moved, or not asked about, are an outcome of their own; the others go on."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from modelward.evasion import Cheapest, CoordinateSearch, EnsembleSearch, LinearSearch, Outcome
from modelward.models import wrap
from modelward.schema import Codec, Column, FeatureSchema

SCHEMA = FeatureSchema((Column("a", "integer", low=0, high=9), Column("b", "continuous", low=-1.0, high=1.0)))
MISSING = FeatureSchema(tuple(Column(c.name, c.kind, low=c.low, high=c.high, missing=True) for c in SCHEMA))
NAN, INF = float("nan"), float("inf")
ATTACKS = {
    "ensemble": (EnsembleSearch(), RandomForestClassifier(5, max_depth=3, random_state=0)),
    "linear": (LinearSearch(), LogisticRegression()),
    "linear, L2": (LinearSearch(norm="l2"), LogisticRegression()),
    "cheapest, forest": (Cheapest(), RandomForestClassifier(5, max_depth=3, random_state=0)),
    "cheapest, linear, L∞": (Cheapest(norm="linf"), LogisticRegression()),
}


def _rows() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.column_stack([rng.integers(0, 10, 300).astype(float), np.round(rng.uniform(-1, 1, 300), 3)])


def _subject(model, schema=SCHEMA):
    X = _rows()
    return wrap(model.fit(X, (X[:, 0] + 3 * X[:, 1] > 4.5).astype(int)), Codec.fit(schema), [0, 1])


@pytest.mark.parametrize("kind", ATTACKS)
def test_one_bad_row_takes_nothing_from_the_others(kind):
    attack, model = ATTACKS[kind]
    subject = _subject(model)
    X = np.array([[1, -0.5], [9, 0.9], [12, 0.0], [3, NAN], [3.5, 0.0], [3, INF], [2, -0.2]])
    codes = np.array([0, 1, 0, 0, 0, 0, 0])
    result = attack.run(subject, X, codes, schema=SCHEMA, goal=1)
    assert result.outcome == (
        Outcome.MOVED, Outcome.ALREADY_GOAL, Outcome.ILLEGAL_ROW, Outcome.ILLEGAL_ROW, Outcome.ILLEGAL_ROW,
        Outcome.ILLEGAL_ROW, Outcome.MOVED,
    )  # fmt: skip
    assert np.array_equal(result.success, [True, False, False, False, False, False, True])
    assert np.all(subject.codes(result.rows[result.success]) == 1)
    assert np.array_equal(result.rows[1:6], X[1:6], equal_nan=True)
    assert result.cost[1] == 0
    assert np.isinf(result.cost[2:6]).all()
    assert not result.proven[1:6].any()
    alone = attack.run(subject, X[[0, 6]], codes[[0, 6]], schema=SCHEMA, goal=1)
    assert np.array_equal(alone.cost, result.cost[[0, 6]])


@pytest.mark.parametrize("kind", ATTACKS)
@pytest.mark.parametrize("budget", [0, 1])
def test_without_a_budget_nothing_is_asked_and_nothing_claimed(kind, budget):
    attack, model = ATTACKS[kind]
    subject = _subject(model)
    X = np.array([[1, -0.5], [12, 0.0], [2, -0.2]])
    result = attack.run(subject, X, np.zeros(3, dtype=np.int64), schema=SCHEMA, budget=budget)
    assert result.outcome == (Outcome.BUDGET, Outcome.ILLEGAL_ROW, Outcome.BUDGET)
    assert result.queries <= budget
    assert not result.success.any()
    assert not result.proven.any()
    assert result.stopped


@pytest.mark.parametrize("constant", [RandomForestClassifier(3, random_state=0), DummyClassifier()])
def test_a_model_that_never_gives_another_answer_moves_no_row(constant):
    X = _rows()
    subject = wrap(constant.fit(X, np.zeros(len(X), dtype=int)), Codec.fit(SCHEMA), [0, 1])
    codes = subject.codes(X[:5])
    for attack in (Cheapest(), CoordinateSearch()):
        result = attack.run(subject, X[:5], codes, schema=SCHEMA)
        assert result.outcome == (Outcome.NOT_MOVED,) * 5
        assert np.isinf(result.cost).all()


@pytest.mark.parametrize("norm", ["cost", "l0", "l1", "l2", "linf"])
def test_a_goal_out_of_reach_is_proven_to_be(norm):
    held = FeatureSchema(tuple(Column(c.name, c.kind, low=c.low, high=c.high, mutable=False) for c in SCHEMA))
    for model, attack in (
        (RandomForestClassifier(5, random_state=0), EnsembleSearch(norm=norm)),
        (LogisticRegression(), LinearSearch(norm=norm)),
    ):
        subject = _subject(model, held)
        X = _rows()[:5]
        result = attack.run(subject, X, subject.codes(X), schema=held)
        assert result.outcome == (Outcome.NOT_MOVED,) * 5
        assert result.proven.all()
        assert np.isinf(result.bound).all()


def test_a_missing_cell_is_a_row_like_others_where_model_and_schema_take_it():
    boosted = _subject(HistGradientBoostingClassifier(max_iter=5), MISSING)
    X = np.array([[NAN, -0.9], [1.0, NAN], [1.0, -0.5]])
    result = EnsembleSearch().run(boosted, X, boosted.codes(X), schema=MISSING)
    assert Outcome.ILLEGAL_ROW not in result.outcome
    assert np.array_equal(np.isnan(result.rows), np.isnan(X))
    # A linear model takes none: the row is no input of it.
    linear = _subject(LogisticRegression(), MISSING)
    told = LinearSearch().run(linear, X, np.zeros(3, dtype=np.int64), schema=MISSING)
    assert told.outcome[:2] == (Outcome.ILLEGAL_ROW, Outcome.ILLEGAL_ROW)
    assert told.outcome[2] is Outcome.MOVED


def test_a_one_hot_group_too_large_for_the_exact_search_is_searched_by_labels():
    members = tuple(f"g{k}" for k in range(70))
    schema = FeatureSchema(
        (Column("a", "integer", low=0, high=9), *(Column(g, "integer", low=0, high=1) for g in members)),
        onehot=(members,),
    )
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 10, 400), np.eye(70)[rng.integers(0, 70, 400)]]).astype(float)
    forest = RandomForestClassifier(5, max_depth=3, max_features=None, random_state=0)
    subject = wrap(forest.fit(X, X[:, 0] > 4), Codec.fit(schema), [False, True])
    assert not EnsembleSearch.fits(subject, schema)
    result = Cheapest().run(
        subject, X[:3], subject.codes(X[:3]), schema=schema, budget=3 * 200, random_state=0
    )
    assert result.outcome == (Outcome.MOVED,) * 3
    assert not result.proven.any()
