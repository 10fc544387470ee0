"""Corruptions, error slices, certainty and cells: planted truths, brute force, false alarms over many seeds."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import stats as sps
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from modelward.models import Scores
from modelward.robustness import (
    certainty,
    corrupt,
    error_slices,
    paired_loss,
    table_corruptions,
    visited_cells,
)
from modelward.schema import Codec, Column, FeatureSchema

SCHEMA = FeatureSchema(
    (
        Column("a", "continuous", low=-3, high=3),
        Column("b", "integer", low=0, high=9),
        Column("c", "categorical", categories=("x", "y")),
        Column("d_1", "integer", low=0, high=1),
        Column("d_2", "integer", low=0, high=1),
    ),
    onehot=(("d_1", "d_2"),),
)
FRAME = pl.DataFrame({"a": [0.5], "b": [1], "c": ["x"], "d_1": [1], "d_2": [0]})
CODEC = Codec.fit(SCHEMA, FRAME)


def _rows(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    d = rng.integers(0, 2, n)
    a = np.clip(rng.normal(size=n), -3, 3)
    return np.column_stack([a, rng.integers(0, 10, n), rng.integers(0, 2, n), d, 1 - d]).astype(float)


@pytest.mark.parametrize("corruption", table_corruptions(CODEC), ids=lambda c: c.name)
def test_a_corruption_breaks_its_columns_and_no_other(corruption) -> None:
    X = _rows(300)
    X[:, 1] += 0.5  # one digit more than rounding keeps
    for target in corruption.targets(SCHEMA):
        broken = corruption.apply(X, target, np.random.default_rng(0))
        others = [j for j in range(5) if j not in target]
        assert np.array_equal(broken[:, others], X[:, others])
        assert not np.array_equal(broken[:, list(target)], X[:, list(target)], equal_nan=True)
        assert broken is not X


def test_corruptions_do_what_their_names_say() -> None:
    X, rng = _rows(50), np.random.default_rng(0)
    by_name = {c.name: c for c in table_corruptions(CODEC)}
    assert np.isnan(by_name["missing"].apply(X, (0,), rng)[:, 0]).all()
    assert np.array_equal(by_name["unit ×100"].apply(X, (0,), rng)[:, 0], X[:, 0] * 100)
    assert np.array_equal(by_name["swapped columns"].apply(X, (0, 1), rng)[:, [1, 0]], X[:, [0, 1]])
    stale = by_name["stale values"].apply(X, (3, 4), rng)
    assert (stale[:, 3] + stale[:, 4] == 1).all(), "a one-hot group goes stale as a whole"
    assert sorted(stale[:, 3]) == sorted(X[:, 3])
    assert CODEC.decode(by_name["unseen category"].apply(X, (2,), rng))["c"][0] not in ("x", "y")
    rounded = by_name["rounding"].apply(np.array([[0.0, 9, 0, 0, 1], [-0.0234, 9, 0, 0, 1.0]]), (0,), rng)
    assert rounded[:, 0].tolist() == [0.0, -0.02]


def test_the_loss_equals_the_difference_of_balanced_accuracies() -> None:
    rng = np.random.default_rng(1)
    y = rng.integers(0, 3, 600)
    before, after = rng.uniform(size=600) < 0.9, rng.uniform(size=600) < 0.6
    expected = np.mean([before[y == k].mean() - after[y == k].mean() for k in range(3)])
    assert paired_loss(before, after, y).value == pytest.approx(expected)


def test_the_interval_of_the_loss_covers() -> None:
    rng, runs, covered = np.random.default_rng(2), 1_500, 0
    y = np.repeat([0, 1], [250, 60])
    for _ in range(runs):
        before = rng.uniform(size=310) < 0.8
        after = before & (rng.uniform(size=310) < np.where(y == 0, 0.9, 0.7))
        low, high = paired_loss(before, after, y).interval(0.95)
        covered += low <= 0.8 * (0.1 + 0.3) / 2 <= high
    assert sps.binomtest(covered, runs, 0.95, alternative="less").pvalue > 1e-3


def test_no_change_still_has_an_interval() -> None:
    right = np.ones(100, dtype=bool)
    low, high = paired_loss(right, right, np.repeat([0, 1], 50)).interval(0.95)
    assert low < 0 < high


def test_the_column_that_matters_is_found(make_scope) -> None:
    X = _rows(3_000)
    y = (X[:, 1] > 4).astype(int)
    numeric = replace(SCHEMA.columns[2], kind="integer", categories=(), low=0, high=1)
    schema = replace(SCHEMA, columns=(*SCHEMA.columns[:2], numeric, *SCHEMA.columns[3:]))
    frame = pl.DataFrame(X, schema=list(SCHEMA.names))
    scope = make_scope(RandomForestClassifier(20, max_depth=4, random_state=0), frame, y, schema=schema)
    drops = {d.corruption: d for d in corrupt(scope.subject, scope.test.X, scope.test.y, random_state=0)}
    assert drops["stale values"].columns == ("b",)
    assert drops["stale values"].drop.value == pytest.approx(0.5, abs=0.06)
    again = corrupt(scope.subject, scope.test.X, scope.test.y, random_state=0)
    assert [d.drop for d in again] == [d.drop for d in drops.values()]


def test_a_model_that_refuses_is_not_a_model_that_errs(make_scope, credit) -> None:
    frame, y = credit
    scope = make_scope(LogisticRegression(max_iter=2_000), frame, y)
    drops = {d.corruption: d for d in corrupt(scope.subject, scope.test.X, scope.test.y, random_state=0)}
    assert drops["missing"].drop is None
    assert drops["sign"].drop is not None


def test_a_planted_error_slice_is_confirmed() -> None:
    X = _rows(6_000)
    bad = (X[:, 2] == 1) & (X[:, 1] >= 7)
    wrong = np.random.default_rng(3).uniform(size=6_000) < np.where(bad, 0.5, 0.1)
    best = error_slices(X, wrong, CODEC, random_state=0)[0]
    assert best.confirmed
    cover = best.rule.mask(X)
    assert (cover & bad).sum() / (cover | bad).sum() > 0.9
    low, high = best.excess.interval(0.95)
    assert low < 0.4 < high


def test_noise_confirms_a_slice_in_at_most_five_percent_of_seeds() -> None:
    runs = 300
    false = 0
    for seed in range(runs):
        X = _rows(800, seed)
        wrong = np.random.default_rng(seed + 10_000).uniform(size=800) < 0.2
        false += any(s.confirmed for s in error_slices(X, wrong, CODEC, random_state=seed))
    assert sps.binomtest(false, runs, 0.05, alternative="greater").pvalue > 0.01


def test_certainty_counts_what_it_says() -> None:
    p = np.array([0.99] * 30 + [0.6] * 70)
    y = np.array([0] * 25 + [1] * 5 + [0] * 35 + [1] * 35)
    found = certainty(Scores(np.column_stack([p, 1 - p]), "probability"), y, np.zeros(100, dtype=np.int64))
    assert (found.sure_errors.successes, found.sure_errors.n) == (5, 30)
    assert found.claimed == pytest.approx(0.01)
    assert found.risk[-1].value == pytest.approx(0.4)


def test_a_model_that_is_never_sure_says_so() -> None:
    margin = Scores(np.column_stack([np.ones(50), -np.ones(50)]), "margin")
    assert certainty(margin, np.zeros(50, dtype=np.int64), np.zeros(50, dtype=np.int64)).sure_errors is None


def test_visited_cells_equal_brute_force() -> None:
    X = _rows(60)
    cells = visited_cells(X, SCHEMA, _rows(200, 9))

    def part(row: np.ndarray, j: int) -> int:
        if j == 2 or j > 2:
            return int(row[j])
        low, high = ((-3, 3), (0, 9))[j]
        return min(3, int((row[j] - low) / ((high - low) / 4)))

    total, seen = 0, {}
    for i, j in itertools.combinations(range(5), 2):
        if (i, j) == (3, 4):
            continue
        total += {0: 4, 1: 4}.get(i, 2) * {0: 4, 1: 4}.get(j, 2)
        seen[i, j] = {(part(row, i), part(row, j)) for row in X}
    assert cells.total == total
    assert cells.visited == sum(map(len, seen.values()))
    expected = [any((part(r, i), part(r, j)) not in s for (i, j), s in seen.items()) for r in _rows(200, 9)]
    assert cells.unvisited_mask.tolist() == expected
