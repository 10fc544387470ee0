"""CatBoost's symmetric trees: every level asks one question, so a leaf's number is made of the answers' bits.

Borders stand with the columns, and a split is the number of a border among all of them
(catboost/libs/model/flatbuffers/model.fbs and features.fbs). Trees of other shapes, and splits on categories, texts
or embeddings, are not read and said to be so.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelward.artifacts._catboost import core_of_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from modelward.artifacts._flatbuffers import Table

_DEEPEST = 16
_MOST_LEAVES = 1 << 22
_MOST_COLUMNS = 1_000_000
_OTHER = ((6, "categories"), (7, "categories"), (13, "texts or embeddings"))


class CatBoostError(Exception):
    """Trees that are damaged, or of a form that is not read; the message says which."""


@dataclass(frozen=True, eq=False)
class SymmetricTree:
    """One tree of d levels.

    Attributes
    ----------
    columns : array of int64, shape (d,)
        What each level asks about, in the table's columns.
    borders : array of float64, shape (d,)
        A row's bit of a level is 1 if its value, in single precision, is above the border.
    values, weights : arrays of float64, shapes (2**d, k) and (2**d,)
        By leaf, whose number has the first level's answer in its lowest bit.
    """

    columns: NDArray[np.int64]
    borders: NDArray[np.float64]
    values: NDArray[np.float64]
    weights: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CatBoostTrees:
    """All trees of a model, and what a row's scores begin with.

    Attributes
    ----------
    n_features : int
    missing_high : frozenset of int
        Columns in which a missing value is above every border; in others it is below.
    trees : tuple of SymmetricTree
        Their values are scaled already.
    bias : array of float64, shape (k,)
    loss : str
        Such as ``"Logloss"``; empty if the model does not say.
    own_threshold : bool
        Whether a label other than the more probable one may be answered.
    """

    n_features: int
    missing_high: frozenset[int]
    trees: tuple[SymmetricTree, ...] = field(repr=False)
    bias: NDArray[np.float64]
    loss: str
    own_threshold: bool


def catboost_trees(data: bytes) -> CatBoostTrees:
    """Return the trees of a model in CatBoost's own format.

    Raises
    ------
    CatBoostError
        If they are damaged, or of a form that is not read.
    """
    try:
        core = core_of_bytes(data)
        return _read(core, core.table(1))
    except (struct.error, ValueError, OverflowError, RecursionError) as error:
        raise CatBoostError(f"its model is damaged: {error}") from None


def _read(core: Table, table: Table) -> CatBoostTrees:
    import numpy as np

    if table.vector(10)[1]:
        raise CatBoostError("its trees are not symmetric; such trees are not read")
    for number, what in _OTHER:
        if table.vector(number)[1]:
            raise CatBoostError(f"its trees split on {what}; such splits are not read")
    columns, borders, high, count = _borders(table)
    k = table.integer(0, 1)
    sizes, splits = table.array(2, "<i4").astype(np.int64), table.array(1, "<i4").astype(np.int64)
    if not 0 < k <= 100_000 or ((sizes < 0) | (sizes > _DEEPEST)).any() or sizes.sum() != len(splits):
        raise ValueError("its trees and its splits do not fit")
    if len(splits) and not 0 <= splits.min() <= splits.max() < len(borders):
        raise ValueError("a split names a border that it does not have")
    leaves = int((1 << sizes).sum())
    values, weights = table.array(8, "<f8"), table.array(9, "<f8")
    if leaves > _MOST_LEAVES or len(values) != leaves * k or len(weights) not in (0, leaves):
        raise ValueError("its trees and its leaves do not fit")
    if not np.isfinite(values).all() or not np.isfinite(borders).all():
        raise ValueError("it holds values that are not finite")
    weights = weights if len(weights) else np.zeros(leaves)
    values = values.reshape(leaves, k) * table.number(14, 1.0)
    trees, at, leaf = [], 0, 0
    for size in sizes.tolist():
        own, ends = splits[at : at + size], leaf + (1 << size)
        trees.append(SymmetricTree(columns[own], borders[own], values[leaf:ends], weights[leaf:ends]))
        at, leaf = at + size, ends
    bias = table.array(16, "<f8") if table.vector(16)[1] else np.full(k, table.number(15, 0.0))
    if len(bias) != k or not np.isfinite(bias).all() or not math.isfinite(table.number(14, 1.0)):
        raise ValueError("its bias does not fit")
    loss, threshold = _loss(core)
    return CatBoostTrees(count, high, tuple(trees), bias, loss, threshold)


def _borders(table: Table) -> tuple[NDArray[np.int64], NDArray[np.float64], frozenset[int], int]:
    """Return column and value of every border, the columns whose missing values are high, and the number of columns."""
    import numpy as np

    columns, borders, places, high = [np.empty(0, np.int64)], [np.empty(0)], [-1], set()
    for part in table.tables(5):
        place, own = part.integer(2, -1), part.array(3, "<f4")
        if not 0 <= place < _MOST_COLUMNS:
            raise ValueError("a column has no place")
        columns.append(np.full(len(own), place, dtype=np.int64))
        borders.append(own.astype(np.float64))
        places.append(place)
        if part.byte(5) == 2:
            high.add(place)
    places += [min(part.integer(1, -1), _MOST_COLUMNS) for part in table.tables(4)]
    return np.concatenate(columns), np.concatenate(borders), frozenset(high), max(places) + 1


def _loss(core: Table) -> tuple[str, bool]:
    info = {part.text(0): part.text(1) for part in core.tables(2)}
    kept: Any = json.loads(info.get("params") or "{}")
    function = kept.get("loss_function", {}) if isinstance(kept, dict) else {}
    kind = function.get("type", "") if isinstance(function, dict) else ""
    return str(kind), any(key.startswith("binclass") for key in info)
