"""The grain of a column of numbers: the step that its values go in, and a range on that step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from modelward.schema._rules import TOLERANCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

FINEST = 6
"""Decimal places beyond which numbers have no precision."""

FEWEST = 10
"""So many different values must share a step over 1: fewer share one by chance."""

_DAY = 86_400.0


def grain(values: NDArray[np.float64], *, dates: bool = False) -> tuple[float | None, int]:
    """Return the largest round step of which the values are multiples, and how many are not.

    Steps are 1, 2 or 5 times a power of ten; for dates a day, an hour, a minute, a second. A step over 1 may
    have strays: one row and one different value in a thousand and twenty, as in real tables with a few odd
    entries. Finer steps have none.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Finite numbers.
    dates : bool
        Whether they are seconds since 1970.

    Returns
    -------
    step : float or None
        None if the values are not decimal numbers of a few places.
    strays : int
        Rows off the step.

    Examples
    --------
    >>> import numpy as np
    >>> grain(np.array([0.25, 1.10, 3.99]))
    (0.01, 0)
    """
    different, counts = np.unique(values, return_counts=True)
    if dates:
        return next((s for s in (_DAY, 3600.0, 60.0, 1.0) if _multiples(different, s).all()), None), 0
    if np.abs(different).max() >= 1e15:
        # Here floats are whole, or nearly so, whatever was meant.
        return (
            1.0 if np.all(different == np.floor(different)) and np.abs(different).max() < 2.0**63 else None
        ), 0
    if _multiples(different, 1.0).all():
        return _coarse(different, counts)
    for places in range(1, FINEST + 1):
        off = np.abs(np.round(different, places) - different)
        if np.all(off <= TOLERANCE * np.maximum(10.0**-places, np.abs(different))):
            step = 5 * 10.0**-places
            step = step if len(different) >= FEWEST and _multiples(different, step).all() else 10.0**-places
            return round(step, places), 0
    return None, 0


def _coarse(different: NDArray[np.float64], counts: NDArray[np.int64]) -> tuple[float, int]:
    """Return the largest step over 1 that whole numbers go in, else 1."""
    biggest = float(np.abs(different).max())
    if len(different) < FEWEST or biggest > 2.0**53:
        return 1.0, 0
    # The most frequent value may be a filler such as 0, which is a multiple of everything.
    common = counts.argmax()
    others = counts.sum() - counts[common]
    for power in range(int(math.log10(biggest)), -1, -1):
        for factor in (5, 2, 1):
            step = float(factor * 10**power)
            on = _multiples(different, step)
            strays = int(counts[~on].sum())
            few = strays <= others / 1000 and np.count_nonzero(~on) <= len(different) / 20
            if few and np.count_nonzero(on) >= FEWEST:
                return step, strays
    return 1.0, 0


def _multiples(values: NDArray[np.float64], step: float) -> NDArray[np.bool_]:
    near = np.rint(values / step) * step
    return np.asarray(np.abs(values - near) <= TOLERANCE * np.maximum(step, np.abs(values)))


def outward(low: float, high: float, step: float | None) -> tuple[float, float]:
    """Return a range in round numbers that holds the given one: on the step, or to three digits of its width."""
    if step is None:
        if high <= low or max(abs(low), abs(high)) >= 1e15:
            return low, high
        places = 2 - math.floor(math.log10(high - low))
        if not -300 < places < 300 or abs(places) > 15:
            return low, high
        unit = 10.0**-places
    else:
        unit = step
        places = max(0, -math.floor(math.log10(step)))
    down = round(math.floor(low / unit + TOLERANCE) * unit, places)
    up = round(math.ceil(high / unit - TOLERANCE) * unit, places)
    return min(low, down), max(high, up)
