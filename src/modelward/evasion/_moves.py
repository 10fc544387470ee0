"""What one unit of a row can do, as arrays for the compiled trades: see `_trading`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.evasion._trading import LARGEST, MEMBER, NUMBER, ROOT, SUM, VALUE, Ways

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._grid import Grid
    from modelward.evasion._space import Space

_NORMS = {"cost": SUM, "l1": SUM, "l2": ROOT, "linf": LARGEST}


def ways_of(space: Space, grid: Grid) -> Ways:
    """Return what the units of a space can do; a grid has the values of columns in which any change costs the same."""
    column = np.array([int(unit[0]) for unit in space.units], dtype=np.int64)
    kind = _kinds(space, column)
    rules, decimals = space.schema.rules, space.schema.rules.decimals[column]
    none = [np.empty(0)] * (len(space.units) - len(space.groups))
    member_first, members = _joined(none + [group.astype(np.float64) for group in space.groups])
    switches = none + [prices.ravel() for prices in space.switch]
    values = [grid.values[int(j)] if k == VALUE else np.empty(0) for j, k in zip(column, kind, strict=True)]
    return Ways(
        kind,
        column,
        _least(space, column, kind),
        np.asarray(space.rate[column], dtype=np.float64),
        space.low[column],
        space.high[column],
        rules.up[column],
        rules.down[column],
        np.asarray(space.step[column], dtype=np.float64),
        np.where(decimals >= 0, 10.0 ** np.maximum(decimals, 0), 0.0),
        *_joined(values),
        member_first,
        members.astype(np.int64),
        *_joined(switches),
        _NORMS[space.norm],
    )


def _kinds(space: Space, column: NDArray[np.int64]) -> NDArray[np.int64]:
    priced = space.mutable & ~space.flat[column] & (space.rate[column] > 0)
    kind = np.where(priced, NUMBER, VALUE)
    kind[len(space.units) - len(space.groups) :] = MEMBER
    return kind.astype(np.int64)


def _least(space: Space, column: NDArray[np.int64], kind: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the least that a change of each unit costs; inf if it cannot change."""
    out = np.where(kind == NUMBER, space.step[column] * space.rate[column], space.rate[column])
    for g, prices in enumerate(space.switch):
        out[len(space.units) - len(space.groups) + g] = prices[prices > 0].min(initial=np.inf)
    return np.asarray(np.where(space.mutable, out, np.inf), dtype=np.float64)


def _joined(parts: list[NDArray[np.float64]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return where each part begins, and all of them in one piece."""
    first = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    return first, np.concatenate([np.empty(0), *parts])
