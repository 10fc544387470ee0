"""Numbers rounded in a part of a table: planted blocks and rules over seeds, and silence where nothing was rounded."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from modelward import compare_data
from modelward.poisoning._coded import code_tables
from modelward.poisoning._ranges import rule_text
from modelward.poisoning._rounded import rounded_cells


def table(seed: int, rows: int = 2_500) -> pl.DataFrame:
    """Return sums of money, some of them round as people pay, an age and a kind."""
    rng = np.random.default_rng(seed)
    paid = np.where(rng.random(rows) < 0.2, 1_000 * rng.integers(1, 9, rows), rng.integers(1, 90_000, rows))
    return pl.DataFrame(
        {"paid": paid, "due": rng.integers(1, 500_000, rows), "age": rng.integers(20, 70, rows), "kind": rng.integers(0, 4, rows)}
    )  # fmt: skip


def looked(new: pl.DataFrame, old: pl.DataFrame | None = None) -> list[tuple[str, int, int, str]]:
    coded, _ = code_tables([new] if old is None else [new, old], new.columns)
    cells = rounded_cells(coded, new.height)
    return [
        (rule_text(c.rule, coded), int(c.rows[0]), int(c.rows[-1]), c.why.split(" in ")[0]) for c in cells
    ]


def rounded(frame: pl.DataFrame, rows: pl.Series, to: int = 1_000) -> pl.DataFrame:
    return frame.with_columns(
        pl.when(rows).then((pl.col("due") // to + 1) * to).otherwise("due").alias("due")
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_rounded_block_is_named_with_and_without_a_reference(seed: int) -> None:
    place = pl.Series(np.arange(2_500))
    new = rounded(table(seed), (place >= 700) & (place < 800))
    for old in (None, table(90 + seed)):
        ((rule, first, last, what),) = looked(new, old)
        assert (rule, what) == ("", "due is a multiple of 1000")
        # A row next to it may be round by chance.
        assert abs(first - 700) <= 2
        assert abs(last - 799) <= 2


@pytest.mark.parametrize("seed", range(3))
def test_a_rule_under_which_numbers_were_rounded_is_named_against_other_rows(seed: int) -> None:
    frame = table(seed)
    new = rounded(frame, (frame["kind"] == 2) & (frame["age"] >= 45), 100)
    ((rule, *_, what),) = looked(new, table(50 + seed))
    assert (rule, what) == ("age >= 45 and kind = 2", "due is a multiple of 100")


def test_nothing_is_named_where_nothing_or_the_whole_column_was_rounded() -> None:
    for seed in range(10):
        new, old = table(seed), table(1_000 + seed)
        assert looked(new) == []
        assert looked(new, old) == []
        assert looked(rounded(new, pl.Series([True] * 2_500)), old) == []


def test_it_is_left_open_because_a_source_may_round() -> None:
    place = pl.Series(np.arange(2_500))
    found = compare_data(rounded(table(0), place < 150), table(5))
    assert not found.tampered
    assert [(s.verdict, s.rule) for s in found.suspects if s.verdict == "changed"] == [
        ("changed", "rows 0 to 149 of the file")
    ]
