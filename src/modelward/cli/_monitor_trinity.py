"""Inputs, answers and figures of a replay together: what moved first, what follows what, and how often it was right."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.findings import Table
from modelward.reports import Section, TimeLine

if TYPE_CHECKING:
    from modelward.monitoring import Performance, Replay

HOUR = 3600
_MOST = 12
_LEAST_LABELS = 20


def together(found: Replay) -> Section | None:
    """Return the section on what moved first, and which series follow each other; None where neither says anything."""
    monitor, windows = found.monitor, found.windows
    if not windows or not monitor.sufficient:
        return None
    tables = []
    rows = tuple(
        (
            _minute(incident.alerts[0].start),
            len(incident.alerts),
            incident.order,
        )
        for incident in monitor.incidents([a for a in found.alerts if not a.explained], windows)
    )
    if rows:
        tables.append(
            Table("What moved first in each incident", ("from (UTC)", "alerts", "in order"), rows[:_MOST])
        )
    held = monitor.leads(windows)[:_MOST]
    if held:
        tables.append(
            Table(
                "What follows what, season and level taken out",
                ("first", "then", "hours later", "correlation", "p of all pairs and lags"),
                tuple(
                    (lead.leader, lead.follower, lead.lag, round(lead.r, 3), float(f"{lead.p:.1g}"))
                    for lead in held
                ),
            )
        )
    if not tables:
        return None
    lead = (
        "Traffic, inputs, answers and figures on one axis of time. Who moves first is not proven to be the cause; what "
        "moves later is not."
    )
    return Section("What moved first", lead, tables=tuple(tables))


def performance_line(found: Replay) -> tuple[TimeLine, ...]:
    """Return the estimated performance with its interval, and the counted one by day where labels came."""
    held = found.monitor.performance()
    if not held:
        return ()
    start, hours = found.replayed.first, found.replayed.hours
    grid = np.full((3, hours), np.nan)
    for p in held:
        if 0 <= p.hour - start < hours:
            grid[:, p.hour - start] = p.estimate, p.low, p.high
    value, low, high = (tuple(v.tolist()) for v in grid)
    lines = [
        TimeLine(
            "right, estimated without labels (band: 95 %)",
            start * HOUR,
            HOUR,
            value,
            low,
            high,
            (),
            percent=True,
        )
    ]
    counted = _by_day(held, start, hours)
    if np.isfinite(counted[0]).any():
        value, low, high = (tuple(v.tolist()) for v in counted)
        lines.append(
            TimeLine(
                "right, counted by day where labels came (band: 95 %)", start * HOUR, HOUR, value, low, high, (),
                percent=True,
            )
        )  # fmt: skip
    return tuple(lines)


def performance_facts(found: Replay) -> list[tuple[str, str]]:
    """Return how often answers were right: in the reference, estimated since, and counted since."""
    held, learned = found.monitor.performance(), found.monitor.accuracy
    if learned is None:
        return []
    low, high = learned.interval(0.95)
    shown = f"{learned.value:.2%} [{low:.2%}, {high:.2%}] of {learned.n:,} labelled answers"
    facts = [("right in the reference", shown)]
    answers = sum(p.answers for p in held if np.isfinite(p.estimate))
    if answers:
        mean = sum(p.answers * p.estimate for p in held if np.isfinite(p.estimate)) / answers
        facts.append(("right since, estimated without labels", f"{mean:.2%} of {answers:,} answers"))
    right, labels = sum(p.right for p in held), sum(p.labels for p in held)
    if labels:
        from modelward.stats import Proportion

        low, high = Proportion(right, labels).interval(0.95)
        facts.append(
            (
                "right since, counted",
                f"{right / labels:.2%} [{low:.2%}, {high:.2%}] of {labels:,} labelled answers",
            )
        )
    return facts


def performance_data(found: Replay) -> list[dict[str, Any]]:
    """Return the hours for JSON."""
    return [
        {
            "hour": f"{datetime.fromtimestamp(p.hour * HOUR, UTC):%Y-%m-%dT%H:%M:%SZ}", "answers": p.answers,
            "estimate": _number(p.estimate), "low": _number(p.low), "high": _number(p.high), "right": p.right,
            "labels": p.labels,
        }
        for p in found.monitor.performance()
    ]  # fmt: skip


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _by_day(
    held: tuple[Performance, ...], start: int, hours: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    from modelward.stats import Proportion

    grid = np.full((3, hours), np.nan)
    days: dict[int, list[int]] = {}
    for p in held:
        total = days.setdefault(p.hour // 24, [0, 0])
        total[0] += p.right
        total[1] += p.labels
    for day, (right, labels) in days.items():
        if labels >= _LEAST_LABELS:
            share = Proportion(right, labels)
            begin = max(0, day * 24 - start)
            grid[:, begin : max(0, day * 24 + 24 - start)] = np.array([share.value, *share.interval(0.95)])[
                :, None
            ]
    return grid


def _minute(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"
