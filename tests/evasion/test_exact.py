"""Exact searches against a list of every legal row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from modelward.errors import UsageError
from modelward.evasion import EnsembleSearch, LinearSearch, Outcome
from modelward.models import wrap
from modelward.schema import Codec, Column, FeatureSchema, Relation, legal


def tree(seed):
    return DecisionTreeClassifier(max_depth=4, random_state=seed)


def linear(seed):
    return make_pipeline(StandardScaler(), LogisticRegression())


def _agrees(world, attack, goal):
    codes = world.subject.codes(world.X)
    result = attack.run(world.subject, world.X, codes, schema=world.schema, goal=goal)
    for i, x in enumerate(world.X):
        if result.outcome[i] is Outcome.ALREADY_GOAL:
            assert codes[i] == goal
            continue
        truth = world.cheapest(x, int(codes[i]), goal)
        assert result.cost[i] == pytest.approx(truth, rel=1e-9), (i, x)
        assert (result.outcome[i] is Outcome.MOVED) == np.isfinite(truth)
        assert result.proven[i]
    moved = result.success
    labels = world.subject.codes(result.rows[moved])
    assert np.all(labels != codes[moved] if goal is None else labels == goal)
    assert legal(world.schema, result.rows).all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.sampled_from([None, 0, 1]), st.sampled_from([2, 3]))
def test_a_tree_gives_the_cheapest_legal_row(world, seed, goal, classes):
    _agrees(world(tree, seed, classes=classes), EnsembleSearch(), goal)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.sampled_from([None, 1]), st.sampled_from([2, 3]))
def test_a_linear_model_gives_the_cheapest_legal_row(world, seed, goal, classes):
    _agrees(world(linear, seed, classes=classes, rows=5), LinearSearch(), goal)


def test_the_knapsack_of_floats_equals_linear_programming():
    from scipy.optimize import linprog

    rng = np.random.default_rng(1)
    for seed in range(20):
        columns = tuple(
            Column(f"x{j}", "continuous", low=-2.0, high=2.0, cost=float(rng.uniform(0.2, 3)),
                   direction=("any", "up", "down")[int(rng.integers(3))], mutable=bool(rng.uniform() < 0.8))
            for j in range(5)
        )  # fmt: skip
        schema = FeatureSchema(columns)
        X = rng.uniform(-2, 2, size=(200, 5))
        y = (X @ rng.normal(size=5) + rng.normal(size=200) > 0.5).astype(int)
        model = LogisticRegression().fit(X, y)
        subject = wrap(model, Codec.fit(schema), [0, 1])
        codes = subject.codes(X[:10])
        result = LinearSearch().run(subject, X[:10], codes, schema=schema, random_state=seed)
        for i in range(10):
            x, sign = X[i], 1 - 2 * codes[i]
            w, b = sign * model.coef_[0], sign * model.intercept_[0]
            price = np.array([c.cost for c in columns])
            up = [(0, 2 - x[j] if c.mutable and c.direction != "down" else 0) for j, c in enumerate(columns)]
            down = [(0, x[j] + 2 if c.mutable and c.direction != "up" else 0) for j, c in enumerate(columns)]
            truth = linprog(np.r_[price, price], A_ub=[-np.r_[w, -w]], b_ub=[w @ x + b], bounds=up + down)
            assert result.success[i] == (truth.status == 0)
            if truth.status == 0:
                assert result.cost[i] == pytest.approx(truth.fun, rel=1e-5, abs=1e-6)


def test_a_float_threshold_is_crossed_as_the_tree_compares():
    # 1.5000000000000002 is 1.5 in float32, so the tree sends it left: the move must go to the next float32.
    X = np.array([[1.0], [1.25], [1.75], [2.0]])
    model = DecisionTreeClassifier().fit(X, [0, 0, 1, 1])
    assert model.tree_.threshold[0] == 1.5
    schema = FeatureSchema((Column("a", "continuous", low=0, high=3),))
    subject = wrap(model, Codec.fit(schema), [0, 1])
    result = EnsembleSearch().run(subject, np.array([[1.5], [1.6]]), np.array([0, 1]), schema=schema)
    assert result.success.all()
    assert 0 < result.cost[0] < 2e-7
    assert result.cost[1] == pytest.approx(0.1)


def test_relations_hold_in_what_exact_searches_find():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 10, size=(400, 2)).astype(float)
    X[:, 1] = np.maximum(X[:, 0], X[:, 1])
    y = (X[:, 0] > 4).astype(int)
    columns = (Column("paid", "integer", low=0, high=10), Column("bill", "integer", low=0, high=10))
    schema = FeatureSchema(columns, relations=(Relation("paid", "<=", "bill"),))
    for model, attack in ((tree(0), EnsembleSearch()), (linear(0), LinearSearch())):
        subject = wrap(model.fit(X, y), Codec.fit(schema), [0, 1])
        codes = subject.codes(X[:40])
        result = attack.run(subject, X[:40], codes, schema=schema)
        assert legal(schema, result.rows).all()
        assert result.success.any()


def test_a_forest_is_no_linear_model():
    X = np.arange(20.0)[:, None]
    schema = FeatureSchema((Column("a", "integer", low=0, high=20),))
    subject = wrap(RandomForestClassifier(3).fit(X, X[:, 0] > 9), Codec.fit(schema), [False, True])
    with pytest.raises(UsageError, match="use CoordinateSearch"):
        LinearSearch().run(subject, X, np.zeros(20, dtype=np.int64), schema=schema)


@pytest.mark.parametrize(
    ("model", "attack", "spoilt"), [(tree, EnsembleSearch(), 5), (linear, LinearSearch(), 0)]
)
def test_a_proof_is_claimed_only_where_a_list_of_all_rows_agrees(world, model, attack, spoilt):
    # Relations spoil points: what is claimed as proven is compared with every legal row.
    proven = unproven = 0
    for seed in range(30):
        w = world(model, seed)
        schema = FeatureSchema(
            tuple(w.schema), onehot=w.schema.onehot, relations=(Relation("c0", "<=", "c1"),)
        )
        every = w.every[legal(schema, w.every)]
        X = w.X[legal(schema, w.X)]
        narrow = type(w)(schema, w.subject, X, every)
        codes = w.subject.codes(X)
        result = attack.run(w.subject, X, codes, schema=schema)
        for i, x in enumerate(X):
            truth = narrow.cheapest(x, int(codes[i]), None)
            if result.proven[i]:
                assert result.cost[i] == pytest.approx(truth, rel=1e-6), (seed, i)
            assert result.cost[i] >= truth - 1e-9
        proven += int(result.proven.sum())
        unproven += int((~result.proven).sum())
    assert proven > 50
    assert unproven >= spoilt


def test_a_program_that_is_cut_short_proves_nothing(world):
    seeds = range(12)
    cut = [LinearSearch(nodes=0), LinearSearch()]
    count = [0, 0]
    for seed in seeds:
        w = world(linear, seed, rows=5)
        codes = w.subject.codes(w.X)
        for k, attack in enumerate(cut):
            result = attack.run(w.subject, w.X, codes, schema=w.schema)
            count[k] += int(result.proven.sum())
            for i in np.flatnonzero(result.proven):
                truth = w.cheapest(w.X[i], int(codes[i]), None)
                assert result.cost[i] == pytest.approx(truth, rel=1e-6)
    assert count[0] <= count[1] == 5 * len(seeds)


def test_what_a_missing_cell_could_do_takes_the_proof_away_beyond_its_price():
    X = np.repeat(np.arange(10.0), 20)[:, None]
    y = (X[:, 0] > 4).astype(int)
    for allowed in (False, True):
        schema = FeatureSchema((Column("a", "integer", low=0, high=9, cost=0.5, missing=allowed),))
        subject = wrap(DecisionTreeClassifier().fit(X, y), Codec.fit(schema), [0, 1])
        result = EnsembleSearch().run(
            subject, np.array([[3.0], [1.0]]), np.zeros(2, dtype=int), schema=schema
        )
        assert result.cost.tolist() == [1.0, 2.0]
        assert result.proven.tolist() == [True, not allowed]
