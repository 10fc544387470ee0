"""The work of a search for recipes, size by size: combinations tried on a few rows first, the better ones on all."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from modelward.evasion._recipe_moves import Held, follow, list_moves
from modelward.evasion._thresholds import split_points
from modelward.stats import Proportion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._always import Prover
    from modelward.evasion._space import Space
    from modelward.evasion.recipes import RecipeSearch
    from modelward.models import Subject

_Combination = tuple[int, ...]
_PROOFS = 6
_BATCH = 8_192


@dataclass
class Climb:
    """The work of one search, size by size."""

    options: RecipeSearch
    subject: Subject
    space: Space
    X: NDArray[np.float64]
    goal: int
    budget: int
    found: list[tuple[tuple[Held, ...], Proportion, bool]] = field(default_factory=list)
    complete: bool = True
    moves: tuple[Held, ...] = ()
    order: list[int] = field(default_factory=list)
    prover: Prover | None = None

    def climb(self, population: NDArray[np.float64]) -> None:
        """Find the best recipe of each size, until one is proven or moves every row and none can be."""
        self.moves = list_moves(self.space, population, split_points(self.subject), self.options.per_column)
        provable = self.prover is not None and self.prover.search is not None
        beam: list[_Combination] = [()]
        units = len({move.unit for move in self.moves})
        self.order = list(range(len(self.moves)))
        for size in range(1, min(self.options.columns, units) + 1):
            combinations = self._extended(beam, size)
            ranked = self._rank(combinations)
            if not ranked:
                return
            moved, chosen = self._best(ranked)
            always = self._proven(ranked, moved) if moved == len(self.X) and provable else None
            if always is not None:
                self.found.append((always, Proportion(moved, len(self.X)), True))
                return
            if self.found and moved <= self.found[-1][1].successes:
                return  # one more column brings nothing
            self.found.append((tuple(self._of(chosen)), Proportion(moved, len(self.X)), False))
            if moved == len(self.X) and not provable:
                return
            beam = [combination for _, _, combination in ranked]
            if size == 1:
                self.order = [i for (i,) in beam]

    def _of(self, combination: _Combination) -> list[Held]:
        return [self.moves[i] for i in combination]

    def _extended(self, beam: list[_Combination], size: int) -> list[_Combination]:
        """Return the beam's combinations with one more assignment, as many as the level's budget covers."""
        left = self.budget - self.subject.meter.rows - self.options.kept * len(self.X)
        levels = self.options.columns - size + 1
        room = max(1, left // levels // max(1, min(self.options.screen, len(self.X))))
        if size > 1 and self._count(size) <= room:
            return self._all(size)
        found: dict[_Combination, None] = {}
        for combination in beam:
            taken = {self.moves[i].unit for i in combination}
            for i in self.order:
                if self.moves[i].unit not in taken:
                    found[tuple(sorted((*combination, i)))] = None
                    if len(found) >= room:
                        self.complete = False
                        return list(found)
        self.complete = self.complete and size == 1
        return list(found)

    def _count(self, size: int) -> int:
        """Return how many combinations there are, or a number beyond any budget."""
        per_unit = np.bincount([move.unit for move in self.moves], minlength=len(self.space.units))
        ways = [1] + [0] * size
        for n in per_unit[per_unit > 0].tolist():
            for k in range(size, 0, -1):
                ways[k] += ways[k - 1] * n
        return ways[size]

    def _all(self, size: int) -> list[_Combination]:
        by_unit: dict[int, list[int]] = {}
        for i, move in enumerate(self.moves):
            by_unit.setdefault(move.unit, []).append(i)
        return [
            tuple(sorted(picked))
            for units in itertools.combinations(sorted(by_unit), size)
            for picked in itertools.product(*(by_unit[u] for u in units))
        ]

    def _rank(self, combinations: list[_Combination]) -> list[tuple[int, float, _Combination]]:
        """Try all on a few rows and the better ones on all; return moved rows, least score, combination."""
        few = self.X[: self.options.screen]
        first = self._try(few, combinations)
        if len(few) == len(self.X):
            return first
        kept = self.options.kept
        return self._try(self.X, [c for _, _, c in first[:kept]]) + first[kept:]

    def _try(
        self, X: NDArray[np.float64], combinations: list[_Combination]
    ) -> list[tuple[int, float, _Combination]]:
        """Return moved rows, mean score and combination, the best first; many are asked about in one call."""
        entries: list[tuple[int, float, _Combination]] = []
        size = max(1, _BATCH // max(1, len(X)))
        for start in range(0, len(combinations), size):
            part = combinations[start : start + size]
            made = [follow(self.space, X, self._of(c)) for c in part]
            labels, scores = self.subject.ask(np.concatenate([A for A, _ in made]))
            possible = np.array([p for _, p in made])
            hits = ((labels == self.goal).reshape(possible.shape) & possible).sum(axis=1)
            mean = np.zeros(len(part))
            if scores is not None:
                mean = np.clip(scores.values[:, self.goal], -1e9, 1e9).reshape(possible.shape).mean(axis=1)
            entries += zip(hits.tolist(), mean.tolist(), part, strict=True)
        return sorted(entries, key=_key)

    def _best(self, ranked: list[tuple[int, float, _Combination]]) -> tuple[int, _Combination]:
        """Return the combination that moves the most rows of those tried on all, the cheapest of equals."""
        tried = ranked[: self.options.kept]
        most = max(moved for moved, _, _ in tried)
        equal = [c for moved, _, c in tried if moved == most]
        return most, min(equal, key=self._price)

    def _price(self, combination: _Combination) -> tuple[float, _Combination]:
        A, possible = follow(self.space, self.X, self._of(combination))
        costs = self.space.unit_costs(A, self.X).sum(axis=1)[possible]
        return (float(costs.mean()) if len(costs) else np.inf), combination

    def _proven(self, ranked: list[tuple[int, float, _Combination]], most: int) -> tuple[Held, ...] | None:
        """Return the first proven recipe of those that move every row, widened as far as the proof reaches."""
        if self.prover is None:
            return None
        full = [c for moved, _, c in ranked[: self.options.kept] if moved == most]
        for combination in full[:_PROOFS]:
            held = tuple(self._of(combination))
            if self.prover.holds(held):
                return self.prover.widened(held)
        return None


def _key(entry: tuple[int, float, _Combination]) -> tuple[int, float, _Combination]:
    return -entry[0], -entry[1], entry[2]
