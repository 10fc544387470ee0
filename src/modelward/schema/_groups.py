"""Find one-hot groups: 0/1 columns of one name of which each row has exactly one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.schema._schema import Column

SEPARATORS = "_=.:-/ ["


def onehot_groups(frame: pl.DataFrame, columns: Sequence[Column]) -> tuple[tuple[str, ...], ...]:
    """Return the groups of 0/1 columns that share the beginning of their name and sum to 1 in every row.

    Of nested beginnings the shortest wins, so that ``EDU_high_school`` and ``EDU_university`` are one group.
    """
    flags = {c.name: _flag(frame.get_column(c.name)) for c in columns if _may_be_flag(c)}
    found = {name: values for name, values in flags.items() if values is not None}
    beginnings: dict[str, list[str]] = {}
    for name in found:
        for i, letter in enumerate(name[:-1]):
            if letter in SEPARATORS and i:
                beginnings.setdefault(name[: i + 1], []).append(name)
    groups: list[tuple[str, ...]] = []
    taken: set[str] = set()
    for beginning in sorted(beginnings, key=len):
        members = [name for name in beginnings[beginning] if name not in taken]
        if len(members) >= 2 and np.all(sum(found[name].astype(np.int64) for name in members) == 1):
            groups.append(tuple(members))
            taken.update(members)
    return tuple(sorted(groups, key=lambda group: frame.columns.index(group[0])))


def _may_be_flag(column: Column) -> bool:
    if column.missing:
        return False
    return column.categories == (False, True) or (
        column.kind == "integer" and column.low == 0 and column.high == 1
    )


def _flag(series: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.bool_]] | None:
    values = series.cast(pl.Float64).to_numpy()
    return values == 1 if np.all((values == 0) | (values == 1)) else None
