"""Walks to a cheap flip before anything is proven, compiled; see `_kernels` for the words."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelward.evasion._entering import enter
from modelward.evasion._kernels import EPS, compiled, copy_into, holds, inlined

_NODE = 8
"""Work of looking at one node, as the constraints of leaves cost it that are looked at later; a bin is one."""
_FARTHER = 4.0
"""By what the reach grows while there is no flip within it."""
_TINY = 1e-9
_LESS = 1e-6
"""By what share a flip has to be cheaper for the walk to go on."""


@compiled
def _ranges(p: Any, reach: Any, first: Any, last: Any) -> None:
    """Write the first and last bin of each unit that a price up to `reach` can lead to."""
    for u in range(len(p.own)):
        s, end = p.start[u], p.start[u + 1] - p.start[u] - 1
        first[u], last[u] = (0, end) if p.group[u] else (p.own[u], p.own[u])
        if p.group[u] or p.own[u] < 0:
            continue
        for b in range(p.own[u] + 1, end + 1):
            if p.price[s + b] <= reach:
                last[u] = b
            elif p.price[s + b] < np.inf:
                break
        for b in range(p.own[u] - 1, -1, -1):
            if p.price[s + b] <= reach:
                first[u] = b
            elif p.price[s + b] < np.inf:
                break


@compiled
def _bins(first: Any, last: Any) -> Any:
    """Return how many bins the ranges have."""
    count = 0
    for u in range(len(first)):
        count += last[u] - first[u] + 1
    return count


@inlined
def _add(p: Any, u: Any, low: Any, high: Any, first: Any, last: Any, worth: Any, change: Any) -> None:
    """Add what a range of a unit's bins would give."""
    s = p.start[u] + u
    if p.group[u]:
        for b in range(p.start[u + 1] - p.start[u]):
            if (low >> b) & 1:
                change[s + b] += worth
    else:
        lo, hi = max(low, first[u]), min(high, last[u])
        if lo <= hi:
            change[s + lo] += worth
            change[s + hi + 1] -= worth


@compiled
def _landscape(  # noqa: C901 - compiled as one loop
    trees: Any, gain: Any, p: Any, point: Any, first: Any, last: Any, change: Any
) -> Any:  # fmt: skip
    """Write how every move of one unit within a range of bins changes the margin at a point.

    A walk down each tree meets the leaf that holds the point; what branches off there is entered by moving one unit,
    and is followed with all others where they are.

    Returns
    -------
    margin : float
        At the point.
    looked : int
        Nodes that were looked at.
    """
    units, total, looked = len(p.own), 0.0, 0
    held = np.zeros(units)
    low, high, touched = (
        np.zeros(units, dtype=np.int64),
        np.full(units, -1, dtype=np.int64),
        np.zeros(units, np.bool_),
    )
    path = np.empty(units, dtype=np.int64)
    room = 2 * trees.depth + 2
    node, moved, lo, hi = (
        np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64),
        np.empty(room, dtype=np.int64),
    )  # fmt: skip
    for u in range(units):
        for b in range(max(first[u], 0), last[u] + 2):
            change[p.start[u] + u + b] = 0.0
    for t in range(len(trees.root)):
        node[0], moved[0] = trees.root[t], -1
        n, steps = 1, 0
        while n > 0:
            n -= 1
            here, w, begin, end = node[n], moved[n], lo[n], hi[n]
            while trees.left[here] >= 0:
                looked += 1
                u, k = trees.unit[here], trees.last[here]
                grouped = p.group[u]
                if p.own[u] < 0 and not grouped:
                    here = trees.left[here] if trees.missing_left[here] else trees.right[here]
                    continue
                if w < 0 and not touched[u]:
                    touched[u], path[steps] = True, u
                    steps += 1
                    bins = p.start[u + 1] - p.start[u]
                    low[u], high[u] = ((1 << bins) - 1, 0) if grouped else (first[u], last[u])
                if w < 0:
                    begin, end = low[u], high[u]
                left_low, left_high, right_low, right_high = begin, end, begin, end
                if grouped:
                    left_low, right_low = begin & k, begin & ~k
                else:
                    left_high, right_low = min(end, k), max(begin, k + 1)
                if w < 0 or w == u:
                    if w == u:
                        leftwards = left_low != 0 if grouped else left_low <= left_high
                    else:
                        leftwards = (k >> point[u]) & 1 == 1 if grouped else point[u] <= k
                    other_low, other_high = (right_low, right_high) if leftwards else (left_low, left_high)
                    if other_low != 0 if grouped else other_low <= other_high:
                        node[n] = trees.right[here] if leftwards else trees.left[here]
                        moved[n], lo[n], hi[n] = u, other_low, other_high
                        n += 1
                    begin, end = (left_low, left_high) if leftwards else (right_low, right_high)
                    if w < 0:
                        low[u], high[u] = begin, end
                else:
                    leftwards = (k >> point[u]) & 1 == 1 if grouped else point[u] <= k
                here = trees.left[here] if leftwards else trees.right[here]
            i = trees.leaf[here]
            looked += 1
            if i < 0:
                continue
            if w < 0:
                total += gain[i]
            for e in range(steps if w < 0 else 1):
                u = path[e] if w < 0 else w
                if w < 0:
                    held[u] += gain[i]
                    begin, end = low[u], high[u]
                _add(p, u, begin, end, first, last, gain[i], change)
        for e in range(steps):
            touched[path[e]] = False
    for u in range(units):
        s = p.start[u] + u
        if not p.group[u]:
            for b in range(max(first[u], 0) + 1, last[u] + 1):
                change[s + b] += change[s + b - 1]
        for b in range(max(first[u], 0), last[u] + 1):
            change[s + b] -= held[u]
    return total, looked


