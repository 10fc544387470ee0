"""Column shifts: planted moves, false alarms over many splits, and privacy of bins."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as sps

from modelward.monitoring import column_shifts, rounded_edges

NAMES = ["number", "code", "flag"]
VALUES = [None, ("x", "y", "z"), (False, True)]


def _rows(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.lognormal(10, 1, n), rng.integers(0, 3, n), rng.integers(0, 2, n)]).astype(
        float
    )


def test_equal_tables_do_not_move_over_many_seeds() -> None:
    runs = 400
    false = sum(
        any(s.moved for s in column_shifts(_rows(300, seed), _rows(300, seed + 9_000), NAMES, VALUES))
        for seed in range(runs)
    )
    assert sps.binomtest(false, runs, 0.05, alternative="greater").pvalue > 0.01


def test_planted_moves_are_found_and_only_they() -> None:
    first, second = _rows(2_000, 0), _rows(2_000, 1)
    second[:, 0] *= 1.6
    second[:800, 2] = np.nan
    moved = {s.name for s in column_shifts(first, second, NAMES, VALUES) if s.moved}
    assert moved == {"number", "flag"}


def test_a_tiny_move_in_very_many_rows_is_no_alarm() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(200_000, 1)), rng.normal(0.02, 1, size=(200_000, 1))
    (shift,) = column_shifts(first, second, ["x"], [None])
    assert shift.p_value < 0.001
    assert not shift.moved


def test_distance_is_total_variation() -> None:
    first = np.repeat([0.0, 1.0], [60, 40])[:, None]
    second = np.repeat([0.0, 1.0], [20, 80])[:, None]
    (shift,) = column_shifts(first, second, ["flag"], [(False, True)])
    assert shift.distance == pytest.approx(0.4)
    assert shift.bins == ("missing", "rare", "False", "True")


def test_a_value_of_one_person_has_no_bin() -> None:
    first = np.array([0.0] * 40 + [1.0] * 3)[:, None]
    (shift,) = column_shifts(first, first, ["city"], [("Oslo", "Tiny village")])
    assert "Tiny village" not in shift.bins


def test_values_of_a_column_with_many_are_hashed() -> None:
    names = tuple(f"person {i}" for i in range(60))
    codes = np.repeat(np.arange(60.0), 20)[:, None]
    (shift,) = column_shifts(codes, codes, ["name"], [names])
    assert not any("person" in b for b in shift.bins)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 123_456.0])
def test_edges_have_two_legible_digits(scale: float) -> None:
    values = np.random.default_rng(3).normal(size=1_000) * scale
    edges = rounded_edges(values)
    spread = np.subtract(*np.quantile(values, [0.95, 0.05]))
    step = 10.0 ** (np.floor(np.log10(spread)) - 1)
    assert np.allclose(edges / step, np.round(edges / step))
    assert 2 <= len(edges) <= 9


def test_an_empty_or_constant_column_does_not_move() -> None:
    X = np.column_stack([np.full(50, np.nan), np.full(50, 7.0)])
    assert not any(s.moved for s in column_shifts(X, X, ["empty", "constant"], [None, None]))


def test_rare_values_in_a_small_table_do_not_move_by_themselves() -> None:
    shares = np.array([0.5, 0.2, 0.1, 0.05, 0.05, 0.03, 0.02, 0.02, 0.01, 0.01, 0.005, 0.005])
    values, runs, false = [tuple("abcdefghijkl")] * 6, 200, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        first, second = (rng.choice(12, p=shares, size=(n, 6)).astype(float) for n in (2_000, 30))
        false += any(s.moved for s in column_shifts(first, second, list("abcdef"), values))
    assert sps.binomtest(false, runs, 0.05, alternative="greater").pvalue > 0.01
