"""Columns on one scale, with nothing missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def standardised(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return columns of mean 0 and deviation 1, with the mean where a value is missing.

    Examples
    --------
    >>> standardised(np.array([[1.0, 5.0], [3.0, np.nan], [np.nan, np.nan]]))
    array([[-1.22474487,  0.        ],
           [ 1.22474487,  0.        ],
           [ 0.        ,  0.        ]])
    """
    there = ~np.isnan(X)
    count = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, X, 0.0).sum(axis=0) / count
    centred = np.where(there, X - mean, 0.0)
    deviation = np.sqrt((centred**2).mean(axis=0))
    return np.asarray(centred / np.where(deviation > 0, deviation, 1.0))
