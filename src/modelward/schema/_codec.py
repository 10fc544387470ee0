"""Codec: a table as a float matrix that engines can search in, and back.

An encoded matrix is float64 of shape (n, d), columns in the schema's order, NaN where a value is missing.
Numbers stand for themselves, datetimes are seconds since 1970 UTC, ordinal, categorical and text columns are
codes: the index into the column's categories, then into values that the data has beyond them, and one last
code that decodes to a value nobody has seen. A column decodes to the data type that it was fitted with, but
where the schema's categories are of another type (numbers in the table, text in the schema) the schema wins.
Integers over 2**53, fractions of a microsecond, and after the year 2106 microseconds are rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from modelward.errors import SchemaError
from modelward.schema._dtypes import common_dtype, conform, from_numbers, numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from modelward.schema._schema import Column, FeatureSchema

UNSEEN_TEXT = "modelward-unseen"

__all__ = ["UNSEEN_TEXT", "Codec", "numbers", "unseen_value"]


@dataclass(frozen=True)
class Codec:
    """Encode and decode tables of one schema.

    Parameters
    ----------
    schema : FeatureSchema
        The columns.
    values : mapping of str to tuple
        For each coded column its values: the schema's categories first, then what the data has beyond.
    dtypes : mapping of str to polars data type
        What each column decodes to.
    """

    schema: FeatureSchema
    values: Mapping[str, tuple[Any, ...]]
    dtypes: Mapping[str, pl.DataType]

    @classmethod
    def fit(cls, schema: FeatureSchema, *frames: pl.DataFrame) -> Codec:
        """Learn the values and data types of the frames that will be encoded.

        Raises
        ------
        SchemaError
            If a frame lacks a column of the schema, or holds in it what the schema does not allow for, such
            as text where numbers should be.
        """
        values: dict[str, tuple[Any, ...]] = {}
        dtypes: dict[str, pl.DataType] = {}
        for column in schema:
            parts = [_take(frame, column) for frame in frames]
            dtype = common_dtype(column, [part.dtype for part in parts])
            dtypes[column.name] = dtype
            parts = [conform(part, column, dtype) for part in parts]
            if column.coded:
                known: dict[Any, None] = dict.fromkeys(column.categories)
                for part in parts:
                    known.update(dict.fromkeys(part.drop_nulls().unique().sort().to_list()))
                values[column.name] = tuple(known)
        return cls(schema, values, dtypes)

    def encode(self, frame: pl.DataFrame) -> NDArray[np.float64]:
        """Return the float matrix of a table, shape (n, d).

        Raises
        ------
        SchemaError
            As `fit`.
        """
        out = np.empty((frame.height, len(self.schema)), dtype=np.float64, order="C")
        for j, column in enumerate(self.schema):
            out[:, j] = self._encode_column(_take(frame, column), column)
        return out

    def _encode_column(self, series: pl.Series, column: Column) -> NDArray[np.float64]:
        series = conform(series, column, self.dtypes[column.name])
        if not column.coded:
            return numbers(series)
        keys = self._lookup[column.name][0]
        codes = pl.Series(np.arange(len(keys), dtype=np.float64))
        found = series.replace_strict(keys, codes, default=float(len(keys)), return_dtype=pl.Float64)
        out: NDArray[np.float64] = found.to_numpy().copy()
        out[series.is_null().to_numpy()] = np.nan
        return out

    def decode(self, matrix: NDArray[np.float64]) -> pl.DataFrame:
        """Return the table of a float matrix, in the data types of the frames that were fitted.

        Integers that a matrix holds fractions of, or that do not fit the type, become floats.
        """
        columns = [self._decode_column(matrix[:, j], column) for j, column in enumerate(self.schema)]
        return pl.DataFrame(columns)

    def _decode_column(self, values: NDArray[np.float64], column: Column) -> pl.Series:
        if not column.coded:
            return from_numbers(column.name, values, self.dtypes[column.name])
        keys, cells = self._lookup[column.name]
        # One place past the known values is the unseen one, the next after that is "missing".
        codes = np.where(np.isnan(values) | (values < 0), len(keys) + 1.0, np.minimum(values, len(keys)))
        return cells.gather(codes.astype(np.uint32)).alias(column.name)

    @cached_property
    def _lookup(self) -> dict[str, tuple[pl.Series, pl.Series]]:
        """For each coded column the known values, and what each code decodes to."""
        out = {}
        for name, known in self.values.items():
            dtype = self.dtypes[name]
            unseen = unseen_value(known)
            keys = pl.Series(name, list(known), dtype=dtype, strict=False)
            cells = pl.Series(name, [*known, unseen, None], dtype=dtype, strict=False)
            out[name] = (keys, cells)
        return out


def _take(frame: pl.DataFrame, column: Column) -> pl.Series:
    if column.name not in frame.columns:
        raise SchemaError(f"the table lacks column {column.name!r}")
    return frame.get_column(column.name)


def unseen_value(known: tuple[Any, ...]) -> Any:
    """Return a value of the column's own type that is not among those known (None for booleans)."""
    first = known[0] if known else ""
    if isinstance(first, bool):
        return None
    if isinstance(first, int | float):
        return max(known) + 1
    unseen = UNSEEN_TEXT
    while unseen in known:
        unseen += "-"
    return unseen
