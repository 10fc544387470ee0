"""By what map did a column change in bulk?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOSTLY = 0.95
_DIFFERENT = 5
_LARGE = 50.0


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
    >>> name_map(old * 10, np.round(old * 6.5)), name_map(old, 2 * old + 1)
    ('× 0.65, rounded', '× 2 + 1')
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
    if affine := _affine(before, after):
        return affine
    if np.array_equal(np.sort(before), np.sort(after)):
        return "the same values in another order"
    return ""


def _close(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.isclose(a, b, rtol=1e-9, atol=1e-12)


def _affine(before: NDArray[np.float64], after: NDArray[np.float64]) -> str:
    """Name a factor with a shift, or a factor that was rounded to whole numbers; empty if it is neither."""
    if len(np.unique(before)) < _DIFFERENT:
        return ""
    slope, shift = np.polyfit(before, after, 1)
    for _ in range(3):
        # Rows that another map changed would bend the line.
        near = np.abs(after - (slope * before + shift))
        keep = near <= np.quantile(near, _MOSTLY)
        if len(np.unique(before[keep])) < _DIFFERENT:
            return ""
        slope, shift = np.polyfit(before[keep], after[keep], 1)
    slope, shift = float(f"{slope:.6g}"), float(f"{shift:.6g}")
    if slope and np.mean(np.isclose(after, slope * before + shift, rtol=1e-6, atol=1e-9)) >= _MOSTLY:
        if slope == 1 or abs(shift) < 1e-9 * np.abs(after).max():
            return ""
        return f"× {slope:.6g} {'+' if shift > 0 else '−'} {abs(shift):.6g}"
    used = before != 0
    ratio = float(after[used] @ before[used] / (before[used] @ before[used])) if used.any() else 0.0
    whole = np.mean(after == np.round(after)) >= _MOSTLY and np.abs(before).max() > _LARGE
    if whole and ratio not in (0.0, 1.0) and np.mean(np.abs(after - ratio * before) <= 1.0) >= _MOSTLY:
        return f"× {ratio:.3g}, rounded"
    return ""


def name_words_map(before: NDArray[np.object_], after: NDArray[np.object_]) -> str:
    """Name the one word that at least 95 % of the changed rows got; empty if there is none.

    Examples
    --------
    >>> name_words_map(np.array(["a", "b"] * 10), np.array(["c"] * 20))
    'all to c'
    """
    words, counts = np.unique(after.astype(str), return_counts=True)
    top = int(counts.argmax())
    if counts[top] < _MOSTLY * len(after):
        pairs = np.unique(np.stack([before.astype(str), after.astype(str)]), axis=1)
        if len(after) >= 2 * pairs.shape[1] and len(np.unique(pairs[0])) == pairs.shape[1] == len(
            np.unique(pairs[1])
        ):
            return "by a table of words"
        return ""
    return f"all to {words[top] or 'missing'}"
