"""Profiles: against brute force, Python's own exact sums, and the promise that the order of merging cannot matter."""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.cli import cli
from modelward.errors import InputError
from modelward.profiles import Layout, Profile, read_profile
from modelward.schema import Column, FeatureSchema, violations


def _frame(n: int = 3000, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "amount": np.where(rng.random(n) < 0.1, np.nan, np.exp(rng.normal(5, 2, n))),
            "age": rng.integers(18, 90, n),
            "plan": rng.choice(["a", "b", "c"], n),
            "flag": rng.integers(0, 2, n),
            "stamp": 1.7e9 + rng.random(n),
        }
    ).with_columns(pl.col("amount").fill_nan(None))


def _profile(layout: Layout, X: np.ndarray) -> Profile:
    out = Profile(layout)
    out.update(X)
    return out


def test_parts_merged_in_any_order_equal_one_pass_bit_for_bit() -> None:
    frame = _frame()
    layout = Layout.fit(frame)
    X, problems = layout.encode(frame)
    assert not problems
    X[5, 0], X[6, 0], X[7, 0] = np.inf, 1e300, -1e-300
    whole = _profile(layout, X).to_json()
    rng = np.random.default_rng(1)
    for _ in range(5):
        rows = rng.permutation(len(X))
        parts = [_profile(layout, X[p]) for p in np.array_split(rows, rng.integers(2, 9))]
        rng.shuffle(parts)
        merged = parts[0]
        for part in parts[1:]:
            merged = part.merge(merged)
        assert merged.to_json() == whole
    # One row at a time, too.
    single = Profile(layout)
    for row in X:
        single.update(row[None])
    assert single.to_json() == whole


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_the_mean_is_the_exactly_rounded_sum_of_distances(values: list[float]) -> None:
    schema = FeatureSchema((Column("x", "continuous", missing=True),))
    layout = Layout(schema, {}, (np.array([0.0, 1.0]),), (False,), (0.0,))
    made = _profile(layout, np.array(values)[:, None])
    summed = [v for v in values if abs(v) < 1e150]
    if summed:
        assert made.mean(0) == statistics.fmean(summed) or math.isclose(
            made.mean(0), math.fsum(summed) / len(summed), rel_tol=1e-15, abs_tol=1e-320
        )
    assert made.counts.sum() == len(values)
    back = Profile.from_json(made.to_json())
    assert back.to_json() == made.to_json()
    assert back.mean(0) == made.mean(0) or not summed


def test_figures_equal_brute_force() -> None:
    frame = _frame()
    layout = Layout.fit(frame)
    X, _ = layout.encode(frame)
    X[:40, 1] = 999
    made = _profile(layout, X)
    for j in range(X.shape[1]):
        x = X[~np.isnan(X[:, j]), j]
        assert made.missing[j] == np.isnan(X[:, j]).sum()
        assert made.mean(j) == pytest.approx(x.mean(), rel=1e-12)
        assert made.variance(j) == pytest.approx(statistics.pvariance(x.tolist()), rel=1e-9)
        assert made.distinct(j) == pytest.approx(len(np.unique(x)), rel=0.1)
        points, size = layout.points[j], len(layout.points[j])
        if layout.by_value[j]:
            assert made.counts[j, :size].tolist() == [(x == p).sum() for p in points]
        else:
            assert made.counts[j, : size - 1].tolist() == np.histogram(x, points)[0].tolist()
            assert made.counts[j, size] == (x < points[0]).sum()
            assert made.counts[j, size + 1] == (x > points[-1]).sum()
            for q in (0.01, 0.5, 0.9, 1.0):
                got = made.quantile(j, q)
                assert got.low <= np.quantile(x, q, method="inverted_cdf") <= got.high
    broken = violations(layout.schema, X)
    cells = broken.missing | broken.range | broken.precision | broken.category
    assert made.illegal.tolist() == cells.sum(axis=0).tolist()
    assert made.illegal[1] == 40
    assert made.counts[1, len(layout.points[1]) + 1] == 40


def test_a_narrow_column_far_from_zero_keeps_its_variance() -> None:
    frame = _frame()
    layout = Layout.fit(frame)
    made = _profile(layout, layout.encode(frame)[0])
    assert made.variance(4) == pytest.approx(1 / 12, rel=0.1)


def test_24_columns_fit_into_50_kilobytes() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({f"x{j}": rng.normal(0, 10.0**j, 20_000) for j in range(24)})
    layout = Layout.fit(frame)
    assert len(_profile(layout, layout.encode(frame)[0]).to_json().encode()) <= 50_000


