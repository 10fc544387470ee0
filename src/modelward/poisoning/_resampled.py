"""The mean over rows and trainings, both resampled."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from modelward.stats import Bootstrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_REPLICATES = 400


def mean_of(values: Sequence[NDArray[np.float64]]) -> Bootstrap:
    """Return the mean of figures of the same rows after several trainings.

    Parameters
    ----------
    values : sequence of ndarray of shape (m,)
        One for each training, from -1 to 1: a row has a label or not, or more or less often than before.

    Returns
    -------
    Bootstrap

    Examples
    --------
    >>> mean_of([np.array([0.0, 1.0]), np.array([1.0, 1.0])]).value
    0.75
    """
    table = np.stack(list(values))
    repeats, m = table.shape
    draw = np.random.default_rng([repeats, m])
    each = _resamples(m) @ table.T / m
    if repeats > 1:  # a bootstrap of few trainings is too narrow by this factor
        middle = each.mean(axis=1, keepdims=True)
        each = middle + (each - middle) * math.sqrt(repeats / (repeats - 1))
    drawn = np.take_along_axis(each, draw.integers(0, repeats, each.shape), axis=1).mean(axis=1)
    drawn = np.clip(drawn, -1, 1)  # the factor must not carry a share beyond what a share can be
    return Bootstrap(
        float(table.mean()),
        m,
        tuple(float(v) for v in np.sort(drawn)),
        method="bootstrap over rows and refits",
    )


@lru_cache(maxsize=4)
def _resamples(m: int) -> NDArray[np.float64]:
    """Return how often every resample holds each row, shape (replicates, m): the same for all that is compared."""
    draw = np.random.default_rng(m)
    return np.stack([np.bincount(draw.integers(0, m, m), minlength=m) for _ in range(_REPLICATES)]).astype(
        float
    )
