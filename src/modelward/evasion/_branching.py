"""Branch and bound over boxes of bins, compiled; see `_kernels` for the words."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelward.evasion._kernels import (
    EPS,
    climb,
    climb_widest,
    compiled,
    copy_into,
    distances,
    holds,
    label,
    least,
    least_bin,
    nearer,
    plus,
    sort_by,
)


@compiled
def _reachable(
    leaves: Any, active: Any, p: Any, low: Any, high: Any, free: Any, base: Any, most: Any, near: Any, kept: Any
) -> Any:  # fmt: skip
    """Write what it costs to enter each leaf within a box, those that cost less than `most`; return how many."""
    m = 0
    for a in range(len(active)):
        i = active[a]
        total = base
        for c in range(leaves.first[i], leaves.first[i + 1]):
            u = leaves.unit[c]
            if p.group[u]:
                mine = least(p, u, low[u] & leaves.low[c], 0)
            elif p.own[u] < 0:
                continue
            else:
                lo, hi = max(low[u], leaves.low[c]), min(high[u], leaves.high[c])
                mine = least(p, u, lo, hi) if lo <= hi else np.inf
            total = max(total, mine) if p.widest else total + (mine - free[u])
            if total >= most:
                break
        if total < most:
            near[m], kept[m] = total, a
            m += 1
    return m


@compiled
def _choose(
    gain: Any, active: Any, tree_of: Any, kept: Any, near: Any, m: Any, base: Any, need: Any, chosen: Any,
    ground: Any,
) -> Any:  # fmt: skip
    """Choose each tree's best leaf within the least cost at which their sum reaches `need`.

    Returns
    -------
    bound, total : float
        That cost, inf if no cost suffices, and the sum.

        `chosen` is set to the leaves, and `ground` to what each tree gives where nothing more is paid.
    """
    order = np.empty(m, dtype=np.int64)
    sort_by(near, order, m)
    have, total = 0, 0.0
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
        if near[r] <= base * (1 + EPS):
            ground[t] = gain[i]
        if have == len(chosen) and total >= need:
            return near[r], total
    return np.inf, total


@compiled
def _meet(leaves: Any, chosen: Any, p: Any, low: Any, high: Any, ilow: Any, ihigh: Any) -> Any:
    """Intersect the chosen leaves with a box; return what entering it costs, and a unit in which it is empty or −1."""
    copy_into(ilow, low)
    copy_into(ihigh, high)
    for t in range(len(chosen)):
        for c in range(leaves.first[chosen[t]], leaves.first[chosen[t] + 1]):
            u = leaves.unit[c]
            if p.group[u]:
                ilow[u] &= leaves.low[c]
            elif p.own[u] >= 0:
                ilow[u], ihigh[u] = max(ilow[u], leaves.low[c]), min(ihigh[u], leaves.high[c])
    cost, torn = 0.0, -1
    for u in range(len(p.own)):
        mine = least(p, u, ilow[u], ihigh[u]) if p.group[u] or ilow[u] <= ihigh[u] else np.inf
        if mine == np.inf and torn < 0:
            torn = u
        cost = plus(p, cost, mine)
    return cost, torn


@compiled
def _evaluate(
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
        base = plus(p, base, free[u])
    branch[0] = -1
    near, kept = np.empty(len(active)), np.empty(len(active), dtype=np.int64)
    m = _reachable(leaves, active, p, low, high, free, base, most, near, kept)
    chosen, ground = np.full(trees, -1, dtype=np.int64), np.zeros(trees)
    need = -sums.error - margin
    bound, total = _choose(gain, active, tree_of, kept, near, m, base, need, chosen, ground)
    if bound == np.inf:
        return bound, np.inf
    ilow, ihigh = np.empty(units, dtype=np.int64), np.empty(units, dtype=np.int64)
    cost, torn = _meet(leaves, chosen, p, low, high, ilow, ihigh)
    if cost < np.inf:
        flips = total + margin > sums.error
        if not flips or wanted >= 0:
            given = label(leaves, sums, chosen)
            flips = given == wanted if wanted >= 0 else given != leaving
        if flips:
            for u in range(units):
                point[u] = least_bin(p, u, ilow[u], ihigh[u])
        if flips and holds(p, rel, point):
            if cost <= bound * (1 + EPS):
                return bound, cost
        else:
            whole = flips
            for u in range(units):
                whole = whole and ilow[u] == low[u] and ihigh[u] == high[u]
            if whole:
                spoilt[0] = min(spoilt[0], cost)
                return np.inf, np.inf
            cost = np.inf
    _split(leaves, gain, ground, chosen, p, low, high, ilow, ihigh, free, torn, branch)
    return bound, cost


@compiled
def _split(
    leaves: Any, gain: Any, ground: Any, chosen: Any, p: Any, low: Any, high: Any, ilow: Any, ihigh: Any,
    free: Any, torn: Any, branch: Any,
) -> None:  # fmt: skip
    """Say where to cut a box: where the chosen leaves contradict each other, or pull hardest from what is free."""
    if (
        p.widest
        and torn >= 0
        and _cut_at_conflict(leaves, gain, ground, chosen, p, low, high, ilow, ihigh, branch)
    ):
        return
    weight = np.zeros(len(p.own))
    for t in range(len(chosen)):
        worth = gain[chosen[t]] - ground[t]
        for c in range(leaves.first[chosen[t]], leaves.first[chosen[t] + 1]):
            u = leaves.unit[c]
            if p.own[u] < 0 and not p.group[u]:
                continue
            lo = low[u] & leaves.low[c] if p.group[u] else max(low[u], leaves.low[c])
            if least(p, u, lo, min(high[u], leaves.high[c])) > free[u] * (1 + EPS):
                weight[u] += max(worth, 1e-9)
    cut = np.argmax(weight)
    if weight[cut] > 0:
        _cut_at_demand(leaves, gain, ground, chosen, p, low, high, free, cut, branch)
        return
    if torn < 0:
        for u in range(len(p.own)):
            if ilow[u] != low[u] or ihigh[u] != high[u]:
                torn = u
    if torn >= 0:
        _cut_at_intersection(leaves, chosen, p, low, high, ilow, ihigh, torn, branch)


@compiled
def _cut_at_conflict(
    leaves: Any, gain: Any, ground: Any, chosen: Any, p: Any, low: Any, high: Any, ilow: Any, ihigh: Any,
    branch: Any,
) -> Any:  # fmt: skip
    """Cut a column in which chosen leaves contradict each other, where both sides lose most; say if there is one."""
    best = 0.0
    for u in range(len(p.own)):
        if p.group[u] or p.own[u] < 0 or ilow[u] <= ihigh[u]:
            continue
        bins = p.start[u + 1] - p.start[u]
        under, over = np.zeros(bins + 2), np.zeros(bins + 2)
        for t in range(len(chosen)):
            worth = max(gain[chosen[t]] - ground[t], 1e-9)
            for c in range(leaves.first[chosen[t]], leaves.first[chosen[t] + 1]):
                if leaves.unit[c] == u:
                    under[max(leaves.low[c], low[u])] += worth  # lost to what lies under its low end
                    over[min(leaves.high[c], high[u]) + 1] += worth
        for b in range(1, bins + 2):
            over[b] += over[b - 1]
        for b in range(bins, -1, -1):
            under[b] += under[b + 1]
        for x in range(low[u] + 1, high[u] + 1):
            score = over[x] * under[x]
            if score > best:
                best = score
                branch[0], branch[1], branch[2], branch[3], branch[4] = u, low[u], x - 1, x, high[u]
    return best > 0


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
                if least(p, u, mask, 0) > free[u] * (1 + EPS) and worth > heavy:
                    heavy, best_mask = worth, mask
                continue
            lo, hi = max(low[u], leaves.low[c]), min(high[u], leaves.high[c])
            if least(p, u, lo, hi) > free[u] * (1 + EPS):
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
def _walk(
    leaves: Any, gain: Any, near: Any, p: Any, rel: Any, need: Any, most: Any, work: Any, point: Any
) -> Any:  # fmt: skip
    """Look for a cheap flip before anything is proven: what it costs, `most` if none, and the work that is left."""
    trial = np.empty(len(p.own), dtype=np.int64)
    if p.widest:
        cost, looked = climb_widest(leaves, gain, near, p, rel, need, most, trial)
        if cost < most:
            most = cost
            copy_into(point, trial)
        return most, work - looked
    for power in (1.0, 0.5, 0.0):
        active, _, size = nearer(leaves, near, most)
        cost = climb(leaves, gain, active, p, rel, need, power, most, trial)
        work -= 6 * size
        if cost < most:
            most = cost
            copy_into(point, trial)
        if work < 0:
            break
    return most, work


@compiled
def cheapest_flip(
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
    gain = leaves.value[:, rival] - leaves.value[:, leaving]
    margin = sums.base[rival] - sums.base[leaving]
    near = np.empty(len(leaves.first) - 1)
    distances(leaves, p, near)
    if wanted < 0 or leaves.value.shape[1] == 2:
        most, work = _walk(leaves, gain, near, p, rel, 2 * sums.error - margin, most, work, point)
    return _best_first(leaves, gain, near, p, rel, sums, margin, wanted, leaving, most, work, point)


@compiled
def _best_first(
    leaves: Any, gain: Any, near: Any, p: Any, rel: Any, sums: Any, margin: Any, wanted: Any, leaving: Any,
    most: Any, left: Any, point: Any,
) -> Any:  # fmt: skip
    """Bound boxes, the most promising first, and split them, until none can hold a cheaper flip."""
    trees, units = len(leaves.tree) - 1, len(p.own)
    trial = np.empty(units, dtype=np.int64)
    spoilt = np.full(1, np.inf)
    active, tree_of, size = nearer(leaves, near, most)
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
        if bound >= most * (1 - EPS):
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
                active, tree_of, size = nearer(leaves, near, most)
            inner = max(inner, bound)
            if inner < most * (1 - EPS):
                _push(keys, nodes, waiting, inner, count)
                waiting += 1
                count += 1
    return most, min(most, spoilt[0])
