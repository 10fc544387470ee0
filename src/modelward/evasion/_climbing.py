"""Walks to a cheap flip before anything is proven, compiled; see `_kernels` for the words."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelward.evasion._entering import enter
from modelward.evasion._kernels import EPS, compiled, copy_into, holds, inlined, within

_LEAF = 4
"""Work of looking at one leaf or bin during a walk, as the constraints of leaves cost it that are looked at later."""


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
def _add(leaves: Any, p: Any, point: Any, first: Any, last: Any, c: Any, worth: Any, change: Any) -> None:
    """Add what a constraint's unit would give in the bins of its range; what is given at the point counts as 0."""
    u = leaves.unit[c]
    s = p.start[u] + u
    if p.group[u]:
        for b in range(p.start[u + 1] - p.start[u]):
            if (leaves.low[c] >> b) & 1:
                change[s + b] += worth
    elif point[u] >= 0:
        lo, hi = max(leaves.low[c], first[u]), min(leaves.high[c], last[u])
        if lo <= hi:
            change[s + lo] += worth
            change[s + hi + 1] -= worth


@compiled
def _landscape(  # noqa: C901 - compiled as one loop
    leaves: Any, gain: Any, active: Any, p: Any, point: Any, first: Any, last: Any, change: Any
) -> Any:  # fmt: skip
    """Return the margin at a point, and write how every move of one unit within a range of bins changes it.

    One pass over the leaves: one that holds the point adds to the bins of its ranges, one that misses it in a
    single unit adds to the bins that would enter it. What leaving a unit's place loses is taken off at the end.
    """
    units = len(p.own)
    held = np.zeros(units)
    for u in range(units):
        for b in range(max(first[u], 0), last[u] + 2):
            change[p.start[u] + u + b] = 0.0
    total = 0.0
    for i in active:
        misses, where = 0, -1
        for c in range(leaves.first[i], leaves.first[i + 1]):
            u = leaves.unit[c]
            if not within(p, u, leaves.low[c], leaves.high[c], point[u]):
                misses += 1
                where = c
                if misses == 2:
                    break
        if misses == 0:
            total += gain[i]
            for c in range(leaves.first[i], leaves.first[i + 1]):
                held[leaves.unit[c]] += gain[i]
                _add(leaves, p, point, first, last, c, gain[i], change)
        elif misses == 1:
            _add(leaves, p, point, first, last, where, gain[i], change)
    for u in range(units):
        s = p.start[u] + u
        if not p.group[u]:
            for b in range(max(first[u], 0) + 1, last[u] + 1):
                change[s + b] += change[s + b - 1]
        for b in range(max(first[u], 0), last[u] + 1):
            change[s + b] -= held[u]
    return total


@compiled
def climb(  # noqa: C901 - compiled as one loop
    leaves: Any, gain: Any, active: Any, p: Any, rel: Any, need: Any, power: Any, most: Any, point: Any
) -> Any:  # fmt: skip
    """Walk from the row to a flip, one unit at a time, then take back what was not needed.

    Returns
    -------
    cost : float
        Of the flip at `point`; inf if the walk got stuck or would cost `most`.
    looked : int
        Leaves that were looked at, and bins.
    """
    units = len(p.own)
    change = np.empty(p.start[units] + units + 1)
    first, last = np.empty(units, dtype=np.int64), np.empty(units, dtype=np.int64)
    _ranges(p, most, first, last)
    copy_into(point, p.own)
    spent = 0.0
    looked, each = 0, len(active) + _bins(first, last)
    for _ in range(4 * units + 8):
        margin = _landscape(leaves, gain, active, p, point, first, last, change)
        looked += each
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
            return (spent if margin >= need and holds(p, rel, point) else np.inf), looked
        spent += p.price[p.start[bu] + bb] - p.price[p.start[bu] + point[bu]]
        point[bu] = bb
    margin = _landscape(leaves, gain, active, p, point, first, last, change)
    return (spent if margin >= need and holds(p, rel, point) else np.inf), looked + each


@compiled
def _rise(leaves: Any, gain: Any, active: Any, p: Any, need: Any, reach: Any, point: Any) -> Any:
    """Walk from the row, one unit at a time, with no price over `reach`.

    Say whether the margin is reached, and how many leaves and bins were looked at.
    """
    units = len(p.own)
    change = np.empty(p.start[units] + units + 1)
    first, last = np.empty(units, dtype=np.int64), np.empty(units, dtype=np.int64)
    _ranges(p, reach, first, last)
    copy_into(point, p.own)
    looked, each = 0, len(active) + _bins(first, last)
    for _ in range(3 * units + 4):
        margin = _landscape(leaves, gain, active, p, point, first, last, change)
        looked += each
        if margin >= need:
            return True, looked
        best, bu, bb = 0.0, -1, -1
        for u in range(units):
            if point[u] < 0:
                continue
            for b in range(first[u], last[u] + 1):
                up = change[p.start[u] + u + b]
                if p.price[p.start[u] + b] <= reach and b != point[u] and up > best:
                    best, bu, bb = up, u, b
        if bu < 0:
            return False, looked
        point[bu] = bb
    return False, looked


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
def walk(  # noqa: C901 - compiled as one loop
    leaves: Any, trees: Any, gain: Any, p: Any, rel: Any, need: Any, most: Any, work: Any, point: Any
) -> Any:  # fmt: skip
    """Look for a cheap flip before anything is proven.

    The reach doubles until a walk succeeds; then the gap is halved (L∞), or other walks are tried within it.

    Returns
    -------
    cost : float
        Of the flip at `point`; `most` if none was found.
    left : int
        What is left of the work.
    """
    far = _farthest(p, most)
    trial = np.empty(len(p.own), dtype=np.int64)
    low, found, reach, power = 0.0, np.inf, far / 1024, 1.0
    for _ in range(40):
        active, _, _, _, looked = enter(leaves, trees, p, reach * (1 + 1e-9) + 1e-300)
        work -= looked
        if p.widest:
            risen, looked = _rise(leaves, gain, active, p, need, reach, trial)
            cost = np.inf
            if risen and holds(p, rel, trial):
                cost = 0.0
                for u in range(len(trial)):
                    if trial[u] >= 0:
                        cost = max(cost, p.price[p.start[u] + trial[u]])
        else:
            cost, looked = climb(
                leaves, gain, active, p, rel, need, power, reach * (1 + 1e-9) + 1e-300, trial
            )
        work -= _LEAF * looked
        if cost < found:
            found = cost
            copy_into(point, trial)
        elif found == np.inf or p.widest:
            low = reach
        if found == np.inf:
            if reach >= far or work < 0:
                break
            reach = min(2 * reach, far)
        elif p.widest:
            if found - low <= 1e-3 * found:
                break
            reach = (low + found) / 2
        else:
            power -= 0.5
            if power < 0 or work < 0:
                break
            reach = found
    return min(found, most), work
