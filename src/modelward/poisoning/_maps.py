"""By what map did a column change in bulk?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOSTLY = 0.95


def name_map(before: NDArray[np.float64], after: NDArray[np.float64]) -> str:
    """Name the one map that explains at least 95 % of the changed numbers; empty if there is none.

    Parameters
    ----------
    before, after : ndarray of shape (n,)
        The values of rows that changed, at least ten.

    Examples
    --------
    >>> old = np.arange(10, 30.0)
    >>> name_map(old, old * 0.65), name_map(old, old + 3), name_map(old, np.full(20, 999.0))
    ('× 0.65', '+ 3', 'all to 999')
    """
    both = ~np.isnan(before) & ~np.isnan(after)
    if np.isnan(after).mean() >= _MOSTLY:
        return "all to missing"
    if both.sum() < _MOSTLY * len(before):
        return ""
    before, after = before[both], after[both]
    value = float(np.median(after))
    if np.mean(after == value) >= _MOSTLY:
        return f"all to {value:.6g}"
    step = float(np.median(after - before))
    if step and np.mean(_close(after, before + step)) >= _MOSTLY:
        return f"+ {step:.6g}" if step > 0 else f"− {-step:.6g}"
    if np.any(before != 0):
        ratio = float(np.median(after[before != 0] / before[before != 0]))
        if np.mean(_close(after, before * ratio)) >= _MOSTLY:
            return f"× {ratio:.6g}"
    for digits in range(6, -7, -1):
        if np.mean(_close(after, np.round(before, digits))) >= _MOSTLY:
            return f"rounded to {10.0**-digits:.6g}"
    if np.array_equal(np.sort(before), np.sort(after)):
        return "the same values in another order"
    return ""


def _close(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.isclose(a, b, rtol=1e-9, atol=1e-12)
