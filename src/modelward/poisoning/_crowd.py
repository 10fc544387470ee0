"""Whether more training rows lie where a patch leads than the reference rows explain.

An honest tree gives a value that few rows have the answer of those few rows, and a patched row gets it too. What no
honest sample can have is a place crowded with training rows in which reference rows from the same source hardly are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binom

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.models import Forest

PLANTED = 1e-3
"""Chance from which on a crowd is no chance any more."""
OPEN = 0.05
"""Chance below which a crowd is not called honest either."""


@dataclass(frozen=True)
class Crowd:
    """Training rows against reference rows in one place.

    Parameters
    ----------
    trained, of : float
        Training rows there, and in all (of one tree's sample, where the trees tell).
    reference, n : float
        Reference rows there, and in all.
    chance : float
        That so large a part of both were training rows if both came from one source.

    Examples
    --------
    >>> Crowd.of_counts(9, 6_000, 4, 6_000).honest, Crowd.of_counts(120, 24_000, 1, 6_000).planted
    (True, True)
    """

    trained: float
    of: float
    reference: float
    n: float
    chance: float

    @classmethod
    def of_counts(cls, trained: float, of: float, reference: float, n: float) -> Crowd:
        """Return the crowd with its chance."""
        chance = float(binom.sf(round(trained) - 1, round(trained) + round(reference), of / (of + n)))
        return cls(trained, of, reference, n, chance)

    @property
    def planted(self) -> bool:
        """Whether no chance brings so many training rows together."""
        return self.chance < PLANTED

    @property
    def honest(self) -> bool:
        """Whether the reference leads one to expect so many training rows."""
        return self.chance >= OPEN


class Leaves:
    """Counts of training rows in the leaves of a forest, beside those of the reference.

    Parameters
    ----------
    forest : Forest
        All trees with counts.
    X : ndarray of shape (n, d)
        Reference rows.
    """

    def __init__(self, forest: Forest, X: NDArray[np.float64]) -> None:
        seen = forest.seen(X)
        self.forest, self.n = forest, len(X)
        self.reference = [np.bincount(t.leaves_of(seen), minlength=len(t.left)) for t in forest.trees]

    @staticmethod
    def told_by(forest: Forest | None) -> bool:
        """Say whether a forest tells how many training rows came to its leaves."""
        return forest is not None and all(tree.count is not None for tree in forest.trees)

    def crowd(
        self, befores: Sequence[NDArray[np.float64]], patched: NDArray[np.float64], goal: int
    ) -> Crowd | None:
        """Return the crowd of the leaves that patched rows are lifted into; None if no tree lifts any.

        Each tree is judged by itself, and of all trees the one is returned at which half of the lift is reached, the
        most crowded first: so a crowd counts only where most of the pull comes from crowded leaves.

        Parameters
        ----------
        befores : sequence of ndarray of shape (n, d)
            The rows without the patch, and with parts of it: what a part does is no work of the whole.
        patched : ndarray of shape (n, d)
        goal : int
        """
        earlier, after = [self.forest.seen(rows) for rows in befores], self.forest.seen(patched)
        found: list[tuple[Crowd, float]] = []
        for tree, reference in zip(self.forest.trees, self.reference, strict=True):
            if tree.count is None:
                return None
            value = tree.value[:, goal] - np.delete(tree.value, goal, axis=1).mean(axis=1)
            size, entered = len(tree.left), tree.leaves_of(after)
            left = [tree.leaves_of(rows) for rows in earlier]
            lift = np.maximum(value[entered] - np.max([value[leaf] for leaf in left], axis=0), 0.0)
            gained = np.bincount(entered, weights=lift, minlength=size)
            usual = np.max([np.bincount(leaf, minlength=size) for leaf in left], axis=0)
            # A leaf that many rows enter without the patch has its training rows for other reasons.
            leaves = (np.bincount(entered, minlength=size) > 2 * usual) & (gained > 0)
            if leaves.any():
                trained, there = float(tree.count[leaves].sum()), float(reference[leaves].sum())
                crowd = Crowd.of_counts(trained, float(tree.count[0]), there, self.n)
                found.append((crowd, float(gained[leaves].sum())))
        if not found:
            return None
        found.sort(key=lambda item: item[0].chance)
        reached = np.cumsum([lift for _, lift in found])
        return found[int(np.searchsorted(reached, reached[-1] / 2))][0]
