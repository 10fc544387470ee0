"""Counts and quantiles that searches beside each other rely on, held to plain counting and to numpy."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from modelward.poisoning._at_once import at_once
from modelward.poisoning._match import _repeated, _shared
from modelward.poisoning._shifts import _quantiles


def test_results_come_in_the_order_of_the_work_and_an_error_is_not_lost() -> None:
    assert at_once([lambda k=k: k * k for k in range(9)]) == [k * k for k in range(9)]
    with pytest.raises(ZeroDivisionError):
        at_once([lambda: 1, lambda: 1 // 0])


@pytest.mark.parametrize("seed", range(20))
def test_rows_in_both_tables_are_counted_as_often_as_both_have_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.integers(0, 30, rng.integers(1, 60)).astype(np.uint64) for _ in range(2))
    assert _shared(a, b) == (Counter(a.tolist()) & Counter(b.tolist())).total()
    counts = Counter(a.tolist())
    assert _repeated(a) == pytest.approx(np.mean([counts[v] > 1 for v in a.tolist()]))


@pytest.mark.parametrize("seed", range(20))
def test_quantiles_of_counted_values_are_those_of_the_values(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.sort(rng.normal(size=rng.integers(1, 12)))
    counts = rng.integers(1, 9, len(values))
    shares = np.linspace(0, 1, 9)
    assert _quantiles(values, counts, shares) == pytest.approx(np.quantile(np.repeat(values, counts), shares))
