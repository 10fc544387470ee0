"""The compiled hour against a plain twin: the same numbers, the same alarms, the same state."""

from __future__ import annotations

import numpy as np
import pytest

from modelward.monitoring import Watch
from modelward.monitoring._kernels import WEEK, running
from modelward.monitoring._normal import Normal, peaks
from modelward.monitoring._occurrences import EventHour


class Plain:
    """What a watch does in an hour, in numpy."""

    def __init__(self, watch: Watch) -> None:
        n, s = watch.normal, len(watch.names)
        self.n, self.limits = n, watch.learned()[1]["limits"]
        self.level, self.frozen, self.hours = n.level.copy(), n.level.copy(), 0
        self.last, self.sums = np.zeros(s), np.zeros((4, s))
        self.side = np.zeros((2, s))

    def step(self, y, phase, held, known, effect):
        n, there = self.n, np.isfinite(y)
        left = np.where(there, y - n.season[phase] - self.level - effect, 0.0)
        scale = n.scale[phase % 24]
        z = np.where(there, (left - n.memory * self.last) / scale, 0.0)
        free = there & ~held
        near, far = np.clip(z, -3, 3), np.clip(z, -5, 5)
        steps = np.stack([near - 0.25, -near - 0.25, far - 1.5, -far - 1.5])
        self.sums = np.where(free, np.maximum(0, self.sums + steps), self.sums)
        wide = 3 * scale / np.sqrt(1 - n.memory**2)
        self.level = self.level + np.where(free, np.clip(left, -wide, wide) / WEEK, 0.0)
        self.last = np.where(free | (there & known), left, 0.0)
        self.hours += 1
        return z, scale

    def scores(self, z):
        up, down = np.maximum(self.sums[:2], 4 * self.sums[2:])
        sums = np.where(up >= down, up, -down)
        away = (self.level - self.frozen) / (self.n.drift * np.sqrt(max(1.0, self.hours / (4 * WEEK))))
        return np.stack([z, sums, away])

    def observe(self, y, phase, past):
        s = len(y)
        held, known, effect, bound = (
            np.zeros(s, bool),
            np.zeros(s, bool),
            np.zeros(s),
            np.full((2, s), np.inf),
        )
        if past is not None:
            held, known, effect, bound = past.held, past.known, past.effect, past.limit
        z, scale = self.step(y, phase, held, known, effect)
        scores, there = self.scores(z), np.isfinite(y)
        loud = np.abs(scores) > self.limits
        loud[1:] &= there & ~held
        told, usual = held & known & there, z + effect / scale
        beyond = told & ((z > bound[0]) | (-z > bound[1]))
        within = told & ~beyond & (np.abs(usual) > self.limits[0])
        loud[0] = np.where(told, beyond | within, loud[0])
        scores[0] = np.where(within, usual, scores[0])
        self.sums = np.minimum(self.sums, self.limits[1] / np.array([[1], [1], [4], [4]]))
        before, calm = self.side, (np.abs(scores[1:]) < 0.5 * self.limits[1:]) & there
        turned = np.sign(scores[1:])
        self.side = np.where(loud[1:], turned, np.where(calm, 0.0, before))
        again = np.zeros_like(loud)
        again[1:], again[0] = before == turned, ((before == np.sign(z)) & (before != 0)).any(axis=0)
        return {
            (d, int(j)): (scores[d, j], bool(again[d, j]), (False if beyond[j] else True if within[j] else None) if d == 0 else None)
            for d, j in np.argwhere(loud)
        }  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_an_hour_is_judged_as_by_the_plain_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    Y = rng.standard_t(4, size=(10 * WEEK, 7)).cumsum(axis=0) * 0.05 + rng.normal(size=(10 * WEEK, 7))
    watch = Watch([str(j) for j in range(7)]).fit(Y[: 9 * WEEK], start=5)
    plain, alarms = Plain(watch), 0
    for t in range(9 * WEEK, 10 * WEEK):
        y = Y[t] + rng.choice([0.0, 8.0, -3.0], 7, p=[0.7, 0.1, 0.2])
        y[rng.random(7) < 0.1] = rng.choice([np.nan, np.inf])
        past = None
        if t % 5 == 0:
            held = rng.random(7) < 0.6
            known = held & (rng.random(7) < 0.6)
            past = EventHour(
                held,
                known,
                np.where(known, rng.normal(0, 3, 7), 0.0),
                np.where(known, [[1.5], [2.5]], np.inf),
            )
        found = {
            ("fast", "slow", "reference").index(a.detector) * 100 + int(a.series): (
                a.score,
                a.again,
                a.within,
            )
            for a in watch.observe(y, past)
        }
        expected = {d * 100 + j: v for (d, j), v in plain.observe(y, (5 + t) % WEEK, past).items()}
        assert {k: v[1:] for k, v in found.items()} == {k: v[1:] for k, v in expected.items()}
        np.testing.assert_allclose(
            [found[k][0] for k in expected], [v[0] for v in expected.values()], rtol=1e-9
        )
        alarms += len(found)
        state = watch.state()
        for name in ("level", "last", "sums", "side"):
            np.testing.assert_allclose(state[name], getattr(plain, name), rtol=1e-9, atol=1e-12)
    assert alarms > 50


def test_the_largest_scores_of_a_span_are_those_of_its_hours() -> None:
    Y = np.random.default_rng(0).normal(size=(7 * WEEK, 4))
    Y[5 * WEEK + 3, 1] = np.nan
    phase = np.arange(len(Y)) % WEEK
    normal = Normal.fit(Y[: 5 * WEEK], phase[: 5 * WEEK])
    watch = Watch("abcd")
    watch._normal = normal
    watch._limits = np.full((3, 4), np.inf)
    plain = Plain(watch)
    most = np.zeros((3, 4))
    none = np.zeros(4, bool)
    for t in range(5 * WEEK, 7 * WEEK):
        z, _ = plain.step(Y[t], phase[t], none, none, np.zeros(4))
        here = np.abs(plain.scores(z))
        most = np.maximum(most, here)
    found, days, weeks = peaks(normal, Y[5 * WEEK :], phase[5 * WEEK :])
    np.testing.assert_allclose(found, most, rtol=1e-9)
    np.testing.assert_array_equal(days.max(axis=0), found[0])
    np.testing.assert_array_equal(weeks.max(axis=0), found[1])
    assert days.shape == (14, 4) and weeks.shape == (2, 4)


def test_the_running_level_is_an_exponential_mean_of_the_hours_before() -> None:
    Y = np.random.default_rng(1).normal(size=(60, 3))
    Y[10:13, 1] = np.nan
    level, out = np.array([1.0, 2.0, 3.0]), np.empty_like(Y)
    plain = level.copy()
    running(Y, level, out)
    for t, y in enumerate(Y):
        np.testing.assert_allclose(out[t], plain, rtol=1e-12)
        plain = np.where(np.isnan(y), plain, plain + (y - plain) / WEEK)
