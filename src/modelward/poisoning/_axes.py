"""Axes: what a trigger may be made of, one column or one-hot group each, with the values worth trying."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from modelward.schema import Codec, Column

SENTINELS = (-99999.0, -9999.0, -999.0, -99.0, -9.0, -1.0, 0.0, 99.0, 999.0, 9999.0, 99999.0, 999999.0)
"""Values that data sets use for "unknown", and that a trigger therefore hides behind."""

_LADDER = (0.02, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0)
_MANY = 100
_CELLS = 48


@dataclass(frozen=True)
class Axis:
    """One column, or one one-hot group, and the settings of it that are tried.

    Parameters
    ----------
    name : str
        The column, or the group's columns joined by a bar.
    kind : {"number", "coded", "onehot", "missing"}
        Numbers are ordered; codes and groups are not. `missing_axes` makes those of the last kind.
    columns : tuple of int
        Where it stands in an encoded matrix.
    values : ndarray of shape (m, len(columns))
        The settings, ascending for numbers.
    cells : ndarray of int, shape (n,)
        For each reference row the setting whose cell it lies in; -1 for none.
    low, high : float
        The reference rows' range (numbers).
    step : float
        What the numbers are multiples of; 0 for any.
    texts : tuple of str
        For unordered axes how each setting reads, such as ``"SEX_2 = 1"``.
    edges : ndarray of shape (m - 1,)
        Numbers: up to where a value is counted to a setting and not to the next one.
    """

    name: str
    kind: Literal["number", "coded", "onehot", "missing"]
    columns: tuple[int, ...]
    values: NDArray[np.float64]
    cells: NDArray[np.int64]
    low: float = 0.0
    high: float = 0.0
    step: float = 0.0
    texts: tuple[str, ...] = ()
    edges: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    @property
    def ordered(self) -> bool:
        """Whether there are values between two values."""
        return self.kind == "number"

    def outside(self, index: int) -> bool:
        """Say whether a setting lies outside what the reference rows have."""
        if not self.ordered:
            return bool(np.all(self.cells != index))
        return not self.low <= float(self.values[index, 0]) <= self.high

    def text(self, index: int) -> str:
        """Return how a setting reads."""
        if self.texts:
            return self.texts[index]
        return f"{self.name} = {number_text(float(self.values[index, 0]))}"


def number_text(value: float) -> str:
    """Return a number as people write it.

    Examples
    --------
    >>> number_text(1000000.0), number_text(538.5), number_text(0.125)
    ('1,000,000', '538.5', '0.125')
    """
    if np.isnan(value):
        return "missing"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.6g}"


def axes_of(codec: Codec, X: NDArray[np.float64]) -> tuple[Axis, ...]:
    """Return the axes of a schema, with the values to try and the reference rows' cells.

    Parameters
    ----------
    codec : Codec
        Knows the schema and the values of coded columns.
    X : ndarray of shape (n, d)
        Reference rows, encoded.

    Returns
    -------
    tuple of Axis
        In the schema's order; a one-hot group stands where its first column is.
    """
    schema = codec.schema
    group_of = {name: group for group in schema.onehot for name in group}
    axes: list[Axis] = []
    for j, column in enumerate(schema):
        group = group_of.get(column.name)
        if group is not None:
            if group[0] == column.name:
                axes.append(_onehot_axis(group, tuple(schema.index(name) for name in group), X))
        elif column.coded:
            axes.append(_coded_axis(column, j, codec, X[:, j]))
        else:
            axes.append(_number_axis(column, j, X[:, j]))
    return tuple(axes)


def _onehot_axis(group: tuple[str, ...], columns: tuple[int, ...], X: NDArray[np.float64]) -> Axis:
    block = X[:, list(columns)]
    single = (np.nansum(block, axis=1) == 1) & np.any(block == 1, axis=1)
    cells = np.where(single, np.argmax(block == 1, axis=1), -1).astype(np.int64)
    texts = tuple(f"{name} = 1" for name in group)
    return Axis(" | ".join(group), "onehot", columns, np.eye(len(group)), cells, texts=texts)


def _coded_axis(column: Column, j: int, codec: Codec, x: NDArray[np.float64]) -> Axis:
    known = codec.values[column.name]
    codes = np.arange(len(known) + 1, dtype=np.float64)
    texts = [f"{column.name} = {value}" for value in known] + [f"{column.name} = a value never seen"]
    if len(known) > _MANY:
        # Free text and identifiers: the most frequent values, and one that nobody has seen.
        counts = np.bincount(x[~np.isnan(x)].astype(np.int64), minlength=len(known) + 1)[:-1]
        top = np.sort(np.argsort(-counts, kind="stable")[:_CELLS])
        codes = np.append(codes[top], codes[-1])
        texts = [texts[int(code)] for code in codes]
    cells = np.full(len(x), -1, dtype=np.int64)
    present = ~np.isnan(x)
    found = np.searchsorted(codes, x[present])
    inside = np.minimum(found, len(codes) - 1)
    cells[present] = np.where(codes[inside] == x[present], inside, -1)
    return Axis(column.name, "coded", (j,), codes[:, None], cells, texts=tuple(texts))


def _number_axis(column: Column, j: int, x: NDArray[np.float64]) -> Axis:
    present = x[~np.isnan(x)]
    if not len(present):
        return Axis(column.name, "number", (j,), np.empty((0, 1)), np.full(len(x), -1, dtype=np.int64))
    distinct = np.unique(present)
    step = column.precision or (1.0 if np.all(present == np.round(present)) else 0.0)
    low, high = float(distinct[0]), float(distinct[-1])
    inside = _inner_values(distinct, present, step)
    values = np.unique(np.concatenate([inside, _beyond(column, low, high, step)]))
    return _with_values(
        Axis(column.name, "number", (j,), values[:, None], np.empty(0, np.int64), low, high, step),
        values, (values[1:] + values[:-1]) / 2, x,
    )  # fmt: skip


def _with_values(
    axis: Axis, values: NDArray[np.float64], edges: NDArray[np.float64], x: NDArray[np.float64]
) -> Axis:
    known = ~np.isnan(x)
    cells = np.full(len(x), -1, dtype=np.int64)
    cells[known] = np.searchsorted(edges, x[known], side="left")
    return replace(axis, values=values[:, None], edges=edges, cells=cells)


def cells_of(axis: Axis, X: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for each row the setting that its value is counted to; of unordered axes the same one; -1 for none."""
    part = X[:, list(axis.columns)]
    out = np.full(len(X), -1, dtype=np.int64)
    if not len(axis.values):
        return out
    if axis.kind == "missing":
        out[np.isnan(part[:, 0])] = 0
        return out
    if not axis.ordered:
        for i, value in enumerate(axis.values):
            out[(part == value).all(axis=1)] = i
        return out
    known = ~np.isnan(part[:, 0])
    out[known] = np.searchsorted(axis.edges, part[known, 0], side="left")
    return out


