"""What the store of a monitor says, for the checks about a running service."""

from __future__ import annotations

import datetime
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

from modelward.checks._base import CheckNotGiven, CheckSkipped
from modelward.checks._live import SURE, live_findings, ratio
from modelward.monitoring import Standing, read_standing

if TYPE_CHECKING:
    from modelward.checks._scope import Scope
    from modelward.findings import Finding, Verdict
    from modelward.monitoring import Cause, Move

LEAST_HOURS = 168
"""Judged hours below which silence says nothing."""
STALE_DAYS = 31
"""A store whose newest hour is older says nothing of today."""
_MOST_DROPPED = 0.01
_KEPT = "what the store says"
_LOCK = Lock()
NO_STORE = (
    "no running service was looked at: add --store STORE, the file that a monitor is kept in (`modelward monitor FILE "
    "--time COL --kpi COL --store STORE` makes one of past traffic)"
)


def standing_of(scope: Scope) -> Standing:
    """Return what the store says, which is read once.

    Raises
    ------
    CheckNotGiven
        If no store was given.
    CheckSkipped
        If it holds no history or no judged hour.
    """
    if scope.store is None:
        raise CheckNotGiven(NO_STORE)
    with _LOCK:
        if _KEPT not in scope.options:
            scope.options[_KEPT] = read_standing(scope.store)
    standing: Standing = scope.options[_KEPT]
    if not standing.sufficient:
        raise CheckSkipped(f"the monitor in --store has {standing.promise}: let it learn from eight weeks")
    if not standing.windows:
        raise CheckSkipped("the monitor in --store has judged no hour yet: wait, or replay traffic into it")
    return standing


def told_by(scope: Scope) -> tuple[Finding, ...]:
    """Return what open alerts about tolerances, business figures and attacks give, if a store was read.

    A figure's alert below twice its threshold warns: one in four weeks may be a false one.
    """
    standing: Standing | None = scope.options.get(_KEPT)
    if standing is None:
        return ()
    causes = causes_of(standing)
    attacks = {key for key, cause in causes.items() if cause.name == "attack-like"}
    found = []
    for column in dict.fromkeys(a.column for a in standing.open_alerts):
        group = [
            a
            for a in standing.open_alerts
            if a.column == column and (a.detector == "declared" or a.kind == "kpi" or a.id in attacks)
        ]
        sure = any(a.detector == "declared" or ratio(a) >= SURE for a in group)
        verdict: Verdict = "fail" if sure else "warn"
        told = live_findings(group, sufficient=True, promise="", causes=causes)
        # What else left its normal is MW142's.
        found += [replace(f, verdict=verdict) for f in told if f.code != "MW146"]
    return tuple(found)


def causes_of(standing: Standing) -> dict[str, Cause]:
    """Return what the open alerts look like, by their ids."""
    return standing.causes(standing.open_alerts, standing.windows)


def why_open(standing: Standing, today: datetime.datetime | None = None) -> str:
    """Return why silence of a monitor proves nothing; empty if it does."""
    judged = standing.judged
    now = (today or datetime.datetime.now(datetime.UTC)).timestamp()
    reasons = []
    if judged.hours < LEAST_HOURS:
        reasons.append(f"only {judged.hours} hours were judged, under a week")
    if (old := (now / 3600 - judged.last) / 24) > STALE_DAYS:
        reasons.append(f"the newest hour that was judged is {old:,.0f} days old")
    if judged.dropped > _MOST_DROPPED * max(judged.rows, 1):
        reasons.append(f"{judged.dropped:,} rows or figures were never taken in")
    return "; ".join(reasons)


def since(hour: int) -> str:
    """Return an hour since 1970 as a time."""
    return f"{datetime.datetime.fromtimestamp(hour * 3600, datetime.UTC):%Y-%m-%d %H:%M} UTC"


def span_of(standing: Standing) -> str:
    """Return which hours the figures are of."""
    judged = standing.judged
    return f"{judged.hours:,} hours up to {since(judged.last)}"


def told(move: Move) -> str:
    """Return a move in words, with its interval."""
    low, high = move.interval(0.95)
    return f"{move.series} {move.value:+.1%} [{low:+.1%}, {high:+.1%}] ({move.usual:.4g} to {move.now:.4g})"
