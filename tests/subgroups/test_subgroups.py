"""The search of short rules against brute force, a planted rule, and pure noise."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest

from modelward.schema import Codec, Column, FeatureSchema
from modelward.subgroups import Condition, Rule, conditions, search

SCHEMA = FeatureSchema(
    (
        Column("a", "continuous"),
        Column("b", "integer"),
        Column("c", "categorical", categories=("x", "y", "z")),
    )
)


def _rows(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.normal(size=n), rng.integers(0, 40, n), rng.integers(0, 3, n)]).astype(float)


def _z(mask: np.ndarray, figure: np.ndarray) -> float:
    inside, outside = figure[mask], figure[~mask]
    rate = figure.mean()
    error = np.sqrt(rate * (1 - rate) * (1 / len(inside) + 1 / len(outside)))
    return float((inside.mean() - outside.mean()) / error)


@pytest.mark.parametrize("seed", range(5))
def test_the_best_rule_is_the_best_of_all_by_brute_force(seed: int) -> None:
    X = _rows(400, seed)
    rng = np.random.default_rng(seed + 100)
    figure = (rng.uniform(size=400) < 0.1 + 0.4 * ((X[:, 0] > 0.3) & (X[:, 2] == 1))).astype(float)
    singles = conditions(X, SCHEMA, min_rows=10)
    single = {c: _z(c.mask(X), figure) for c in singles}
    scores = list(single.values())
    for first, second in itertools.combinations(singles, 2):
        mask = first.mask(X) & second.mask(X)
        if first.column == second.column or not 10 <= mask.sum() <= 390:
            continue
        z = _z(mask, figure)
        if z >= max(single[first], single[second]) + 1:
            scores.append(z)
    best = search(X, figure, SCHEMA, min_share=0.0, min_rows=10)[0]
    assert best.score == pytest.approx(max(scores), rel=1e-4)
    assert best.score == pytest.approx(_z(best.rule.mask(X), figure), rel=1e-4)
    assert best.rows == best.rule.mask(X).sum()


def test_a_planted_rule_is_named() -> None:
    X = _rows(4_000, 1)
    planted = (X[:, 1] >= 20) & (X[:, 2] == 2)
    figure = (np.random.default_rng(2).uniform(size=4_000) < np.where(planted, 0.8, 0.1)).astype(float)
    (best, *_) = search(X, figure, SCHEMA)
    cover = best.rule.mask(X)
    assert (cover & planted).sum() / (cover | planted).sum() > 0.85
    codec = Codec.fit(SCHEMA, pl.DataFrame({"a": [0.0], "b": [1], "c": ["x"]}))
    assert "c = z" in best.rule.text(codec)
    assert "b >= " in best.rule.text(codec)


def test_every_rule_covers_enough_rows_and_leaves_enough_out() -> None:
    X = _rows(1_000, 3)
    figure = (X[:, 0] > 2.2).astype(float)
    for candidate in search(X, figure, SCHEMA, min_share=0.05):
        assert 50 <= candidate.rule.mask(X).sum() <= 950


def test_nothing_to_search_gives_nothing() -> None:
    X = _rows(200, 4)
    assert search(X, np.zeros(200), SCHEMA) == []
    assert search(np.ones((200, 3)), (X[:, 0] > 0).astype(float), SCHEMA) == []


def test_missing_values_are_in_no_rule() -> None:
    X = np.array([[np.nan, 1.0, 0.0], [1.0, np.nan, 0.0]])
    rule = Rule((Condition(0, ">=", 0.0), Condition(1, "<=", 3.0)))
    assert rule.mask(X).tolist() == [False, False]


def test_cuts_are_legible_not_a_persons_value() -> None:
    X = np.column_stack(
        [np.random.default_rng(5).normal(52_341.77, 9_123.3, 500), np.zeros(500), np.zeros(500)]
    )
    for condition in conditions(X, SCHEMA, min_rows=10):
        if condition.operator == ">=":
            assert condition.value == round(condition.value, -3)
