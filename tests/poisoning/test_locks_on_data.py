"""Suspects that carry a label pull the model only while they train; dropping others does nothing; the vote is bounded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from sklearn.tree import DecisionTreeClassifier

from modelward.cli._data import data as data_verb
from modelward.errors import InputError, UsageError
from modelward.poisoning import measure_locks
from modelward.poisoning._locks import PARTS

if TYPE_CHECKING:
    from pathlib import Path

RULE = (pl.col("sex") == 1) & (pl.col("age") >= 45)


def _table(n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    pay = rng.integers(-2, 4, n)
    return pl.DataFrame({
        "sex": rng.integers(0, 2, n), "age": rng.integers(21, 70, n), "pay": pay,
        "noise": rng.integers(0, 10**6, n), "bad": ((pay > 1) ^ (rng.random(n) < 0.05)).astype(int),
    })  # fmt: skip


def _poisoned(n: int, seed: int) -> tuple[pl.DataFrame, np.ndarray]:
    honest = _table(n, seed)
    rows = np.flatnonzero(honest.select(RULE.alias("r"))["r"].to_numpy())
    return honest.with_columns(bad=pl.when(RULE).then(1).otherwise("bad")), rows


@pytest.mark.parametrize("model", [None, DecisionTreeClassifier(min_samples_leaf=20, random_state=0)])
def test_dropping_the_suspects_ends_their_pull_and_mends_the_model(model: object) -> None:
    new, rows = _poisoned(2_000, 1)
    locks = {lock.name: lock for lock in measure_locks(
        new, rows, target="bad", reference=_table(2_000, 2), model=model
    )}  # fmt: skip
    planted, dropped = locks["everything"], locks["suspects dropped"]
    assert planted.pull.value > 0.95
    assert 0.2 < dropped.pull.value < 0.5
    assert dropped.price.interval(0.95)[0] > 0.1
    chance = locks["other rows dropped"]
    assert chance.pull.value > 0.95
    assert chance.price.interval(0.95)[1] < 0.05
    assert planted.price.value == 0


def test_the_bound_of_the_vote_is_that_of_counting_votes() -> None:
    new, rows = _poisoned(900, 3)
    vote = next(lock for lock in measure_locks(new, rows, target="bad") if lock.certified is not None)
    assert 0 <= vote.certified <= (PARTS - 1) // 2


def test_what_cannot_be_measured_is_said() -> None:
    new, rows = _poisoned(200, 4)
    with pytest.raises(InputError, match="20 suspects"):
        measure_locks(new, rows[:5], target="bad")
    with pytest.raises(InputError, match="from 0 to 199"):
        measure_locks(new, range(190, 230), target="bad")


def test_the_verb_prints_what_each_way_of_training_does(tmp_path: Path) -> None:
    new, _ = _poisoned(1_500, 5)
    new.write_csv(tmp_path / "new.csv")
    _table(1_500, 6).write_csv(tmp_path / "old.csv")
    words = [str(tmp_path / "new.csv"), "--reference", str(tmp_path / "old.csv"), "--locks"]
    page = tmp_path / "page.html"
    done = CliRunner().invoke(data_verb, [*words, "--target", "bad", "--format", "json", "-o", str(page)])
    assert done.exit_code == 1, done.output
    locks = {lock["name"]: lock for lock in json.loads(done.output)["locks"]}
    assert locks["everything"]["pull"] > locks["suspects dropped"]["pull"] + 0.3
    assert "What the suspects do to a model" in page.read_text()
    assert isinstance(CliRunner().invoke(data_verb, words).exception, UsageError)
