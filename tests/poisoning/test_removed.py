"""Rows of the reference that are gone: named where a rule says which, silent where chance does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from click.testing import CliRunner

from modelward import compare_data
from modelward.cli._data import data as data_verb

if TYPE_CHECKING:
    from pathlib import Path

    from modelward.poisoning import DataComparison


def _table(n: int = 3_000, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame({
        "id": np.arange(n), "age": rng.integers(20, 70, n), "region": rng.choice(["n", "s", "e", "w"], n),
        "kids": rng.poisson(1, n), "bad": (rng.random(n) < 0.3).astype(int),
    })  # fmt: skip


def _without(gone: pl.Expr) -> DataComparison:
    table = _table()
    return compare_data(table.filter(~gone), table, target="bad", key="id")


def test_rows_of_one_label_gone_from_one_group_are_tampering() -> None:
    found = _without((pl.col("region") == "w") & (pl.col("bad") == 1))
    (suspect,) = found.suspects
    assert suspect.verdict == "tampered"
    assert set(suspect.rule.removeprefix("removed: ").split(" and ")) == {"region = w", "bad = 1"}
    assert suspect.recall == 1
    assert len(suspect.rows) == 0


def test_rows_gone_by_label_or_by_value_alone_are_named_and_not_called() -> None:
    table = _table()
    fewer = table.filter(pl.col("bad") == 0).sample(900, seed=1)
    balanced = compare_data(
        pl.concat([table.filter(pl.col("bad") == 1), fewer]), table, target="bad", key="id"
    )
    for found, rule in (
        (_without(pl.col("age") >= 60), "removed: age >= 60"),
        (balanced, "removed: bad = 0"),
    ):
        assert not found.tampered
        assert [(s.verdict, s.rule) for s in found.suspects if s.verdict == "changed"] == [("changed", rule)]


def test_old_rows_that_were_dropped_do_not_hide_a_deleted_group() -> None:
    found = _without((pl.col("age") >= 60) | ((pl.col("region") == "w") & (pl.col("bad") == 1)))
    assert {(s.verdict, s.rule) for s in found.suspects if s.verdict == "changed"} == {
        ("changed", "removed: age >= 60")
    }
    (hidden,) = [s for s in found.suspects if s.verdict == "tampered"]
    assert set(hidden.rule.removeprefix("removed: ").split(" and ")) == {"region = w", "bad = 1"}


def test_a_table_thinned_out_at_random_is_silent() -> None:
    named = 0
    for seed in range(60):
        table = _table(1_000, seed)
        kept = table.sample(fraction=float(np.random.default_rng(seed).uniform(0.1, 0.98)), seed=seed)
        named += bool(compare_data(kept, table, target="bad", key="id").suspects)
    assert named <= 2


def test_exit_codes_say_what_was_changed_or_removed(tmp_path: Path) -> None:
    table = _table(600)
    table.write_csv(tmp_path / "reference.csv")
    tables = {
        "same": (table, 0),
        "one": (table.with_columns(age=pl.when(pl.col("id") == 5).then(99).otherwise("age")), 3),
        "old": (table.filter(pl.col("age") < 60), 3),
        "label": (table.filter(~((pl.col("region") == "w") & (pl.col("bad") == 1))), 1),
    }
    for name, (frame, code) in tables.items():
        frame.write_csv(tmp_path / f"{name}.csv")
        options = [
            "--reference",
            str(tmp_path / "reference.csv"),
            "--target",
            "bad",
            "--key",
            "id",
            "--format",
            "json",
        ]
        result = CliRunner().invoke(
            data_verb, [str(tmp_path / f"{name}.csv"), *options, "-o", str(tmp_path / f"{name}.html")]
        )
        assert result.exit_code == code, name
        verdicts = {f["verdict"] for f in json.loads(result.stdout)["findings"]}
        assert verdicts == {0: set(), 1: {"fail"}, 3: {"inconclusive"}}[code], name
        assert (tmp_path / f"{name}.html").exists()
