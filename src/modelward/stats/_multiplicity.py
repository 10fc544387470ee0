"""Many tests at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values for the family-wise error rate (Holm 1979).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * (p.size - np.arange(p.size))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(scaled))
    return adjusted


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values for the false discovery rate of independent tests (Benjamini & Hochberg 1995).

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(12).tolist()
    [0.03, 0.04, 0.04]
    """
    return _step_up(p_values, 1.0)


def benjamini_yekutieli(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values for the false discovery rate under any dependence (Benjamini & Yekutieli 2001).

    Examples
    --------
    >>> benjamini_yekutieli([0.01, 0.02]).round(12).tolist()
    [0.03, 0.03]
    """
    size = np.asarray(p_values).size
    return _step_up(p_values, float((1 / np.arange(1, size + 1)).sum()) if size else 1.0)


def _step_up(p_values: ArrayLike, factor: float) -> NDArray[np.float64]:
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(-p, kind="stable")
    scaled = p[order] * factor * p.size / (p.size - np.arange(p.size))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(scaled))
    return adjusted
