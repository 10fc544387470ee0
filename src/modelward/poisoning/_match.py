"""Which row of one table is which row of another: by a key, or by content."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from modelward.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_SAME_ROWS = 0.2
_MOST_FOR_PAIRS = 60
_FEW = 0.1


@dataclass(frozen=True)
class Matching:
    """Rows of two tables that are the same row.

    Parameters
    ----------
    new, old : ndarray of shape (m,)
        Positions of the same row in both.
    by : {"key", "content", "nothing"}
        How they were found; nothing if too few rows are in both.
    """

    new: NDArray[np.int64]
    old: NDArray[np.int64]
    by: str


def match_key(new: pl.DataFrame, old: pl.DataFrame, key: str) -> Matching:
    """Match rows by a column that has one value a row.

    Raises
    ------
    InputError
        If it is missing in a table, not unique, or of two types.
    """
    for frame, what in ((new, "data"), (old, "reference")):
        if key not in frame.columns:
            raise InputError(f"the {what} has no key column {key!r}: name one that both files have")
        if missing := frame[key].null_count():
            raise InputError(
                f"the key {key!r} is missing in {missing:,} rows of the {what}: leave --key out, or name another"
            )
        if frame[key].n_unique() != frame.height:
            raise InputError(f"the key {key!r} is not unique in the {what}: leave --key out, or name another")
    first, then = _plain(new[key]), _plain(old[key])
    if first.dtype != then.dtype:
        raise InputError(
            f"the key {key!r} is {new[key].dtype} in the data and {old[key].dtype} in the reference: "
            "bring both to one type, or leave --key out"
        )
    return Matching(*_join(first, then), "key")


def match_content(
    new: pl.DataFrame, old: pl.DataFrame, columns: Sequence[str], target: str | None
) -> Matching:
    """Match rows by content: whole rows, then all but the target, then all but the target and one or two columns.

    Rows that stand several times are matched as often as both tables have them. Where fewer than a fifth of
    the rows are in both, beyond those that any two samples of such coarse rows share, the tables hold different rows,
    and nothing is matched.
    """
    hashes = [_hashes(frame, columns) for frame in (new, old)]
    sums: list[NDArray[np.uint64]] = [np.asarray(h.sum(axis=0, dtype=np.uint64)) for h in hashes]
    stages: list[tuple[NDArray[np.uint64], NDArray[np.uint64]]] = []
    if target is not None:
        label = [_hashes(frame, [target], seed=7919)[0] for frame in (new, old)]
        stages.append((np.add(sums[0], label[0]), np.add(sums[1], label[1])))
    stages.append((sums[0], sums[1]))
    usual = max(_repeated(each) for each in sums)
    if _shared(*sums) < (_SAME_ROWS + (1 - _SAME_ROWS) * usual) * min(new.height, old.height):
        none = np.zeros(0, dtype=np.int64)
        return Matching(none, none, "nothing")
    free = [np.arange(new.height), np.arange(old.height)]
    found: list[list[NDArray[np.int64]]] = [[], []]
    for first, second in stages:
        _take(first, second, free, found)
    for j in range(len(columns)):
        if not len(free[0]) or not len(free[1]):
            break
        _take(sums[0] - hashes[0][j], sums[1] - hashes[1][j], free, found)
    if len(columns) <= _MOST_FOR_PAIRS and len(free[0]) <= _FEW * new.height:
        # A trigger of two columns: few rows are left, and both of their values are another's.
        for i, j in itertools.combinations(range(len(columns)), 2):
            if not len(free[0]) or not len(free[1]):
                break
            a, b = (s - h[i] - h[j] for s, h in zip(sums, hashes, strict=True))
            _take(a, b, free, found)
    return Matching(np.concatenate(found[0]), np.concatenate(found[1]), "content")


def _repeated(sums: NDArray[np.uint64]) -> float:
    """Return the share of rows that are met again in their own table: as many are met in another sample by chance."""
    held = np.sort(sums)
    again = held[1:] == held[:-1]
    return float((np.append(again, False) | np.append(False, again)).mean()) if len(sums) else 0.0


def _shared(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> int:
    """Return how many rows two tables share, each as often as both have it."""
    (a, m), (b, n) = (np.unique(each, return_counts=True) for each in (first, second))
    _, i, k = np.intersect1d(a, b, assume_unique=True, return_indices=True)
    return int(np.minimum(m[i], n[k]).sum())


def _take(
    first: NDArray[np.uint64],
    second: NDArray[np.uint64],
    free: list[NDArray[np.int64]],
    found: list[list[NDArray[np.int64]]],
) -> None:
    a, b = _join(pl.Series(first[free[0]]), pl.Series(second[free[1]]))
    found[0].append(free[0][a])
    found[1].append(free[1][b])
    free[0], free[1] = np.delete(free[0], a), np.delete(free[1], b)


def _join(first: pl.Series, second: pl.Series) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return positions of equal values in both, each value as often as both have it, in the first's order."""
    sides = [
        pl.DataFrame({"h": values})
        .with_row_index("i")
        .with_columns(rank=pl.int_range(pl.len()).over("h"), i=pl.col("i").cast(pl.Int64))
        for values in (first, second)
    ]
    joined = sides[0].join(sides[1], on=["h", "rank"], how="inner").sort("i")
    return joined["i"].to_numpy(), joined["i_right"].to_numpy()


def _plain(values: pl.Series) -> pl.Series:
    """Return values in a form in which 1 and 1.0 are the same, and missing is missing."""
    if values.dtype.is_numeric() or values.dtype == pl.Boolean:
        return values.cast(pl.Float64).fill_nan(None) + 0.0
    return values.cast(pl.String)


def _hashes(frame: pl.DataFrame, columns: Sequence[str], seed: int = 0) -> NDArray[np.uint64]:
    """Return a hash a value, shape (columns, n); all columns in one query, since one each costs more than its work."""
    parts, types = [], frame.schema
    for j, name in enumerate(columns):
        dtype, value = types[name], pl.col(name)
        if dtype.is_numeric() or dtype == pl.Boolean:
            value = value.cast(pl.Float64).fill_nan(None) + 0.0
        else:
            value = value.cast(pl.String)
        parts.append(value.hash(seed + j).alias(str(j)))
    return np.stack([column.to_numpy() for column in frame.select(parts).get_columns()])
