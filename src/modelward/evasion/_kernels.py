"""Compiled kernels of the exact search over tree ensembles.

Words used here. A *unit* is a column, or a one-hot group as a whole. A column's *bins* are the ranges between
the ensemble's thresholds, numbered from 0; a group's bins are its members. A leaf is a list of *constraints*
(unit, range of bins), a group's range being a bit mask. For one row every bin of every unit has a price, so that
the cost of a point is the sum of its bins' prices. A row's own bin costs nothing, and prices of a column never
fall with the distance from it.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numba
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

F = TypeVar("F", bound="Callable[..., Any]")
_EPS = 1e-12


def compiled(function: F) -> F:
    """Compile a kernel, keep it on disk, and let other threads run beside it."""
    return numba.njit(cache=True, nogil=True)(function)  # type: ignore[no-any-return]


class Leaves(NamedTuple):
    """All leaves of an ensemble.

    Parameters
    ----------
    tree : ndarray of int64, shape (trees + 1,)
        Where each tree's leaves begin.
    first : ndarray of int64, shape (L + 1,)
        Where each leaf's constraints begin.
    unit, low, high : ndarray of int64, shape (constraints,)
        Unit and range of bins, both ends included; for a group `low` is the mask of members.
    missing : ndarray of bool, shape (constraints,)
        Whether a missing cell passes.
    value : ndarray of float64, shape (L, k)
        What the leaf adds to each class.
    """

    tree: NDArray[np.int64]
    first: NDArray[np.int64]
    unit: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    missing: NDArray[np.bool_]
    value: NDArray[np.float64]


class Prices(NamedTuple):
    """What a row's moves cost.

    Parameters
    ----------
    start : ndarray of int64, shape (U + 1,)
        Where each unit's bins begin.
    own : ndarray of int64, shape (U,)
        Bin of the row; −1 for a missing cell, which stays missing.
    price : ndarray of float64, shape (bins,)
        inf where no legal value lies in a bin.
    following, preceding : ndarray of int64, shape (bins,)
        The nearest bin with a finite price at or after, at or before each; the number of bins and −1 for none.
    group : ndarray of bool, shape (U,)
        Which units are one-hot groups.
    """

    start: NDArray[np.int64]
    own: NDArray[np.int64]
    price: NDArray[np.float64]
    following: NDArray[np.int64]
    preceding: NDArray[np.int64]
    group: NDArray[np.bool_]


class Sums(NamedTuple):
    """How the library adds up, for the points where that decides.

    Parameters
    ----------
    base : ndarray of float64, shape (k,)
    kind : int
        0 for a mean in float64, 1 for sums in float32, 2 for sums in float64.
    tie_up : bool
        Whether a binary margin of exactly zero is the second class.
    error : float
        Within this margin the library's own arithmetic is followed.
    """

    base: NDArray[np.float64]
    kind: int
    tie_up: bool
    error: float


@compiled
def read_leaves(
    left: Any, right: Any, feature: Any, bin_of: Any, missing_left: Any, unit_of: Any, member: Any, zero: Any,
    one: Any, bins: Any, members: Any, leaf: Any, first: Any, unit: Any, low: Any, high: Any, missing: Any,
) -> int:  # fmt: skip
    """Write the constraints of one tree's leaves; return how many leaves can be reached.

    `leaf`, `first`, `unit`, `low`, `high` and `missing` are filled; `first[0]` says where to begin. `bin_of` is
    the place of each node's threshold among those of its column: bins up to it go left.
    """
    d, m = len(unit_of), len(left)
    parent = np.full(m, -1, dtype=np.int64)
    for node in range(m):
        if left[node] != -1:
            parent[left[node]] = node
            parent[right[node]] = node
    lo, hi, miss = np.zeros(d, dtype=np.int64), bins - 1, np.ones(d, dtype=np.bool_)
    touched = np.empty(d, dtype=np.int64)
    masks = np.zeros(len(members), dtype=np.int64)
    seen = np.zeros(len(members), dtype=np.bool_)
    count = 0
    for node in range(m):
        if left[node] != -1 or (parent[node] == -1 and node != 0):
            continue
        n, at, child = 0, parent[node], node
        while at != -1:
            j = feature[at]
            if lo[j] == 0 and hi[j] == bins[j] - 1 and miss[j]:
                known = False
                for i in range(n):
                    if touched[i] == j:
                        known = True
                if not known:
                    touched[n] = j
                    n += 1
            if left[at] == child:
                hi[j] = min(hi[j], bin_of[at])
                miss[j] = miss[j] and missing_left[at]
            else:
                lo[j] = max(lo[j], bin_of[at] + 1)
                miss[j] = miss[j] and not missing_left[at]
            child, at = at, parent[at]
        place, good = first[count], True
        for i in range(n):
            j = touched[i]
            u = unit_of[j]
            if member[j] >= 0:
                if not seen[u]:
                    seen[u] = True
                    masks[u] = (1 << members[u]) - 1
                for c in range(members[u]):
                    b = one[j] if c == member[j] else zero[j]
                    if b < lo[j] or b > hi[j]:
                        masks[u] &= ~(1 << c)
            elif lo[j] > hi[j] and not miss[j]:
                good = False
            else:
                unit[place], low[place], high[place], missing[place] = u, lo[j], hi[j], miss[j]
                place += 1
        for i in range(n):
            j = touched[i]
            u = unit_of[j]
            if member[j] >= 0 and seen[u]:
                seen[u] = False
                if masks[u] == 0:
                    good = False
                elif masks[u] != (1 << members[u]) - 1:
                    unit[place], low[place], high[place], missing[place] = u, masks[u], 0, False
                    place += 1
            lo[j], hi[j], miss[j] = 0, bins[j] - 1, True
        if good:
            leaf[count] = node
            count += 1
            first[count] = place
    return count


@compiled
def _least(p: Any, u: Any, low: Any, high: Any) -> Any:
    """Return the least price of a unit within a range; inf if nothing legal is in it."""
    if p.group[u]:
        best = np.inf
        for c in range(p.start[u + 1] - p.start[u]):
            if (low >> c) & 1 and p.price[p.start[u] + c] < best:
                best = p.price[p.start[u] + c]
        return best
    own = p.own[u]
    if own < 0 or low <= own <= high:
        return 0.0
    if low > own:
        b = p.following[p.start[u] + low]
        return p.price[p.start[u] + b] if b <= high else np.inf
    if high < 0:
        return np.inf
    b = p.preceding[p.start[u] + high]
    return p.price[p.start[u] + b] if b >= low else np.inf


@compiled
def _least_bin(p: Any, u: Any, low: Any, high: Any) -> Any:
    """Return the bin that `_least` prices."""
    if p.group[u]:
        best, bin_ = np.inf, 0
        for c in range(p.start[u + 1] - p.start[u]):
            if (low >> c) & 1 and p.price[p.start[u] + c] < best:
                best, bin_ = p.price[p.start[u] + c], c
        return bin_
    own = p.own[u]
    if own < 0 or low <= own <= high:
        return own
    return p.following[p.start[u] + low] if low > own else p.preceding[p.start[u] + high]


@compiled
def _within(p: Any, u: Any, low: Any, high: Any, bin_: Any) -> Any:
    """Say whether a bin lies in a range; a missing cell was looked at before."""
    if p.group[u]:
        return (low >> bin_) & 1 == 1
    return bin_ < 0 or low <= bin_ <= high


@compiled
def distances(leaves: Any, p: Any, out: Any) -> None:
    """Write what it costs the row to enter each leaf; inf where it cannot."""
    for i in range(len(out)):
        total = 0.0
        for c in range(leaves.first[i], leaves.first[i + 1]):
            u = leaves.unit[c]
            if p.own[u] < 0 and not p.group[u]:
                if not leaves.missing[c]:
                    total = np.inf
                    break
            else:
                total += _least(p, u, leaves.low[c], leaves.high[c])
                if total == np.inf:
                    break
        out[i] = total


@compiled
def _label(leaves: Any, sums: Any, chosen: Any) -> Any:
    """Return the class of a point that lies in the chosen leaves, in the library's own arithmetic."""
    k = leaves.value.shape[1]
    if sums.kind == 1:
        total32 = sums.base.astype(np.float32)
        for t in range(len(chosen)):
            for c in range(k):
                total32[c] += np.float32(leaves.value[chosen[t], c])
        if k == 2:
            odds = np.float32(1.0) / (np.float32(1.0) + np.exp(-total32[1]))
            return 1 if odds > np.float32(0.5) else 0
        return np.argmax(total32)
    total = sums.base.copy()
    for t in range(len(chosen)):
        for c in range(k):
            total[c] += leaves.value[chosen[t], c]
    if sums.kind == 0:
        total /= len(chosen)
    elif k == 2:
        return 1 if total[1] > 0 or (sums.tie_up and total[1] == 0) else 0
    return np.argmax(total)


