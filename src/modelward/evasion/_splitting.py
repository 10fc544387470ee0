"""Where a box is cut in two, compiled; see `_kernels` for the words."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelward.evasion._kernels import EPS, compiled, least, nearest_bin, sort_by


@compiled
def split(close: Any, p: Any, s: Any, low: Any, high: Any, torn: Any, branch: Any) -> None:
    """Say where to cut a box: where the chosen leaves contradict each other, or pull hardest from what is free.

    `branch` is set to (unit, low and high of the first part, low and high of the second).
    """
    weight = np.zeros(len(p.own))
    for t in range(len(s.chosen)):
        a = s.chosen[t]
        worth = max(close.gain[a] - s.ground[t], 1e-9)
        for c in range(close.first[a], close.first[a + 1]):
            u = close.unit[c]
            lo = low[u] & close.low[c] if p.group[u] else max(low[u], close.low[c])
            if least(p, u, lo, min(high[u], close.high[c])) > s.free[u] * (1 + EPS):
                weight[u] += worth
    cut = np.argmax(weight)
    if weight[cut] > 0:
        _cut_at_demand(close, p, s, low, high, cut, branch)
        return
    if torn < 0:
        for u in range(len(p.own)):
            if s.low[u] != low[u] or s.high[u] != high[u]:
                torn = u
    if torn >= 0:
        _cut_at_intersection(close, s, p.group[torn], low, high, torn, branch)


@compiled
def _cut_at_demand(close: Any, p: Any, s: Any, low: Any, high: Any, u: Any, branch: Any) -> None:
    """Cut a unit where the leaves that want it moved ask for: the weighted median of the heavier direction."""
    n = len(s.chosen)
    at = np.empty(n, dtype=np.int64)
    pull = np.empty(n)
    up = np.empty(n, dtype=np.bool_)
    m, heavy, best_mask = np.int64(0), -1.0, 0
    rest = nearest_bin(p, u, low[u], high[u])
    for t in range(n):
        a = s.chosen[t]
        worth = max(close.gain[a] - s.ground[t], 1e-9)
        for c in range(close.first[a], close.first[a + 1]):
            if close.unit[c] != u:
                continue
            lo = low[u] & close.low[c] if p.group[u] else max(low[u], close.low[c])
            hi = min(high[u], close.high[c])
            if least(p, u, lo, hi) <= s.free[u] * (1 + EPS):
                continue
            if not p.group[u]:
                up[m] = lo > rest
                at[m] = lo if up[m] else hi + 1
                pull[m] = worth
                m += 1
            elif worth > heavy:
                heavy, best_mask = worth, lo
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
def _cut_at_intersection(close: Any, s: Any, group: Any, low: Any, high: Any, u: Any, branch: Any) -> None:
    """Cut a unit at an edge of what the chosen leaves have in common, or where they have nothing."""
    branch[0] = u
    if group:
        mask = s.low[u]
        if mask == 0 or mask == low[u]:
            for a in s.chosen:
                for c in range(close.first[a], close.first[a + 1]):
                    part = low[u] & close.low[c]
                    if close.unit[c] == u and part != low[u]:
                        mask = part
        branch[1], branch[2], branch[3], branch[4] = mask, 0, low[u] & ~mask, 0
    elif s.low[u] > low[u]:
        branch[1], branch[2], branch[3], branch[4] = low[u], s.low[u] - 1, s.low[u], high[u]
    else:
        branch[1], branch[2], branch[3], branch[4] = low[u], s.high[u], s.high[u] + 1, high[u]
