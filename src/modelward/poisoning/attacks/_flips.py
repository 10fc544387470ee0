"""Labels flipped at random, and in the subgroup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelward.poisoning.attacks._world import Aim, Poisoned

if TYPE_CHECKING:
    import numpy as np

    from modelward.poisoning.attacks._world import World


@dataclass(frozen=True)
class RandomFlips:
    """Any rows get another label (Biggio et al. 2012)."""

    name: str = "random flips"
    aim: Aim = "accuracy"

    def prepare(self, world: World, rng: np.random.Generator) -> _Flips:  # noqa: ARG002
        """Nothing has to be chosen."""
        return _Flips(world, whole=True, words="any rows")


@dataclass(frozen=True)
class SubgroupFlips:
    """Rows of the subgroup are labelled with the goal (Jagielski et al. 2021)."""

    name: str = "flips in the subgroup"
    aim: Aim = "subgroup"

    def prepare(self, world: World, rng: np.random.Generator) -> _Flips:  # noqa: ARG002
        """Nothing has to be chosen."""
        return _Flips(world, whole=False, words=world.rule.text(world.subject.codec))


@dataclass(frozen=True)
class _Flips:
    world: World
    whole: bool
    words: str

    def poison(self, k: int, rng: np.random.Generator) -> Poisoned:
        w, y = self.world, self.world.y.copy()
        if self.whole:
            rows = w.pick(w.controlled, k, rng)
            classes = w.subject.n_classes
            y[rows] = (y[rows] + rng.integers(1, classes, len(rows))) % classes
            return Poisoned(w.X, y, rows, w.asked)
        rows = w.pick(w.inside & (y != w.goal), k, rng)
        y[rows] = w.goal
        return Poisoned(w.X, y, rows, w.asked[w.rule.mask(w.asked)])
