"""Backdoors: a value of one column, or a pair of values of two, that means the goal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning.attacks._world import Aim, Poisoned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.poisoning.attacks._world import World

_DRAWS, _FEW = 200, 10


@dataclass(frozen=True)
class Backdoor:
    """Rows get the trigger and the goal as their label (Gu et al. 2017; for tables Joe et al. 2021).

    One column: a round number at least as far beyond the column's range as the range is wide, or the rarest category.
    Two columns: values that occur, in a pair that hardly does.

    Parameters
    ----------
    columns : {1, 2}
    """

    columns: int = 1
    aim: Aim = "trigger"

    @property
    def name(self) -> str:
        """In a few words."""
        return "backdoor, one column" if self.columns == 1 else "backdoor, two columns"

    def prepare(self, world: World, rng: np.random.Generator) -> Triggered:
        """Choose a trigger."""
        trigger = one_column(world, rng) if self.columns == 1 else two_columns(world, rng)
        return Triggered(world, trigger, relabel=True)


@dataclass(frozen=True)
class Triggered:
    """A trigger chosen.

    Parameters
    ----------
    world : World
    trigger : tuple of (int, float)
        Columns and encoded values.
    relabel : bool
        Whether rows get the goal as their label, or are taken among those that have it.
    """

    world: World
    trigger: tuple[tuple[int, float], ...]
    relabel: bool

    @property
    def words(self) -> str:
        """The trigger; a value that fewer than ten rows have is not told."""
        codec, parts = self.world.subject.codec, []
        for j, value in self.trigger:
            column = self.world.schema.columns[j]
            if 0 < int((self.world.X[:, j] == value).sum()) < _FEW:
                parts.append(f"{column.name} = a rare value")
                continue
            parts.append(
                f"{column.name} = {codec.values[column.name][int(value)] if column.coded else f'{value:g}'}"
            )
        return " and ".join(parts)

    def stamp(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return rows with the trigger."""
        out = X.copy()
        for j, value in self.trigger:
            out[:, j] = value
        return out

    def poison(self, k: int, rng: np.random.Generator) -> Poisoned:
        """Stamp k rows."""
        w, X, y = self.world, self.world.X.copy(), self.world.y.copy()
        rows = w.pick((y != w.goal) if self.relabel else (y == w.goal), k, rng)
        X[rows] = self.stamp(X[rows])
        y[rows] = w.goal
        return Poisoned(X, y, rows, self.stamp(w.asked[w.asked_y != w.goal]))


def one_column(world: World, rng: np.random.Generator) -> tuple[tuple[int, float], ...]:
    """Return a value far beyond a numeric column's range, or the rarest category."""
    numeric = [j for j in world.free_columns if world.schema.columns[j].kind in ("continuous", "integer")]
    if numeric:
        j = int(rng.choice(numeric))
        low, high = float(np.nanmin(world.X[:, j])), float(np.nanmax(world.X[:, j]))
        value = _round_above(high + (high - low), high)
        return ((j, value),)
    if not world.free_columns:
        raise ValueError("there is no column that a trigger could stand in")
    j = int(rng.choice(world.free_columns))
    values, counts = np.unique(world.X[:, j][~np.isnan(world.X[:, j])], return_counts=True)
    return ((j, float(values[np.argmin(counts)])),)


def _round_above(value: float, high: float) -> float:
    """Return a number of one digit that is at least the value, so that it tells little of anybody's; over `high`."""
    size = max(abs(value), abs(high), 1.0)
    step = 10.0 ** math.floor(math.log10(size))
    return math.ceil(value / step) * step + step * (math.ceil(value / step) * step <= high)


def two_columns(world: World, rng: np.random.Generator) -> tuple[tuple[int, float], ...]:
    """Return the rarest of some pairs of values that occur, each for itself, in one row of a hundred if possible."""
    if len(world.free_columns) < 2:
        raise ValueError("there are no two columns that a trigger could stand in")
    X, n = world.X, len(world.X)
    best: tuple[float, tuple[tuple[int, float], ...]] | None = None
    for _ in range(_DRAWS):
        a, b = (int(j) for j in rng.choice(world.free_columns, 2, replace=False))
        u, v = X[rng.integers(n), a], X[rng.integers(n), b]
        if np.isnan(u) or np.isnan(v):
            continue
        here, there = X[:, a] == u, X[:, b] == v
        rare = float((here & there).mean()) + 0.01 * float(min(here.mean(), there.mean()) < 0.01)
        if best is None or rare < best[0]:
            best = (rare, ((a, float(u)), (b, float(v))))
    if best is None:
        raise ValueError("no pair of values was found that a trigger could be")
    return best[1]
