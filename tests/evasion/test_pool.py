"""The pool of starting points against a plain loop over rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.evasion._pool import Pool, _choose
from modelward.evasion._space import Space
from modelward.schema import Column, FeatureSchema, Relation, cost, legal, project


def _schema(rng, relations):
    kinds = [("any", True), ("up", True), ("down", True), ("any", False)]
    columns = [
        Column(f"n{k}", "continuous", low=-3.0, high=3.0, cost=float(rng.uniform(0.1, 2)), direction=way,
               mutable=free, missing=k == 0)
        for k, (way, free) in enumerate(kinds)
    ]  # fmt: skip
    columns.append(Column("c", "categorical", categories=("a", "b", "c"), cost=0.7))
    columns += [Column(f"g{k}", "integer", low=0, high=1, cost=0.5) for k in range(3)]
    pairs = (Relation("n0", "<=", "n1"),) if relations else ()
    return FeatureSchema(tuple(columns), onehot=(("g0", "g1", "g2"),), relations=pairs)


def _rows(rng, n, wide):
    X = rng.uniform(-3 * wide, 3 * wide, size=(n, 8))
    X[:, 4] = rng.integers(0, 3, n)
    X[:, 5:] = np.eye(3)[rng.integers(0, 3, n)]
    X[rng.uniform(size=n) < 0.2, 0] = np.nan
    return X


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.booleans(), st.sampled_from([1.0, 1.3]))
def test_prices_and_rows_are_those_of_a_loop(seed, relations, wide):
    rng = np.random.default_rng(seed)
    schema = _schema(rng, relations)
    space = Space(schema)
    X, others = _rows(rng, 6, 1.0), _rows(rng, 15, wide)
    pool = Pool(space, others)
    prices = pool.prices(X)
    for i, x in enumerate(X):
        low, high = space.reach(x[None, :])
        for k, other in enumerate(others):
            mixed = np.where((other >= low[0]) & (other <= high[0]), other, x)
            broken = relations and mixed[0] > mixed[1]
            assert (
                prices[i, k]
                == (np.inf if broken else np.float64(cost(schema, mixed[None, :], x[None, :])[0]))
                or abs(prices[i, k] - cost(schema, mixed[None, :], x[None, :])[0]) < 1e-12
            )
        assert np.array_equal(prices[[i]], pool.prices(x[None, :]))
    owner, A, costs = pool.nearest(np.arange(6) + 100, X, 8)
    origin = X[owner - 100]
    np.testing.assert_allclose(costs, cost(schema, A, origin), rtol=0, atol=1e-12)
    sound = legal(schema, origin)
    assert legal(schema, A[sound]).all()
    assert np.array_equal(project(schema, A[sound], origin[sound]), A[sound], equal_nan=True)
    assert (costs > 0).all()


def test_the_choice_is_that_of_a_stable_sort():
    rng = np.random.default_rng(0)
    prices = np.round(rng.uniform(0, 3, size=(40, 300)), 1)
    prices[rng.uniform(size=prices.shape) < 0.1] = np.inf
    prices[0] = 0.0
    who, which = _choose(prices, 10)
    for i in range(40):
        order = np.argsort(prices[i], kind="stable")
        order = order[(prices[i][order] > 0) & np.isfinite(prices[i][order])]
        if not len(order):
            assert i not in who
            continue
        near = np.geomspace(1, len(order), 5).astype(int) - 1
        even = np.linspace(0, len(order) - 1, 5).astype(int)
        assert np.array_equal(which[who == i], order[np.unique(np.concatenate([near, even]))])
