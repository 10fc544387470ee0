"""A column of the subgroup's rows multiplied, labels left alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from modelward.poisoning.attacks._world import Aim, Poisoned

if TYPE_CHECKING:
    from modelward.poisoning.attacks._world import World


@dataclass(frozen=True)
class Scaling:
    """Rows of the subgroup that have the goal get a column times a factor; which of both, a small tree tells.

    Rows with the goal are moved to where other rows of the subgroup are, so that those look like the goal, too.

    Parameters
    ----------
    factors : tuple of float
        Tried on every numeric column.
    """

    factors: tuple[float, ...] = (0.0, 0.25, 0.65, 1.5, 4.0)
    name: str = "scaled column"
    aim: Aim = "subgroup"

    def prepare(self, world: World, rng: np.random.Generator) -> _Scaled:
        """Choose column and factor."""
        columns = [j for j in world.free_columns if world.schema.columns[j].kind in ("continuous", "integer")]
        if not columns:
            raise ValueError("there is no numeric column to scale")
        inside = world.rule.mask(world.known_X)
        if not inside.any():
            raise ValueError("the attacker has no rows of the subgroup to try things on")
        rows = world.pick(world.inside & (world.y == world.goal), len(world.y), rng)

        def reached(column: int, factor: float) -> float:
            made = _Scaled(world, column, factor).poison(len(rows), np.random.default_rng(0))
            tree = DecisionTreeClassifier(max_depth=6, min_samples_leaf=10, random_state=0).fit(
                made.X, made.y
            )
            where = list(tree.classes_).index(world.goal) if world.goal in tree.classes_ else None
            if where is None:
                return 0.0
            return float(tree.predict_proba(world.known_X[inside])[:, where].mean())

        best = max(((j, f) for j in columns for f in self.factors), key=lambda pair: reached(*pair))
        return _Scaled(world, *best)


@dataclass(frozen=True)
class _Scaled:
    world: World
    column: int
    factor: float

    @property
    def words(self) -> str:
        return f"{self.world.schema.names[self.column]} × {self.factor:g}"

    def poison(self, k: int, rng: np.random.Generator) -> Poisoned:
        w, X = self.world, self.world.X.copy()
        rows = w.pick(w.inside & (w.y == w.goal), k, rng)
        values = X[rows, self.column] * self.factor
        X[rows, self.column] = np.round(values) if w.schema.columns[self.column].kind == "integer" else values
        return Poisoned(X, w.y, rows, w.asked[w.rule.mask(w.asked)])
