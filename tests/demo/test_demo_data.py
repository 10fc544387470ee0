"""The generated customers: theirs alone, alike to the public table in shape, and the same for a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from modelward.demo import credit_data, generate, shallow_forest
from modelward.demo._model import FEATURES, accuracy

CODES = {
    "SEX": {1, 2},
    "EDUCATION": set(range(7)),
    "MARRIAGE": set(range(4)),
    **{f"PAY_{month}": set(range(-2, 9)) for month in (0, 2, 3, 4, 5, 6)},
    "DEFAULT": {0, 1},
}


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return generate()


def test_the_seed_decides_every_cell(table: pl.DataFrame) -> None:
    assert generate().equals(table)
    assert not generate(seed=1).equals(table)


def test_values_are_legal(table: pl.DataFrame) -> None:
    assert table.shape == (30_000, 24)
    assert table.null_count().sum_horizontal().item() == 0
    for name, legal in CODES.items():
        assert set(table[name].unique()) <= legal
    assert table["LIMIT_BAL"].is_between(10_000, 1_000_000).all()
    assert (table["LIMIT_BAL"] % 10_000 == 0).all()
    assert table["AGE"].is_between(21, 79).all()
    assert (table.select(pl.col("^PAY_AMT.*$").min()).to_numpy() >= 0).all()


def test_no_customer_of_the_public_table_is_copied(table: pl.DataFrame, uci: pl.DataFrame) -> None:
    assert table.join(uci.select(table.columns), on=table.columns, how="inner").height == 0
    features = [name for name in table.columns if name != "DEFAULT"]
    assert table.join(uci.select(features), on=features, how="inner").height == 0


def test_shape_is_that_of_the_public_table(table: pl.DataFrame, uci: pl.DataFrame) -> None:
    assert table.columns == uci.columns[1:]
    assert table["DEFAULT"].mean() == pytest.approx(uci["DEFAULT"].mean(), abs=0.01)
    for name in CODES:
        shares = [frame[name].value_counts(normalize=True) for frame in (table, uci)]
        both = shares[0].join(shares[1], on=name, how="full", coalesce=True).fill_null(0)
        assert (both["proportion"] - both["proportion_right"]).abs().sum() / 2 < 0.1, name
    for name in ("LIMIT_BAL", "AGE", "BILL_AMT1", "BILL_AMT6", "PAY_AMT1", "PAY_AMT4"):
        q = [np.quantile(frame[name].to_numpy(), [0.25, 0.5, 0.75, 0.9]) for frame in (table, uci)]
        assert np.all(np.abs(q[0] - q[1]) < 0.35 * q[1] + 4_000), name
    names = ["LIMIT_BAL", "AGE", "PAY_0", "PAY_2", "BILL_AMT1", "BILL_AMT2", "PAY_AMT1", "DEFAULT"]
    ranks = [spearmanr(frame.select(names).to_numpy()).statistic for frame in (table, uci)]
    assert np.abs(ranks[0] - ranks[1]).max() < 0.25


def test_the_shallow_forest_is_right_for_about_82_percent() -> None:
    train, test = credit_data()
    assert (train.height, test.height) == (24_000, 6_000)
    scores = [accuracy(shallow_forest(train, random_state=seed), test) for seed in range(5)]
    assert all(0.80 < score < 0.85 for score in scores)
    assert round(accuracy(shallow_forest(train), test), 2) == 0.82


def test_train_and_test_are_one_table_cut_in_two(table: pl.DataFrame) -> None:
    train, test = credit_data()
    whole = pl.concat([train, test]).drop("SEX_1", "SEX_2")
    assert whole.sort(whole.columns).equals(table.sort(table.columns))
    assert train.join(test, on=train.columns, how="inner").height == 0
    assert (train["SEX_1"] + train["SEX_2"] == 1).all()
    assert set(FEATURES) < set(train.columns)


def test_the_generator_reads_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened")

    monkeypatch.setattr(pl, "read_csv", refuse)
    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr("builtins.open", refuse)
    assert generate(100).height == 100
