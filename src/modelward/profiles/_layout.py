"""Layout: what a profile counts, fixed once on reference rows, so that profiles can be added and compared."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from modelward.errors import InputError, SchemaError
from modelward.findings import MIN_ROWS
from modelward.profiles._text_layout import TextLayout, is_prose
from modelward.schema import Codec, from_toml, infer, to_toml
from modelward.schema._rules import TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from modelward.schema import Column, FeatureSchema

BINS = 32
FEW_VALUES = 20
"""A number with at most so many different values is counted value by value, not by bins."""
MOST_VALUES = 256
"""Values of one coded column that are counted one by one."""


@dataclass(frozen=True, eq=False)
class Layout:
    """What is counted, column by column.

    Parameters
    ----------
    schema : FeatureSchema
        What is legal.
    values : mapping of str to tuple
        Of each coded column the values that are counted by name: the schema's categories, then those that at
        least ten reference rows have.
    points : tuple of ndarray of float64, length d
        Of each column the edges of its bins, or the values that are counted one by one, ascending.
    by_value : tuple of bool, length d
        Which of the two it is.
    centre : tuple of float, length d
        Subtracted before moments are summed.
    texts : mapping of str to TextLayout
        Of each column of free text what is counted in its texts.

    Examples
    --------
    >>> frame = pl.DataFrame({"age": [20 + i % 50 for i in range(1000)]})
    >>> layout = Layout.fit(frame)
    >>> layout.names, layout.by_value
    (('age',), (False,))
    """

    schema: FeatureSchema
    values: Mapping[str, tuple[Any, ...]]
    points: tuple[NDArray[np.float64], ...]
    by_value: tuple[bool, ...]
    centre: tuple[float, ...]
    texts: Mapping[str, TextLayout] = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        frame: pl.DataFrame,
        schema: FeatureSchema | None = None,
        *,
        bins: int = BINS,
        texts: Sequence[str] | None = None,
    ) -> Layout:
        """Learn bins and values from reference rows.

        Parameters
        ----------
        frame : polars.DataFrame, n rows
            Rows that are believed to be honest.
        schema : FeatureSchema, optional
            Inferred from the rows if it is not given.
        bins : int
            Bins of a number, of about equal share in the reference.
        texts : sequence of str, optional
            Columns of text whose words are counted; by default those that the schema calls text and half of whose
            rows have three words or more.

        Raises
        ------
        SchemaError
            If the table does not fit the schema.
        InputError
            If there are no rows, or no bins.
        """
        if not frame.height:
            raise InputError("a profile's layout needs reference rows: there are none")
        if not 2 <= bins <= 200:
            raise InputError(f"a profile has 2 to 200 bins a column, not {bins}")
        schema = infer(frame) if schema is None else schema
        codec = Codec.fit(schema, frame)
        values = {c.name: _counted(frame, c, codec) for c in schema if c.coded}
        X = Codec(schema, values, codec.dtypes).encode(frame)
        parts = [_column(X[:, j], c, len(values.get(c.name, ())), bins) for j, c in enumerate(schema)]
        columns = tuple(zip(*parts, strict=True))
        return cls(schema, values, columns[0], columns[1], columns[2]).with_texts(frame, texts)

    def with_texts(self, frame: pl.DataFrame, texts: Sequence[str] | None = None) -> Layout:
        """Return the same layout with the words of reference rows; `fit` says of which columns."""
        if texts is None:
            texts = [c.name for c in self.schema if c.kind == "text" and is_prose(_strings(frame, c.name))]
        return replace(self, texts={name: TextLayout.fit(_strings(frame, name)) for name in texts})

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return self.schema.names

    @cached_property
    def codec(self) -> Codec:
        """Encodes tables so that the counted values have the codes of `values`."""
        return Codec(self.schema, self.values, {c.name: _dtype(c, self.values) for c in self.schema})

    @cached_property
    def digest(self) -> str:
        """Identifies the layout: profiles of the same digest can be merged."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:16]

    @cached_property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """What the compiled pass needs: points, sizes, by_value, centre, low, high, step, may_miss."""
        rules = self.schema.rules
        width = max((len(p) for p in self.points), default=0)
        points = np.full((len(self.points), max(width, 1)), np.inf)
        for j, held in enumerate(self.points):
            points[j, : len(held)] = held
        slack = [TOLERANCE * np.maximum(rules.step, np.abs(e)) for e in (rules.low, rules.high)]
        slack = [np.where((rules.step > 0) & np.isfinite(s), s, 0.0) for s in slack]
        return (
            points,
            np.array([len(p) for p in self.points], dtype=np.int64),
            np.array(self.by_value, dtype=np.bool_),
            np.array(self.centre, dtype=np.float64),
            rules.low - slack[0],
            rules.high + slack[1],
            rules.step,
            rules.missing,
        )

    def encode(self, frame: pl.DataFrame) -> tuple[NDArray[np.float64], dict[str, str]]:
        """Return the matrix of a table of any kind, and what is wrong with it.

        A column that is not there, or of a type that the schema cannot take, is missing in every row.

        Returns
        -------
        X : ndarray of float64, shape (n, d)
        problems : dict of column name to one of "vanished", "type changed", "appeared"
            "appeared" for columns that the schema does not know (at most 100 of them).
        """
        out = np.full((frame.height, len(self.schema)), np.nan)
        problems = {}
        for j, column in enumerate(self.schema):
            if column.name not in frame.columns:
                problems[column.name] = "vanished"
                continue
            one = Codec(self.schema.select([column.name]), self.codec.values, self.codec.dtypes)
            try:
                out[:, j] = one.encode(frame.select(column.name))[:, 0]
            except (SchemaError, pl.exceptions.PolarsError, TypeError, ValueError):
                problems[column.name] = "type changed"
        known = set(self.names)
        more = [name for name in frame.columns if name not in known][:100]
        return out, problems | dict.fromkeys(more, "appeared")

    def texts_of(self, frame: pl.DataFrame) -> dict[str, list[Any]]:
        """Return the texts of a table by column, for `Profile.update`; a column that is not there is missing."""
        absent = [None] * frame.height
        return {k: _strings(frame, k) if k in frame.columns else absent for k in self.texts}

    def slot_names(self, j: int) -> tuple[str, ...]:
        """Return the names of column j's slots: bins or values, then "below" and "above", or "other"."""
        points, column = self.points[j], self.schema.columns[j]
        if self.by_value[j]:
            named = self.values.get(column.name)
            shown = [str(v) for v in named] if named is not None else [f"{v:.6g}" for v in points]
            return (*shown, "other")
        edges = [_edge(column, e) for e in points]
        inner = tuple(f"{a} to {b}" for a, b in pairwise(edges))
        return (
            *inner,
            "",
            f"below {edges[0]}" if edges else "below",
            f"above {edges[-1]}" if edges else "above",
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the layout for JSON."""
        out: dict[str, Any] = {
            "schema": to_toml(self.schema),
            "values": {name: list(values) for name, values in self.values.items()},
            "points": [p.tolist() for p in self.points],
            "by_value": list(self.by_value),
            "centre": list(self.centre),
        }
        return out | ({"texts": {k: t.to_dict() for k, t in self.texts.items()}} if self.texts else {})

    @classmethod
    def from_dict(cls, raw: Any) -> Layout:
        """Return the layout that `to_dict` wrote.

        Raises
        ------
        InputError
            If it is none.
        """
        try:
            schema = from_toml(raw["schema"])
            coded = {c.name for c in schema if c.coded}
            values = {str(k): tuple(v) for k, v in raw["values"].items()}
            points = tuple(np.array(p, dtype=np.float64).reshape(-1) for p in raw["points"])
            by_value = tuple(bool(b) for b in raw["by_value"])
            centre = tuple(float(c) for c in raw["centre"])
            texts = {str(k): TextLayout.from_dict(t) for k, t in raw.get("texts", {}).items()}
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InputError("it holds no layout of a profile") from None
        ordered = all(np.isfinite(p).all() and (np.diff(p) > 0).all() for p in points)
        enough = all(b or len(p) >= 2 for p, b in zip(points, by_value, strict=False))
        if {len(points), len(by_value), len(centre)} != {len(schema)} or set(values) != coded or not ordered:
            raise InputError("its layout does not fit its schema")
        if not set(texts) <= set(schema.names):
            raise InputError("its layout does not fit its schema")
        if not enough or max((len(p) for p in points), default=0) > 10_000 or not np.isfinite(centre).all():
            raise InputError("its layout does not fit its schema")
        return cls(schema, values, points, by_value, centre, texts)


def _strings(frame: pl.DataFrame, name: str) -> list[Any]:
    if name not in frame.columns:
        raise SchemaError(f"the table lacks column {name!r}")
    held = frame.get_column(name)
    return (held.cast(pl.String) if isinstance(held.dtype, pl.Categorical | pl.Enum) else held).to_list()


def _counted(frame: pl.DataFrame, column: Column, codec: Codec) -> tuple[Any, ...]:
    """Return the values of a coded column that are counted by name."""
    known = codec.values[column.name]
    dtype = codec.dtypes[column.name]
    held = frame.get_column(column.name).cast(dtype, strict=False).drop_nulls()
    counts = dict(held.value_counts().iter_rows())
    more = [v for v in known if v not in set(column.categories) and counts.get(v, 0) >= MIN_ROWS]
    more.sort(key=lambda v: (-counts[v], str(v)))
    return (*column.categories, *more[: max(0, MOST_VALUES - len(column.categories))])


def _column(
    x: NDArray[np.float64], column: Column, codes: int, bins: int
) -> tuple[NDArray[np.float64], bool, float]:
    """Return a column's points, whether they are values, and its centre."""
    if column.coded:
        return np.arange(float(codes)), True, 0.0
    x = x[np.isfinite(x)]
    if not len(x):
        return np.array([0.0, 1.0]), False, 0.0
    values, counts = np.unique(x, return_counts=True)
    if len(values) <= FEW_VALUES and counts.min() >= MIN_ROWS:
        return values, True, _rounded(float(np.median(x)), x)
    return _edges(x, bins), False, _rounded(float(np.median(x)), x)


def _step(x: NDArray[np.float64]) -> float:
    spread = float(np.subtract(*np.quantile(x / 2, [0.95, 0.05]))) * 2 or float(np.ptp(x / 2)) * 2
    if not np.isfinite(spread):
        spread = 1e307
    return float(10.0 ** np.floor(np.log10(max(spread, 1e-300) / 100))) if spread else 1.0


def _rounded(value: float, x: NDArray[np.float64]) -> float:
    step = _step(x)
    rounded = float(np.round(value / step) * step)
    return rounded if np.isfinite(rounded) else value


def _edges(x: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Return edges of bins of about equal share, rounded so that no single row's value can be read off.

    The outer ones are the reference's range, rounded outwards.
    """
    step = _step(x)
    raw = np.quantile(x, np.linspace(0, 1, bins + 1))
    with np.errstate(over="ignore"):
        edges = np.round(raw / step) * step
        edges[0], edges[-1] = np.floor(raw[0] / step) * step, np.ceil(raw[-1] / step) * step
    # Fewer digits in the text, and the same number on every machine.
    edges = np.unique([float(f"{e:.12g}") for e in edges if np.isfinite(e)])
    if not len(edges):
        edges = np.array([float(raw[0])])
    while edges[0] > raw[0]:
        edges = np.insert(edges, 0, edges[0] - step)
    if len(edges) < 2 or edges[-1] < raw[-1]:
        edges = np.append(edges, max(edges[-1] + step, np.nextafter(edges[-1], np.inf), raw[-1]))
    return edges


def _dtype(column: Column, values: Mapping[str, tuple[Any, ...]]) -> pl.DataType:
    if column.coded:
        kinds = {type(v) for v in (*column.categories, *values[column.name])}
        if kinds == {bool}:
            return pl.Boolean()
        if kinds and kinds <= {int, float}:
            return pl.Float64() if float in kinds else pl.Int64()
        return pl.String()
    return pl.Datetime("us") if column.kind == "datetime" else pl.Float64()


def _edge(column: Column, value: float) -> str:
    if column.kind == "datetime":
        return str(np.datetime64(int(value), "s"))
    return f"{value:,.6g}" if abs(value) >= 1e6 else f"{value:.6g}"
