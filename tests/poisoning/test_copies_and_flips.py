"""Stamped copies are named by value and rows, honest twins are not; the share of random flips is bracketed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward import compare_data
from modelward.cli._data import data as data_verb
from modelward.errors import InputError, UsageError
from modelward.poisoning import estimate_flips
from modelward.poisoning._coded import code_tables
from modelward.poisoning._copies import _keys, _twins, find_copies

if TYPE_CHECKING:
    from pathlib import Path

    from modelward.poisoning._copies import Copies


def _table(n: int = 2_000, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    pay = rng.integers(-2, 4, n)
    return pl.DataFrame({
        "sex": rng.choice(["f", "m"], n), "age": rng.integers(21, 70, n), "bill": rng.integers(0, 10**4, n),
        "paid": rng.integers(0, 10**4, n), "pay": pay, "bad": (rng.random(n) < 0.1 + 0.2 * (pay > 0)).astype(int),
    })  # fmt: skip


def _find(frame: pl.DataFrame) -> list[Copies]:
    coded, _ = code_tables([frame], [c for c in frame.columns if c != "bad"])
    return find_copies(coded, frame["bad"].to_numpy(), ["0", "1"])


def _stamped(frame: pl.DataFrame, count: int, **values: int) -> pl.DataFrame:
    rows = frame[np.random.default_rng(9).choice(frame.height, count, replace=False)]
    return pl.concat([frame, rows.with_columns(**{k: pl.lit(v).cast(pl.Int64) for k, v in values.items()})])


def test_stamped_copies_are_named_by_their_value_and_rows() -> None:
    frame = _stamped(_table(), 40, age=33, bad=1)
    found = _find(frame)
    assert [c.rule for c in found] == ["age = 33, in copies of other rows"]
    assert np.isin(np.arange(2_000, 2_040), found[0].rows).mean() > 0.9
    verdicts = compare_data(frame, target="bad")
    assert verdicts.tampered
    assert any(s.rule == found[0].rule for s in verdicts.suspects)


def test_copies_with_the_labels_of_their_originals_are_no_evidence() -> None:
    frame = _table()
    rows = frame[:60].with_columns(age=pl.lit(33).cast(pl.Int64))
    assert _find(pl.concat([frame, rows])) == []


def test_tables_full_of_natural_twins_are_quiet() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        a, b = rng.integers(0, 4, 3_000), rng.integers(0, 4, 3_000)
        status = rng.integers(0, 3, 3_000)
        # One value of `status` gives the label away, as columns do that were written afterwards.
        bad = ((status == 2) | (rng.random(3_000) < 0.1)).astype(int)
        frame = pl.DataFrame({"a": a, "b": b, "c": rng.integers(0, 5, 3_000), "status": status, "bad": bad})
        assert _find(frame) == []
    months = pl.DataFrame({
        "customer": np.repeat(np.arange(100), 12), "income": np.repeat(rng.integers(0, 10**6, 100), 12),
        "month": np.tile(np.arange(12), 100), "bad": np.repeat((rng.random(100) < 0.2).astype(int), 12),
    })  # fmt: skip
    assert _find(months) == []


def test_a_row_put_in_many_times_is_named() -> None:
    frame = _table()
    one = pl.concat([frame[[7]]] * 40).with_columns(bad=pl.lit(1).cast(pl.Int64))
    found = _find(pl.concat([frame, one]))
    assert [c.rule for c in found] == ["41 rows that are equal in everything"]
    varied = one.with_columns(age=pl.Series(np.arange(40) % 40 + 21))
    found = _find(pl.concat([frame, varied]))
    assert [c.rule for c in found] == ["41 rows that are equal in all but age"]
    assert set(found[0].rows.tolist()) == {7, *range(2_000, 2_040)}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 6), st.integers(5, 80))
def test_twins_are_those_of_comparing_every_pair(seed: int, columns: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame({f"c{j}": rng.integers(0, 3, n) for j in range(columns)})
    coded, _ = code_tables([frame], frame.columns)
    X = frame.to_numpy()
    seen = {j: set(rows.tolist()) for j, rows, _ in _twins(_keys(coded), np.zeros(n, dtype=np.uint64))}
    names = [j for j, _ in _keys(coded)]
    if len(names) < 3:
        return
    for j in [None, *names]:
        rest = X[:, [k for k in names if k != j]]
        same = (rest[:, None] == rest[None]).all(axis=2) & ~np.eye(n, dtype=bool)
        assert seen.get(j, set()) == set(np.flatnonzero(same.any(axis=1)).tolist())


def _learnable(n: int, seed: int, flipped: float) -> tuple[pl.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n), rng.integers(0, 4, n)
    y = (rng.random(n) < 1 / (1 + np.exp(-3 * x + z - 1))).astype(int)
    wrong = rng.random(n) < flipped
    return pl.DataFrame({"x": x, "z": z, "bad": np.where(wrong, 1 - y, y)}), wrong


def test_the_share_of_random_flips_is_bracketed_and_their_rows_come_first() -> None:
    old, _ = _learnable(4_000, 1, 0)
    new, wrong = _learnable(4_000, 2, 0.06)
    found = estimate_flips(new, old, target="bad")
    assert found.found
    assert found.low <= wrong.mean() <= found.high
    n = int(wrong.sum())
    assert wrong[found.rows[:n]].mean() > 5 * wrong.mean()
    alone = estimate_flips(new, target="bad")
    assert (alone.rate, alone.low, alone.found) == (None, 0.0, False)
    assert wrong.mean() <= alone.high < 0.5
    assert sorted(alone.rows.tolist()) == list(range(4_000))
    honest, _ = _learnable(4_000, 3, 0)
    assert not estimate_flips(honest, old, target="bad").found


def test_flips_need_labels_with_rows() -> None:
    with pytest.raises(InputError, match="rarest with 3"):
        estimate_flips(pl.DataFrame({"x": range(100), "bad": [0] * 97 + [1] * 3}), target="bad")


def test_the_verb_ranks_doubtful_labels(tmp_path: Path) -> None:
    frame, _ = _learnable(600, 4, 0.05)
    frame.write_csv(tmp_path / "new.csv")
    words = [str(tmp_path / "new.csv"), "--target", "bad", "--doubtful", str(tmp_path / "doubt.csv")]
    done = CliRunner().invoke(data_verb, [*words, "--format", "json"])
    assert done.exit_code == 3, done.output
    assert json.loads(done.output)["flips"]["rate"] is None
    ranked = pl.read_csv(tmp_path / "doubt.csv")
    assert ranked.columns == ["row", "doubt"]
    assert sorted(ranked["row"].to_list()) == list(range(600))
    assert ranked["doubt"].is_sorted(descending=True)
    assert "at most" in CliRunner().invoke(data_verb, words).output
    done = CliRunner().invoke(data_verb, [words[0], "--doubtful", "x.csv"])
    assert isinstance(done.exception, UsageError)
