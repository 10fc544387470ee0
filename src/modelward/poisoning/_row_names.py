"""Columns that number the rows: every table has its own, so they tell nothing about a table of other rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._coded import MISSING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.poisoning._coded import Coded

_COLLISIONS = 14.0
"""Expected pairs of equal values; none is found by chance in exp(-14) of tables, fewer than one in a million."""


def row_names(coded: Coded, n_new: int) -> list[int]:
    """Return the columns of whole numbers that never repeat in either table, though measured numbers would.

    Of n numbers drawn from a range of r, n (n - 1) / 2 r pairs are equal on average, and more if some numbers are
    likelier than others (the birthday problem).

    Parameters
    ----------
    coded : Coded
        New and earlier rows.
    n_new : int
        New rows, which are first.

    Examples
    --------
    >>> import polars as pl
    >>> from modelward.poisoning._coded import code_tables
    >>> tables = [pl.DataFrame({"id": range(a, a + 500), "age": [20 + i % 50 for i in range(500)]}) for a in (0, 900)]
    >>> row_names(code_tables(tables, ["id", "age"])[0], 500)
    [0]
    """
    sides = [coded.take(np.arange(n_new)), coded.take(np.arange(n_new, coded.rows))]
    return [j for j in range(len(coded.names)) if all(numbers_rows(side, j) for side in sides)]


def numbers_rows(coded: Coded, j: int) -> bool:
    """Say whether a column of whole numbers never repeats in one table, though measured numbers would."""
    values = coded.words[j]
    if isinstance(values, tuple) or not len(values) or not np.array_equal(values, np.round(values)):
        return False
    return _numbered(coded.codes[j], values)


def _numbered(codes: NDArray[np.int32], values: NDArray[np.float64]) -> bool:
    n = len(codes)
    if n < 2 or int(codes.min()) == MISSING or int(np.bincount(codes).max()) > 1:
        return False
    span = float(values[codes.max()] - values[codes.min()]) + 1
    return n * (n - 1) / 2 / span > _COLLISIONS