@compiled
def climb(  # noqa: C901 - compiled as one loop
    trees: Any, gain: Any, p: Any, rel: Any, need: Any, power: Any, most: Any, work: Any, point: Any
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
    _ranges(p, most, first, last)
    spent = paid(p, point)
    there = False
    taken, bins = 0, _bins(first, last)
    for _ in range(4 * units + 8):
        margin, looked = _landscape(trees, gain, p, point, first, last, change)
        taken += bins + _NODE * looked
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
        if taken > work:
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
def _rise(trees: Any, gain: Any, p: Any, need: Any, reach: Any, point: Any) -> Any:
    """Walk from the row, one unit at a time, with no price over `reach`.

    Say whether the margin is reached, and what nodes and bins that were looked at took.
    """
    units = len(p.own)
    change = np.empty(p.start[units] + units + 1)
    first, last = np.empty(units, dtype=np.int64), np.empty(units, dtype=np.int64)
    _ranges(p, reach, first, last)
    copy_into(point, p.own)
    taken, bins = 0, _bins(first, last)
    for _ in range(3 * units + 4):
        margin, looked = _landscape(trees, gain, p, point, first, last, change)
        taken += bins + _NODE * looked
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
        if bu < 0:
            return False, taken
        point[bu] = bb
    return False, taken


@compiled
def _farthest(p: Any, most: Any) -> Any:
    """Return what a move to the dearest bins costs that are under `most`: all of them, or the one that costs most."""
    far = 0.0
    for u in range(len(p.own)):
        widest = 0.0
        for b in range(p.start[u], p.start[u + 1]):
            if widest < p.price[b] < most:
                widest = p.price[b]
        far = max(far, widest) if p.widest else far + widest
    return min(far, most)


@compiled
def promised(active: Any, tree: Any, gain: Any) -> Any:
    """Return the sum of each tree's best among some leaves, which stand tree by tree."""
    total, best = 0.0, 0.0
    for a in range(len(active)):
        fresh = a == 0 or tree[a] != tree[a - 1]
        if fresh:
            total += best
        if fresh or gain[active[a]] > best:
            best = gain[active[a]]
    return total + best


@compiled
def walk(  # noqa: C901 - compiled as one loop
    leaves: Any, trees: Any, gain: Any, p: Any, rel: Any, need: Any, most: Any, low: Any, work: Any, point: Any
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
    far = _farthest(p, most)
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
            found, taken = climb(trees, gain, p, rel, need, power, reach * (1 + 1e-9) + 1e-300, work, trial)
            work -= taken
            if found < np.inf:
                copy_into(point, trial)
        if reach >= far or work < 0:
            break
        reach = min(_FARTHER * reach, far)
    if found == np.inf:
        return most, bound, work
    again, starts = True, -3
    while again and work > 0:
        again = False
        # The first attempts begin at the point, and at the row itself.
        for u in range(starts, units):
            if (u >= 0 and (point[u] < 0 or point[u] == p.own[u])) or work < 0:
                continue
            copy_into(trial, point if u >= -1 else p.own)
            if u >= 0:
                trial[u] = p.own[u]
            elif u < -1:
                power = 0.5 if u == -3 else 0.0
            cost, taken = climb(trees, gain, p, rel, need, power, found, work, trial)
            work -= taken
            if cost < found * (1 - _LESS):
                found, again = cost, True
                copy_into(point, trial)
        power, starts = 0.5, 0
    return found, bound, work


@compiled
def walk_widest(trees: Any, gain: Any, p: Any, rel: Any, need: Any, most: Any, work: Any, point: Any) -> Any:
    """Do as `walk` in L∞: the reach doubles until a walk succeeds, then the gap is halved."""
    far = _farthest(p, most)
    trial = np.empty(len(p.own), dtype=np.int64)
    low, found, reach = 0.0, np.inf, far / 1024
    for _ in range(40):
        risen, taken = _rise(trees, gain, p, need, reach, trial)
        work -= taken
        cost = np.inf
        if risen and holds(p, rel, trial):
            cost = 0.0
            for u in range(len(trial)):
                if trial[u] >= 0:
                    cost = max(cost, p.price[p.start[u] + trial[u]])
        if cost < found:
            found = cost
            copy_into(point, trial)
        else:
            low = reach
        if found == np.inf:
            if reach >= far or work < 0:
                break
            reach = min(2 * reach, far)
        elif found - low <= 1e-3 * found:
            break
        else:
            reach = (low + found) / 2
    return min(found, most), work
