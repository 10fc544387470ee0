"""Rare counts: quiet where rows come several times as well, and awake where something new comes."""

from __future__ import annotations

import numpy as np
import pytest

from modelward.monitoring._novelty import Novelty

HOURS, ROWS, MONTH = 8 * 168, 100, 720


def _counts(rng: np.random.Generator, hours: int, burst: int, rates: np.ndarray) -> np.ndarray:
    return burst * rng.poisson(rates / burst, (hours, len(rates))).astype(float)


@pytest.mark.parametrize("burst", [1, 4, 12])
def test_rows_that_come_several_times_keep_the_promise(burst: int) -> None:
    alarms = months = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        rates = rng.uniform(0.001, 2.0, 60) ** 2
        novelty = Novelty(_counts(rng, HOURS, burst, rates), np.full(HOURS, float(ROWS)))
        for counts in _counts(rng, 2 * MONTH, burst, rates):
            alarms += int((novelty.score(counts, ROWS) > novelty.limits).sum())
        months += 2
    # At one a month, 16 or more in eight months has p < 0.01.
    assert alarms < 2 * months


def test_what_comes_once_each_is_taken_as_it_is() -> None:
    rng = np.random.default_rng(0)
    counts = _counts(rng, HOURS, 1, np.full(40, 0.3))
    counts[:, 0] = 0.0
    novelty = Novelty(counts, np.full(HOURS, float(ROWS)))
    assert novelty.bursts == pytest.approx(1.0, abs=0.25)
    assert novelty.usual(1) == pytest.approx(0.003, rel=0.2)
    new = np.zeros(40)
    new[0] = 5.0
    assert novelty.score(new, ROWS)[0] > novelty.limits[0]
    novelty.accept(0, 0.05)
    assert novelty.usual(0) == pytest.approx(0.05)
    assert not (novelty.score(new, ROWS) > novelty.limits).any()


def test_what_comes_beyond_its_bursts_is_seen() -> None:
    rng = np.random.default_rng(1)
    novelty = Novelty(_counts(rng, HOURS, 4, np.full(40, 0.3)), np.full(HOURS, float(ROWS)))
    assert novelty.bursts.mean() == pytest.approx(4.0, rel=0.2)
    loud = np.zeros(40)
    loud[3] = 30.0
    assert np.flatnonzero(novelty.score(loud, ROWS) > novelty.limits).tolist() == [3]


def test_what_was_stored_and_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="shapes"):
        Novelty.restored(np.ones(3), np.ones(2), np.ones(3), 1.0)
    with pytest.raises(ValueError, match="shapes"):
        Novelty.restored(np.ones(3), np.zeros(3), np.ones(3), 1.0)