def test_no_value_of_few_rows_is_written() -> None:
    frame = pl.DataFrame(
        {"name": ["common"] * 50 + ["secret-person"], "id": [123457.25 + i * 1000 for i in range(51)]}
    )
    text = _profile(
        layout := Layout.fit(frame, FeatureSchema((Column("name", "text"), Column("id", "continuous")))),
        layout.encode(frame)[0],
    ).to_json()
    assert "common" in text
    assert "secret" not in text
    assert "123457.25" not in text


def test_columns_that_vanish_appear_or_change_type_are_named() -> None:
    layout = Layout.fit(_frame())
    frame = _frame(100).drop("age").with_columns(pl.lit("?").alias("amount"), pl.lit(1).alias("new"))
    X, problems = layout.encode(frame)
    assert problems == {"age": "vanished", "amount": "type changed", "new": "appeared"}
    made = _profile(layout, X)
    assert made.missing[:2].tolist() == [100, 100]
    made.update(np.empty((0, 5)))
    assert made.rows == 100


def test_wrong_input_is_one_clear_line(tmp_path: Path) -> None:
    layout = Layout.fit(_frame())
    made = _profile(layout, layout.encode(_frame())[0])
    with pytest.raises(InputError, match="different layouts"):
        made.merge(Profile(Layout.fit(_frame(seed=3))))
    with pytest.raises(InputError, match="do not fit"):
        made.update(np.zeros((3, 2)))
    raw = json.loads(made.to_json())
    for change, said in (
        ({"version": 1}, "version 1"), ({"format": "x"}, "no profile"), ({"digest": "0"}, "not the one"),
        ({"counts": []}, "damaged"), ({"rows": 1}, "damaged"), ({"registers": "!"}, "damaged"), ({"repeats": "!"}, "damaged"),
        ({"layout": {}}, "no layout"), ({"sums": [["zz", "1p1"]] * 5}, "damaged"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            Profile.from_json(json.dumps(raw | change))
    with pytest.raises(InputError, match="cannot be read"):
        read_profile(tmp_path / "none.json")


def test_the_command_writes_a_profile_that_reads_back(tmp_path: Path) -> None:
    _frame().write_csv(tmp_path / "june.csv")
    _frame(seed=2).drop("age").write_csv(tmp_path / "july.csv")
    run = CliRunner()
    first = run.invoke(cli, ["profile", str(tmp_path / "june.csv"), "-o", str(tmp_path / "june.json")])
    assert first.exit_code == 0, first.output
    assert "3,000 rows, 5 columns" in first.output
    second = run.invoke(
        cli,
        [
            "profile",
            str(tmp_path / "july.csv"),
            "-o",
            str(tmp_path / "july.json"),
            "--like",
            str(tmp_path / "june.json"),
        ],
    )
    assert second.exit_code == 0, second.output
    assert "'age': vanished" in second.output
    merged = read_profile(tmp_path / "june.json").merge(read_profile(tmp_path / "july.json"))
    assert merged.rows == 6000
    assert merged.missing[1] == 3000


def test_fast_moments_are_the_exact_ones_before_and_after_carrying() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 12)) * np.logspace(-5, 8, 12) - 3
    layout = Layout.fit(pl.DataFrame({f"x{j}": X[:, j] for j in range(12)}))
    profile = Profile(layout)
    profile.update(X)
    for held in (profile, profile.merge(Profile(layout))):
        mean, variance = held.moments()
        np.testing.assert_allclose(mean, [held.mean(j) for j in range(12)], rtol=1e-12)
        np.testing.assert_allclose(variance, [held.variance(j) for j in range(12)], rtol=1e-9)
    assert np.isnan(Profile(layout).moments()[0]).all()


def test_a_repeated_value_fills_its_bucket_and_parts_add_up() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"x": rng.normal(size=4_000), "k": rng.integers(0, 3, 4_000)})
    layout = Layout.fit(frame)
    assert layout.by_value == (False, True)
    X, _ = layout.encode(frame)
    quiet = _profile(layout, X)
    # All differ: the fullest of 256 buckets has 16 on average, and by chance no more than some 40 (Poisson).
    assert 16 <= quiet.repeated[0] <= 40
    X[:200, 0] = 0.1
    loud = _profile(layout, X)
    most = int(np.unique(X[:, 0], return_counts=True)[1].max())
    assert 200 == most <= loud.repeated[0] <= 240
    assert loud.repeated[1] == 0
    merged = _profile(layout, X[:123]).merge(_profile(layout, X[123:]))
    np.testing.assert_array_equal(merged.repeats, loud.repeats)
    np.testing.assert_array_equal(Profile.from_json(loud.to_json()).repeats, loud.repeats)
    held = loud.arrays()
    held["repeats"][0, 0] += 1
    with pytest.raises(InputError, match="damaged"):
        Profile.from_arrays(layout, held)
