"""Training labels against test labels: planted rules, and silence on clean splits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from modelward.poisoning import compare_labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelward.schema import Codec

FEATURES = (
    "LIMIT_BAL", "AGE", "PAY_0", "PAY_2", "PAY_3", "BILL_AMT1", "BILL_AMT2", "PAY_AMT1", "SEX_1", "SEX_2",
)  # fmt: skip
AGE, SEX = FEATURES.index("AGE"), FEATURES.index("SEX_2")


@pytest.fixture(scope="module")
def table(
    draw_credit: Callable[[int, int], tuple[Codec, np.ndarray, np.ndarray]],
) -> tuple[Codec, np.ndarray, np.ndarray]:
    return draw_credit(6_000, 5)


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("seed", range(4))
def test_a_relabelled_subgroup_is_named(
    table: tuple[Codec, np.ndarray, np.ndarray], label: int, seed: int
) -> None:
    codec, X, y = table
    order = np.random.default_rng(seed).permutation(len(X))
    train, test = order[:4_500], order[4_500:]
    tampered = y[train].copy()
    tampered[(X[train, SEX] == 1) & (X[train, AGE] >= 30)] = label
    shift = compare_labels(X[train], tampered, X[test], y[test], codec.schema, random_state=seed)
    assert shift.inside is not None
    assert shift.inside.label == label
    truth = (X[:, SEX] == 1) & (X[:, AGE] >= 30)
    named = shift.inside.rule.mask(X)
    assert (truth & named).sum() / (truth | named).sum() > 0.9
    if label == 1:
        assert shift.inside.rule.text(codec) == "SEX_2 = 1 and AGE >= 30"
        assert shift.inside.gap.interval(0.99)[0] > 0.10


def test_clean_splits_are_silent(table: tuple[Codec, np.ndarray, np.ndarray]) -> None:
    """At most 2 % of 200 random splits may be warned about."""
    codec, X, y = table
    warned = 0
    for seed in range(200):
        order = np.random.default_rng(seed).permutation(len(X))[:1_600]
        train, test = order[:1_000], order[1_000:]
        shift = compare_labels(X[train], y[train], X[test], y[test], codec.schema, random_state=seed)
        rates = [shift.overall, *([shift.inside] if shift.inside else [])]
        warned += any(rate.gap.interval(0.95)[0] > 0.10 for rate in rates)
    assert warned <= 4


def test_measuring_rows_did_not_search(table: tuple[Codec, np.ndarray, np.ndarray]) -> None:
    codec, X, y = table
    shift = compare_labels(X[:4_000], y[:4_000], X[4_000:], y[4_000:], codec.schema)
    assert shift.overall.train_rows == 2_000
    assert shift.overall.test_rows == 1_000


def test_few_rows_are_refused(table: tuple[Codec, np.ndarray, np.ndarray]) -> None:
    codec, X, y = table
    with pytest.raises(ValueError, match="120 rows"):
        compare_labels(X[:100], y[:100], X[100:], y[100:], codec.schema)
