"""What helps against cheap legal changes, with the names of the columns that the attack used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.evasion import Space
from modelward.findings import Countermeasure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.schema import FeatureSchema


def advice(schema: FeatureSchema, used: NDArray[np.int64]) -> tuple[Countermeasure, ...]:
    """Return the countermeasures; examples are about the columns of numbers that the attack used most.

    Parameters
    ----------
    schema : FeatureSchema
    used : ndarray of shape (units,)
        How many of the moved rows change each unit.
    """
    columns = _most_used(schema, used)
    named = [f"{schema.names[j]!r}: {sign}" for j, sign in zip(columns[:2], (1, -1), strict=False)]
    signs = ", ".join(named or ["'COLUMN': 1"])
    return (
        Countermeasure(
            "Monotonic constraints: a column that a caller can improve at will must not help without bound",
            code=(
                "from sklearn.ensemble import HistGradientBoostingClassifier\n\n"
                "# 1: more of it may only raise the score; -1: only lower it. Which it is, is yours to say.\n"
                f"model = HistGradientBoostingClassifier(monotonic_cst={{{signs}}})"
            ),
        ),
        Countermeasure(
            "Larger leaves and fewer of them: no decision hangs on a few training rows",
            code="model.set_params(min_samples_leaf=100)  # and fit again",
        ),
        Countermeasure(
            "The schema at the door: refuse rows that are illegal before the model sees them",
            code=(
                "from modelward.schema import legal\n\n"
                "if not legal(schema, codec.encode(rows)).all():\n"
                "    raise ValueError('a row breaks the schema')"
            ),
        ),
        *_rounding(schema, columns),
        Countermeasure(
            "Before choosing one, measure on this model which of them helps, and what it costs in accuracy",
            code="modelward harden model.pkl --data test.csv --target LABEL --train train.csv -o hardening.html",
        ),
    )


def _most_used(schema: FeatureSchema, used: NDArray[np.int64]) -> list[int]:
    """Return the ordered columns of one unit each, the most used first."""
    space = Space(schema)
    order = np.argsort(-used, kind="stable").tolist()
    single = [int(space.units[u][0]) for u in order if len(space.units[u]) == 1 and space.mutable[u]]
    return [j for j in single if not space.flat[j]]


def _rounding(schema: FeatureSchema, columns: list[int]) -> tuple[Countermeasure, ...]:
    """Return the advice to round, with the most used column that has steps finer than a tenth of a cost of 1."""
    for j in columns:
        price = float(schema.rules.cost[j])
        step = 10.0 ** np.floor(np.log10(0.1 / price)) if price > 0 else 0.0
        if step > float(schema.rules.step[j]):
            name = schema.names[j]
            return (
                Countermeasure(
                    "Round what callers can fine-tune, in training and in production alike: small moves then "
                    "change nothing",
                    code=f"rows = rows.assign(**{{{name!r}: (rows[{name!r}] / {step:g}).round() * {step:g}}})",
                ),
            )
    return ()
