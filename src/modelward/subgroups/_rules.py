"""Short rules over rows, such as ``SEX_2 = 1 and AGE >= 30``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.schema import Codec, FeatureSchema

_FEW_VALUES = 12
_CUTS = 8


@dataclass(frozen=True, slots=True)
class Condition:
    """One column's value, or the side of a cut that it is on.

    Parameters
    ----------
    column : int
        Position in an encoded matrix.
    operator : {"=", "<=", ">="}
    value : float
        Encoded value.
    """

    column: int
    operator: str
    value: float

    def mask(self, X: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say which rows it covers, shape (n,)."""
        values = X[:, self.column]
        if self.operator == "=":
            return np.asarray(values == self.value)
        return np.asarray(values <= self.value if self.operator == "<=" else values >= self.value)


@dataclass(frozen=True, slots=True)
class Rule:
    """A conjunction of conditions."""

    conditions: tuple[Condition, ...]

    def mask(self, X: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say which rows it covers, shape (n,)."""
        covered = np.ones(len(X), dtype=bool)
        for condition in self.conditions:
            covered &= condition.mask(X)
        return covered

    def text(self, codec: Codec) -> str:
        """Return it in the user's own words."""
        return " and ".join(_condition_text(condition, codec) for condition in self.conditions)


def _condition_text(condition: Condition, codec: Codec) -> str:
    column = codec.schema.columns[condition.column]
    value: object = f"{condition.value:.6g}"
    if column.coded:
        known = codec.values[column.name]
        code = int(condition.value)
        value = known[code] if code < len(known) else "a value never seen"
    return f"{column.name} {condition.operator} {value}"


def conditions(X: NDArray[np.float64], schema: FeatureSchema, *, min_rows: int) -> list[Condition]:
    """List the conditions worth trying.

    Columns of few values give one for each value, numbers give both sides of rounded quantiles. A condition
    that covers fewer rows than `min_rows`, or leaves fewer out, is not listed.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Encoded rows.
    schema : FeatureSchema
        Of the columns.
    min_rows : int
        Rows that each side needs.

    Returns
    -------
    list of Condition
    """
    onehot = {name for group in schema.onehot for name in group}
    found: list[Condition] = []
    for j, column in enumerate(schema):
        if column.kind == "text":
            continue
        values = X[:, j][~np.isnan(X[:, j])]
        distinct = np.unique(values)
        if column.name in onehot:
            found.append(Condition(j, "=", 1.0))
        elif column.kind == "categorical" or len(distinct) <= 2:
            found.extend(Condition(j, "=", float(v)) for v in distinct)
        else:
            if len(distinct) <= _FEW_VALUES:
                found.extend(Condition(j, "=", float(v)) for v in distinct)
                cuts = distinct[1:]
            else:
                cuts = _round_cuts(values)
            found.extend(Condition(j, ">=", float(cut)) for cut in cuts)
            below = [values[values < cut] for cut in cuts]
            found.extend(Condition(j, "<=", float(part.max())) for part in below if len(part))
    return [c for c in dict.fromkeys(found) if min_rows <= int(c.mask(X).sum()) <= len(X) - min_rows]


def _round_cuts(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return legible cuts near the quantiles: no cut is a single person's value to the last digit."""
    raw = np.quantile(values, np.linspace(0, 1, _CUTS + 2)[1:-1])
    spread = float(np.subtract(*np.quantile(values, [0.95, 0.05]))) or float(np.ptp(values)) or 1.0
    step = 10.0 ** np.floor(np.log10(abs(spread) / 10))
    return np.unique(np.round(raw / step) * step)
