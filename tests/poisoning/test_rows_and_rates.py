"""Copies whose label was turned, columns that number the rows, and label rates that moved everywhere."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from modelward import compare_data
from modelward.poisoning._coded import code_tables
from modelward.poisoning._copies import find_copies
from modelward.poisoning._row_names import row_names


def _table(n: int = 2_000, seed: int = 0, first: int = 0, rate: float = 0.2) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    age, region = rng.integers(20, 70, n), rng.integers(0, 4, n)
    return pl.DataFrame({
        "id": np.arange(first, first + n), "age": age, "region": region,
        "income": np.round(rng.lognormal(10, 0.6, n), 2), "kids": rng.poisson(1, n),
        "bad": (rng.random(n) < rate + 0.3 * (age < 35)).astype(np.int32),
    })  # fmt: skip


@pytest.mark.parametrize("reference", [False, True])
def test_copies_with_one_label_put_in_are_named(reference: bool) -> None:
    table = _table()
    copies = table.sample(120, seed=1).with_columns(bad=pl.lit(1, pl.Int32))
    whole = pl.concat([table, copies])
    found = compare_data(whole, _table(seed=5, first=10_000) if reference else None, target="bad")
    (suspect,) = [s for s in found.suspects if s.verdict == "tampered"]
    assert suspect.rule == "rows with label 1 that are equal to rows with another label"
    turned = int((table.filter(pl.col("id").is_in(copies["id"].implode()))["bad"] == 0).sum())
    assert len(suspect.rows) == turned
    assert suspect.rows.min() >= table.height  # the copies of rows with label 0, and no honest row


def test_copies_that_keep_their_labels_are_not_tampering() -> None:
    table = _table()
    assert not compare_data(pl.concat([table, table.sample(120, seed=1)]), target="bad").tampered


def test_natural_twins_are_quiet() -> None:
    alarms = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(200, 4_000))
        columns = {f"c{j}": rng.integers(0, rng.integers(2, 7), n) for j in range(4)}
        risk = 1 / (1 + np.exp(-sum(rng.normal() * c for c in columns.values()) - rng.normal()))
        frame = pl.DataFrame({**columns, "bad": (rng.random(n) < risk).astype(int)})
        coded, _ = code_tables([frame], list(columns))
        alarms += bool(find_copies(coded, frame["bad"].to_numpy(), ["0", "1"]))
    assert alarms == 0


def test_columns_that_number_rows_make_no_rule_and_are_not_said_to_move() -> None:
    old, new = _table(seed=1), _table(seed=2, first=10_000)
    new = new.with_columns(
        bad=pl.when((pl.col("region") == 2) & (pl.col("age") >= 50)).then(1).otherwise("bad")
    )
    found = compare_data(new, old, target="bad")
    (rule,) = [s.rule for s in found.suspects if s.verdict == "tampered"]
    assert set(rule.split(" and ")) == {"age >= 50", "region = 2"}
    assert not any("id" in s.rule for s in found.suspects)
    assert not next(c for c in found.columns if c.name == "id").departs


def test_a_run_of_row_numbers_that_was_relabelled_is_still_named() -> None:
    old, new = _table(seed=1), _table(seed=2, first=10_000)
    new = new.with_columns(bad=pl.when(pl.col("id").is_between(10_400, 10_799)).then(1).otherwise("bad"))
    tampered = [s for s in compare_data(new, old, target="bad").suspects if s.verdict == "tampered"]
    assert len(tampered) == 1
    assert np.isin(tampered[0].rows, np.arange(400, 800)).mean() > 0.95
    assert len(tampered[0].rows) > 380


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (np.arange(500), True),
        (np.random.default_rng(0).permutation(500) * 3 + 10**6, True),
        (np.random.default_rng(0).integers(0, 1_000, 500), False),  # repeats
        (np.random.default_rng(0).choice(10**8, 500, replace=False), False),  # amounts, which need not repeat
        (np.arange(500) / 4, False),
    ],
)
def test_row_names_are_whole_numbers_that_should_have_repeated(values: np.ndarray, named: bool) -> None:  # type: ignore[type-arg]
    tables = [pl.DataFrame({"x": values}), pl.DataFrame({"x": values + 7})]
    assert bool(row_names(code_tables(tables, ["x"])[0], 500)) is named


def test_a_label_rate_that_moved_everywhere_is_drift_and_chance_is_not() -> None:
    old = _table(seed=1)
    moved = compare_data(_table(seed=2, rate=0.3), old, target="bad")
    assert not moved.tampered
    assert [s.rule for s in moved.suspects if s.verdict == "drift"][:1] == ["all rows"]
    quiet = sum(
        any(
            s.rule == "all rows"
            for s in compare_data(_table(400, seed), _table(400, seed + 50), target="bad").suspects
        )
        for seed in range(10, 25)
    )
    assert quiet <= 1


def test_columns_that_drift_are_one_finding() -> None:
    new = _table(seed=2).with_columns(
        kids=pl.when(pl.col("age") < 40).then(pl.col("kids") + 1).otherwise("kids")
    )
    (drift,) = compare_data(new, _table(seed=1), target="bad").suspects
    assert drift.verdict == "drift"
    assert drift.rule == "distribution of kids"
    assert drift.why.startswith("1 of 5 columns depart")


def test_a_map_that_samples_cannot_tell_from_another_is_said_to_be_about() -> None:
    old, new = _table(8_000, 1), _table(8_000, 2)
    how = {}
    for factor in (1.05, 3.0):
        scaled = new.with_columns((pl.col("income") * factor).round(2))
        how[factor] = next(c.how for c in compare_data(scaled, old).columns if c.name == "income")
    assert how[1.05].startswith("about + ")
    assert " or × 1.0" in how[1.05]
    assert how[3.0].startswith(("× 2.9", "× 3"))  # no shift does that


def test_changed_rows_that_stand_together_are_named_by_their_place_in_the_file() -> None:
    rng = np.random.default_rng(0)
    old = pl.DataFrame(
        {"id": range(3_000), "wage": rng.integers(900, 9_000, 3_000), "city": rng.integers(0, 5, 3_000)}
    )
    block = pl.col("id").is_between(400, 1_399)
    new = old.with_columns(wage=pl.when(block).then(pl.col("wage") // 100 * 100).otherwise("wage"))
    found = compare_data(new, old, key="id")
    first, last = (int(old.filter(block & (pl.col("wage") % 100 > 0))["id"].sort()[k]) for k in (0, -1))
    assert found.tampered
    assert [s.rule for s in found.suspects] == [f"rows {first:,} to {last:,} of the file"]
    shuffled = compare_data(new.sample(fraction=1, shuffle=True, seed=1), old, key="id")
    assert not any(s.rule.startswith("rows ") for s in shuffled.suspects)