@compiled
def _landscape(leaves: Any, gain: Any, active: Any, p: Any, point: Any, change: Any) -> Any:
    """Return the margin at a point, and write the margins after every move of one unit.

    One pass over the leaves: one that holds the point adds to the bins of its ranges, one that misses it in a
    single unit adds to the bins that would enter it.
    """
    change[:] = 0.0
    total = 0.0
    for i in active:
        misses, where = 0, -1
        for c in range(leaves.first[i], leaves.first[i + 1]):
            u = leaves.unit[c]
            if not _within(p, u, leaves.low[c], leaves.high[c], point[u]):
                misses += 1
                where = c
                if misses == 2:
                    break
        if misses == 0:
            total += gain[i]
            for c in range(leaves.first[i], leaves.first[i + 1]):
                u = leaves.unit[c]
                s = p.start[u] + u
                if p.group[u]:
                    for b in range(p.start[u + 1] - p.start[u]):
                        if not (leaves.low[c] >> b) & 1:
                            change[s + b] -= gain[i]
                elif point[u] >= 0:
                    change[s] -= gain[i]
                    change[s + leaves.low[c]] += gain[i]
                    change[s + leaves.high[c] + 1] -= gain[i]
        elif misses == 1:
            u = leaves.unit[where]
            s = p.start[u] + u
            if p.group[u]:
                for b in range(p.start[u + 1] - p.start[u]):
                    if (leaves.low[where] >> b) & 1:
                        change[s + b] += gain[i]
            elif leaves.low[where] <= leaves.high[where]:
                change[s + leaves.low[where]] += gain[i]
                change[s + leaves.high[where] + 1] -= gain[i]
    for u in range(len(p.own)):
        if not p.group[u]:
            s = p.start[u] + u
            for b in range(1, p.start[u + 1] - p.start[u]):
                change[s + b] += change[s + b - 1]
    return total


