"""MW011 on models whose answer is known, and MW061, MW071."""

from __future__ import annotations

import ast
import dataclasses
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from modelward.checks import CheckNotApplicable, CheckNotGiven, CheckSkipped
from modelward.checks._advice import advice
from modelward.checks._scope import Answers
from modelward.checks.mw01_perturbation import MEDIAN, MOVED, Perturbation
from modelward.checks.mw06_reprogramming import Reprogramming
from modelward.checks.mw07_physical import PhysicalExamples
from modelward.errors import EndpointError
from modelward.findings import MIN_ROWS
from modelward.schema import Column, FeatureSchema, legal


def _one_column(make_scope, price, **options):
    """A model that flips at 50 on values that are even on 0 to 99: the cost of each flip is known."""
    values = np.tile(np.arange(100.0), 30)
    frame = pl.DataFrame({"a": values, "idle": np.zeros(len(values))})
    schema = FeatureSchema(
        (Column("a", "integer", low=0, high=99, cost=price), Column("idle", "integer", low=0, high=1))
    )
    return make_scope(
        DecisionTreeClassifier(), frame, (values >= 50).astype(np.int64), schema=schema, **options
    )


@pytest.fixture(scope="module")
def forest_scope(credit, make_scope, shallow_forest):
    return make_scope(shallow_forest, *credit)


def _claims(evidence):
    return {claim.name: claim.estimate for claim in evidence.claims}


def test_a_planted_threshold_gives_the_known_share(make_scope):
    # Cost 1 buys 10 units: rows from 40 to 49 and, down, those from 50 to 59 move: a fifth of all.
    evidence = Perturbation().run(_one_column(make_scope, 0.1))
    claims = _claims(evidence)
    low, high = claims[MOVED].interval(0.999)
    assert low < 0.2 < high
    low, high = claims[MEDIAN].interval(0.999)
    assert low <= 2.55 <= high
    assert "exact for every row" in evidence.summary
    assert evidence.series[-1].x == ("a",)
    assert evidence.inconclusive == ""


def test_both_ways_of_a_binary_model_are_shown_without_a_goal_and_one_with_it(make_scope):
    names = set(_claims(Perturbation().run(_one_column(make_scope, 0.1))))
    assert {f"{MOVED}: 0 to 1", f"{MOVED}: 1 to 0", f"0 to 1, {MEDIAN}", f"1 to 0, {MEDIAN}"} < names
    evidence = Perturbation().run(_one_column(make_scope, 0.1, goal=1))
    assert set(_claims(evidence)) == {MOVED, MEDIAN}
    assert "the label 1" in evidence.summary


def test_an_easy_direction_is_named_where_all_rows_look_safe(make_scope):
    # The few rows that are labelled 1 (90 to 94) are all near to 0 (79 and less), of those labelled 0 most are far from 1.
    values = np.tile(np.arange(10.0, 95.0), 40)
    values = np.where(values < 90, values - 10, values)
    frame = pl.DataFrame({"a": values, "idle": np.zeros(len(values))})
    schema = FeatureSchema(
        (Column("a", "integer", low=0, high=99, cost=0.1), Column("idle", "integer", low=0, high=1))
    )
    labels = (values >= 90).astype(np.int64)
    evidence = Perturbation().run(make_scope(DecisionTreeClassifier(), frame, labels, schema=schema))
    claims = _claims(evidence)
    assert claims[MOVED].value < 0.5 and claims[f"{MOVED}: 1 to 0"].value > 0.5
    assert "One direction is much easier" in evidence.summary and "1 to 0" in evidence.summary
    assert "--goal" in evidence.summary
    even = Perturbation().run(_one_column(make_scope, 0.1))
    assert "One direction" not in even.summary


def test_attack_rows_flip_the_model_and_are_legal(forest_scope):
    evidence = Perturbation().run(forest_scope)
    assert legal(forest_scope.schema, evidence.attack_rows).all()
    assert len(evidence.attack_rows) > MIN_ROWS
    assert "exact for every row" in evidence.summary and "queries a row" not in evidence.summary
    curves = [s for s in evidence.series if s.group == "Security curve"]
    assert all(np.all(np.diff(s.y) >= 0) for s in curves)
    again = Perturbation().run(forest_scope)
    assert (again.claims, again.series, again.summary) == (evidence.claims, evidence.series, evidence.summary)
    assert np.array_equal(again.attack_rows, evidence.attack_rows)


