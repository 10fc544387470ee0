"""Compiled kernels of the exact search over tree ensembles.

Words used here. A *unit* is a column, or a one-hot group as a whole. A column's *bins* are the ranges between
the ensemble's thresholds, numbered from 0; a group's bins are its members. A leaf is a list of *constraints*
(unit, range of bins), a group's range being a bit mask. For one row every bin of every unit has a price, so that
the cost of a point is the sum of its bins' prices, or the largest of them (L∞). A row's own bin costs nothing,
and prices of a column never fall with the distance from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import numba
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

F = TypeVar("F", bound="Callable[..., Any]")
EPS = 1e-12
"""By what share two costs may differ and be the same: prices of L2 are squares, and small."""


def compiled(function: F) -> F:
    """Compile a kernel, keep it on disk, and let other threads run beside it."""
    return cast("F", numba.njit(cache=True, nogil=True)(function))


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
    widest : bool
        Whether a point costs the largest of its prices, not their sum.
    """

    start: NDArray[np.int64]
    own: NDArray[np.int64]
    price: NDArray[np.float64]
    following: NDArray[np.int64]
    preceding: NDArray[np.int64]
    group: NDArray[np.bool_]
    widest: bool


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


class Relations(NamedTuple):
    """Relations between columns that no group has a part in.

    Parameters
    ----------
    left, right : ndarray of int64, shape (r,)
        Units.
    operator : ndarray of int64, shape (r,)
        0 to 4 for <=, <, >=, >, ==.
    values : ndarray of float64, shape (bins,)
        What a row holds in each bin that it is moved to; a missing cell breaks nothing.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    operator: NDArray[np.int64]
    values: NDArray[np.float64]


@compiled
def copy_into(target: Any, source: Any) -> None:
    """Copy an array; written out, since compiling numpy's slices and sorts takes longer than all the rest."""
    for i in range(len(source)):
        target[i] = source[i]


