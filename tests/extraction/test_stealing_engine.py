"""Model stealing: models that are easy to copy, one with nothing to copy, and legal queries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from modelward.errors import BudgetExhausted
from modelward.extraction import FAMILIES, ModelStealing, draw_from_schema, fit_copy
from modelward.extraction._stealing import balanced
from modelward.models import wrap
from modelward.schema import Codec, Column, FeatureSchema, Relation

SCHEMA = FeatureSchema(tuple(Column(f"c{j}", "continuous", low=-4.0, high=4.0) for j in range(5)))


def rows(n, classes=2, seed=0):
    return make_classification(
        n, 5, n_informative=4, n_redundant=0, n_classes=classes, class_sep=1.5, random_state=seed
    )


def steal(model, X, y, *, budget=None, labels=None, **options):
    model.fit(X[:1_500], y[:1_500])
    subject = wrap(model, Codec.fit(SCHEMA), labels or sorted(set(y.tolist()))).with_budget(budget)
    attack = ModelStealing(**{"queries": 800, "points": 4, **options})
    return attack.run(subject, X[:1_500], X[1_500:], schema=SCHEMA, random_state=0), subject


def test_a_shallow_tree_is_copied():
    X, y = rows(3_000)
    result, subject = steal(DecisionTreeClassifier(max_depth=3, random_state=0), X, y, queries=1_500)
    last = result.curve("real rows", "scores")[-1]
    assert last.fidelity.value >= 0.98
    assert last.fidelity.interval(0.95)[0] > result.baseline.interval(0.95)[1]
    drawn = result.curve("drawn rows", "scores")[-1]
    assert drawn.fidelity_drawn.value >= 0.98
    held = 750 + 2 * 750
    assert subject.meter.rows == held + 2 * 2 * 1_500  # labels and scores of both sources


def test_what_is_reported_is_the_agreement_with_the_subject():
    """An independent count: a copy fitted again by hand agrees on the same share of drawn rows."""
    X, y = rows(2_000)
    result, subject = steal(DecisionTreeClassifier(max_depth=2, random_state=0), X, y, families=("tree",))
    codes = subject.codes(result.drawn)
    copy = fit_copy("tree", result.drawn, codes, None, seed=0)
    fresh = draw_from_schema(SCHEMA, 4_000, reference=X, random_state=99)
    share = (copy.codes(fresh) == subject.codes(fresh)).mean()
    low, high = result.curve("drawn rows", "labels")[-1].fidelity_drawn.interval(0.9999)
    assert low - 0.02 <= share <= high + 0.02


def test_a_constant_model_is_as_easy_as_its_baseline():
    X, y = rows(2_000)
    result, _ = steal(DummyClassifier(strategy="constant", constant=1), X, y)
    assert result.baseline.value == 1.0
    assert all(copy.fidelity.value == 1.0 for copy in result.copies)


def test_a_coin_cannot_be_copied():
    """A model of noise in the rows' last digits: no copy beats always answering the commoner label."""

    class Noise(DecisionTreeClassifier):
        def predict(self, X, check_input=True):
            return (np.floor(np.abs(X).sum(axis=1) * 1e6) % 2).astype(int)

        predict_proba = None

        def __getattribute__(self, name):
            if name == "predict_proba":
                raise AttributeError(name)
            return super().__getattribute__(name)

    X, y = rows(2_500)
    result, _ = steal(Noise(), X, y, queries=400)
    assert result.curve("real rows", "scores") == ()
    last = result.curve("real rows", "labels")[-1]
    assert last.fidelity.interval(0.999)[0] < 0.5 < last.fidelity.interval(0.999)[1]
    assert last.balanced.interval(0.999)[0] < 0.5


def test_more_queries_help_and_scores_are_no_worse_to_have():
    X, y = rows(3_000, classes=3)
    result, _ = steal(LogisticRegression(), X, y, queries=1_200)
    curve = result.curve("real rows", "scores")
    assert curve[-1].fidelity.value > curve[0].fidelity.value
    assert curve[-1].fidelity.value > 0.9
    assert [c.queries for c in curve] == sorted(c.queries for c in curve)


def test_an_exhausted_meter_leaves_the_points_that_were_answered():
    X, y = rows(2_500)
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    whole, subject = steal(tree, X, y, points=6)
    part, stopped = steal(tree, X, y, points=6, budget=subject.meter.rows - 1)
    assert whole.complete and not part.complete
    assert part.curve("real rows", "labels") == whole.curve("real rows", "labels")[:5]
    assert stopped.meter.rows <= stopped.meter.budget
    with pytest.raises(BudgetExhausted):
        steal(tree, X, y, points=6, budget=1_700)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("answers", ["labels", "scores"])
def test_every_family_learns_a_plane_with_holes(family, answers):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 3))
    codes = (X[:, 0] + X[:, 1] > 0).astype(np.int64)
    p = 1 / (1 + np.exp(-3 * (X[:, 0] + X[:, 1])))
    holes = X.copy()
    holes[:20, 2] = np.nan
    scores = np.column_stack([1 - p, p]) if answers == "scores" else None
    copy = fit_copy(family, holes, codes, scores, seed=0)
    assert (copy.codes(X) == codes).mean() > 0.85


@given(st.integers(0, 10_000), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_drawn_rows_are_legal(seed, n):
    schema = FeatureSchema(
        (
            Column("x", "continuous", low=0.0, high=2.0),
            Column("k", "integer", low=-3.0, high=5.0, precision=1.0),
            Column("cents", "continuous", low=0.0, high=1.0, precision=0.25),
            Column("o", "ordinal", categories=("low", "mid", "high")),
            Column("free", "continuous"),
            Column("g1", "integer"),
            Column("g2", "integer"),
            Column("g3", "integer"),
        ),
        onehot=(("g1", "g2", "g3"),),
        relations=(Relation("cents", "<=", "x"),),
    )
    reference = np.tile([1.0, 0.0, 0.5, 1.0, 7.0, 1.0, 0.0, 0.0], (5, 1))
    X = draw_from_schema(schema, n, reference=reference, random_state=seed)
    assert X.shape == (n, 8)
    assert np.all((X[:, 0] >= 0) & (X[:, 0] <= 2))
    assert set(X[:, 1]) <= set(range(-3, 6))
    assert set(X[:, 2]) <= {0.0, 0.25, 0.5, 0.75, 1.0}
    assert set(X[:, 3]) <= {0.0, 1.0, 2.0}
    assert np.all(X[:, 4] == 7.0)
    assert np.all(X[:, 5:].sum(axis=1) == 1)
    assert np.all(X[:, 2] <= X[:, 0])


def test_the_balanced_interval_covers():
    rng = np.random.default_rng(0)
    missed = 0
    for _ in range(400):
        codes = (rng.random(300) < 0.1).astype(int)
        same = rng.random(300) < np.where(codes == 1, 0.7, 0.95)
        figure = balanced(same, codes)
        missed += not figure.interval(0.95)[0] <= 0.825 <= figure.interval(0.95)[1]
    assert missed <= 33
