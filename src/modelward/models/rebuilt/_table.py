"""Table: what a rebuilt model is asked, whether it came as a matrix or as a data frame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelward.errors import SubjectError

Matrix = NDArray[Any]


class Table:
    """Rows and columns, with names if there are any.

    Parameters
    ----------
    columns : list of ndarray, shape (n,), or ndarray of shape (n, d)
        The cells.
    names : tuple of str or None
        Of the columns.
    """

    def __init__(self, columns: list[Matrix] | Matrix, names: tuple[str, ...] | None = None) -> None:
        self._cells = columns
        self.names = names
        whole = isinstance(columns, np.ndarray)
        self.d = columns.shape[1] if whole else len(columns)  # type: ignore[union-attr]
        self.n = len(columns) if whole else len(columns[0]) if columns else 0

    @classmethod
    def of(cls, X: Any) -> Table:
        """Return the table of a matrix, a pandas or a polars frame.

        Raises
        ------
        SubjectError
            If it has no two dimensions.
        """
        if isinstance(X, Table):
            return X
        if hasattr(X, "iloc"):
            columns = [np.asarray(X.iloc[:, j].to_numpy()) for j in range(X.shape[1])]
            return cls(columns, tuple(str(c) for c in X.columns)) if columns else cls(np.empty((len(X), 0)))
        if hasattr(X, "get_columns"):
            series = X.get_columns()
            return cls([s.to_numpy() for s in series], tuple(X.columns)) if series else cls(np.empty((0, 0)))
        matrix = np.asarray(X)
        if matrix.ndim != 2:
            raise SubjectError(f"rows and columns are needed, not shape {matrix.shape}")
        return cls(matrix)

    def column(self, j: int) -> Matrix:
        """Return one column, shape (n,)."""
        cells = self._cells
        return cells[:, j] if isinstance(cells, np.ndarray) else cells[j]

    def take(self, columns: Any) -> Table:
        """Return some of the columns, without their names: transformers are given them by place."""
        cells = self._cells
        if isinstance(cells, np.ndarray):
            return Table(cells[:, columns])
        picked = [cells[int(j)] for j in columns]
        return Table(picked) if picked else Table(np.empty((self.n, 0)))

    def place(self, name: str) -> int:
        """Return where a column is.

        Raises
        ------
        SubjectError
            If there is none of that name.
        """
        if self.names is None or name not in self.names:
            raise SubjectError("a column that the model was fitted on is missing, or columns have no names")
        return self.names.index(name)

    def matrix(self) -> Matrix:
        """Return the cells as one matrix: of numbers if all are numbers, else of objects."""
        cells = self._cells
        if isinstance(cells, np.ndarray):
            return cells
        if any(c.dtype.kind not in "biuf" for c in cells):
            cells = [c.astype(object) for c in cells]
        return np.column_stack(cells) if cells else np.empty((self.n, 0))

    def floats(self, *, nan: bool = False, inf: bool = False) -> NDArray[np.float64]:
        """Return the cells as a new float64 matrix.

        Raises
        ------
        SubjectError
            If cells are missing or infinite where the model takes no such thing.
        """
        cells = self._cells
        if isinstance(cells, np.ndarray):
            out = np.array(cells, dtype=np.float64, order="C")
        else:
            out = np.empty((self.n, self.d))
            for j, column in enumerate(cells):
                out[:, j] = column
        _finite(out, nan=nan, inf=inf)
        return out

    def singles(self, *, nan: bool = False) -> NDArray[np.float32]:
        """Return the cells rounded to float32, as trees compare them.

        Raises
        ------
        SubjectError
            If cells are missing and may not be, infinite, or too large for float32.
        """
        wide = self.floats(nan=True, inf=True)
        with np.errstate(over="ignore"):
            out = wide.astype(np.float32)
        _finite(out, nan=nan, inf=False)
        return out


def _finite(values: Matrix, *, nan: bool, inf: bool) -> None:
    if not nan and np.isnan(values).any():
        raise SubjectError("the model takes no missing values")
    if not inf and np.isinf(values).any():
        raise SubjectError("the model takes no infinite values, nor such as are too large for its type")
