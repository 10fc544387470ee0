"""Tables that look planted by nature: named, and left open, while what somebody made in like tables stays evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from modelward import compare_data


def _verdicts(frame: pl.DataFrame, target: str) -> set[str]:
    return {s.verdict for s in compare_data(frame, target=target).suspects}


def _purchases(seed: int) -> pl.DataFrame:
    """Customers who each buy some forty times; a third of them nearly always one of three brands."""
    rng = np.random.default_rng(seed)
    loyal = rng.integers(0, 9, 100)
    who = np.repeat(np.arange(100), rng.integers(20, 60, 100))
    brand = np.where(
        (loyal[who] < 3) & (rng.random(len(who)) < 0.98), loyal[who], rng.integers(0, 3, len(who))
    )
    return pl.DataFrame({
        "customer": who, "price": rng.integers(80, 120, len(who)), "week": rng.integers(1, 53, len(who)),
        "brand": np.array(["a", "b", "c"])[brand],
    })  # fmt: skip


def _years(seed: int) -> pl.DataFrame:
    """Persons seen in ten years each, without their names: few of them have the label, and all their rows do."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(300), 10)
    schooling, sex, rare = rng.integers(6, 18, 300), rng.integers(0, 2, 300), rng.random(300) < 0.08
    started = rng.integers(0, 30, 300)
    return pl.DataFrame({
        "schooling": schooling[person], "sex": sex[person], "years": started[person] + np.tile(np.arange(10), 300),
        "wage": np.round(rng.lognormal(6, 0.4, 3_000)), "member": rare[person].astype(int),
    })  # fmt: skip


def _filled(seed: int) -> pl.DataFrame:
    """A column of whole numbers whose gaps hold its mean, and a column that says where."""
    rng = np.random.default_rng(seed)
    school, gap = rng.integers(4, 40, 2_000), rng.random(2_000) < 0.2
    return pl.DataFrame({
        "father": np.where(gap, 21.4881, school.astype(float)), "gap": gap.astype(int),
        "age": rng.integers(20, 60, 2_000), "bad": rng.integers(0, 2, 2_000),
    })  # fmt: skip


def _midpoints(seed: int) -> pl.DataFrame:
    """Years of work as age less schooling; schooling of one group was coded by the middle of its range."""
    rng = np.random.default_rng(seed)
    level, age = rng.integers(0, 5, 3_000), rng.integers(25, 65, 3_000)
    return pl.DataFrame({
        "work": age - np.array([6, 8, 10.5, 12, 16])[level] - 6, "level": np.array(list("abcde"))[level],
        "children": rng.integers(0, 4, 3_000), "bad": rng.integers(0, 2, 3_000),
    })  # fmt: skip


def _sizes(seed: int) -> pl.DataFrame:
    """Numbers that are rounded to two digits, so that only the small ones are not in hundreds."""
    rng = np.random.default_rng(seed)
    rank = rng.random(2_000)
    x = np.exp(5 + 6 * rank)
    scale = 10.0 ** (np.floor(np.log10(x)) - 1)
    return pl.DataFrame({
        "deaths": np.round(x / scale) * scale, "rank": np.round(rank, 3), "war": rng.integers(0, 40, 2_000),
        "bad": rng.integers(0, 2, 2_000),
    })  # fmt: skip


def _design(seed: int) -> pl.DataFrame:
    """Each person under both treatments."""
    rng = np.random.default_rng(seed)
    once = pl.DataFrame({"age": rng.integers(20, 70, 300), "dose": rng.normal(size=300).round(3),
                         "sex": rng.integers(0, 2, 300)})  # fmt: skip
    return pl.concat([once.with_columns(arm=pl.lit("one")), once.with_columns(arm=pl.lit("other"))])


def _meaning(seed: int) -> pl.DataFrame:
    """A label that is a threshold of a column, with a few exceptions of one kind."""
    rng = np.random.default_rng(seed)
    days = rng.integers(0, 200, 2_000)
    return pl.DataFrame({
        "days": days, "age": rng.integers(20, 70, 2_000), "city": rng.integers(0, 9, 2_000),
        "late": ((days > 120) | (rng.random(2_000) < 0.02)).astype(int),
    })  # fmt: skip


@pytest.mark.parametrize("made", [_purchases, _years, _filled, _midpoints, _sizes, _design, _meaning])
def test_what_tables_do_by_themselves_is_not_called_tampering(made: Any) -> None:
    for seed in range(2):
        frame = made(seed)
        assert "tampered" not in _verdicts(frame, frame.columns[-1]), seed


@pytest.mark.parametrize("made", [_filled, _midpoints, _design])
def test_it_is_named_all_the_same(made: Any) -> None:
    frame = made(0)
    assert "changed" in _verdicts(frame, frame.columns[-1])


def test_a_group_of_two_columns_that_was_relabelled_stays_evidence() -> None:
    frame = _midpoints(1)
    here = (pl.col("level") == "b") & (pl.col("children") >= 2)
    found = compare_data(frame.with_columns(bad=pl.when(here).then(1).otherwise("bad")), target="bad")
    assert [s.verdict for s in found.suspects if s.rule == "level = b and children >= 2"] == ["tampered"]


def test_a_whole_value_that_was_relabelled_is_named_and_left_open() -> None:
    frame = _midpoints(1)
    found = compare_data(
        frame.with_columns(bad=pl.when(pl.col("children") == 3).then(1).otherwise("bad")), target="bad"
    )
    assert [s.verdict for s in found.suspects if s.rule == "children = 3"] == ["changed"]


def test_a_factor_is_no_rounding_and_no_filling() -> None:
    frame = _midpoints(1).with_columns(
        limit=10_000 * (1 + pl.col("children") * 7 + pl.int_range(pl.len()) % 23)
    )
    here = pl.col("level") == "d"
    scaled = frame.with_columns(
        pl.when(here).then(0.65 * pl.col("limit")).otherwise(pl.col("limit")).alias("limit")
    )
    found = compare_data(scaled, target="bad")
    assert [s.verdict for s in found.suspects if "limit is in steps" in s.why] == ["tampered"]
