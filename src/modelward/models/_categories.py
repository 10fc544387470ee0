"""Columns that a booster takes as a categorical type, with the categories in the order it learned them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from modelward.models._estimator import step_module
from modelward.models._kinds import is_rebuilt
from modelward.models.rebuilt import CodedColumns

if TYPE_CHECKING:
    from modelward.schema import Codec


def categories_of(model: Any, codec: Codec) -> dict[str, list[Any]]:
    """Return the categories of columns that a model takes as categorical dtype of pandas.

    Only for models that take the columns of the codec themselves: what a pipeline does inside is its own.

    Parameters
    ----------
    model : object
        A classifier or booster of lightgbm or xgboost, or histogram boosting that reads the types of its
        columns; others have none.
    codec : Codec
        Of the columns that it takes.

    Returns
    -------
    dict of str to list
        By the name of the column.
    """
    if hasattr(model, "steps") or hasattr(model, "best_estimator_"):
        return {}
    coded = getattr(model, "categories_", None) if is_rebuilt(model) else None
    if isinstance(coded, CodedColumns):
        return _rebuilt(coded, codec)
    library = step_module(model)
    if library == "lightgbm":
        return _lightgbm(getattr(model, "booster_", model), codec)
    if library == "xgboost":
        return _xgboost(model, codec)
    return _histogram(model, codec)


def _histogram(model: Any, codec: Codec) -> dict[str, list[Any]]:
    """Give scikit-learn's histogram boosting categories again: without them it cannot be trained."""
    categorical = getattr(model, "is_categorical_", None)
    if getattr(model, "categorical_features", None) != "from_dtype" or categorical is None:
        return {}
    if len(categorical) != len(codec.schema) or "pandas" not in sys.modules:
        return {}
    columns = zip(codec.schema, categorical, strict=True)
    return {c.name: sorted(codec.values[c.name]) for c, yes in columns if yes and c.coded}


def _rebuilt(coded: CodedColumns, codec: Codec) -> dict[str, list[Any]]:
    if coded.ordered:
        return _in_order(coded.ordered, codec)
    if len(coded.types) != len(codec.schema) or "pandas" not in sys.modules:
        return {}
    return {
        column.name: coded.by_column.get(j) or sorted(codec.values[column.name])
        for j, (column, kind) in enumerate(zip(codec.schema, coded.types, strict=True))
        if kind == "c" and column.coded
    }


def _lightgbm(booster: Any, codec: Codec) -> dict[str, list[Any]]:
    return _in_order([list(c) for c in getattr(booster, "pandas_categorical", None) or ()], codec)


def _in_order(lists: list[list[Any]], codec: Codec) -> dict[str, list[Any]]:
    """Match lists of categories, which are in column order, with the columns that hold such values."""
    found: dict[str, list[Any]] = {}
    columns = iter(codec.schema)
    for categories in lists:
        for column in columns:
            values = codec.values.get(column.name, ())
            if column.coded and set(values) & set(categories):
                found[column.name] = categories
                break
    return found if len(found) == len(lists) else {}


def _xgboost(model: Any, codec: Codec) -> dict[str, list[Any]]:
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    types = getattr(booster, "feature_types", None) or ()
    if len(types) != len(codec.schema) or "pandas" not in sys.modules:
        return {}
    stored = _stored_categories(booster)
    found: dict[str, list[Any]] = {}
    for column, kind in zip(codec.schema, types, strict=True):
        if kind == "c" and column.coded:
            # Older releases keep codes only; pandas sorts the values when it makes a category of them.
            found[column.name] = stored.get(column.name) or sorted(codec.values[column.name])
    return found


def _stored_categories(booster: Any) -> dict[str, list[Any]]:
    """Return what the booster itself remembers (xgboost 3.1 and later, through Arrow), if anything."""
    try:
        arrays = booster.get_categories(export_to_arrow=True).to_arrow()
        return {name: values.to_pylist() for name, values in arrays if values is not None}
    except Exception:  # noqa: BLE001 - older releases, or pyarrow is not installed
        return {}
