"""Rows that nothing names: arrays beside a model that have its columns, and tables written as plain lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._graph import shape_of

if TYPE_CHECKING:
    from modelward.artifacts._leaks_walk import Held

_FEW = 10
_LARGEST = 1e300
_SCALAR = (int, float, str, bool, type(None))
_SETTINGS = ("params", "param_grid", "param_distributions")


def model_width(root: Any) -> int | None:
    """Return how many columns the model of a graph takes; None if there is none, or it does not say."""
    from modelward.artifacts._inspect import identity

    try:
        found = identity.find_model(root)
        return None if found is None else identity.feature_count(found[1])
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError):
        return None  # a hostile file's values where counts belong


def unnamed_rows(held: Held, width: int | None) -> tuple[int, int, str] | None:
    """Return rows, columns and what they are, if a value has the columns of the model; None if not.

    Parameters
    ----------
    held : Held
        Any value of the graph.
    width : int or None
        Columns of the model; rows may have one more, the target.
    """
    if width is None or width < 2:
        return None
    value = held.value
    if isinstance(value, list | tuple):
        found = None if held.name in _SETTINGS else _table(value)
        return (*found, "table of plain values") if found and found[1] in (width, width + 1) else None
    # Inside of an estimator an array of this shape may be coefficients or centres: there names decide.
    shape = shape_of(value) if held.holder is None or held.holder is value else None
    if shape is None or len(shape) != 2 or shape[0] < _FEW or shape[1] not in (width, width + 1):
        return None
    return shape[0], shape[1], "array beside the model, with its columns"


def plain_numbers(value: list[Any] | tuple[Any, ...]) -> list[list[float]]:
    """Return the columns of a plain table that hold nothing but numbers, None as NaN; none if it is no table."""
    if _table(value) is None:
        return []
    rows = [list(row.values()) if isinstance(row, dict) else row for row in value]
    return [
        [float("nan") if cell is None else float(cell) for cell in column]
        for column in zip(*rows, strict=True)
        if all(map(_is_number, column))
    ]


def _is_number(cell: Any) -> bool:
    return cell is None or (isinstance(cell, int | float) and not abs(cell) > _LARGEST)


def _table(value: list[Any] | tuple[Any, ...]) -> tuple[int, int] | None:
    """Return rows and columns of a list of equally long rows, or of dictionaries with the same keys."""
    if len(value) < _FEW:
        return None
    first = value[0]
    if isinstance(first, dict):
        keys = list(first)
        same = all(isinstance(row, dict) and list(row) == keys for row in value)
        rows: Any = (row.values() for row in value)
    elif isinstance(first, list | tuple):
        same = all(isinstance(row, list | tuple) and len(row) == len(first) for row in value)
        rows = value
    else:
        return None
    if not same or not all(isinstance(cell, _SCALAR) for row in rows for cell in row):
        return None
    return len(value), len(first)
