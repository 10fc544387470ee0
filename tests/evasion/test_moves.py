"""Moves of one unit: legal, priced as the space prices them, never dearer than what was paid."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier

from modelward.evasion._desk import open_desk
from modelward.evasion._grid import Grid, edges_of
from modelward.evasion._halving import Halving
from modelward.evasion._moves import ways_of
from modelward.evasion._space import Space
from modelward.evasion._trading import redraw, room, take, together, uniform, weaken
from modelward.evasion._walkers import Walkers
from modelward.models import wrap
from modelward.schema import Codec, Column, FeatureSchema, legal, project


def forest(seed):
    return RandomForestClassifier(3, max_depth=2, random_state=seed)


def steps(seed, norm, w):
    """Yield what 40 rows hold before and after each of some drawn moves of one unit."""
    space, rng = Space(w.schema, norm), np.random.default_rng(seed)
    ways = ways_of(space, Grid.build(space, 8, None, None))
    X = w.every[rng.integers(len(w.every), size=40)]
    A, units = X.copy(), np.zeros((40, len(space.units)))
    state = np.arange(40, dtype=np.uint64)
    free = np.flatnonzero(space.mutable)
    for _ in range(4 if len(free) else 0):
        for i, u in enumerate(free[rng.integers(len(free), size=40)].tolist()):
            before, target = units[i].copy(), float(rng.uniform(0, 4))
            paid = room(ways, units[i], u, target)
            take(ways, X[i], A[i], units[i], u, float(rng.choice([-1, 1])), paid, float(rng.uniform()))
            yield "take", u, before, units[i].copy(), paid
            if i % 3 == 0:
                before = units[i].copy()
                weaken(ways, X[i], A[i], units[i], u, float(rng.uniform()))
                yield "weaken", u, before, units[i].copy(), np.inf
            if i % 3 == 1:
                before = units[i].copy()
                redraw(ways, X[i], A[i], units[i], target, state, i)
                yield "redraw", u, before, units[i].copy(), target
        assert legal(w.schema, A).all()
        assert np.array_equal(project(w.schema, A, X), A)
        assert units == pytest.approx(space.unit_costs(A, X))
        assert [together(ways, row, -1) for row in units] == pytest.approx(space.combine(units))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), norm=st.sampled_from(["cost", "l2", "linf"]))
def test_any_moves_stay_legal_and_cost_what_the_space_says(world, seed, norm):
    w = world(forest, seed)
    space = Space(w.schema, norm)
    for move, u, before, after, most in steps(seed, norm, w):
        others = np.delete(after - before, u)
        if move == "take":
            assert after[u] <= most + 1e-9 or after[u] == before[u]
            assert not others.any()
        elif move == "weaken":
            assert after[u] <= before[u] + 1e-12
            assert not others.any()
        else:
            # What is no number stays, whatever it costs.
            kept = np.where(after == before, before, 0.0)
            assert space.combine(after[None])[0] <= max(most, space.combine(kept[None])[0]) + 1e-9
            assert not (after[before == 0]).any()


def test_rows_draw_the_same_numbers_alone_and_among_others_and_spread_evenly():
    state = np.array([7, 8, 9], dtype=np.uint64)
    alone = np.array([8], dtype=np.uint64)
    mine = np.array([(uniform(state, 0), uniform(state, 1))[1] for _ in range(4_000)])
    assert [uniform(alone, 0) for _ in range(4_000)] == mine.tolist()
    assert scipy.stats.kstest(mine, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(mine[1:], mine[:-1])[0, 1]) < 0.05


@settings(max_examples=100, deadline=None, derandomize=True)
@given(values=st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4))
def test_many_columns_are_put_on_their_steps_as_each_alone(values):
    rules = FeatureSchema(
        (
            Column("a", "integer"),
            Column("b", "continuous", precision=0.1),
            Column("c", "continuous", precision=25.0),
            Column("d", "continuous"),
        )
    ).rules
    v = np.array(values)
    nearest = rules.snap_each(v, np.arange(4)).tolist()
    assert nearest == [float(rules.snap(v[[j]], j)[0]) for j in range(4)]


@pytest.mark.parametrize("known", [False, True])
def test_halving_ends_beside_the_only_threshold(known):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.uniform(0, 100, 500), rng.integers(0, 100, 500)])
    schema = FeatureSchema(
        (Column("a", "continuous", low=0, high=100), Column("b", "integer", low=0, high=100))
    )
    model = RandomForestClassifier(1, max_depth=1, max_features=None, bootstrap=False, random_state=0)
    subject = wrap(model.fit(X, X[:, 0] > 40), Codec.fit(schema), [False, True])
    cut = float(model.estimators_[0].tree_.threshold[0])
    rows = np.array([[10.0, 5.0], [20.0, 50.0]])
    space = Space(schema)
    desk = open_desk(subject, space, rows, np.zeros(2, dtype=np.int64), None, None)
    away = np.array([[95.0, 5.0], [80.0, 50.0]])
    walkers = Walkers(np.arange(2), away.copy(), space.measure(away, rows))
    edges = edges_of(space, {0: np.array([20.5, cut, 60.0])}) if known else None
    Halving(20, 1e-6, edges).halve(desk, walkers)
    assert (walkers.A[:, 0] > cut).all()
    assert walkers.A[:, 0] == pytest.approx(cut, abs=1e-3)
    assert walkers.cost == pytest.approx(space.measure(walkers.A, rows))
