"""Imputers: what stands in for missing cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import SubjectError
from modelward.models.rebuilt._base import Estimator, family

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models.rebuilt._table import Matrix, Table
    from modelward.models.rebuilt._view import View


def _mask(cells: Matrix, missing: Any) -> NDArray[np.bool_]:
    """Return which cells are missing."""
    if missing is None:
        return np.array([[cell is None for cell in row] for row in cells], dtype=bool).reshape(cells.shape)
    if isinstance(missing, float) and missing != missing:
        return np.asarray(cells != cells, dtype=bool)
    return np.asarray(cells == missing, dtype=bool).reshape(cells.shape)


def _cells(table: Table) -> Matrix:
    cells = table.matrix()
    return np.array(cells, dtype=object if cells.dtype.kind in "OUS" else np.float64)


@family("SimpleImputer")
class SimpleImputer(Estimator):
    """Fills a column with one value that training chose."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._values = view.labels("statistics_")
        self.n_features_in_ = len(self._values)
        self._missing = _marker(view)
        empty = _mask(self._values[:, None], float("nan"))[:, 0]
        self._kept = (
            np.arange(len(empty))
            if view.flag("keep_empty_features", default=False)
            else np.flatnonzero(~empty)
        )
        self._indicator = view.child("indicator_") if view.flag("add_indicator", default=False) else None
        self._offer(transform=self._transform)

    def _transform(self, X: Any) -> Matrix:
        cells = _cells(self.table(X))
        missing = _mask(cells, self._missing)
        out = cells[:, self._kept]
        if self._values.dtype.kind in "OUS":
            out = out.astype(object)
        fill = np.broadcast_to(self._values[self._kept], out.shape)
        gaps = missing[:, self._kept]
        out[gaps] = fill[gaps]
        if not isinstance(self._indicator, MissingIndicator):
            return out
        return np.hstack([out, self._indicator.marks(missing)])


def _marker(view: View) -> Any:
    value = view.get("missing_values", float("nan"))
    if not isinstance(value, int | float | str | None):
        raise view.bad("missing_values", "is no plain value")
    return value


@family("MissingIndicator")
class MissingIndicator(Estimator):
    """Says which cells are missing."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._missing = _marker(view)
        self._columns = view.places(
            view.raw("features_"), "features_", view.integer("_n_features", most=10_000_000)
        )
        self._strict = view.flag("error_on_new", default=False) and view.text("features") == "missing-only"
        self._offer(transform=self._transform)

    def marks(self, missing: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the columns that training found gaps in."""
        if len(self._columns) and self._columns.max() >= missing.shape[1]:
            raise SubjectError("the model's indicator takes another number of columns")
        return missing[:, self._columns]

    def _transform(self, X: Any) -> Matrix:
        missing = _mask(_cells(self.table(X)), self._missing)
        if self._strict and np.setdiff1d(np.flatnonzero(missing.any(axis=0)), self._columns).size:
            raise SubjectError("cells are missing in a column that had none in training")
        return self.marks(missing)
