"""Where a search starts: rows of other people, as one's own row could become them."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from modelward.evasion._pool import Pool
from modelward.evasion._walkers import Walkers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._desk import Desk
    from modelward.evasion._grid import Grid
    from modelward.evasion._space import Space


def starting_points(
    desk: Desk,
    grid: Grid,
    reference: NDArray[np.float64] | None,
    candidates: int,
    seed: int,
    rows: NDArray[np.int64] | None = None,
) -> Walkers:
    """Ask about rows of other people with the immutable cells of one's own; keep those that hit.

    Rows of X that got no hit from the nearest ask about more, and about draws from the schema. Without `rows` all that
    are open are looked after.
    """
    found = []
    rows = desk.open() if rows is None else rows
    if reference is not None and len(reference):
        pool = Pool(desk.space, reference)
        found.append(_ask_points(desk, *pool.nearest(rows, desk.X[rows], candidates)))
        rows = np.setdiff1d(rows, found[0].owner)
        found.append(_ask_points(desk, *pool.nearest(rows, desk.X[rows], 4 * candidates)))
    rows = rows[~np.isfinite(desk.best_cost[rows])]
    size = 4 * candidates
    drawn = []
    for i in rows.tolist():
        own = Pool(desk.space, _draw(desk.space, grid, desk.X[[i]], 4 * size, seed))
        drawn.append(Walkers(*own.nearest(np.array([i]), desk.X[[i]], size)))
    more = Walkers.concatenate(drawn, desk.X.shape[1])
    found.append(_ask_points(desk, more.owner, more.A, more.cost))
    return Walkers.concatenate(found, desk.X.shape[1])


def row_rng(seed: int, x: NDArray[np.float64]) -> np.random.Generator:
    """Return random numbers that depend on the seed and the row alone, not on the batch that it is in."""
    return np.random.default_rng([seed, zlib.crc32(np.ascontiguousarray(x).tobytes())])


def _ask_points(
    desk: Desk, owner: NDArray[np.int64], A: NDArray[np.float64], costs: NDArray[np.float64]
) -> Walkers:
    hit = desk.ask(owner, A, costs)
    return Walkers(owner[hit], A[hit], costs[hit])


def _draw(space: Space, grid: Grid, x: NDArray[np.float64], size: int, seed: int) -> NDArray[np.float64]:
    """Draw rows from the grid, each with its own share of changed units."""
    rng = row_rng(seed, x)
    pool = np.repeat(x, size, axis=0)
    keep = rng.uniform(size=(size, len(space.units))) < rng.uniform(size=(size, 1))
    for u, unit in enumerate(space.units):
        if not space.mutable[u]:
            continue
        if len(unit) > 1:
            drawn = np.eye(len(unit))[rng.integers(len(unit), size=size)]
        else:
            values = grid.values[int(unit[0])]
            drawn = rng.choice(values, size=size)[:, None] if len(values) else x[:, unit].repeat(size, 0)
        pool[:, unit] = np.where(keep[:, [u]], pool[:, unit], drawn)
    return pool
