"""Walks to a cheap flip before anything is proven, where prices add up; compiled, see `_kernels` for the words."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelward.evasion._entering import enter, farthest, promised
from modelward.evasion._kernels import EPS, compiled, copy_into, holds
from modelward.evasion._landscape import NODE, bins_in, landscape, ranges

_FARTHER = 4.0
"""By what the reach grows while there is no flip within it."""
_TINY = 1e-9
_LESS = 1e-6
"""By what share a flip has to be cheaper for the walk to go on."""


@compiled
def climb(  # noqa: C901 - compiled as one loop
    trees: Any, gain: Any, p: Any, rel: Any, need: Any, power: Any, most: Any, work: Any, point: Any, stop: Any
) -> Any:  # fmt: skip
    """Walk from a point to a flip, one unit at a time, then take back what was not needed.

    Returns
    -------
    cost : float
        Of the flip at `point`; inf if the walk got stuck, would cost `most` or would take more than `work`.
    work : int
        What nodes and bins that were looked at took.
    """
    units = len(p.own)
    change = np.empty(p.start[units] + units + 1)
    first, last = np.empty(units, dtype=np.int64), np.empty(units, dtype=np.int64)
    ranges(p, most, first, last)
    spent = paid(p, point)
    there = False
    taken, bins = 0, bins_in(first, last)
    for _ in range(4 * units + 8):
        margin, looked = landscape(trees, gain, p, point, first, last, change)
        taken += bins + NODE * looked
        best, bu, bb, reached = 0.0, -1, -1, np.inf
        for u in range(units):
            if point[u] < 0:
                continue
            now = p.price[p.start[u] + point[u]]
            for b in range(first[u], last[u] + 1):
                price = p.price[p.start[u] + b]
                if b == point[u] or price == np.inf or spent + price - now >= most:
                    continue
                up = change[p.start[u] + u + b]
                if margin >= need:
                    if margin + up >= need and price - now < best - EPS * spent:
                        best, bu, bb = price - now, u, b
                elif margin + up >= need:
                    if price - now < reached:
                        reached, bu, bb = price - now, u, b
                elif reached == np.inf and up > 0:
                    score = up / max(price - now, 1e-9) ** power
                    if score > best:
                        best, bu, bb = score, u, b
        if bu < 0:
            good = margin >= need and spent < most and holds(p, rel, point)
            return (spent if good else np.inf), taken
        spent += p.price[p.start[bu] + bb] - p.price[p.start[bu] + point[bu]]
        point[bu] = bb
        there = margin >= need or reached < np.inf
        if taken > work or stop[0]:
            break
    return (spent if there and spent < most and holds(p, rel, point) else np.inf), taken


@compiled
def paid(p: Any, point: Any) -> Any:
    """Return the sum of a point's prices."""
    total = 0.0
    for u in range(len(point)):
        if point[u] >= 0:
            total += p.price[p.start[u] + point[u]]
    return total


@compiled
def walk(  # noqa: C901 - compiled as one loop
    leaves: Any, trees: Any, gain: Any, p: Any, rel: Any, need: Any, most: Any, low: Any, work: Any, point: Any,
    stop: Any,
) -> Any:  # fmt: skip
    """Look for a cheap flip before anything is proven, where prices add up.

    Where none is known the reach doubles until a walk succeeds. Then one unit after the other goes back, and a walk
    from there looks for something cheaper, as long as that is found.

    Parameters
    ----------
    leaves, trees, gain, p, rel
        As in `cheapest_flip`; `gain` is what each leaf gives to the rival over the class that is left.
    need : float
        The sum at which a point flips for sure.
    most : float
        What `point`, a flip that is known, costs; inf where none is.
    low : float
        The sum under which no point flips.
    work : int
    point : ndarray of int64, shape (U,)
    stop : ndarray of bool, shape (1,)
        Whether to end.

    Returns
    -------
    cost : float
        Of the flip at `point`; `most` if none was found.
    bound : float
        What any flip costs at least; inf if there is none.
    left : int
        What is left of the work.
    """
    units = len(p.own)
    far = farthest(p, most)
    trial = np.empty(units, dtype=np.int64)
    found, bound, reach, power = most, 0.0, far / 1024, 1.0
    hopeless = True
    while found == np.inf:
        if hopeless:
            active, tree, _, _, looked = enter(leaves, trees, p, reach * (1 + 1e-9) + 1e-300)
            work -= looked
            hopeless = promised(active, tree, gain) < low - _TINY * (1 + abs(low))
        if hopeless:
            bound = reach if reach < far else np.inf
        else:
            copy_into(trial, p.own)
            found, taken = climb(
                trees, gain, p, rel, need, power, reach * (1 + 1e-9) + 1e-300, work, trial, stop
            )
            work -= taken
            if found < np.inf:
                copy_into(point, trial)
        if reach >= far or work < 0 or stop[0]:
            break
        reach = min(_FARTHER * reach, far)
    if found == np.inf:
        return most, bound, work
    again, starts = True, -3
    while again and work > 0 and not stop[0]:
        again = False
        # The first attempts begin at the point, and at the row itself.
        for u in range(starts, units):
            if (u >= 0 and (point[u] < 0 or point[u] == p.own[u])) or work < 0 or stop[0]:
                continue
            copy_into(trial, point if u >= -1 else p.own)
            if u >= 0:
                trial[u] = p.own[u]
            elif u < -1:
                power = 0.5 if u == -3 else 0.0
            cost, taken = climb(trees, gain, p, rel, need, power, found, work, trial, stop)
            work -= taken
            if cost < found * (1 - _LESS):
                found, again = cost, True
                copy_into(point, trial)
        power, starts = 0.5, 0
    return found, bound, work
