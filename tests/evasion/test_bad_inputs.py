"""Bad input to every black-box search: each is a typed outcome of its row, and the batch goes on."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from modelward.errors import EndpointError, UsageError
from modelward.evasion import (
    BoundarySearch,
    Cheapest,
    CoordinateSearch,
    EnsembleSearch,
    LinearSearch,
    Outcome,
    ScoreSearch,
    SquareSearch,
)
from modelward.models import Scores, wrap
from modelward.schema import Codec, Column, FeatureSchema

SEARCHES = {
    "boundary": BoundarySearch(steps=3),
    "coordinate": CoordinateSearch(),
    "score": ScoreSearch(),
    "square": SquareSearch(steps=40),
    "cheapest": Cheapest(work=200),
}
every_search = pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)


class Answers:
    """A backend that labels by a rule; scores are those of the label unless others are given."""

    kind = "endpoint"

    def __init__(self, rule, scores=None, calls=None):
        self.rule, self.given, self.calls = rule, scores, calls

    def labels(self, X):
        if self.calls is not None:
            self.calls -= 1
            if self.calls < 0:
                raise EndpointError("down")
        return self.rule(X)

    def scores(self, X):
        labels = self.labels(X)
        values = np.eye(2)[labels] if self.given is None else self.given(X, labels)
        return Scores(values, "probability")

    def ask(self, X):
        labels = self.labels(X)
        values = np.eye(2)[labels] if self.given is None else self.given(X, labels)
        return labels, Scores(values, "probability")


def made(rule, scores=None, calls=None, *, missing=False):
    """Return a schema of two integers from 0 to 9 and a subject over it."""
    schema = FeatureSchema(
        (Column("a", "integer", low=0, high=9, missing=missing), Column("b", "integer", low=0, high=9))
    )
    X = np.random.default_rng(0).integers(0, 10, size=(200, 2)).astype(float)
    subject = wrap(LogisticRegression().fit(X, X.sum(axis=1) > 9), Codec.fit(schema), [0, 1])
    subject = dataclasses.replace(
        subject, backend=Answers(rule, scores, calls), classes=np.array([0, 1]), model=None
    )
    return schema, subject


def over(X):
    return (np.nan_to_num(X).sum(axis=1) > 9).astype(int)


ROWS = np.array([[3.0, 3.0], [9.0, 9.0], [99.0, 3.0], [3.5, 3.0], [np.nan, 1.0], [np.inf, 0.0], [4.0, 4.0]])


@every_search
@pytest.mark.parametrize("goal", [None, 1])
def test_rows_outside_the_schema_or_there_already_leave_the_others_as_they_are(search, goal):
    schema, subject = made(over)
    codes = np.zeros(len(ROWS), dtype=np.int64)
    options = {"schema": schema, "goal": goal, "random_state": 1}
    r = search.run(subject, ROWS, codes, budget=len(ROWS) * 200, **options)
    assert r.outcome[1] is Outcome.ALREADY_GOAL and r.cost[1] == 0
    assert [r.outcome[i] for i in (2, 3, 4, 5)] == [Outcome.ILLEGAL_ROW] * 4
    assert np.isinf(r.cost[2:6]).all() and not r.proven[2:6].any()
    assert np.array_equal(r.rows[1:6], ROWS[1:6], equal_nan=True)
    assert r.tried.tolist() == [True, False, False, False, False, False, True]
    alone = search.run(subject, ROWS[[0, 6]], codes[:2], budget=2 * 200, **options)
    assert np.array_equal(r.rows[[0, 6]], alone.rows)
    assert r.outcome[0] is r.outcome[6] is Outcome.MOVED


@every_search
@pytest.mark.parametrize("goal", [None, 1])
def test_a_model_that_never_gives_the_goal_moves_nothing_and_is_not_called_short_of_budget(search, goal):
    schema, subject = made(lambda X: np.zeros(len(X), dtype=int))
    rows = ROWS[[0, 6]]
    r = search.run(subject, rows, np.zeros(2, dtype=np.int64), schema=schema, goal=goal)
    assert r.outcome == (Outcome.NOT_MOVED, Outcome.NOT_MOVED)
    assert np.isinf(r.cost).all() and not r.success.any() and not r.proven.any()
    assert np.array_equal(r.rows, rows)


@every_search
@pytest.mark.parametrize("budget", [0, 1])
def test_a_budget_below_one_row_each_is_said_and_nothing_is_sent(search, budget):
    schema, subject = made(over)
    r = search.run(subject, ROWS[[0, 6]], np.zeros(2, dtype=np.int64), schema=schema, budget=budget)
    assert r.outcome == (Outcome.BUDGET, Outcome.BUDGET)
    assert r.queries == 0 and r.stopped


@every_search
def test_scores_that_are_no_numbers_neither_stop_the_batch_nor_count(search):
    def half(X, labels):
        values = np.eye(2)[labels]
        values[X[:, 0] >= 5] = np.nan
        return values

    schema, subject = made(over, half)
    rows, codes = ROWS[[0, 6]], np.zeros(2, dtype=np.int64)
    r = search.run(subject, rows, codes, schema=schema, budget=2 * 300, random_state=1)
    assert r.outcome == (Outcome.MOVED, Outcome.MOVED)
    assert over(r.rows).tolist() == [1, 1]
    schema, subject = made(over, lambda X, labels: np.full((len(X), 2), np.nan))
    r = search.run(subject, rows, codes, schema=schema, budget=2 * 300, random_state=1)
    assert set(r.outcome) <= {Outcome.MOVED, Outcome.NOT_MOVED, Outcome.BUDGET}
    assert (over(r.rows) == 1).tolist() == r.success.tolist()


@every_search
def test_an_endpoint_that_fails_half_way_leaves_what_was_found(search):
    seen = set()
    for calls in range(1, 9):
        schema, subject = made(over, calls=calls)
        rows = ROWS[[0, 1, 2, 6]]
        r = search.run(subject, rows, np.zeros(4, dtype=np.int64), schema=schema, random_state=1)
        assert r.outcome[1:3] == (Outcome.ALREADY_GOAL, Outcome.ILLEGAL_ROW)
        assert {r.outcome[0], r.outcome[3]} <= {Outcome.MOVED, Outcome.FAILED}
        assert ("down" in r.stopped) == (subject.backend.calls < 0)
        assert (over(r.rows[r.success]) == 1).all()
        assert r.queries == subject.meter.rows
        seen |= {r.outcome[0], r.outcome[3]}
    assert Outcome.FAILED in seen and Outcome.MOVED in seen


@every_search
def test_missing_cells_that_the_model_does_not_take_are_no_legal_input(search):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 10, size=(200, 2)).astype(float)
    columns = (Column("a", "integer", low=0, high=9), Column("b", "integer", low=0, high=9, missing=True))
    schema = FeatureSchema(columns)
    rows = np.array([[3.0, 3.0], [3.0, np.nan]])
    for model, wanted in (
        (LogisticRegression(), {Outcome.ILLEGAL_ROW}),
        (RandomForestClassifier(5, max_depth=3, random_state=0), {Outcome.MOVED, Outcome.ALREADY_GOAL}),
    ):
        subject = wrap(model.fit(X, X.sum(axis=1) > 9), Codec.fit(schema), [False, True])
        r = search.run(subject, rows, np.zeros(2, dtype=np.int64), schema=schema, budget=2 * 400)
        assert r.outcome[0] is Outcome.MOVED
        assert r.outcome[1] in wanted


@pytest.mark.parametrize("goal", [-1, 2])
@pytest.mark.parametrize(
    "search", [*SEARCHES.values(), EnsembleSearch(), EnsembleSearch(norm="linf")], ids=lambda s: repr(s)[:24]
)
def test_a_goal_that_is_no_label_is_named(world, search, goal):
    w = world(lambda seed: RandomForestClassifier(3, max_depth=2, random_state=seed), 0)
    with pytest.raises(UsageError, match="goal has an index that is no label's"):
        search.run(w.subject, w.X, w.subject.codes(w.X), schema=w.schema, goal=goal, budget=50)
    with pytest.raises(UsageError, match="codes has an index"):
        search.run(w.subject, w.X, np.full(len(w.X), goal), schema=w.schema, budget=50)


@pytest.mark.parametrize("search", [BoundarySearch, CoordinateSearch, SquareSearch, Cheapest, EnsembleSearch])
def test_a_norm_that_does_not_exist_is_no_other_norm(world, search):
    w = world(lambda seed: RandomForestClassifier(3, max_depth=2, random_state=seed), 0)
    with pytest.raises(UsageError, match="'l3' is none of cost, l0, l1, l2, linf"):
        search(norm="l3").run(w.subject, w.X, w.subject.codes(w.X), schema=w.schema, budget=50)
    line = world(lambda seed: LogisticRegression(), 0)
    with pytest.raises(UsageError, match="'l3'"):
        LinearSearch(norm="l3").run(line.subject, line.X, line.subject.codes(line.X), schema=line.schema)


@pytest.mark.parametrize("seconds", [-1.0, np.nan])
def test_seconds_that_are_no_time_are_refused(seconds):
    with pytest.raises(UsageError, match="from 0"):
        EnsembleSearch(seconds=seconds)
