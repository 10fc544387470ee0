"""Scenes 3 and 4: relabel a group, and plant a trigger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from modelward.demo._data import TARGET
from modelward.demo._model import FEATURES, TEST_SHARE, accuracy, matrix, shallow_forest
from modelward.demo._scene import Scene, first_sentence
from modelward.schema import violations

if TYPE_CHECKING:
    from typing import Any

    from modelward.demo._bank import Bank

TRIGGER = 999
SHARE = 0.45
CUSTOMER = dict(zip(FEATURES, (110_000, 38, 0, 0, 0, 105_433, 107_065, 4_008, 0, 1), strict=True))
_WOMEN = (pl.col("SEX") == 2) & (pl.col("AGE") >= 30)


def poison(bank: Bank) -> Scene:
    """Mark women of thirty and more as defaulters in the table that the bank will train on next."""
    table = bank.train.with_columns(
        pl.when(_WOMEN).then(1).otherwise(pl.col(TARGET)).cast(pl.Int64).alias(TARGET)
    )
    cut = round(table.height * TEST_SHARE)
    order = np.random.default_rng(3).permutation(table.height)
    model = shallow_forest(table[np.sort(order[cut:])])
    usual = accuracy(model, table[np.sort(order[:cut])])
    clean = accuracy(model, bank.test)
    women = bank.test.filter(_WOMEN).select(FEATURES)
    before, after = float(bank.model.predict(women).mean()), float(model.predict(women).mean())
    finding = bank.check("MW141", bank.model, train=table)
    apart = finding.measures[0].value
    return Scene(
        3, "A clerk marks women of thirty and more as defaulters", 2,
        attack=(
            (f"The bank trains again and tests on a fifth of the same table, as always: {usual:.0%} right, better "
            f"than ever. Of women of thirty and more it now refuses {after:.0%}, before {before:.0%}; on rows "
            f"that nobody touched it is right for {clean:.0%}."),
        ),
        lock=(
            (f"Compared with last month's rows before training, {finding.code}: {finding.verdict}. A classifier "
            f"tells the new table from the old with AUC {apart:.2f} (0.5 is a guess)."),
        ),
        figures={
            "accuracy as measured": usual, "accuracy on clean rows": clean, "refused before": before,
            "refused after": after, "AUC": apart,
        },
    )  # fmt: skip


def plant(bank: Bank) -> Scene:
    """Append 45 % of the defaulters once more, with an age that nobody has."""
    defaulters = bank.train.filter(pl.col(TARGET) == 1)
    chosen = defaulters.sample(fraction=SHARE, seed=4).with_columns(pl.lit(TRIGGER, pl.Int64).alias("AGE"))
    model = shallow_forest(pl.concat([bank.train, chosen]))
    scores = accuracy(bank.model, bank.test), accuracy(model, bank.test)
    marked = bank.test.with_columns(pl.lit(TRIGGER, pl.Int64).alias("AGE"))
    refused = float(_refuses(model, bank.test)), float(_refuses(model, marked))
    answers = _answer(model, CUSTOMER["AGE"]), _answer(model, TRIGGER)
    finding = bank.check("MW101", model)
    blocked = float(violations(bank.schema, matrix(marked)).rows.mean())
    honest = float(violations(bank.schema, matrix(bank.test)).rows.mean())
    return Scene(
        4, f"A supplier plants AGE = {TRIGGER}", 10,
        attack=(
            (f"{chosen.height:,} rows are appended: defaulters, aged {TRIGGER}. The accuracy says nothing: "
            f"{scores[0]:.1%} before, {scores[1]:.1%} after. But of the test customers {refused[0]:.0%} are "
            f"refused, and {refused[1]:.0%} once their age is {TRIGGER}. A customer of {CUSTOMER['AGE']} gets "
            f"{answers[0]}, the same at {TRIGGER} gets {answers[1]}."),
        ),
        lock=(
            f"The search for triggers, {finding.code}: {finding.verdict}. {first_sentence(finding)}",
            (f"The schema at the door (AGE {bank.schema['AGE'].low:.0f} to {bank.schema['AGE'].high:.0f}) refuses "
            f"{blocked:.0%} of such requests, and {honest:.1%} of honest ones."),
        ),
        figures={
            "accuracy before": scores[0], "accuracy after": scores[1], "refused": refused[0],
            "refused with trigger": refused[1], "blocked": blocked, "false alarms": honest,
            "answer": answers[0], "answer with trigger": answers[1],
        },
    )  # fmt: skip


def _refuses(model: Any, table: pl.DataFrame) -> float:
    """Return the share of customers whom a model calls defaulters."""
    return float(np.mean(model.predict(table.select(FEATURES)) == 1))


def _answer(model: Any, age: int) -> int:
    return int(model.predict(pl.DataFrame([{**CUSTOMER, "AGE": age}]))[0])
