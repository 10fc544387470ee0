"""The exact search over ensembles against a list of every legal row, and its bounds when it is stopped early."""

from __future__ import annotations

import time

import lightgbm
import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.tree import DecisionTreeClassifier

from modelward.errors import UsageError
from modelward.evasion import EnsembleSearch, Outcome
from modelward.evasion._bins import Binned
from modelward.evasion._branching import cheapest_flip
from modelward.evasion._clock import Clock
from modelward.evasion._space import Space
from modelward.models import subject_forest, wrap
from modelward.schema import Codec, Column, FeatureSchema, Relation, legal

MODELS = {
    "tree": lambda seed: DecisionTreeClassifier(max_depth=4, random_state=seed),
    "forest": lambda seed: RandomForestClassifier(7, max_depth=4, random_state=seed),
    # Fully grown trees vote 0 or 1, so an even number of them ties often.
    "voting forest": lambda seed: RandomForestClassifier(4, random_state=seed),
    "extra trees": lambda seed: ExtraTreesClassifier(6, max_depth=5, random_state=seed),
    "boosting": lambda seed: GradientBoostingClassifier(n_estimators=6, max_depth=3, random_state=seed),
    "histogram": lambda seed: HistGradientBoostingClassifier(
        max_iter=6, min_samples_leaf=2, random_state=seed
    ),
    "xgboost": lambda seed: xgboost.XGBClassifier(n_estimators=6, max_depth=3, random_state=seed, nthread=1),
    "lightgbm": lambda seed: lightgbm.LGBMClassifier(
        n_estimators=6, min_child_samples=2, verbose=-1, random_state=seed, num_threads=1
    ),
}


@pytest.mark.parametrize("kind", MODELS)
@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), goal=st.sampled_from([None, 0, 1]), classes=st.sampled_from([2, 3]))
def test_an_ensemble_gives_the_cheapest_legal_row(world, kind, seed, goal, classes):
    w = world(MODELS[kind], seed, classes=classes)
    codes = w.subject.codes(w.X)
    result = EnsembleSearch().run(w.subject, w.X, codes, schema=w.schema, goal=goal)
    for i, x in enumerate(w.X):
        if result.outcome[i] is Outcome.ALREADY_GOAL:
            assert codes[i] == goal
            continue
        truth = w.cheapest(x, int(codes[i]), goal)
        assert result.cost[i] == pytest.approx(truth, rel=1e-9), (i, x)
        assert (result.outcome[i] is Outcome.MOVED) == np.isfinite(truth)
        assert result.proven[i]
    labels = w.subject.codes(result.rows[result.success])
    assert np.all(labels != codes[result.success] if goal is None else labels == goal)
    assert legal(w.schema, result.rows).all()


@pytest.mark.parametrize("kind", MODELS)
def test_a_search_that_is_stopped_early_brackets_the_truth(world, kind):
    stopped = 0
    for seed in range(20):
        w = world(MODELS[kind], seed)
        codes = w.subject.codes(w.X)
        forest = subject_forest(w.subject)
        binned = Binned.build(Space(w.schema), forest)
        for x, code in zip(w.X, codes.tolist(), strict=True):
            prices, values = binned.prices(x)
            point = prices.own.copy()
            cost, bound = cheapest_flip(
                binned.leaves,
                binned.trees,
                prices,
                binned.relations(values),
                binned.sums,
                -1,
                code,
                1 - code,
                np.inf,
                1 + 40 * (seed % 5),
                point,
                np.zeros(1, dtype=np.bool_),
            )
            truth = w.cheapest(x, code, None)
            assert bound <= truth * (1 + 1e-9) <= cost * (1 + 2e-9)
            stopped += bound < cost
            if np.isfinite(cost):
                assert w.subject.codes(binned.row(x, point, values)[None, :])[0] != code
    assert stopped or kind == "tree", "some searches must have been stopped for this to say anything"


