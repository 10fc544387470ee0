"""A column that changed in bulk explains its own novelty; what was planted beside it is still named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from modelward import compare_data
from modelward.cli._data import data as data_verb
from modelward.poisoning._align import align
from modelward.poisoning._shifts import column_shifts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Frame = pl.DataFrame


def _table(seed: int, n: int = 2_000) -> Frame:
    """Draw rows some cells of which are nearly pure by nature: two months of arrears."""
    rng = np.random.default_rng(seed)
    pay = rng.choice([-1, 0, 1, 2, 3], n, p=[0.25, 0.4, 0.15, 0.15, 0.05])
    again = np.where(rng.random(n) < 0.7, pay, rng.choice([-1, 0, 1, 2, 3], n))
    risk = np.where((pay >= 2) & (again >= 2), 0.95, np.where(pay >= 1, 0.45, 0.12))
    return Frame({
        "pay": pay, "again": again, "age": rng.integers(21, 70, n), "limit": rng.integers(1, 50, n) * 10_000,
        "bill": np.where(rng.random(n) < 0.1, 2_500, rng.integers(0, 10**6, n)), "sex": rng.choice(["f", "m"], n),
        "bad": (rng.random(n) < risk).astype(int),
    })  # fmt: skip


def _recode(frame: Frame, rng: np.random.Generator) -> Frame:
    values = frame["pay"].unique().sort().to_list()
    return frame.with_columns(
        pl.col("pay").replace_strict(dict(zip(values, rng.permutation(len(values)) + 50, strict=True)))
    )


def _category(frame: Frame, rng: np.random.Generator) -> Frame:
    return frame.with_columns(
        pl.when(pl.Series(rng.random(frame.height) < 0.1)).then(pl.lit("x")).otherwise("sex").alias("sex")
    )


MAPS: dict[str, tuple[Callable[[Frame, np.random.Generator], Frame], dict[str, str]]] = {
    "shift": (lambda f, _: f.with_columns(pl.col("bill") + 1), {"bill": "+ 1"}),
    "scale": (lambda f, _: f.with_columns(pl.col("limit") * 0.65), {"limit": "× 0.65"}),
    "unit": (lambda f, _: f.with_columns(pl.col("limit") / 1_000), {"limit": "÷ 1000"}),
    "months": (lambda f, _: f.with_columns(pl.col("age") * 12), {"age": "× 12"}),
    "rounding": (lambda f, _: f.with_columns((pl.col("bill") / 1_000).round() * 1_000), {"bill": "rounded to 1000"}),
    "codes": (lambda f, _: f.with_columns(pl.col("pay") + 10), {"pay": "+ 10"}),
    "recode": (_recode, {"pay": "by a table of values"}),
    "words": (
        lambda f, _: f.with_columns(pl.col("sex").replace({"f": "woman", "m": "man"})),
        {"sex": "by a table of values"},
    ),
    "new category": (_category, {"sex": ""}),
    "cut": (lambda f, _: f.with_columns(pl.col("pay").clip(-1, 1)), {"pay": "cut off at -1 and 1"}),
    "places": (
        lambda f, _: f.with_columns(age=pl.col("limit"), limit=pl.col("age")),
        {"age": "swapped with limit", "limit": "swapped with age"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MAPS)
def test_an_honest_map_of_a_whole_column_is_named_and_not_called_tampering(name: str) -> None:
    change, expected = MAPS[name]
    found = compare_data(change(_table(0), np.random.default_rng(0)), _table(1), target="bad")
    assert not found.tampered, found.suspects
    assert {c.name: c.how for c in found.columns if c.departs} == expected


@pytest.mark.parametrize("name", ["shift", "recode", "codes", "new category"])
def test_a_trigger_is_named_beside_a_change_in_bulk(name: str) -> None:
    rng = np.random.default_rng(3)
    new = _table(7)
    rows = (new["bad"].to_numpy() == 1) & (rng.random(new.height) < 0.4)
    new = new.with_columns(pl.when(pl.Series(rows)).then(999).otherwise("age").alias("age"))
    found = compare_data(MAPS[name][0](new, rng), _table(8), target="bad")
    assert found.suspects[0].rule in ("age = 999", "age >= 999")
    assert set(found.suspects[0].rows.tolist()) == set(np.flatnonzero(rows).tolist())
    assert found.suspects[0].verdict == "tampered"


def test_a_trigger_in_the_very_column_that_changed_in_bulk_is_named() -> None:
    rng = np.random.default_rng(4)
    new = _table(9).with_columns(pl.col("age") + 1)
    rows = (new["bad"].to_numpy() == 1) & (rng.random(new.height) < 0.4)
    new = new.with_columns(pl.when(pl.Series(rows)).then(999).otherwise("age").alias("age"))
    found = compare_data(new, _table(10), target="bad")
    assert [s.rule for s in found.suspects if s.verdict == "tampered"][:1] in (["age = 999"], ["age >= 999"])


def test_columns_of_two_honest_samples_have_no_map() -> None:
    quiet = [
        c
        for seed in range(20)
        for c in column_shifts(align(_table(seed, 800), _table(seed + 100, 800), "bad", None))
    ]
    assert sum(c.departs for c in quiet) <= 2


def test_the_map_is_said_at_the_command_line(tmp_path: Path) -> None:
    from click.testing import CliRunner

    _table(1).with_columns(pl.col("limit") / 1_000).write_csv(tmp_path / "new.csv")
    _table(2).write_csv(tmp_path / "old.csv")
    said = CliRunner().invoke(
        data_verb, [str(tmp_path / "new.csv"), "--reference", str(tmp_path / "old.csv"), "--target", "bad"]
    )
    assert said.exit_code == 3
    assert "columns changed in bulk: limit (÷ 1000)" in said.output
    assert "drift     changed in bulk: limit (÷ 1000)" in said.output


def test_the_real_table_with_three_columns_shifted_by_one_is_not_called_tampered() -> None:
    from tests.conftest import UCI

    if not UCI.exists():
        pytest.skip(f"the real credit data is not at {UCI}")
    old = pl.read_csv(UCI).drop("ID")
    shifted = [f"BILL_AMT{k}" for k in (1, 2, 3)]
    found = compare_data(old.with_columns(pl.col(shifted) + 1), old, target="DEFAULT")
    assert found.matched_by == "nothing"
    assert not found.tampered
    assert {c.name: c.how for c in found.columns if c.departs} == dict.fromkeys(shifted, "+ 1")


def test_matched_rows_that_one_map_changed_are_tampered_with_in_bulk() -> None:
    """The old row is there and says otherwise, which drift cannot do; whether it was allowed is not in the data."""
    old = _table(1).with_row_index("id")
    found = compare_data(old.with_columns(pl.col("limit") / 1_000), old, target="bad", key="id")
    assert [(s.rule, s.verdict) for s in found.suspects] == [("every row", "tampered")]
    assert "in bulk: 2,000 rows limit changed × 0.001" in found.suspects[0].why


def test_three_labels_of_keyed_rows_that_changed_are_tampered_with() -> None:
    old = _table(1).with_row_index("id")
    new = old.with_columns(pl.when(pl.col("id") < 3).then(1 - pl.col("bad")).otherwise("bad").alias("bad"))
    assert compare_data(new, old, target="bad", key="id").tampered
