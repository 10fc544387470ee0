"""Which rows of a file occur in the training table: exact, or through a scaler of the file.

A file's array and the table are compared column by column first: a column of the array is linked to a column of
the table if nearly all of its values occur there, as they are or scaled by parameters that stand in the file.
Rows are then joined on all linked columns at once. An array that no name gives away is reported if its rows join
far more often than the same values do when each column is shuffled, so that coincidences of few-valued columns
are no finding.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.artifacts._arrays import RawArray, as_array
from modelward.artifacts._artifact import TrainingRows
from modelward.artifacts._graph import numbers
from modelward.artifacts._inert import Inert
from modelward.artifacts._leaks_frames import frame_shape, pandas_blocks, polars_frame, r_numbers
from modelward.artifacts._leaks_tables import plain_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from modelward.artifacts._leaks_walk import Held

_TOLERANCE = 2e-6
"""Relative to a column's largest value: above float32's rounding, below the distance of honest neighbours."""
_PRESENT = 0.9
_PROBE = 256
_SCALERS = (("mean_", "scale_", 1), ("center_", "scale_", 1), ("min_", "scale_", -1), (None, "scale_", 1))
_MOST = 20_000_000


def matched(
    values: list[Held], claims: dict[int, tuple[TrainingRows, Any]], train: Any
) -> list[TrainingRows]:
    """Return the claims with their matches, and what matches without a claim, in the order of the file."""
    objects = [held.value for held in values if isinstance(held.value, Inert)]
    table = _Table(_matrix_of(train), objects, _names_of(train))
    found: list[TrainingRows] = []
    places = {held_id: i for i, held_id in enumerate(id(held.value) for held in values)}
    ranked: list[tuple[int, TrainingRows]] = []
    for identity, (claim, value) in claims.items():
        matrix = rows_of(value)
        join = table.join(matrix) if matrix is not None else None
        if join is None:
            ranked.append((places.get(identity, len(places)), claim))
            continue
        ranked.append((places.get(identity, len(places)), _with(claim, join, table.rows)))
    below = _inside_claims(claims)
    for held in values:
        if id(held.value) in claims or id(held.value) in below:
            continue
        matrix = rows_of(held.value)
        if matrix is None:
            continue
        join = table.join(matrix)
        if join is not None and _proves(table, matrix, join):
            claim = TrainingRows(
                held.path, matrix.shape[0], matrix.shape[1], "rows that occur in the training table"
            )
            ranked.append((places[id(held.value)], _with(claim, join, table.rows)))
    found.extend(claim for _, claim in sorted(ranked, key=lambda item: item[0]))
    return found


def _with(claim: TrainingRows, join: tuple[int, int], rows: int) -> TrainingRows:
    return replace(claim, matched=join[0], share=join[1] / max(rows, 1))


def _inside_claims(claims: dict[int, tuple[TrainingRows, Any]]) -> set[int]:
    """Return the ids of what claimed frames are made of."""
    from modelward.artifacts._leaks_walk import walk_values

    found: set[int] = set()
    for _, value in claims.values():
        if isinstance(value, Inert) and not isinstance(as_array(value), RawArray):
            found.update(id(held.value) for held in walk_values(value))
    return found


def _proves(table: _Table, matrix: NDArray[np.float64], join: tuple[int, int]) -> bool:
    """Say whether a join is more than coincidence: against the same columns, each shuffled by itself."""
    rows, distinct = join
    if distinct < 2 or rows < max(2, 0.25 * len(matrix)):
        return False
    rng = np.random.default_rng(0)
    shuffled = np.column_stack([rng.permutation(column) for column in matrix.T])
    by_chance = table.join(shuffled)
    return by_chance is None or by_chance[0] < 0.5 * rows


def rows_of(value: Any) -> NDArray[np.float64] | None:
    """Return the numbers of a graph's array or frame as a matrix, rows as rows; None if it has none."""
    array = value if isinstance(value, RawArray) else as_array(value)
    if isinstance(array, RawArray):
        if len(array.shape) < 2 or min(array.shape) < 1 or array.dtype.fields:
            return None
        return _as_matrix(_built(array))
    if isinstance(value, list | tuple):
        columns = plain_numbers(value)
        return _as_matrix(np.column_stack(columns)) if columns else None
    if not isinstance(value, Inert):
        return None
    if value.type_name.startswith("scipy.sparse."):
        return _sparse(value)
    if frame_shape(value) is None:
        return None
    if value.type_name.startswith("polars."):
        frame = polars_frame(value)
        return None if frame is None else _as_matrix(_matrix_of(frame))
    if type(value).module == "R":
        columns = r_numbers(value)
        if not columns or len({len(column) for column in columns}) != 1:
            return None
        return _as_matrix(np.column_stack(columns))
    if not value.type_name.startswith("pandas."):
        return None
    blocks = [numbers(block) for block in pandas_blocks(value)]
    kept = [np.atleast_2d(b) for b in blocks if b is not None and b.dtype.kind in "biuf"]
    if not kept or len({b.shape[1] for b in kept}) != 1:
        return None
    return _as_matrix(np.vstack(kept).T)


