"""The leaves that a row can enter for less than a known flip costs, and what they promise in a box; compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from modelward.evasion._entering import enter
from modelward.evasion._kernels import EPS, compiled, copy_into, inlined, least, least_bin, sort_by

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FEW = 32
"""Leaves that are sorted rather than halved further."""


class Close(NamedTuple):
    """Leaves within reach of one row, in one piece of memory.

    Parameters
    ----------
    leaf, tree : ndarray of int64, shape (a,)
        Number of each leaf among all, and its tree.
    near, gain : ndarray of float64, shape (a,)
        What it costs the row to enter it, and what it gives to the rival over the class that is left.
    first : ndarray of int64, shape (a + 1,)
        Where its constraints begin.
    unit, low, high : ndarray of int64, shape (constraints,)
        As in `Leaves`, without those of missing cells.
    price : ndarray of float64, shape (constraints,)
        What the row pays to meet each constraint where nothing else binds it.
    bin : ndarray of int64, shape (constraints,)
        The bin at which it does.
    """

    leaf: NDArray[np.int64]
    tree: NDArray[np.int64]
    near: NDArray[np.float64]
    gain: NDArray[np.float64]
    first: NDArray[np.int64]
    unit: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    price: NDArray[np.float64]
    bin: NDArray[np.int64]


class Scratch(NamedTuple):
    """Room to work in, for `a` close leaves, `t` trees and `u` units: made once for a row."""

    near: NDArray[np.float64]
    kept: NDArray[np.int64]
    late: NDArray[np.int64]
    key: NDArray[np.float64]
    order: NDArray[np.int64]
    chosen: NDArray[np.int64]
    leaf: NDArray[np.int64]
    ground: NDArray[np.float64]
    free: NDArray[np.float64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]


@compiled
def close_leaves(leaves: Any, trees: Any, gain: Any, p: Any, most: Any) -> Any:
    """Return the leaves that can be entered for less than `most`, and how many nodes were looked at."""
    active, tree, own_near, size, looked = enter(leaves, trees, p, most)
    first = np.zeros(len(active) + 1, dtype=np.int64)
    unit, low = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
    high, bins, price = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64), np.empty(size)
    own_gain = np.empty(len(active))
    k = 0
    for a in range(len(active)):
        i = active[a]
        own_gain[a] = gain[i]
        for c in range(leaves.first[i], leaves.first[i + 1]):
            u = leaves.unit[c]
            if p.own[u] < 0 and not p.group[u]:
                continue
            unit[k], low[k], high[k] = u, leaves.low[c], leaves.high[c]
            bins[k] = least_bin(p, u, low[k], high[k])
            price[k] = p.price[p.start[u] + bins[k]]
            k += 1
        first[a + 1] = k
    return Close(active, tree, own_near, own_gain, first, unit, low, high, price, bins), looked


@compiled
def scratch(a: Any, trees: Any, units: Any) -> Any:
    """Return room to work in."""
    return Scratch(
        np.empty(a), np.empty(a, dtype=np.int64), np.empty(a, dtype=np.int64), np.empty(a),
        np.empty(a, dtype=np.int64), np.empty(trees, dtype=np.int64), np.empty(trees, dtype=np.int64),
        np.empty(trees), np.empty(units), np.empty(units, dtype=np.int64), np.empty(units, dtype=np.int64),
    )  # fmt: skip


@inlined
def _price_in(close: Any, p: Any, c: Any, low: Any, high: Any) -> Any:
    """Return what it costs to meet a constraint within a range of its unit."""
    u = close.unit[c]
    if (low >> close.bin[c]) & 1 == 1 if p.group[u] else low <= close.bin[c] <= high:
        return close.price[c]
    lo = low & close.low[c] if p.group[u] else max(low, close.low[c])
    return least(p, u, lo, min(high, close.high[c]))


@compiled
def reachable(
    close: Any, p: Any, names: Any, prices: Any, u: Any, low: Any, high: Any, inner_low: Any, inner_high: Any,
    more: Any, most: Any, s: Any,
) -> Any:  # fmt: skip
    """Write what it costs to enter leaves within a part of a box, those that cost less than `most`; return how many.

    Parameters
    ----------
    names, prices : ndarray
        Leaves that can be entered in the box, and what that costs there.
    u, low, high, inner_low, inner_high : int
        The unit in which the part is smaller, and its range in the box and in the part.
    more : float
        By how much entering the part costs more than entering the box.
    most : float
    s : Scratch
        Its `near` and `kept` are written.
    """
    m = 0
    for r in range(len(names)):
        a, total = names[r], prices[r]
        if total >= most:
            continue
        at = -1
        for c in range(close.first[a], close.first[a + 1]):
            if close.unit[c] == u:
                at = c
                break
        if at >= 0:
            # A loop, since what is inlined twice is compiled twice.
            paid = 0.0
            for inner in range(2):
                lo, hi = (inner_low, inner_high) if inner else (low, high)
                paid = _price_in(close, p, at, lo, hi) - paid
            total += paid
        else:
            total += more
        if total < most:
            s.near[m], s.kept[m] = total, a
            m += 1
    return m


@compiled
def worthwhile(close: Any, m: Any, need: Any, s: Any) -> Any:
    """Drop leaves with which `need` is not reached, all other trees at their best; return how many stay."""
    total = 0.0
    for t in range(len(s.leaf)):
        s.leaf[t] = -1
    for r in range(m):
        a = s.kept[r]
        best = s.leaf[close.tree[a]]
        if best < 0:
            total += close.gain[a]
        elif close.gain[a] > close.gain[best]:
            total += close.gain[a] - close.gain[best]
        else:
            continue
        s.leaf[close.tree[a]] = a
    slack = total - need + 1e-9 * (1 + abs(total))
    k = 0
    for r in range(m):
        a = s.kept[r]
        if close.gain[a] >= close.gain[s.leaf[close.tree[a]]] - slack:
            s.kept[k], s.near[k] = a, s.near[r]
            k += 1
    return k


@compiled
def _best_within(close: Any, m: Any, base: Any, within: Any, s: Any) -> Any:
    """Set `s.chosen` to each tree's best leaf that costs no more than `within`; return how many there are.

    `s.ground` is set to what each tree gives where nothing is paid beyond `base`.
    """
    for t in range(len(s.chosen)):
        s.chosen[t], s.leaf[t], s.ground[t] = -1, -1, 0.0
    have = 0
    for r in range(m):
        if s.near[r] > within:
            continue
        a = s.kept[r]
        t = close.tree[a]
        have += s.chosen[t] < 0
        if s.chosen[t] < 0 or close.gain[a] > close.gain[s.chosen[t]]:
            s.chosen[t] = a
        if s.near[r] <= base * (1 + EPS) and (s.leaf[t] < 0 or close.gain[a] > s.ground[t]):
            s.ground[t], s.leaf[t] = close.gain[a], a
    return have


@compiled
def _narrow(close: Any, low: Any, high: Any, need: Any, late: Any, s: Any) -> Any:
    """Halve the costs between which the sum reaches `need`, to have less to sort; return how many leaves are left.

    `s.chosen` is set to the best leaves under the lower end, `s.late` and `s.key` to what lies between and is better.
    """
    for _ in range(24):
        if late <= _FEW:
            break
        middle = (low + high) / 2
        copy_into(s.leaf, s.chosen)
        for e in range(late):
            t = close.tree[s.late[e]]
            if s.key[e] <= middle and (s.leaf[t] < 0 or close.gain[s.late[e]] > close.gain[s.leaf[t]]):
                s.leaf[t] = s.late[e]
        total, whole = 0.0, True
        for a in s.leaf:
            whole = whole and a >= 0
            total += close.gain[a] if a >= 0 else 0.0
        enough = whole and total >= need
        if enough:
            high = middle
        else:
            low = middle
            copy_into(s.chosen, s.leaf)
        kept = 0
        for e in range(late):
            a = s.late[e]
            best = s.chosen[close.tree[a]]
            between = s.key[e] <= middle if enough else s.key[e] > middle
            if between and (best < 0 or close.gain[a] > close.gain[best]):
                s.late[kept], s.key[kept] = a, s.key[e]
                kept += 1
        late = kept
    return late


@compiled
def choose(close: Any, m: Any, base: Any, floor: Any, need: Any, s: Any) -> Any:
    """Choose each tree's best leaf within the least cost, not under `floor`, at which their sum reaches `need`.

    Returns
    -------
    bound, total : float
        That cost, inf if no cost suffices, and the sum.

        `s.chosen` is set to the leaves, and `s.ground` to what each tree gives where nothing more is paid.
    """
    within = floor * (1 + EPS)
    have = _best_within(close, m, base, within, s)
    total = 0.0
    for a in s.chosen:
        total += close.gain[a] if a >= 0 else 0.0
    if have == len(s.chosen) and total >= need:
        return floor, total
    late, top = np.int64(0), within
    for r in range(m):
        a = s.kept[r]
        best = s.chosen[close.tree[a]]
        if s.near[r] > within and (best < 0 or close.gain[a] > close.gain[best]):
            s.late[late], s.key[late] = a, s.near[r]
            top = max(top, s.near[r])
            late += 1
    late = _narrow(close, within, top, need, late, s)
    have, total = 0, 0.0
    for a in s.chosen:
        have += a >= 0
        total += close.gain[a] if a >= 0 else 0.0
    sort_by(s.key, s.order, late)
    for e in range(late):
        a = s.late[s.order[e]]
        t = close.tree[a]
        if s.chosen[t] < 0:
            have += 1
            total += close.gain[a]
        elif close.gain[a] > close.gain[s.chosen[t]]:
            total += close.gain[a] - close.gain[s.chosen[t]]
        else:
            continue
        s.chosen[t] = a
        if have == len(s.chosen) and total >= need:
            return s.key[s.order[e]], total
    return np.inf, total
