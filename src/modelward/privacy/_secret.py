"""The sensitive column of an attribute inference attack: which columns hold it, and what values it may have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.schema import FeatureSchema

_FEW = 10
_FEWEST_ROWS = 10
_SEPARATORS = "_=.- "


@dataclass(frozen=True)
class Secret:
    """A sensitive column, or the columns of a one-hot group.

    Parameters
    ----------
    name : str
        As the user calls it.
    columns : tuple of int
        Positions in an encoded matrix.
    edges : tuple of float
        Inner edges of the bins of a number; empty for values.
    candidates : ndarray of shape (k, len(columns))
        What an attacker writes into the columns, one row for each candidate.
    """

    name: str
    columns: tuple[int, ...]
    edges: tuple[float, ...]
    candidates: NDArray[np.float64]

    def codes(self, X: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return for each row which candidate is true, shape (n,); -1 where it is none or missing."""
        cells = X[:, self.columns]
        if self.edges:
            binned = np.searchsorted(self.edges, cells[:, 0], side="right")
            return np.where(np.isnan(cells[:, 0]), -1, binned).astype(np.int64)
        out = np.full(len(X), -1, dtype=np.int64)
        for code, candidate in enumerate(self.candidates):
            out[np.all(cells == candidate, axis=1)] = code
        return out

    def hidden(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the other columns."""
        return np.delete(X, self.columns, axis=1)

    def filled(self, X: NDArray[np.float64], code: int) -> NDArray[np.float64]:
        """Return the rows with one candidate written into the columns."""
        out = X.copy()
        out[:, self.columns] = self.candidates[code]
        return out


def find_columns(schema: FeatureSchema, name: str) -> tuple[int, ...]:
    """Return the positions of a sensitive column; a one-hot group is found by its prefix or any member.

    Raises
    ------
    SchemaError
        If the schema has neither such a column nor such a group.
    """
    for group in schema.onehot:
        if name in group or all(len(c) > len(name) and c.startswith(name) for c in group):
            separated = name in group or all(c[len(name)] in _SEPARATORS for c in group)
            if separated:
                return tuple(schema.index(c) for c in group)
    return (schema.index(name),)


def secret_of(schema: FeatureSchema, name: str, X: NDArray[np.float64]) -> Secret | None:
    """Describe a sensitive column by what the attacker's own rows show.

    Values with at least ten rows are candidates. A number with more than ten values is binned into tertiles
    at rounded edges; the candidate of a bin is its rounded median.

    Returns
    -------
    Secret or None
        None if there are fewer than two candidates.
    """
    columns = find_columns(schema, name)
    cells = X[:, columns]
    cells = cells[~np.isnan(cells).any(axis=1)]
    values, counts = np.unique(cells, axis=0, return_counts=True)
    coded = len(columns) > 1 or schema.columns[columns[0]].coded
    if not coded and len(values) > _FEW:
        return _binned(name, columns[0], cells[:, 0])
    kept = values[counts >= _FEWEST_ROWS]
    return Secret(name, columns, (), kept) if len(kept) > 1 else None


def _binned(name: str, column: int, values: NDArray[np.float64]) -> Secret | None:
    edges = np.unique([_rounded(q) for q in np.quantile(values, [1 / 3, 2 / 3])])
    which = np.searchsorted(edges, values, side="right")
    counts = np.bincount(which, minlength=len(edges) + 1)
    if counts.min() < _FEWEST_ROWS:
        return None
    medians = [_rounded(float(np.median(values[which == b]))) for b in range(len(edges) + 1)]
    return Secret(name, (column,), tuple(float(e) for e in edges), np.array(medians)[:, None])


def _rounded(value: float) -> float:
    """Round to two significant digits, so that an edge is nobody's own value."""
    return float(f"{value:.1e}")
