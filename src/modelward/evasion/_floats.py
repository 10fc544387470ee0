"""Neighbours of a threshold, on which two floats stop being the same to a tree.

scikit-learn's forests and xgboost compare ``float32(x)`` with it, lightgbm and HistGradientBoosting x itself. What
asks a model without knowing which takes float32 numbers, which are the same to both (`just_below`, `just_above`);
what claims that nothing is nearer takes the last float64 of each side (`last_below`, `first_above`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

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
    return _on_step(edge, thresholds, space, j, -1.0, _float32)


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
    return _on_step(edge, thresholds, space, j, 1.0, _float32)


def last_below(thresholds: NDArray[np.float64], space: Space, j: int, *, single: bool) -> NDArray[np.float64]:
    """Return the very largest float64 on the lower side of each threshold, on a step of the column if it has one.

    Parameters
    ----------
    thresholds : ndarray of float64
    space : Space
    j : int
        Column.
    single : bool
        Whether the library rounds to float32 before it compares.

    Examples
    --------
    >>> from modelward.evasion._space import Space
    >>> from modelward.schema import Column, FeatureSchema
    >>> space = Space(FeatureSchema((Column("a", "continuous"),)))
    >>> t = np.array([1.5])
    >>> last_below(t, space, 0, single=False).tolist(), last_below(t, space, 0, single=True).tolist()
    ([1.5], [1.5000000596046448])
    """
    edge = _rounding_edge(thresholds)[0] if single else thresholds
    return _on_step(edge, thresholds, space, j, -1.0, _float32 if single else np.asarray)


def first_above(
    thresholds: NDArray[np.float64], space: Space, j: int, *, single: bool
) -> NDArray[np.float64]:
    """Return the very smallest float64 on the upper side of each threshold, see `last_below`.

    Examples
    --------
    >>> from modelward.evasion._space import Space
    >>> from modelward.schema import Column, FeatureSchema
    >>> space = Space(FeatureSchema((Column("a", "continuous"),)))
    >>> t = np.array([1.5])
    >>> first_above(t, space, 0, single=False).tolist(), first_above(t, space, 0, single=True).tolist()
    ([1.5000000000000002], [1.500000059604645])
    """
    with np.errstate(over="ignore"):
        edge = _rounding_edge(thresholds)[1] if single else np.nextafter(thresholds, np.inf)
    return _on_step(edge, thresholds, space, j, 1.0, _float32 if single else np.asarray)


_OVERFLOW = float(2**128 - 2**103)
"""Where float64 begins to round to an infinite float32."""


def _rounding_edge(thresholds: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the last float64 that rounds to a float32 at or under each threshold, and the next float64.

    The edge is half-way between two float32 numbers, and the middle itself goes to the one with the even mantissa.
    """
    cast = _float32(thresholds)
    below = np.where(cast <= thresholds, cast, _next(cast, -np.inf))
    above = _next(below, np.inf)
    with np.errstate(invalid="ignore"):
        middle = below / 2 + above / 2
    middle = np.where(np.isposinf(above), _OVERFLOW, np.where(np.isneginf(below), -_OVERFLOW, middle))
    goes_down = _float32(middle) <= below
    last = np.where(goes_down, middle, np.nextafter(middle, -np.inf))
    first = np.where(goes_down, np.nextafter(middle, np.inf), middle)
    # There is nothing beyond an infinite threshold.
    return np.where(np.isinf(below), below, last), np.where(np.isposinf(below), np.inf, first)


def _float32(values: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):
        return values.astype(np.float32).astype(np.float64)


def _next(values: NDArray[np.float64], towards: float) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):
        return np.nextafter(values.astype(np.float32), np.float32(towards)).astype(np.float64)


def _on_step(
    edge: NDArray[np.float64], thresholds: NDArray[np.float64], space: Space, j: int, side: float,
    seen: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float64]:  # fmt: skip
    """Move edges to the nearest step of the column that the library still sees on the right side."""
    step = float(space.step[j])
    if not step:
        return edge
    out = space.snap(edge, j, "up" if side > 0 else "down")
    for _ in range(2):  # rounding to a decimal step may land on the wrong side
        wrong = ((seen(out) > thresholds) != (side > 0)) & np.isfinite(out)
        if not wrong.any():
            break
        out = np.where(wrong, space.snap(out + side * step, j), out)
    # A decimal step may be a float32 number's neighbour: 0.1 casts to the number next above 0.0999999940.
    nearer = space.snap(out - side * step, j)
    right = ((seen(nearer) > thresholds) == (side > 0)) & np.isfinite(nearer)
    return np.where(right, nearer, out)
