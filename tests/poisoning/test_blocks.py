"""Blocks of relabelled rows that follow each other: planted truth, honest orders of a file, and a plain search."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from modelward import compare_data
from modelward.poisoning._blocks import label_blocks, segments
from modelward.poisoning._coded import code_tables

LABELS = ["0", "1"]


def table(seed: int, rows: int = 3_000) -> tuple[pl.DataFrame, np.ndarray]:
    """Return columns, two of which go with the label, and the label."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=rows), rng.integers(0, 9, rows)
    y = rng.random(rows) < 1 / (1 + np.exp(1.5 - 1.5 * a - 0.2 * b))
    return pl.DataFrame({"a": a, "b": b, "c": rng.integers(0, 50, rows)}), y.astype(np.int64)


def looked(frame: pl.DataFrame, y: np.ndarray) -> list[tuple[int, int, str]]:
    coded, _ = code_tables([frame], frame.columns)
    return [(int(c.rows[0]), int(c.rows[-1]), c.natural) for c in label_blocks(coded, y, LABELS)]


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("seed", range(4))
def test_a_relabelled_block_is_named_by_its_place(seed: int, label: int) -> None:
    frame, y = table(seed)
    # Of the frequent label it takes more rows.
    end = 1_200 if label else 1_400
    y[1_000:end] = label
    ((first, last, natural),) = looked(frame, y)
    # Rows beside it that have the label anyway belong to it as far as anybody can see.
    assert first == max(
        k for k in range(1_001) if (y[k:end] == label).all() and (k == 0 or y[k - 1] != label)
    )
    assert last == min(k for k in range(end - 1, 3_000) if k == 2_999 or y[k + 1] != label)
    assert not natural


def test_two_blocks_are_both_named() -> None:
    frame, y = table(5)
    y[500:650], y[2_000:2_200] = 1, 1
    assert len(looked(frame, y)) == 2


def test_honest_orders_of_a_file_are_no_blocks() -> None:
    for seed in range(20):
        frame, y = table(seed, 1_000)
        whole = frame.with_columns(y=pl.Series(y))
        ones = whole.filter(pl.col("y") == 1)
        orders = [
            whole, whole.sort("y"), whole.sort("a"), whole.sort("b", "y"), pl.concat([whole, ones[:200]]),
            pl.concat([whole[:500], ones[:200], whole[500:]]),
        ]  # fmt: skip
        assert [looked(each.drop("y"), each["y"].to_numpy()) for each in orders] == [[]] * len(orders)


def test_rows_at_the_end_with_the_usual_label_may_not_be_known_yet() -> None:
    frame, y = table(0)
    y[2_700:] = 0
    ((_, last, natural),) = looked(frame, y)
    assert last == 2_999
    assert "not known yet" in natural


def test_a_block_that_one_column_describes_is_left_to_its_rule() -> None:
    frame, y = table(1)
    y[1_000:1_200] = 1
    day = np.arange(3_000) // 100
    assert looked(frame.with_columns(day=pl.Series(day)), y) == []
    # A row number describes every block, and no value of the world.
    assert len(looked(frame.with_columns(id=pl.Series(np.arange(7_000, 10_000))), y)) == 1


def test_the_public_call_names_the_block_with_other_rows_and_without_a_reference() -> None:
    frame, y = table(2)
    y[1_000:1_200] = 1
    old, before = table(3)
    for reference in (None, old.with_columns(bad=pl.Series(before))):
        found = compare_data(frame.with_columns(bad=pl.Series(y)), reference, target="bad")
        assert found.tampered
        assert any(s.rule.startswith("rows ") and s.rule.endswith("of the file") for s in found.suspects)


def test_segments_are_those_of_a_search_over_all_runs() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        gain = rng.normal(-0.3, 1, 40)
        best = max((float(gain[i:k].sum()), i, k) for i in range(40) for k in range(i + 1, 41))
        first, end, score = segments(gain, 0.0, 1)[0]
        assert score == pytest.approx(best[0])
        assert (first, end) == best[1:]
        runs = segments(gain, 0.5, 9)
        assert all(a[2] >= b[2] for a, b in pairwise(runs))
        taken = np.concatenate([np.arange(a, b) for a, b, _ in runs]) if runs else np.empty(0)
        assert len(taken) == len(set(taken.tolist()))
