"""Bands against values that are planted, and their rate of false alarms on honest rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from modelward.errors import InputError, UsageError
from modelward.monitoring import RULES, Bands
from modelward.schema import Column, FeatureSchema

SCHEMA = FeatureSchema(
    (
        Column("amount", "continuous", low=0),
        Column("pay", "integer", low=-2, high=8),
        Column("job", "categorical", categories=("a", "b", "c")),
        Column("constant", "continuous"),
        Column("gap", "continuous", missing=True),
        Column("x", "integer", low=0, high=1),
        Column("y", "integer", low=0, high=1),
    ),
    onehot=(("x", "y"),),
)


def draw(n, seed):
    rng = np.random.default_rng(seed)
    gap = rng.normal(size=n)
    gap[rng.uniform(size=n) < 0.2] = np.nan
    x = rng.integers(0, 2, n)
    return np.column_stack(
        [rng.gamma(4, 100, n), rng.integers(-2, 5, n), rng.integers(0, 2, n), np.full(n, 7.0), gap, x, 1 - x]
    ).astype(float)


@pytest.fixture(scope="module")
def bands():
    return Bands.fit(draw(5000, 0), SCHEMA)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("amount", -1.0, "schema"),
        ("amount", 1e9, "sigma"),
        ("amount", 1e9, "quantile"),
        ("amount", np.inf, "schema"),
        ("amount", np.nan, "missing"),
        ("pay", 9.0, "schema"),
        ("pay", 1.5, "schema"),
        ("pay", 7.0, "unseen"),
        ("job", 2.0, "unseen"),
        ("job", 3.0, "schema"),
        ("constant", 7.1, "unseen"),
        ("gap", 50.0, "sigma"),
    ],
)
def test_a_planted_cell_breaks_its_rule_and_no_other_cell(bands, name, value, rule):
    row = draw(1, 1)
    row[0, 0], row[0, 4] = 400.0, 0.0
    assert not bands.outside(row).any()
    j = SCHEMA.index(name)
    row[0, j] = value
    assert bands.outside(row, [rule])[0].tolist() == [k == j for k in range(len(SCHEMA))]
    assert bands.outside(row)[0, j]


def test_a_broken_one_hot_group_is_outside_in_all_its_cells(bands):
    row = draw(1, 2)
    row[0, 5:] = 1.0
    assert bands.outside(row, ["schema"])[0, 5:].all()


def test_missing_where_it_was_seen_is_inside(bands):
    row = draw(1, 1)
    row[0, 0], row[0, 4] = 400.0, np.nan
    assert not bands.outside(row).any()


def test_honest_rows_are_stopped_as_often_as_the_quantiles_say():
    # Two tails of 0.1 % in each of two columns: about 0.4 % of rows, whatever the distribution.
    rates = [
        Bands.fit(draw(20_000, s), SCHEMA).outside(draw(20_000, s + 100), ["quantile"]).any(axis=1).mean()
        for s in range(10)
    ]
    assert 0.003 < np.mean(rates) < 0.0055


@settings(max_examples=80, deadline=None)
@given(arrays(np.float64, (12, 7), elements=st.floats(width=64)), st.sets(st.sampled_from(RULES)))
def test_any_numbers_are_judged(X, rules):
    outside = Bands.fit(X, SCHEMA).outside(X, rules)
    assert outside.shape == X.shape
    # What the bands were fitted on was seen, and was missing where it is missing.
    assert not Bands.fit(X, SCHEMA).outside(np.where(np.isinf(X), 0.0, X), ["missing"]).any()


def test_wrong_use_says_what_is_wrong(bands):
    with pytest.raises(InputError, match="at least one"):
        Bands.fit(np.empty((0, 7)), SCHEMA)
    with pytest.raises(InputError, match="7 columns"):
        bands.outside(np.zeros((2, 3)))
    with pytest.raises(UsageError, match="no rule 'sigmas'"):
        bands.outside(draw(3, 0), ["sigmas"])
