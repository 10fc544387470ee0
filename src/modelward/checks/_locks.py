"""The lock that stops most attacks: look at the inputs before the model does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from modelward.findings import MIN_ROWS, Countermeasure
from modelward.monitoring import Bands
from modelward.schema import infer
from modelward.stats import Proportion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.checks._scope import Scope
    from modelward.monitoring import Rule

SCHEMA_ALONE: tuple[Rule, ...] = ("schema",)
TITLE = "Watch the inputs: schema at the door, and a band for each column"

CODE = """\
import polars as pl

from modelward.monitoring import Bands
from modelward.schema import Codec, infer

train = pl.read_csv("train.csv").drop("target")   # rows that you trust, without the label
schema = infer(train)
codec = Codec.fit(schema, train)
bands = Bands.fit(codec.encode(train), schema)

def strange(rows: pl.DataFrame) -> pl.Series:
    \"\"\"Rows with a cell outside: answer them by hand, and count them.\"\"\"
    return pl.Series(bands.outside(codec.encode(rows)).any(axis=1))
"""


def input_lock(scope: Scope, rows: NDArray[np.float64]) -> Countermeasure:
    """Replay an attack's rows through the schema and plain bands, and say what that lock would have done.

    Schema and bands are fitted on one half of the test rows, which the user trusts, and the false alarms are
    counted on the other half: rows that fitted the lock would pass it by construction. A schema that the user
    wrote is taken as it is. Only counts leave.

    Parameters
    ----------
    scope : Scope
        Schema and honest rows.
    rows : ndarray of shape (m, d)
        Encoded rows as the attacker sent them.

    Returns
    -------
    Countermeasure
        With the share of attack rows stopped, the share of honest rows stopped, and the code that does it.
        Fewer than ten rows on either side: said so, without figures.
    """
    order = scope.rng("input lock").permutation(len(scope.test.X))
    fitting, honest = (scope.test.X[half] for half in np.array_split(order, 2))
    if min(len(rows), len(fitting), len(honest)) < MIN_ROWS:
        return Countermeasure(TITLE, f"Not measured: that takes {MIN_ROWS} rows of each kind.", CODE)
    schema = scope.schema
    if scope.schema_inferred:
        seen = infer(scope.subject.codec.decode(fitting))
        # Codes stand for the categories of the scope's schema, so only the ranges are narrowed to this half.
        narrowed = (
            c if c.coded else replace(c, low=n.low, high=n.high) for c, n in zip(schema, seen, strict=True)
        )
        schema = replace(schema, columns=tuple(narrowed))
    bands = Bands.fit(fitting, schema)
    by_schema = _share(bands.outside(rows, SCHEMA_ALONE))
    by_all, alarms = _share(bands.outside(rows)), _share(bands.outside(honest))
    effect = (
        f"Stops {_words(by_all)} of {len(rows)} attack rows (the schema alone {_words(by_schema)}), "
        f"and {_words(alarms)} of {len(honest)} honest rows that it was not fitted on."
    )
    return Countermeasure(TITLE, effect, CODE)


def _share(outside: NDArray[np.bool_]) -> Proportion:
    stopped = np.asarray(outside.any(axis=1))
    return Proportion(int(np.count_nonzero(stopped)), len(stopped))


def _words(share: Proportion) -> str:
    low, high = share.interval(0.95)
    return f"{share.value:.1%} ({low:.1%} to {high:.1%})"
