"""Branch and bound over boxes of legal bins in L∞, compiled; see `_kernels` and `_reach` for the words."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from modelward.evasion._heap import pop, push
from modelward.evasion._kernels import EPS, compiled, copy_into, flips_in, holds
from modelward.evasion._reach import bin_in, keep_within, least_in

_BOXES = 400_000
"""The most boxes that wait, and with `_CELLS` cells (boxes × units) the memory that they take."""
_CELLS = 8_000_000
_NAMES = 32_000_000
"""Leaves that boxes may name together, 4 bytes each."""
_SHARE = 4
"""Leaves that are looked at here in the time of one unit of work."""


class _Room(NamedTuple):
    """Room to work in, made once for a row."""

    kept: Any
    best: Any
    chosen: Any
    leaf: Any
    ground: Any
    low: Any
    high: Any
    lowest: Any
    highest: Any
    beginning: Any
    lost_below: Any
    ending: Any
    lost_above: Any


@compiled
def _room(a: Any, trees: Any, units: Any) -> Any:
    return _Room(
        np.empty(a, dtype=np.int32), np.empty(trees, dtype=np.int64), np.empty(trees, dtype=np.int64),
        np.empty(trees, dtype=np.int64), np.empty(trees), np.empty(units, dtype=np.int64),
        np.empty(units, dtype=np.int64), np.empty(units, dtype=np.int32), np.empty(units, dtype=np.int32),
        np.empty(trees, dtype=np.int64), np.empty(trees), np.empty(trees, dtype=np.int64), np.empty(trees),
    )  # fmt: skip


@compiled
def _choose(f: Any, m: Any, base: Any, floor: Any, need: Any, most: Any, s: Any) -> Any:  # noqa: C901 - compiled as one
    """Choose each tree's best leaf within the least cost, not under `floor`, at which their sum reaches `need`.

    Returns
    -------
    bound, total : float
        That cost, inf if none under `most` suffices, and the sum.
    m : int
        How many leaves are left: without those with which, all other trees at their best, `need` is not reached.
    """
    best, kept, chosen, ground, near, tree, gain = (
        s.best, s.kept, s.chosen, s.ground, f.near, f.tree, f.gain,
    )  # fmt: skip
    trees = len(chosen)
    for t in range(trees):
        best[t] = -1
    start = max(base, floor)
    bound, total, have, r = np.inf, 0.0, 0, 0
    reached, at_bound = False, 0.0
    for stage in range(4):
        if stage == 2 and reached:
            continue
        limit = most
        if stage < 2:
            limit = (start if stage else base) * (1 + EPS)
        while r < m and near[kept[r]] <= limit:
            a = kept[r]
            b = best[tree[a]]
            r += 1
            if b < 0:
                have += 1
                total += gain[a]
            elif gain[a] > gain[b]:
                total += gain[a] - gain[b]
            else:
                continue
            best[tree[a]] = a
            if stage == 2 and not reached and have == trees and total >= need:
                reached, bound = True, near[a]
                limit = bound * (1 + EPS)
        if stage == 0:
            for t in range(trees):
                ground[t] = gain[best[t]] if best[t] >= 0 else 0.0
        if stage == 1 and have == trees and total >= need:
            reached, bound = True, start
        if reached and 0 < stage < 3:
            at_bound = total
            copy_into(chosen, best)
    if not reached:
        return np.inf, total, 0
    slack = total - need + 1e-9 * (1 + abs(total))
    k = 0
    for e in range(m):
        a = kept[e]
        if gain[a] >= gain[best[tree[a]]] - slack:
            kept[k] = a
            k += 1
    return bound, at_bound, k


@compiled
def _meet(f: Any, s: Any, low: Any, high: Any) -> Any:
    """Intersect the chosen leaves with a box; return what entering it costs, and a unit in which it is empty or −1."""
    units, chosen, table_low, table_high, lowest, highest = (
        len(low), s.chosen, f.table_low, f.table_high, s.lowest, s.highest,
    )  # fmt: skip
    first, unit, lows, highs, group = f.first, f.unit, f.low, f.high, f.group
    copy_into(s.low, low)
    copy_into(s.high, high)
    tabled = table_low.shape[0] > 0
    if tabled:
        # All units side by side: the processor takes eight at a time.
        for u in range(units):
            lowest[u], highest[u] = table_low[chosen[0], u], table_high[chosen[0], u]
        for a in chosen:
            for u in range(units):
                lowest[u] = max(lowest[u], table_low[a, u])
                highest[u] = min(highest[u], table_high[a, u])
        for u in range(units):
            if not group[u]:
                s.low[u], s.high[u] = max(s.low[u], lowest[u]), min(s.high[u], highest[u])
    # Groups are the last units, and their constraints the last of a leaf.
    for a in chosen:
        c = first[a + 1] - 1
        while c >= first[a] and (group[unit[c]] or not tabled):
            u = unit[c]
            if group[u]:
                s.low[u] &= lows[c]
            else:
                s.low[u], s.high[u] = max(s.low[u], lows[c]), min(s.high[u], highs[c])
            c -= 1
    cost = 0.0
    for u in range(units):
        if s.low[u] == 0 if group[u] else s.low[u] > s.high[u]:
            return np.inf, u
        cost = max(cost, least_in(f, u, s.low[u], s.high[u]))
    return cost, -1


@compiled
def _evaluate(
    leaves: Any, f: Any, p: Any, rel: Any, sums: Any, margin: Any, wanted: Any, leaving: Any, low: Any, high: Any,
    u: Any, floor: Any, most: Any, names: Any, s: Any, point: Any, branch: Any, spoilt: Any,
) -> Any:  # fmt: skip
    """Bound a box, try its most promising point, and say how to split it.

    The box is the part of an outer one, whose leaves `names` are, that is smaller in unit `u`.

    Returns
    -------
    bound, cost : float
        What any flip in the box costs at least, inf if none costs less than `most`; and what the flip at `point` costs,
        inf if it is none.
    m : int
        How many leaves a cheaper flip in the box may lie in: they stand in `s.kept`.

        `branch` is set to where the box is cut; its unit to −1 if there is nothing to split. `spoilt` is lowered
        to the cost of a flip that breaks a relation and is given up.
    """
    branch[0] = -1
    base = 0.0
    for v in range(len(low)):
        base = max(base, least_in(f, v, low[v], high[v]))
    if base >= most:
        return np.inf, np.inf, 0
    m = keep_within(f, names, u, low[u] if u >= 0 else 0, high[u] if u >= 0 else 0, most, s.kept)
    bound, total, m = _choose(f, m, base, floor, -sums.error - margin, most, s)
    if bound == np.inf:
        return bound, np.inf, m
    cost, torn = _meet(f, s, low, high)
    if torn >= 0:
        _cut_at_conflict(f, s, low, high, torn, branch)
        return bound, np.inf, m
    if flips_in(leaves, f.leaf, sums, total, margin, wanted, leaving, s):
        for v in range(len(low)):
            point[v] = bin_in(f, v, s.low[v], s.high[v])
        if holds(p, rel, point):
            if cost > bound * (1 + EPS):
                _cut_at_intersection(f, s, low, high, branch)
                _cut_dear_group(f, s, low, bound, branch)
            return bound, cost, m
        broken = cost
    else:
        broken = np.inf
    _cut_at_intersection(f, s, low, high, branch)
    if branch[0] < 0:
        spoilt[0] = min(spoilt[0], broken)
        return np.inf, np.inf, m
    return bound, np.inf, m


@compiled
def _insert(places: Any, worths: Any, n: Any, place: Any, worth: Any) -> None:
    """Insert into the first `n` entries, which are sorted by place."""
    i = n
    while i > 0 and places[i - 1] > place:
        places[i], worths[i] = places[i - 1], worths[i - 1]
        i -= 1
    places[i], worths[i] = place, worth


@compiled
def _cut_at_conflict(  # noqa: C901 - compiled as one loop
    f: Any, s: Any, low: Any, high: Any, torn: Any, branch: Any
) -> None:
    """Cut a column in which chosen leaves contradict each other, where both sides lose most; else a torn group."""
    best, chosen, gain, ground = 0.0, s.chosen, f.gain, s.ground
    table_low, table_high, beginning, ending = f.table_low, f.table_high, s.beginning, s.ending
    lost_below, lost_above = s.lost_below, s.lost_above
    first, unit, lows, highs = f.first, f.unit, f.low, f.high
    tabled = table_low.shape[0] > 0
    for u in range(len(low)):
        if f.group[u] or s.low[u] <= s.high[u]:
            continue
        # What is lost by cutting below a bin: above the cut the leaves that end there, below those that begin there.
        # Only between the first end and the last beginning both sides lose anything.
        start, end, begins, ends, under, over = s.high[u] + 1, s.low[u], 0, 0, 0.0, 0.0
        for t in range(len(chosen)):
            a = chosen[t]
            lo, hi = low[u], high[u]
            if tabled:
                lo, hi = max(lo, np.int64(table_low[a, u])), min(hi, np.int64(table_high[a, u]))
            else:
                for c in range(first[a], first[a + 1]):
                    if unit[c] == u:
                        lo, hi = max(lo, lows[c]), min(hi, highs[c])
            worth = max(gain[a] - ground[t], 1e-9)
            if lo >= start:
                under += worth
                _insert(beginning, lost_below, begins, lo, worth)
                begins += 1
            if hi < end:
                _insert(ending, lost_above, ends, hi + 1, worth)
                ends += 1
        passed = 0
        for e in range(ends):
            over += lost_above[e]
            while passed < begins and beginning[passed] < ending[e]:
                under -= lost_below[passed]
                passed += 1
            if over * under > best:
                best = over * under
                branch[0], branch[1], branch[2] = u, low[u], ending[e] - 1
                branch[3], branch[4] = ending[e], high[u]
    if best > 0:
        return
    heavy = -1.0
    for t in range(len(chosen)):
        a = chosen[t]
        worth = max(gain[a] - ground[t], 1e-9)
        for c in range(first[a], first[a + 1]):
            mask = lows[c] & low[torn]
            if unit[c] == torn and mask != low[torn] and worth > heavy:
                heavy = worth
                branch[0], branch[1], branch[2], branch[3], branch[4] = torn, mask, 0, low[torn] & ~mask, 0


@compiled
def _cut_dear_group(f: Any, s: Any, low: Any, bound: Any, branch: Any) -> None:
    """Cut a group whose chosen members cost more than the bound: the cheaper members on one side."""
    for u in range(len(low)):
        if not f.group[u] or least_in(f, u, s.low[u], 0) <= bound * (1 + EPS):
            continue
        mask = 0
        for c in range(f.start[u + 1] - f.start[u]):
            if (low[u] >> c) & 1 and f.price[f.start[u] + c] <= bound * (1 + EPS):
                mask |= 1 << c
        branch[0], branch[1], branch[2], branch[3], branch[4] = u, mask, 0, low[u] & ~mask, 0
        return


@compiled
def _cut_at_intersection(f: Any, s: Any, low: Any, high: Any, branch: Any) -> None:
    """Cut a unit at an edge of what the chosen leaves have in common, if that is not the whole box."""
    for u in range(len(low)):
        if f.group[u]:
            if s.low[u] != low[u]:
                branch[0], branch[1], branch[2] = u, s.low[u], 0
                branch[3], branch[4] = low[u] & ~s.low[u], 0
        elif s.low[u] > low[u]:
            branch[0], branch[1], branch[2], branch[3], branch[4] = u, low[u], s.low[u] - 1, s.low[u], high[u]
        elif s.high[u] < high[u]:
            branch[0], branch[1], branch[2], branch[3], branch[4] = (
                u,
                low[u],
                s.high[u],
                s.high[u] + 1,
                high[u],
            )


@compiled
def best_first(  # noqa: C901 - compiled as one loop
    leaves: Any, f: Any, p: Any, rel: Any, sums: Any, margin: Any, wanted: Any, leaving: Any, most: Any,
    floor: Any, left: Any, point: Any, stop: Any,
) -> Any:  # fmt: skip
    """Bound boxes, the most promising first, and split them, until none can hold a cheaper flip.

    Returns
    -------
    cost, bound : float
        As `cheapest_flip`.
    left : int
        What is left of the work.
    """
    units, every, trees = len(f.own), len(f.leaf), len(leaves.tree) - 1
    s = _room(every, trees, units)
    trial, spoilt = np.empty(units, dtype=np.int64), np.full(1, np.inf)
    room = min(_BOXES, _CELLS // units + 64)
    lows, highs = np.empty((room, units), dtype=np.int64), np.empty((room, units), dtype=np.int64)
    branches, lists = np.empty((room, 5), dtype=np.int64), np.empty((room, 2), dtype=np.int64)
    # Places of boxes that are done are used again; all from `fresh` on were never used.
    spare, keys, nodes = np.empty(room, dtype=np.int64), np.empty(room), np.empty(room, dtype=np.int64)
    size = max(_NAMES, 4 * every)
    names, outer = np.empty(size, dtype=np.int32), np.arange(every).astype(np.int32)
    for u in range(units):
        n = f.start[u + 1] - f.start[u]
        lows[0, u], highs[0, u] = ((1 << n) - 1, 0) if f.group[u] else (0, max(n - 1, 0))
        for c in range(n if f.group[u] else 0):
            if f.price[f.start[u] + c] == np.inf:
                lows[0, u] &= ~(1 << c)
        if not f.group[u] and f.own[u] >= 0:
            while f.price[f.start[u] + lows[0, u]] >= most:
                lows[0, u] += 1
            while f.price[f.start[u] + highs[0, u]] >= most:
                highs[0, u] -= 1
    fresh, done, waiting, named = np.int64(1), np.int64(0), np.int64(0), 0
    left *= _SHARE
    bound, cost, m = _evaluate(
        leaves, f, p, rel, sums, margin, wanted, leaving, lows[0], highs[0], np.int64(-1), floor, most, outer, s, trial,
        branches[0], spoilt,
    )  # fmt: skip
    left -= 2 * every
    if cost < most:
        most = cost
        copy_into(point, trial)
    if bound < most * (1 - EPS):
        lists[0, 0], lists[0, 1] = 0, m
        copy_into(names[:m], s.kept[:m])
        named, waiting, keys[0], nodes[0] = m, np.int64(1), bound, 0
    while waiting > 0:
        bound, node = keys[0], nodes[0]
        if bound >= most * (1 - EPS):
            break
        if named + 2 * lists[node, 1] > size:
            # Lists of boxes that are done are let go.
            packed, named = np.empty(size, dtype=np.int32), 0
            for e in range(waiting):
                if keys[e] < most * (1 - EPS):
                    b, n = nodes[e], lists[nodes[e], 1]
                    copy_into(packed[named : named + n], names[lists[b, 0] : lists[b, 0] + n])
                    lists[b, 0] = named
                    named += n
                else:
                    lists[nodes[e], 1] = 0
            names = packed
            if named > 0.8 * size or named + 2 * lists[node, 1] > size:
                return most, min(bound, spoilt[0]), left // _SHARE
        if left < 0 or stop[0] or room - fresh + done < 2:
            return most, min(bound, spoilt[0]), left // _SHARE
        pop(keys, nodes, waiting)
        waiting -= 1
        begin, end = lists[node, 0], lists[node, 0] + lists[node, 1]
        u = branches[node, 0]
        for side in range(2 if u >= 0 else 0):
            new = spare[done - 1] if done > 0 else fresh
            copy_into(lows[new], lows[node])
            copy_into(highs[new], highs[node])
            lows[new, u], highs[new, u] = branches[node, 1 + 2 * side], branches[node, 2 + 2 * side]
            if lows[new, u] == 0 if f.group[u] else lows[new, u] > highs[new, u]:
                continue
            inner, cost, m = _evaluate(
                leaves, f, p, rel, sums, margin, wanted, leaving, lows[new], highs[new], u, bound, most,
                names[begin:end], s, trial, branches[new], spoilt,
            )  # fmt: skip
            left -= end - begin + 2 * m + 16 * trees
            if cost < most:
                most = cost
                copy_into(point, trial)
            if inner < most * (1 - EPS):
                lists[new, 0], lists[new, 1] = named, m
                copy_into(names[named : named + m], s.kept[:m])
                named += m
                push(keys, nodes, waiting, inner, new)
                waiting += 1
                if done > 0:
                    done -= 1
                else:
                    fresh += 1
        spare[done] = node
        done += 1
    return most, min(most, spoilt[0]), left // _SHARE
