"""Recipes in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.evasion._space import Space

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.evasion._recipe_moves import Held
    from modelward.schema import Codec, FeatureSchema


def recipe_words(schema: FeatureSchema, recipe: Sequence[Held], codec: Codec | None = None) -> str:
    """Return a recipe as a condition that a person can read.

    Parameters
    ----------
    schema : FeatureSchema
    recipe : sequence of Held
    codec : Codec, optional
        What the codes of categories stand for; the schema's categories without it.

    Examples
    --------
    >>> from modelward.evasion import Held
    >>> from modelward.schema import Column, FeatureSchema
    >>> schema = FeatureSchema((Column("PAY_0", "integer"), Column("PAY_2", "integer")))
    >>> recipe_words(schema, (Held(0, 0.0, -float("inf"), 1.0), Held.at(1, -1.0)))
    'PAY_0 <= 1 and PAY_2 = -1'
    """
    space = Space(schema)
    return " and ".join(_said(_parts(space, held, codec)) for held in recipe)


def recipe_filter(schema: FeatureSchema, recipe: Sequence[Held], codec: Codec | None = None) -> str:
    """Return a recipe as an expression of polars, as code to paste.

    Parameters
    ----------
    schema : FeatureSchema
    recipe : sequence of Held
    codec : Codec, optional
        What the codes of categories stand for; the schema's categories without it.

    Examples
    --------
    >>> from modelward.evasion import Held
    >>> from modelward.schema import Column, FeatureSchema
    >>> schema = FeatureSchema((Column("PAY_0", "integer"), Column("PAY_2", "integer")))
    >>> recipe_filter(schema, (Held(0, 0.0, -float("inf"), 1.0), Held.at(1, -1.0)))
    "(pl.col('PAY_0') <= 1) & (pl.col('PAY_2') == -1)"
    """
    space = Space(schema)
    return " & ".join(
        f"(pl.col({name!r}) {'==' if comparison == '=' else comparison} {value!r})"
        for held in recipe for name, comparison, value in _parts(space, held, codec)
    )  # fmt: skip


def _parts(space: Space, held: Held, codec: Codec | None) -> list[tuple[str, str, Any]]:
    """Return a held value as conditions: a column, a comparison, and a value; a number as text."""
    unit = space.units[held.unit]
    if held.unit >= len(space.units) - len(space.groups):
        return [(space.schema.names[int(unit[int(held.value)])], "=", _Number("1"))]
    column = space.schema.columns[int(unit[0])]
    if column.coded:
        values = column.categories if codec is None else codec.values[column.name]
        return [(column.name, "=", values[int(held.value)])]
    if held.low == held.high:
        return [(column.name, "=", _number(held.value))]
    out = [(column.name, ">=", _number(held.low))] if held.low > -float("inf") else []
    return out + ([(column.name, "<=", _number(held.high))] if held.high < float("inf") else [])


def _said(parts: list[tuple[str, str, Any]]) -> str:
    if len(parts) == 2:
        (name, _, low), (_, _, high) = parts
        return f"{low} <= {name} <= {high}"
    return " and ".join(f"{name} {comparison} {value}" for name, comparison, value in parts)


class _Number(str):
    """A number as it is written, in words and in code."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _number(value: float) -> _Number:
    value += 0.0  # minus zero is zero
    return _Number(f"{value:.0f}" if value == round(value) and abs(value) < 1e15 else f"{value:.9g}")
