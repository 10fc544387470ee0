"""Columns and groups are compared as plain counts say; maps have their names; the page shows no row."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from modelward import compare_data
from modelward.cli._data import data as data_verb
from modelward.poisoning._align import align
from modelward.poisoning._coded import code_tables
from modelward.poisoning._maps import name_map, name_words_map
from modelward.poisoning._match import _hashes
from modelward.poisoning._shifts import column_shifts, group_rates

if TYPE_CHECKING:
    from pathlib import Path


def _table(n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame({
        "id": np.arange(n) + 10**6 * seed, "sex": rng.choice(["f", "m"], n), "age": rng.integers(21, 70, n),
        "limit": rng.integers(1, 50, n) * 10_000, "bill": rng.integers(0, 10**6, n),
        "bad": (rng.random(n) < 0.2).astype(int),
    })  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(20, 200), st.integers(20, 200))
def test_the_distance_of_numbers_is_that_of_kolmogorov_and_smirnov(seed: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 30, n).astype(float), rng.integers(0, 30, m).astype(float)
    tables = align(pl.DataFrame({"x": a}), pl.DataFrame({"x": b}), None, None)
    assert math.isclose(column_shifts(tables)[0].distance, ks_2samp(a, b).statistic, abs_tol=1e-12)


def test_what_departs_is_named_and_what_does_not_is_quiet() -> None:
    quiet = 0
    for seed in range(40):
        tables = align(_table(400, seed + 2).drop("id"), _table(400, 1).drop("id"), "bad", None)
        quiet += sum(c.departs for c in column_shifts(tables))
    assert quiet <= 1
    moved = _table(2_000, 2).with_columns(
        pl.when(pl.int_range(2_000) % 3 == 0).then(None).otherwise("age").alias("age"),
        limit=pl.col("limit") * 0.5, sex=pl.lit("m"),
    )  # fmt: skip
    tables = align(moved.drop("id"), _table(2_000, 1).drop("id"), "bad", None)
    shifts = {c.name: c for c in column_shifts(tables)}
    assert {name for name, c in shifts.items() if c.departs} == {"age", "limit", "sex"}
    assert (shifts["age"].missing, shifts["age"].missing_before) == (667 / 2_000, 0.0)
    assert (shifts["limit"].step_before, shifts["limit"].step) == (10_000, 1_000)


def test_group_rates_are_plain_counts() -> None:
    new, old = _table(1_500, 3), _table(1_500, 4)
    rates = group_rates(align(new.drop("id"), old.drop("id"), "bad", None))
    women = next(r for r in rates if r.group == "sex = f")
    assert women.before is not None
    for share, frame in ((women.rate, new), (women.before, old)):
        inside = frame.filter(pl.col("sex") == "f")["bad"]
        assert (share.successes, share.n) == (inside.sum(), len(inside))
    assert [abs(r.gap) for r in rates] == sorted((abs(r.gap) for r in rates), reverse=True)


def test_no_end_of_a_group_is_one_row_s_value() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"x": rng.normal(1_000, 123.456, 500), "bad": rng.integers(0, 2, 500)})
    said = " ".join(r.group for r in group_rates(align(frame, None, "bad", None)))
    assert not any(f"{value:.6g}" in said for value in frame["x"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x: x * 0.65, "× 0.65"),
        (lambda x: np.round(x * 0.65), "× 0.65, rounded"),
        (lambda x: x + 3, "+ 3"),
        (lambda x: 2 * x + 10, "× 2 + 10"),
        (lambda x: np.round(x, -2), "rounded to 100"),
        (lambda x: np.full(len(x), 7.0), "all to 7"),
        (lambda x: np.random.default_rng(1).permutation(x), "the same values in another order"),
        (lambda x: np.random.default_rng(1).normal(size=len(x)), ""),
    ],
)
def test_maps_have_their_names(change, said: str) -> None:  # type: ignore[no-untyped-def]
    x = np.random.default_rng(0).integers(100, 5_000, 300).astype(float)
    assert name_map(x, change(x)) == said


def test_maps_of_words_have_their_names() -> None:
    before = np.array(["a", "b"] * 20)
    assert name_words_map(before, np.where(before == "a", "b", "a")) == "by a table of words"
    assert name_words_map(before, np.array(["a", "b", "c", "d"] * 10)) == ""


def test_swapped_columns_are_named() -> None:
    old = _table(800, 1)
    rule = pl.col("sex") == "f"
    new = old.with_columns(
        limit=pl.when(rule).then("bill").otherwise("limit"),
        bill=pl.when(rule).then("limit").otherwise("bill"),
    )
    found = compare_data(new, old, target="bad", key="id")
    assert found.suspects[0].rule == "sex = f"
    said = " ".join(s.why for s in found.suspects)
    assert "limit changed to the values of bill" in said
    assert "bill changed to the values of limit" in said


def test_a_key_without_a_common_row_is_compared_as_a_sample() -> None:
    found = compare_data(_table(600, 2), _table(600, 1), target="bad", key="id")
    assert (found.matched_by, found.matched) == ("nothing", 0)


def test_the_page_shows_rules_and_no_row(tmp_path: Path) -> None:
    old = _table(1_500, 1).with_columns(sex=pl.col("sex").replace("f", "<b>f"))
    rule = (pl.col("sex") == "<b>f") & (pl.col("age") >= 40)
    new = old.with_columns(bad=pl.when(rule).then(1).otherwise("bad"))
    new.write_csv(tmp_path / "new.csv")
    old.write_csv(tmp_path / "old.csv")
    words = [
        str(tmp_path / "new.csv"),
        "--reference",
        str(tmp_path / "old.csv"),
        "--target",
        "bad",
        "--key",
        "id",
    ]
    for suffix in ("html", "md", "json"):
        words += ["-o", str(tmp_path / f"page.{suffix}")]
    done = CliRunner().invoke(data_verb, words)
    assert done.exit_code == 1, done.output
    page = (tmp_path / "page.html").read_text()
    assert "&lt;b&gt;f and age" in page
    assert "<b>f" not in page
    assert "SEX" not in page
    said = json.loads((tmp_path / "page.json").read_text())
    assert {c["name"] for c in said["columns"]} == {"sex", "age", "limit", "bill"}
    assert said["rows"] == 1_500
    for text in (page, (tmp_path / "page.md").read_text()):
        assert "evidence of tampering" in text
        assert not any(str(value) in text for value in new["bill"].to_list() if value > 10**5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(width=32), st.just(-0.0)), min_size=1, max_size=40))
def test_ranks_of_numbers_are_those_of_a_plain_sort(values: list[float | None]) -> None:
    coded, _ = code_tables([pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64)})], ["x"])
    known = [v for v in values if v is not None and not math.isnan(v)]
    distinct = sorted({v + 0.0 for v in known})
    assert list(coded.words[0]) == distinct
    expected = [-1 if v is None or math.isnan(v) else distinct.index(v) for v in values]
    assert coded.codes[0].tolist() == expected


def test_hashes_of_equal_values_are_equal_whatever_their_type() -> None:
    whole = pl.DataFrame({"x": [1, 0, None], "y": ["a", None, "b"], "z": [True, False, None]})
    other = pl.DataFrame({"x": [1.0, -0.0, math.nan], "y": ["a", None, "b"], "z": [1, 0, None]})
    first, second = _hashes(whole, ["x", "y", "z"]), _hashes(other, ["x", "y", "z"])
    assert (first == second).all()
    assert len(np.unique(first)) == 9
