"""Series read off counts, compiled, against plain twins in numpy."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from modelward.monitoring._reading import (
    ROWS,
    SAME,
    SHARE,
    SPREAD,
    arcs,
    bands,
    moments,
    natural,
    read_off,
    tally,
)
from modelward.monitoring._series import Plan
from modelward.profiles import Layout, Profile

COUNTERS = np.array([1, 2, 3])


def plain_natural(values: np.ndarray, turns: np.ndarray) -> np.ndarray:
    out = values.copy()
    for turn, how in (
        (ROWS, np.expm1),
        (SPREAD, np.exp),
        (SHARE, lambda v: np.sin(np.clip(v, 0.0, np.pi / 2)) ** 2),
    ):
        out[:, turns == turn] = how(values[:, turns == turn])
    return out


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_those_of_groups_counters_and_fullest_buckets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts, counters = rng.integers(0, 50, (5, 7)), rng.integers(0, 50, (5, 5))
    repeats, group = rng.integers(0, 50, (5, 256)), rng.integers(-1, 9, (5, 7))
    binned = np.array([0, 3])
    out = np.empty(9 + 3 * 5 + 2)
    tally(counts, counters, repeats, group, COUNTERS, binned, 9, out)
    expected = [
        *(counts[group == k].sum() for k in range(9)),
        *counters[:, COUNTERS].T.ravel(),
        *repeats[binned].max(axis=1),
    ]
    np.testing.assert_array_equal(out, expected)


def test_spreads_and_moments_are_those_of_the_values_that_slots_stand_for() -> None:
    rng = np.random.default_rng(0)
    counts, stands = rng.integers(0, 30, (4, 6)), rng.normal(size=(4, 6)) * 10
    used = rng.random((4, 6)) < 0.8
    counts[2] = 0
    out = np.empty(4)
    read_off(counts, stands, used, out)
    for j in (0, 1, 3):
        assert out[j] == pytest.approx(np.repeat(stands[j][used[j]], counts[j][used[j]]).std())
    assert out[2] == 0
    counters = np.array([[100, 0, 0, 0, 10], [19, 0, 0, 0, 0], [25, 0, 0, 0, 25], [40, 0, 0, 0, 0]])
    sums, centre, ratio = rng.normal(size=(4, 2)) * 100, np.arange(4.0), np.full(4, 2.0)
    read, least = np.empty(6), np.array([0.0, 0.0, 0.0, out[3] + 1.0])
    moments(counters, sums, centre, out, least, ratio, np.array([0, 1, 3]), read)
    means = [sums[0, 0] / 90, 3 + sums[3, 0] / 40]
    np.testing.assert_allclose(read[[0, 2]], means)
    np.testing.assert_allclose(
        read[[3, 5]], np.log(2 * np.array([out[0], least[3]]) + 1e-9 * (np.abs(means) + 1e-9)), rtol=1e-12
    )
    assert np.isnan(read[[1, 4]]).all()


def test_units_and_shares_are_the_plain_ones() -> None:
    rng = np.random.default_rng(0)
    turns = rng.integers(0, 4, 40)
    assert set(turns.tolist()) == {SAME, ROWS, SPREAD, SHARE}
    values = rng.normal(size=(3, 40))
    values[1, ::7] = np.nan
    out = np.empty((3, 40))
    natural(values, turns, out)
    np.testing.assert_allclose(out, plain_natural(values, turns), rtol=1e-12)
    hour = np.empty((3, 40), dtype=np.float32)
    bands(values[0], values[1], values[2], turns, hour)
    three = np.stack([values[0], values[1] - values[2], values[1] + values[2]])
    np.testing.assert_allclose(hour, plain_natural(three, turns), rtol=1e-5)
    counts = np.array([0.0, 10.0, 40.0, np.nan, 60.0])
    held = np.empty(5)
    arcs(counts, 40.0, held)
    np.testing.assert_allclose(held, np.arcsin(np.sqrt([0.0, 0.25, 1.0, np.nan, 1.0])), rtol=1e-12)
    arcs(counts, 19.0, held)
    assert np.isnan(held).all()


def test_a_share_of_a_window_is_what_rows_of_it_say() -> None:
    frame = pl.DataFrame({"k": ["a"] * 300 + ["b"] * 100, "x": np.arange(400.0)})
    layout = Layout.fit(frame)
    profile = Profile(layout)
    profile.update(layout.encode(frame)[0])
    plan = Plan(layout)
    y, counts = plan.measure(profile)
    held = dict(zip((c.name for c in plan.counts), counts.tolist(), strict=True))
    assert held["k: a"] == 300
    assert held["x: missing"] == 0
    assert dict(zip(plan.names, y.tolist(), strict=True))["x: mean"] == pytest.approx(199.5)
