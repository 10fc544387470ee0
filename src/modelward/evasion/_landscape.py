"""How each move of one unit changes a point's margin, by walks down the trees; compiled, see `_kernels` for words."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelward.evasion._kernels import compiled, inlined

NODE = 8
"""Work of looking at one node, as the constraints of leaves cost it that are looked at later; a bin is one."""


@compiled
def ranges(p: Any, reach: Any, first: Any, last: Any) -> None:
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
def bins_in(first: Any, last: Any) -> Any:
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
def landscape(  # noqa: C901 - compiled as one loop
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