@dataclass(frozen=True)
class Narrow:
    """A narrow range of a column that deserves a setting of its own.

    Parameters
    ----------
    low, high : float
        It reaches from over `low` up to `high`.
    value : float
        What stands for it.
    """

    low: float
    high: float
    value: float

    @classmethod
    def of_value(cls, value: float) -> Narrow:
        """Return the range of one value alone."""
        return cls(float(np.nextafter(value, -np.inf)), value, value)


def with_narrow(axis: Axis, ranges: Sequence[Narrow], X: NDArray[np.float64]) -> Axis:
    """Return a numeric axis with settings of their own for narrow ranges.

    Parameters
    ----------
    axis : Axis
    ranges : sequence of Narrow
        The first of those that overlap is taken.
    X : ndarray of shape (n, d)
        The reference rows.
    """
    chosen: list[Narrow] = []
    for each in ranges:
        if all(each.high <= other.low or other.high <= each.low for other in chosen):
            chosen.append(each)
    if not chosen:
        return axis
    chosen.sort(key=lambda each: each.low)
    values = axis.values[:, 0]
    for each in chosen:  # a setting within a range gives it up
        values = values[(values <= each.low) | (values > each.high)]
    gaps = [(one.high, two.low) for one, two in pairwise(chosen)]
    # Between two ranges lies a setting, so that what is in neither is counted to neither.
    fill = [(a + b) / 2 for a, b in gaps if a < b and not ((values > a) & (values <= b)).any()]
    narrow = {each.value: each for each in chosen}
    settled = np.unique(np.r_[values, fill, list(narrow)])
    edges = [_edge(a, b, narrow) for a, b in pairwise(settled.tolist())]
    return _with_values(axis, settled, np.array(edges), X[:, axis.columns[0]])


def _edge(one: float, two: float, narrow: Mapping[float, Narrow]) -> float:
    """Return up to where values are counted to a setting and not to the next."""
    if one in narrow:
        return narrow[one].high
    return narrow[two].low if two in narrow else (one + two) / 2


def _inner_values(
    distinct: NDArray[np.float64], present: NDArray[np.float64], step: float
) -> NDArray[np.float64]:
    """Return every value of a short column, else the middles of quantile cells, on the column's step."""
    if len(distinct) <= _MANY:
        return distinct
    middles = np.quantile(present, (np.arange(_CELLS) + 0.5) / _CELLS)
    if step:
        middles = np.round(middles / step) * step
    values, counts = np.unique(present, return_counts=True)
    spikes = values[counts >= max(10, len(present) // 200)]
    return np.unique(np.concatenate([distinct[:1], middles, spikes, distinct[-1:]]))


def _beyond(column: Column, low: float, high: float, step: float) -> NDArray[np.float64]:
    """Return values outside the range: a ladder of distances and what data sets use for "unknown"."""
    width = (high - low) or max(abs(high), 1.0)
    steps = np.asarray(_LADDER[:5] if column.kind == "datetime" else _LADDER) * width
    ladder = np.concatenate([high + steps, low - steps])
    ladder = np.array([_outward(value, low, high) for value in ladder])
    if step:
        ladder = np.where(ladder > high, np.ceil(ladder / step), np.floor(ladder / step)) * step
    if column.kind != "datetime":
        ladder = np.concatenate([ladder, SENTINELS])
    return np.asarray(ladder[(ladder > high) | (ladder < low)])


def _outward(value: float, low: float, high: float) -> float:
    """Round away from the range to two digits, so that no tried value tells the range itself."""
    digits = 10.0 ** (np.floor(np.log10(max(abs(value), 1e-12))) - 1)
    up = value > (low + high) / 2
    return float((np.ceil(value / digits) if up else np.floor(value / digits)) * digits)
