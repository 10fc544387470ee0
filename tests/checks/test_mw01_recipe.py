"""MW012 on a model whose recipe is known, and where it says that it cannot tell."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.tree import DecisionTreeClassifier

from modelward.checks import CheckNotApplicable, CheckNotGiven
from modelward.checks.mw01_recipe import UniversalRecipe
from modelward.errors import EndpointError
from modelward.schema import Column, FeatureSchema

SCHEMA = FeatureSchema((Column("a", "integer", low=0, high=99), Column("idle", "integer", low=0, high=1)))


@pytest.fixture(scope="module")
def scope(make_scope):
    values = np.tile(np.arange(100.0), 10)
    frame = pl.DataFrame({"a": values, "idle": np.zeros(len(values))})
    return make_scope(DecisionTreeClassifier(), frame, (values >= 50).astype(np.int64), schema=SCHEMA)


def test_the_known_recipe_is_told_both_ways_with_its_interval(scope):
    evidence = UniversalRecipe().run(scope)
    assert "a >= 50 is always 1" in evidence.summary
    assert "a <= 49 is always 0" in evidence.summary
    assert [row[1] for row in evidence.tables[0].rows] == ["a <= 49", "a >= 50"]
    for claim in evidence.claims:
        assert claim.estimate.value == 1.0
        assert claim.estimate.interval(0.95)[0] < 1.0
        assert claim.estimate.n >= 10
    assert UniversalRecipe().run(scope) == evidence
    codes = [measure.code for measure in evidence.countermeasures]
    assert all(
        "recipe = (pl.col('a') <= 49)" in code or "recipe = (pl.col('a') >= 50)" in code for code in codes
    )
    assert len([compile(code, "shown", "exec") for code in codes]) == 2


def test_with_a_goal_there_is_one_recipe(scope):
    evidence = UniversalRecipe().run(dataclasses.replace(scope, goal=1))
    assert len(evidence.claims) == 1
    assert "always 0" not in evidence.summary


def test_a_small_budget_names_the_flag_and_a_constant_model_has_nothing_to_move_to(scope, make_scope):
    short = dataclasses.replace(scope, known=scope.answers(), subject=scope.subject.with_budget(100))
    with pytest.raises(CheckNotGiven, match="raise --max-queries"):
        UniversalRecipe().run(short)
    frame = pl.DataFrame({"a": np.arange(100.0), "idle": np.zeros(100)})
    constant = make_scope(
        DummyClassifier(strategy="constant", constant=0), frame, np.arange(100) % 2, schema=SCHEMA
    )
    with pytest.raises(CheckNotApplicable, match="one label"):
        UniversalRecipe().run(constant)


def test_a_search_that_broke_off_is_inconclusive(scope):
    class Dying:
        kind, calls = "endpoint", 0

        def ask(self, X):
            self.calls += 1
            if self.calls > 1:
                raise EndpointError("no answer within 5 s")
            return scope.subject.backend.ask(X)

    subject = dataclasses.replace(scope.subject, backend=Dying(), model=None)
    evidence = UniversalRecipe().run(dataclasses.replace(scope, known=scope.answers(), subject=subject))
    assert "broke off" in evidence.inconclusive
    assert UniversalRecipe().run(scope).inconclusive == ""
