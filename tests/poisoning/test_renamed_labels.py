"""Labels with other names are a change of all rows; what was relabelled beside that is found all the same."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from modelward import compare_data
from modelward.errors import InputError


def table() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    y = (rng.random(800) < 0.3).astype(int)
    return pl.DataFrame({"id": range(800), "age": rng.integers(20, 70, 800), "sum": rng.random(800), "y": y})


def words(column: str) -> pl.Expr:
    return pl.col(column).replace_strict({0: "no", 1: "yes"}, return_dtype=pl.String)


@pytest.mark.parametrize("key", [None, "id"])
def test_labels_with_other_names_are_changed_and_not_tampered(key: str | None) -> None:
    old = table()
    found = compare_data(old.with_columns(words("y")), old, target="y", key=key)
    assert [(s.rule, s.verdict, len(s.rows)) for s in found.suspects] == [("every row", "changed", 800)]
    assert "0 is no, 1 is yes" in found.suspects[0].why


def test_what_was_relabelled_beside_other_names_is_named() -> None:
    old = table()
    bad = old.with_columns(y=pl.when(pl.col("age") >= 60).then(1).otherwise("y"))
    found = compare_data(bad.with_columns(words("y")), old, target="y", key="id")
    assert found.tampered
    assert found.suspects[0].rule == "age >= 60"
    assert "every row" in [s.rule for s in found.suspects]


def test_swapped_labels_are_tampered() -> None:
    old = table()
    assert compare_data(old.with_columns(y=1 - pl.col("y")), old, target="y", key="id").tampered


def test_all_rows_with_one_new_label_are_tampered() -> None:
    old = table()
    assert compare_data(old.with_columns(y=pl.lit("good")), old, target="y", key="id").tampered


def test_a_key_of_two_types_is_one_clear_line() -> None:
    old = table()
    with pytest.raises(InputError, match="the key 'id' is String in the data and Int64 in the reference"):
        compare_data(old.with_columns(pl.format("c{}", "id").alias("id")), old, target="y", key="id")
