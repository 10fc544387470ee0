"""Compiled sums over the leaves of trees: what every value, and every pair of values, adds to rows' mean score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._kernels import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray


@compiled
def leaf_ranges(
    left: NDArray[np.int64], right: NDArray[np.int64], feature: NDArray[np.int64], cut: NDArray[np.int64],
    low: NDArray[np.int32], high: NDArray[np.int32],
) -> None:  # fmt: skip
    """Fill the range of cells of every column in every node; `low` and `high` of shape (m, d), the root's given.

    A node sends cells up to `cut` left and later ones right.
    """
    stack = np.zeros(len(left) + 1, dtype=np.int64)
    top = 1
    while top > 0:
        top -= 1
        node = stack[top]
        if left[node] == -1:
            continue
        j = feature[node]
        for child in (left[node], right[node]):
            low[child] = low[node]
            high[child] = high[node]
            stack[top] = child
            top += 1
        high[left[node], j] = min(high[node, j], cut[node])
        low[right[node], j] = max(low[node, j], cut[node] + 1)


@compiled
def add_leaves(
    low: NDArray[np.int32], high: NDArray[np.int32], value: NDArray[np.float64], cells: NDArray[np.int32],
    last: NDArray[np.int32], place: NDArray[np.int64], starts: NDArray[np.int64], counts: NDArray[np.int64],
    pair_starts: NDArray[np.int64], alone: NDArray[np.float64], both: NDArray[np.float64],
) -> float:  # fmt: skip
    """Add one tree's leaves for some rows, and return the sum of the rows' own leaves.

    A leaf that a row fails in column j alone is entered by patching j into the leaf's range; one that it fails in two
    columns, by patching both. The sums are kept as differences along each axis, to be summed up once at the end.

    Parameters
    ----------
    low, high : ndarray of shape (L, d)
        Ranges of cells.
    value : ndarray of shape (L,)
        What a leaf adds to the score.
    cells : ndarray of shape (n, d)
        The rows' cells.
    last : ndarray of shape (d,)
        The last cell of each column.
    place : ndarray
        For each column, one after another, how many tried values lie before each cell.
    starts, counts : ndarray of shape (d,)
        Where a column's part of `place` begins, and how many values of it are tried (0: none).
    pair_starts : ndarray of shape (d, d)
        Where the grid of a pair of columns (the first below the second) begins in `both`; −1 for none.
    alone : ndarray of shape (d, v + 1)
        Filled: differences of what a value adds.
    both : ndarray
        Filled: second differences of what a pair adds beyond its two values, grids of (v_j + 1) × (v_k + 1).
    """
    n, d = cells.shape
    used = np.zeros(d, dtype=np.int64)
    # Where each column's range begins and ends among the values tried.
    ends = np.zeros((d, 2), dtype=np.int64)
    own = 0.0
    for i in range(len(value)):
        m = _used_columns(low[i], high[i], last, place, starts, counts, used, ends)
        for r in range(n):
            failed, first, second = _failed(cells[r], low[i], high[i], counts)
            if failed == 0:
                own += value[i]
                _add_own(value[i], used, m, ends, counts, pair_starts, alone, both)
            elif failed == 1:
                _add_one(value[i], first, used, m, ends, counts, pair_starts, alone, both)
            elif failed == 2 and pair_starts[first, second] >= 0:
                _rectangle(
                    both, pair_starts[first, second], counts[second] + 1, ends[first, 0], ends[first, 1],
                    ends[second, 0], ends[second, 1], value[i],
                )  # fmt: skip
    return own


@compiled
def _used_columns(
    low: NDArray[np.int32], high: NDArray[np.int32], last: NDArray[np.int32], place: NDArray[np.int64],
    starts: NDArray[np.int64], counts: NDArray[np.int64], used: NDArray[np.int64], ends: NDArray[np.int64],
) -> int:  # fmt: skip
    """Fill the columns that a leaf has a condition on, and its range of tried values; return how many there are."""
    m = 0
    for j in range(len(low)):
        if counts[j] > 0 and (low[j] > 0 or high[j] < last[j]):
            used[m] = j
            m += 1
            ends[j, 0], ends[j, 1] = place[starts[j] + low[j]], place[starts[j] + high[j] + 1]
    return m


@compiled
def _failed(
    cells: NDArray[np.int32], low: NDArray[np.int32], high: NDArray[np.int32], counts: NDArray[np.int64]
) -> tuple[int, int, int]:
    """Return in how many columns a row fails a leaf and the first two; 3 for more, or where a column is not patched."""
    failed, first, second = 0, -1, -1
    for j in range(len(cells)):
        if cells[j] < low[j] or cells[j] > high[j]:
            failed += 1
            if failed > 2 or counts[j] == 0:
                return 3, first, second
            if failed == 1:
                first = j
            else:
                second = j
    return failed, first, second


@compiled
def _add_own(
    v: float, used: NDArray[np.int64], m: int, ends: NDArray[np.int64], counts: NDArray[np.int64],
    pair_starts: NDArray[np.int64], alone: NDArray[np.float64], both: NDArray[np.float64],
) -> None:  # fmt: skip
    """Take a row's own leaf away from values outside its ranges, and add it again where two of them are outside."""
    for p in range(m):
        j = used[p]
        a, b = ends[j, 0], ends[j, 1]
        alone[j, 0] -= v
        alone[j, a] += v
        alone[j, b] -= v
        alone[j, counts[j]] += v
        for q in range(p + 1, m):
            k = used[q]
            at = pair_starts[j, k]
            if at >= 0:
                c, e, width = ends[k, 0], ends[k, 1], counts[k] + 1
                _rectangle(both, at, width, 0, a, 0, c, v)
                _rectangle(both, at, width, 0, a, e, counts[k], v)
                _rectangle(both, at, width, b, counts[j], 0, c, v)
                _rectangle(both, at, width, b, counts[j], e, counts[k], v)


@compiled
def _add_one(
    v: float, j: int, used: NDArray[np.int64], m: int, ends: NDArray[np.int64], counts: NDArray[np.int64],
    pair_starts: NDArray[np.int64], alone: NDArray[np.float64], both: NDArray[np.float64],
) -> None:  # fmt: skip
    """Add a leaf that patching column j enters, and take it away where another column is patched out of it."""
    a, b = ends[j, 0], ends[j, 1]
    if a == b:
        return
    alone[j, a] += v
    alone[j, b] -= v
    for q in range(m):
        k = used[q]
        c, e = ends[k, 0], ends[k, 1]
        if j < k and pair_starts[j, k] >= 0:
            _rectangle(both, pair_starts[j, k], counts[k] + 1, a, b, 0, c, -v)
            _rectangle(both, pair_starts[j, k], counts[k] + 1, a, b, e, counts[k], -v)
        elif k < j and pair_starts[k, j] >= 0:
            _rectangle(both, pair_starts[k, j], counts[j] + 1, 0, c, a, b, -v)
            _rectangle(both, pair_starts[k, j], counts[j] + 1, e, counts[k], a, b, -v)


@compiled
def _rectangle(
    grid: NDArray[np.float64], at: int, width: int, a: int, b: int, c: int, e: int, v: float
) -> None:
    """Add v to rows a to b and columns c to e (the ends not included), as second differences."""
    if a >= b or c >= e:
        return
    grid[at + a * width + c] += v
    grid[at + a * width + e] -= v
    grid[at + b * width + c] -= v
    grid[at + b * width + e] += v