def _built(array: RawArray) -> Any:
    try:
        return array.to_numpy()
    except (ValueError, TypeError, MemoryError):
        return None


def _as_matrix(values: Any) -> NDArray[np.float64] | None:
    if values is None or values.dtype.kind not in "biuf" or not 0 < values.size <= _MOST:
        return None
    return np.asarray(values.reshape(len(values), -1), dtype=np.float64)


def _sparse(value: Inert) -> NDArray[np.float64] | None:
    """Return a compressed sparse matrix of the graph as a dense one, if that is small enough."""
    from modelward.artifacts._graph import shape_of

    shape = shape_of(value)
    parts = [numbers(value.attributes.get(key)) for key in ("data", "indices", "indptr")]
    if shape is None or len(shape) != 2 or any(part is None for part in parts):
        return None
    rows, columns = shape
    data, indices, indptr = parts
    if (
        rows < 1
        or columns < 1
        or rows * columns > _MOST
        or len(indices) != len(data)
        or data.dtype.kind not in "biuf"
    ):
        return None
    major = rows if value.type_name.rpartition(".")[2].startswith("csr") else columns
    counts = np.diff(indptr)
    if len(indptr) != major + 1 or (counts < 0).any() or counts.sum() != len(data):
        return None
    outer = np.repeat(np.arange(major), counts)
    by_row = major == rows and value.type_name.rpartition(".")[2].startswith("csr")
    i, j = (outer, indices) if by_row else (indices, outer)
    if len(data) and (i.max() >= rows or j.max() >= columns or i.min() < 0 or j.min() < 0):
        return None
    dense = np.zeros((rows, columns))
    np.add.at(dense, (i, j), data)
    return dense


def _matrix_of(train: Any) -> Any:
    """Return the numeric columns of a training table, those without a number left out."""
    if hasattr(train, "get_columns"):  # polars
        columns = [
            c.cast(float) for c in train.get_columns() if c.dtype.is_numeric() or str(c.dtype) == "Boolean"
        ]
        return np.column_stack([c.to_numpy() for c in columns]) if columns else np.empty((train.height, 0))
    if hasattr(train, "select_dtypes"):  # pandas
        return train.select_dtypes(["number", "bool"]).to_numpy(dtype=np.float64)
    values = np.asarray(train)
    if values.dtype == object or values.ndim < 1:
        values = np.asarray(train, dtype=np.float64)
    return values.reshape(len(values), -1).astype(np.float64)


