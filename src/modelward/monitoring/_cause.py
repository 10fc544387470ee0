"""Cause: what an incident looks like, of what went wrong before in many services; it may say that it does not know.

Each sign gives points to a cause; the points become shares of belief (softmax), and below one half nothing is claimed.
Signs and points are written down here and measured in benchmarks/monitor_causes.md; nothing of it is learned from rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from modelward.monitoring._series import REPEATED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.monitoring._alerts import Alert
    from modelward.monitoring._learned import Learned
    from modelward.monitoring._trinity import Incident

CauseName = Literal["pipeline fault", "event", "drift", "attack-like", "unknown"]
CAUSES: tuple[CauseName, ...] = ("pipeline fault", "event", "drift", "attack-like", "unknown")
SURE = 0.5
_UNKNOWN = 1.0
_FACTORS = (2.54, 1.609344, 2.20462, 0.45359237, 0.3048, 3.28084, 60.0, 24.0, 1.8)
_FEW = 0.25
"""Crafted rows are few: a larger share is another world, or a fault."""
_EMPTY, _EMPTIED, _MOST = 3, 0.25, 0.4
"""Known bins that stand empty where a whole column moved, the share they had, or the share that one of them gained."""
_LEAST_ROWS = 3
"""Rows an hour, on average, under which no share of one hour says whether many or few of them are new."""
_APART = 6 * 3600
"""Seconds between the beginnings of two causes."""
_SURGE = 1.3
_MOST_POWER = 9.5
"""Units lie no further apart; beyond it something was constant before."""
_STEEP = 1.2
"""Units of a sum in an hour, of 2.75 at most."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What an incident looks like.

    Parameters
    ----------
    name : {"pipeline fault", "event", "drift", "attack-like", "unknown"}
        "unknown" where no sign is strong enough.
    confidence : float
        Share of belief, of the strongest cause also if it is not strong enough to be named.
    likeliest : str
        The strongest cause, named or not.
    why : tuple of str
        The signs for it, the strongest first.
    """

    name: CauseName
    confidence: float
    likeliest: CauseName
    why: tuple[str, ...]


class _Points:
    def __init__(self) -> None:
        self.held: dict[CauseName, dict[str, float]] = {c: {} for c in CAUSES}

    def add(self, cause: CauseName, points: float, sign: str) -> None:
        """Give points for a sign; the same sign in several columns counts once, at its most."""
        self.held[cause][sign] = max(points, self.held[cause].get(sign, 0.0))

    def cause(self) -> Cause:
        score = np.array([sum(self.held[c].values()) if c != "unknown" else _UNKNOWN for c in CAUSES])
        belief = np.exp(score - score.max())
        belief /= belief.sum()
        best = int(np.argmax(belief[:-1]))
        name = CAUSES[best]
        signs = self.held[name]
        why = tuple(sorted(signs, key=lambda sign: -signs[sign]))
        sure = belief[best] > SURE
        return Cause(name if sure else "unknown", float(belief[best]), name, why)


def cause_of(incident: Incident, learned: Learned) -> Cause:
    """Say what an incident looks like.

    Parameters
    ----------
    incident : Incident
    learned : Learned
        Of the monitor that raised its alerts.
    """
    alerts = incident.alerts
    if all(a.explained for a in alerts):
        name = alerts[0].event
        return Cause("event", 1.0, "event", (f"{name} explains every alert",))
    points = _Points()
    columns: dict[str, list[Alert]] = {}
    for alert in alerts:
        if not alert.explained:
            columns.setdefault(alert.column, []).append(alert)
    thin = learned.rows < _LEAST_ROWS * learned.hours
    digests = [
        _Column(name, held, incident, thin=thin)
        for name, held in columns.items()
        if name and name not in learned.kpis
    ]
    # More rows bring more rare values by themselves, the more so if some of them are copies.
    weight = 0.4 if any(a.value >= _SURGE * a.expected for a in columns.get("", [])) else 1.0
    for digest in digests:
        _fault(digest, points)
        _attack(digest, points, weight)
    _together(digests, points, weight)
    _drift(digests, points)
    _traffic(columns.get("", []), digests, points)
    near = {a.event for a in alerts if a.event}
    if near:
        points.add("event", 2.5, f"{min(near)} goes on or is near")
    return points.cause()


def causes_of(incident: Incident, learned: Learned) -> dict[str, Cause]:
    """Return what each alert of an incident looks like, by its id: what the whole of it does, but for attacks.

    Crafted rows may come while something else is wrong. A column that looks like an attack by itself, and began to
    when no other did, is called one whatever the rest of the incident is.
    """
    whole = cause_of(incident, learned)
    out = {alert.id: whole for alert in incident.alerts}
    if whole.name == "attack-like":
        return out
    for column in {a.column for a in incident.alerts} - {""}:
        here = tuple(a for a in incident.alerts if a.column == column)
        began = min(a.start for a in here)
        if all(a.column == column or abs(a.start - began) > _APART for a in incident.alerts):
            alone = cause_of(replace(incident, alerts=here), learned)
            if alone.name == "attack-like":
                out |= {alert.id: alone for alert in here}
    return out


class _Column:
    """The signs of one column: shares that rose, ratios of mean and spread."""

    def __init__(self, name: str, alerts: Sequence[Alert], incident: Incident, *, thin: bool) -> None:
        self.name = name
        self.sudden = any(_sudden(a, incident) for a in alerts)
        self.longest = max((a.end - a.start) // 3600 + 1 for a in alerts)
        self.rose: dict[str, float] = {}
        self.sank: set[str] = set()
        self.emptied: dict[str, float] = {}
        self.repeated = 0.0
        self.mean: Alert | None = None
        self.spread: Alert | None = None
        # The first alert of a series counts: what is expected later has followed it.
        for alert in sorted(alerts, key=lambda a: -a.start):
            what = alert.series[len(name) + 2 :]
            if what == REPEATED:
                self.repeated = max(0.0, alert.value - alert.expected)
            elif alert.kind == "count" and thin:
                continue
            elif alert.kind in ("share", "count"):
                gained = alert.value - alert.expected
                if gained > 0 if alert.kind == "count" else alert.score > 0:
                    self.rose[what] = max(gained, 1e-6)
                else:
                    if what not in self.sank and alert.value <= 0.1 * alert.expected:
                        self.emptied[what] = alert.expected
                    self.sank.add(what)
            elif alert.kind == "mean":
                self.mean = alert
            elif alert.kind == "spread":
                self.spread = alert

    @property
    def fell(self) -> int:
        """How many known bins or values became rarer."""
        return len(self.sank - {"missing", "infinite"})

    @property
    def lone(self) -> bool:
        """Whether one bin or value became more frequent, and hardly any other changed."""
        return len(self.inner) == 1 and self.fell <= 1

    def gain(self, what: str) -> float:
        return self.rose.get(what, 0.0)

    @property
    def novel(self) -> float:
        """The largest share of values that were never seen, or lie outside of all bins."""
        return max((v for k, v in self.rose.items() if _novel(k)), default=0.0)

    @property
    def inner(self) -> list[float]:
        """Shares by which known bins or values rose."""
        return [v for k, v in self.rose.items() if not _novel(k) and k not in ("missing", "infinite")]

    @property
    def whole(self) -> bool:
        """Whether most of the column moved, so that bins stand empty or one took the most: few rows cannot do that.

        A mean that moved by less than its spread empties the bins of one end, which hold little.
        """
        emptied = len(self.emptied) >= _EMPTY and sum(self.emptied.values()) >= _EMPTIED
        return emptied or max(self.inner, default=0.0) > _MOST

    @property
    def moved(self) -> float | None:
        """The factor of the mean, if that alerted."""
        a = self.mean
        return (
            a.value / a.expected if a is not None and a.expected != 0 and a.value / a.expected > 0 else None
        )

    @property
    def scaled(self) -> float | None:
        """The factor of the spread, if that alerted."""
        a = self.spread
        return a.value / a.expected if a is not None and a.expected > 0 and a.value >= 0 else None


def _sudden(alert: Alert, incident: Incident) -> bool:
    """Say whether a series moved within the hour, or as fast as sums can grow at all."""
    if alert.detector in ("fast", "novelty"):
        return True
    onset = incident.onsets.get(alert.id)
    if alert.detector != "slow" or onset is None:
        return False
    return abs(alert.score) / (alert.start // 3600 - onset.hour + 1) >= _STEEP


def _novel(what: str) -> bool:
    return what in ("never seen", "outside the schema") or what.startswith(("below ", "above "))


def _fault(c: _Column, points: _Points) -> None:
    if c.gain("missing") > 0.02:
        points.add("pipeline fault", 4.0, "values are missing")
    elif c.gain("missing") > 0:
        points.add("pipeline fault", 2.0, "a few values are missing")
    if c.gain("infinite") > 0:
        points.add("pipeline fault", 3.0, "values are infinite")
    if c.novel > 0.3:
        points.add("pipeline fault", 3.0, "most values changed their name or their unit at once")
    if c.sudden:
        _rescaled(c, points)


def _rescaled(c: _Column, points: _Points) -> None:
    """Look for a column that changed its unit, or stands still, at once."""
    factor = c.scaled
    if c.whole:
        points.add("pipeline fault", 2.5, "most of a column moved at once")
    if c.whole and any(f is not None and _is_unit(f) for f in (factor, c.moved)):
        points.add("pipeline fault", 3.0, "a column is in another unit")
    elif factor is None:
        return
    elif factor < 0.02:
        points.add("pipeline fault", 4.0, "a column stands still")
    elif 0 < c.novel < _FEW and not c.whole:
        # Few far values widen a spread as well: that is no unit.
        return
    elif _is_unit(factor):
        points.add("pipeline fault", 3.0, "a column is in another unit")
    elif not 0.3 < factor < 3.5:
        points.add("pipeline fault", 1.5, "a column's spread changed at once")


def _is_unit(factor: float) -> bool:
    if not 0 < factor < np.inf:
        return False
    power = np.log10(factor)
    if 0.7 < abs(power) < _MOST_POWER and abs(power - round(float(power))) < 0.06:
        return True
    return any(abs(np.log(factor / f)) < 0.06 or abs(np.log(factor * f)) < 0.06 for f in _FACTORS)


def _attack(c: _Column, points: _Points, weight: float) -> None:
    if c.whole:
        return
    if 0 < c.novel <= _FEW and not c.gain("missing"):
        points.add(
            "attack-like",
            3.0 * weight,
            "few rows carry a value that was never seen or lies outside the range",
        )
        if c.fell == 0 and len(c.inner) == 0:
            points.add("attack-like", 0.5 * weight, "and the other rows of the column are as ever")
    if 0 < c.repeated <= _FEW:
        # In one column it may as well be a default value or a hanging sensor; crafted rows agree in several.
        points.add("attack-like", 1.5 * weight, "few rows repeat one exact value")
        points.add("pipeline fault", 1.0, "few rows repeat one exact value")
    elif c.lone and c.mean is None and max(c.inner) <= _FEW:
        points.add("attack-like", 2.0 * weight, "few rows agree in one bin or value, and the rest is as ever")


def _together(digests: list[_Column], points: _Points, weight: float) -> None:
    """Crafted rows agree in several columns, so shares rise by as much in each."""
    same = [c for c in digests if not c.whole and (c.lone or 0 < c.novel <= _FEW or 0 < c.repeated <= _FEW)]
    if len(same) >= 2 and 2 * len(same) >= len(digests):
        points.add("attack-like", 2.0 * weight, "in several columns few rows agree: the same rows")


def _drift(digests: list[_Column], points: _Points) -> None:
    plain = [
        c
        for c in digests
        if not c.novel
        and not c.repeated
        and not c.gain("missing")
        and (c.scaled or 1.0) > 0.02
        and (not c.lone or c.mean)
    ]
    slow = [c for c in plain if not c.sudden]
    if slow and len(slow) == len(digests):
        points.add("drift", 3.0, "hour after hour, none at once")
    elif slow:
        points.add("drift", 1.0, "some columns move hour after hour")
    broad = [c for c in plain if len(c.inner) + c.fell >= 3 or (c.mean is not None and c.inner)]
    if broad:
        points.add("drift", 1.5, "known bins moved against each other")
    if any(c.mean is not None and c.longest >= 12 for c in plain):
        points.add("drift", 1.0, "a mean moved and stays")
    if len(plain) >= 3:
        points.add("drift", 1.0, "many columns moved a little")


def _traffic(alerts: Sequence[Alert], digests: list[_Column], points: _Points) -> None:
    for alert in alerts:
        ratio = alert.value / alert.expected if alert.expected > 0 else float("inf")
        if alert.value <= 0.05 * alert.expected:
            points.add("pipeline fault", 4.0, "hardly any row comes")
        elif ratio >= _SURGE:
            moved = [c for c in digests if c.inner or c.fell or c.mean is not None]
            if len(moved) >= 2:
                points.add("event", 3.5, "more rows than usual, of another mix")
            else:
                points.add("event", 1.0, "more rows than usual")
            if not moved and 1.6 <= ratio <= 2.4:
                points.add("pipeline fault", 3.5, "twice the rows, nearly all as ever")
        elif ratio <= 0.7:
            points.add("event", 1.0, "fewer rows than usual")
            if not digests:
                points.add("pipeline fault", 1.0, "fewer rows, all as ever")
