"""Values worth trying in each column: where a model's answer can change, or where data are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.evasion._floats import just_above, just_below

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from modelward.evasion._space import Space


@dataclass(frozen=True)
class Grid:
    """Sorted legal values of each column; a row's own value is not among its choices.

    Parameters
    ----------
    values : tuple of ndarray, length d
        Values of each column, empty for columns that cannot be moved.
    complete : ndarray of bool, shape (d,)
        Columns in which no value between two of these needs trying: all legal values are there, or one on
        each side of every threshold of the model.
    """

    values: tuple[NDArray[np.float64], ...]
    complete: NDArray[np.bool_]

    @classmethod
    def build(
        cls,
        space: Space,
        size: int,
        reference: NDArray[np.float64] | None,
        thresholds: Mapping[int, NDArray[np.float64]] | None,
    ) -> Grid:
        """Choose at most `size` values of each column.

        Parameters
        ----------
        space : Space
            Of the schema.
        size : int
            The most values of a column.
        reference : ndarray of shape (m, d) or None
            Rows whose values are likely to matter.
        thresholds : mapping of int to ndarray, or None
            Where a piecewise constant model can change its answer, by column; None if that is not known.
        """
        values, complete = [], np.zeros(len(space.schema), dtype=bool)
        for j in range(len(space.schema)):
            if not space.mutable[space.unit_of[j]]:
                values.append(np.empty(0))
                continue
            edges = None if thresholds is None else thresholds.get(j, np.empty(0))
            wanted, complete[j] = _column(
                space, j, size, None if reference is None else reference[:, j], edges
            )
            values.append(wanted)
        return cls(tuple(values), complete)


def edges_of(
    space: Space, thresholds: Mapping[int, NDArray[np.float64]] | None
) -> dict[int, NDArray[np.float64]] | None:
    """Return all legal values next to a threshold, sorted, by column; None if thresholds are not known."""
    if thresholds is None:
        return None
    out = {}
    for j, cuts in thresholds.items():
        edges = np.unique(np.concatenate([just_below(cuts, space, j), just_above(cuts, space, j)]))
        out[j] = edges[(edges >= space.low[j]) & (edges <= space.high[j])]
    return out


def _column(
    space: Space,
    j: int,
    size: int,
    data: NDArray[np.float64] | None,
    thresholds: NDArray[np.float64] | None,
) -> tuple[NDArray[np.float64], bool]:
    low, high, step = float(space.low[j]), float(space.high[j]), float(space.step[j])
    if step and np.isfinite(high - low) and (high - low) / step < size:
        all_values = space.snap(
            low + step * np.arange(int((high - low) / step + 1e-9) + 1, dtype=np.float64), j
        )
        return all_values[all_values <= high], True
    if thresholds is not None:
        edges = (edges_of(space, {j: thresholds}) or {})[j]
        if len(edges) <= size:
            return edges, True
        return _thin(edges, size), False
    seen = np.empty(0) if data is None else data[np.isfinite(data)]
    ends = np.array([v for v in (low, high) if np.isfinite(v)])
    pool = np.unique(np.concatenate([space.snap(seen, j), ends]))
    pool = pool[(pool >= low) & (pool <= high)]
    if len(pool) <= size:
        if len(pool) < size // 2 and np.isfinite(high - low):
            share = np.arange(size - len(pool), dtype=np.float64) / (size - len(pool) - 1)
            even = space.snap(low + share * (high - low), j)
            pool = np.unique(np.concatenate([pool, even[(even >= low) & (even <= high)]]))
        return pool, False
    return np.unique(np.concatenate([_thin(np.sort(seen), size - len(ends)), ends])), False


def _thin(ordered: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return about `size` values that are evenly spaced in rank, both ends among them."""
    return np.unique(ordered[np.linspace(0, len(ordered) - 1, size).round().astype(int)])
