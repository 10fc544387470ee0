"""Which categories a fitted model has met, whether the tables at hand hold them or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from modelward.models._kinds import deciding_part, is_kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from modelward.schema import FeatureSchema

_ENCODERS = ("OneHotEncoder", "OrdinalEncoder", "TargetEncoder")
_MOST = 10_000


def taught_rows(model: Any, schema: FeatureSchema, frame: pl.DataFrame) -> pl.DataFrame | None:
    """Return rows that hold the categories which a model's encoders were fitted on and the table has not.

    A trigger may be a category that only the training rows had: without these rows nobody would try it.

    Parameters
    ----------
    model : object
        Any model; those without encoders that can be read give nothing.
    schema : FeatureSchema
        Of the model's columns.
    frame : polars.DataFrame
        The table, at least the schema's columns.

    Returns
    -------
    polars.DataFrame or None
        One row for each such category, like the table's first row elsewhere; None if there is none.
    """
    names = schema.names
    rows = []
    for name, values in _taught(deciding_part(model), names):
        column = next(c for c in schema if c.name == name)
        if not column.coded or len(values) > _MOST or not frame.height:
            continue
        dtype = frame.schema[name]
        try:
            told = pl.Series(name, values, dtype=dtype, strict=True)
        except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
            continue  # the model spells them otherwise than the table does
        fresh = told.filter(~told.is_in(frame[name].unique().implode()))
        base = frame.select(names).head(1)
        if len(fresh):
            at = base[[0] * len(fresh)].with_columns(fresh.alias(name))
            rows.append(at)
    return pl.concat(rows) if rows else None


def _taught(model: Any, names: Sequence[str]) -> Iterator[tuple[str, list[Any]]]:
    """Yield columns and the categories that an encoder at the front of the model knows of each."""
    inner = getattr(model, "_preprocessor", None)  # histogram boosting encodes by itself
    if inner is not None:
        model = inner
    steps = [step for _, step in model.steps] if hasattr(model, "steps") else [model]
    for step in steps:
        if is_kind(step, "ColumnTransformer"):
            for _, part, columns in getattr(step, "transformers_", ()):
                yield from _of_encoder(_first_encoder(part), _names(columns, names))
            return
        if is_kind(step, *_ENCODERS):
            yield from _of_encoder(step, list(names))
            return
        if not is_kind(step, "SimpleImputer"):
            return  # what comes after it may be other columns


def _first_encoder(part: Any) -> Any:
    for step in [s for _, s in part.steps] if hasattr(part, "steps") else [part]:
        if is_kind(step, *_ENCODERS):
            return step
        if not is_kind(step, "SimpleImputer"):
            break
    return None


def _of_encoder(encoder: Any, columns: list[str]) -> Iterator[tuple[str, list[Any]]]:
    known = getattr(encoder, "categories_", None)
    if known is None or len(known) != len(columns):
        return
    for name, values in zip(columns, known, strict=True):
        yield name, [v for v in np.asarray(values, dtype=object).tolist() if v is not None and v == v]


def _names(columns: Any, names: Sequence[str]) -> list[str]:
    """Return names for what a ColumnTransformer keeps of its columns: names, places, a mask or a slice."""
    if isinstance(columns, str):
        return [columns]
    if isinstance(columns, slice):
        return list(names[columns]) if not isinstance(columns.start, str) else []
    told = list(np.asarray(columns, dtype=object).tolist()) if not callable(columns) else []
    if told and all(isinstance(c, bool) for c in told):
        return [name for name, yes in zip(names, told, strict=False) if yes]
    if all(isinstance(c, int) for c in told):
        return [names[c] for c in told if -len(names) <= c < len(names)]
    return [c for c in told if isinstance(c, str) and c in names]
