"""A replay as a page and as data: the alerts first, then the time lines that they stand on."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward._version import __version__
from modelward.checks import live_findings
from modelward.cli._monitor_trinity import performance_data, performance_facts, performance_line, together
from modelward.findings import SEVERITIES, Table
from modelward.reports import Mark, Page, Section, TimeLine

if TYPE_CHECKING:
    from modelward.findings import Finding
    from modelward.monitoring import Alert, Cause, Replay, Span

HOUR = 3600
_MOST_LINES = 12
_KINDS = {
    "fast": "a jump", "slow": "hour after hour", "reference": "crept away", "novelty": "rare or new",
    "declared": "beyond what is declared",
}  # fmt: skip
_CALM = "Every hour was like the weeks that were learned from, as far as the promise below goes."
_THIN = (
    "Most days have under 20 rows: shares, means and spreads were not watched, only the number of rows, business "
    "figures, and values that are rare or new."
)
_FOOT = (
    (
        "The blue band is where an hour may lie: season by hour and weekday, level, and the memory of the hours "
        "before, all learned from the reference, as far as the detector of jumps is silent. The black line is what was "
        "measured; where there are more hours than places, a grey shadow shows its reach. Red marks are alerts."
    ),
    (
        "Three detectors share one budget over all columns: jumps, moves that hours add up to, and a level that crept "
        "away from the one that was learned. Their thresholds come from replaying weeks of the reference that had not "
        "been learned from. Rare and new values are counted against their own rates."
    ),
    (
        "An alert says that something is unlike the weeks before, not why. Stretches with under 20 rows have no "
        "shares and moments. Nothing that fewer than ten rows of the reference have is named."
    ),
)


def findings_of(found: Replay) -> tuple[Finding, ...]:
    """Return what the replay found."""
    watch, causes = found.monitor, found.causes
    return live_findings(found.alerts, sufficient=watch.sufficient, promise=watch.promise, causes=causes)


def complete(found: Replay) -> bool:
    """Say whether every row was judged, and by more than what is rare or new in it."""
    lost = any("no time" in note for note in found.notes)
    return found.monitor.sufficient and not found.monitor.dropped and not lost and not found.thin


def exit_code(found: Replay, fail_on: str) -> int:
    """Return 1 for a failure that gates, 3 for what was not judged, else 0."""
    least = SEVERITIES.index(fail_on) if fail_on != "never" else len(SEVERITIES)
    if any(f.verdict == "fail" and SEVERITIES.index(f.severity) >= least for f in findings_of(found)):
        return 1
    return 0 if complete(found) else 3


def document_of(found: Replay) -> dict[str, Any]:
    """Return the JSON contract, version 1; figures that are no number are null."""
    watch = found.monitor
    causes = found.causes
    return {
        "schema_version": 1, "modelward": __version__, "complete": complete(found),
        "promise": watch.promise, "learned": _span(found.learned), "replayed": _span(found.replayed),
        "series": len(watch.series), "left_out": list(watch.left_out), "dropped": dict(watch.dropped),
        "notes": list(found.notes), "alerts": [_alert(a, causes[a.id], _near(found, a)) for a in found.alerts],
        "performance": performance_data(found),
        "findings": [
            {"code": f.code, "failure_mode": f.number, "title": f.title, "verdict": f.verdict,
             "severity": f.severity, "summary": f.summary}
            for f in findings_of(found)
        ],
    }  # fmt: skip


def _span(span: Span) -> dict[str, Any]:
    return {
        "rows": span.rows, "hours": span.hours, "first": _iso(span.first * HOUR), "last": _iso(span.last * HOUR)
    }  # fmt: skip


def _alert(alert: Alert, cause: Cause, near: str | None) -> dict[str, Any]:
    figures = {name: getattr(alert, name) for name in ("score", "threshold", "value", "expected")}
    return {
        "id": alert.id, "series": alert.series, "column": alert.column, "kind": alert.kind,
        "detector": alert.detector, "start": _iso(alert.start), "end": _iso(alert.end), "hours": alert.hours,
        "event": alert.event, "explained": alert.explained, "event_near": near, "named": alert.named,
        "cause": {"name": cause.name, "confidence": round(cause.confidence, 3), "likeliest": cause.likeliest,
                  "why": list(cause.why)},
        **{name: value if math.isfinite(value) else None for name, value in figures.items()},
    }  # fmt: skip


def _near(found: Replay, alert: Alert) -> str | None:
    near = found.monitor.suggestion(alert)
    return near.words if near else None


def _iso(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _minute(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"


def page_of(found: Replay, name: str, code: int) -> Page:
    """Return the page about a replay."""
    alerts = [a for a in found.alerts if not a.explained]
    columns = {a.column for a in alerts}
    weeks = found.replayed.hours / 168
    where = f"{len(columns)} column{'s' if len(columns) > 1 else ''}"
    if not found.monitor.sufficient and not alerts:
        headline, alarm, calm = (
            "Nothing could be judged.",
            found.monitor.promise[:1].upper() + found.monitor.promise[1:] + ".",
            "",
        )
    elif alerts:
        explained = len(found.alerts) - len(alerts)
        headline = f"{len(alerts)} alert{'s' if len(alerts) > 1 else ''} in {where} within {weeks:.1f} weeks."
        headline += f" {explained} more are explained by events." if explained else ""
        alarm, calm = f"First: {_minute(alerts[0].start)}, {alerts[0].words}.", ""
    else:
        headline = f"No alert within {weeks:.1f} weeks."
        calm = "" if found.thin else _CALM
        alarm = _THIN if found.thin else ""
    trinity = together(found)
    sections = [
        _lines(found),
        *([_alerts(found)] if found.alerts else []),
        *([trinity] if trinity else []),
        _basis(found),
        _sees(found),
    ]
    return Page(
        title=name, headline=headline, alarm=alarm, calm=calm, sections=tuple(sections), findings=findings_of(found),
        exit_code=code, version=__version__, foot=_FOOT, brand="traffic, replayed hour by hour",
        closing=f"Replayed hour by hour; times are UTC.{_exit(found, code)}",
    )  # fmt: skip


def _exit(found: Replay, code: int) -> str:
    """Say why alerts do not gate, where they do not: exit code 0 is no quiet."""
    failed = [f for f in findings_of(found) if f.verdict == "fail"]
    if not failed or code == 1:
        return ""
    return (
        f" Exit code {code} does not mean that it was quiet: {len(failed)} findings are of {failed[0].severity} "
        "severity, below --fail-on; --fail-on medium gates on them."
    )


def _alerts(found: Replay) -> Section:
    head = (
        "first hour (UTC)",
        "hours",
        "what",
        "measured",
        "expected",
        "how",
        "score",
        "threshold",
        "looks like",
        "event",
    )
    causes = found.causes
    rows = tuple(
        (
            _minute(a.start), a.hours, a.what, *_figures(a), _KINDS[a.detector], round(a.score, 1),
            round(a.threshold, 1), _cause(causes[a.id]), _event(found, a),
        )
        for a in found.alerts
    )  # fmt: skip
    return Section("Alerts", "One line for each series and detector, from its first hour to its last.",
                   tables=(Table("Alerts", head, rows),))  # fmt: skip


def _cause(cause: Cause) -> str:
    return (
        f"{cause.name} ({cause.likeliest}?)"
        if cause.name == "unknown"
        else f"{cause.name}, {cause.confidence:.0%}"
    )


def _event(found: Replay, alert: Alert) -> str:
    if alert.explained:
        return f"explained by {alert.event}"
    near = found.monitor.suggestion(alert)
    return near.words if near else "–"


def _figures(alert: Alert) -> tuple[str, str]:
    percent = alert.kind in ("share", "count")
    value, expected = (f"{100 * v:.3g} %" if percent else f"{v:.4g}" for v in (alert.value, alert.expected))
    return value, expected


def _basis(found: Replay) -> Section:
    watch, learned, replayed = found.monitor, found.learned, found.replayed
    facts = [
        ("promise", watch.promise),
        ("learned from", f"{learned.rows:,} rows, {_minute(learned.first * HOUR)} to {_minute(learned.last * HOUR)}"),
        ("replayed", f"{replayed.rows:,} rows, {_minute(replayed.first * HOUR)} to {_minute(replayed.last * HOUR)}"),
        ("series watched", f"{len(watch.series):,}"),
        ("plain 3σ bands beside it", _plain(found)),
    ]  # fmt: skip
    if watch.left_out:
        why = "they never move, are mostly missing, or most stretches have under 20 rows"
        facts.append(("cannot be watched", f"{', '.join(watch.left_out[:12])}: {why}"))
    if found.thin:
        facts.append(("thin traffic", _THIN))
    facts += performance_facts(found)
    facts += [("not judged", f"{count:,} × {reason}") for reason, count in sorted(watch.dropped.items())]
    facts += [("note", note) for note in found.notes]
    return Section("What stands behind it", facts=tuple(facts))


def _plain(found: Replay) -> str:
    rate = found.monitor.plain_alarms
    if math.isnan(rate):
        return "too few weeks to count their false alarms"
    return f"over the same series they would have alarmed {rate:,.0f} times in 30 days of the last held-out weeks"


def _sees(found: Replay) -> Section:
    rows = tuple(
        (name, *(f"{100 * v:.3g} %" if found.monitor.kind(name) == "share" else f"{v:.4g}" for v in values))
        for name, values in found.monitor.smallest().items()
    )
    head = ("series", "usual", "a jump from here down", "a jump from here up")
    return Section("The smallest jump that it sees", "At the median hour of the week; hours of much noise need more.",
                   tables=(Table("Within one hour", head, rows),), folded=True)  # fmt: skip


def _lines(found: Replay) -> Section:
    names = list(found.monitor.series)
    size: dict[str, float] = {}
    for a in found.alerts:
        size[a.series] = max(size.get(a.series, 0.0), abs(a.score) / a.threshold)
    loud = sorted(size, key=lambda name: -size[name])
    answers = [n for n in names if found.monitor.role(n) == "answer" and found.monitor.kind(n) == "mean"]
    first = [n for n in ("rows", *answers, *found.monitor.kpis) if n in names]
    shown = list(dict.fromkeys([*first, *(n for n in loud if n in names)]))[: _MOST_LINES + len(first)]
    lines = tuple(_line(found, names.index(name), name) for name in shown) if found.windows else ()
    lines = (*lines[: len(first)], *performance_line(found), *lines[len(first) :])
    hidden = len([n for n in loud if n in names and n not in shown])
    rare = len([n for n in loud if n not in names])
    lead = (
        "Traffic, answers, business figures and how often answers were right; then the series with alerts, the loudest "
        "first. Times are UTC."
    )
    if hidden:
        lead += f" {hidden} more series with alerts are in the table only."
    if rare:
        lead += f" {rare} rare or new value{'s' if rare > 1 else ''} with alerts have no line: see the table."
    return Section("Time lines", lead, lines=lines)


def _line(found: Replay, j: int, name: str) -> TimeLine:
    start, hours = found.replayed.first, found.replayed.hours
    held = np.full((3, hours), np.nan)
    for window in found.windows:
        if 0 <= window.hour - start < hours:
            held[:, window.hour - start] = window.value[j], window.low[j], window.high[j]
    marks = tuple(
        Mark(a.start, a.end + HOUR, f"{_minute(a.start)}: {a.words}")
        for a in found.alerts
        if a.series == name
    )
    marks += _events(found, name)
    value, low, high = (tuple(v.tolist()) for v in held)
    kind = found.monitor.kind(name)
    return TimeLine(name, start * HOUR, HOUR, value, low, high, marks, percent=kind == "share")


def _events(found: Replay, name: str) -> tuple[Mark, ...]:
    """Return the stretches in which an event may move a series."""
    start, out = found.replayed.first, []
    column = found.monitor.column(name)
    for event in found.monitor.events:
        if not event.touches(column):
            continue
        begin: int | None = None
        for hour in range(start, found.replayed.last + 2):
            on = event.at(hour) is not None and hour <= found.replayed.last
            if on and begin is None:
                begin = hour
            elif not on and begin is not None:
                out.append(Mark(begin * HOUR, hour * HOUR, event.name, "event"))
                begin = None
    return tuple(out[:200])
