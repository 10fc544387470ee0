"""The exact search on linear models in each norm: against every legal row, linear programs, and all subsets."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest
from scipy.optimize import linprog, minimize
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelward.evasion import LinearSearch, Outcome
from modelward.models import wrap
from modelward.schema import Codec, Column, FeatureSchema, Relation, legal

ORDER = {"l0": 0, "l1": 1, "l2": 2, "linf": np.inf}


@pytest.mark.parametrize("norm", ORDER)
def test_each_norm_gives_the_least_of_all_legal_rows(world, norm):
    moved = proven = 0
    for seed in range(8):
        w = world(lambda _: make_pipeline(StandardScaler(), LogisticRegression()), seed, classes=2 + seed % 2)
        goal = (None, 1)[seed % 3 == 0]
        codes = w.subject.codes(w.X)
        result = LinearSearch(norm=norm).run(w.subject, w.X, codes, schema=w.schema, goal=goal)
        assert legal(w.schema, result.rows).all()
        for i, x in enumerate(w.X):
            if result.outcome[i] is Outcome.ALREADY_GOAL:
                continue
            least = w.least(x, int(codes[i]), goal, ORDER[norm])
            assert result.cost[i] == pytest.approx(least, rel=1e-6), (seed, i)
            assert result.bound[i] <= least * (1 + 1e-6) + 1e-9
            proven += int(result.proven[i])
            moved += 1
    assert moved > 40
    assert proven >= 0.95 * moved


def _floats(rng):
    columns = tuple(
        Column(f"x{j}", "continuous", low=-2.0, high=2.0, cost=float(rng.uniform(0.2, 3)),
               direction=("any", "up", "down")[int(rng.integers(3))], mutable=bool(rng.uniform() < 0.8))
        for j in range(4)
    )  # fmt: skip
    X = rng.uniform(-2, 2, size=(200, 4))
    y = (X @ rng.normal(size=4) + 0.3 * rng.normal(size=200) > 0.3).astype(int)
    return FeatureSchema(columns), X, LogisticRegression(C=100.0).fit(X, y)


def _room(schema, x, w):
    room = np.zeros(len(x))
    for j, c in enumerate(schema):
        if c.mutable and c.direction != ("down" if w[j] > 0 else "up"):
            room[j] = 2 - x[j] if w[j] > 0 else x[j] + 2
    return room


def _oracle(norm, w, need, room, price):
    """Return the least norm of ``price * way`` with ``|w| @ way >= need`` and way within the room."""
    w = np.abs(w)
    if room @ w < need:
        return np.inf
    if norm == "l0":
        return next(
            k for k in range(1, len(w) + 1)
            if any(room[list(s)] @ w[list(s)] >= need for s in itertools.combinations(range(len(w)), k))
        )  # fmt: skip
    if norm == "l1":
        return linprog(price, A_ub=[-w], b_ub=[-need], bounds=[(0, r) for r in room]).fun
    if norm == "linf":
        A = np.vstack([np.append(-w, 0), np.column_stack([np.diag(price), -np.ones(len(w))])])
        bounds = [*((0, r) for r in room), (0, None)]
        return linprog(
            np.append(np.zeros(len(w)), 1), A_ub=A, b_ub=[-need, *np.zeros(len(w))], bounds=bounds
        ).fun
    found = minimize(
        lambda v: ((price * v) ** 2).sum(), room * need / (room @ w), method="SLSQP", tol=1e-14,
        jac=lambda v: 2 * price**2 * v, bounds=[(0, r) for r in room],
        constraints={"type": "ineq", "fun": lambda v: v @ w - need, "jac": lambda _: w}, options={"maxiter": 500},
    )  # fmt: skip
    return float(np.sqrt(found.fun))


@pytest.mark.parametrize("norm", ORDER)
def test_the_closed_forms_of_floats_equal_programs(norm):
    rng = np.random.default_rng(2)
    compared = 0
    for _ in range(12):
        schema, X, model = _floats(rng)
        subject = wrap(model, Codec.fit(schema), [0, 1])
        codes = subject.codes(X[:12])
        result = LinearSearch(norm=norm).run(subject, X[:12], codes, schema=schema)
        for i in range(12):
            sign = 1 - 2 * codes[i]
            w, need = sign * model.coef_[0], -sign * (model.coef_[0] @ X[i] + model.intercept_[0])
            least = _oracle(norm, w, need, _room(schema, X[i], w), np.array([c.cost for c in schema]))
            assert result.success[i] == np.isfinite(least)
            if np.isfinite(least):
                assert result.cost[i] == pytest.approx(least, rel=1e-5, abs=1e-6)
                assert result.proven[i]
                compared += 1
    assert compared > 60


@pytest.mark.parametrize("norm", ["l1", "linf"])
def test_many_small_steps_beside_large_prices_are_not_taken_for_free(norm):
    """Measurements with six decimals beside ratios: prices of one step differ by ten orders of magnitude."""
    for seed in range(8):
        rng = np.random.default_rng(seed)
        size = 10.0 ** rng.integers(-3, 4, 6)
        decimals = rng.integers(4, 7, 6)
        X = np.empty((120, 6))
        columns = []
        for j in range(6):
            step = 0.0 if j == 5 else size[j] / 10.0 ** decimals[j]
            X[:, j] = rng.lognormal(size=120) * size[j]
            if step:
                X[:, j] = np.round(np.round(X[:, j] / step) * step, 9)
            columns.append(Column(f"x{j}", "continuous", low=0.0, high=float(9 * size[j]), precision=step or None,
                                  cost=float(1 / size[j])))  # fmt: skip
        X = np.minimum(X, [c.high for c in columns])
        y = (X / size @ rng.normal(size=6) > 0).astype(int)
        if len(np.unique(y)) < 2:
            continue
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
        schema = FeatureSchema(tuple(columns))
        subject = wrap(model, Codec.fit(schema, pl.DataFrame(X, schema=list(schema.names))), [0, 1])
        rows = X[:8]
        codes = subject.codes(rows)
        result = LinearSearch(norm=norm).run(subject, rows, codes, schema=schema)
        last = model[-1]
        w = last.coef_[0] / model[0].scale_
        margin = rows @ w + last.intercept_[0] - w @ model[0].mean_
        assert legal(schema, result.rows).all()
        for i, x in enumerate(rows):
            sign = 1 if codes[i] == 0 else -1
            room = np.where(sign * w > 0, [c.high - v for c, v in zip(columns, x, strict=True)], x)
            least = _oracle(norm, w, -sign * margin[i], room, 1 / size)
            if not np.isfinite(least):
                assert not result.success[i]
                continue
            # Steps can only cost more than floats; a ten-thousandth of a size is the coarsest of them.
            assert result.bound[i] >= least * (1 - 1e-4)
            assert result.bound[i] <= result.cost[i] + 1e-9
            assert result.cost[i] <= least * (1 + 1e-4) + 6e-4


def test_a_bound_beside_relations_is_not_above_what_floats_cost():
    """Whole steps beside a relation stay integers to the solver; what it takes for free must not become a proof."""
    rng = np.random.default_rng(0)
    X = np.column_stack([np.round(rng.uniform(0, 1, (200, 2)), 6), rng.uniform(0, 1e6, 200)])
    X[:, 1] = np.maximum(X[:, 0], X[:, 1])
    y = (X @ [1.0, -2.0, 1e-6] + 0.1 * rng.normal(size=200) > 0.2).astype(int)
    columns = tuple(
        Column(f"x{j}", "continuous", low=0.0, high=high, precision=step, cost=cost)
        for j, (high, step, cost) in enumerate([(1.0, 1e-6, 1.0), (1.0, 1e-6, 1.0), (1e6, None, 1.0)])
    )
    schema = FeatureSchema(columns, relations=(Relation("x0", "<=", "x1"),))
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    subject = wrap(model, Codec.fit(schema, pl.DataFrame(X, schema=list(schema.names))), [0, 1])
    rows, w = X[:10], model[-1].coef_[0] / model[0].scale_
    codes = subject.codes(rows)
    result = LinearSearch(norm="l1").run(subject, rows, codes, schema=schema)
    assert legal(schema, result.rows).all()
    price = np.ones(3)
    for i, x in enumerate(rows):
        sign = 1 if codes[i] == 0 else -1
        margin = sign * (x @ w + model[-1].intercept_[0] - w @ model[0].mean_)
        change = np.concatenate([np.eye(3), -np.eye(3)])  # up, then down
        A = np.vstack([-sign * change @ w, change @ [1.0, -1.0, 0.0]])
        ends = np.concatenate([[1.0, 1.0, 1e6] - x, x])
        least = linprog(np.tile(price, 2), A_ub=A, b_ub=[margin, x[1] - x[0]], bounds=[(0, e) for e in ends])
        if least.status == 0:
            assert result.bound[i] <= least.fun * (1 + 1e-4) + 1e-5
