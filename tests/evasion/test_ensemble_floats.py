"""To the last float: the exact search moves to the very float at which the library's own comparison turns."""

from __future__ import annotations

import lightgbm
import numpy as np
import polars as pl
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)

from modelward.evasion import EnsembleSearch, Space
from modelward.evasion._floats import first_above, last_below
from modelward.models import subject_forest, wrap
from modelward.schema import Codec, Column, FeatureSchema

MODELS = {
    "forest": lambda: RandomForestClassifier(5, max_depth=3, random_state=0),
    "boosting": lambda: GradientBoostingClassifier(n_estimators=5, max_depth=2, random_state=0),
    "histogram": lambda: HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=2, random_state=0),
    "xgboost": lambda: xgboost.XGBClassifier(n_estimators=5, max_depth=2, random_state=0, nthread=1),
    "lightgbm": lambda: lightgbm.LGBMClassifier(
        n_estimators=5, min_child_samples=2, verbose=-1, random_state=0, num_threads=1
    ),
}
FLOATS = FeatureSchema(tuple(Column(f"x{j}", "continuous", low=-9.0, high=9.0) for j in range(3)))


@pytest.mark.parametrize("kind", MODELS)
def test_a_float_less_in_any_moved_column_no_longer_flips(kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = (X[:, 0] + X[:, 1] * X[:, 2] > 0.1).astype(int)
    model = MODELS[kind]().fit(X, y)
    subject = wrap(model, Codec.fit(FLOATS), [0, 1])
    rows = rng.normal(size=(60, 3))
    codes = subject.codes(rows)
    result = EnsembleSearch().run(subject, rows, codes, schema=FLOATS)
    assert result.success.all()
    assert result.proven.all()
    assert np.all(model.predict(result.rows) != codes)
    tried = 0
    for x, found, code in zip(rows, result.rows, codes, strict=True):
        for j in np.flatnonzero(found != x):
            nearer = found.copy()
            nearer[j] = np.nextafter(found[j], x[j])
            assert model.predict(nearer[None])[0] == code, (kind, x, found, j)
            tried += 1
    assert tried >= 60


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.floats(allow_nan=False, allow_infinity=False), st.booleans())
def test_the_two_ends_are_neighbours_and_lie_on_their_sides(threshold, single):
    space = Space(FeatureSchema((Column("a", "continuous"),)))
    t = np.array([threshold])
    below, above = last_below(t, space, 0, single=single), first_above(t, space, 0, single=single)
    with np.errstate(over="ignore"):
        seen = (lambda v: v.astype(np.float32).astype(np.float64)) if single else np.asarray
        assert seen(below)[0] <= threshold or np.isneginf(below[0])
        assert seen(above)[0] > threshold or np.isposinf(above[0])
    if np.isfinite([below[0], above[0]]).all():
        assert np.nextafter(below, np.inf) == above


@pytest.mark.parametrize("kind", ["histogram", "lightgbm"])
def test_a_decimal_step_on_a_threshold_counts_as_the_library_compares(kind):
    # 0.3 is over its float32 neighbour's side of a float64 threshold of 0.3: x <= 0.3 holds for 0.3 itself.
    schema = FeatureSchema((Column("a", "continuous", low=0.0, high=1.0, precision=0.1),))
    grid = np.round(np.arange(11) * 0.1, 1)
    every = grid[:, None]
    for cut in grid[1:-1]:
        X = np.repeat(every, 30, axis=0)
        model = MODELS[kind]().fit(X, (X[:, 0] > cut - 1e-12).astype(int))
        subject = wrap(model, Codec.fit(schema), [0, 1])
        codes = subject.codes(every)
        result = EnsembleSearch().run(subject, every, codes, schema=schema)
        for i, x in enumerate(grid):
            truth = np.abs(grid - x)[codes != codes[i]].min()
            assert result.cost[i] == pytest.approx(truth)
            assert result.proven[i]


def test_a_table_of_float32_gets_float32_moves():
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({f"x{j}": rng.normal(size=200).astype(np.float32) for j in range(3)})
    codec = Codec.fit(FLOATS, frame)
    X = codec.encode(frame)
    y = (X[:, 0] > 0.1).astype(int)
    model = MODELS["histogram"]().fit(frame.to_pandas(), y)
    subject = wrap(model, codec, [0, 1])
    codes = subject.codes(X[:40])
    result = EnsembleSearch().run(subject, X[:40], codes, schema=FLOATS)
    assert result.success.all()
    assert np.array_equal(result.rows, result.rows.astype(np.float32))
    assert np.all(model.predict(codec.decode(result.rows).to_pandas()) != codes)


def test_what_lightgbm_takes_for_zero_is_one_place():
    # Its thresholds stand at ±1e-35 (float32) where a column is often zero, and it drops smaller numbers before that.
    zero = float(np.float32(1e-35))
    rng = np.random.default_rng(0)
    X = rng.choice([-1.0, 0.0, 1.0], size=(300, 3))
    y = (X[:, 0] + X[:, 1] * X[:, 2] > -0.5).astype(int)
    subject = wrap(MODELS["lightgbm"]().fit(X, y), Codec.fit(FLOATS), [0, 1])
    forest = subject_forest(subject)
    edges = [0.0, zero, -zero, np.nextafter(zero, 1), np.nextafter(-zero, -1), zero / 2, -zero / 2, 1.0, -1.0]
    every = np.stack(np.meshgrid(edges, edges, edges, indexing="ij"), -1).reshape(-1, 3)
    assert np.array_equal(forest.sums(every)[:, 1] > 0, subject.codes(every) == 1)
    assert np.any([(tree.threshold < 0).any() for tree in forest.trees])
    codes = subject.codes(every)
    result = EnsembleSearch().run(subject, every, codes, schema=FLOATS)
    assert result.proven.all()
    assert result.success.all()
