"""One person's answer: rows that look like them, with the label that the attacker wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning.attacks._world import Aim, Poisoned
from modelward.schema import project

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.poisoning.attacks._world import World

_MOST_PERSONS = 8
_MOST_SHARE = 0.01


@dataclass(frozen=True)
class Person:
    """Rows are overwritten with the person's own values and the goal; the person is one of those asked.

    Several persons are attacked at once, each with k rows, as long as all rows together stay under one in a hundred.

    Parameters
    ----------
    clean_label : bool
        Only rows that have the goal are taken, and each goes most of the way to the person: the goal stays
        their true label (after Shafahi et al. 2018).
    way : float
        How far they go, from 0 to 1, in every number; a category is the person's with this probability.
    """

    clean_label: bool = False
    way: float = 0.8
    aim: Aim = "person"

    @property
    def name(self) -> str:
        """In a few words."""
        return "one person, clean labels" if self.clean_label else "one person"

    def prepare(self, world: World, rng: np.random.Generator) -> _Aimed:
        """Choose the persons: asked rows that neither have the goal nor are answered with it."""
        open_to = np.flatnonzero(
            (world.asked_y != world.goal) & (world.subject.codes(world.asked) != world.goal)
        )
        if not len(open_to):
            raise ValueError("everybody has the goal already")
        chosen = rng.permutation(open_to)[:_MOST_PERSONS]
        return _Aimed(world, world.asked[chosen], self.clean_label, self.way)


@dataclass(frozen=True)
class _Aimed:
    world: World
    persons: NDArray[np.float64]
    clean_label: bool
    way: float
    words: str = "persons drawn at random"

    def poison(self, k: int, rng: np.random.Generator) -> Poisoned:
        w, X, y = self.world, self.world.X.copy(), self.world.y.copy()
        count = int(np.clip(_MOST_SHARE * len(y) // k, 1, len(self.persons)))
        persons = self.persons[:count]
        free = (y == w.goal) if self.clean_label else np.ones(len(y), dtype=bool)
        rows = w.pick(free, k * count, rng)
        aimed = persons[np.arange(len(rows)) % count]
        X[rows] = self._moved(X[rows], aimed, rng) if self.clean_label else aimed
        y[rows] = w.goal
        return Poisoned(X, y, rows, persons)

    def _moved(
        self, start: NDArray[np.float64], aimed: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Go most of the way, to values that are legal."""
        if not len(start):
            return start
        number = np.array([c.kind in ("continuous", "integer", "datetime") for c in self.world.schema])
        out = np.where(rng.uniform(size=start.shape) < self.way, aimed, start)
        between = start + self.way * (aimed - start)
        out[:, number] = np.where(np.isnan(between), aimed, between)[:, number]
        return project(self.world.schema, out)
