"""Past occurrences: the next one stays within what they tell, and what goes beyond is seen."""

from __future__ import annotations

import numpy as np
import pytest

from modelward.monitoring._occurrences import LONGEST, Occurrence, learn_past

MEMORY = 0.6


def _occurrence(rng, effect: np.ndarray) -> Occurrence:
    """AR(1) noise of innovations N(0, 1) around an effect."""
    kick = rng.normal(size=(len(effect) + 50, effect.shape[1]))
    noise = np.zeros_like(kick)
    for t in range(1, len(kick)):
        noise[t] = MEMORY * noise[t - 1] + kick[t]
    return Occurrence(effect + noise[50:], np.ones_like(effect), noise[49])


def _beyond(past, o: Occurrence) -> np.ndarray:
    missed = o.left - np.nan_to_num(past.effect[: len(o.left)])
    score = missed - MEMORY * np.concatenate([o.before[None], missed[:-1]])
    return (score > past.limit[0]) | (-score > past.limit[1])


@pytest.mark.parametrize("count", [2, 3, 8])
def test_one_in_twenty_goes_beyond_however_few_there_were(count: int) -> None:
    rng = np.random.default_rng(count)
    beyond = found = total = 0
    for _ in range(60):
        effects = {f"e{k}": rng.normal(0, 6, (24, 1)) * np.ones((1, 4)) for k in range(5)}
        seen = {name: [_occurrence(rng, e) for _ in range(count)] for name, e in effects.items()}
        past = learn_past(seen, {n: np.ones(4, bool) for n in seen}, np.full(4, MEMORY), np.zeros((28, 4)))
        for name, effect in effects.items():
            o = _occurrence(rng, effect)
            beyond += bool(_beyond(past[name], o).any())
            o.left[9:, 2] += 12.0
            found += bool(_beyond(past[name], o)[9:, 2].any())
            total += 1
    # 300 draws at one in twenty: over 28 has p < 0.001; Gaussian noise is calmer than the prior spread says.
    assert beyond <= 28
    assert found >= 0.98 * total


def test_an_effect_is_found_and_chance_is_none() -> None:
    rng = np.random.default_rng(0)
    effect = np.zeros((24, 3))
    effect[:, 0] = 20.0
    seen = {"e": [_occurrence(rng, effect) for _ in range(4)]}
    past = learn_past(seen, {"e": np.array([True, True, False])}, np.full(3, MEMORY), np.zeros((28, 3)))["e"]
    assert past.effect[:, 0] == pytest.approx(20.0, abs=4)
    assert np.abs(past.effect[:, 1]).mean() < 0.5


def test_a_wild_series_has_a_limit_of_its_own() -> None:
    rng = np.random.default_rng(0)
    held = [_occurrence(rng, np.zeros((24, 6))) for _ in range(4)]
    calm = learn_past({"e": held}, {"e": np.ones(6, bool)}, np.full(6, MEMORY), np.zeros((28, 6)))["e"]
    for o in held:
        o.left[5, 3] += 200 * rng.normal()
    wild = learn_past({"e": held}, {"e": np.ones(6, bool)}, np.full(6, MEMORY), np.zeros((28, 6)))["e"]
    assert wild.limit[:, 0] == pytest.approx(calm.limit[:, 0], rel=0.2)
    assert (wild.limit[:, 3] > 5 * wild.limit[:, 0]).all()


def test_up_and_down_have_limits_of_their_own_and_ordinary_days_are_no_calmer() -> None:
    rng = np.random.default_rng(1)
    held = [_occurrence(rng, np.zeros((24, 2))) for _ in range(8)]
    for o in held:
        o.left[10:, :] -= rng.uniform(20, 30)
    limit = learn_past({"e": held}, {"e": np.ones(2, bool)}, np.full(2, MEMORY), np.zeros((28, 2)))["e"].limit
    assert (limit[0] < limit[1]).all()
    days = np.full((28, 2), 4.0)
    days[3:6] = 50.0
    least = learn_past({"e": held}, {"e": np.ones(2, bool)}, np.full(2, MEMORY), days)["e"].limit
    assert (least >= np.quantile(days.max(axis=1), 0.95)).all()


def test_what_occurred_once_is_not_known_and_hours_that_one_has_alone_neither() -> None:
    rng = np.random.default_rng(0)
    seen = {
        "once": [_occurrence(rng, np.zeros((24, 2)))],
        "uneven": [_occurrence(rng, np.zeros((h, 2))) for h in (24, 30)],
        "long": [_occurrence(rng, np.zeros((400, 2))) for _ in range(2)],
        "nothing": [_occurrence(rng, np.zeros((4, 2))) for _ in range(2)],
    }
    for o in seen["nothing"]:
        o.left[:] = np.nan
    past = learn_past(seen, {n: np.ones(2, bool) for n in seen}, np.full(2, MEMORY), np.zeros((28, 2)))
    assert set(past) == {"uneven", "long", "nothing"}
    assert np.isfinite(past["uneven"].effect[:24]).all()
    assert np.isnan(past["uneven"].effect[24:]).all()
    assert len(past["long"].effect) == LONGEST
    assert np.isnan(past["nothing"].effect).all()
    assert np.isfinite(past["nothing"].limit).all()
    assert learn_past({}, {}, np.zeros(2), np.zeros((0, 2))) == {}


def test_short_gaps_of_all_past_occurrences_are_filled_and_long_ones_are_not() -> None:
    rng = np.random.default_rng(0)
    effect = np.linspace(0, 400, 24)[:, None] * np.ones((1, 1))
    held = [_occurrence(rng, effect) for _ in range(3)]
    for o in held:
        o.left[[5, 6, 12, 13, 14]] = np.nan
    found = learn_past({"e": held}, {"e": np.ones(1, bool)}, np.full(1, MEMORY), np.zeros((28, 1)))[
        "e"
    ].effect
    assert found[[5, 6], 0] == pytest.approx(effect[[5, 6], 0], abs=5)
    assert np.isnan(found[[12, 13, 14], 0]).all()
    assert np.isfinite(found).sum() == 21
