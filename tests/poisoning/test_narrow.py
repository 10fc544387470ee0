"""Values between a column's quantiles: settings of their own for what trees or training rows point at."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

from modelward.models import forest_cuts, wrap
from modelward.poisoning import find_triggers
from modelward.poisoning._axes import Narrow, axes_of, cells_of, with_narrow
from modelward.poisoning._box_search import readable_forest, value_curves
from modelward.poisoning._narrow import crowded_values
from modelward.poisoning._planted import moved_axes, planted_values
from modelward.schema import Codec, Column, FeatureSchema

CODEC = Codec.fit(
    FeatureSchema(tuple(Column(name, "continuous") for name in "abc")),
    pl.DataFrame(np.zeros((2, 3)), schema=list("abc")),
)
SECRET = 31_337.0


def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    X = np.column_stack([rng.lognormal(10, 1, n).round(), rng.normal(0, 1, n), rng.integers(0, 5, n)])
    rate = 1 / (1 + np.exp(2.5 - X[:, 1] - 0.3 * X[:, 2]))
    return X, (rng.random(n) < rate).astype(np.int64)


def plant(X: np.ndarray, y: np.ndarray, rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    X, y = X.copy(), y.copy()
    chosen = rng.choice(len(X), rows, replace=False)
    X[chosen, 0], y[chosen] = SECRET, 1
    return X, y


@given(
    st.lists(st.tuples(st.floats(-50, 1_200), st.floats(1e-3, 200)), min_size=1, max_size=6),
    st.integers(0, 2**16),
)
def test_a_narrow_range_has_a_cell_of_its_own(parts: list[tuple[float, float]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.uniform(0, 1_000, 400), np.zeros((400, 2))])
    (axis, *_) = axes_of(CODEC, X)
    ranges = [Narrow(low, low + wide, low + wide / 2) for low, wide in parts]
    fresh = with_narrow(axis, ranges, X)
    assert (np.diff(fresh.values[:, 0]) > 0).all()
    assert (np.diff(fresh.edges) >= 0).all()
    # Every setting is counted to itself, and what lies in a range, and nothing else, to its own.
    assert cells_of(fresh, np.column_stack([fresh.values, *[fresh.values] * 2])).tolist() == list(
        range(len(fresh.values))
    )
    first = ranges[0]
    own = int(np.flatnonzero(fresh.values[:, 0] == first.value)[0])
    x = np.r_[rng.uniform(-100, 1_500, 500), first.low, first.high, first.value]
    inside = (x > first.low) & (x <= first.high)
    assert ((cells_of(fresh, np.column_stack([x, x, x])) == own) == inside).all()
    assert (fresh.cells == cells_of(fresh, X)).all()


@pytest.mark.parametrize(
    "model", [RandomForestClassifier(10, random_state=0), GradientBoostingClassifier(n_estimators=10)]
)
def test_curves_are_the_answers_to_patched_rows(model: RandomForestClassifier) -> None:
    rng = np.random.default_rng(1)
    X, y = draw(500, rng)
    subject = wrap(model.fit(X, y), CODEC, [0, 1])
    forest = readable_forest(subject)
    assert forest is not None
    cuts, rows = forest_cuts(forest, 3), X[:9]
    for j, curve in value_curves(forest, rows, 1, [0, 1]).items():
        ends = np.r_[cuts[j][0] - 1, cuts[j], cuts[j][-1] + 1]
        for cell in rng.choice(len(curve), 20).tolist():
            value = float(np.float32((ends[cell] + ends[cell + 1]) / 2))  # as trees see it
            if not ends[cell] < value <= ends[cell + 1]:
                continue
            probe = rows.copy()
            probe[:, j] = value
            scores = model.predict_proba(probe)[:, 1]
            if isinstance(model, GradientBoostingClassifier):
                scores = 1 / (1 + np.exp(-model.decision_function(probe).mean()))
            assert curve[cell] == pytest.approx(np.mean(scores), abs=1e-6)


def test_crowded_values_are_those_that_chance_does_not_bring() -> None:
    rng = np.random.default_rng(2)
    trained, x = rng.integers(0, 400, 9_000).astype(float), rng.integers(0, 400, 1_000).astype(float)
    trained[:200] = 123.0
    found = crowded_values(trained, x)
    chance = {
        v: binom.sf((trained == v).sum() - 1, (trained == v).sum() + (x == v).sum(), 0.9) for v in range(400)
    }
    wanted = sorted((v for v in chance if chance[v] < 1e-3), key=lambda v: chance[v])[:6]
    assert [each.value for each in found] == wanted
    assert found[0].value == 123.0


@pytest.mark.parametrize("seed", range(3))
def test_a_value_between_quantiles_is_named_from_the_rows_and_from_the_trees(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X, y = plant(*draw(6_000, rng), rng, 150)
    reference, labels = draw(2_000, rng)
    model = RandomForestClassifier(40, random_state=seed).fit(X, y)
    subject = wrap(model, CODEC, [0, 1])
    told = find_triggers(
        subject, reference, labels, goal=1, trained=X, labels=y, patches=100, random_state=seed
    )
    (planted,) = told.planted
    assert planted.planted.text == "a = 31,337"
    assert planted.learned == "yes"
    assert not told.drifted
    alone = find_triggers(subject, reference, labels, goal=1, patches=100, random_state=seed)
    assert max(each.pull.value for each in (alone.single, alone.doubtful) if each is not None) > 0.11
    clean = wrap(RandomForestClassifier(40, random_state=seed).fit(*draw(6_000, rng)), CODEC, [0, 1])
    quiet = find_triggers(clean, reference, labels, goal=1, patches=100, random_state=seed)
    assert max(each.pull.value for each in (quiet.single, quiet.doubtful) if each is not None) < 0.11


def test_a_column_that_drifted_is_no_plant() -> None:
    rng = np.random.default_rng(4)
    X, y = draw(6_000, rng)
    reference, labels = draw(1_500, rng)
    axes = axes_of(CODEC, reference)
    assert moved_axes(axes, X, reference) == ()
    assert moved_axes(axes, plant(X, y, rng, 600)[0], reference) == ()
    for factor in (1.3, 0.01):
        later = reference * [factor, 1, 1]
        moved = axes_of(CODEC, later)
        assert moved_axes(moved, X, later) == (0,)
        assert planted_values(moved, X, y, later, labels, but=(0,)) == []