@compiled
def sort_by(keys: Any, order: Any, n: Any) -> None:
    """Put 0 to n − 1 into `order` by their keys, equal ones by number (heap sort)."""
    for i in range(n):
        order[i] = i
    for phase in range(n // 2 - 1, -n, -1):
        root, end = phase, n
        if phase < 0:
            end = n + phase
            order[0], order[end] = order[end], order[0]
            root = 0
        value = order[root]
        while True:
            child = 2 * root + 1
            if child >= end:
                break
            if child + 1 < end and _after(keys, order[child + 1], order[child]):
                child += 1
            if not _after(keys, order[child], value):
                break
            order[root] = order[child]
            root = child
        order[root] = value


@compiled
def _after(keys: Any, a: Any, b: Any) -> Any:
    return keys[a] > keys[b] or (keys[a] == keys[b] and a > b)


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


@compiled
def least(p: Any, u: Any, low: Any, high: Any) -> Any:
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
def least_bin(p: Any, u: Any, low: Any, high: Any) -> Any:
    """Return the bin that `least` prices."""
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
def holds(p: Any, rel: Any, point: Any) -> Any:
    """Say whether a point keeps all relations."""
    for r in range(len(rel.left)):
        u, v = rel.left[r], rel.right[r]
        if point[u] < 0 or point[v] < 0:
            continue
        a, b = rel.values[p.start[u] + point[u]], rel.values[p.start[v] + point[v]]
        op = rel.operator[r]
        if not (
            (op == 0 and a <= b) or (op == 1 and a < b) or (op == 2 and a >= b) or (op == 3 and a > b)
            or (op == 4 and a == b)
        ):  # fmt: skip
            return False
    return True


@compiled
def plus(p: Any, a: Any, b: Any) -> Any:
    """Return what two parts of a move cost together."""
    return max(a, b) if p.widest else a + b


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
                total = plus(p, total, least(p, u, leaves.low[c], leaves.high[c]))
                if total == np.inf:
                    break
        out[i] = total


@compiled
def label(leaves: Any, sums: Any, chosen: Any) -> Any:
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
def nearer(leaves: Any, near: Any, most: Any) -> Any:
    """Return the leaves that can be entered for less than `most`, their trees, and how many constraints they have."""
    count = 0
    for i in range(len(near)):
        count += near[i] < most
    active, tree_of = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    a, t, size = 0, 0, 0
    for i in range(len(near)):
        if near[i] < most:
            while i >= leaves.tree[t + 1]:
                t += 1
            active[a], tree_of[a] = i, t
            a += 1
            size += leaves.first[i + 1] - leaves.first[i]
    return active, tree_of, size


@compiled
def _landscape(leaves: Any, gain: Any, active: Any, p: Any, point: Any, change: Any) -> Any:  # noqa: C901 - compiled as one loop
    """Return the margin at a point, and write the margins after every move of one unit.

    One pass over the leaves: one that holds the point adds to the bins of its ranges, one that misses it in a
    single unit adds to the bins that would enter it.
    """
    for i in range(len(change)):
        change[i] = 0.0
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
def climb(  # noqa: C901 - compiled as one loop
    leaves: Any, gain: Any, active: Any, p: Any, rel: Any, need: Any, power: Any, most: Any, point: Any
) -> Any:  # fmt: skip
    """Walk from the row to a flip, one unit at a time, then take back what was not needed.

    Returns
    -------
    float
        Cost of the flip at `point`; inf if the walk got stuck or would cost `most`.
    """
    units = len(p.own)
    change = np.empty(p.start[units] + units + 1)
    copy_into(point, p.own)
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
                    if margin + up >= need and price - now < best - EPS * spent:
                        best, bu, bb = price - now, u, b
                elif margin + up >= need:
                    if price - now < reached:
                        reached, bu, bb = price - now, u, b
                elif reached == np.inf and up > 0:
                    score = up / max(price - now, 1e-9) ** power
                    if score > best:
                        best, bu, bb = score, u, b
        if bu < 0:
            return spent if margin >= need and holds(p, rel, point) else np.inf
        spent += p.price[p.start[bu] + bb] - p.price[p.start[bu] + point[bu]]
        point[bu] = bb
    margin = _landscape(leaves, gain, active, p, point, change)
    return spent if margin >= need and holds(p, rel, point) else np.inf


@compiled
def _rise(leaves: Any, gain: Any, active: Any, p: Any, need: Any, reach: Any, point: Any) -> Any:
    """Walk from the row, one unit at a time, with no price over `reach`; say whether the margin is reached."""
    units = len(p.own)
    change = np.empty(p.start[units] + units + 1)
    copy_into(point, p.own)
    for _ in range(3 * units + 4):
        margin = _landscape(leaves, gain, active, p, point, change)
        if margin >= need:
            return True
        best, bu, bb = 0.0, -1, -1
        for u in range(units):
            if point[u] < 0:
                continue
            for b in range(p.start[u + 1] - p.start[u]):
                up = change[p.start[u] + u + b]
                if p.price[p.start[u] + b] <= reach and b != point[u] and up > best:
                    best, bu, bb = up, u, b
        if bu < 0:
            return False
        point[bu] = bb
    return False


@compiled
def climb_widest(
    leaves: Any, gain: Any, near: Any, p: Any, rel: Any, need: Any, most: Any, point: Any
) -> Any:  # fmt: skip
    """Walk to a flip whose largest price is small: the reach doubles until a walk succeeds, then halves the gap.

    Returns
    -------
    cost : float
        Of the flip at `point`; inf if none cheaper than `most` was found.
    looked : int
        Constraints of leaves that were looked at.
    """
    widest = 0.0
    for price in p.price:
        if price < most and price > widest and price < np.inf:
            widest = price
    trial = np.empty(len(p.own), dtype=np.int64)
    low, found, reach, looked = 0.0, np.inf, widest / 1024, 0
    for _ in range(32):
        active, _, size = nearer(leaves, near, reach * (1 + 1e-9) + 1e-300)
        looked += 4 * size
        if _rise(leaves, gain, active, p, need, reach, trial) and holds(p, rel, trial):
            found = 0.0
            for u in range(len(trial)):
                if trial[u] >= 0:
                    found = max(found, p.price[p.start[u] + trial[u]])
            copy_into(point, trial)
        else:
            low = reach
        if found == np.inf:
            if reach >= widest:
                break
            reach = min(2 * reach, widest)
        else:
            if found - low <= 1e-6 * found:
                break
            reach = (low + found) / 2
    return (found if found < most else np.inf), looked
