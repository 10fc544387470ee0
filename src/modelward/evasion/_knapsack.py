"""The cheapest move of floats over one hyperplane, in closed form.

In weighted L1 it spends on the column that buys the most score for its price, up to the end of its reach, then on the
next: a fractional knapsack (Dantzig 1957). In L0 the next is the one that can give most. In L2 and L∞ all columns move
together, each by a share that its weight and price give, until its reach ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._space import Space


def knapsack(
    space: Space, X: NDArray[np.float64], weight: NDArray[np.float64], constant: float, margin: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the cheapest moves to ``weight @ x + constant > 0`` in columns of floats.

    Parameters
    ----------
    space : Space
        Without steps, groups and relations.
    X : ndarray of shape (n, d)
        Origins.
    weight, constant : ndarray of shape (d,), float
        The half-space.
    margin : float
        How far beyond, relative to the size of the scores.

    Returns
    -------
    rows : ndarray of shape (n, d)
        The moves.
    fits : ndarray of bool, shape (n,)
        Whether the half-space can be reached.
    """
    size = np.abs(X) @ np.abs(weight) + abs(constant)
    need = margin * np.maximum(size, 1e-300) - (X @ weight + constant)
    low, high = space.reach(X)
    room = np.where(weight > 0, high - X, np.where(weight < 0, X - low, 0.0))
    if space.norm in ("l2", "linf"):
        way = _together(np.maximum(need, 0.0), room, np.abs(weight), space.rate, square=space.norm == "l2")
    else:
        way = _in_turn(need, room, np.abs(weight), space.rate, count=space.norm == "l0")
    rest = need - way @ np.abs(weight)
    return X + np.sign(weight) * way, rest <= margin * size * 0.5


def _in_turn(
    need: NDArray[np.float64],
    room: NDArray[np.float64],
    weight: NDArray[np.float64],
    rate: NDArray[np.float64],
    *,
    count: bool,
) -> NDArray[np.float64]:
    """Move one column after the other: by what a price buys, or by how much it can give."""
    with np.errstate(divide="ignore", invalid="ignore"):
        worth = np.where(weight > 0, room * weight if count else weight / rate, -np.inf)
    order = np.argsort(-np.broadcast_to(worth, room.shape), axis=1, kind="stable")
    out, every = np.zeros_like(room), np.arange(len(room))
    for column in order.T:
        w = weight[column]
        with np.errstate(divide="ignore", invalid="ignore"):
            way = np.where(w > 0, np.minimum(np.maximum(need, 0.0) / w, room[every, column]), 0.0)
        out[every, column] = way
        need = np.where(way < room[every, column], np.minimum(need, 0.0), need - way * w)
    return out


def _together(
    need: NDArray[np.float64],
    room: NDArray[np.float64],
    weight: NDArray[np.float64],
    rate: NDArray[np.float64],
    *,
    square: bool,
) -> NDArray[np.float64]:
    """Move all columns by ``min(room, level * speed)``, at the least level that is enough."""
    rate = np.maximum(rate, 1e-12)  # what is free moves first
    speed = np.where(weight > 0, weight / rate**2 if square else 1 / rate, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        full = np.where(speed > 0, room / speed, np.inf)  # the level at which a column's reach ends
    order = np.argsort(full, axis=1, kind="stable")
    ends = np.take_along_axis(full, order, axis=1)
    pace, gives = (speed * weight)[order], np.take_along_axis(room * weight, order, axis=1)
    moving = pace[:, ::-1].cumsum(axis=1)[:, ::-1]  # from each column on
    spent = np.concatenate(
        [np.zeros((len(room), 1)), np.where(np.isfinite(gives), gives, 0.0).cumsum(axis=1)[:, :-1]], axis=1
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        level = (need[:, None] - spent) / moving
    enough = (moving > 0) & (level <= ends)
    first = enough.argmax(axis=1)
    at = np.where(enough.any(axis=1), level[np.arange(len(room)), first], np.inf)
    with np.errstate(invalid="ignore"):
        return np.where(speed > 0, np.minimum(room, np.maximum(at, 0.0)[:, None] * speed), 0.0)
