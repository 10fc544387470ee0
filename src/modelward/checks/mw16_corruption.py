"""Row 16, common corruption: pipeline faults that break a column on its way to the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.checks._base import Check, CheckSkipped, Evidence
from modelward.findings import MIN_ROWS, Claim, Countermeasure, Series, Table
from modelward.robustness import Drop, affordable, corrupt

if TYPE_CHECKING:
    from modelward.checks._scope import Scope

_SCHEMA = """import polars as pl
from modelward.schema import Codec, legal, read_schema

schema = read_schema("schema.toml")          # modelward schema infer data.csv -o schema.toml
batch = pl.read_csv("incoming.csv")
ok = legal(schema, Codec.fit(schema, batch).encode(batch))
batch.filter(~ok).write_csv("refused.csv")   # look at these before the model does
"""


class TableCorruption(Check):
    """Missing values, units, swapped columns, stale values, rounding, unseen categories, signs."""

    code = "MW161"
    title = "Corrupted columns"
    number = 16
    severity = "medium"
    query_share = 3.0
    references = (
        "Hendrycks & Dietterich 2019, Benchmarking Neural Network Robustness to Common Corruptions",
    )

    def run(self, scope: Scope) -> Evidence:
        """Break one column after the other."""
        rng = scope.rng(self.code)
        probe, most = affordable(scope.subject, len(scope.test))
        if most < len(scope.test) and most - probe < 10 * MIN_ROWS:
            raise CheckSkipped("the rows that may be sent do not suffice: raise --max-queries")
        drawn = rng.permutation(len(scope.test))[:most]
        try:
            drops = corrupt(
                scope.subject, scope.test.X[drawn], scope.test.y[drawn], random_state=rng, probe_rows=probe
            )
        except ValueError as error:
            raise CheckSkipped(f"{error}: give more rows with --data") from error
        answered = sorted((d for d in drops if d.drop is not None), key=_loss, reverse=True)
        refused = [d.corruption for d in drops if d.drop is None]
        claims = [
            Claim(f"drop: {d.corruption}", d.drop, "balanced accuracy")
            for d in answered
            if d.drop is not None
        ]
        rows = np.vstack([d.rows[:200] for d in answered]) if answered else None
        return Evidence(
            _summary(answered, refused),
            claims=tuple(claims),
            series=_pictures(answered),
            tables=(_table(drops),),
            countermeasures=(
                Countermeasure("Check every batch against the schema before the model sees it", code=_SCHEMA),
                Countermeasure("Watch each column's share of missing, rounded and repeated values over time"),
            ),
            attack_rows=rows,
        )


def _loss(drop: Drop) -> float:
    return drop.drop.value if drop.drop is not None else -1.0


def _summary(answered: list[Drop], refused: list[str]) -> str:
    end = (
        f" The model refuses to answer for: {', '.join(refused)}, which is loud and so harmless."
        if refused
        else ""
    )
    if not answered:
        return f"No corruption could be measured.{end}"
    worst, value = answered[0], _loss(answered[0])
    if value <= 0:
        return f"No fault in a single column lowers balanced accuracy.{end}"
    return (
        f"The costliest fault is “{worst.corruption}” in {' and '.join(worst.columns)}: balanced accuracy falls by "
        f"{100 * value:.1f} points, without any error message.{end}"
    )


def _pictures(answered: list[Drop]) -> tuple[Series, ...]:
    bounds = [d.drop.interval(0.95) for d in answered if d.drop]
    return (
        Series(
            "loss", tuple(f"{d.corruption}: {' / '.join(d.columns)}" for d in answered),
            tuple(_loss(d) for d in answered),
            tuple(low for low, _ in bounds), tuple(high for _, high in bounds),
            x_label="fault, in the column where it hurts most", y_label="loss of balanced accuracy", kind="bar",
            group="What each fault costs",
        ),
    )  # fmt: skip


def _table(drops: list[Drop]) -> Table:
    rows = []
    for d in drops:
        runner_up = sorted(d.by_column, key=lambda item: (-item[1], item[0]))[:3]
        rows.append(
            (
                d.corruption,
                " / ".join(d.columns),
                "refused" if d.drop is None else round(d.drop.value, 4),
                "refused" if d.changed is None else round(d.changed.value, 4),
                ", ".join(f"{name} {share:.0%}" for name, share in runner_up),
            )
        )
    columns = (
        "fault",
        "worst column",
        "loss of balanced accuracy",
        "labels changed",
        "labels changed, worst columns",
    )
    return Table("Faults and where they hurt", columns, tuple(rows))


CHECKS: tuple[type[Check], ...] = (TableCorruption,)
