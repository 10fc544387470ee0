"""The input lock: what it says it stops is what it stops, and honest rows are never those it was fitted on."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from modelward.checks import input_lock


@pytest.fixture(scope="module")
def scope(credit, make_scope):
    return make_scope(DecisionTreeClassifier(max_depth=3), *credit)


def _figures(effect):
    return [float(f) for f in re.findall(r"([\d.]+)%", effect)]


def test_rows_outside_the_schema_are_stopped(scope):
    rows = scope.test.X[:40].copy()
    rows[:, 1] = 999
    shares = _figures(input_lock(scope, rows).effect)
    assert shares[0] == 100.0 and shares[3] == 100.0
    assert shares[1] > 90


def test_honest_rows_sent_as_an_attack_are_stopped_about_as_often_as_honest_rows(scope):
    shares = _figures(input_lock(scope, scope.test.X).effect)
    assert shares[0] == pytest.approx(shares[6], abs=2.0), "all test rows, of which half fitted the bands"


def test_an_inferred_schema_is_inferred_again_on_the_half_that_fits(scope):
    """A schema of the ranges of all test rows stops none of them: one that met half of them must not count those."""
    inferred = dataclasses.replace(scope, schema_inferred=True)
    far = scope.test.X.copy()
    far[:, 0] = scope.test.X[:, 0].max() * 10
    assert _figures(input_lock(inferred, far).effect)[0] == 100.0
    assert (
        _figures(input_lock(inferred, scope.test.X).effect)[6]
        >= _figures(input_lock(scope, scope.test.X).effect)[6]
    )


def test_training_rows_make_no_difference_only_trusted_rows_fit(scope):
    alone = dataclasses.replace(scope, train=None)
    lock = input_lock(alone, scope.test.X[:50])
    assert f"of {len(scope.test) - len(scope.test) // 2} honest rows" in lock.effect
    assert lock == input_lock(alone, scope.test.X[:50])


def test_few_rows_give_no_figures(scope):
    lock = input_lock(scope, scope.test.X[:9])
    assert "%" not in lock.effect and "10 rows" in lock.effect


def test_the_code_to_paste_runs_and_finds_a_strange_row(scope, credit, tmp_path, monkeypatch):
    frame, y = credit
    monkeypatch.chdir(tmp_path)
    frame.with_columns(target=np.asarray(y)).write_csv("train.csv")
    space: dict = {}
    exec(input_lock(scope, scope.test.X).code, space)  # noqa: S102 - it is our own
    rows = frame.head(5)
    strange = rows.with_columns(AGE=rows["AGE"] * 0 + 999.0)
    assert space["strange"](strange).all()
    assert not space["strange"](frame.filter(frame["AGE"] == 40).head(50)).all()
