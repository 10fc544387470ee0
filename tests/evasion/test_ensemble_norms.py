"""The exact search in each norm against a list of every legal row, and its bounds when it is stopped early."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from xgboost import XGBClassifier

from modelward.evasion import EnsembleSearch, Outcome
from modelward.models import wrap
from modelward.schema import Codec, Column, FeatureSchema, legal

MODELS = {
    "voting forest": lambda seed: RandomForestClassifier(4, random_state=seed),
    "forest": lambda seed: RandomForestClassifier(9, max_depth=4, random_state=seed),
    "histogram": lambda seed: HistGradientBoostingClassifier(
        max_iter=6, min_samples_leaf=2, random_state=seed
    ),
    "xgboost": lambda seed: XGBClassifier(n_estimators=6, max_depth=3, random_state=seed, nthread=1),
}
ORDER = {"cost": 1, "l0": 0, "l2": 2, "linf": np.inf}


@pytest.mark.parametrize("norm", ORDER)
@pytest.mark.parametrize("kind", MODELS)
def test_each_norm_gives_the_least_of_all_legal_rows(world, kind, norm):
    moved = 0
    for seed in range(6):
        w = world(MODELS[kind], seed, classes=2 + seed % 2)
        goal = (None, 1)[seed % 3 == 0]
        codes = w.subject.codes(w.X)
        result = EnsembleSearch(norm=norm).run(w.subject, w.X, codes, schema=w.schema, goal=goal)
        assert legal(w.schema, result.rows).all()
        for i, x in enumerate(w.X):
            if result.outcome[i] is Outcome.ALREADY_GOAL:
                continue
            least = w.least(x, int(codes[i]), goal, ORDER[norm])
            assert result.cost[i] == pytest.approx(least, rel=1e-9), (seed, i)
            assert result.proven[i]
            assert result.bound[i] == pytest.approx(least, rel=1e-6)
        labels = w.subject.codes(result.rows[result.success])
        assert np.all(labels != codes[result.success] if goal is None else labels == goal)
        moved += int(result.success.sum())
    assert moved > 15


@pytest.mark.parametrize("norm", ORDER)
def test_a_search_that_is_stopped_early_brackets_the_truth(world, norm):
    opened = 0
    for seed in range(16):
        w = world(MODELS["forest"], seed)
        codes = w.subject.codes(w.X)
        result = EnsembleSearch(work=1 + 300 * (seed % 4), norm=norm).run(
            w.subject, w.X, codes, schema=w.schema
        )
        for i, x in enumerate(w.X):
            least = w.least(x, int(codes[i]), None, ORDER[norm])
            assert result.bound[i] <= least * (1 + 1e-9)
            assert result.cost[i] >= least * (1 - 1e-9)
            assert not result.proven[i] or result.cost[i] == pytest.approx(least)
        opened += int((~result.proven).sum())
    assert opened > 3


@pytest.mark.parametrize("norm", ORDER)
def test_where_all_that_may_change_is_free_the_flip_is_free_and_the_search_ends(norm):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(300, 2))
    schema = FeatureSchema(
        (
            Column("free", "continuous", low=-1.0, high=1.0, cost=0.0),
            Column("held", "continuous", mutable=False),
        )
    )
    model = RandomForestClassifier(3, max_depth=3, random_state=0).fit(X, X.sum(axis=1) > 0)
    subject = wrap(model, Codec.fit(schema), [False, True])
    codes = subject.codes(X[:20])
    result = EnsembleSearch(norm=norm).run(subject, X[:20], codes, schema=schema)
    reachable = np.array([
        (subject.codes(np.column_stack([np.linspace(-1, 1, 999), np.full(999, x[1])])) != code).any()
        for x, code in zip(X[:20], codes, strict=True)
    ])  # fmt: skip
    assert np.array_equal(result.success, reachable)
    assert reachable.sum() >= 10
    assert result.proven.all()
    if norm != "l0":
        assert not result.cost[reachable].any()
