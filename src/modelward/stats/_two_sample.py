"""Can two samples be told apart?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.stats._estimates import Auc

if TYPE_CHECKING:
    from numpy.typing import NDArray


_BINS = 255
"""As many as the classifier has by itself."""


def learn_and_score(
    X: NDArray[np.float64], y: NDArray[np.int64], asked: NDArray[np.float64], k: int, *, seed: int
) -> NDArray[np.float64]:
    """Fit a small boosted classifier with balanced class weights, and return probabilities, shape (m, k).

    It runs on one thread: sums over several threads depend on who comes first, and results must not.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    out = np.zeros((len(asked), k))
    seen = np.unique(y)
    if len(seen) == 1:
        out[:, seen[0]] = 1.0
        return out
    model = HistGradientBoostingClassifier(
        max_iter=50, learning_rate=0.1, max_leaf_nodes=8, min_samples_leaf=20, early_stopping=False,
        class_weight="balanced", random_state=seed,
    )  # fmt: skip
    learned, known = _binned(X, asked)
    with threadpool_limits(1):
        model.fit(learned, y)
        out[:, model.classes_] = model.predict_proba(known)
    return out


def _binned(
    X: NDArray[np.float64], asked: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both with each value as the number of its bin among those of `X`; NaN stays NaN.

    With class weights the classifier takes weighted percentiles one by one, three quarters of all its time; of bins it
    finds no more distinct values than it has room for, and takes none. They are its bins of rows without weights.
    """
    out = np.empty_like(X), np.empty_like(asked)
    for j in range(X.shape[1]):
        values = X[:, j][~np.isnan(X[:, j])]
        edges = np.unique(values)
        if len(edges) > _BINS:
            # A percentile stands between two values or on one, which goes to the bin below it.
            edges = np.unique(
                np.quantile(values, np.arange(1, _BINS) / _BINS, method="averaged_inverted_cdf")
            )
        for column, part in zip((X[:, j], asked[:, j]), out, strict=True):
            part[:, j] = np.where(np.isnan(column), np.nan, np.searchsorted(edges, column))
    return out


@dataclass(frozen=True)
class TwoSample:
    """A cross-fitted classifier's try to tell two samples apart (Lopez-Paz & Oquab 2017).

    Parameters
    ----------
    first, second : ndarray
        Held-out scores of the rows of each sample that were used; higher means "of the first".
    auc : Auc
        Area between them; 0.5 is what exchangeable samples give.
    """

    first: NDArray[np.float64]
    second: NDArray[np.float64]
    auc: Auc


def tell_apart(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    *,
    first_groups: NDArray[Any] | None = None,
    second_groups: NDArray[Any] | None = None,
    most: int = 3_000,
    folds: int = 2,
    random_state: int | np.random.Generator = 0,
) -> TwoSample:
    """Try to tell two samples apart by their columns.

    Parameters
    ----------
    first, second : ndarray of shape (n, d), (m, d)
        Rows; NaN where a value is missing.
    first_groups, second_groups : ndarray, optional
        Whose row it is. One group stays in one fold, and one row of it counts: rows of one customer are alike,
        and counted one by one they would prove what is not there.
    most : int
        Rows of each sample that are used at most.
    folds : int
        Cross-fitting folds.
    random_state : int or Generator
        Draws the rows and the folds.

    Returns
    -------
    TwoSample

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> same = tell_apart(rng.normal(size=(800, 2)), rng.normal(size=(800, 2)))
    >>> moved = tell_apart(rng.normal(size=(800, 2)), rng.normal(1.0, size=(800, 2)))
    >>> bool(same.auc.value < 0.55), bool(moved.auc.value > 0.75)
    (True, True)
    """
    rng = np.random.default_rng(random_state)
    parts, fold_parts = [], []
    for X, groups in ((first, first_groups), (second, second_groups)):
        rows = rng.permutation(len(X)) if groups is None else one_per_group(groups, rng)
        rows = rows[:most]
        parts.append(X[rows])
        if groups is None:
            # The rows are shuffled, so every n-th row makes stratified folds.
            fold_parts.append(np.arange(len(rows)) % folds)
        else:
            fold_parts.append(_group_folds(groups[rows], folds))
    data = np.vstack(parts)
    of_first = np.repeat([1, 0], [len(part) for part in parts])
    fold = np.concatenate(fold_parts)
    score = np.empty(len(data))
    for k in range(folds):
        held = fold == k
        seed = int(rng.integers(2**31 - 1))
        score[held] = learn_and_score(data[~held], of_first[~held], data[held], 2, seed=seed)[:, 1]
    apart = score[of_first == 1], score[of_first == 0]
    return TwoSample(*apart, Auc.of(*apart))


def one_per_group(groups: NDArray[Any], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return positions of one row of each group, in random order, so that they count as independent.

    Examples
    --------
    >>> rows = one_per_group(np.array(["a", "a", "b"]), np.random.default_rng(0))
    >>> len(rows), 2 in rows
    (2, True)
    """
    shuffled = rng.permutation(len(groups))
    _, first = np.unique(groups[shuffled], return_index=True)
    return shuffled[np.sort(first)]


def _group_folds(groups: NDArray[Any], folds: int) -> NDArray[np.int64]:
    """Put each group into one fold, the same in both samples, by its name alone."""
    from zlib import crc32

    names, inverse = np.unique(groups, return_inverse=True)
    of_name = np.array([crc32(str(name).encode()) % folds for name in names.tolist()], dtype=np.int64)
    return of_name[inverse]
