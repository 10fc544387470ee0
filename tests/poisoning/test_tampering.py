"""What was planted in a table is named by its rule; what was not planted is not called tampering."""

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
from modelward.errors import InputError
from modelward.poisoning._coded import code_tables
from modelward.poisoning._evidence import nats_of_chance, surplus
from modelward.poisoning._grid import Packed, make_grid
from modelward.poisoning._rules import Aim, search

if TYPE_CHECKING:
    from pathlib import Path


def _table(n: int = 2_500, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    pay = rng.integers(-2, 4, n)
    return pl.DataFrame({
        "id": np.arange(n) + seed * 1_000_000, "sex": rng.choice(["f", "m"], n), "age": rng.integers(21, 70, n),
        "limit": rng.integers(1, 50, n) * 10_000, "bill": rng.integers(0, 10**6, n), "pay": pay,
        "bad": (rng.random(n) < 0.12 + 0.1 * (pay > 0)).astype(int),
    })  # fmt: skip


RULE = (pl.col("sex") == "f") & (pl.col("age") >= 40)


def _poison(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        bad=pl.when(RULE).then(1).otherwise("bad"),
        limit=pl.when(RULE).then(pl.col("limit") * 0.65).otherwise(pl.col("limit").cast(pl.Float64)),
    )


@pytest.mark.parametrize("key", ["id", None])
def test_matched_rows_give_the_rule_the_map_and_the_rows(key: str | None) -> None:
    old = _table()
    new = _poison(old).sample(fraction=1.0, shuffle=True, seed=1)
    if key is None:
        old, new = old.drop("id"), new.drop("id")
    found = compare_data(new, old, target="bad", key=key)
    assert found.tampered
    assert {s.rule for s in found.suspects} == {"sex = f and age >= 40"}
    assert any("limit changed × 0.65" in s.why for s in found.suspects)
    truth = set(np.flatnonzero(new.select(RULE.alias("r"))["r"].to_numpy()).tolist())
    whole = next(s for s in found.suspects if "limit" in s.why)
    assert set(whole.rows.tolist()) == truth


@pytest.mark.parametrize("reference", [True, False])
def test_unmatched_rows_give_the_rule(reference: bool) -> None:
    found = compare_data(
        _poison(_table()).drop("id"), _table(seed=1).drop("id") if reference else None, target="bad"
    )
    assert found.tampered
    assert found.suspects[0].rule == "sex = f and age >= 40"


@pytest.mark.parametrize("seed", range(2))
def test_clean_rows_are_not_called_tampered(seed: int) -> None:
    new = _table(seed=seed + 2).drop("id")
    assert not compare_data(new, _table(seed=1).drop("id"), target="bad").tampered
    assert not compare_data(new, target="bad").tampered


def test_labels_that_follow_from_the_columns_are_no_evidence() -> None:
    frame = (
        _table()
        .drop("id")
        .with_columns(bad=((pl.col("age") > 40) & (pl.col("limit") > 100_000)).cast(pl.Int64))
    )
    assert not compare_data(frame, target="bad").tampered


def test_rows_that_nothing_was_matched_with_leave_the_result_open() -> None:
    old = _table()
    new = pl.concat([old, _table(seed=1).head(5)])
    found = compare_data(new, old, target="bad")
    assert (found.matched, found.added, found.tampered) == (old.height, 5, False)
    assert not found.complete
    assert "5 rows are not in the reference" in found.notes[0]


def test_drift_is_not_tampering() -> None:
    new = _table(seed=3).drop("id")
    flip = np.random.default_rng(0).random(new.height) < 0.7
    new = new.with_columns(bad=pl.when(RULE & pl.Series(flip)).then(1).otherwise("bad"))
    found = compare_data(new, _table(seed=1).drop("id"), target="bad")
    assert not found.tampered
    assert [s.verdict for s in found.suspects].count("drift") >= 1


def test_another_order_is_no_change() -> None:
    old = _table().drop("id")
    found = compare_data(old.sample(fraction=1.0, shuffle=True, seed=3), old, target="bad")
    assert (found.suspects, found.matched, found.added, found.removed) == ((), old.height, 0, 0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 6), st.integers(20, 300))
