"""Infer a schema from a table: what is legal is what was seen, and what was assumed is said."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from modelward.errors import SchemaError
from modelward.findings import MIN_ROWS
from modelward.schema._codec import numbers
from modelward.schema._grain import grain, outward
from modelward.schema._groups import onehot_groups
from modelward.schema._schema import Column, FeatureSchema, Role
from modelward.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

MOST_CATEGORIES = 200
"""A text column with more different values is free text."""


def infer(
    frame: Any,
    *,
    target: str | None = None,
    ignore: Iterable[str] = (),
    sensitive: Iterable[str] = (),
    group: str | None = None,
    time: str | None = None,
) -> FeatureSchema:
    """Infer what a legal row is.

    Numbers get the range and the precision that were seen (LIMIT_BAL in steps of 10,000, amounts in cents)
    and cost one for each interquartile range moved; few-valued text becomes categories, other text is taken
    as it is and must not be changed; 0/1 columns of one name whose rows sum to one become a group.

    Parameters
    ----------
    frame : polars or pandas table, or path
        The table; whatever `read_table` takes.
    target : str, optional
        The label column, which is no part of a row.
    ignore : iterable of str
        Further columns to leave out.
    sensitive : iterable of str
        Columns whose role is sensitive; the name of a one-hot group means all of its members.
    group, time : str, optional
        Columns that say whose row it is, and when.

    Returns
    -------
    FeatureSchema
        `assumed` says in plain words what was taken for granted.

    Raises
    ------
    SchemaError
        If a named column is missing, the table has no rows, or a column holds lists or other tables.
    """
    frame = frame if isinstance(frame, pl.DataFrame) else read_table(frame)
    left_out = {*ignore, *([target] if target else [])}
    roles = _roles(frame, sensitive, group, time)
    for name in (*left_out, *(n for n in (group, time) if n)):
        if name not in frame.columns:
            raise SchemaError(f"the table has no column {name!r}; it has {', '.join(frame.columns[:30])}")
    names = [name for name in frame.columns if name not in left_out]
    if not names or not frame.height:
        raise SchemaError("a schema needs a table with at least one row and one column besides the target")
    assumed: list[str] = []
    columns = {name: _column(frame.get_column(name), roles.get(name, "none"), assumed) for name in names}
    groups = onehot_groups(frame, [c for c in columns.values() if c.role in ("none", "sensitive")])
    for name in (name for members in groups for name in members):
        columns[name] = replace(columns[name], cost=0.5)
    return FeatureSchema(tuple(columns.values()), onehot=groups, assumed=(*_general(columns), *assumed))


def _roles(
    frame: pl.DataFrame, sensitive: Iterable[str], group: str | None, time: str | None
) -> dict[str, Role]:
    roles: dict[str, Role] = {}
    for wanted in sensitive:
        meant = [n for n in frame.columns if n == wanted] or [
            n for n in frame.columns if n.startswith(f"{wanted}_")
        ]
        if not meant:
            raise SchemaError(
                f"the table has no sensitive column {wanted!r}; it has {', '.join(frame.columns[:30])}"
            )
        roles.update(dict.fromkeys(meant, "sensitive"))
    if group:
        roles[group] = "group"
    if time:
        roles[time] = "time"
    return roles


def _general(columns: dict[str, Column]) -> list[str]:
    free = [c for c in columns.values() if c.mutable]
    fixed = [c.name for c in columns.values() if not c.mutable]
    said = [
        f"a caller can change {'every column' if not fixed else f'all columns but {_listed(fixed)}'}, up and down",
        "the legal ranges, steps and categories are those of this table",
        "no relations between columns were looked for",
    ]
    if any(not c.coded for c in free):
        said.append("moving a number by its interquartile range costs as much as changing a category")
    complete = [c for c in columns.values() if not c.missing]
    if complete:
        said.append("a value may be missing only in columns where this table misses some")
    return said


def _column(series: pl.Series, role: Role, assumed: list[str]) -> Column:
    if series.dtype.is_nested() or series.dtype in (pl.Object, pl.Binary):
        raise SchemaError(
            f"column {series.name!r} holds {series.dtype}, not single values: ignore or unpack it"
        )
    if series.dtype.is_float():
        series = series.fill_nan(None)
    missing = series.null_count() > 0
    # Who and when are no more a caller's to change than free text is.
    mutable = role in ("none", "sensitive")
    base = Column(series.name, "continuous", missing=missing, mutable=mutable, role=role)
    present = series.drop_nulls()
    if not len(present) and isinstance(series.dtype, pl.String | pl.Categorical | pl.Enum):
        assumed.append(f"{series.name} is empty in every row: any text is legal in it")
        return replace(base, kind="text", mutable=False)
    if not len(present):
        assumed.append(f"{series.name} is empty in every row: any number is legal in it")
        return base
    if series.dtype == pl.Boolean:
        return replace(base, kind="categorical", categories=(False, True))
    if isinstance(series.dtype, pl.String | pl.Categorical | pl.Enum):
        return _textual(present, base, assumed)
    return _numeric(present, base, assumed)


def _textual(present: pl.Series, base: Column, assumed: list[str]) -> Column:
    values = present.cast(pl.String).unique().sort().to_list()
    declared = isinstance(present.dtype, pl.Categorical | pl.Enum)
    many = len(values) > MOST_CATEGORIES or (len(values) > 20 and 2 * len(values) > len(present))
    if many and not declared:
        assumed.append(
            f"{base.name} is free text ({len(values):,} different values) that a caller cannot change"
        )
        return replace(base, kind="text", mutable=False)
    if isinstance(present.dtype, pl.Enum):
        values = present.dtype.categories.to_list()
    return replace(base, kind="categorical", categories=tuple(values))


def _numeric(present: pl.Series, base: Column, assumed: list[str]) -> Column:
    values = numbers(present)
    finite = values[np.isfinite(values)]
    if len(finite) < len(values):
        assumed.append(f"{base.name} holds infinite values, which are not legal")
    if not len(finite):
        return base
    temporal = present.dtype in (pl.Date, pl.Datetime)
    step, strays = grain(finite, dates=temporal)
    whole = not temporal and step is not None and step >= 1 and float(step).is_integer()
    low, high = outward(float(finite.min()), float(finite.max()), step)
    kind: Any = "datetime" if temporal else "integer" if whole else "continuous"
    if strays:
        assumed.append(
            f"{base.name} goes in steps of {step:,.0f}: {_few(strays)} of {len(finite):,} values do not, and break "
            "this schema"
        )
    if whole and np.abs(finite).max() > 2.0**53:
        assumed.append(f"{base.name} holds integers over 2**53, which lose their last digits in calculations")
    mutable = base.mutable
    if whole and _is_counter(finite):
        mutable = False
        assumed.append(f"{base.name} numbers the rows: a caller cannot change it (should it be ignored?)")
    return replace(
        base, kind=kind, low=low, high=high, precision=None if whole and step == 1 else step, mutable=mutable,
        cost=_unit_cost(finite),
    )  # fmt: skip


def _is_counter(values: NDArray[np.float64]) -> bool:
    """Whether whole numbers are all different and without gaps, in a table of some length."""
    n = len(values)
    return n >= 50 and values.max() - values.min() == n - 1 and len(np.unique(values)) == n


def _unit_cost(values: NDArray[np.float64]) -> float:
    """Return 1 / IQR, or of the next best spread, to four digits. A flag's change costs 1."""
    low, high = float(values.min()), float(values.max())
    if len(np.unique(values[:1000])) <= 2 and len(np.unique(values)) == 2:
        spread = high - low
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            quarter, three_quarters = np.quantile(values, [0.25, 0.75])
            spread = next((s for s in (three_quarters - quarter, values.std(), high - low) if s > 0), 1.0)
    return float(f"{1 / spread:.4g}") if math.isfinite(spread) and spread > 1e-300 else 1.0


def _few(count: int) -> str:
    return f"{count:,}" if count >= MIN_ROWS else f"fewer than {MIN_ROWS}"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
