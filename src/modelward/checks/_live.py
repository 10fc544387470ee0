"""Alerts of a monitor as findings: one for each column, figure, or the traffic as a whole."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from modelward.checks._elsewhere import elsewhere
from modelward.findings import Finding
from modelward.taxonomy import mode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelward.findings import Verdict
    from modelward.monitoring import Alert, Cause

SURE = 2.0
"""An alert at so many times its threshold is no matter of chance."""


def live_findings(
    alerts: Sequence[Alert], *, sufficient: bool, promise: str, causes: Mapping[str, Cause] | None = None
) -> tuple[Finding, ...]:
    """Return the findings that alerts give, but those that an event explains.

    Without history enough one is inconclusive; tolerances that a person declared alarm all the same. What looks like
    an attack, and is twice its threshold somewhere, is of high severity; other learned alerts are of medium.

    Parameters
    ----------
    alerts : sequence of Alert
    sufficient : bool
        Whether there was history enough to alarm at all.
    promise : str
        Of the monitor.
    causes : mapping of str to Cause, optional
        What the alerts look like, by their ids.
    """
    unjudged = () if sufficient else (_finding("MW146", "inconclusive", f"Nothing was learned: {promise}."),)
    causes = causes or {}
    held: dict[tuple[str, str], list[Alert]] = {}
    for alert in alerts:
        if not alert.explained:
            held.setdefault((_code(alert, causes.get(alert.id)), alert.column), []).append(alert)
    for (code, column), group in list(held.items()):
        # An attack is one finding with all that it moved in the column, and a weak one is no finding of its own.
        if code == "MW148":
            weak = max(ratio(a) for a in group) < SURE
            rest = "MW146", column
            if weak or rest in held:
                target, other = (rest, (code, column)) if weak else ((code, column), rest)
                held[target] = sorted(held.get(target, []) + held.pop(other), key=lambda a: a.start)
    return unjudged + tuple(
        _finding(code, "fail", _said(column, group, causes)) for (code, column), group in held.items()
    )


def ratio(alert: Alert) -> float:
    """Return how many times its threshold an alert is."""
    return abs(alert.score) / alert.threshold if alert.threshold > 0 else float("inf")


def looks_like(cause: Cause | None) -> str:
    """Return what alerts look like, in words; empty if nothing was asked."""
    if cause is None:
        return ""
    if cause.name == "unknown":
        return f"cause unknown (likeliest: {cause.likeliest}, {cause.confidence:.0%})"
    return f"looks like {_A[cause.name]} ({cause.confidence:.0%}): {'; '.join(cause.why[:2])}"


_A = {
    "pipeline fault": "a pipeline fault",
    "event": "an event",
    "drift": "drift",
    "attack-like": "an attack",
}


def _code(alert: Alert, cause: Cause | None) -> str:
    if alert.detector == "declared":
        return "MW147"
    if alert.kind == "kpi":
        return "MW132"
    return "MW148" if cause is not None and cause.name == "attack-like" else "MW146"


def _said(column: str, alerts: list[Alert], causes: Mapping[str, Cause]) -> str:
    worst = max(alerts, key=ratio)
    count = f"{len(alerts)} alerts" if len(alerts) > 1 else "1 alert"
    since = f"{datetime.fromtimestamp(alerts[0].start, UTC):%Y-%m-%d %H:%M}"
    cause = looks_like(causes.get(worst.id))
    more = f" It {cause}." if cause.startswith("looks") else f" {cause.capitalize()}." if cause else ""
    return f"{column or 'The number of rows'}: {count} from {since} on; the largest: {worst.words}.{more}"


def _finding(code: str, verdict: Verdict, summary: str) -> Finding:
    kind = elsewhere(code)
    return Finding(code, kind.number, mode(kind.number).name, kind.title, verdict, kind.severity, summary)
