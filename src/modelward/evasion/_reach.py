"""The leaves within reach of one row, by what they cost it and in legal bins alone: for L∞; compiled.

In L∞ a leaf costs, within any box of columns, what it costs the row or what the box costs, whichever is more. So a list
of leaves that is sorted once stays sorted in every box, and its first part that gives enough is the box's bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from modelward.evasion._entering import enter
from modelward.evasion._kernels import compiled, inlined, sort_by

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CELLS = 30_000_000
"""Units × leaves up to which the ranges of all leaves stand in one table."""
_FAR = np.int32(2**31 - 1)


class Reach(NamedTuple):
    """Leaves within reach, the cheapest first.

    Parameters
    ----------
    leaf, tree : ndarray of int64, shape (a,)
        Number of each leaf among all, and its tree.
    near, gain : ndarray of float64, shape (a,)
        What it costs the row to enter it, and what it gives to the rival over the class that is left.
    first : ndarray of int64, shape (a + 1,)
        Where its constraints begin.
    unit, low, high : ndarray of int64, shape (constraints,)
        As in `Leaves`, in legal bins, without those of missing cells.
    table_low, table_high : ndarray of int32, shape (a, U) or (0, 0)
        The same of columns in a table, where there is room for it; groups' constraints are the last of each leaf's.
    start : ndarray of int64, shape (U + 1,)
        Where each unit's legal bins begin; all members of a group are kept.
    own : ndarray of int64, shape (U,)
        The row's legal bin.
    price, bin : ndarray, shape (legal bins,)
        What each costs, and which bin it is.
    group : ndarray of bool, shape (U,)
    """

    leaf: NDArray[np.int64]
    tree: NDArray[np.int64]
    near: NDArray[np.float64]
    gain: NDArray[np.float64]
    first: NDArray[np.int64]
    unit: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    table_low: NDArray[np.int32]
    table_high: NDArray[np.int32]
    start: NDArray[np.int64]
    own: NDArray[np.int64]
    price: NDArray[np.float64]
    bin: NDArray[np.int64]
    group: NDArray[np.bool_]


@compiled
def reach(leaves: Any, trees: Any, gain: Any, p: Any, most: Any) -> Any:
    """Return the leaves that can be entered for less than `most`, and how many nodes were looked at."""
    active, tree_of, near_of, size, looked = enter(leaves, trees, p, most)
    n, units = len(active), len(p.own)
    start, own, price, bins, rank = _legal(p)
    order = np.empty(n, dtype=np.int64)
    sort_by(near_of, order, n)
    leaf, tree, near, worth = (
        np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64), np.empty(n), np.empty(n),
    )  # fmt: skip
    first = np.zeros(n + 1, dtype=np.int64)
    unit, low, high = (
        np.empty(size, dtype=np.int64),
        np.empty(size, dtype=np.int64),
        np.empty(size, dtype=np.int64),
    )
    fits = units * n <= _CELLS
    table_low = np.zeros((n if fits else 0, units if fits else 0), dtype=np.int32)
    table_high = np.empty((n if fits else 0, units if fits else 0), dtype=np.int32)
    for a in range(n if fits else 0):
        for u in range(units):
            table_high[a, u] = _FAR
    k = 0
    for a in range(n):
        i = active[order[a]]
        leaf[a], tree[a], near[a], worth[a] = i, tree_of[order[a]], near_of[order[a]], gain[i]
        for c in range(leaves.first[i], leaves.first[i + 1]):
            u = leaves.unit[c]
            if p.group[u]:
                lo, hi = leaves.low[c] & rank[p.start[u]], 0
            elif p.own[u] < 0:
                continue
            else:
                lo = rank[p.start[u] + p.following[p.start[u] + leaves.low[c]]]
                hi = rank[p.start[u] + p.preceding[p.start[u] + leaves.high[c]]]
            unit[k], low[k], high[k] = u, lo, hi
            k += 1
            if fits and not p.group[u]:
                table_low[a, u], table_high[a, u] = lo, hi
        first[a + 1] = k
    return (
        Reach(
            leaf, tree, near, worth, first, unit[:k], low[:k], high[:k], table_low, table_high, start, own, price, bins,
            p.group,
        ),
        looked,
    )  # fmt: skip


@compiled
def _legal(p: Any) -> Any:
    """Number the bins that have a price; `rank` is the number of each, and for a group the mask of such members."""
    units = len(p.own)
    start, own = np.zeros(units + 1, dtype=np.int64), np.full(units, -1, dtype=np.int64)
    price, bins = np.empty(len(p.price)), np.empty(len(p.price), dtype=np.int64)
    rank = np.zeros(len(p.price), dtype=np.int64)
    k = 0
    for u in range(units):
        for b in range(p.start[u + 1] - p.start[u]):
            at = p.start[u] + b
            if p.group[u]:
                price[k], bins[k] = p.price[at], b
                k += 1
                if p.price[at] < np.inf:
                    rank[p.start[u]] |= 1 << b
            elif p.own[u] >= 0 and p.price[at] < np.inf:
                rank[at] = k - start[u]
                price[k], bins[k] = p.price[at], b
                k += 1
        start[u + 1] = k
        if p.own[u] >= 0:
            own[u] = p.own[u] if p.group[u] else rank[p.start[u] + p.own[u]]
    return start, own, price[:k], bins[:k], rank


@inlined
def least_in(f: Any, u: Any, low: Any, high: Any) -> Any:
    """Return the least price of a unit within a range of legal bins that is not empty."""
    if f.group[u]:
        best = np.inf
        for c in range(f.start[u + 1] - f.start[u]):
            if (low >> c) & 1 and f.price[f.start[u] + c] < best:
                best = f.price[f.start[u] + c]
        return best
    own = f.own[u]
    if own < 0 or low <= own <= high:
        return 0.0
    return f.price[f.start[u] + low] if low > own else f.price[f.start[u] + high]


@inlined
def bin_in(f: Any, u: Any, low: Any, high: Any) -> Any:
    """Return the bin, among all, that `least_in` prices; −1 for a missing cell."""
    if f.group[u]:
        best, at = np.inf, 0
        for c in range(f.start[u + 1] - f.start[u]):
            if (low >> c) & 1 and f.price[f.start[u] + c] < best:
                best, at = f.price[f.start[u] + c], c
        return at
    own = f.own[u]
    if own < 0:
        return -1
    at = own if low <= own <= high else (low if low > own else high)
    return f.bin[f.start[u] + at]


@compiled
def keep_within(f: Any, names: Any, u: Any, low: Any, high: Any, most: Any, kept: Any) -> Any:
    """Write those of some leaves that cost less than `most` and meet a unit's range into `kept`; return how many."""
    m = 0
    near, table_low, table_high, first = f.near, f.table_low, f.table_high, f.first
    unit, lows, highs = f.unit, f.low, f.high
    tabled, grouped = table_low.shape[0] > 0, u >= 0 and f.group[u]
    for r in range(len(names)):
        a = names[r]
        if near[a] >= most:
            break
        if u >= 0:
            lo, hi = (np.int64(-1), np.int64(0)) if grouped else (np.int64(0), np.int64(_FAR))
            if tabled and not grouped:
                lo, hi = np.int64(table_low[a, u]), np.int64(table_high[a, u])
            else:
                for c in range(first[a], first[a + 1]):
                    if unit[c] == u:
                        lo, hi = lows[c], highs[c]
                        break
            if (lo & low) == 0 if grouped else (lo > high or hi < low):
                continue
        kept[m] = a
        m += 1
    return m