def _names_of(train: Any) -> list[str]:
    """Return the names of the columns that `_matrix_of` takes, in its order; none for a bare array."""
    if hasattr(train, "get_columns"):
        return [c.name for c in train.get_columns() if c.dtype.is_numeric() or str(c.dtype) == "Boolean"]
    if hasattr(train, "select_dtypes"):
        return [str(name) for name in train.select_dtypes(["number", "bool"]).columns]
    return []


class _Table:
    """The training table, ready to be joined with."""

    def __init__(self, matrix: NDArray[np.float64], objects: list[Inert], names: list[str]) -> None:
        self.rows = len(matrix)
        self.columns = [_Column(column) for column in matrix.T]
        self.scales = list(_scales(objects))
        self.named = list(_named(objects, names))

    def join(self, matrix: NDArray[np.float64]) -> tuple[int, int] | None:
        """Return how many rows occur in the table, and how many of the table's rows occur; None if not comparable."""
        if not self.rows or not self.columns:
            return None
        links = self._links(matrix)
        if links is None:
            return None
        inside, outside = [], []
        for column, offset, factor, j in links:
            inside.append(column.own)
            outside.append(column.codes(matrix[:, j] * factor + offset))
        own = np.column_stack(inside)
        other = np.column_stack(outside)
        keep = (other >= 0).all(axis=1)
        mine, theirs = _keys(own), _keys(other[keep])
        return int(np.isin(theirs, mine).sum()), int(np.isin(mine, theirs).sum())

    def _links(self, matrix: NDArray[np.float64]) -> list[tuple[_Column, float, float, int]] | None:
        """Link the array's columns to the table's: in order if that fits, else one by one."""
        width = matrix.shape[1]
        probe = matrix[np.linspace(0, len(matrix) - 1, min(len(matrix), _PROBE)).astype(int)]
        for columns, least in self._orders(width):
            if (aligned := self._aligned(probe, columns, least)) is not None:
                return aligned
        linked = [link for j in range(min(width, 500)) if (link := self._link(probe[:, j], j)) is not None]
        # Two columns of few values join by chance; demand that what is linked tells rows apart.
        kinds = {id(link[0]) for link in linked}
        needed = min(2, len([c for c in self.columns if c.telling]), width)
        return linked if linked and len(kinds) >= max(needed, 1) else None

    def _orders(self, width: int) -> Iterator[tuple[list[_Column], float]]:
        """Yield columns of the table that an array's may be in order, and what share of values must occur in each.

        A table mostly has the label, or a number of the row, beside what the model was trained on.
        """
        for named in self.named:
            if len(named) == width:
                yield [self.columns[i] for i in named], 0.0
        if width == len(self.columns):
            yield self.columns, 0.0
        elif width < len(self.columns):
            yield self.columns[:width], _PRESENT
            yield self.columns[-width:], _PRESENT

    def _aligned(
        self, probe: NDArray[np.float64], columns: list[_Column], least: float
    ) -> list[tuple[_Column, float, float, int]] | None:
        """Link columns in their order, by the scaler under which most values occur in every column."""
        width = len(columns)
        best: tuple[float, NDArray[np.float64], NDArray[np.float64]] | None = None
        for factor, offset in [(np.ones(width), np.zeros(width)), *self.scales]:
            if len(factor) != width:
                continue
            share = min(c.share(probe[:, j] * factor[j] + offset[j]) for j, c in enumerate(columns))
            if share > 0 and share >= least and (best is None or share > best[0]):
                best = share, factor, offset
        if best is None:
            return None
        return [(c, float(best[2][j]), float(best[1][j]), j) for j, c in enumerate(columns)]

    def _link(self, values: NDArray[np.float64], j: int) -> tuple[_Column, float, float, int] | None:
        """Find the one column of the table that an array's column can be; few-valued columns are no evidence."""
        if len(np.unique(values)) < min(10, len(values)):
            return None
        scales = [(1.0, 0.0)] + [
            pair for f, o in self.scales for pair in zip(f.tolist(), o.tolist(), strict=True)
        ]
        best = None
        for column in self.columns:
            if not column.telling:
                continue
            for factor, offset in dict.fromkeys(scales[:200]):
                share = column.share(values * factor + offset)
                if share >= _PRESENT and (best is None or share > best[0]):
                    best = share, (column, offset, factor, j)
        return best[1] if best else None


