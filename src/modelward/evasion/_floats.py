"""Neighbours of a threshold as a tree sees them: scikit-learn compares ``float32(x) <= threshold``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.evasion._space import Space


def just_below(thresholds: NDArray[np.float64], space: Space, j: int) -> NDArray[np.float64]:
    """Return the largest values on the lower side of each threshold, on a step of the column if it has one.

    Without a step the answer is a float32 number, so that the cast changes nothing.

    Examples
    --------
    >>> from modelward.evasion._space import Space
    >>> from modelward.schema import Column, FeatureSchema
    >>> space = Space(FeatureSchema((Column("a", "integer"), Column("b", "continuous"))))
    >>> just_below(np.array([1.5]), space, 0).tolist(), just_below(np.array([1.5]), space, 1).tolist()
    ([1.0], [1.5])
    """
    cast = _float32(thresholds)
    edge = np.where(cast <= thresholds, cast, _next(cast, -np.inf))
    return _on_step(edge, thresholds, space, j, -1.0)


def just_above(thresholds: NDArray[np.float64], space: Space, j: int) -> NDArray[np.float64]:
    """Return the smallest values on the upper side of each threshold, see `just_below`.

    Examples
    --------
    >>> from modelward.evasion._space import Space
    >>> from modelward.schema import Column, FeatureSchema
    >>> space = Space(FeatureSchema((Column("a", "integer"), Column("b", "continuous"))))
    >>> just_above(np.array([1.5]), space, 0).tolist(), just_above(np.array([1.5]), space, 1).tolist()
    ([2.0], [1.5000001192092896])
    """
    cast = _float32(thresholds)
    edge = np.where(cast > thresholds, cast, _next(cast, np.inf))
    return _on_step(edge, thresholds, space, j, 1.0)


def _float32(values: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):
        return values.astype(np.float32).astype(np.float64)


def _next(values: NDArray[np.float64], towards: float) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):
        return np.nextafter(values.astype(np.float32), np.float32(towards)).astype(np.float64)


def _on_step(
    edge: NDArray[np.float64], thresholds: NDArray[np.float64], space: Space, j: int, side: float
) -> NDArray[np.float64]:
    step = float(space.step[j])
    if not step:
        return edge
    out = space.snap(edge, j, "up" if side > 0 else "down")
    for _ in range(2):  # rounding to a decimal step may land on the wrong side
        wrong = ((_float32(out) > thresholds) != (side > 0)) & np.isfinite(out)
        if not wrong.any():
            break
        out = np.where(wrong, space.snap(out + side * step, j), out)
    # A decimal step may be a float32 number's neighbour: 0.1 casts to the number next above 0.0999999940.
    nearer = space.snap(out - side * step, j)
    right = ((_float32(nearer) > thresholds) == (side > 0)) & np.isfinite(nearer)
    return np.where(right, nearer, out)
