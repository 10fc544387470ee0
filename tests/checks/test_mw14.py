"""Row 14 as a check: customers with many rows, and tables too small to say that nothing moved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from modelward.checks import BUDGETS, CheckSkipped, Sample, Scope, conclude
from modelward.checks.mw14_shift import Shift
from modelward.findings import Cost, Policy
from modelward.models import wrap
from modelward.schema import Codec, Column, FeatureSchema
from modelward.stats import Bracket, tell_apart

COST, ALPHA = Cost(0, 0.0), 0.05 / 8


def _scope(train: np.ndarray, test: np.ndarray, groups: tuple[np.ndarray, np.ndarray] | None = None) -> Scope:
    names = [f"x{j}" for j in range(train.shape[1])]
    schema = FeatureSchema(tuple(Column(n, "continuous", low=-9.0, high=9.0) for n in names))
    codec = Codec.fit(schema, pl.DataFrame(train, schema=names))
    subject = wrap(lambda X: np.zeros(len(X), dtype=int), codec, [0, 1])
    of = groups or (None, None)
    sides = [Sample(X, np.arange(len(X)) % 2, g, len(X)) for X, g in zip((train, test), of, strict=True)]
    return Scope(subject, schema, sides[1], sides[0], budget=BUDGETS["quick"])


def _verdict(scope: Scope) -> str:
    return conclude(Shift, Shift().run(scope), alpha=ALPHA, policy=Policy(), cost=COST).verdict


def _customers(n: int, rows: int, rng: np.random.Generator, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows that repeat what the customer is like, and whose they are."""
    who = np.repeat(np.arange(n), rows)
    return rng.normal(size=(n, 6))[who] + 0.05 * rng.normal(size=(n * rows, 6)), first + who


@pytest.mark.parametrize("count", [60, 120])
def test_customers_with_many_rows_are_no_shift(count: int) -> None:
    """Customers drawn from one population and split at random: each row repeats its customer."""
    verdicts = []
    for seed in range(6):
        rng = np.random.default_rng([count, seed])
        (train, mine), (test, theirs) = _customers(count, 20, rng, 0), _customers(count, 20, rng, 10_000)
        verdicts.append(_verdict(_scope(train, test, (mine, theirs))))
    assert "fail" not in verdicts
    assert "warn" not in verdicts


def test_auc_over_customers_covers_one_half() -> None:
    rng, runs = np.random.default_rng(5), 60
    missed = 0
    for _ in range(runs):
        (first, mine), (second, theirs) = _customers(80, 12, rng, 0), _customers(80, 12, rng, 10_000)
        apart = tell_apart(first, second, first_groups=mine, second_groups=theirs, random_state=rng)
        low, high = apart.auc.interval(0.95)
        missed += not low <= 0.5 <= high
    assert missed / runs <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)


def test_few_customers_are_too_few_to_compare() -> None:
    rng = np.random.default_rng(0)
    (train, mine), (test, theirs) = _customers(10, 100, rng, 0), _customers(10, 100, rng, 100)
    with pytest.raises(CheckSkipped, match="one of each group"):
        Shift().run(_scope(train, test, (mine, theirs)))


def test_that_no_column_moved_is_proven_by_rows_not_by_their_lack() -> None:
    rng = np.random.default_rng(1)
    few = _scope(rng.normal(size=(400, 3)), rng.normal(size=(400, 3)))
    many = _scope(rng.normal(size=(20_000, 3)), rng.normal(size=(5_000, 3)))
    counts = [c for s in (few, many) for c in Shift().run(s).claims if c.name == "columns that moved"]
    assert counts[0].estimate.interval(0.95)[1] > 0
    assert counts[1].estimate.interval(0.99) == (0.0, 0.0)
    assert _verdict(few) == "inconclusive"
    assert _verdict(many) == "pass"


def test_the_bound_on_total_variation_holds() -> None:
    """A column that truly moved by exactly the limit may be called unmoved in at most alpha of the runs."""
    rng, runs, alpha = np.random.default_rng(2), 150, 0.05
    excluded = 0
    for _ in range(runs):
        first, second = rng.random(900) < 0.5, rng.random(700) < 0.6001
        scope = _scope(first[:, None].astype(float), second[:, None].astype(float))
        claim = _columns(scope)
        assert isinstance(claim, Bracket)
        excluded += claim.interval(1 - 2 * alpha)[1] == 0
    assert excluded / runs <= alpha


def _columns(scope: Scope) -> Bracket:
    from modelward.checks.mw14_shift import _count
    from modelward.monitoring import column_shifts

    train = replace(scope).train
    assert train is not None
    shifts = column_shifts(train.X, scope.test.X, ["x0"], [None])
    return _count(shifts, len(train), len(scope.test))


def test_copied_rows_are_no_shift_and_rows_that_are_alike_by_nature_stay() -> None:
    rng = np.random.default_rng(8)
    copied = np.tile(rng.normal(size=(150, 6)), (10, 1))
    found = Shift().run(_scope(copied, rng.normal(size=(1_000, 6))))
    assert "exact copies" in found.summary
    auc = found.claims[0].estimate
    assert auc.interval(0.999)[0] <= 0.5
    many, few = (rng.integers(0, 4, size=(n, 4)).astype(float) for n in (3_000, 300))
    assert "exact copies" not in Shift().run(_scope(many, few)).summary
