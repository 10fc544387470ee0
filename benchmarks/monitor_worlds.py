"""Simulated services for monitor_months.py: rows of an hour drawn and tallied in one compiled pass.

A window's profile is filled without the parts that no series is read off (distinct values, squares of moments bit by
bit), so that hundreds of months can be had; tests/monitoring/test_worlds.py holds it against the library's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numba import njit

from modelward.monitoring import Monitor
from modelward.monitoring._declared import Declared
from modelward.monitoring._hours import Hours
from modelward.monitoring._learn import learn_hours
from modelward.monitoring._series import Plan
from modelward.profiles import Layout, Profile
from modelward.profiles._kernels import ILLEGAL, MISSING, PRESENT, _add, _mixed, _slot

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBERS, WORDS, WEEKS = 16, 8, 8
WIDTH = NUMBERS + WORDS + 1
HOURS = WEEKS * 168
_SHOWN = 100_000
"""Rows that inner edges of bins are read off; the outer ones are the range of all."""


@njit(cache=True)
def draw(rng: Any, X: Any, where: Any, heavy: Any, cum: Any, lean: float) -> None:
    """Fill X (n, 25): numbers around `where`, N(0, 1) or t with four degrees; categories; a score."""
    for i in range(X.shape[0]):
        for j in range(where.shape[0]):
            x = rng.standard_normal()
            if heavy[j]:
                # A χ² with four degrees is twice the sum of two exponential draws.
                x /= np.sqrt((rng.standard_exponential() + rng.standard_exponential()) / 2)
            X[i, j] = x + where[j]
        for j in range(cum.shape[0]):
            u, k = rng.random(), 0
            while k < cum.shape[1] and cum[j, k] <= u:
                k += 1
            X[i, where.shape[0] + j] = k
        X[i, X.shape[1] - 1] = 1 / (1 + np.exp(-0.5 * X[i, 0] - 0.3 * X[i, 1] - lean))


@njit(cache=True)
def tally(
    X: Any, points: Any, sizes: Any, by_value: Any, centre: Any, low: Any, high: Any, may_miss: Any,
    counts: Any, counters: Any, limbs: Any, same: Any,
) -> None:  # fmt: skip
    """Add rows to what a profile's series are read off. No steps, no infinities."""
    bits, one = X.view(np.int64), np.zeros(1)
    for j in range(X.shape[1]):
        first = second = 0.0
        for i in range(X.shape[0]):
            x = X[i, j]
            if np.isnan(x):
                counters[j, MISSING] += 1
                counters[j, ILLEGAL] += not may_miss[j]
                continue
            counters[j, PRESENT] += 1
            counters[j, ILLEGAL] += x < low[j] or x > high[j]
            counts[j, _slot(points[j], sizes[j], by_value[j], x)] += 1
            first += x - centre[j]
            second += (x - centre[j]) ** 2
            if not by_value[j]:
                same[j, np.int64(_mixed(bits[i, j] if x != 0 else np.int64(0)) >> np.uint64(56))] += 1
        for k, total in enumerate((first, second)):
            one[0] = total
            _add(limbs[j, k], one.view(np.int64)[0])


def profile_of(layout: Layout, X: np.ndarray) -> Profile:
    """Return a profile of encoded rows from which a monitor's series can be read, and nothing else."""
    out, (points, sizes, by_value, centre, low, high, _, may_miss) = Profile(layout), layout.arrays
    held = (out.counts, out.counters, out._limbs, out.repeats)  # noqa: SLF001
    tally(X, points, sizes, by_value, centre, low, high, may_miss, *held)
    out.rows = len(X)
    return out


