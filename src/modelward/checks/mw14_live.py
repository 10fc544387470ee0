"""Row 14 once more: what a running service was sent and answered, against what was normal for it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from modelward.checks._base import Check, Evidence
from modelward.checks._live import SURE, looks_like, ratio
from modelward.checks._service import causes_of, span_of, standing_of, why_open
from modelward.findings import Claim, Countermeasure, Limit, Table
from modelward.stats import Exact

if TYPE_CHECKING:
    from modelward.checks._scope import Scope
    from modelward.monitoring import Alert, Cause, Standing

_SHOWN = 15
_APART = 24 * 3600
"""Seconds of quiet that separate two incidents."""


class LiveTraffic(Check):
    """Alerts of a monitor that no event explains and nobody has decided on, over its last four weeks.

    One such alert in four weeks is within the monitor's budget of false ones, so an alert warns; one at twice its
    threshold, or more than five incidents, is beyond it.
    """

    code = "MW142"
    title = "Live traffic against what was normal"
    number = 14
    severity = "medium"
    needs_model = False
    limits = {"loudest open alert": Limit(warn=1.0, fail=SURE), "incidents": Limit(warn=0.0, fail=5.0)}
    references = (
        "Page 1954, Continuous inspection schemes",
        "Breck et al. 2017, The ML Test Score, section 5: monitoring tests",
    )

    def run(self, scope: Scope) -> Evidence:
        """Read the alerts of the store."""
        standing = standing_of(scope)
        found = [a for a in standing.open_alerts if a.kind != "kpi" and a.detector != "declared"]
        loud = sorted(found, key=lambda a: -ratio(a))
        incidents = count_incidents(found)
        told = f" The loudest: {loud[0].words}, from {_time(loud[0].start)} on." if loud else ""
        explained = sum(a.explained for a in standing.alerts)
        decided = len(standing.alerts) - explained - len(standing.open_alerts)
        told_incidents = f"{incidents} incident{'s' if incidents != 1 else ''}"
        return Evidence(
            f"Over {span_of(standing)}: {len(found)} alerts in {told_incidents} that no event explains and nobody has "
            f"decided on; {explained} explained by events, {decided} decided.{told} Promise: {standing.promise}.",
            claims=(
                Claim("loudest open alert", Exact(max(map(ratio, found), default=0.0), _hours(standing)),
                      "× its threshold"),
                Claim("incidents", Exact(float(incidents), _hours(standing)), "in four weeks"),
            ),
            tables=(_table(loud, causes_of(standing)),) if loud else (),
            countermeasures=(
                Countermeasure("Look at the series on one time axis: `modelward monitor FILE --time COL -o page.html`"),
                Countermeasure(
                    "Put a decision on record: only what is open is counted, and a new normal is followed from then on",
                    code='monitor = Monitor.resume("watch.db")\n'
                    'monitor.decide("3f2a…", "new normal", by="ada", note="new market since May")\n',
                ),
                Countermeasure("Declare known events, so that they are judged by what they did before"),
            ),
            unproven=why_open(standing),
        )  # fmt: skip


def count_incidents(alerts: list[Alert]) -> int:
    """Count the stretches of alerts that a day of quiet separates."""
    count, last = 0, float("-inf")
    for alert in sorted(alerts, key=lambda a: a.start):
        count += alert.start - last > _APART
        last = max(last, alert.end)
    return count


def _hours(standing: Standing) -> int:
    return standing.judged.hours


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"


def _table(loud: list[Alert], causes: dict[str, Cause]) -> Table:
    head = ("alert", "from (UTC)", "hours", "what", "× threshold", "cause", "event near")
    rows = tuple(
        (
            a.id,
            _time(a.start),
            a.hours,
            a.words,
            round(min(ratio(a), 1e6), 2),
            looks_like(causes.get(a.id)),
            a.event or "–",
        )
        for a in loud[:_SHOWN]
    )
    return Table("Open alerts, the loudest first", head, rows)


CHECKS: tuple[type[Check], ...] = (LiveTraffic,)
