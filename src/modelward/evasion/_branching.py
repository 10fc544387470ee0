"""Branch and bound over boxes of bins, compiled; see `_kernels` for the words."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelward.evasion._kernels import (
    EPS,
    climb,
    compiled,
    copy_into,
    distances,
    holds,
    label,
    least,
    least_bin,
    sort_by,
)


@compiled
def _evaluate(  # noqa: C901 - compiled as one loop
    leaves: Any, gain: Any, active: Any, tree_of: Any, trees: Any, p: Any, rel: Any, sums: Any, margin: Any,
    wanted: Any, leaving: Any, low: Any, high: Any, most: Any, point: Any, branch: Any, spoilt: Any,
) -> Any:  # fmt: skip
    """Bound a box of bins, try its most promising point, and say how to split it.

    Returns
    -------
    bound : float
        What any flip in the box costs at least; inf if none costs less than `most`.
    cost : float
        Of the flip at `point`; inf if the point is none.

        `branch` is set to (unit, low and high of the first part, low and high of the second); unit −1 if there
        is nothing to split. `spoilt` is lowered to the cost of a flip that breaks a relation and is given up:
        elsewhere in its bins a dearer value might keep it.
    """
    units = len(p.own)
    free = np.empty(units)
    base = 0.0
    for u in range(units):
        free[u] = least(p, u, low[u], high[u])
        base += free[u]
    branch[0] = -1
    n = len(active)
    near = np.empty(n)
    kept = np.empty(n, dtype=np.int64)
    m = 0
    for a in range(n):
        i = active[a]
        total = base
        for c in range(leaves.first[i], leaves.first[i + 1]):
            u = leaves.unit[c]
            if p.own[u] < 0 and not p.group[u]:
                continue
            if p.group[u]:
                total += least(p, u, low[u] & leaves.low[c], 0) - free[u]
            else:
                lo, hi = max(low[u], leaves.low[c]), min(high[u], leaves.high[c])
                total += (least(p, u, lo, hi) - free[u]) if lo <= hi else np.inf
            if total >= most:
                break
        if total < most:
            near[m], kept[m] = total, a
            m += 1
    order = np.empty(m, dtype=np.int64)
    sort_by(near, order, m)
    chosen = np.full(trees, -1, dtype=np.int64)
    ground = np.zeros(trees)
    have, total, bound = 0, margin, np.inf
    for r in order:
        i = active[kept[r]]
        t = tree_of[kept[r]]
        if chosen[t] < 0:
            have += 1
            total += gain[i]
        elif gain[i] > gain[chosen[t]]:
            total += gain[i] - gain[chosen[t]]
        else:
            continue
        chosen[t] = i
        if near[r] <= base + EPS:
            ground[t] = gain[i]
        if have == trees and total >= -sums.error:
            bound = near[r]
            break
    if bound == np.inf:
        return bound, np.inf
    ilow, ihigh = np.empty(units, dtype=np.int64), np.empty(units, dtype=np.int64)
    copy_into(ilow, low)
    copy_into(ihigh, high)
    for t in range(trees):
        for c in range(leaves.first[chosen[t]], leaves.first[chosen[t] + 1]):
            u = leaves.unit[c]
            if p.own[u] < 0 and not p.group[u]:
                continue
            if p.group[u]:
                ilow[u] &= leaves.low[c]
            else:
                ilow[u], ihigh[u] = max(ilow[u], leaves.low[c]), min(ihigh[u], leaves.high[c])
    cost, torn = 0.0, -1
    for u in range(units):
        mine = least(p, u, ilow[u], ihigh[u]) if p.group[u] or ilow[u] <= ihigh[u] else np.inf
        if mine == np.inf and torn < 0:
            torn = u
        cost += mine
    if cost < np.inf:
        flips = total > sums.error
        if not flips or wanted >= 0:
            given = label(leaves, sums, chosen)
            flips = given == wanted if wanted >= 0 else given != leaving
        broken = False
        if flips:
            for u in range(units):
                point[u] = least_bin(p, u, ilow[u], ihigh[u])
            broken = not holds(p, rel, point)
        if flips and not broken:
            if cost <= bound + EPS:
                return bound, cost
        else:
            if broken:
                whole = True
                for u in range(units):
                    whole = whole and ilow[u] == low[u] and ihigh[u] == high[u]
                if whole:
                    spoilt[0] = min(spoilt[0], cost)
                    return np.inf, np.inf
            cost = np.inf
    # Where the chosen leaves pull hardest away from what is free, the box is cut.
    weight = np.zeros(units)
    for t in range(trees):
        worth = gain[chosen[t]] - ground[t]
        for c in range(leaves.first[chosen[t]], leaves.first[chosen[t] + 1]):
            u = leaves.unit[c]
            if p.own[u] < 0 and not p.group[u]:
                continue
            lo = low[u] & leaves.low[c] if p.group[u] else max(low[u], leaves.low[c])
            if least(p, u, lo, min(high[u], leaves.high[c])) > free[u] + EPS:
                weight[u] += max(worth, 1e-9)
    cut = np.argmax(weight)
    if weight[cut] > 0:
        _cut_at_demand(leaves, gain, ground, chosen, p, low, high, free, cut, branch)
        return bound, cost
    if torn < 0:
        for u in range(units):
            if ilow[u] != low[u] or ihigh[u] != high[u]:
                torn = u
    if torn >= 0:
        _cut_at_intersection(leaves, chosen, p, low, high, ilow, ihigh, torn, branch)
    return bound, cost


@compiled
def _cut_at_demand(
    leaves: Any,
    gain: Any,
    ground: Any,
    chosen: Any,
    p: Any,
    low: Any,
    high: Any,
    free: Any,
    u: Any,
    branch: Any,
) -> None:
    """Cut a unit where the leaves that want it moved ask for: the weighted median of the heavier direction."""
    n = len(chosen)
    at = np.empty(n, dtype=np.int64)
    pull = np.empty(n)
    up = np.empty(n, dtype=np.bool_)
    m, heavy, best_mask = 0, -1.0, 0
    rest = least_bin(p, u, low[u], high[u])
    for t in range(n):
        for c in range(leaves.first[chosen[t]], leaves.first[chosen[t] + 1]):
            if leaves.unit[c] != u:
                continue
            worth = max(gain[chosen[t]] - ground[t], 1e-9)
            if p.group[u]:
                mask = low[u] & leaves.low[c]
                if least(p, u, mask, 0) > free[u] + EPS and worth > heavy:
                    heavy, best_mask = worth, mask
                continue
            lo, hi = max(low[u], leaves.low[c]), min(high[u], leaves.high[c])
            if least(p, u, lo, hi) > free[u] + EPS:
                up[m] = lo > rest
                at[m] = lo if up[m] else hi + 1
                pull[m] = worth
                m += 1
    branch[0] = u
    if p.group[u]:
        branch[1], branch[2], branch[3], branch[4] = best_mask, 0, low[u] & ~best_mask, 0
        return
    sides = np.zeros(2)
    for i in range(m):
        sides[1 if up[i] else 0] += pull[i]
    side = sides[1] >= sides[0]
    half, run, place = sides[1 if side else 0] / 2, 0.0, -1
    order = np.empty(m, dtype=np.int64)
    sort_by(at, order, m)
    for e in order:
        if up[e] == side:
            place = at[e]
            run += pull[e]
            if run >= half:
                break
    branch[1], branch[2], branch[3], branch[4] = low[u], place - 1, place, high[u]


@compiled
def _cut_at_intersection(
    leaves: Any, chosen: Any, p: Any, low: Any, high: Any, ilow: Any, ihigh: Any, u: Any, branch: Any
) -> None:
    """Cut a unit at an edge of what the chosen leaves have in common, or where they have nothing."""
    branch[0] = u
    if p.group[u]:
        mask = ilow[u]
        if mask == 0 or mask == low[u]:
            for t in range(len(chosen)):
                for c in range(leaves.first[chosen[t]], leaves.first[chosen[t] + 1]):
                    part = low[u] & leaves.low[c]
                    if leaves.unit[c] == u and part != low[u]:
                        mask = part
        branch[1], branch[2], branch[3], branch[4] = mask, 0, low[u] & ~mask, 0
    elif ilow[u] > low[u]:
        branch[1], branch[2], branch[3], branch[4] = low[u], ilow[u] - 1, ilow[u], high[u]
    else:
        branch[1], branch[2], branch[3], branch[4] = low[u], ihigh[u], ihigh[u] + 1, high[u]


@compiled
def _nearer(leaves: Any, near: Any, most: Any) -> Any:
    """Return the leaves that can be entered for less than `most`, their trees, and how many constraints they have."""
    count = 0
    for i in range(len(near)):
        count += near[i] < most
    active, tree_of = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    a, t, size = 0, 0, 0
    for i in range(len(near)):
        if near[i] < most:
            while i >= leaves.tree[t + 1]:
                t += 1
            active[a], tree_of[a] = i, t
            a += 1
            size += leaves.first[i + 1] - leaves.first[i]
    return active, tree_of, size


@compiled
def _push(keys: Any, nodes: Any, size: Any, key: Any, node: Any) -> None:
    """Add to a heap of `size` entries, the least key on top."""
    i = size
    while i > 0 and key < keys[(i - 1) // 2]:
        keys[i], nodes[i] = keys[(i - 1) // 2], nodes[(i - 1) // 2]
        i = (i - 1) // 2
    keys[i], nodes[i] = key, node


@compiled
def _pop(keys: Any, nodes: Any, size: Any) -> None:
    """Take the top off a heap of `size` entries."""
    key, node = keys[size - 1], nodes[size - 1]
    i, end = 0, size - 1
    while True:
        child = 2 * i + 1
        if child >= end:
            break
        if child + 1 < end and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= key:
            break
        keys[i], nodes[i] = keys[child], nodes[child]
        i = child
    keys[i], nodes[i] = key, node


@compiled
def cheapest_flip(  # noqa: C901 - compiled as one loop
    leaves: Any, p: Any, rel: Any, sums: Any, wanted: Any, leaving: Any, rival: Any, most: Any, work: Any,
    point: Any,
) -> Any:  # fmt: skip
    """Search for the cheapest point at which the class `rival` reaches the class `leaving`.

    Best-first branch and bound over boxes of bins. The bound of a box: if the flip costs ε, then each tree gives
    at most the best of its leaves that can be entered for ε; so ε is at least where those sums reach zero.

    Parameters
    ----------
    leaves : Leaves
    p : Prices
    rel : Relations
    sums : Sums
    wanted : int
        The label that counts; −1 for any other than `leaving`.
    leaving, rival : int
    most : float
        Cost of a flip that is known; only cheaper ones are looked for.
    work : int
        Constraints of leaves that may be looked at.
    point : ndarray of int64, shape (U,)
        Set to the bins of the flip, if one is found.

    Returns
    -------
    cost : float
        Of the flip at `point`; `most` if none was found.
    bound : float
        What any flip to `rival` costs at least, or `cost` if that is less.
    """
    total = len(leaves.first) - 1
    trees = len(leaves.tree) - 1
    units = len(p.own)
    gain = leaves.value[:, rival] - leaves.value[:, leaving]
    margin = sums.base[rival] - sums.base[leaving]
    near = np.empty(total)
    distances(leaves, p, near)
    trial = np.empty(units, dtype=np.int64)
    spoilt = np.full(1, np.inf)
    left = work
    for power in (1.0, 0.5, 0.0):
        active, tree_of, size = _nearer(leaves, near, most)
        if wanted < 0 or leaves.value.shape[1] == 2:
            cost = climb(leaves, gain, active, p, rel, 2 * sums.error - margin, power, most, trial)
            left -= 6 * size
            if cost < most:
                most = cost
                copy_into(point, trial)
        if left < 0:
            break
    active, tree_of, size = _nearer(leaves, near, most)
    room = min(200_000, 4_000_000 // units + 64)
    lows, highs = np.empty((room, units), dtype=np.int64), np.empty((room, units), dtype=np.int64)
    branches = np.empty((room, 5), dtype=np.int64)
    for u in range(units):
        bins = p.start[u + 1] - p.start[u]
        lows[0, u] = (1 << bins) - 1 if p.group[u] else 0
        highs[0, u] = 0 if p.group[u] else bins - 1
    bound, cost = _evaluate(
        leaves, gain, active, tree_of, trees, p, rel, sums, margin, wanted, leaving, lows[0], highs[0], most,
        trial, branches[0], spoilt,
    )  # fmt: skip
    if cost < most:
        most = cost
        copy_into(point, trial)
    keys, nodes = np.empty(room), np.empty(room, dtype=np.int64)
    keys[0], nodes[0] = bound, 0
    waiting, count = 1, 1
    while waiting > 0:
        bound, node = keys[0], nodes[0]
        if bound >= most - EPS:
            break
        if left < 0 or count + 2 > room:
            return most, min(bound, spoilt[0])
        _pop(keys, nodes, waiting)
        waiting -= 1
        if branches[node, 0] < 0:
            continue
        for side in range(2):
            copy_into(lows[count], lows[node])
            copy_into(highs[count], highs[node])
            u = branches[node, 0]
            lows[count, u], highs[count, u] = branches[node, 1 + 2 * side], branches[node, 2 + 2 * side]
            if not p.group[u] and lows[count, u] > highs[count, u]:
                continue
            if least(p, u, lows[count, u], highs[count, u]) == np.inf:
                continue
            inner, cost = _evaluate(
                leaves, gain, active, tree_of, trees, p, rel, sums, margin, wanted, leaving, lows[count],
                highs[count], most, trial, branches[count], spoilt,
            )  # fmt: skip
            left -= size + 8 * len(active)
            if cost < most:
                most = cost
                copy_into(point, trial)
                active, tree_of, size = _nearer(leaves, near, most)
            inner = max(inner, bound)
            if inner < most - EPS:
                _push(keys, nodes, waiting, inner, count)
                waiting += 1
                count += 1
    return most, min(most, spoilt[0])
