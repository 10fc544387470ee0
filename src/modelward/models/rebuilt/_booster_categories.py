"""Columns of categories as the codes that a booster learned."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.artifacts._arrays import plain
from modelward.artifacts.readers._tree_links import vector
from modelward.errors import SubjectError
from modelward.models.rebuilt._table import Table
from modelward.models.rebuilt._view import cannot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.artifacts._boosters import BoosterTrees


class CodedColumns:
    """The categories that a file keeps for columns of pandas' categorical type.

    Parameters
    ----------
    found : BoosterTrees
        LightGBM keeps a list for each categorical column, in their order; XGBoost (3.1 and later) one by column.
    """

    def __init__(self, found: BoosterTrees) -> None:
        self._lightgbm = found.library == "lightgbm"
        self.ordered: list[list[Any]] = _lists(found.categories) if self._lightgbm else []
        self.by_column: dict[int, list[Any]] = {} if self._lightgbm else _stored(found.categories)
        self.types = found.feature_types

    def coded(self, X: Any) -> Any:
        """Return a frame's columns with numbers in place of categories; anything else as it is.

        Raises
        ------
        SubjectError
            If a column of texts has no categories in the file, or xgboost never saw one of them.
        """
        if isinstance(X, Table) or not hasattr(X, "columns"):
            return X
        names = [str(name) for name in X.columns]
        columns = [X.iloc[:, j] if hasattr(X, "iloc") else X[X.columns[j]] for j in range(len(names))]
        waiting = iter(self.ordered)
        out = []
        for j, column in enumerate(columns):
            kind = str(column.dtype)
            if kind.lower().startswith(("category", "categorical", "enum", "str", "object")):
                known = next(waiting, None) if self._lightgbm else self.by_column.get(j)
                out.append(self._codes(column, known))
            else:
                out.append(np.asarray(column.to_numpy()))
        return Table(out, tuple(names)) if out else X

    def _codes(self, column: Any, known: list[Any] | None) -> NDArray[np.float64]:
        values = np.asarray(column.to_numpy()).tolist()
        if known is None:
            if not hasattr(column, "cat") or not hasattr(column.cat, "codes"):
                raise SubjectError("a column of texts, for which the file has no categories")
            codes = np.asarray(column.cat.codes, dtype=np.float64)  # releases before 3.1 take pandas' own
            return np.where(codes < 0, np.nan, codes)
        place = {value: code for code, value in enumerate(known)}
        found = np.array([place.get(value, np.nan) for value in values], dtype=np.float64)
        if not self._lightgbm and any(
            value is not None and value == value and value not in place for value in values
        ):
            raise SubjectError("a category that the model never saw, which xgboost refuses")
        return found


def _lists(value: Any) -> list[list[Any]]:
    """Return LightGBM's lists of categories."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(part, list) for part in value):
        raise cannot("pandas_categorical of its booster is no list of categories")
    found = [[plain(item) for item in part] for part in value]
    if not all(isinstance(item, str | int | float | bool | None) for part in found for item in part):
        raise cannot("pandas_categorical of its booster holds no plain values")
    return found


def _stored(value: Any) -> dict[int, list[Any]]:
    """Return XGBoost's categories by column: texts as bytes and where each begins, or numbers."""
    columns = value.get("enc") if isinstance(value, dict) else None
    found: dict[int, list[Any]] = {}
    for j, part in enumerate(columns if isinstance(columns, list) else ()):
        if not isinstance(part, dict):
            raise cannot("cats of its booster are of an unknown kind")
        values, offsets = part.get("values"), vector(part.get("offsets", []), int)
        numbers = vector(values, int)
        if "offsets" not in part:
            whole = numbers if numbers is not None else vector(values, float)
            if whole is None:
                raise cannot("cats of its booster are of an unknown kind")
            found[j] = whole.tolist()
        elif offsets is None or numbers is None or (len(offsets) and offsets[-1] > len(numbers)):
            raise cannot("cats of its booster are of an unknown kind")
        elif len(offsets) > 1:
            data = (numbers & 0xFF).astype(np.uint8).tobytes()
            if data.isascii():  # beyond that xgboost counts characters and cuts bytes: its names are no names
                found[j] = [data[a:b].decode() for a, b in itertools.pairwise(offsets.tolist())]
    return found
