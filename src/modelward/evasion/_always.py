"""Proof that every legal row in which some columns are held gets a label, by the exact searches.

A recipe is proven if the exact search finds no way out: in a schema in which its columns stay in their ranges and
everything else may take any legal value, no row has another label.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from modelward.errors import BudgetExhausted
from modelward.evasion._recipe_moves import bin_ends, follow
from modelward.evasion._result import Outcome
from modelward.evasion._space import Space
from modelward.evasion._thresholds import split_points
from modelward.evasion.ensemble import EnsembleSearch
from modelward.evasion.linear import LinearSearch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from modelward.evasion._recipe_moves import Held
    from modelward.evasion._result import Attack
    from modelward.models import Subject
    from modelward.schema import Column, FeatureSchema

_RANDOM = 400


class Prover:
    """Asks the exact search of a model whether a recipe has a way out.

    Parameters
    ----------
    subject : Subject
    schema : FeatureSchema
    goal : int
        The label that every row shall get.
    origin : ndarray of shape (d,)
        Some legal row without missing cells, from which the search begins.
    work : int
        What the exact search may do for one proof, see `EnsembleSearch`.
    """

    def __init__(
        self, subject: Subject, schema: FeatureSchema, goal: int, origin: NDArray[np.float64], work: int
    ) -> None:
        self.subject, self.schema, self.goal, self.origin = subject, schema, goal, origin
        self.space = Space(schema)
        self.loose = Space(self._loose())
        self.search: Attack | None = None
        if EnsembleSearch.fits(subject, schema):
            self.search = EnsembleSearch(work)
        elif LinearSearch.fits(subject):
            self.search = LinearSearch()
        self.cuts = split_points(subject) if self.search is not None else None

    def holds(self, held: Sequence[Held]) -> bool:
        """Say whether every legal row without missing cells that has these values is proven to get the goal."""
        if self.search is None or not self._survives(held):
            return False
        schema = self._free(held)
        start, _ = follow(self.loose, self.origin[None], held)
        result = self.search.run(self.subject, start, np.array([self.goal]), schema=schema)
        return result.outcome[0] is Outcome.NOT_MOVED and bool(result.proven[0])

    def _survives(self, held: Sequence[Held]) -> bool:
        """Say whether random legal rows all get the goal: a counterexample is cheaper than a failed proof."""
        rng = np.random.default_rng(0)
        space = self.loose
        X = np.tile(self.origin, (_RANDOM, 1))
        singles = len(space.units) - len(space.groups)
        for u, unit in enumerate(space.units):
            if u >= singles:
                X[:, unit] = np.eye(len(unit))[rng.integers(len(unit), size=_RANDOM)]
                continue
            j = int(unit[0])
            cut = (self.cuts or {}).get(j, np.empty(0))
            low, high = bin_ends(space, j, cut)
            ends = np.concatenate([low, high])
            ends = ends[np.isfinite(ends) & (ends >= space.low[j]) & (ends <= space.high[j])]
            if len(ends):
                X[:, j] = rng.choice(ends, _RANDOM)
        A, possible = follow(space, X, held)
        try:
            return bool(np.all(self.subject.codes(A[possible]) == self.goal))
        except BudgetExhausted:
            return False

    def widened(self, held: Sequence[Held]) -> tuple[Held, ...]:
        """Return a proven recipe with ranges as wide as the proof reaches, column by column in turn."""
        out = list(held)
        singles = len(self.space.units) - len(self.space.groups)
        for k, one in enumerate(out):
            j = int(self.space.units[one.unit][0])
            if one.unit >= singles or self.schema.columns[j].coded or self.cuts is None:
                continue
            low, high = bin_ends(self.space, j, self.cuts[j])
            real = np.flatnonzero(low <= high)
            at = int(np.flatnonzero((low[real] <= one.value) & (one.value <= high[real]))[0])
            whole = len(real) - 1

            def ends(
                a: int, b: int, one: Held = one, low: NDArray[np.float64] = low[real],
                high: NDArray[np.float64] = high[real], whole: int = whole,
            ) -> Held:  # fmt: skip
                start, stop = -np.inf if a == 0 else low[a], np.inf if b == whole else high[b]
                return replace(one, low=float(start), high=float(stop))

            def proven(wide: Held, k: int = k) -> bool:
                return self.holds([*out[:k], wide, *out[k + 1 :]])

            down = _furthest(at, 0, lambda a, at=at, ends=ends, proven=proven: proven(ends(a, at)))  # type: ignore[misc]
            up = _furthest(
                at,
                whole,
                lambda b, down=down, ends=ends, proven=proven: proven(ends(down, b)),  # type: ignore[misc]
            )
            out[k] = ends(down, up)
        return tuple(out)

    def _loose(self) -> FeatureSchema:
        free = tuple(
            replace(c, mutable=True, direction="any", missing=False, cost=1.0) for c in self.schema.columns
        )
        return replace(self.schema, columns=free)

    def _free(self, held: Sequence[Held]) -> FeatureSchema:
        """Return the schema in which the recipe's columns are held and all others are free."""
        columns: list[Column] = list(self._loose().columns)
        for one in held:
            unit = self.space.units[one.unit]
            if one.low == one.high or len(unit) > 1 or columns[int(unit[0])].coded:
                for j in unit.tolist():
                    columns[j] = replace(columns[j], mutable=False)
                continue
            j = int(unit[0])
            low = None if np.isneginf(one.low) else one.low
            high = None if np.isposinf(one.high) else one.high
            own = columns[j]
            columns[j] = replace(
                own, low=own.low if low is None else low, high=own.high if high is None else high
            )
        return replace(self.schema, columns=tuple(columns))


def _furthest(start: int, end: int, proven: Callable[[int], bool]) -> int:
    """Return the index nearest to `end` that is proven, by halving: wider ranges are never surer."""
    good, bad = start, end + (1 if end >= start else -1)
    while abs(bad - good) > 1:
        middle = (good + bad) // 2
        if proven(middle):
            good = middle
        else:
            bad = middle
    return good
