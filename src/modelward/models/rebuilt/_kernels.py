"""Compiled walks through trees. There are no bounds checks here: `trees` and `histogram` validate first."""

from __future__ import annotations

import math
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


ZERO = float(np.float32(1e-35))
"""What LightGBM takes for zero."""


@numba.njit(cache=True, nogil=True)
def _member(code: int, values: NDArray[np.int64], first: int, end: int) -> bool:
    """Say whether a category is in an ascending part of a list."""
    while first < end:
        middle = (first + end) // 2
        if values[middle] < code:
            first = middle + 1
        elif values[middle] > code:
            end = middle
        else:
            return True
    return False


@numba.njit(cache=True, nogil=True)
def booster_leaves(
    X: NDArray[np.float64],
    feature: NDArray[np.int64],
    threshold: NDArray[np.float64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    to_left: NDArray[np.bool_],
    missing: NDArray[np.int8],
    strict: bool,
    set_left: bool,
    sets: NDArray[np.int64],
    bounds: NDArray[np.int64],
    members: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None:
    """Write the leaf of every row of a tree of xgboost (`strict`) or lightgbm.

    `missing` is 0 where NaN counts as zero, 1 where zero and NaN are missing, 2 where NaN is; `sets` is a node's
    row in `bounds`, which cuts `members`, or −1 for a threshold.
    """
    for i in range(X.shape[0]):
        node = 0
        while left[node] >= 0:
            value = X[i, feature[node]]
            row = sets[node]
            if row >= 0:
                if np.isnan(value):
                    goes_left = to_left[node] if strict else False
                else:
                    inside = False
                    if -1 < value < 2147483648.0:
                        inside = _member(int(value), members, bounds[row], bounds[row + 1])
                    goes_left = inside == set_left
            else:
                kind = missing[node]
                if np.isnan(value) and kind != 2:
                    value = 0.0
                if np.isnan(value) or (kind == 1 and -ZERO <= value <= ZERO):
                    goes_left = to_left[node]
                elif strict:
                    goes_left = value < threshold[node]
                else:
                    goes_left = value <= threshold[node]
            node = left[node] if goes_left else right[node]
        out[i] = node


@numba.njit(cache=True, nogil=True)
def logistic_single(raw: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return XGBoost's logistic function of margins (n, k), in float32 and with its bound."""
    out = np.empty_like(raw)
    one = np.float32(1.0)
    for i in range(raw.shape[0]):
        for k in range(raw.shape[1]):
            x = min(-raw[i, k], np.float32(88.7))
            out[i, k] = one / (math.exp(x) + one + np.float32(1e-16))
    return out


@numba.njit(cache=True, nogil=True)
def softmax_single(raw: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return XGBoost's softmax of margins (n, k): float32 powers, their sum in float64."""
    out = np.empty_like(raw)
    for i in range(raw.shape[0]):
        top = raw[i].max()
        total = 0.0
        for k in range(raw.shape[1]):
            out[i, k] = math.exp(raw[i, k] - top)
            total += out[i, k]
        for k in range(raw.shape[1]):
            out[i, k] /= np.float32(total)
    return out


@numba.njit(cache=True, nogil=True)
def exponential_single(raw: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return powers of e of margins (n, k), in float32."""
    out = np.empty_like(raw)
    for i in range(raw.shape[0]):
        for k in range(raw.shape[1]):
            out[i, k] = math.exp(raw[i, k])
    return out
