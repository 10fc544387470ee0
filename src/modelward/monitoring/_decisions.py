"""Decisions: what a person said of an alert, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from modelward.errors import InputError, UsageError

if TYPE_CHECKING:
    from modelward.monitoring._alerts import Alert
    from modelward.monitoring._hours import Hours

Verdict = Literal["new normal", "false alarm", "incident"]
VERDICTS: tuple[Verdict, ...] = ("new normal", "false alarm", "incident")
_LEAST = 3
"""Hours that a new level is read off, at least."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person said of an alert.

    Parameters
    ----------
    alert : str
        Its id.
    verdict : {"new normal", "false alarm", "incident"}
        Only "new normal" changes anything: from then on the series is judged from the level that it has now.
    by, note : str
        Who, and why.
    at : float
        Seconds since 1970.
    """

    alert: str
    verdict: Verdict
    by: str
    note: str
    at: float


def decide(hours: Hours, decision: Decision) -> None:
    """Note a decision, and follow it.

    Raises
    ------
    UsageError
        If there is no such verdict, or nobody who says it.
    InputError
        If there is no such alert, or its new level cannot be told yet.
    """
    if decision.verdict not in VERDICTS or not decision.by:
        raise UsageError(f"a decision is one of {', '.join(VERDICTS)}, and says by whom")
    alert = next((a for a in hours.book.all() if a.id == decision.alert), None)
    if alert is None:
        raise InputError(f"there is no alert {decision.alert!r}")
    if decision.verdict == "new normal":
        _accept(hours, alert)
    hours.decisions.append(decision)


def _accept(hours: Hours, alert: Alert) -> None:
    if alert.detector == "declared":
        raise InputError("a declared tolerance is changed in the file that declares it")
    if alert.detector == "novelty":
        hours.novelty.accept(hours.learned.rare.index(alert.series), alert.value)
        return
    j, normal = hours.watch.names.index(alert.series), hours.watch.normal
    since = [
        y[j] - normal.season[phase, j]
        for hour, phase, y in hours.recent
        if normal is not None and hour * 3600 >= alert.start and np.isfinite(y[j])
    ]
    if len(since) < _LEAST:
        raise InputError(
            f"a new normal of {alert.series!r} is read off {_LEAST} hours at least: decide later"
        )
    hours.watch.accept(j, float(np.median(since)))
