"""Encoders of categories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import SubjectError
from modelward.models.rebuilt._base import Estimator, family

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models.rebuilt._table import Matrix, Table
    from modelward.models.rebuilt._view import View


class _Encoder(Estimator):
    """Turns cells into places among the categories that training saw."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.categories_ = [view.labels_of(item, "categories_") for item in view.items("categories_")]
        self.n_features_in_ = len(self.categories_)
        if not self.categories_ or not all(len(c) for c in self.categories_):
            raise view.bad("categories_", "is empty")
        self._unknown = view.get("handle_unknown", "ignore")
        self._places = [{_key(value): i for i, value in enumerate(c.tolist())} for c in self.categories_]
        self._rare, self._mapping = self._infrequent(view)

    def _infrequent(self, view: View) -> tuple[list[int], list[NDArray[np.int64] | None]]:
        """Return the first rare category of each column (−1: none), and where categories move to."""
        d = len(self.categories_)
        if not view.flag("_infrequent_enabled", default=False):
            return [-1] * d, [None] * d
        rare, moves = view.items("_infrequent_indices"), view.items("_default_to_infrequent_mappings")
        if len(rare) != d or len(moves) != d:
            raise view.bad("_infrequent_indices", "has not one entry for each column")
        first, mapping = [], []
        for item, move, known in zip(rare, moves, self.categories_, strict=True):
            own = None if item is None else view.places(item, "_infrequent_indices", len(known))
            first.append(int(own[0]) if own is not None and len(own) else -1)
            to = None if move is None else view.places(move, "_default_to_infrequent_mappings", len(known))
            if to is not None and len(to) == len(known) - 1 and _missing(known.tolist()[-1]):
                to = np.append(to, len(known) - 1)  # a missing cell is no rare category: it never moves
            if to is not None and len(to) != len(known):
                raise view.bad("_default_to_infrequent_mappings", "has not one entry for each category")
            mapping.append(to)
        return first, mapping

    def _codes(self, table: Table, keep: dict[int, int]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return places (n, d), and which cells hold a known category; `keep` are places that never move."""
        codes = np.zeros((table.n, table.d), dtype=np.int64)
        known = np.ones((table.n, table.d), dtype=bool)
        for j in range(table.d):
            found = _look_up(table.column(j), self.categories_[j], self._places[j])
            known[:, j] = found >= 0
            if self._unknown == "error" and not known[:, j].all():
                raise SubjectError("a category that the model has not seen, and it takes no such thing")
            codes[:, j] = np.where(known[:, j], found, 0)
            if self._rare[j] >= 0:
                codes[~known[:, j], j] = self._rare[j]
                if self._unknown in ("infrequent_if_exist", "warn"):
                    known[:, j] = True
            mapping = self._mapping[j]
            if mapping is not None:
                rows = codes[:, j] != keep.get(j, -1)
                codes[rows, j] = mapping[codes[rows, j]]
        return codes, known


def _key(value: Any) -> Any:
    """Return what a cell is looked up by: all kinds of missing numbers are one."""
    return "\0nan" if isinstance(value, float) and value != value else value


def _look_up(cells: Matrix, known: Matrix, places: dict[Any, int]) -> NDArray[np.int64]:
    """Return the place of each cell, −1 if unknown."""
    if cells.dtype.kind in "biuf" and known.dtype.kind in "biuf":
        order = np.argsort(known, kind="stable")
        at = np.minimum(np.searchsorted(known[order], cells), len(known) - 1)
        hit = known[order][at] == cells
        if known.dtype.kind == "f" and cells.dtype.kind == "f":
            hit |= np.isnan(known[order][at]) & np.isnan(cells)
        return np.where(hit, order[at], -1)
    try:
        return np.array([places.get(_key(cell), -1) for cell in cells.tolist()], dtype=np.int64)
    except TypeError:
        raise SubjectError("the model takes plain values, not lists") from None


@family("OneHotEncoder")
class OneHotEncoder(_Encoder):
    """One column for each category."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._drop: list[int | None] = [None] * len(self.categories_)
        key = "_drop_idx_after_grouping" if view.knows("_drop_idx_after_grouping") else "drop_idx_"
        self._drops = view.has(key)
        if self._drops:
            drop = view.array(key, 1).tolist()
            if len(drop) != len(self._drop) or not all(i is None or type(i) is int for i in drop):
                raise view.bad(key, "has not one entry for each column")
            self._drop = drop
        widths = zip(self.categories_, self._mapping, self._drop, strict=True)
        self._widths = [
            (len(known) if to is None else int(to.max()) + 1) - (drop is not None)
            for known, to, drop in widths
        ]
        self._offer(transform=self._transform)

    def _transform(self, X: Any) -> Matrix:
        table = self.table(X)
        codes, known = self._codes(table, {})
        for j, drop in enumerate(self._drop):
            if drop is not None:
                known[:, j] &= codes[:, j] != drop
                codes[codes[:, j] > drop, j] -= 1
        out = np.zeros((table.n, sum(self._widths)))
        start = 0
        for j, width in enumerate(self._widths):
            rows = np.flatnonzero(known[:, j] & (codes[:, j] < width))
            out[rows, start + codes[rows, j]] = 1.0
            start += width
        return out


@family("OrdinalEncoder")
class OrdinalEncoder(_Encoder):
    """A number for each category."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._missing = {
            j: next(i for i, value in enumerate(c.tolist()) if _missing(value))
            for j, c in enumerate(self.categories_)
            if any(_missing(value) for value in c.tolist())
        }
        self._for_missing = _number(view, "encoded_missing_value", float("nan"))
        self._for_unknown = _number(view, "unknown_value", float("nan"))
        self._offer(transform=self._transform)

    def _transform(self, X: Any) -> Matrix:
        codes, known = self._codes(self.table(X), self._missing)
        out = codes.astype(np.float64)
        for j, place in self._missing.items():
            out[codes[:, j] == place, j] = self._for_missing
        if self._unknown == "use_encoded_value":
            out[~known] = self._for_unknown
        return out


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _number(view: View, key: str, default: float) -> float:
    value = view.get(key)
    if value is None:
        return default
    if not isinstance(value, int | float):
        raise view.bad(key, "is no number")
    return float(value)


@family("TargetEncoder")
class TargetEncoder(_Encoder):
    """The mean of the target for each category."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._unknown = "ignore"
        several = view.text("target_type_") == "multiclass"
        self._times = len(view.labels("classes_")) if several else 1
        means = np.atleast_1d(view.floats("target_mean_"))
        codes = [view.floats_of(item, "encodings_", 1) for item in view.items("encodings_")]
        wanted = [len(c) for c in self.categories_ for _ in range(self._times)]
        if [len(c) for c in codes] != wanted or len(means) != self._times:
            raise view.bad("encodings_", "has not one entry for each category")
        self._means, self._encodings = means, codes
        self._offer(transform=self._transform)

    def _transform(self, X: Any) -> Matrix:
        table = self.table(X)
        codes, known = self._codes(table, {})
        out = np.empty((table.n, table.d * self._times))
        for i, values in enumerate(self._encodings):
            j, k = divmod(i, self._times)
            out[:, i] = np.where(known[:, j], values[codes[:, j]], self._means[k])
        return out
