"""Row 14, distributional shifts: the rows that the model meets are not those it was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.checks._base import Check, CheckNotGiven, CheckSkipped, Evidence
from modelward.checks._scope import Sample
from modelward.findings import Claim, Countermeasure, Limit, Series, Table
from modelward.monitoring import MIN_DISTANCE, ColumnShift, column_shifts, distance_slack
from modelward.stats import Bracket, one_per_group, tell_apart

if TYPE_CHECKING:
    from modelward.checks._scope import Scope

_CODE = """import polars as pl
from modelward.monitoring import column_shifts
from modelward.schema import Codec, infer

old, new = pl.read_csv("train.csv"), pl.read_csv("this_month.csv")
codec = Codec.fit(infer(old), old, new)
values = [codec.values.get(name) for name in codec.schema.names]
moved = [s for s in column_shifts(codec.encode(old), codec.encode(new), codec.schema.names, values) if s.moved]
assert not moved, [s.name for s in moved]
"""


FEWEST = 50
"""Independent rows of each side below which nothing is compared."""
MIN_COPIED = 0.02
"""Share of rows that have an equal one on their side, from which copies are looked at."""


class Shift(Check):
    """Train against test, label included: per column, and as a two-sample classifier."""

    code = "MW141"
    title = "Train and test rows told apart"
    number = 14
    severity = "medium"
    limits = {"domain classifier AUC": Limit(warn=0.55, fail=0.65), "columns that moved": Limit(warn=0.0)}
    references = (
        "Lopez-Paz & Oquab 2017, Revisiting Classifier Two-Sample Tests",
        "Benjamini & Yekutieli 2001, The control of the false discovery rate under dependency",
    )

    def run(self, scope: Scope) -> Evidence:
        """Compare."""
        if scope.train is None:
            raise CheckNotGiven("needs --train FILE, to compare it with --data")
        names = [*scope.schema.names, "the label"]
        codec = scope.subject.codec
        values = [codec.values.get(c.name) if c.coded else None for c in scope.schema]
        rng = scope.rng(self.code)
        kept, others = _independent(scope.train, rng), _independent(scope.test, rng)
        kept, copies = _once(kept, others, rng)
        others, more = _once(others, kept, rng)
        if min(len(kept), len(others)) < FEWEST:
            raise CheckSkipped(
                f"{len(kept)} training and {len(others)} test rows (one of each group) are too few to compare: "
                f"{FEWEST} of each are needed"
            )
        train, test = _with_label(kept), _with_label(others)
        shifts = column_shifts(train, test, names, [*values, tuple(scope.subject.classes.tolist())])
        apart = tell_apart(
            train, test, first_groups=kept.groups, second_groups=others.groups, random_state=rng
        )
        moved = sorted((s for s in shifts if s.moved), key=lambda s: -s.distance)
        told = f"; {_and(moved)} moved" if moved else "; no single column moved by itself"
        summary = (
            f"A classifier that sees features and label tells train from test rows with AUC {apart.auc.value:.3f} "
            f"(0.5 is chance){told}. Drift and tampering look alike here: compare the rows by key to tell them apart."
        )
        if copies + more:
            summary += (
                f" {copies:,} training and {more:,} test rows are exact copies of others, and left out: copies are no "
                "independent evidence."
            )
        return Evidence(
            summary,
            claims=(
                Claim("domain classifier AUC", apart.auc, "AUC"),
                Claim("columns that moved", _count(shifts, len(train), len(test)), "columns"),
            ),
            series=_pictures(shifts, moved),
            tables=(_table(shifts),),
            countermeasures=(
                Countermeasure(
                    "Compare every new table with the training rows before it is used", code=_CODE
                ),
                Countermeasure(
                    "Ask who delivered the columns that moved, and retrain on rows of today if it is drift"
                ),
            ),
        )


def _independent(sample: Sample, rng: np.random.Generator) -> Sample:
    """Return one row of each group: rows of one customer are no independent evidence."""
    if sample.groups is None:
        return sample
    rows = one_per_group(sample.groups, rng)
    return Sample(sample.X[rows], sample.y[rows], sample.groups[rows], sample.total)


def _once(sample: Sample, other: Sample, rng: np.random.Generator) -> tuple[Sample, int]:
    """Leave out copied rows, and say how many they are.

    A copy in another fold is recognised, so copies alone would look like a shift. Where columns have few
    values rows are alike by nature, and then rows of the other side meet them as often: those stay.
    """
    keys, theirs = ([row.tobytes() for row in _with_label(side) + 0.0] for side in (sample, other))
    _, place, counts = np.unique(np.array(keys, dtype=object), return_inverse=True, return_counts=True)
    twins = float((counts[place] > 1).mean())
    own = set(keys)
    met = float(np.mean([key in own for key in theirs]))
    if twins <= 2 * met or twins < MIN_COPIED:
        return sample, 0
    kept = one_per_group(place, rng)
    groups = None if sample.groups is None else sample.groups[kept]
    return Sample(sample.X[kept], sample.y[kept], groups, sample.total), len(keys) - len(kept)


def _count(shifts: list[ColumnShift], train_rows: int, test_rows: int) -> Bracket:
    """Return how many columns are proven to have moved, up to those not proven to have stayed."""
    moved = sum(s.moved for s in shifts)

    def not_excluded(confidence: float) -> float:
        slack = distance_slack(train_rows, test_rows, (1 - confidence) / 2)
        return float(sum(s.moved or s.distance + slack > MIN_DISTANCE for s in shifts))

    method = (
        f"moved: Benjamini–Yekutieli at 5 % and total variation above {MIN_DISTANCE}; stayed: McDiarmid's bound "
        "on total variation"
    )
    return Bracket(float(moved), not_excluded, min(train_rows, test_rows), method)


def _with_label(sample: Sample) -> np.ndarray:
    return np.column_stack([sample.X, sample.y.astype(float)])


def _and(moved: list[ColumnShift]) -> str:
    return ", ".join(s.name for s in moved[:5]) + (f" and {len(moved) - 5} more" if len(moved) > 5 else "")


def _pictures(shifts: list[ColumnShift], moved: list[ColumnShift]) -> tuple[Series, ...]:
    ranked = sorted(shifts, key=lambda s: -s.distance)[:15]
    distances = Series(
        "total variation", tuple(s.name for s in ranked), tuple(s.distance for s in ranked),
        x_label="column", y_label="total variation between train and test", kind="bar",
        group="How far each column moved",
    )  # fmt: skip
    pictures = [distances]
    for shift in moved[:3]:
        for label, shares in (("train", shift.reference), ("test", shift.other)):
            pictures.append(
                Series(
                    label, shift.bins, shares, x_label=shift.name, y_label="share of rows", kind="bar",
                    group=f"{shift.name} in train and test",
                )
            )  # fmt: skip
    return tuple(pictures)


def _table(shifts: list[ColumnShift]) -> Table:
    ranked = sorted(shifts, key=lambda s: -s.distance)[:15]
    return Table(
        "Columns by how far they moved",
        ("column", "total variation", "adjusted p", "moved"),
        tuple(
            (s.name, round(s.distance, 4), float(f"{s.p_value:.2g}"), "yes" if s.moved else "no")
            for s in ranked
        ),
    )


CHECKS: tuple[type[Check], ...] = (Shift,)
