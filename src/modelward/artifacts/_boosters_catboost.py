"""CatBoost's binary model (cbm) with symmetric trees over numbers, as neutral trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._boosters import BoosterTree, BoosterTrees
from modelward.artifacts._container import printable
from modelward.artifacts.readers._flatbuffers import Table
from modelward.artifacts.readers._notes import BrokenError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from modelward.artifacts.readers._notes import Notes

_MAGIC = b"CBM1"
_MAX_DEPTH = 16
"""The deepest symmetric tree that CatBoost makes."""
# What a model may hold besides symmetric trees over numbers: slot of the trees' table, and what it is.
_BEYOND = (
    (4, "categorical columns"), (6, "one-hot columns"), (7, "counters of categories"),
    (10, "trees that are not symmetric"),
    (12, "text columns"), (13, "estimated columns"), (18, "embedding columns"),
)  # fmt: skip


def catboost_trees(data: bytes, notes: Notes) -> BoosterTrees:
    """Return the trees of a model.

    Raises
    ------
    BrokenError
        If it is damaged, or holds more than symmetric trees over numeric columns.
    """
    size = int.from_bytes(data[4:8], "little")
    if data[:4] != _MAGIC or size > len(data) - 8:
        raise BrokenError("its CatBoost model ends early or is none")
    core = Table.root(data[8 : 8 + size])
    trees = core.table(1)
    if trees is None:
        raise BrokenError("its CatBoost model has no trees")
    for slot, what in _BEYOND:
        if trees.array(slot, "<u4").size:
            raise BrokenError(f"its CatBoost model has {what}, which are not read here")
    groups = trees.scalar(0, "<i", 1)
    if not 1 <= groups < 1 << 20:
        raise BrokenError("its CatBoost model has no dimension that can be")
    splits, names, width = _splits(trees)
    found = _trees(trees, splits, groups, notes)
    bias = trees.array(16, "<f8")
    start = tuple(bias.tolist()) if bias.size else (trees.scalar(15, "<d", 0.0),)
    return BoosterTrees(
        "catboost", "", "SymmetricTree", "", width, 0 if groups == 1 else groups, groups, start, names, found,
        strict=False, single=True, set_left=False,
    )  # fmt: skip


def _splits(trees: Table) -> tuple[list[tuple[int, float, int]], tuple[str, ...], int]:
    """Return column, border and treatment of missing values of every split; the columns' names and number."""
    splits: list[tuple[int, float, int]] = []
    names: dict[int, str] = {}
    for feature in trees.tables(5):
        column = feature.scalar(2, "<i", -1)
        if not 0 <= column < 1 << 24:
            raise BrokenError("a CatBoost column has no number that can be")
        names[column] = printable(feature.text(4), 80)
        treatment = feature.scalar(5, "<b", 0)
        splits += [(column, float(border), treatment) for border in feature.array(3, "<f4")]
    width = 1 + max(names, default=-1)
    return splits, tuple(names.get(i, "") for i in range(width)), width


def _trees(
    trees: Table, splits: list[tuple[int, float, int]], groups: int, notes: Notes
) -> tuple[BoosterTree, ...]:
    sizes, chosen = trees.array(2, "<i4").tolist(), trees.array(1, "<i4").tolist()
    values = trees.array(8, "<f8") * trees.scalar(14, "<d", 1.0)
    weights = trees.array(9, "<f8")
    found, at, split = [], 0, 0
    for size in sizes:
        if not 0 <= size <= _MAX_DEPTH:
            raise BrokenError(f"a CatBoost tree has a depth of {size:,}")
        own = chosen[split : split + size]
        leaves = 1 << size
        if (
            len(own) < size
            or any(not 0 <= index < len(splits) for index in own)
            or (at + leaves) * groups > len(values)
        ):
            raise BrokenError("a CatBoost tree has splits or leaves that are not there")
        notes.spend(leaves * (200 + 16 * groups))
        table = values[at * groups : (at + leaves) * groups].reshape(leaves, groups)
        cover = weights[at : at + leaves] if len(weights) * groups == len(values) else None
        found.append(_tree([splits[index] for index in own], table, cover))
        split, at = split + size, at + leaves
    if split != len(chosen) or at * groups != len(values):
        raise BrokenError("its CatBoost trees do not use all of its splits and leaves")
    return tuple(found)


def _tree(own: list[tuple[int, float, int]], table: NDArray[np.float64], cover: Any) -> BoosterTree:
    """Write a symmetric tree out: the last split is at the root, and a value above its border goes right."""
    import numpy as np

    depth = len(own)
    inner = (1 << depth) - 1
    n = inner + len(table)
    number = np.arange(n)
    is_inner = number < inner
    level = np.floor(np.log2(number + 1)).astype(np.int64)
    # Bit i of a leaf's index says how split i went; the root asks about the highest bit.
    order = own[::-1]
    column = np.array([split[0] for split in order] + [-1], dtype=np.int64)
    border = np.array([split[1] for split in order] + [np.nan])
    right = np.array([split[2] == 2 for split in order] + [True], dtype=np.bool_)
    counts = np.zeros(n)
    if cover is not None:
        counts[inner:] = cover
        for node in range(inner - 1, -1, -1):
            counts[node] = counts[2 * node + 1] + counts[2 * node + 2]
    return BoosterTree(
        np.where(is_inner, 2 * number + 1, -1),
        np.where(is_inner, 2 * number + 2, -1),
        column[level],
        border[level],
        is_inner & ~right[level],
        np.full(n, 2, dtype=np.int8),
        {},
        np.concatenate([np.zeros((inner, table.shape[1])), table]),
        0,
        1.0,
        np.zeros(n),
        counts,
    )
