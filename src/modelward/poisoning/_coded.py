"""Tables as ranks: every column's values in order, each cell the position of its value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST_WORDS = 200
"""A column of more different words is free text."""

MISSING = -1


@dataclass(frozen=True)
class Coded:
    """Columns of one or several tables, one after another.

    Parameters
    ----------
    names : tuple of str
    codes : tuple of ndarray of int32, shape (n,)
        For each column the rank of every row's value; -1 where it is missing.
    words : tuple of tuple of str or ndarray of float64
        For each column its values in order.
    ordered : tuple of bool
        Whether the order of a column's values means something.
    """

    names: tuple[str, ...]
    codes: tuple[NDArray[np.int32], ...]
    words: tuple[tuple[str, ...] | NDArray[np.float64], ...]
    ordered: tuple[bool, ...]

    @property
    def rows(self) -> int:
        """Rows of all tables together."""
        return len(self.codes[0]) if self.codes else 0

    def sizes(self, j: int) -> int:
        """Return how many different values a column has."""
        return len(self.words[j])

    def numbers(self, j: int) -> NDArray[np.float64] | None:
        """Return a column as numbers, NaN where missing; None for words."""
        values = self.words[j]
        if isinstance(values, tuple):
            return None
        return np.append(values, np.nan)[self.codes[j]]

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Coded:
        """Return some of the rows."""
        return Coded(self.names, tuple(c[rows] for c in self.codes), self.words, self.ordered)

    def without(self, *columns: int) -> Coded:
        """Return all columns but some."""
        keep = [k for k in range(len(self.names)) if k not in columns]
        return Coded(
            tuple(self.names[k] for k in keep), tuple(self.codes[k] for k in keep),
            tuple(self.words[k] for k in keep), tuple(self.ordered[k] for k in keep),
        )  # fmt: skip


def kind_of(values: pl.Series) -> str:
    """Return what a column holds: numbers, or its type's name."""
    dtype = values.dtype
    return "number" if dtype.is_numeric() or dtype in (pl.Boolean, pl.Null) else str(dtype)


def code_tables(frames: Sequence[pl.DataFrame], names: Sequence[str]) -> tuple[Coded, list[str]]:
    """Rank columns that all tables have, over all of them; free text is left out.

    Returns
    -------
    Coded
        Rows of the first table first.
    list of str
        Names of the columns that are free text.
    """
    kept: list[tuple[str, NDArray[np.int32], tuple[str, ...] | NDArray[np.float64], bool]] = []
    free = []
    for name in names:
        parts = [frame[name] for frame in frames]
        if kind_of(parts[0]) == "number":
            kept.append((name, *_ranked(np.concatenate([_numbers(part) for part in parts])), True))
            continue
        ordered = parts[0].dtype.is_temporal()
        whole = pl.concat([part if ordered else part.cast(pl.String) for part in parts])
        ranks = (whole.rank("dense").cast(pl.Int32) - 1).fill_null(MISSING).to_numpy()
        distinct = whole.drop_nulls().unique().sort()
        if ordered or len(distinct) <= MOST_WORDS:
            kept.append((name, ranks, tuple(distinct.cast(pl.String).to_list()), ordered))
        else:
            free.append(name)
    columns = zip(*kept, strict=True) if kept else ((), (), (), ())
    return Coded(*(tuple(part) for part in columns)), free


def _numbers(values: pl.Series) -> NDArray[np.float64]:
    """Return numbers as floats without -0, NaN where missing; an expression a column would cost more than its work."""
    return np.asarray(values.cast(pl.Float64).to_numpy() + 0.0)


def _ranked(values: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    known = ~np.isnan(values)
    distinct, inverse = np.unique(values[known], return_inverse=True)
    ranks = np.full(len(values), MISSING, dtype=np.int32)
    ranks[known] = inverse
    return ranks, distinct
