"""Searches with scores: the same promises as those with labels, and a hit wherever a list finds one, mostly."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from modelward.errors import UsageError
from modelward.evasion import Outcome, ScoreSearch, SquareSearch
from modelward.schema import legal, project

SEARCHES = [ScoreSearch(), SquareSearch(steps=60), SquareSearch(steps=60, norm="cost")]
IDS = ["score", "square-linf", "square-cost"]


def forest(seed):
    return RandomForestClassifier(5, max_depth=3, random_state=seed)


def line(seed):
    return LogisticRegression()


@pytest.mark.parametrize("search", SEARCHES, ids=IDS)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000), goal=st.sampled_from([None, 0, 1]), budget=st.sampled_from([0, 7, 300, 1600])
)
def test_hits_are_legal_and_flip_and_the_budget_holds(world, search, seed, goal, budget):
    w = world(forest if seed % 2 else line, seed)
    codes = w.subject.codes(w.X)
    options = {"schema": w.schema, "goal": goal, "random_state": 3}
    before = w.subject.meter.rows
    r = search.run(w.subject, w.X, codes, budget=budget, **options)
    assert w.subject.meter.rows - before == r.queries <= budget
    moved = r.success
    labels = w.subject.codes(r.rows[moved]) if moved.any() else np.empty(0)
    assert np.all(labels != codes[moved] if goal is None else labels == goal)
    assert legal(w.schema, r.rows).all()
    assert np.array_equal(project(w.schema, r.rows, w.X), r.rows)
    assert [o is Outcome.MOVED for o in r.outcome] == moved.tolist()
    alone = search.run(w.subject, w.X[2:3], codes[2:3], budget=budget // len(w.X), **options)
    assert np.array_equal(alone.rows[0], r.rows[2])
    assert alone.outcome[0] is r.outcome[2]


@pytest.mark.parametrize("search", SEARCHES, ids=IDS)
def test_most_rows_that_can_flip_do(world, search):
    can = did = 0
    for seed in range(6):
        w = world(line, seed)
        codes = w.subject.codes(w.X)
        r = search.run(w.subject, w.X, codes, schema=w.schema, budget=len(w.X) * 300)
        there = [np.isfinite(w.cheapest(x, int(c), None)) for x, c in zip(w.X, codes, strict=True)]
        can, did = can + sum(there), did + int(r.success.sum())
    assert can >= 20
    assert did >= 0.8 * can


@pytest.mark.parametrize("search", SEARCHES, ids=IDS)
def test_constant_models_and_models_without_scores(world, search):
    w = world(lambda seed: DummyClassifier(strategy="most_frequent"), 2)
    codes = w.subject.codes(w.X)
    r = search.run(w.subject, w.X, codes, schema=w.schema, budget=len(w.X) * 100)
    assert set(r.outcome) <= {Outcome.NOT_MOVED, Outcome.BUDGET}

    class Mute:
        kind = "mute"

        def ask(self, X):
            return np.zeros(len(X), dtype=int), None

        def labels(self, X):
            return np.zeros(len(X), dtype=int)

    mute = dataclasses.replace(w.subject, backend=Mute(), model=None)
    with pytest.raises(UsageError, match="no scores"):
        search.run(mute, w.X, np.zeros(len(w.X), dtype=np.int64), schema=w.schema)
