"""Recipes in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    return " and ".join(_one(space, held, codec) for held in recipe)


def _one(space: Space, held: Held, codec: Codec | None) -> str:
    unit = space.units[held.unit]
    if held.unit >= len(space.units) - len(space.groups):
        return f"{space.schema.names[int(unit[int(held.value)])]} = 1"
    column = space.schema.columns[int(unit[0])]
    if column.coded:
        values = column.categories if codec is None else codec.values[column.name]
        return f"{column.name} = {values[int(held.value)]}"
    if held.low == held.high:
        return f"{column.name} = {_number(held.value)}"
    low, high = held.low > -float("inf"), held.high < float("inf")
    if low and high:
        return f"{_number(held.low)} <= {column.name} <= {_number(held.high)}"
    return f"{column.name} >= {_number(held.low)}" if low else f"{column.name} <= {_number(held.high)}"


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
    return " & ".join(f"({part})" for held in recipe for part in _filters(space, held, codec))


def _filters(space: Space, held: Held, codec: Codec | None) -> list[str]:
    unit = space.units[held.unit]
    if held.unit >= len(space.units) - len(space.groups):
        return [f"pl.col({space.schema.names[int(unit[int(held.value)])]!r}) == 1"]
    column = space.schema.columns[int(unit[0])]
    name = f"pl.col({column.name!r})"
    if column.coded:
        values = column.categories if codec is None else codec.values[column.name]
        return [f"{name} == {values[int(held.value)]!r}"]
    if held.low == held.high:
        return [f"{name} == {_number(held.value)}"]
    out = [f"{name} >= {_number(held.low)}"] if held.low > -float("inf") else []
    return out + ([f"{name} <= {_number(held.high)}"] if held.high < float("inf") else [])


def _number(value: float) -> str:
    value += 0.0  # minus zero is zero
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e15 else f"{value:.9g}"
