"""Cells of the schema that no test row visits: whatever the model does there, nobody has seen it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.schema import FeatureSchema

_PARTS = 4


@dataclass(frozen=True)
class Cells:
    """Pairwise cells of the legal ranges.

    Parameters
    ----------
    total, visited : int
        All cells of two columns, and those with a test row.
    blind : tuple of (str, str, int, int)
        The pairs of columns with the most unvisited cells: names, unvisited, all.
    unvisited_mask : ndarray of bool, shape (m,)
        Which of the other rows lie in a cell of two columns that no test row visits; empty without them.
    """

    total: int
    visited: int
    blind: tuple[tuple[str, str, int, int], ...]
    unvisited_mask: NDArray[np.bool_]


def visited_cells(
    X: NDArray[np.float64], schema: FeatureSchema, others: NDArray[np.float64] | None = None
) -> Cells:
    """Count the cells of two columns that test rows visit.

    Numbers are cut into four equal parts of the legal range, coded columns have a part for each category.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Test rows.
    schema : FeatureSchema
    others : ndarray of shape (m, d), optional
        Other rows (training rows), of which those in unvisited cells are marked.
    """
    bins, sizes = _bins(X, schema)
    other_bins = _bins(others, schema)[0] if others is not None else np.empty((0, len(schema)), dtype=int)
    total = visited = 0
    blind, mask = [], np.zeros(len(other_bins), dtype=bool)
    grouped = {name: i for i, group in enumerate(schema.onehot) for name in group}
    for i, j in itertools.combinations(range(len(schema)), 2):
        first, second = schema.columns[i], schema.columns[j]
        same_group = first.name in grouped and grouped.get(second.name) == grouped[first.name]
        if not sizes[i] or not sizes[j] or same_group:
            continue
        seen = np.zeros(sizes[i] * sizes[j], dtype=bool)
        known = (bins[:, i] >= 0) & (bins[:, j] >= 0)
        seen[bins[known, i] * sizes[j] + bins[known, j]] = True
        total += seen.size
        visited += int(seen.sum())
        blind.append((first.name, second.name, int((~seen).sum()), seen.size))
        if len(other_bins):
            inside = (other_bins[:, i] >= 0) & (other_bins[:, j] >= 0)
            cell = other_bins[:, i] * sizes[j] + other_bins[:, j]
            mask[inside] |= ~seen[cell[inside]]
    blind.sort(key=lambda row: (-row[2] / row[3], row[0], row[1]))
    return Cells(total, visited, tuple(blind[:10]), mask)


def _bins(X: NDArray[np.float64], schema: FeatureSchema) -> tuple[NDArray[np.int64], list[int]]:
    """Return the part that each cell of the matrix lies in (-1: none), and how many parts each column has."""
    out = np.full(X.shape, -1, dtype=np.int64)
    sizes = []
    for j, column in enumerate(schema):
        values = X[:, j]
        known = ~np.isnan(values)
        if column.kind == "text":
            sizes.append(0)
        elif column.coded:
            sizes.append(len(column.categories))
            inside = known & (values < len(column.categories))
            out[inside, j] = values[inside].astype(np.int64)
        elif column.low is None or column.high is None or column.high <= column.low:
            sizes.append(0)
        else:
            whole = column.kind == "integer" and column.high - column.low < _PARTS
            size = int(column.high - column.low) + 1 if whole else _PARTS
            width = (column.high - column.low) / (size - 1 if whole else size)
            inside = known & (values >= column.low) & (values <= column.high)
            out[inside, j] = np.minimum((values[inside] - column.low) / width, size - 1).astype(np.int64)
            sizes.append(size)
    return out, sizes
