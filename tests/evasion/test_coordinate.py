"""The black-box search: what it counts, what it costs, and how near it comes to the exact answer."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from modelward.errors import EndpointError, SubjectError
from modelward.evasion import (
    BoundarySearch,
    Cheapest,
    CoordinateSearch,
    EnsembleSearch,
    Outcome,
    split_points,
)
from modelward.models import wrap
from modelward.schema import Codec, Column, FeatureSchema, legal, project


class Flaky:
    """A backend that answers at random: nothing that it says can be verified twice for sure."""

    kind = "random"

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def labels(self, X):
        return self.rng.integers(0, 2, len(X))

    def scores(self, X):
        return None


def forest(seed):
    return RandomForestClassifier(5, max_depth=3, random_state=seed)


def line(seed):
    return LogisticRegression()


ATTACKS = [CoordinateSearch(), BoundarySearch(), Cheapest()]
IDS = [type(a).__name__ for a in ATTACKS]


@pytest.mark.parametrize("attack", ATTACKS, ids=IDS)
@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    goal=st.sampled_from([None, 0, 1]),
    budget=st.sampled_from([None, 0, 7, 40, 300, 3000]),
)
def test_what_counts_is_legal_reachable_and_verified_and_the_budget_holds(world, attack, seed, goal, budget):
    w = world(forest if seed % 2 else line, seed)
    codes = w.subject.codes(w.X)
    before = w.subject.meter.rows
    r = attack.run(w.subject, w.X, codes, schema=w.schema, goal=goal, budget=budget, random_state=seed)
    assert w.subject.meter.rows - before == r.queries
    for i in np.flatnonzero(r.proven):
        assert r.cost[i] == pytest.approx(w.cheapest(w.X[i], int(codes[i]), goal), rel=1e-6)
    assert budget is None or r.queries <= budget
    moved = r.success
    labels = w.subject.codes(r.rows[moved]) if moved.any() else np.empty(0)
    assert np.all(labels != codes[moved] if goal is None else labels == goal)
    assert legal(w.schema, r.rows).all()
    assert np.array_equal(project(w.schema, r.rows, w.X), r.rows)
    assert np.array_equal(r.rows[~moved], w.X[~moved])
    for i, outcome in enumerate(r.outcome):
        assert (outcome is Outcome.MOVED) == moved[i]
        assert (outcome is Outcome.ALREADY_GOAL) == (codes[i] == goal and r.cost[i] == 0)
        if outcome is Outcome.MOVED:
            assert r.cost[i] >= w.cheapest(w.X[i], int(codes[i]), goal) - 1e-9


@pytest.mark.parametrize("attack", ATTACKS, ids=IDS)
@pytest.mark.parametrize("model", [forest, line])
def test_n_rows_equal_n_single_runs(world, attack, model):
    w = world(model, 4, rows=6)
    codes = w.subject.codes(w.X)
    options = {"schema": w.schema, "random_state": 3}
    together = attack.run(w.subject, w.X, codes, budget=6 * 200, **options)
    alone = [attack.run(w.subject, w.X[[i]], codes[[i]], budget=200, **options) for i in range(6)]
    assert np.array_equal(together.rows, np.concatenate([r.rows for r in alone]))
    assert np.array_equal(together.cost, np.concatenate([r.cost for r in alone]))
    assert together.outcome == tuple(o for r in alone for o in r.outcome)
    assert together.queries == sum(r.queries for r in alone)


@pytest.mark.parametrize("known", [False, True], ids=["labels-only", "thresholds"])
def test_near_the_exact_answer_on_single_trees(credit, known, make_scope):
    frame, y = credit
    scope = make_scope(DecisionTreeClassifier(max_depth=4, random_state=0), frame, y)
    X = scope.test.X[:80]
    codes = scope.subject.codes(X)
    exact = EnsembleSearch().run(scope.subject, X, codes, schema=scope.schema)
    search = CoordinateSearch(
        reference=scope.train.X[:1000], thresholds=split_points(scope.subject) if known else None
    )
    found = search.run(scope.subject, X, codes, schema=scope.schema, budget=80 * 1000)
    ratio = found.cost / exact.cost
    assert exact.success.all() and found.success.all()
    assert ratio.min() > 1 - 1e-6
    assert np.median(ratio) < 1.01
    assert found.cost.sum() < 1.2 * exact.cost.sum()
    assert np.mean(ratio <= 1.5) > 0.9


@pytest.mark.parametrize("attack", ATTACKS, ids=IDS)
def test_a_constant_model_never_moves(world, attack):
    w = world(lambda seed: DummyClassifier(strategy="most_frequent"), 2)
    codes = w.subject.codes(w.X)
    r = attack.run(w.subject, w.X, codes, schema=w.schema, budget=len(w.X) * 300)
    assert not r.success.any()
    assert set(r.outcome) <= {Outcome.NOT_MOVED, Outcome.BUDGET}
    assert np.isinf(r.cost).all()
    there = attack.run(w.subject, w.X, codes, schema=w.schema, goal=int(codes[0]))
    assert set(there.outcome) == {Outcome.ALREADY_GOAL}
    assert there.cost.tolist() == [0.0] * len(w.X)
    assert not there.tried.any()


@pytest.mark.parametrize("attack", ATTACKS, ids=IDS)
def test_illegal_and_missing_cells_are_outcomes_of_their_rows(attack):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 10, size=(200, 2)).astype(float)
    columns = (Column("a", "integer", low=0, high=9), Column("b", "integer", low=0, high=9, missing=True))
    schema = FeatureSchema(columns)
    y = (X[:, 0] + X[:, 1] > 9).astype(int)
    rows = np.array([[3.0, 3.0], [99.0, 3.0], [3.5, 3.0], [np.nan, 1.0], [3.0, np.nan], [np.inf, 0.0]])
    illegal = [Outcome.ILLEGAL_ROW] * 3
    for model, lacking in ((forest(0), Outcome.MOVED), (line(0), Outcome.ILLEGAL_ROW)):
        subject = wrap(model.fit(X, y), Codec.fit(schema), [0, 1])
        r = attack.run(subject, rows, np.zeros(6, dtype=np.int64), schema=schema)
        assert [r.outcome[i] for i in (1, 2, 3)] == illegal
        assert r.outcome[5] is Outcome.ILLEGAL_ROW
        assert r.outcome[0] is Outcome.MOVED
        assert r.outcome[4] in (lacking, Outcome.ALREADY_GOAL)
        assert np.array_equal(r.rows[~r.success], rows[~r.success], equal_nan=True)


def test_what_a_subject_does_not_repeat_does_not_count(world):
    w = world(forest, 0)
    subject = dataclasses.replace(w.subject, backend=Flaky(0), model=None)
    n = 400
    X, codes = np.repeat(w.X[:1], n, axis=0), np.zeros(n, dtype=np.int64)
    r = CoordinateSearch().run(subject, X, codes, schema=w.schema, budget=n * 200)
    tried = r.tried.sum()
    # The last answer is a coin's: half of what was found is thrown away.
    assert 0.35 * tried < r.success.sum() < 0.65 * tried


def test_a_subject_that_fails_says_so(world):
    w = world(forest, 0)

    class Broken(Flaky):
        def labels(self, X):
            raise SubjectError("the model failed")

    subject = dataclasses.replace(w.subject, backend=Broken(0), model=None)
    with pytest.raises(SubjectError):
        CoordinateSearch().run(subject, w.X, np.zeros(len(w.X), dtype=np.int64), schema=w.schema)


def test_a_meter_above_that_is_shorter_than_the_budget_keeps_what_was_found(world):
    w = world(forest, 1)
    codes = w.subject.codes(w.X)
    short = w.subject.with_budget(len(w.X) * 30)
    r = CoordinateSearch().run(short, w.X, codes, schema=w.schema, budget=10**6)
    assert r.queries <= len(w.X) * 30
    assert r.success.any()


def test_no_rows_give_no_rows(world):
    w = world(forest, 1)
    r = Cheapest().run(w.subject, w.X[:0], np.empty(0, dtype=np.int64), schema=w.schema)
    assert (len(r.rows), r.outcome, r.queries) == (0, (), 0)


class Dying:
    """Answers as a model does, and is down after so many calls."""

    kind = "endpoint"

    def __init__(self, backend, calls):
        self.backend, self.calls = backend, calls

    def labels(self, X):
        self.calls -= 1
        if self.calls < 0:
            raise EndpointError("http://localhost gave no answer within 5 s")
        return self.backend.labels(X)

    def scores(self, X):
        return None


@pytest.mark.parametrize("attack", ATTACKS, ids=IDS)
@pytest.mark.parametrize("calls", [1, 2, 4])
def test_what_was_found_before_an_endpoint_fails_is_kept(world, attack, calls):
    w = world(forest, 3)
    codes = w.subject.codes(w.X)
    subject = dataclasses.replace(w.subject, backend=Dying(w.subject.backend, calls), model=None)
    r = attack.run(subject, w.X, codes, schema=w.schema, random_state=1)
    assert "no answer" in r.stopped
    assert set(r.outcome) <= {Outcome.MOVED, Outcome.FAILED}
    assert (Outcome.FAILED in r.outcome) or calls > 1
    assert not r.proven.any()
    moved = r.success
    assert calls == 1 or moved.any()
    assert np.all(w.subject.codes(r.rows[moved]) != codes[moved])


def test_an_endpoint_that_is_down_at_once_is_an_error(world):
    w = world(forest, 3)
    subject = dataclasses.replace(w.subject, backend=Dying(w.subject.backend, 0), model=None)
    with pytest.raises(EndpointError):
        Cheapest().run(subject, w.X, w.subject.codes(w.X), schema=w.schema)


def test_values_go_missing_and_come_back_at_the_price_of_one():
    # The label is whether "a" is there at all: no other change helps.
    rng = np.random.default_rng(0)
    X = rng.integers(0, 10, size=(200, 2)).astype(float)
    X[::2, 0] = np.nan
    schema = FeatureSchema(
        (Column("a", "integer", low=0, high=9, missing=True), Column("b", "integer", low=0, high=9))
    )
    subject = wrap(DecisionTreeClassifier().fit(X, np.isnan(X[:, 0])), Codec.fit(schema), [False, True])
    codes = subject.codes(X[:20])
    assert codes.tolist() == [1, 0] * 10
    for attack in (CoordinateSearch(), Cheapest(reference=X)):
        r = attack.run(subject, X[:20], codes, schema=schema, budget=20 * 200)
        assert r.success.all()
        assert r.cost.tolist() == [1.0] * 20


def test_a_model_that_takes_no_missing_values_is_searched_without_them(world):
    X = np.random.default_rng(0).integers(0, 10, size=(200, 2)).astype(float)
    schema = FeatureSchema(
        (Column("a", "integer", low=0, high=9, missing=True), Column("b", "integer", low=0, high=9))
    )
    subject = wrap(LogisticRegression().fit(X, X.sum(axis=1) > 9), Codec.fit(schema), [False, True])
    r = CoordinateSearch(reference=X).run(subject, X[:30], subject.codes(X[:30]), schema=schema)
    assert r.success.all()
    assert not np.isnan(r.rows).any()


@pytest.mark.parametrize(("budget", "points"), [(40, 16), (400, 50), (4_000, 64), (None, 64)])
def test_a_larger_budget_asks_about_more_starting_points(budget, points):
    calls = []

    class Recorded:
        kind = "labels"

        def labels(self, X):
            calls.append(len(X))
            return (np.asarray(X)[:, 0] > 50).astype(np.int64)

        def scores(self, X):
            return None

    schema = FeatureSchema(tuple(Column(n, "continuous", low=0.0, high=100.0) for n in ("a", "b")))
    pool = np.random.default_rng(0).uniform(0, 100, (500, 2))
    fitted = DecisionTreeClassifier(max_depth=1).fit(pool, pool[:, 0] > 50)
    subject = dataclasses.replace(wrap(fitted, Codec.fit(schema), [0, 1]), backend=Recorded(), model=None)
    attack = CoordinateSearch(pool, rounds=0)
    row, codes = np.array([[10.0, 10.0]]), np.zeros(1, dtype=np.int64)
    result = attack.run(subject, row, codes, schema=schema, budget=budget)
    assert result.success.all()
    # The first call is about the row itself; a point that is chosen twice is asked once.
    assert 0.7 * points <= calls[1] <= points
