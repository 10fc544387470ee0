"""Compiled walks through trees. There are no bounds checks here: `trees` and `histogram` validate first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@numba.njit(cache=True, nogil=True)
def leaves(
    X: NDArray[np.float32],
    feature: NDArray[np.int64],
    threshold: NDArray[np.float64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    to_left: NDArray[np.bool_],
    out: NDArray[np.int64],
) -> None:
    """Write the leaf of every row: left if missing and the node says so, or if at most the threshold."""
    for i in range(X.shape[0]):
        node = 0
        while left[node] >= 0:
            value = X[i, feature[node]]
            if np.isnan(value):
                node = left[node] if to_left[node] else right[node]
            elif value <= threshold[node]:
                node = left[node]
            else:
                node = right[node]
        out[i] = node


@numba.njit(cache=True, nogil=True)
def add_values(values: NDArray[np.float64], leaf: NDArray[np.int64], out: NDArray[np.float64]) -> None:
    """Add the values (m, k) of each row's leaf to `out` (n, k)."""
    for i in range(len(leaf)):
        for k in range(values.shape[1]):
            out[i, k] += values[leaf[i], k]


@numba.njit(cache=True, nogil=True)
def add_histogram_tree(
    X: NDArray[np.float64],
    feature: NDArray[np.int64],
    threshold: NDArray[np.float64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    to_left: NDArray[np.bool_],
    categories: NDArray[np.int64],
    sets: NDArray[np.uint32],
    known: NDArray[np.uint32],
    known_row: NDArray[np.int64],
    values: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Add the value of each row's leaf to `out` (n,).

    `categories` is the row of `sets` (m, 8) that a node goes left for, −1 for a node with a threshold;
    `known` (c, 8) are the categories that training saw, `known_row` a column's row in it.
    """
    for i in range(X.shape[0]):
        node = 0
        while left[node] >= 0:
            value = X[i, feature[node]]
            missing = np.isnan(value)
            goes_left = to_left[node]
            if categories[node] >= 0:
                if not missing and 0 <= value < 256:
                    code = int(value)
                    word, bit = code // 32, code % 32
                    if (sets[categories[node], word] >> bit) & 1:
                        goes_left = True
                    elif (known[known_row[feature[node]], word] >> bit) & 1:
                        goes_left = False
            elif not missing:
                goes_left = value <= threshold[node]
            node = left[node] if goes_left else right[node]
        out[i] += values[node]