class World:
    """Rows of a service: seasons, factors that wander by the hour (AR 0.8), heavy tails, categories, a score."""

    def __init__(self, seed: int, rows: int = 100, wander: float = 0.06) -> None:
        self.size, self.wander, self.seed = rows, wander, seed
        self.rng = np.random.default_rng(seed)
        self.season = self.rng.uniform(0, 0.5, NUMBERS)
        self.turn = self.rng.uniform(0, 2 * np.pi, NUMBERS)
        self.heavy = self.rng.random(NUMBERS) < 0.4
        shares = [self.rng.dirichlet(np.full(k, 3.0)) for k in self.rng.integers(2, 9, WORDS)]
        self.cum = np.ones((WORDS, 8))
        for j, p in enumerate(shares):
            self.cum[j, : len(p) - 1] = np.cumsum(p)[:-1]
        self.ends = [len(p) for p in shares]
        self.factor = np.zeros(NUMBERS + 2)
        self.hour = 0

    def hours(self, hours: int, traffic: float = 1.0) -> Iterator[np.ndarray]:
        """Yield the rows of each of the next hours, shape (n, 25); the array is used again."""
        X = np.empty((64, WIDTH))
        for _ in range(hours):
            t = self.hour
            self.hour += 1
            self.factor = 0.8 * self.factor + self.wander * self.rng.standard_t(6, NUMBERS + 2)
            busy = 0.3 * np.sin(t / 24 * 2 * np.pi) - 0.3 * (t % 168 >= 120) + 0.3 * self.factor[-1]
            n = int(self.rng.poisson(traffic * self.size * np.exp(busy)))
            if n > len(X):
                X = np.empty((2 * n, WIDTH))
            where = self.season * np.sin(t / 24 * 2 * np.pi + self.turn) + self.factor[:NUMBERS]
            draw(self.rng, X[:n], where, self.heavy, self.cum[:, :-1], self.factor[-2])
            yield X[:n]

    def state(self) -> tuple[Any, ...]:
        """Return where it is, for `back`."""
        return self.rng.bit_generator.state, self.factor.copy(), self.hour

    def back(self, state: tuple[Any, ...]) -> None:
        """Go back to a state."""
        self.rng.bit_generator.state, self.factor, self.hour = state[0], state[1].copy(), state[2]


def frame_of(X: np.ndarray) -> pl.DataFrame:
    """Return rows as a table."""
    data: dict[str, object] = {f"x{j}": X[:, j] for j in range(NUMBERS)}
    names = pl.Series([f"v{k}" for k in range(10)])
    codes = X[:, NUMBERS:-1].astype(np.uint32)
    data |= {f"w{j}": names.gather(codes[:, j]) for j in range(WORDS)}
    return pl.DataFrame(data | {"score": X[:, -1]})


def layout_of(world: World) -> tuple[Layout, list[np.ndarray]]:
    """Return the layout of the coming weeks, and into which code each category goes."""
    here, kept = world.state(), []
    least, most = np.full((WIDTH, WIDTH), np.inf), np.full((WIDTH, WIDTH), -np.inf)
    each = max(1, _SHOWN // HOURS)
    for X in world.hours(HOURS):
        kept.append(X[:each].copy())
        for j, (low, high) in enumerate(zip(X.argmin(axis=0), X.argmax(axis=0), strict=True)):
            least[j] = X[low] if X[low, j] < least[j, j] else least[j]
            most[j] = X[high] if X[high, j] > most[j, j] else most[j]
    world.back(here)
    layout = Layout.fit(frame_of(np.concatenate([*kept, least, most])))
    recode = []
    for j in range(WORDS):
        codes = np.full(100, np.nan)
        for k, name in enumerate(layout.values[f"w{j}"]):
            codes[int(name[1:])] = k
        recode.append(codes)
    return layout, recode


def encode(X: np.ndarray, recode: list[np.ndarray]) -> np.ndarray:
    """Give categories the codes of the layout, in place."""
    for j, codes in enumerate(recode):
        X[:, NUMBERS + j] = codes[X[:, NUMBERS + j].astype(int)]
    return X


def fitted(seed: int, rows: int = 100, wander: float = 0.06, keep: int = 24) -> tuple[World, Monitor, Any]:
    """Return a world after eight weeks, the monitor that learned them, and where its codes went."""
    world = World(seed, rows, wander)
    layout, recode = layout_of(world)
    profiles = [profile_of(layout, encode(X, recode)) for X in world.hours(HOURS)]
    whole = Profile(layout)
    for part in profiles:
        whole.counts += part.counts
        whole.counters += part.counters
        whole._limbs += part._limbs  # noqa: SLF001
    ratio = Plan(layout).shape(whole)
    counted = np.array([float(p.rows) for p in profiles])
    learned, watch, novelty = learn_hours(
        layout, NUMBERS + WORDS, profiles, counted, first=0, ratio=ratio, declared=Declared()
    )
    monitor = Monitor(clock=lambda: 1e9, keep=keep)
    monitor._start(Hours(learned, watch, novelty, monitor._gate, keep=keep))  # noqa: SLF001
    return world, monitor, recode
