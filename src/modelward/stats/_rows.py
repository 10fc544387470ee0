"""Equal rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def row_ids(X: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return a number for each row, equal for equal rows (missing equals missing), shape (n,).

    Examples
    --------
    >>> row_ids(np.array([[1.0, np.nan], [2.0, 0.0], [1.0, np.nan]])).tolist()
    [0, 1, 0]
    """
    clean = np.where(np.isnan(X), np.nan, X + 0.0)  # one bit pattern for nan, and none for -0.0
    keys = np.ascontiguousarray(clean).view(np.dtype((np.void, clean.dtype.itemsize * clean.shape[1])))
    _, first, inverse = np.unique(keys.ravel(), return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first, kind="stable"), kind="stable")
    return np.asarray(order[inverse], dtype=np.int64)
