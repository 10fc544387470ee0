"""The seventeen rows as a reader meets them: one state, one decisive figure, worst first."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelward.findings import SEVERITIES
from modelward.reports._text import clean, figure

if TYPE_CHECKING:
    from modelward.findings import Coverage, FailOn, Finding, Measure, Report

_OUTSIDE = re.compile(r"((MW\d{3}: )?outside the declared exposure[^;]*(; |$))+")
"""The reason of a row none of whose checks the declared exposure includes."""


@dataclass(frozen=True, slots=True)
class State:
    """A verdict or a status as it is shown: never by colour alone."""

    key: str
    word: str
    mark: str
    ascii: str
    style: str
    meaning: str


STATES = {
    state.key: state
    for state in (
        State("fail", "fail", "✖", "X", "bold white on red", "proven beyond its limit"),
        State("inconclusive", "inconclusive", "?", "?", "bold magenta", "not decided: no pass, no fail"),
        State("error", "error", "‼", "E", "bold red", "the check crashed: not checked"),
        State("skipped", "skipped", "»", ">", "magenta", "not finished: not checked"),
        State("warn", "warn", "▲", "!", "bold yellow", "proven beyond the limit that warns"),
        State("measured", "measured", "◆", "*", "cyan", "an exposure for which no limit is set"),
        State("pass", "pass", "✔", "+", "green", "proven on the right side of its limit"),
        State("ignored", "ignored", "◌", "~", "dim", "ignored by the configuration, with a reason"),
        State("not_given", "not checked", "○", "o", "dim", "something it needs was not given"),
        State("not_applicable", "not applicable", "–", "-", "dim", "says nothing about this model"),
    )
}
"""Every state, worst first."""

_RANK = {key: rank for rank, key in enumerate(STATES)}
_OPEN = frozenset({"fail", "inconclusive", "warn"})


@dataclass(frozen=True, slots=True)
class Row:
    """One of the seventeen rows.

    `lead` is the finding that decides the row's state, None where nothing was checked; `said` is its decisive
    figure, or the reason why there is none.
    """

    number: int
    name: str
    state: State
    severity: str
    said: str
    what: str
    measure: Measure | None
    lead: Finding | None
    findings: tuple[Finding, ...]
    coverage: Coverage
    outside: bool
    note: str

    @property
    def anchor(self) -> str:
        """The id of the row's section."""
        return f"row-{self.number}"


def decisive(finding: Finding) -> Measure | None:
    """Return the one figure that carries a finding's verdict: the furthest beyond its limit."""
    if not finding.measures:
        return None
    same = [m for m in finding.measures if m.verdict == finding.verdict]
    if not same:
        same = [m for m in finding.measures if m.limit is not None or m.warn is not None]
    return min(same or finding.measures, key=lambda m: -excess(m))


def excess(measure: Measure) -> float:
    """Return how far beyond its limit a figure is, as a share of the limit; −inf without a limit."""
    limit = measure.limit if measure.limit is not None else measure.warn
    if limit is None or math.isnan(measure.value):
        return -math.inf
    beyond = measure.value - limit if measure.worse == "higher" else limit - measure.value
    return beyond / (abs(limit) or 1.0)


def sort_findings(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return findings worst first; what is ignored stands behind what still counts, before what is in order."""

    def key(finding: Finding) -> tuple[int, int, int, str]:
        place = 1 if finding.ignored is not None else (0 if finding.verdict in _OPEN else 2)
        return place, _RANK[finding.verdict], -SEVERITIES.index(finding.severity), finding.code

    return tuple(sorted(findings, key=key))


def rows(report: Report) -> tuple[Row, ...]:
    """Return the seventeen rows: those that the declared exposure includes first, worst first in each part."""
    made = [
        _row(line, sort_findings(tuple(f for f in report.findings if f.number == line.number)))
        for line in report.coverage
    ]
    return tuple(
        sorted(
            made,
            key=lambda r: (
                r.outside,
                _RANK[r.state.key],
                -SEVERITIES.index(r.lead.severity) if r.lead else 0,
                r.number,
            ),
        )
    )


def _row(line: Coverage, findings: tuple[Finding, ...]) -> Row:
    outside = line.status == "not_applicable" and _OUTSIDE.fullmatch(line.reason) is not None
    name = clean(line.failure_mode, 120)
    reason = clean(line.reason, 600)
    if not findings:
        state = STATES["inconclusive" if line.status == "checked" else line.status]
        said = reason or ("checked, but nothing was reported" if line.status == "checked" else state.meaning)
        return Row(line.number, name, state, "", said, "", None, None, (), line, outside, "")
    lead = findings[0]
    measure = decisive(lead)
    state = STATES["ignored"] if lead.ignored is not None else STATES[lead.verdict]
    if line.status in ("skipped", "error") and _RANK[line.status] < _RANK[state.key]:
        state = STATES[line.status]
    said = figure(measure) if measure is not None else clean(lead.summary, 300)
    notes = []
    if lead.ignored is not None:
        notes.append(
            f"{lead.verdict}, ignored until {clean(lead.ignored.until, 40)}: {clean(lead.ignored.reason, 120)}"
        )
    elif hidden := sum(f.ignored is not None for f in findings):
        notes.append(f"{hidden} more ignored")
    if reason:  # a row may be checked in part: what was left out stays in sight
        notes.append(reason)
    return Row(
        line.number, name, state, lead.severity, said, clean(measure.name, 120) if measure else "",
        measure, lead, findings, line, outside, "; ".join(notes),
    )  # fmt: skip


def tally(shown: tuple[Row, ...]) -> list[tuple[State, int]]:
    """Return how many rows are in each state, worst first."""
    counts = Counter(row.state.key for row in shown)
    return [(state, counts[key]) for key, state in STATES.items() if counts[key]]


def model_name(report: Report) -> str:
    """Return what the model under test is called."""
    for key in ("name", "path", "model", "url"):
        if report.subject.get(key):
            return clean(report.subject[key], 160)
    return "the model"


def exit_reason(report: Report, fail_on: FailOn = "high") -> str:
    """Say in a sentence what the process exits with, and why."""
    code = report.exit_code(fail_on)
    bar = "" if fail_on == "never" else f" at severity {fail_on} or over"
    counting = [
        f
        for f in report.findings
        if f.ignored is None
        and fail_on != "never"
        and SEVERITIES.index(f.severity) >= SEVERITIES.index(fail_on)
    ]
    if code == 1:
        codes = _listed([f.code for f in counting if f.verdict == "fail"])
        return f"exit 1: fail{bar}: {codes}"
    if code == 3:
        why = []
        if undecided := [f.code for f in counting if f.verdict == "inconclusive"]:
            why.append(f"inconclusive{bar}: {_listed(undecided)}")
        stuck = {s: [str(c.number) for c in report.coverage if c.status == s] for s in ("error", "skipped")}
        why += [f"{status}: row {_listed(numbers)}" for status, numbers in stuck.items() if numbers]
        return "exit 3: ran, but " + "; ".join(why)
    return f"exit 0: no fail and nothing open{bar}" if bar else "exit 0: verdicts do not gate"


def _listed(codes: list[str], most: int = 6) -> str:
    more = f" and {len(codes) - most} more" if len(codes) > most else ""
    return ", ".join(clean(c, 40) for c in codes[:most]) + more
