"""Which leaves a row can enter for less than a known flip costs, compiled; see `_kernels` for the words."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelward.evasion._kernels import compiled, least, plus


@compiled
def enter(leaves: Any, trees: Any, p: Any, most: Any) -> Any:  # noqa: C901 - compiled as one loop
    """Walk down all trees, and leave a branch where entering it costs `most`.

    Returns
    -------
    active, tree : ndarray of int64
        Leaves that cost less, tree by tree, and the tree of each.
    near : ndarray of float64
        What the row pays for each.
    size : int
        How many constraints they have.
    looked : int
        Nodes that were looked at.
    """
    units, room = len(p.own), 64
    active, tree, near = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64), np.empty(room)
    low, high, price = np.zeros(units, dtype=np.int64), np.zeros(units, dtype=np.int64), np.zeros(units)
    for u in range(units):
        bins = p.start[u + 1] - p.start[u]
        low[u], high[u] = ((1 << bins) - 1, 0) if p.group[u] else (0, bins - 1)
    # An entry is a node with the range of the unit that its parent compares, or, without a node, a range to put back.
    node, at = np.empty(4 * trees.depth + 8, dtype=np.int64), np.empty(4 * trees.depth + 8, dtype=np.int64)
    lo, hi = np.empty(len(node), dtype=np.int64), np.empty(len(node), dtype=np.int64)
    paid, total = np.empty(len(node)), np.empty(len(node))
    count, size, looked = 0, 0, 0
    for t in range(len(trees.root)):
        node[0], at[0], total[0] = trees.root[t], -1, 0.0
        n = 1
        while n > 0:
            n -= 1
            here, u, cost = node[n], at[n], total[n]
            if here < 0:
                low[u], high[u], price[u] = lo[n], hi[n], paid[n]
                continue
            looked += 1
            if u >= 0:
                lo[n], low[u] = low[u], lo[n]
                hi[n], high[u] = high[u], hi[n]
                paid[n], price[u] = price[u], paid[n]
                node[n] = -1
                n += 1
            if trees.left[here] < 0:
                i = trees.leaf[here]
                if i < 0:
                    continue
                if count == room:
                    room *= 2
                    more, more_tree, more_near = (
                        np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64), np.empty(room),
                    )  # fmt: skip
                    for k in range(count):
                        more[k], more_tree[k], more_near[k] = active[k], tree[k], near[k]
                    active, tree, near = more, more_tree, more_near
                active[count], tree[count], near[count] = i, t, cost
                count += 1
                size += leaves.first[i + 1] - leaves.first[i]
                continue
            u = trees.unit[here]
            if p.own[u] < 0 and not p.group[u]:
                node[n] = trees.left[here] if trees.missing_left[here] else trees.right[here]
                at[n], total[n] = -1, cost
                n += 1
                continue
            for side in range(2):
                if p.group[u]:
                    lo[n] = low[u] & (~trees.last[here] if side else trees.last[here])
                    hi[n] = 0
                elif side:
                    lo[n], hi[n] = max(low[u], trees.last[here] + 1), high[u]
                else:
                    lo[n], hi[n] = low[u], min(high[u], trees.last[here])
                paid[n] = least(p, u, lo[n], hi[n])
                total[n] = plus(p, cost if p.widest else cost - price[u], paid[n])
                if total[n] < most:
                    node[n], at[n] = trees.right[here] if side else trees.left[here], u
                    n += 1
    return active[:count], tree[:count], near[:count], size, looked


@compiled
def farthest(p: Any, most: Any) -> Any:
    """Return what a move to the dearest bins costs that are under `most`: all of them, or the one that costs most."""
    far = 0.0
    for u in range(len(p.own)):
        widest = 0.0
        for b in range(p.start[u], p.start[u + 1]):
            if widest < p.price[b] < most:
                widest = p.price[b]
        far = max(far, widest) if p.widest else far + widest
    return min(far, most)


@compiled
def promised(active: Any, tree: Any, gain: Any) -> Any:
    """Return the sum of each tree's best among some leaves, which stand tree by tree."""
    total, best = 0.0, 0.0
    for a in range(len(active)):
        fresh = a == 0 or tree[a] != tree[a - 1]
        if fresh:
            total += best
        if fresh or gain[active[a]] > best:
            best = gain[active[a]]
    return total + best
