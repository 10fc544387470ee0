"""Test rows that the model was trained on: what is measured on them says nothing of rows to come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.stats import ProportionDifference, row_ids

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FEW = 0.01
"""Share of the test rows that may repeat by chance although no training row does."""


@dataclass(frozen=True)
class Seen:
    """Test rows that are training rows as well, features and label.

    Parameters
    ----------
    rows : int
        So many test rows have an equal training row.
    expected : float
        Share that the tables' own repetitions lead one to expect of two samples of one source.
    beyond : ProportionDifference
        The share over that.
    cleaned : bool
        Whether repetitions were taken out of the training rows alone, so that nothing tells what is usual.
    """

    rows: int
    expected: float
    beyond: ProportionDifference
    cleaned: bool


def seen_rows(
    X: NDArray[np.float64], y: NDArray[np.int64], train_X: NDArray[np.float64], train_y: NDArray[np.int64]
) -> Seen:
    """Count the test rows that are training rows, beside those that two samples of one source share by chance.

    A row of coarse columns is met again by chance. How often is told by the training rows: as many of them have a twin
    among the others as fresh rows of their source have among them. The test rows' own repetitions are a lower bound of
    it; the larger of both is expected.

    Parameters
    ----------
    X, y : ndarray of shape (m, d) and (m,)
        Test rows and labels.
    train_X, train_y : ndarray of shape (n, d) and (n,)
        Training rows and labels.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(90, 3)), np.zeros(90, dtype=int)
    >>> fresh = seen_rows(X[:30], y[:30], X[30:], y[30:])
    >>> fresh.rows, seen_rows(X[:30], y[:30], X[20:], y[20:]).rows
    (0, 10)
    """
    ids = row_ids(np.column_stack([np.vstack([X, train_X]), np.concatenate([y, train_y])]))
    mine, theirs = ids[: len(X)], ids[len(X) :]
    size = int(ids.max()) + 1
    trained, tested = np.bincount(theirs, minlength=size), np.bincount(mine, minlength=size)
    seen = int((trained[mine] > 0).sum())
    repeated = [
        (int((count[rows] > 1).sum()), len(rows)) for count, rows in ((trained, theirs), (tested, mine))
    ]
    usual, of = max(repeated, key=lambda pair: pair[0] / pair[1])
    cleaned = not repeated[0][0] and repeated[1][0] > _FEW * len(X)
    return Seen(seen, usual / of, ProportionDifference(seen, len(X), usual, of), cleaned)