@compiled
def _climb(leaves: Any, gain: Any, active: Any, p: Any, need: Any, power: Any, most: Any, point: Any) -> Any:
    """Walk from the row to a flip, one unit at a time, then take back what was not needed.

    Returns
    -------
    float
        Cost of the flip at `point`; inf if the walk got stuck or would cost `most`.
    """
    units = len(p.own)
    change = np.empty(p.start[units] + units + 1)
    point[:] = p.own
    spent = 0.0
    for _ in range(4 * units + 8):
        margin = _landscape(leaves, gain, active, p, point, change)
        best, bu, bb, reached = 0.0, -1, -1, np.inf
        for u in range(units):
            if point[u] < 0:
                continue
            now = p.price[p.start[u] + point[u]]
            for b in range(p.start[u + 1] - p.start[u]):
                price = p.price[p.start[u] + b]
                if b == point[u] or price == np.inf or spent + price - now >= most:
                    continue
                up = change[p.start[u] + u + b]
                if margin >= need:
                    if margin + up >= need and price - now < best - _EPS:
                        best, bu, bb = price - now, u, b
                elif margin + up >= need:
                    if price - now < reached:
                        reached, bu, bb = price - now, u, b
                elif reached == np.inf and up > 0:
                    score = up / max(price - now, 1e-9) ** power
                    if score > best:
                        best, bu, bb = score, u, b
        if bu < 0:
            return spent if margin >= need else np.inf
        spent += p.price[p.start[bu] + bb] - p.price[p.start[bu] + point[bu]]
        point[bu] = bb
    margin = _landscape(leaves, gain, active, p, point, change)
    return spent if margin >= need else np.inf


