"""Branch and bound over boxes of bins, compiled; see `_kernels` for the words."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelward.evasion._climbing import walk
from modelward.evasion._close import choose, close_leaves, reachable, scratch, worthwhile
from modelward.evasion._heap import pop, push
from modelward.evasion._kernels import (
    EPS,
    compiled,
    copy_into,
    flips_in,
    holds,
    nearest_bin,
    price_in,
)
from modelward.evasion._splitting import split

_BOXES = 200_000
"""The most boxes that wait, and with `_CELLS` cells (boxes × units) the memory that they take."""
_CELLS = 4_000_000
_NAMES = 8_000_000
"""Leaves that boxes may name together, 12 bytes each."""


@compiled
def _meet(close: Any, p: Any, s: Any, low: Any, high: Any) -> Any:
    """Intersect the chosen leaves with a box; return what entering it costs, and a unit in which it is empty or −1."""
    copy_into(s.low, low)
    copy_into(s.high, high)
    for a in s.chosen:
        for c in range(close.first[a], close.first[a + 1]):
            u = close.unit[c]
            if p.group[u]:
                s.low[u] &= close.low[c]
            else:
                s.low[u], s.high[u] = max(s.low[u], close.low[c]), min(s.high[u], close.high[c])
    cost, torn = 0.0, -1
    for u in range(len(p.own)):
        mine = price_in(p, u, s.low[u], s.high[u])
        if mine == np.inf and torn < 0:
            torn = u
        cost += mine
    return cost, torn


@compiled
def _evaluate(
    leaves: Any, close: Any, p: Any, rel: Any, sums: Any, margin: Any, wanted: Any, leaving: Any, low: Any,
    high: Any, u: Any, outer_low: Any, outer_high: Any, floor: Any, most: Any, names: Any, prices: Any, s: Any,
    point: Any, branch: Any, spoilt: Any,
) -> Any:  # fmt: skip
    """Bound a box of bins, try its most promising point, and say how to split it.

    The box is the part of an outer one that is smaller in unit `u`; `names` and `prices` are the outer one's leaves.

    Returns
    -------
    bound : float
        What any flip in the box costs at least, not under `floor`; inf if none costs less than `most`.
    cost : float
        Of the flip at `point`; inf if the point is none.
    m : int
        How many leaves can be entered in the box for less than `most`: they stand in `s.kept` and `s.near`.

        `branch` is set to where the box is cut; its unit to −1 if there is nothing to split. `spoilt` is lowered
        to the cost of a flip that breaks a relation and is given up: elsewhere in its bins a dearer value might
        keep it.
    """
    units = len(p.own)
    base = 0.0
    for v in range(units):
        s.free[v] = price_in(p, v, low[v], high[v])
        base += s.free[v]
    branch[0] = -1
    more = s.free[u] - price_in(p, u, outer_low, outer_high)
    m = reachable(
        close, p, names, prices, u, outer_low, outer_high, low[u], high[u], more, most, s
    )  # fmt: skip
    bound, total = choose(close, m, base, max(floor, base), -sums.error - margin, s)
    if bound == np.inf:
        return bound, np.inf, m
    m = worthwhile(close, m, -sums.error - margin, s)
    cost, torn = _meet(close, p, s, low, high)
    if cost < np.inf:
        flips = flips_in(leaves, close.leaf, sums, total, margin, wanted, leaving, s)
        if flips:
            for v in range(units):
                point[v] = nearest_bin(p, v, s.low[v], s.high[v])
        if flips and holds(p, rel, point):
            if cost <= bound * (1 + EPS):
                return bound, cost, m
        else:
            whole = flips
            for v in range(units):
                whole = whole and s.low[v] == low[v] and s.high[v] == high[v]
            if whole:
                spoilt[0] = min(spoilt[0], cost)
                return np.inf, np.inf, m
            cost = np.inf
    split(close, p, s, low, high, torn, branch)
    return bound, cost, m


def cheapest_flip(
    leaves: Any, trees: Any, p: Any, rel: Any, sums: Any, wanted: Any, leaving: Any, rival: Any, most: Any,
    work: Any, point: Any, stop: Any,
) -> Any:  # fmt: skip
    """Search for the cheapest point at which the class `rival` reaches the class `leaving`.

    Best-first branch and bound over boxes of bins. The bound of a box: if the flip costs ε, then each tree gives
    at most the best of its leaves that can be entered for ε; so ε is at least where those sums reach zero.

    Parameters
    ----------
    leaves : Leaves
    trees : Trees
    p : Prices
    rel : Relations
    sums : Sums
    wanted : int
        The label that counts; −1 for any other than `leaving`.
    leaving, rival : int
    most : float
        Cost of a flip that is known; only cheaper ones are looked for, and where prices add up `point` is where the
        looking begins.
    work : int
        Constraints of leaves that may be looked at.
    point : ndarray of int64, shape (U,)
        Set to the bins of the flip, if one is found.
    stop : ndarray of bool, shape (1,)
        Set by another thread to end the search early.

    Returns
    -------
    cost : float
        Of the flip at `point`; `most` if none was found.
    bound : float
        What any flip to `rival` costs at least, or `cost` if that is less.
    """
    gain = leaves.value[:, rival] - leaves.value[:, leaving]
    margin = sums.base[rival] - sums.base[leaving]
    sure, enough = 2 * sums.error - margin, -sums.error - margin
    walks = wanted < 0 or leaves.value.shape[1] == 2
    # Plain code chooses, so that only the search that is asked for is compiled.
    if p.widest:
        from modelward.evasion._widest_flip import cheapest_widest

        return cheapest_widest(
            leaves, trees, gain, p, rel, sums, wanted, leaving, margin, most, work, point, stop, walks
        )
    floor = 0.0
    if walks:
        most, floor, work = walk(leaves, trees, gain, p, rel, sure, most, enough, work, point, stop)
        if floor == np.inf or (most == np.inf and work < 0):
            return most, floor
    close, looked = close_leaves(leaves, trees, gain, p, most)
    work -= looked + len(close.unit)
    return _best_first(leaves, close, p, rel, sums, margin, wanted, leaving, most, floor, work, point, stop)


@compiled
def _best_first(  # noqa: C901 - compiled as one loop
    leaves: Any, close: Any, p: Any, rel: Any, sums: Any, margin: Any, wanted: Any, leaving: Any, most: Any,
    floor: Any, left: Any, point: Any, stop: Any,
) -> Any:  # fmt: skip
    """Bound boxes, the most promising first, and split them, until none can hold a cheaper flip."""
    units, every = len(p.own), len(close.leaf)
    s = scratch(every, len(leaves.tree) - 1, units)
    trial = np.empty(units, dtype=np.int64)
    spoilt = np.full(1, np.inf)
    room = min(_BOXES, _CELLS // units + 64)
    lows, highs = np.empty((room, units), dtype=np.int64), np.empty((room, units), dtype=np.int64)
    branches, lists = np.empty((room, 5), dtype=np.int64), np.empty((room, 2), dtype=np.int64)
    size, named = max(_NAMES, 4 * every), every
    names, prices = np.empty(size, dtype=np.int32), np.empty(size)
    for a in range(every):
        names[a], prices[a] = a, close.near[a]
    for u in range(units):
        bins = p.start[u + 1] - p.start[u]
        lows[0, u] = (1 << bins) - 1 if p.group[u] else 0
        highs[0, u] = 0 if p.group[u] else bins - 1
    lists[0, 0], lists[0, 1] = 0, every
    each = len(close.unit) / max(1, every) + 8  # work per leaf that is looked at
    bound, cost, _ = _evaluate(
        leaves, close, p, rel, sums, margin, wanted, leaving, lows[0], highs[0], np.int64(0), lows[0, 0],
        highs[0, 0], floor, most, names[:every], prices[:every], s, trial, branches[0], spoilt,
    )  # fmt: skip
    if cost < most:
        most = cost
        copy_into(point, trial)
    keys, nodes = np.empty(room), np.empty(room, dtype=np.int64)
    keys[0], nodes[0] = bound, 0
    waiting, count = np.int64(1), np.int64(1)
    while waiting > 0:
        bound, node = keys[0], nodes[0]
        if bound >= most * (1 - EPS):
            break
        if named + 2 * lists[node, 1] > size:
            # Lists of boxes that are done are let go.
            keep, costs, named = np.empty(size, dtype=np.int32), np.empty(size), 0
            for e in range(waiting):
                b, n = nodes[e], lists[nodes[e], 1]
                if keys[e] >= most * (1 - EPS):
                    lists[b, 1] = 0
                else:
                    copy_into(keep[named : named + n], names[lists[b, 0] : lists[b, 0] + n])
                    copy_into(costs[named : named + n], prices[lists[b, 0] : lists[b, 0] + n])
                    lists[b, 0] = named
                    named += n
            names, prices = keep, costs
            if named > 0.8 * size or named + 2 * lists[node, 1] > size:
                return most, min(bound, spoilt[0])
        if left < 0 or stop[0] or count + 2 > room:
            return most, min(bound, spoilt[0])
        pop(keys, nodes, waiting)
        waiting -= 1
        if branches[node, 0] < 0:
            continue
        begin, end = lists[node, 0], lists[node, 0] + lists[node, 1]
        for side in range(2):
            copy_into(lows[count], lows[node])
            copy_into(highs[count], highs[node])
            u = branches[node, 0]
            lows[count, u], highs[count, u] = branches[node, 1 + 2 * side], branches[node, 2 + 2 * side]
            if price_in(p, u, lows[count, u], highs[count, u]) == np.inf:
                continue
            inner, cost, m = _evaluate(
                leaves, close, p, rel, sums, margin, wanted, leaving, lows[count], highs[count], u,
                lows[node, u], highs[node, u], bound, most, names[begin:end], prices[begin:end], s, trial,
                branches[count], spoilt,
            )  # fmt: skip
            left -= int(each * lists[node, 1])
            if cost < most:
                most = cost
                copy_into(point, trial)
            if inner < most * (1 - EPS):
                lists[count, 0], lists[count, 1] = named, m
                for r in range(m):
                    names[named + r], prices[named + r] = s.kept[r], s.near[r]
                named += m
                push(keys, nodes, waiting, inner, count)
                waiting += 1
                count += 1
    return most, min(most, spoilt[0])