@pytest.mark.parametrize("norm", ["cost", "linf"])
def test_a_search_without_seconds_still_brackets_the_truth(world, norm):
    found = 0
    for seed in range(6):
        w = world(MODELS["forest"], seed)
        codes = w.subject.codes(w.X)
        whole = EnsembleSearch(norm=norm).run(w.subject, w.X, codes, schema=w.schema)
        short = EnsembleSearch(norm=norm, seconds=0.0).run(w.subject, w.X, codes, schema=w.schema)
        assert np.all(short.bound <= whole.cost * (1 + 1e-9))
        assert np.all(whole.cost <= short.cost * (1 + 1e-9))
        found += int(np.count_nonzero(whole.success))
    assert found


def test_the_clock_stops_after_the_processor_time_of_its_own_thread():
    with Clock(0.05) as clock:
        clock.start()
        time.sleep(0.1)
        slept = bool(clock.stop[0])
        end = time.perf_counter() + 30
        while not clock.stop[0] and time.perf_counter() < end:
            sum(range(1000))
        assert clock.stop[0]
        clock.start()
        assert not clock.stop[0]
    assert not slept or not hasattr(time, "pthread_getcpuclockid")


def test_missing_cells_stay_missing_and_go_where_the_library_sends_them():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 5, size=(400, 3)).astype(float)
    X[rng.random(X.shape) < 0.2] = np.nan
    y = (np.nan_to_num(X[:, 0], nan=4.0) + np.nan_to_num(X[:, 1], nan=0.0) > 4).astype(int)
    columns = tuple(Column(f"c{j}", "integer", low=0, high=4, missing=True) for j in range(3))
    schema = FeatureSchema(columns)
    every = np.stack(np.meshgrid(*[np.arange(5.0)] * 3, indexing="ij"), -1).reshape(-1, 3)
    for name in ("forest", "histogram", "xgboost", "lightgbm"):
        subject = wrap(MODELS[name](0).fit(X, y), Codec.fit(schema), [0, 1])
        rows = X[:60]
        codes = subject.codes(rows)
        result = EnsembleSearch().run(subject, rows, codes, schema=schema)
        for i, x in enumerate(rows):
            held = np.where(np.isnan(x), np.nan, every)
            price = np.nansum(np.abs(held - x), axis=1)
            flips = subject.codes(held) != codes[i]
            assert result.cost[i] == pytest.approx(price[flips].min(initial=np.inf)), (name, x)


def test_a_row_that_breaks_a_relation_is_not_counted_and_nothing_is_claimed():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 10, size=(400, 2)).astype(float)
    X[:, 1] = np.maximum(X[:, 0], X[:, 1])
    y = (X[:, 0] > 4).astype(int)
    columns = (Column("paid", "integer", low=0, high=10), Column("bill", "integer", low=0, high=10))
    schema = FeatureSchema(columns, relations=(Relation("paid", "<=", "bill"),))
    subject = wrap(MODELS["forest"](0).fit(X, y), Codec.fit(schema), [0, 1])
    codes = subject.codes(X[:40])
    result = EnsembleSearch().run(subject, X[:40], codes, schema=schema)
    every = np.stack(np.meshgrid(np.arange(11.0), np.arange(11.0), indexing="ij"), -1).reshape(-1, 2)
    every = every[legal(schema, every)]
    assert legal(schema, result.rows).all()
    for i in np.flatnonzero(result.proven):
        flips = subject.codes(every) != codes[i]
        truth = np.abs(every - X[i]).sum(axis=1)[flips].min(initial=np.inf)
        assert result.cost[i] == pytest.approx(truth)
    assert result.proven.any()


def test_other_models_are_refused():
    from sklearn.linear_model import LogisticRegression

    X = np.arange(20.0)[:, None]
    schema = FeatureSchema((Column("a", "integer", low=0, high=20),))
    subject = wrap(LogisticRegression().fit(X, X[:, 0] > 9), Codec.fit(schema), [False, True])
    assert not EnsembleSearch.fits(subject)
    with pytest.raises(UsageError, match="use CoordinateSearch"):
        EnsembleSearch().run(subject, X, np.zeros(20, dtype=np.int64), schema=schema)