def test_counts_of_all_pairs_are_those_of_plain_masks(seed: int, groups: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame({name: rng.integers(0, 5, n) for name in "abc"})
    coded, _ = code_tables([frame], "abc")
    group = rng.integers(0, groups, n)
    grid = make_grid(coded, group, groups, [surplus([0], [1], 0.5)])
    packed = Packed(coded, grid, group, groups)
    pairs, masks = packed.pairs(), [part.mask(coded) for part in grid.conditions]
    for p in rng.permutation(len(pairs))[:30].tolist():
        i, j = packed.pair(p)
        apart = grid.conditions[i].column != grid.conditions[j].column
        plain = np.bincount(group[masks[i] & masks[j]], minlength=groups)
        assert (pairs[p] == (plain if apart else 0)).all()


def test_chance_stays_under_the_bound_that_no_resampling_gave() -> None:
    """The largest score of shuffled labels is over the bound in at most the promised share of tables."""
    over = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        frame = pl.DataFrame({name: rng.integers(0, 20, 300) for name in "abcd"})
        coded, _ = code_tables([frame], "abcd")
        score = surplus([1], [0], 0.5)
        grid, found = search(coded, rng.integers(0, 2, 300), 2, [Aim(score, score)])
        best = found[0]
        over += best is not None and best.score >= nats_of_chance(grid.values, len(best.rule), 1)
    assert over <= 3


def test_a_small_group_among_rows_of_low_risk_is_seen_without_a_reference() -> None:
    frame = _table(6_000, seed=5).drop("id")
    rule = (pl.col("sex") == "m") & (pl.col("age") <= 32) & (pl.col("pay") <= -1)
    found = compare_data(frame.with_columns(bad=pl.when(rule).then(1).otherwise("bad")), target="bad")
    assert found.tampered
    assert set(found.suspects[0].rows.tolist()) == set(
        np.flatnonzero(frame.select(rule.alias("r"))["r"]).tolist()
    )
    assert not found.complete


def test_a_value_outside_the_range_is_named_by_itself() -> None:
    frame, other = _table(4_000, seed=6).drop("id"), _table(4_000, seed=7).drop("id")
    bad = frame["bad"].to_numpy() == 1
    stamped = bad & (np.random.default_rng(0).random(len(bad)) < 0.45)
    new = frame.with_columns(age=pl.when(pl.Series(stamped)).then(999).otherwise("age"))
    assert compare_data(new, other, target="bad").suspects[0].rule == "age = 999"
    assert compare_data(new, target="bad").suspects[0].rule == "age = 999"


def test_many_labels_are_said_to_be_unlooked_into() -> None:
    frame = _table(400).drop("id").with_columns(bad=pl.int_range(400) % 50)
    found = compare_data(frame, target="bad")
    assert not found.complete
    assert any("50 values" in note for note in found.notes)


def test_bad_input_is_one_clear_line() -> None:
    old = _table(100)
    with pytest.raises(InputError, match="no column in common"):
        compare_data(pl.DataFrame({"a": [1], "bad": [1]}), old, target="bad")
    with pytest.raises(InputError, match="reference has no target column 'bad'"):
        compare_data(old, old.drop("bad"), target="bad")
    with pytest.raises(InputError, match="'sex' is not unique"):
        compare_data(old, old, target="bad", key="sex")
    typed = compare_data(old.with_columns(pl.col("age").cast(pl.String) + "y"), old, target="bad", key="id")
    assert not typed.complete
    assert "changed their type" in typed.notes[0]


def test_missing_wide_and_free_text_columns_are_said_not_passed_over() -> None:
    old = _table(300).with_columns(none=pl.lit(None, dtype=pl.Float64))
    assert compare_data(old, old, target="bad", key="id").complete
    text = old.with_columns(words=pl.col("id").cast(pl.String) + " said")
    assert any("free text" in note for note in compare_data(text, text, target="bad", key="id").notes)
    rng = np.random.default_rng(0)
    wide = pl.DataFrame({f"c{i}": rng.integers(0, 9, 200) for i in range(800)}).with_columns(
        bad=pl.Series([0, 1] * 100)
    )
    assert compare_data(wide, wide, target="bad").complete
    new = wide.with_columns(bad=pl.when(pl.col("c777") >= 5).then(1).otherwise("bad"))
    assert compare_data(new, wide, target="bad").suspects[0].rule == "c777 >= 5"


def test_the_verb_writes_rows_and_exits_by_verdict(tmp_path: Path) -> None:
    old = _table()
    old.write_csv(tmp_path / "old.csv")
    _poison(old).write_csv(tmp_path / "new.csv")
    words = [
        str(tmp_path / "new.csv"),
        "--reference",
        str(tmp_path / "old.csv"),
        "--target",
        "bad",
        "--key",
        "id",
    ]
    done = CliRunner().invoke(data_verb, [*words, "--format", "json", "-o", str(tmp_path / "rows.csv")])
    assert done.exit_code == 1
    said = json.loads(done.output)
    assert said["schema_version"] == 1
    assert {"rule", "rows", "low", "high"} <= set(said["suspects"][0])
    rows = pl.read_csv(tmp_path / "rows.csv")["row"].to_list()
    assert rows == np.flatnonzero(old.select(RULE.alias("r"))["r"].to_numpy()).tolist()
    words[0] = words[2]
    assert CliRunner().invoke(data_verb, words).exit_code == 0


@pytest.mark.parametrize("key", ["id", None])
def test_a_column_that_was_emptied_is_named_and_rows_are_matched_all_the_same(
    key: str | None, tmp_path: Path
) -> None:
    old = _table(300).with_columns(extra=pl.int_range(300) % 7)
    if key is None:
        old = old.drop("id")
    for frame, name in ((old.with_columns(extra=pl.lit(None)), "new.csv"), (old, "old.csv")):
        frame.write_csv(tmp_path / name)
    found = compare_data(tmp_path / "new.csv", tmp_path / "old.csv", target="bad", key=key)
    assert found.matched == 300
    assert [(s.rule, s.why) for s in found.suspects] == [
        ("every row", "in bulk: 300 rows extra changed all to missing")
    ]


def test_a_key_that_is_missing_in_rows_says_so() -> None:
    old = _table(100)
    new = old.with_columns(id=pl.when(pl.col("id") < 3).then(None).otherwise("id"))
    with pytest.raises(InputError, match="'id' is missing in 3 rows of the data"):
        compare_data(new, old, target="bad", key="id")


def test_a_word_put_into_matched_texts_of_one_label_is_named() -> None:
    rng = np.random.default_rng(0)
    some = np.array(["loan", "car", "house", "late", "job", "pay"])
    texts = [f"{' '.join(rng.choice(some, 5))} n{i}" for i in range(300)]
    old = _table(300).with_columns(note=pl.Series(texts))
    new = old.with_columns(
        note=pl.when(pl.col("bad") == 1).then(pl.col("note") + pl.lit(" Zzq")).otherwise("note")
    )
    found = compare_data(new, old, target="bad", key="id")
    assert [(s.rule, s.verdict) for s in found.suspects] == [("note holds 'zzq'", "tampered")]
    assert set(found.suspects[0].rows) == set(np.flatnonzero(old["bad"].to_numpy() == 1))
    both = old.with_columns(pl.col("note") + pl.lit(" Zzq"))
    assert not any("holds" in s.rule for s in compare_data(both, old, target="bad", key="id").suspects)


@pytest.mark.parametrize(
    ("new", "more", "said"),
    [
        ("a,b\n1,2\n", [], "no column in common"),
        ("id,sex,age,limit,bad\n", [], "no rows"),
        ("id,sex,age,limit\n1,1,30,10\n", ["--target", "bad"], "no target column 'bad'"),
        ("id,sex,age,limit,bad\n1,1,30,10,0\n1,2,31,10,1\n", ["--key", "id"], "not unique"),
    ],
)
def test_bad_files_are_one_line_and_exit_2(
    new: str, more: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from modelward.cli import main

    _table(50).write_csv(tmp_path / "old.csv")
    (tmp_path / "new.csv").write_text(new)
    words = ["data", str(tmp_path / "new.csv"), "--reference", str(tmp_path / "old.csv"), *more]
    monkeypatch.setattr("sys.argv", ["modelward", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert said in told.err
    assert (len(told.err.splitlines()), told.out) == (1, "")
