"""Walks to a cheap flip before anything is proven, compiled; see `_kernels` for the words."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelward.evasion._kernels import EPS, compiled, copy_into, holds, inlined, nearer, within


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
    float
        Cost of the flip at `point`; inf if the walk got stuck or would cost `most`.
    """
    units = len(p.own)
    change = np.empty(p.start[units] + units + 1)
    first, last = np.empty(units, dtype=np.int64), np.empty(units, dtype=np.int64)
    _ranges(p, most, first, last)
    copy_into(point, p.own)
    spent = 0.0
    for _ in range(4 * units + 8):
        margin = _landscape(leaves, gain, active, p, point, first, last, change)
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
            return spent if margin >= need and holds(p, rel, point) else np.inf
        spent += p.price[p.start[bu] + bb] - p.price[p.start[bu] + point[bu]]
        point[bu] = bb
    margin = _landscape(leaves, gain, active, p, point, first, last, change)
    return spent if margin >= need and holds(p, rel, point) else np.inf


@compiled
def _rise(leaves: Any, gain: Any, active: Any, p: Any, need: Any, reach: Any, point: Any) -> Any:
    """Walk from the row, one unit at a time, with no price over `reach`; say whether the margin is reached."""
    units = len(p.own)
    change = np.empty(p.start[units] + units + 1)
    first, last = np.empty(units, dtype=np.int64), np.empty(units, dtype=np.int64)
    _ranges(p, reach, first, last)
    copy_into(point, p.own)
    for _ in range(3 * units + 4):
        margin = _landscape(leaves, gain, active, p, point, first, last, change)
        if margin >= need:
            return True
        best, bu, bb = 0.0, -1, -1
        for u in range(units):
            if point[u] < 0:
                continue
            for b in range(first[u], last[u] + 1):
                up = change[p.start[u] + u + b]
                if p.price[p.start[u] + b] <= reach and b != point[u] and up > best:
                    best, bu, bb = up, u, b
        if bu < 0:
            return False
        point[bu] = bb
    return False


@compiled
def climb_widest(
    leaves: Any, gain: Any, near: Any, p: Any, rel: Any, need: Any, most: Any, point: Any
) -> Any:  # fmt: skip
    """Walk to a flip whose largest price is small: the reach doubles until a walk succeeds, then halves the gap.

    Returns
    -------
    cost : float
        Of the flip at `point`; inf if none cheaper than `most` was found.
    looked : int
        Constraints of leaves that were looked at.
    """
    widest = 0.0
    for price in p.price:
        if price < most and price > widest and price < np.inf:
            widest = price
    trial = np.empty(len(p.own), dtype=np.int64)
    low, found, reach, looked = 0.0, np.inf, widest / 1024, 0
    for _ in range(32):
        active, _, size = nearer(leaves, near, reach * (1 + 1e-9) + 1e-300)
        looked += 4 * size
        if _rise(leaves, gain, active, p, need, reach, trial) and holds(p, rel, trial):
            found = 0.0
            for u in range(len(trial)):
                if trial[u] >= 0:
                    found = max(found, p.price[p.start[u] + trial[u]])
            copy_into(point, trial)
        else:
            low = reach
        if found == np.inf:
            if reach >= widest:
                break
            reach = min(2 * reach, widest)
        else:
            if found - low <= 1e-3 * found:
                break
            reach = (low + found) / 2
    return (found if found < most else np.inf), looked