class _Column:
    """A column of the table: its distinct values in order, and each row's place among them."""

    def __init__(self, values: NDArray[np.float64]) -> None:
        finite = np.isfinite(values)
        ordered = np.unique(values[finite])
        self.tolerance = _TOLERANCE * max(float(np.abs(ordered).max()) if len(ordered) else 0.0, 1e-300)
        # Values closer than the tolerance are one value; the first of each run stands for it.
        new = np.ones(len(ordered), dtype=bool)
        new[1:] = np.diff(ordered) > self.tolerance
        self.run = np.cumsum(new) - 1
        self.ordered = ordered
        self.telling = int(new.sum()) >= min(10, len(values))
        self.own = self.codes(values)

    def codes(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return each value's place; -1 for a value that does not occur. Missing values are one place of their own."""
        found = np.full(len(values), -1, dtype=np.int64)
        found[np.isnan(values)] = len(self.ordered)
        if not len(self.ordered):
            return found
        finite = np.isfinite(values)
        at = np.searchsorted(self.ordered, values[finite] - self.tolerance)
        near = np.minimum(at, len(self.ordered) - 1)
        hit = np.abs(self.ordered[near] - values[finite]) <= self.tolerance
        found[finite] = np.where(hit, self.run[near], -1)
        return found

    def share(self, values: NDArray[np.float64]) -> float:
        """Return the share of values that occur."""
        return float((self.codes(values) >= 0).mean()) if len(values) else 0.0


def _named(objects: list[Inert], names: list[str]) -> Iterator[list[int]]:
    """Yield where in the table the columns stand that an object of the file was fitted on, by their names."""
    places = {name: i for i, name in enumerate(names)}
    seen = set()
    for value in objects:
        found = as_array(value.attributes.get("feature_names_in_")) if places else None
        if isinstance(found, list) and all(isinstance(name, str) and name in places for name in found):
            order = tuple(places[name] for name in found)
            if order not in seen:
                seen.add(order)
                yield list(order)


def _scales(objects: list[Inert]) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Yield factor and offset that undo each scaler of the file: ``x = z · factor + offset``."""
    for value in objects:
        attributes = value.attributes
        if "scale_" not in attributes:
            continue
        for centre_name, scale_name, sign in _SCALERS:
            # A scaler that was told not to centre may keep the means all the same: both forms are tried.
            if centre_name is not None and centre_name not in attributes:
                continue
            pair = _scale(attributes.get(centre_name), attributes.get(scale_name), sign)
            if pair is not None:
                yield pair


def _scale(centre: Any, scale: Any, sign: int) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    spread, middle = numbers(scale), numbers(centre)
    if spread is None and middle is None:
        return None
    like = spread if spread is not None else middle
    if like.ndim != 1 or like.dtype.kind not in "iuf":
        return None
    spread = np.ones(len(like)) if spread is None else np.asarray(spread, dtype=np.float64)
    middle = np.zeros(len(like)) if middle is None else np.asarray(middle, dtype=np.float64)
    if spread.shape != middle.shape or not len(spread):
        return None
    with np.errstate(all="ignore"):
        # MinMaxScaler multiplies and adds; the others subtract and divide.
        factor, offset = (1.0 / spread, -middle / spread) if sign < 0 else (spread, middle)
    return (factor, offset) if np.isfinite(factor).all() and np.isfinite(offset).all() else None


def _keys(codes: NDArray[np.int64]) -> NDArray[np.void]:
    """Return each row of codes as one comparable thing."""
    packed = np.ascontiguousarray(codes)
    return packed.view(np.dtype((np.void, packed.dtype.itemsize * packed.shape[1]))).ravel()
