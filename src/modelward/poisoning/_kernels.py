"""Compiled counting of rows under pairs of conditions, on packed bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
import numpy as np
from numba.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

F = TypeVar("F", bound="Callable[..., Any]")


def compiled(function: F) -> F:
    """Compile a kernel, keep it on disk, and let other threads run beside it."""
    return cast("F", numba.njit(cache=True, nogil=True)(function))


def _popcount(_context: Any, word: Any) -> Any:
    """Count the bits of a word by the processor's own instruction."""

    def code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return numba.types.uint64(word), code


popcount = cast("Callable[[Any], int]", intrinsic(_popcount))


@compiled
def common(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> int:
    """Count the bits that both have; slices without an offset are what the compiler turns into wide steps."""
    total = np.uint64(0)
    for w in range(len(first)):
        total += popcount(first[w] & second[w])
    return int(total)


@compiled
def count_pairs(
    bits: NDArray[np.uint64], edges: NDArray[np.int64], columns: NDArray[np.int64], out: NDArray[np.int32]
) -> None:
    """Count rows under every pair of conditions of different columns, group by group.

    Parameters
    ----------
    bits : ndarray of shape (c, words)
        For each condition the rows under it; rows of one group stand in words of their own.
    edges : ndarray of shape (g + 1,)
        Where each group's words begin.
    columns : ndarray of shape (c,)
        The column of each condition.
    out : ndarray of shape (c * (c - 1) / 2, g)
        Filled: pairs in the order (0, 1), (0, 2), …; zero for two conditions of one column.
    """
    p = 0
    for i in range(len(bits)):
        for j in range(i + 1, len(bits)):
            if columns[i] != columns[j]:
                for g in range(len(edges) - 1):
                    out[p, g] = common(bits[i, edges[g] : edges[g + 1]], bits[j, edges[g] : edges[g + 1]])
            p += 1


@compiled
def count_under(
    bits: NDArray[np.uint64], edges: NDArray[np.int64], cover: NDArray[np.uint64], out: NDArray[np.int32]
) -> None:
    """Count rows under every condition and a cover, group by group; `out` has shape (c, g)."""
    for i in range(len(bits)):
        for g in range(len(edges) - 1):
            out[i, g] = common(bits[i, edges[g] : edges[g + 1]], cover[edges[g] : edges[g + 1]])


@compiled
def count_values(
    codes: NDArray[np.int32], group: NDArray[np.int64], cover: NDArray[np.bool_], out: NDArray[np.int64]
) -> None:
    """Count covered rows by value and group; `out` has shape (values + 1, g), its first row for missing values."""
    for i in range(len(codes)):
        if cover[i]:
            out[codes[i] + 1, group[i]] += 1


@compiled
def count_joint(
    first: NDArray[np.int32], second: NDArray[np.int32], hit: NDArray[np.bool_], out: NDArray[np.int64]
) -> None:
    """Count rows by two columns' values and whether they have a label; `out` has shape (values, values, 2)."""
    for i in range(len(first)):
        if first[i] >= 0 and second[i] >= 0:
            out[first[i], second[i], 1 if hit[i] else 0] += 1
