"""Seeded samples of large tables that keep the shares of the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def stratified(
    y_codes: NDArray[np.int64], n: int, rng: np.random.Generator, groups: NDArray[Any] | None = None
) -> NDArray[np.int64]:
    """Draw rows without replacement, with each label's share kept.

    Parameters
    ----------
    y_codes : ndarray of shape (m,)
        Labels as codes.
    n : int
        Rows to draw. With groups it is an upper bound.
    rng : numpy.random.Generator
        Where the draw comes from.
    groups : ndarray of shape (m,), optional
        Whose row it is; a group is drawn whole or not at all, under its most frequent label.

    Returns
    -------
    ndarray of int64
        Row numbers in order; all of them if n is at least m. Every label that the table has is kept where n
        allows it.

    Examples
    --------
    >>> rows = stratified(np.repeat([0, 1], [90, 10]), 20, np.random.default_rng(0))
    >>> np.bincount(np.repeat([0, 1], [90, 10])[rows])
    array([18,  2])
    """
    y = np.asarray(y_codes)
    if n >= len(y):
        return np.arange(len(y), dtype=np.int64)
    if n <= 0:
        return np.empty(0, dtype=np.int64)
    labels, y = np.unique(y, return_inverse=True)
    quota = _shares(np.bincount(y, minlength=len(labels)), n)
    if groups is not None:
        return _whole_groups(y, quota, rng, groups)
    order = rng.permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    first = np.concatenate([[0], np.cumsum(np.bincount(y))[:-1]])
    picked = [order[start : start + take] for start, take in zip(first, quota, strict=True)]
    return np.sort(np.concatenate(picked)).astype(np.int64)


def _shares(sizes: NDArray[Any], n: int) -> NDArray[np.int64]:
    """Divide n by the largest remainders, with one for every label where n allows it."""
    exact = n * sizes / sizes.sum()
    quota: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    rest = np.argsort(-(exact - quota), kind="stable")[: n - quota.sum()]
    quota[rest] += 1
    for label in np.flatnonzero(quota == 0):
        richest = int(np.argmax(quota))
        if quota[richest] > 1:
            quota[richest] -= 1
            quota[label] += 1
    return quota


def _whole_groups(
    y: NDArray[np.int64], quota: NDArray[np.int64], rng: np.random.Generator, groups: NDArray[Any]
) -> NDArray[np.int64]:
    _, group = np.unique(groups, return_inverse=True)
    count, k = int(group.max()) + 1, len(quota)
    table = np.bincount(group * k + y, minlength=count * k).reshape(count, k)
    own, sizes = table.argmax(axis=1), table.sum(axis=1)
    left = quota.copy()
    taken = np.zeros(count, dtype=bool)
    for g in rng.permutation(count):
        if sizes[g] <= left[own[g]]:
            taken[g] = True
            left[own[g]] -= sizes[g]
    return np.flatnonzero(taken[group]).astype(np.int64)
