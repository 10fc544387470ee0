"""Label flips: at random, and within one subgroup."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def flip_random(
    y: NDArray[np.int64], share: float, n_classes: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Give a share of the rows another label, drawn evenly from the other classes.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Labels as indices.
    share : float
        Of all rows.
    n_classes : int
        Number of classes.
    rng : Generator
        Draws rows and labels.

    Examples
    --------
    >>> flipped = flip_random(np.zeros(100, dtype=np.int64), 0.1, 2, np.random.default_rng(0))
    >>> int(flipped.sum())
    10
    """
    out = y.copy()
    rows = rng.permutation(len(y))[: round(share * len(y))]
    out[rows] = (out[rows] + rng.integers(1, n_classes, len(rows))) % n_classes
    return out


def flip_subgroup(
    y: NDArray[np.int64], members: NDArray[np.bool_], share: float, goal: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Relabel rows of a subgroup to the goal: as many as `share` of all rows, or all that the subgroup has.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Labels as indices.
    members : ndarray of shape (n,)
        Whether each row is of the subgroup.
    share : float
        Of all rows, not of the subgroup: what an attacker must control.
    goal : int
        The class that they are given.
    rng : Generator
        Draws the rows.

    Examples
    --------
    >>> labels, members = np.zeros(100, dtype=np.int64), np.arange(100) < 5
    >>> int(flip_subgroup(labels, members, 0.1, 1, np.random.default_rng(0)).sum())
    5
    """
    out = y.copy()
    rows = rng.permutation(np.flatnonzero(members & (y != goal)))[: round(share * len(y))]
    out[rows] = goal
    return out
