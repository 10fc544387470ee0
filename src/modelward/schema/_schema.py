"""FeatureSchema: what a legal row is, and what a caller may change in it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, get_args

from modelward.errors import SchemaError
from modelward.schema._rules import Rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Kind = Literal["continuous", "integer", "ordinal", "categorical", "datetime", "text"]
Direction = Literal["any", "up", "down"]
Role = Literal["none", "sensitive", "group", "time"]
Operator = Literal["<=", "<", ">=", ">", "=="]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a legal row.

    Parameters
    ----------
    name : str
        Column name.
    kind : {"continuous", "integer", "ordinal", "categorical", "datetime", "text"}
        How its values behave. Ordinal and categorical columns list their `categories`; an ordinal's are
        in order.
    low, high : float or None
        Legal range of numbers (datetimes: seconds since 1970 UTC); None is unbounded.
    precision : float or None
        Step of the numbers, such as 0.01; None for any float. Integers have 1.
    categories : tuple
        Legal values of ordinal and categorical columns, of one type: str, bool, int or float.
    missing : bool
        Whether a missing value is legal.
    mutable : bool
        Whether a caller may change it.
    direction : {"any", "up", "down"}
        Which way a caller may move it (numbers and ordinals).
    cost : float
        What a move of one unit costs (numbers, ordinals by step); for categorical and text columns what
        any change costs.
    role : {"none", "sensitive", "group", "time"}
        What the column means to checks.

    Raises
    ------
    SchemaError
        If a setting is none of those listed, a range is empty, or categories repeat or mix types.
    """

    name: str
    kind: Kind
    low: float | None = None
    high: float | None = None
    precision: float | None = None
    categories: tuple[str | bool | int | float, ...] = ()
    missing: bool = False
    mutable: bool = True
    direction: Direction = "any"
    cost: float = 1.0
    role: Role = "none"

    def __post_init__(self) -> None:
        for field, value, allowed in (
            ("kind", self.kind, get_args(Kind)),
            ("direction", self.direction, get_args(Direction)),
            ("role", self.role, get_args(Role)),
        ):
            if value not in allowed:
                raise SchemaError(f"column {self.name!r}: {field} {value!r} is none of {', '.join(allowed)}")
        for field, number in (("low", self.low), ("high", self.high), ("precision", self.precision)):
            if number is not None and not math.isfinite(number):
                raise SchemaError(f"column {self.name!r}: {field} must be a finite number")
        if not (math.isfinite(self.cost) and self.cost >= 0):
            raise SchemaError(f"column {self.name!r}: cost must be a number of at least 0")
        if self.precision is not None and self.precision <= 0:
            raise SchemaError(f"column {self.name!r}: precision must be over 0")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise SchemaError(
                f"column {self.name!r}: the range is empty, low {self.low} is over high {self.high}"
            )
        if len(set(self.categories)) != len(self.categories):
            raise SchemaError(f"column {self.name!r}: a category is listed twice")
        if len({float if type(c) is int else type(c) for c in self.categories}) > 1:
            raise SchemaError(f"column {self.name!r}: categories must be of one type")

    @property
    def coded(self) -> bool:
        """Whether an encoded matrix holds a code (index into categories) instead of the number itself."""
        return self.kind in ("ordinal", "categorical", "text")


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation between two columns of a legal row, such as ``PAY_AMT1 <= BILL_AMT1``."""

    left: str
    operator: Operator
    right: str

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


@dataclass(frozen=True)
class FeatureSchema:
    """What a legal row is: columns in the model's order, one-hot groups and relations.

    Parameters
    ----------
    columns : tuple of Column
        In the order that the model takes them.
    onehot : tuple of tuple of str
        Groups of 0/1 columns of which exactly one is 1.
    relations : tuple of Relation
        What must hold between columns.
    assumed : tuple of str
        What inference took for granted, for people to read.

    Raises
    ------
    SchemaError
        If names repeat, a group or relation names an unknown column, or a range is empty.
    """

    columns: tuple[Column, ...]
    onehot: tuple[tuple[str, ...], ...] = ()
    relations: tuple[Relation, ...] = ()
    assumed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = self.names
        if len(set(names)) != len(names):
            raise SchemaError("schema: column names must be unique")
        for name in [n for group in self.onehot for n in group] + [
            n for r in self.relations for n in (r.left, r.right)
        ]:
            if name not in names:
                raise SchemaError(f"schema: {name!r} is used in a group or relation but is no column")
        members = [n for group in self.onehot for n in group]
        if len(set(members)) != len(members) or any(len(group) < 2 for group in self.onehot):
            raise SchemaError(
                "schema: a one-hot group needs two columns or more, and a column one group at most"
            )
        for relation in self.relations:
            if relation.operator not in get_args(Operator):
                raise SchemaError(f"schema: {relation} uses none of {' '.join(get_args(Operator))}")
            for side in (self[relation.left], self[relation.right]):
                if side.name in members or side.kind in ("categorical", "text"):
                    raise SchemaError(f"schema: {relation} compares {side.name!r}, which has no order")
        empty = self.rules.empty_grids()
        if empty:
            raise SchemaError(f"column {empty[0]!r}: no multiple of its precision lies in its range")

    def __len__(self) -> int:
        return len(self.columns)

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise SchemaError(f"schema: there is no column {name!r}; it has {', '.join(self.names)}")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(column.name for column in self.columns)

    def index(self, name: str) -> int:
        """Return the position of a column in an encoded matrix."""
        return self.names.index(self[name].name)

    @cached_property
    def rules(self) -> Rules:
        """The columns as arrays, for work on whole matrices."""
        return Rules.of(self)

    def select(self, names: Sequence[str]) -> FeatureSchema:
        """Return the schema of some columns, in the order given.

        Groups and relations stay where all of their columns do.

        Raises
        ------
        SchemaError
            If a name is no column.
        """
        kept = set(names)
        return replace(
            self,
            columns=tuple(self[name] for name in names),
            onehot=tuple(group for group in self.onehot if kept.issuperset(group)),
            relations=tuple(r for r in self.relations if {r.left, r.right} <= kept),
        )
