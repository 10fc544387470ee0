"""From a tree's nodes to its leaves' constraints, compiled; see `_kernels` for the words."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelward.evasion._kernels import compiled


@compiled
def read_leaves(  # noqa: C901 - compiled as one loop
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
