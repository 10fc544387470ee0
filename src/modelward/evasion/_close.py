"""The leaves that a row can enter for less than a known flip costs, and what they promise in a box; compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from modelward.evasion._kernels import EPS, compiled, least, least_bin, nearer, sort_by

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
def close_leaves(leaves: Any, gain: Any, near: Any, p: Any, most: Any) -> Any:
    """Return the leaves that can be entered for less than `most`."""
    active, tree, size = nearer(leaves, near, most)
    first = np.zeros(len(active) + 1, dtype=np.int64)
    unit, low = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
    high, bins, price = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64), np.empty(size)
    own_near, own_gain = np.empty(len(active)), np.empty(len(active))
    k = 0
    for a in range(len(active)):
        i = active[a]
        own_near[a], own_gain[a] = near[i], gain[i]
        for c in range(leaves.first[i], leaves.first[i + 1]):
            u = leaves.unit[c]
            if p.own[u] < 0 and not p.group[u]:
                continue
            unit[k], low[k], high[k] = u, leaves.low[c], leaves.high[c]
            price[k] = least(p, u, low[k], high[k])
            bins[k] = least_bin(p, u, low[k], high[k])
            k += 1
        first[a + 1] = k
    return Close(active, tree, own_near, own_gain, first, unit, low, high, price, bins)


@compiled
def scratch(a: Any, trees: Any, units: Any) -> Any:
    """Return room to work in."""
    return Scratch(
        np.empty(a), np.empty(a, dtype=np.int64), np.empty(a, dtype=np.int64), np.empty(a),
        np.empty(a, dtype=np.int64), np.empty(trees, dtype=np.int64), np.empty(trees, dtype=np.int64),
        np.empty(trees), np.empty(units), np.empty(units, dtype=np.int64), np.empty(units, dtype=np.int64),
    )  # fmt: skip


@compiled
def reachable(
    close: Any, p: Any, low: Any, high: Any, base: Any, most: Any, pool: Any, start: Any, n: Any, s: Any
) -> Any:  # fmt: skip
    """Write what it costs to enter each of n leaves within a box, those that cost less than `most`; return how many.

    The leaves are those that `pool` names from `start` on.
    """
    m = 0
    for r in range(start, start + n):
        a = pool[r]
        if close.near[a] >= most:
            continue
        total = base
        for c in range(close.first[a], close.first[a + 1]):
            u = close.unit[c]
            if p.group[u]:
                holds = (low[u] >> close.bin[c]) & 1
                mine = close.price[c] if holds else least(p, u, low[u] & close.low[c], 0)
            elif low[u] <= close.bin[c] <= high[u]:
                mine = close.price[c]
            else:
                lo, hi = max(low[u], close.low[c]), min(high[u], close.high[c])
                mine = least(p, u, lo, hi) if lo <= hi else np.inf
            total = max(total, mine) if p.widest else total + (mine - s.free[u])
            if total >= most:
                break
        if total < most:
            s.near[m], s.kept[m] = total, a
            m += 1
    return m


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
    late = 0
    for r in range(m):
        a = s.kept[r]
        best = s.chosen[close.tree[a]]
        if s.near[r] > within and (best < 0 or close.gain[a] > close.gain[best]):
            s.late[late], s.key[late] = a, s.near[r]
            late += 1
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
