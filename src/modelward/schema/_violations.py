"""Which cell of an encoded matrix breaks which rule."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from modelward.errors import SchemaError
from modelward.findings import MIN_ROWS
from modelward.schema._rules import TOLERANCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.schema._rules import Rules
    from modelward.schema._schema import FeatureSchema

Rule = Literal["missing", "range", "precision", "category", "onehot", "relation"]


@dataclass(frozen=True, slots=True)
class Broken:
    """How often a rule is broken.

    Parameters
    ----------
    where : str
        The column, the one-hot group's columns, or the relation.
    rule : {"missing", "range", "precision", "category", "onehot", "relation"}
        What is broken.
    rows : str
        How many rows; ``"<10"`` where they are fewer than ten.
    """

    where: str
    rule: Rule
    rows: str

    def __str__(self) -> str:
        return f"{self.where}: {self.rule} broken in {self.rows} rows"


@dataclass(frozen=True)
class Violations:
    """Masks of what breaks the rules of a schema.

    Parameters
    ----------
    schema : FeatureSchema
        The rules.
    missing, range, precision, category : ndarray of bool, shape (n, d)
        A value is missing that must not be; lies outside its range; is no multiple of its precision; is no
        category.
    onehot : ndarray of bool, shape (n, groups)
        Not exactly one member is 1 and the others 0.
    relation : ndarray of bool, shape (n, relations)
        The relation does not hold. It holds where a side is missing.
    """

    schema: FeatureSchema
    missing: NDArray[np.bool_]
    range: NDArray[np.bool_]
    precision: NDArray[np.bool_]
    category: NDArray[np.bool_]
    onehot: NDArray[np.bool_]
    relation: NDArray[np.bool_]

    @property
    def rows(self) -> NDArray[np.bool_]:
        """Rows that break any rule, shape (n,)."""
        return np.asarray(self.cells.any(axis=1))

    @property
    def cells(self) -> NDArray[np.bool_]:
        """Cells that take part in a broken rule, shape (n, d)."""
        cells = self.missing | self.range | self.precision | self.category
        rules = self.schema.rules
        for g, members in enumerate(rules.onehot):
            cells[:, members] |= self.onehot[:, g, None]
        for r, (left, _, right) in enumerate(rules.relations):
            cells[:, [left, right]] |= self.relation[:, r, None]
        return cells

    def summary(self) -> tuple[Broken, ...]:
        """Return what is broken by column and rule, most rows first; counts under ten are not told."""
        counts: Counter[tuple[str, Rule]] = Counter()
        by_column: tuple[Rule, ...] = ("missing", "range", "precision", "category")
        for rule in by_column:
            for name, count in zip(self.schema.names, getattr(self, rule).sum(axis=0), strict=True):
                counts[name, rule] = int(count)
        for group, count in zip(self.schema.onehot, self.onehot.sum(axis=0), strict=True):
            counts[", ".join(group), "onehot"] = int(count)
        for relation, count in zip(self.schema.relations, self.relation.sum(axis=0), strict=True):
            counts[str(relation), "relation"] = int(count)
        # Fewer than ten are told apart from none, but not from each other, not even by their order.
        ordered = sorted(counts.items(), key=lambda item: -item[1] if item[1] >= MIN_ROWS else 0)
        return tuple(
            Broken(where, rule, f"{n:,}" if n >= MIN_ROWS else f"<{MIN_ROWS}")
            for (where, rule), n in ordered
            if n
        )


def violations(schema: FeatureSchema, X: NDArray[np.float64]) -> Violations:
    """Return which cell of an encoded matrix breaks which rule.

    Parameters
    ----------
    schema : FeatureSchema
        The rules.
    X : ndarray of float64, shape (n, d)
        Encoded rows (see `Codec`).

    Raises
    ------
    SchemaError
        If the matrix has another number of columns than the schema.
    """
    rules = schema.rules
    X = checked(X, rules)
    absent = np.isnan(X)
    coded = rules.coded
    with np.errstate(invalid="ignore"):
        outside = (rules.low - _slack(rules, rules.low) > X) | (rules.high + _slack(rules, rules.high) < X)
        outside |= np.isinf(X)
    off = np.zeros(X.shape, dtype=bool)
    for j in np.flatnonzero(rules.step > 0).tolist():
        off[:, j] = ~rules.on_grid(X[:, j], j) & ~np.isinf(X[:, j])
    return Violations(
        schema,
        missing=absent & ~rules.missing,
        range=outside & ~coded,
        precision=off & ~coded,
        category=(outside | off) & coded,
        onehot=_broken_groups(rules, X),
        relation=broken_relations(rules, X),
    )


def legal(schema: FeatureSchema, X: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which rows of an encoded matrix break no rule, shape (n,).

    Examples
    --------
    >>> from modelward.schema import Column, FeatureSchema
    >>> age = FeatureSchema((Column("AGE", "integer", low=21, high=79),))
    >>> legal(age, np.array([[38.0], [999.0], [38.5]]))
    array([ True, False, False])
    """
    return ~violations(schema, X).rows


def checked(X: NDArray[np.float64], rules: Rules) -> NDArray[np.float64]:
    """Return a matrix of floats with the schema's columns, or raise."""
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2 or X.shape[1] != len(rules.names):
        raise SchemaError(f"a matrix of shape {X.shape} does not fit a schema of {len(rules.names)} columns")
    return X


def broken_relations(rules: Rules, X: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which relations do not hold, shape (n, relations)."""
    out = np.zeros((len(X), len(rules.relations)), dtype=bool)
    for r, (left, operator, right) in enumerate(rules.relations):
        a, b = X[:, left], X[:, right]
        both = ~np.isnan(a) & ~np.isnan(b)
        out[:, r] = both & ~_HOLDS[operator](a, b)
    return out


_HOLDS = {"<=": np.less_equal, "<": np.less, ">=": np.greater_equal, ">": np.greater, "==": np.equal}


def _broken_groups(rules: Rules, X: NDArray[np.float64]) -> NDArray[np.bool_]:
    out = np.zeros((len(X), len(rules.onehot)), dtype=bool)
    for g, members in enumerate(rules.onehot):
        block = X[:, members]
        out[:, g] = ((block == 1).sum(axis=1) != 1) | ((block != 0) & (block != 1)).any(axis=1)
    return out


def _slack(rules: Rules, edge: NDArray[np.float64]) -> NDArray[np.float64]:
    """Allow for the rounding of decimal steps: 0.1 + 0.2 is not over 0.3."""
    gridded = (rules.step > 0) & np.isfinite(edge)
    return np.where(gridded, TOLERANCE * np.maximum(rules.step, np.abs(np.where(gridded, edge, 0.0))), 0.0)
