"""Moves of one unit: legal, priced as the space prices them, never dearer than what was paid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier

from modelward.evasion._desk import open_desk
from modelward.evasion._grid import Grid, edges_of
from modelward.evasion._halving import Halving
from modelward.evasion._moves import Batch, Moves
from modelward.evasion._space import Space
from modelward.evasion._walkers import Walkers
from modelward.models import wrap
from modelward.schema import Codec, Column, FeatureSchema, legal, project


def forest(seed):
    return RandomForestClassifier(3, max_depth=2, random_state=seed)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), norm=st.sampled_from(["cost", "l2", "linf"]))
def test_any_moves_stay_legal_and_cost_what_the_space_says(world, seed, norm):
    w = world(forest, seed)
    space, rng = Space(w.schema, norm), np.random.default_rng(seed)
    moves = Moves(space, Grid.build(space, 8, None, None))
    X = w.every[rng.integers(len(w.every), size=40)]
    batch = Batch.at(space, X, X)
    free = np.flatnonzero(space.mutable)
    if not len(free):
        return
    for _ in range(4):
        unit, target = free[rng.integers(len(free), size=40)], rng.uniform(0, 4, size=40)
        before = batch.units.copy()
        room = moves.room(batch.units, unit, target)
        moves.take(batch, np.arange(40), unit, rng.choice([-1.0, 1.0], 40), room, rng.uniform(size=40))
        took = batch.units != before
        paid = np.take_along_axis(batch.units, unit[:, None], 1)[:, 0]
        assert np.all((paid <= room + 1e-9) | ~took.any(axis=1))
        some = rng.permutation(40)[:15]
        kept, before = rng.uniform(size=15), batch.units.copy()
        moves.weaken(batch, some, unit[some], kept)
        assert np.all(batch.units <= before + 1e-12)
        assert legal(w.schema, batch.A).all()
        assert np.array_equal(project(w.schema, batch.A, X), batch.A)
        assert batch.units == pytest.approx(space.unit_costs(batch.A, X))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4),
    origins=st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4),
)
def test_many_columns_are_put_on_their_steps_as_each_alone(values, origins):
    rules = FeatureSchema(
        (
            Column("a", "integer"),
            Column("b", "continuous", precision=0.1),
            Column("c", "continuous", precision=25.0),
            Column("d", "continuous"),
        )
    ).rules
    v, x = np.array(values), np.array(origins)
    together = rules.snap_towards(v, x, np.arange(4))
    alone = [float(rules.snap(v[[j]], j, "down" if v[j] > x[j] else "up")[0]) for j in range(4)]
    assert together.tolist() == alone


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
