"""Two tables as ranked columns that both have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from modelward.errors import InputError
from modelward.poisoning._coded import Coded, code_tables, kind_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass
class Tables:
    new: pl.DataFrame
    old: pl.DataFrame | None
    names: list[str]
    target: str | None
    coded: Coded
    y: NDArray[np.int64] | None
    labels: list[str]
    free: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def fresh(self) -> Coded:
        """Return the new rows alone."""
        return self.coded if self.old is None else self.coded.take(np.arange(self.new.height))


def align(new: pl.DataFrame, old: pl.DataFrame | None, target: str | None, key: str | None) -> Tables:
    """Bring both tables into ranked columns that both have; what cannot be compared is noted."""
    if old is not None:
        shared = [c for c in new.columns if c in old.columns]
        new, old = _typed(new, old, shared), _typed(old, new, shared)
    frames = [(new, "data")] + ([(old, "reference")] if old is not None else [])
    for frame, what in frames:
        if not frame.height:
            raise InputError(f"the {what} has no rows")
        if target is not None and target not in frame.columns:
            raise InputError(f"the {what} has no target column {target!r}: name one that every file has")
    earlier = None if old is None else set(old.columns)
    both = [c for c in new.columns if c not in (target, key) and (earlier is None or c in earlier)]
    notes = []
    if old is not None:
        lone = sorted({*new.columns} ^ {*old.columns})
        if lone:
            notes.append(f"{len(lone)} columns are in one file only and were left out: {', '.join(lone[:5])}")
        moved = [c for c in both if kind_of(new[c]) != kind_of(old[c])]
        if moved:
            notes.append(f"{len(moved)} columns changed their type and were left out: {', '.join(moved[:5])}")
        both = [c for c in both if c not in set(moved)]
    if not both:
        raise InputError("the data and the reference have no column in common besides target and key")
    coded, free = code_tables([frame for frame, _ in frames], both)
    if free:
        notes.append(
            f"{len(free)} columns are free text, in which no rule was searched: {', '.join(free[:5])}"
        )
    y, labels = None, []
    if target is not None:
        words = pl.concat([_label_words(frame[target]) for frame, _ in frames])
        labels = words.unique().sort().to_list()
        y = (words.rank("dense").cast(pl.Int64) - 1).to_numpy()
    return Tables(new, old, both, target, coded, y, labels, free, notes)


def _typed(frame: pl.DataFrame, other: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Return a table whose columns without any value have the other's types: what is missing has none of its own."""
    empty = [c for c in names if frame[c].null_count() == frame.height and frame[c].dtype != other[c].dtype]
    return frame.with_columns(frame[c].cast(other[c].dtype) for c in empty) if empty else frame


def _label_words(values: pl.Series) -> pl.Series:
    plain = values.cast(pl.Int64) if values.dtype == pl.Boolean else values
    if plain.dtype.is_float() and bool((plain.drop_nulls() == plain.drop_nulls().round()).all()):
        plain = plain.cast(pl.Int64)
    return plain.cast(pl.String).fill_null("missing").rename("label")