@pytest.mark.parametrize("rows", [60, 300, 1500, 9000])
def test_a_small_budget_shrinks_what_is_looked_at_and_is_no_pass(credit, make_scope, rows):
    frame, y = credit
    scope = make_scope(AdaBoostClassifier(n_estimators=3, random_state=0), frame, y)
    short = make_scope(scope.subject.model, frame, y, fit=False)
    object.__setattr__(short, "subject", short.subject.with_budget(rows))
    evidence = Perturbation().run(short)
    assert short.subject.meter.rows <= rows
    tried = _claims(evidence)[MOVED].n
    assert MIN_ROWS <= tried <= max(MIN_ROWS, rows // 300)
    assert ("raise --max-queries" in evidence.inconclusive) == (rows < 9000)


def test_a_search_that_is_not_exact_never_passes(credit, make_scope):
    frame, y = credit
    vague = make_scope(AdaBoostClassifier(n_estimators=3, random_state=0), frame, y)
    exact = make_scope(RandomForestClassifier(3, max_depth=3, random_state=0), frame, y)
    assert "not exact" in Perturbation().run(vague).unproven
    assert Perturbation().run(exact).unproven == ""


def test_no_query_for_each_row_is_skipped(credit, make_scope):
    scope = make_scope(RandomForestClassifier(3, max_depth=3, random_state=0), *credit)
    answers = Answers(*scope.subject.ask(scope.test.X))
    short = dataclasses.replace(scope, subject=scope.subject.with_budget(9), known=answers)
    with pytest.raises(CheckSkipped, match="raise --max-queries"):
        Perturbation().run(short)


def test_labels_that_are_known_are_not_asked_for_again(forest_scope):
    answers = Answers(*forest_scope.subject.ask(forest_scope.test.X))
    counted = dataclasses.replace(forest_scope, subject=forest_scope.subject.with_budget(None))
    asked = dataclasses.replace(counted, subject=forest_scope.subject.with_budget(None), known=answers)
    evidence, free = Perturbation().run(counted), Perturbation().run(asked)
    assert free.claims == evidence.claims
    spared = counted.subject.meter.rows - asked.subject.meter.rows
    assert spared == min(len(counted.test), 10 * counted.budget.attack_rows)


def test_exact_is_said_of_the_proven_rows_only(make_scope):
    # A cell may go missing at a price of 1, which a tree search does not try: dearer flips are not proven.
    values = np.tile(np.arange(100.0), 30)
    frame = pl.DataFrame({"a": values, "idle": np.zeros(len(values))})
    schema = FeatureSchema(
        (
            Column("a", "integer", low=0, high=99, cost=0.05),
            Column("idle", "integer", low=0, high=1, missing=True),
        )
    )
    evidence = Perturbation().run(
        make_scope(DecisionTreeClassifier(), frame, (values >= 50).astype(np.int64), schema=schema)
    )
    share = _claims(evidence)[MOVED]
    said = int(re.search(r"exact for (\d+) of 100 rows", evidence.summary).group(1))
    assert said == share.successes < share.n
    assert re.search(r"had \d+ queries a row of the \d+ that this budget allows", evidence.summary)
    curves = {s.name: s for s in evidence.series if s.group == "Security curve"}
    found, most = curves["all rows"], next(c for name, c in curves.items() if name.startswith("not excluded"))
    assert found.x == most.x
    assert all(low <= high for low, high in zip(found.y, most.y, strict=True))
    # What is not proven costs 1 at least, the price of a missing cell: nothing is open below it, and all at it.
    at = found.x.index(1.0)
    assert most.y[:at] == found.y[:at]
    assert most.y[at] == 1.0 > found.y[at]


def test_an_endpoint_that_breaks_off_is_inconclusive(forest_scope):
    class Dying:
        kind, calls = "endpoint", 0

        def labels(self, X):
            self.calls += 1
            if self.calls > 4:
                raise EndpointError("http://localhost gave no answer within 5 s")
            return forest_scope.subject.backend.labels(X)

        def scores(self, X):
            return None

    subject = dataclasses.replace(forest_scope.subject, backend=Dying(), model=None)
    evidence = Perturbation().run(dataclasses.replace(forest_scope, subject=subject))
    assert "broke off" in evidence.inconclusive
    assert len(evidence.attack_rows)


def test_a_constant_model_does_not_move_and_has_nothing_to_move_to_its_own_label(credit, make_scope):
    frame, y = credit
    scope = make_scope(DummyClassifier(strategy="constant", constant=0), frame, y)
    claims = _claims(Perturbation().run(scope))
    assert claims[MOVED].value == 0.0
    assert claims[MEDIAN].value == np.inf
    scope = make_scope(DummyClassifier(strategy="constant", constant=0), frame, y, goal=0)
    with pytest.raises(CheckNotApplicable, match="nothing to move"):
        Perturbation().run(scope)


def test_few_rows_are_not_enough(credit, make_scope):
    frame, y = credit
    with pytest.raises(CheckNotGiven, match="at least 10 rows"):
        Perturbation().run(make_scope(DecisionTreeClassifier(), frame.head(300), y[:300], train_share=0.98))


@pytest.mark.parametrize("check", [Reprogramming, PhysicalExamples])
def test_rows_six_and_seven_say_what_inputs_they_are_about(check, forest_scope):
    with pytest.raises(CheckNotApplicable, match="camera|images"):
        check().run(forest_scope)


def test_advice_names_the_columns_that_the_attack_used_and_its_code_is_python():
    schema = FeatureSchema(
        (
            Column("grade", "ordinal", categories=("a", "b", "c")),
            Column("it's", "integer", low=0, high=10**6, cost=9e-6),
            Column("colour", "categorical", categories=("x", "y")),
        )
    )
    said = advice(schema, np.array([3, 9, 20]))
    code = "\n".join(c.code for c in said if not c.code.startswith("modelward "))
    assert isinstance(ast.parse(code), ast.Module)
    assert "monotonic_cst={\"it's\": 1, 'grade': -1}" in code
    rows = pd.DataFrame({"it's": [1_499.0, 12_501.0]})
    rounding = next(c.code for c in said if "Round" in c.title)
    assert "/ 10000)" in rounding
    names = {"rows": rows}
    exec(rounding, names)  # noqa: S102 - the code that the report hands out
    assert names["rows"]["it's"].tolist() == [0.0, 10_000.0]
    assert not any("Round" in c.title for c in advice(FeatureSchema(schema.columns[:1]), np.array([1])))
