"""Causes: incidents with the signs of one cause are called that, and those without strong signs nothing."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from modelward.checks import live_findings
from modelward.monitoring import CAUSES, Alert, Cause
from modelward.monitoring._cause import SURE, cause_of, causes_of
from modelward.monitoring._trinity import Incident

LEARNED: Any = SimpleNamespace(kpis=("sales",), rows=10_000, hours=100)


def alert(
    series: str, kind: str, value: float, expected: float, detector: str = "fast", **more: Any
) -> Alert:
    column = series.split(":")[0] if ":" in series else ("" if series == "rows" else series)
    hours = more.pop("hours", 1)
    ratio = more.pop("ratio", 3.0)
    sign = 1 if value >= expected else -1
    return Alert(
        series, column, kind, detector, 0, (hours - 1) * 3600, hours, sign * ratio * 5.0, 5.0, value, expected, **more
    )  # fmt: skip


CASES = {
    "nulls": ("pipeline fault", [alert("a: missing", "share", 0.3, 0.0)]),
    "frozen": ("pipeline fault", [alert("a: spread", "spread", 1e-9, 1.0), alert("a: 0 to 1", "share", 1.0, 0.1)]),
    "unit": ("pipeline fault", [alert("a: spread", "spread", 10.1, 1.0), alert("a: mean", "mean", 10.0, 1.0)]),
    "unit, smaller": (
        "pipeline fault",
        [alert(f"a: {k} to {k + 1}", "share", 0.0, 0.06) for k in range(4)] + [alert("a: 0 to 1", "share", 0.5, 0.06)],
    ),
    "unit, heavy tail": (
        "pipeline fault",
        [alert(f"a: {k} to {k + 1}", "share", 0.0, 0.06, "slow") for k in range(6)]
        + [
            alert("a: 6 to 7", "share", 0.8, 0.06), alert("a: above 7", "count", 0.016, 0.0, "novelty"),
            alert("a: outside the schema", "count", 0.016, 0.0, "novelty"), alert("a: mean", "mean", 1121.0, 91.0),
        ],
    ),
    "frozen, to the last bit": (
        "pipeline fault",
        [alert("a: spread", "spread", 0.0, 1.0), alert("a: 0 to 1", "share", 1.0, 0.1), alert("a: mean", "mean", 0.0, 1.0)],
    ),
    "unit, few rows an hour": (
        "pipeline fault",
        [
            alert("a: 6 to 7", "share", 0.7, 0.06), alert("a: outside the schema", "count", 0.11, 0.0, "novelty"),
            alert("a: mean", "mean", 1020.0, 96.0, "slow"),
        ],
    ),
    "outage": ("pipeline fault", [alert("rows", "rows", 0.0, 100.0)]),
    "renamed": ("pipeline fault", [alert("p: never seen", "count", 1.0, 0.0, "novelty")]),
    "token": ("attack-like", [alert("p: never seen", "count", 0.02, 0.0, "novelty")]),
    "999": ("attack-like", [alert("a: above 9", "count", 0.03, 1e-4, "novelty"), alert("a: mean", "mean", 30.0, 1.0)]),
    "trigger": (
        "attack-like",
        [alert("a: 0 to 1", "share", 0.11, 0.06), alert("b: 2 to 3", "share", 0.10, 0.06)],
    ),
    "same rows again": (
        "attack-like",
        [alert(f"{c}: one repeated value", "share", 0.05, 0.01) for c in "ab"] + [alert("a: 0 to 1", "share", 0.11, 0.06)],
    ),
    "one value again": ("unknown", [alert("a: one repeated value", "share", 0.05, 0.01)]),
    "creep": (
        "drift",
        [alert("a: mean", "mean", 1.3, 1.0, "slow", hours=40), alert("a: 1 to 2", "share", 0.2, 0.1, "slow")],
    ),
    "sale": (
        "event",
        [
            alert("rows", "rows", 200.0, 100.0, event="sale"),
            alert("a: mean", "mean", 2.0, 1.0, event="sale"),
            alert("b: mean", "mean", 2.0, 1.0, event="sale"),
        ],
    ),
    "rows twice": (
        "pipeline fault",
        [
            alert("rows", "rows", 200.0, 100.0, ratio=1.1),
            alert("a: above 9", "count", 0.02, 0.001, "novelty", ratio=1.1),
            alert("p: never seen", "count", 0.02, 0.001, "novelty", ratio=1.1),
        ],
    ),
    "one mean": ("unknown", [alert("a: mean", "mean", 1.3, 1.0)]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_textbook_incidents_are_called_by_their_name(name: str) -> None:
    expected, alerts = CASES[name]
    cause = cause_of(Incident(tuple(alerts), {}), LEARNED)
    assert cause.name == expected, cause
    assert 0 < cause.confidence <= 1
    assert (cause.name == "unknown") == (cause.confidence <= SURE)
    if expected != "unknown":
        assert cause.why
        assert cause.likeliest == cause.name
    assert cause.name in CAUSES


def test_what_events_explain_is_an_event_and_no_finding() -> None:
    held = alert("rows", "rows", 200.0, 100.0, event="sale", explained=True)
    cause = cause_of(Incident((held,), {}), LEARNED)
    assert (cause.name, cause.confidence) == ("event", 1.0)
    assert live_findings([held], sufficient=True, promise="", causes={held.id: cause}) == ()


def test_signs_of_two_causes_make_no_claim() -> None:
    _, token = CASES["token"]
    _, nulls = CASES["nulls"]
    cause = cause_of(Incident((*token, *nulls), {}), LEARNED)
    assert cause.confidence < 0.8


def test_a_fault_elsewhere_does_not_hide_an_attack_that_began_at_another_hour() -> None:
    _, unit = CASES["unit, few rows an hour"]
    _, token = CASES["token"]
    later = replace(token[0], start=20 * 3600, end=22 * 3600)
    called = causes_of(Incident((*unit, later), {}), LEARNED)
    assert {called[a.id].name for a in unit} == {"pipeline fault"}
    assert called[later.id].name == "attack-like"
    # At the same hour it may as well be the fault's doing.
    called = causes_of(Incident((*unit, *token), {}), LEARNED)
    assert {c.name for c in called.values()} == {cause_of(Incident((*unit, *token), {}), LEARNED).name}


def test_only_a_strong_attack_is_of_high_severity() -> None:
    attack = Cause("attack-like", 0.9, "attack-like", ("few rows",))
    for ratio, code, severity in ((3.0, "MW148", "high"), (1.2, "MW146", "medium")):
        held = alert("p: never seen", "count", 0.02, 0.0, "novelty", ratio=ratio)
        (finding,) = live_findings([held], sufficient=True, promise="", causes={held.id: attack})
        assert (finding.code, finding.severity, finding.verdict) == (code, severity, "fail")
        assert "looks like an attack (90%): few rows" in finding.summary
    # What else the column does belongs to the same finding.
    strong = alert("p: never seen", "count", 0.02, 0.0, "novelty")
    other = alert("p: a", "share", 0.5, 0.6)
    (finding,) = live_findings([other, strong], sufficient=True, promise="", causes={strong.id: attack})
    assert "2 alerts" in finding.summary


def test_one_row_an_hour_says_nothing_of_how_many_are_new():
    """Of one row all are outside of the bins: neither most of a column nor few of its rows."""
    found = [
        alert("a: outside the schema", "count", 1.0, 0.0, "novelty"),
        alert("a: mean", "mean", 1.3, 1.0, "slow", hours=40),
    ]
    thin = SimpleNamespace(kpis=(), rows=100, hours=100)
    incident = Incident(tuple(found), {})
    assert cause_of(incident, LEARNED).name == "pipeline fault"
    assert cause_of(incident, thin).name != "pipeline fault"
    few = replace(found[0], value=0.02)
    assert cause_of(Incident((few,), {}), LEARNED).name == "attack-like"
