"""How many different values there were: HyperLogLog registers, whose merge is a maximum.

Estimator of Ertl 2017, *New cardinality estimation algorithms for HyperLogLog sketches*, section 4; 1,024
registers give a standard error of 3.25 %.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from modelward.profiles._kernels import REGISTERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BITS = 54


def estimate(registers: NDArray[np.uint8]) -> float:
    """Return the number of different values that 1,024 registers have seen."""
    m = float(REGISTERS)
    held = np.bincount(registers, minlength=_BITS + 2)
    if held[0] == REGISTERS:
        return 0.0
    z = m * _tau(1.0 - float(held[_BITS + 1]) / m)
    for k in range(_BITS, 0, -1):
        z = 0.5 * (z + float(held[k]))
    z += m * _sigma(float(held[0]) / m)
    return (m / (2.0 * math.log(2.0))) * m / z


def _sigma(x: float) -> float:
    if x == 1.0:
        return math.inf
    y, z, before = 1.0, x, -1.0
    while z != before:
        x *= x
        before = z
        z += x * y
        y += y
    return z


def _tau(x: float) -> float:
    if x in (0.0, 1.0):
        return 0.0
    y, z, before = 1.0, 1.0 - x, -1.0
    while z != before:
        x = math.sqrt(x)
        before = z
        y *= 0.5
        z -= (1.0 - x) ** 2 * y
    return z / 3.0
