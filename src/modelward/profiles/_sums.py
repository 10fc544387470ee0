"""Exact sums: limbs of 32 bits in units of 2**-1074, so that the order of additions cannot matter.

The small superaccumulator of Neal 2015, *Fast exact summation using small and large superaccumulators*.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from modelward.profiles._kernels import LIMBS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNIT = 1074


def to_int(limbs: NDArray[np.int64]) -> int:
    """Return the sum in units of 2**-1074."""
    return sum(int(limb) << (32 * i) for i, limb in enumerate(limbs.tolist()) if limb)


def from_int(total: int) -> NDArray[np.int64]:
    """Return the limbs of a sum in units of 2**-1074; the last one carries the sign."""
    out = np.zeros(LIMBS, dtype=np.int64)
    for i in range(LIMBS - 1):
        out[i] = total & 0xFFFFFFFF
        total >>= 32
    out[-1] = total
    return out


def to_fraction(limbs: NDArray[np.int64]) -> Fraction:
    """Return the sum as a fraction, without rounding."""
    return Fraction(to_int(limbs), 1 << _UNIT)


def to_text(limbs: NDArray[np.int64]) -> str:
    """Return a sum as ``mantissa`` in hexadecimal, ``p``, exponent of two; short, and one text a sum."""
    total = to_int(limbs)
    if not total:
        return "0p0"
    zeros = (total & -total).bit_length() - 1
    return f"{total >> zeros:x}p{zeros}"


def from_text(text: str) -> NDArray[np.int64]:
    """Return the limbs of what `to_text` wrote.

    Raises
    ------
    ValueError
        If it is no such text, or the sum is out of range.
    """
    mantissa, mark, exponent = text.partition("p")
    if not mark or len(mantissa) > 600 or len(exponent) > 4:
        raise ValueError("not an exact sum")
    value, zeros = int(mantissa, 16), int(exponent)
    if zeros < 0 or value.bit_length() + zeros > 32 * (LIMBS - 1) + 62:
        raise ValueError("not an exact sum")
    return from_int(value << zeros)
