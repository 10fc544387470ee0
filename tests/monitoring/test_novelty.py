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


def test_what_is_no_surprise_in_an_hour_adds_up_over_a_day() -> None:
    """Three rows in sixty, of a count that has one in a thousand: planted where chance alone keeps the promise."""
    found, quiet = 0, 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        rates = rng.uniform(0.0, 0.12, 1500)
        novelty = Novelty(_counts(rng, HOURS, 1, rates), np.full(HOURS, 60.0))
        for counts in _counts(rng, MONTH, 1, rates):
            day = novelty.add(counts, 60)
            quiet += day is not None and bool((day[0] > novelty.day_limits).any())
        day = None
        for counts in _counts(rng, 24, 1, rates):
            counts[7] += rng.binomial(60, 0.05)
            day = novelty.add(counts, 60)
        assert day is not None
        found += day[0][7] > novelty.day_limits[7]
    assert found == 6
    # At a hundredth of an alert a month, 2 or more in six months have p < 0.002.
    assert quiet < 2


def test_a_day_goes_on_where_it_was_stored() -> None:
    rng = np.random.default_rng(0)
    novelty = Novelty(_counts(rng, HOURS, 1, np.full(20, 0.3)), np.full(HOURS, 60.0))
    hours = _counts(rng, 30, 1, np.full(20, 0.3))
    for counts in hours[:10]:
        novelty.add(counts, 60)
    again = Novelty.restored(novelty.learned(), novelty.state())
    for counts in hours[10:]:
        one, other = novelty.add(counts, 60), again.add(counts, 60)
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert np.array_equal(one, other)


@pytest.mark.parametrize("what", ["novelty", "bursts", "day_limits", "day_bursts", "seen", "day"])
def test_what_was_stored_and_does_not_fit_is_refused(what: str) -> None:
    novelty = Novelty(np.ones((HOURS, 3)), np.full(HOURS, 60.0))
    learned, state = novelty.learned(), novelty.state()
    for wrong in (np.ones(2), np.ones((3, 3)), *([np.zeros(3)] if "bursts" in what else [])):
        with pytest.raises(ValueError, match="shapes"):
            Novelty.restored(
                learned | ({what: wrong} if what in learned else {}),
                state | ({what: wrong} if what in state else {}),
            )
