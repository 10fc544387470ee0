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
    """Compile a kernel, keep it on disk, and let other threads run beside it.

    It is compiled once more for every plain integer that a caller writes or begins to count at: those are `np.int64`.
    """
    return cast("F", numba.njit(cache=True, nogil=True)(function))


def inlined(function: F) -> F:
    """Compile a small kernel into its callers: a call counts references of every array that it is handed."""
    return cast("F", numba.njit(cache=True, nogil=True, inline="always")(function))


def folded(function: F) -> F:
    """Compile a kernel that LLVM puts into its callers: as `inlined`, and the callers take less time to compile."""
    return cast("F", numba.njit(cache=True, nogil=True, forceinline=True)(function))


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


class Trees(NamedTuple):
    """The nodes of an ensemble, those of all trees in one piece.

    Parameters
    ----------
    root : ndarray of int64, shape (trees,)
    left, right : ndarray of int64, shape (m,)
        Children; −1 in leaves.
    unit : ndarray of int64, shape (m,)
        What is compared.
    last : ndarray of int64, shape (m,)
        The last bin that goes left; for a group the mask of members that do.
    missing_left : ndarray of bool, shape (m,)
    leaf : ndarray of int64, shape (m,)
        Number of the leaf among `Leaves`; −1 for one that nothing reaches, anything in other nodes.
    depth : int
        Of the deepest tree.
    """

    root: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    unit: NDArray[np.int64]
    last: NDArray[np.int64]
    missing_left: NDArray[np.bool_]
    leaf: NDArray[np.int64]
    depth: int


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


@inlined
def least(p: Any, u: Any, low: Any, high: Any) -> Any:
    """Return the least price of a unit within a range; inf if nothing legal is in it, as where it is empty."""
    if p.group[u]:
        best = np.inf
        for c in range(p.start[u + 1] - p.start[u]):
            if (low >> c) & 1 and p.price[p.start[u] + c] < best:
                best = p.price[p.start[u] + c]
        return best
    own = p.own[u]
    if low > high:
        return np.inf
    if own < 0 or low <= own <= high:
        return 0.0
    if low > own:
        b = p.following[p.start[u] + low]
        return p.price[p.start[u] + b] if b <= high else np.inf
    if high < 0:
        return np.inf
    b = p.preceding[p.start[u] + high]
    return p.price[p.start[u] + b] if b >= low else np.inf


@inlined
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
def price_in(p: Any, u: Any, low: Any, high: Any) -> Any:
    """Return `least`, for callers that ask seldom: every place where a kernel is inlined takes time to compile."""
    return least(p, u, low, high)


@compiled
def nearest_bin(p: Any, u: Any, low: Any, high: Any) -> Any:
    """Return `least_bin`, for callers that ask seldom."""
    return least_bin(p, u, low, high)


@inlined
def within(p: Any, u: Any, low: Any, high: Any, bin_: Any) -> Any:
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


@inlined
def plus(p: Any, a: Any, b: Any) -> Any:
    """Return what two parts of a move cost together."""
    return max(a, b) if p.widest else a + b


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
def flips_in(
    leaves: Any, numbers: Any, sums: Any, total: Any, margin: Any, wanted: Any, leaving: Any, s: Any
) -> Any:
    """Say whether a point in the chosen leaves, of these numbers among all, has the wanted label."""
    flips = total + margin > sums.error
    if not flips or wanted >= 0:
        for t in range(len(s.chosen)):
            s.leaf[t] = numbers[s.chosen[t]]
        given = label(leaves, sums, s.leaf)
        flips = given == wanted if wanted >= 0 else given != leaving
    return flips
