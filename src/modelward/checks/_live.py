"""Alerts of a monitor as findings: one for each column, figure, or the traffic as a whole."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from modelward.checks._elsewhere import elsewhere
from modelward.findings import Finding
from modelward.taxonomy import mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.findings import Verdict
    from modelward.monitoring import Alert


def live_findings(alerts: Sequence[Alert], *, sufficient: bool, promise: str) -> tuple[Finding, ...]:
    """Return the findings that alerts give, but those that an event explains.

    Without history enough one is inconclusive; tolerances that a person declared alarm all the same.

    Parameters
    ----------
    alerts : sequence of Alert
    sufficient : bool
        Whether there was history enough to alarm at all.
    promise : str
        Of the monitor.
    """
    unjudged = () if sufficient else (_finding("MW146", "inconclusive", f"Nothing was learned: {promise}."),)
    held: dict[tuple[str, str], list[Alert]] = {}
    for alert in alerts:
        if alert.explained:
            continue
        code = "MW147" if alert.detector == "declared" else "MW132" if alert.kind == "kpi" else "MW146"
        held.setdefault((code, alert.column), []).append(alert)
    return unjudged + tuple(
        _finding(code, "fail", _said(column, group)) for (code, column), group in held.items()
    )


def _said(column: str, alerts: list[Alert]) -> str:
    worst = max(alerts, key=lambda a: abs(a.score) / max(a.threshold, 1e-9))
    count = f"{len(alerts)} alerts" if len(alerts) > 1 else "1 alert"
    since = f"{datetime.fromtimestamp(alerts[0].start, UTC):%Y-%m-%d %H:%M}"
    return f"{column or 'The number of rows'}: {count} from {since} on; the largest: {worst.words}."


def _finding(code: str, verdict: Verdict, summary: str) -> Finding:
    kind = elsewhere(code)
    return Finding(code, kind.number, mode(kind.number).name, kind.title, verdict, kind.severity, summary)
