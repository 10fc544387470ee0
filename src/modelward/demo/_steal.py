"""Scene 5: steal the model by asking it about invented customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.demo._model import matrix
from modelward.demo._scene import Scene
from modelward.errors import BudgetExhausted
from modelward.extraction import ModelStealing, StealingResult, draw_from_schema
from modelward.monitoring import Bands

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.demo._bank import Bank

QUERIES = 2_000
DAILY = 100
ALARM = 6


def steal(bank: Bank) -> Scene:
    """Train copies on the answers, then try again past a budget and input bands."""
    pool, test = matrix(bank.train), matrix(bank.test)

    def thief(rows: int) -> StealingResult:
        attack = ModelStealing(queries=rows, points=2, families=("tree", "boosting"))
        return attack.run(bank.subject(bank.model), pool, test, schema=bank.schema, random_state=5)

    rich, poor = thief(QUERIES), thief(DAILY)
    real, drawn = (rich.curve(source, "scores")[-1].balanced.value for source in ("real rows", "drawn rows"))
    few_real, few_drawn = (
        poor.curve(source, "labels")[-1].balanced.value for source in ("real rows", "drawn rows")
    )
    bands = Bands.fit(pool, bank.schema)
    strange, honest = (np.asarray(bands.outside(rows).any(axis=1)) for rows in (rich.drawn, test))
    caught, alarms = float(strange.mean()), float(honest.mean())
    thiefs, callers = _tens(strange), _tens(honest)
    noticed, blamed = float(np.mean(thiefs >= ALARM)), float(np.mean(callers >= ALARM))
    return Scene(
        5,
        "A caller steals it with questions",
        5,
        attack=(
            (
                f"{QUERIES:,} invented customers, and the scores that come back, train a copy that decides "
                f"{drawn:.0%} of others as the bank does (both answers counting alike; a coin has 50%). With "
                f"customers like the bank's own it is {real:.0%}."
            ),
        ),
        lock=(
            (
                f"Bands around each column: {caught:.0%} of the invented customers are outside, and {alarms:.0%} of "
                f"honest ones. An alarm at {ALARM} of ten notices {noticed:.0%} of the thief's tens, "
                f"and {blamed:.1%} of honest ones."
            ),
            (
                f"A budget ends it after {_stopped_after(bank)} rows a day. Rules this simple it does not save: "
                f"{DAILY} labels buy {few_drawn:.0%}, or {few_real:.0%} with customers like the bank's own."
            ),
        ),
        figures={
            "copy of invented rows": drawn,
            "copy of real rows": real,
            "invented rows on a budget": few_drawn,
            "real rows on a budget": few_real,
            "stopped after": _stopped_after(bank),
            "caught": caught,
            "false alarms": alarms,
            "tens noticed": noticed,
            "honest tens": blamed,
        },
    )


def _tens(outside: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count strange rows in every ten in a row."""
    return np.asarray(outside[: len(outside) // 10 * 10].reshape(-1, 10).sum(axis=1), dtype=np.int64)


def _stopped_after(bank: Bank) -> int:
    """Let the thief run into the meter, and return how many rows were answered."""
    metered = bank.subject(bank.model).with_budget(DAILY)
    rows = draw_from_schema(bank.schema, QUERIES, reference=matrix(bank.train), random_state=5)
    try:
        for start in range(0, QUERIES, 50):
            metered.predict(rows[start : start + 50])
    except BudgetExhausted:
        pass
    return metered.meter.rows
