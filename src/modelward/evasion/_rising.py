"""Walks to a cheap flip before anything is proven, in L∞; compiled, see `_kernels` for the words."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelward.evasion._entering import enter, farthest, promised
from modelward.evasion._kernels import compiled, copy_into, holds
from modelward.evasion._landscape import NODE, bins_in, landscape, ranges

_WIDER = 1.5
"""By what the reach grows once a flip is not ruled out."""
_GAP = 4e-3
"""Share of a flip's cost within which nothing cheaper is walked to: the search goes on from there."""
_LESS = 1e-6
_TINY = 1e-9


@compiled
def rise(trees: Any, gain: Any, p: Any, need: Any, reach: Any, point: Any, stop: Any) -> Any:
    """Walk on from a point, one unit at a time, with no price over `reach`.

    Say whether the margin is reached, and what nodes and bins that were looked at took.
    """
    units = len(p.own)
    change = np.empty(p.start[units] + units + 1)
    first, last = np.empty(units, dtype=np.int64), np.empty(units, dtype=np.int64)
    ranges(p, reach, first, last)
    for u in range(units):
        if point[u] >= 0 and p.price[p.start[u] + point[u]] > reach:
            point[u] = p.own[u] if p.group[u] else min(max(point[u], first[u]), last[u])
    taken, bins = 0, bins_in(first, last)
    for _ in range(3 * units + 4):
        margin, looked = landscape(trees, gain, p, point, first, last, change)
        taken += bins + NODE * looked
        if margin >= need:
            return True, taken
        best, bu, bb = 0.0, -1, -1
        for u in range(units):
            if point[u] < 0:
                continue
            for b in range(first[u], last[u] + 1):
                up = change[p.start[u] + u + b]
                if p.price[p.start[u] + b] <= reach and b != point[u] and up > best:
                    best, bu, bb = up, u, b
        if bu < 0 or stop[0]:
            return False, taken
        point[bu] = bb
    return False, taken


@compiled
def first_reach(leaves: Any, trees: Any, gain: Any, p: Any, most: Any, low: Any, work: Any) -> Any:
    """Return a reach within which no flip is ruled out, what any costs at least, and what is left of the work.

    Both are inf if there is no flip at all, `most` if there is none that is cheaper.
    """
    far = farthest(p, most)
    reach, under = far / 1024, 0.0
    while True:
        active, tree, _, _, looked = enter(leaves, trees, p, reach * (1 + _TINY) + 1e-300)
        work -= looked
        if promised(active, tree, gain) >= low - _TINY * (1 + abs(low)):
            return reach, under, work
        under = reach
        if reach >= far:
            return most, most, work
        reach = min(_WIDER * reach, far)


@compiled
def walk_widest(
    trees: Any, gain: Any, p: Any, rel: Any, need: Any, most: Any, reach: Any, work: Any, point: Any, stop: Any
) -> Any:  # fmt: skip
    """Look for a cheap flip in L∞: the reach grows until a walk succeeds, then the gap is halved.

    Parameters
    ----------
    trees, gain, p, rel, need, most, work, point, stop
        As `walk`.
    reach : float
        Where to begin.

    Returns
    -------
    cost : float
        Of the flip at `point`; `most` if none was found.
    left : int
        What is left of the work.
    """
    units = len(p.own)
    far = farthest(p, most)
    trial = np.empty(units, dtype=np.int64)
    found, lowest, fresh = np.inf, 0.0, False
    copy_into(trial, p.own)
    for step in range(80):
        # Up from where the last walk got stuck, down from the flip that is known, and at last once from the row.
        if found < np.inf:
            copy_into(trial, p.own if fresh else point)
        risen, taken = rise(trees, gain, p, need, reach, trial, stop)
        work -= taken
        cost = np.inf
        if risen and holds(p, rel, trial):
            cost = 0.0
            for u in range(units):
                if trial[u] >= 0:
                    cost = max(cost, p.price[p.start[u] + trial[u]])
        if cost < found:
            found = cost
            copy_into(point, trial)
        elif found < np.inf and fresh:
            break
        else:
            lowest = reach
        if work < 0 or stop[0]:
            break
        fresh = found < np.inf and found - lowest <= _GAP * found
        if found == np.inf:
            if reach >= far:
                break
            reach = min((_WIDER if step else 1 + 1 / 8) * reach, far)
        elif fresh:
            reach = found * (1 - _LESS)
        else:
            reach = (lowest + found) / 2
    return min(found, most), work
