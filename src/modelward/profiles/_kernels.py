"""The one pass over a matrix, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

LIMBS = 68
"""32-bit limbs of an exact sum of float64: (2046 + 53) bits, and a limb of carries."""
REGISTERS = 1024
REPEATS = 256
"""Buckets of equal values: a value that a column repeats fills its own far above the others."""
PRESENT, MISSING, INFINITE, ILLEGAL, HUGE = range(5)
COUNTERS = 5
HUGE_FROM = 1e150
"""Distances from the centre whose squares could overflow are counted instead of summed."""
TOLERANCE = 1e-9
_BLOCK = 512
_LOW = np.int64(0xFFFFFFFF)


@njit(cache=True, nogil=True, inline="always")
def _add(limbs: Any, bits: Any) -> None:
    """Add a float64, given as its bits, to an exact sum: three limbs, no rounding."""
    exponent = (bits >> np.int64(52)) & np.int64(0x7FF)
    mantissa = bits & np.int64(0xFFFFFFFFFFFFF)
    if exponent == 0:
        exponent = np.int64(1)
    else:
        mantissa |= np.int64(0x10000000000000)
    place = exponent - np.int64(1)
    limb, shift = place >> np.int64(5), place & np.int64(31)
    a = (mantissa & _LOW) << shift
    b = (mantissa >> np.int64(32)) << shift
    if bits < 0:
        limbs[limb] -= a & _LOW
        limbs[limb + 1] -= ((a >> np.int64(32)) & _LOW) + (b & _LOW)
        limbs[limb + 2] -= b >> np.int64(32)
    else:
        limbs[limb] += a & _LOW
        limbs[limb + 1] += ((a >> np.int64(32)) & _LOW) + (b & _LOW)
        limbs[limb + 2] += b >> np.int64(32)


@njit(cache=True, nogil=True)
def carry(limbs: Any) -> None:
    """Bring every limb but the last into [0, 2**32), without changing any sum."""
    for j in range(limbs.shape[0]):
        for k in range(limbs.shape[1]):
            for i in range(limbs.shape[2] - 1):
                over = limbs[j, k, i] >> np.int64(32)
                limbs[j, k, i] -= over << np.int64(32)
                limbs[j, k, i + 1] += over


@njit(cache=True, nogil=True, inline="always")
def _mixed(bits: Any) -> Any:
    """Scramble 64 bits (the finaliser of SplitMix64)."""
    h = np.uint64(bits) + np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


@njit(cache=True, nogil=True, inline="always")
def _slot(points: Any, size: int, by_value: Any, x: float) -> int:
    """Return where a finite value is counted: a bin or a value, then below (or other), then above."""
    low, high = 0, size
    while low < high:
        middle = (low + high) >> 1
        if points[middle] <= x:
            low = middle + 1
        else:
            high = middle
    # `low` points are at or below x.
    if by_value:
        return low - 1 if low > 0 and points[low - 1] == x else size
    if low == 0:
        return size
    if low == size:
        # The last bin includes its upper edge.
        return size - 2 if points[size - 1] == x else size + 1
    return low - 1


@njit(cache=True, nogil=True, inline="always")
def _illegal(x: float, low: float, high: float, step: float) -> Any:
    if x < low or x > high:
        return True
    if step > 0:
        ratio = x / step
        near = np.rint(ratio) * step
        if abs(ratio) < 9007199254740992.0 and abs(x - near) > TOLERANCE * max(step, abs(x)):
            return True
    return False


@njit(cache=True, nogil=True)
def scan(
    X: Any, bits: Any, points: Any, sizes: Any, by_value: Any, centre: Any, low: Any, high: Any, step: Any,
    may_miss: Any, counts: Any, counters: Any, limbs: Any, registers: Any, repeats: Any,
) -> None:  # fmt: skip
    """Add the rows of X to counts (d, w), counters (d, 5), limbs (d, 2, 68), registers (d, 1024) and repeats (d, 256).

    `bits` is X viewed as int64. Rows are taken in blocks that fit a cache, a column at a time within each.
    """
    n, d = X.shape
    one = np.empty(1, dtype=np.float64)
    as_bits = one.view(np.int64)
    for start in range(0, n, _BLOCK):
        stop = min(n, start + _BLOCK)
        for j in range(d):
            size, values, mid = sizes[j], by_value[j], centre[j]
            least, most, grid = low[j], high[j], step[j]
            places, held, sums, marks, tally = points[j], counts[j], limbs[j], registers[j], counters[j]
            same = repeats[j]
            for i in range(start, stop):
                x = X[i, j]
                if np.isnan(x):
                    tally[MISSING] += 1
                    if not may_miss[j]:
                        tally[ILLEGAL] += 1
                    continue
                if np.isinf(x):
                    tally[INFINITE] += 1
                    tally[ILLEGAL] += 1
                    continue
                tally[PRESENT] += 1
                if _illegal(x, least, most, grid):
                    tally[ILLEGAL] += 1
                held[_slot(places, size, values, x)] += 1
                apart = x - mid
                if abs(apart) < HUGE_FROM:
                    one[0] = apart
                    _add(sums[0], as_bits[0])
                    one[0] = apart * apart
                    _add(sums[1], as_bits[0])
                else:
                    tally[HUGE] += 1
                h = _mixed(bits[i, j] if x != 0 else np.int64(0))
                if not values:
                    same[np.int64(h >> np.uint64(56))] += 1
                place = np.int64(h & np.uint64(REGISTERS - 1))
                rest = h >> np.uint64(10)
                rank = 1
                while rank < 55 and not rest & np.uint64(1):
                    rest >>= np.uint64(1)
                    rank += 1
                if rank > marks[place]:
                    marks[place] = rank


@njit(cache=True, nogil=True)
def rounded(limbs: Any, out: Any) -> None:
    """Write exact sums (d, 2, 68) to out (d, 2) as float64, within a few units in the last place."""
    one = np.empty(LIMBS + 1, dtype=np.int64)
    for j in range(limbs.shape[0]):
        for k in range(limbs.shape[1]):
            # Values of one column share a few limbs; the others are zero.
            first, last = 0, LIMBS - 1
            while first < last and limbs[j, k, first] == 0:
                first += 1
            while last > first and limbs[j, k, last] == 0:
                last -= 1
            sign = 1.0
            for turn in range(2):
                one[last + 1] = 0
                for i in range(first, last + 1):
                    one[i] = limbs[j, k, i] if turn == 0 else -limbs[j, k, i]
                for i in range(first, min(last + 1, LIMBS - 1)):
                    over = one[i] >> np.int64(32)
                    one[i] -= over << np.int64(32)
                    one[i + 1] += over
                if one[last + 1] > 0 or (one[last + 1] == 0 and one[last] >= 0):
                    break
                # A negative sum is negative in its highest limb alone, so its opposite is rounded.
                sign = -1.0
            total = 0.0
            for i in range(last + 1, first - 1, -1):
                if one[i] != 0:
                    total += np.ldexp(float(one[i]), 32 * i - 1074)
            out[j, k] = sign * total