@compiled
def _evaluate(
    leaves: Any, gain: Any, active: Any, tree_of: Any, trees: Any, p: Any, sums: Any, margin: Any, wanted: Any,
    leaving: Any, low: Any, high: Any, most: Any, point: Any, branch: Any,
) -> Any:  # fmt: skip
    """Bound a box of bins, try its most promising point, and say how to split it.

    Returns
    -------
    bound : float
        What any flip in the box costs at least; inf if none costs less than `most`.
    cost : float
        Of the flip at `point`; inf if the point is none.

        `branch` is set to (unit, low and high of the first part, low and high of the second); unit −1 if there
        is nothing to split.
    """
    units = len(p.own)
    least = np.empty(units)
    base = 0.0
    for u in range(units):
        least[u] = _least(p, u, low[u], high[u])
        base += least[u]
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
                total += _least(p, u, low[u] & leaves.low[c], 0) - least[u]
            else:
                lo, hi = max(low[u], leaves.low[c]), min(high[u], leaves.high[c])
                total += (_least(p, u, lo, hi) - least[u]) if lo <= hi else np.inf
            if total >= most:
                break
        if total < most:
            near[m], kept[m] = total, a
            m += 1
    order = np.argsort(near[:m])
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
        if near[r] <= base + _EPS:
            ground[t] = gain[i]
        if have == trees and total >= -sums.error:
            bound = near[r]
            break
    if bound == np.inf:
        return bound, np.inf
    ilow, ihigh = low.copy(), high.copy()
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
        mine = _least(p, u, ilow[u], ihigh[u]) if p.group[u] or ilow[u] <= ihigh[u] else np.inf
        if mine == np.inf and torn < 0:
            torn = u
        cost += mine
    if cost < np.inf:
        flips = total > sums.error
        if not flips or wanted >= 0:
            label = _label(leaves, sums, chosen)
            flips = label == wanted if wanted >= 0 else label != leaving
        if flips:
            for u in range(units):
                point[u] = _least_bin(p, u, ilow[u], ihigh[u])
            if cost <= bound + _EPS:
                return bound, cost
        else:
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
            if _least(p, u, lo, min(high[u], leaves.high[c])) > least[u] + _EPS:
                weight[u] += max(worth, 1e-9)
    cut = np.argmax(weight)
    if weight[cut] > 0:
        _cut_at_demand(leaves, gain, ground, chosen, p, low, high, least, cut, branch)
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
    leaves: Any, gain: Any, ground: Any, chosen: Any, p: Any, low: Any, high: Any, least: Any, u: Any, branch: Any
) -> None:
    """Cut a unit where the leaves that want it moved ask for: the weighted median of the heavier direction."""
    n = len(chosen)
    at = np.empty(n, dtype=np.int64)
    pull = np.empty(n)
    up = np.empty(n, dtype=np.bool_)
    m, heavy, best_mask = 0, -1.0, 0
    rest = _least_bin(p, u, low[u], high[u])
    for t in range(n):
        for c in range(leaves.first[chosen[t]], leaves.first[chosen[t] + 1]):
            if leaves.unit[c] != u:
                continue
            worth = max(gain[chosen[t]] - ground[t], 1e-9)
            if p.group[u]:
                mask = low[u] & leaves.low[c]
                if _least(p, u, mask, 0) > least[u] + _EPS and worth > heavy:
                    heavy, best_mask = worth, mask
                continue
            lo, hi = max(low[u], leaves.low[c]), min(high[u], leaves.high[c])
            if _least(p, u, lo, hi) > least[u] + _EPS:
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
    for i in np.argsort(at[:m]):
        if up[i] == side:
            place = at[i]
            run += pull[i]
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
def cheapest_flip(
    leaves: Any, p: Any, sums: Any, wanted: Any, leaving: Any, rival: Any, most: Any, work: Any, point: Any
) -> Any:
    """Search for the cheapest point at which the class `rival` reaches the class `leaving`.

    Best-first branch and bound over boxes of bins. The bound of a box: if the flip costs ε, then each tree gives
    at most the best of its leaves that can be entered for ε; so ε is at least where those sums reach zero.

    Parameters
    ----------
    leaves : Leaves
    p : Prices
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
    left = work
    for power in (1.0, 0.5, 0.0):
        active = np.flatnonzero(near < most)
        size = 0
        for i in active:
            size += leaves.first[i + 1] - leaves.first[i]
        if wanted < 0 or leaves.value.shape[1] == 2:
            cost = _climb(leaves, gain, active, p, 2 * sums.error - margin, power, most, trial)
            left -= 6 * size
            if cost < most:
                most = cost
                point[:] = trial
        if left < 0:
            break
    size = 0
    active = np.flatnonzero(near < most)
    tree_of = np.empty(len(active), dtype=np.int64)
    t = 0
    for a in range(len(active)):
        while active[a] >= leaves.tree[t + 1]:
            t += 1
        tree_of[a] = t
        size += leaves.first[active[a] + 1] - leaves.first[active[a]]
    room = min(200_000, 4_000_000 // units + 64)
    lows, highs = np.empty((room, units), dtype=np.int64), np.empty((room, units), dtype=np.int64)
    branches = np.empty((room, 5), dtype=np.int64)
    for u in range(units):
        bins = p.start[u + 1] - p.start[u]
        lows[0, u] = (1 << bins) - 1 if p.group[u] else 0
        highs[0, u] = 0 if p.group[u] else bins - 1
    bound, cost = _evaluate(
        leaves, gain, active, tree_of, trees, p, sums, margin, wanted, leaving, lows[0], highs[0], most, trial,
        branches[0],
    )  # fmt: skip
    if cost < most:
        most = cost
        point[:] = trial
    heap = [(bound, 0)]
    count = 1
    while len(heap) > 0:
        bound, node = heap[0]
        if bound >= most - _EPS:
            return most, most
        if left < 0 or count + 2 > room:
            return most, bound
        heapq.heappop(heap)
        if branches[node, 0] < 0:
            continue
        for side in range(2):
            lows[count], highs[count] = lows[node], highs[node]
            u = branches[node, 0]
            lows[count, u], highs[count, u] = branches[node, 1 + 2 * side], branches[node, 2 + 2 * side]
            if not p.group[u] and lows[count, u] > highs[count, u]:
                continue
            if _least(p, u, lows[count, u], highs[count, u]) == np.inf:
                continue
            inner, cost = _evaluate(
                leaves, gain, active, tree_of, trees, p, sums, margin, wanted, leaving, lows[count],
                highs[count], most, trial, branches[count],
            )  # fmt: skip
            left -= size + 8 * len(active)
            if cost < most:
                most = cost
                point[:] = trial
                kept = near[active] < most
                active, tree_of = active[kept], tree_of[kept]
                size = 0
                for i in active:
                    size += leaves.first[i + 1] - leaves.first[i]
            inner = max(inner, bound)
            if inner < most - _EPS:
                heapq.heappush(heap, (inner, count))
                count += 1
    return most, most
