"""Which k labels move the subgroup most? Searched without gradients, by training again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._standardised import standardised
from modelward.poisoning.attacks._world import Aim, Poisoned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.poisoning.attacks._world import World

_INSIDE = 10.0


@dataclass(frozen=True)
class SearchedFlips:
    """Rows are ranked by a weighted sum of what is known of them; a (1 + 1) evolution strategy finds the weights.

    Known are: whether a row is of the subgroup, how sure the clean model is of the goal, how far the row is from the
    subgroup's middle, and its columns. The k first that do not have the goal are labelled with it. Each try trains a
    model and looks at the attacker's own rows. The search begins at the subgroup's rows, and one ranking serves all
    numbers of rows.

    Parameters
    ----------
    tries : int
        Models that the attacker trains.
    share : float
        Of the training rows: how many labels each try flips.
    """

    tries: int = 16
    share: float = 0.02
    name: str = "searched flips"
    aim: Aim = "subgroup"

    def prepare(self, world: World, rng: np.random.Generator) -> _Ranked:
        """Search."""
        facts = _facts(world)
        best = np.zeros(facts.shape[1])
        best[0] = _INSIDE
        k = max(1, round(self.share * len(world.y)))
        inside = world.rule.mask(world.known_X)
        if not inside.any():
            raise ValueError("the attacker has no rows of the subgroup to try things on")
        seed = int(rng.integers(2**31 - 1))

        def reached(weights: NDArray[np.float64]) -> float:
            made = _Ranked(world, facts @ weights).poison(k, np.random.default_rng(seed))
            model = world.subject.refit(made.X, made.y, seed)
            scores = model.scores(world.known_X[inside])
            if scores is None:
                return float((model.codes(world.known_X[inside]) == world.goal).mean())
            column = scores.values[:, world.goal]
            return float((model.codes(world.known_X[inside]) == world.goal).mean() + 1e-3 * column.mean())

        top, step = reached(best), 3.0
        for _ in range(self.tries - 1):
            trial = best + step * rng.normal(size=len(best))
            value = reached(trial)
            if value > top:
                best, top, step = trial, value, step * 1.5
            else:
                step *= 0.9
        return _Ranked(world, facts @ best)


@dataclass(frozen=True)
class _Ranked:
    world: World
    score: NDArray[np.float64]
    words: str = "rows that a search ranked"

    def poison(self, k: int, rng: np.random.Generator) -> Poisoned:
        w, y = self.world, self.world.y.copy()
        rows = w.pick(y != w.goal, len(y), rng)
        rows = rows[np.argsort(-self.score[rows], kind="stable")][:k]
        y[rows] = w.goal
        return Poisoned(w.X, y, rows, w.asked[w.rule.mask(w.asked)])


def _facts(world: World) -> NDArray[np.float64]:
    """Return what is known of each training row, one column a fact, each standardised but the first."""
    X = world.X
    scaled = standardised(X)
    inside = world.inside
    middle = scaled[inside].mean(axis=0) if inside.any() else np.zeros(X.shape[1])
    scores = world.subject.scores(X)
    sure = (
        scores.values[:, world.goal]
        if scores is not None
        else (world.subject.codes(X) == world.goal).astype(float)
    )
    facts = np.column_stack([np.linalg.norm(scaled - middle, axis=1), sure, np.abs(sure - np.median(sure))])
    facts = standardised(facts)
    return np.column_stack([inside.astype(float), facts, np.clip(scaled, -3, 3)])
