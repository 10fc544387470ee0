"""The watch: quiet where nothing happens, and the hours that planted changes take to be seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from modelward.errors import InputError
from modelward.monitoring import Watch


def _quiet(weeks: int, series: int, seed: int) -> np.ndarray:
    """Seasonal, autocorrelated, heavy-tailed hours."""
    rng = np.random.default_rng(seed)
    hours = np.arange(weeks * 168)
    noise = rng.standard_t(6, size=(len(hours), series))
    memory = rng.uniform(0.3, 0.9, series)
    out = np.empty_like(noise)
    last = np.zeros(series)
    for t, e in enumerate(noise):
        last = memory * last + e
        out[t] = last
    week = 5 * np.sin(hours / 24 * 2 * np.pi) - 3 * (hours % 168 >= 120)
    return out + week[:, None]


def _names(n: int) -> list[str]:
    return [f"s{j}" for j in range(n)]


def test_quiet_months_raise_at_most_the_promised_alarms() -> None:
    alarms = 0
    for seed in range(6):
        y = _quiet(16, 12, seed)
        watch = Watch(_names(12)).fit(y[: 12 * 168], start=0)
        alarms += sum(len(watch.observe(row)) for row in y[12 * 168 :])
    # Six months with a budget of one each; 12 or more would be a rate of two (Poisson, p < 0.02 at one).
    assert alarms < 12


def test_a_jump_is_seen_at_once_and_names_its_series() -> None:
    y = _quiet(13, 6, 1)
    watch = Watch(_names(6)).fit(y[:-168], start=0)
    jump = y[-168] + np.eye(6)[2] * 2 * watch.smallest_jump
    (alarm,) = watch.observe(jump)
    assert (alarm.series, alarm.detector) == ("s2", "fast")
    assert alarm.score > alarm.threshold > 0


def test_a_small_shift_is_seen_by_the_slow_detector() -> None:
    y = _quiet(13, 6, 1)
    watch = Watch(_names(6)).fit(y[:-168], start=0)
    seen = [a for row in y[-168:] for a in watch.observe(row + np.eye(6)[3] * 0.6 * watch.smallest_jump)]
    assert seen
    assert {a.series for a in seen} == {"s3"}
    assert "slow" in {a.detector for a in seen}


def test_under_eight_weeks_there_is_no_promise_and_no_alarm() -> None:
    y = _quiet(8, 3, 0)
    watch = Watch(_names(3)).fit(y[:-1], start=0)
    assert not watch.sufficient
    assert "insufficient history" in watch.promise
    assert watch.observe(np.full(3, 1e9)) == ()
    assert "too few" in Watch(_names(3)).fit(y, start=0).promise


def test_events_neither_train_nor_set_thresholds() -> None:
    y = _quiet(12, 4, 2)
    plain = Watch(_names(4)).fit(y, start=0).thresholds
    storm = y.copy()
    storm[10 * 168 : 10 * 168 + 24] += 500
    hours = np.zeros(len(y), dtype=bool)
    hours[10 * 168 : 10 * 168 + 24] = True
    marked = Watch(_names(4)).fit(storm, start=0, events=hours).thresholds
    assert marked.fast == pytest.approx(plain.fast, rel=0.2)
    assert Watch(_names(4)).fit(storm, start=0).thresholds.fast > 3 * plain.fast


def test_missing_and_infinite_hours_pass_through() -> None:
    y = _quiet(12, 3, 3)
    y[5::50, 0] = np.nan
    y[7::90, 1] = np.inf
    watch = Watch(_names(3)).fit(y, start=0)
    assert np.isfinite(watch.thresholds.fast)
    assert watch.observe(np.full(3, np.nan)) == ()
    assert watch.observe(np.full(3, np.inf)) == ()


def test_wrong_input_is_one_clear_line() -> None:
    y = _quiet(8, 2, 0)
    with pytest.raises(InputError, match="different names"):
        Watch(["a", "a"])
    with pytest.raises(InputError, match="do not fit"):
        Watch(["a"]).fit(y, start=0)
    with pytest.raises(InputError, match="do not fit"):
        Watch(["a", "b"]).fit(y, start=0, events=np.zeros(3, dtype=bool))
    y[: 5 * 168, 1] = np.nan
    with pytest.raises(InputError, match="'b' has less than half"):
        Watch(["a", "b"]).fit(y, start=0)
    with pytest.raises(InputError, match="does not fit"):
        Watch(["a", "b"]).observe(np.zeros(3))


def test_creep_that_the_level_follows_is_seen_against_the_frozen_reference() -> None:
    y = _quiet(40, 3, 4)
    watch = Watch(_names(3)).fit(y[: 20 * 168], start=0)
    rest = y[20 * 168 :]
    creep = np.zeros_like(rest)
    creep[:, 1] = np.arange(len(rest)) * 2 * watch.smallest_jump[1] / len(rest)
    found = [a for row in rest + creep for a in watch.observe(row)]
    assert {a.series for a in found if a.detector == "reference"} == {"s1"}
    assert all(a.score > 0 for a in found if a.detector == "reference")


def test_a_wild_series_does_not_blind_the_others() -> None:
    y = _quiet(16, 5, 5)
    calm = Watch(_names(5)).fit(y, start=0)
    y[700::503, 4] += 400
    wild = Watch(_names(5)).fit(y, start=0)
    assert wild.thresholds.wild == ("s4",)
    assert wild.smallest_jump[0] == pytest.approx(calm.smallest_jump[0], rel=0.3)


def test_hours_of_an_event_are_told_and_leave_no_trace() -> None:
    y = _quiet(12, 3, 6)
    one, two = (Watch(_names(3)).fit(y[:-48], start=0) for _ in range(2))
    for row in y[-48:-24]:
        assert [a.detector for a in one.observe(row + 500, np.ones(3, dtype=bool))] == ["fast"] * 3
        two.observe(np.full(3, np.nan))
    for key, value in one.state().items():
        np.testing.assert_array_equal(value, two.state()[key])


def test_a_watch_goes_on_from_its_state() -> None:
    y = _quiet(12, 3, 7)
    one, two = (Watch(_names(3)).fit(y[:-48], start=0) for _ in range(2))
    for row in y[-48:-24]:
        one.observe(row)
    two.restore(one.state())
    assert [one.observe(r + 9) for r in y[-24:]] == [two.observe(r + 9) for r in y[-24:]]
    with pytest.raises(InputError, match="another watch"):
        two.restore({"clock": np.zeros(2)})


def _lasting(hours: int, move: float, back: int = 10**6) -> list[Any]:
    """Alarms of a series that jumps and stays, and comes back after a while."""
    rng = np.random.default_rng(4)
    y = rng.normal(size=(9 * 168 + hours, 3))
    watch = Watch(["a", "b", "c"]).fit(y[: 9 * 168], start=0)
    live = y[9 * 168 :]
    live[:, 0] += np.where(np.arange(hours) < back, move, 0.0)
    return [(t, alarm) for t in range(hours) for alarm in watch.observe(live[t]) if alarm.series == "a"]


def test_a_shift_that_lasts_is_one_slow_alarm_and_one_that_comes_again_another() -> None:
    slow = [(t, a) for t, a in _lasting(24 * 14, 2.0) if a.detector == "slow"]
    assert len(slow) > 50
    assert not slow[0][1].again
    assert all(a.again for t, a in slow[1:] if t < 24 * 7)
    assert sum(not a.again for _, a in slow) <= 2
    reference = [a for _, a in _lasting(24 * 28, 1.5) if a.detector == "reference"]
    assert sum(not a.again for a in reference) == 1
    # The fast detector, which the noise sends off now and then, tells nothing new while a slow one is away.
    begun = min(t for t, _ in slow)
    fast = [(t, a) for t, a in _lasting(24 * 5, 5.0) if a.detector == "fast" and t > begun]
    assert fast and all(a.again for _, a in fast[1:])
    # A sum does not grow while it is away, so the alarm is over soon after the shift is.
    ended = [t for t, a in _lasting(24 * 14, 2.0, back=100) if a.detector == "slow" and a.score > 0]
    assert max(ended) <= 110


def test_weeks_without_hours_set_no_threshold_and_do_not_stop_a_fit() -> None:
    rng = np.random.default_rng(0)
    Y = rng.normal(size=(40 * 168, 2))
    gap = Y.copy()
    gap[14 * 168 : 38 * 168] = np.nan
    gap = np.concatenate([rng.normal(size=(20 * 168, 2)), gap])
    full, holes = Watch("ab").fit(Y, start=0), Watch("ab").fit(gap, start=0)
    assert 0.6 < holes.thresholds.fast / full.thresholds.fast < 1.7
    thin = np.where(rng.random(Y.shape) < 0.48, np.nan, Y)
    thin[: 36 * 168] = np.where(rng.random(thin[: 36 * 168].shape) < 0.02, np.nan, Y[: 36 * 168])
    thin[4 * 168 :][rng.random(thin[4 * 168 :].shape) < 0.3] = np.nan
    assert Watch("ab").fit(thin, start=0, groups=["x", "y"]).thresholds.fast > 1


def test_creep_in_series_that_are_alike_is_seen_earlier_at_the_promised_rate() -> None:
    late, quiet = {True: [], False: []}, 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        noise = np.empty((8 * 168 + 1440, 16))
        last = np.zeros(16)
        for t, step in enumerate(0.6 * rng.normal(size=noise.shape)):
            last = noise[t] = 0.8 * last + step
        past, ahead = noise[: 8 * 168], noise[8 * 168 :]
        names = [f"s{j}" for j in range(16)]
        for even in (True, False):
            watch = Watch(names).fit(past, start=0, groups=["mean"] * 16, even=["mean"] if even else [])
            creeping = ahead.copy()
            creeping[720:, 3] += np.arange(720) / 24 * 0.8
            seen = [
                t for t, y in enumerate(creeping) for a in watch.observe(y) if a.series == "s3" and t >= 720
            ]
            late[even].append(seen[0] - 720)
            if even:
                watch = Watch(names).fit(past, start=0, groups=["mean"] * 16, even=["mean"])
                quiet += sum(a.detector == "slow" and not a.again for y in ahead for a in watch.observe(y))
    assert np.median(late[True]) <= np.median(late[False]) - 6
    # Twelve months: a quarter of an alarm in each was asked for.
    assert quiet <= 9
