"""Inputs, answers and figures on one time axis: what moved first, and what follows what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.monitoring._alerts import Alert
    from modelward.monitoring._hours import Window
    from modelward.monitoring._learned import Learned

Role = Literal["traffic", "input", "answer", "figure"]
ROLES: tuple[Role, ...] = ("traffic", "input", "answer", "figure")
LAGS = 24
"""Hours that one series may lead another by, at most."""
QUIET = 24
"""Hours without an alert that separate two incidents."""
_BACK = 120
_NEAR = 3.0
_CLIP = 3.0
_SLACK = 0.5
_ALPHA = 0.01
_LEAST = 168


@dataclass(frozen=True, slots=True)
class Onset:
    """When a series began to move, in hours since 1970, with the earliest and latest hour that fit nearly as well."""

    series: str
    hour: int
    early: int
    late: int


@dataclass(frozen=True)
class Incident:
    """Alerts that follow each other, and when each role began to move.

    Parameters
    ----------
    alerts : tuple of Alert
    first : mapping of role to Onset
        The first series of each role.
    onsets : mapping of str to Onset
        When each alert's series began to move, by the alert's id.
    """

    alerts: tuple[Alert, ...]
    first: dict[Role, Onset]
    onsets: dict[str, Onset] = field(default_factory=dict)

    @property
    def order(self) -> str:
        """Who moved first, in words; those that cannot be told apart stand together."""
        ranked = sorted(self.first.items(), key=lambda item: item[1].hour)
        words: list[str] = []
        for k, (role, onset) in enumerate(ranked):
            before = ranked[k - 1][1] if k else None
            if before is None:
                words.append(f"{role} ({onset.series})")
            elif onset.early <= before.late:
                words.append(f"at the same time as far as can be told {role} ({onset.series})")
            else:
                words.append(f"{onset.hour - before.hour} h later {role} ({onset.series})")
        return ", ".join(words)


@dataclass(frozen=True, slots=True)
class Lead:
    """One series follows another.

    Parameters
    ----------
    leader, follower : str
        Series; with `lag` 0 neither is first.
    lag : int
        Hours.
    r : float
        Correlation of what neither season nor its own past explains, at that lag.
    p : float
        Of the largest of all pairs and lags (Bonferroni).
    """

    leader: str
    follower: str
    lag: int
    r: float
    p: float


def role_of(learned: Learned, series: str) -> Role:
    """Return what a watched series, or a rare count, is about."""
    if series in learned.names:
        column = learned.columns[learned.names.index(series)]
    else:
        column = dict(zip(learned.rare, learned.rare_columns, strict=True)).get(series, "")
    if not column:
        return "traffic"
    if column in learned.kpis:
        return "figure"
    return "input" if column in learned.layout.names[: learned.inputs] else "answer"


def innovations(
    learned: Learned, windows: Sequence[Window], limit: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how far each hour was from what was expected of it, in σ, shape (T, S); NaN where there is none.

    Parameters
    ----------
    learned : Learned
    windows : sequence of Window
    limit : ndarray of float64, shape (S,)
        Of the fast detector, which the windows' bands are drawn at.
    """
    if not windows:
        return np.empty((0, len(learned.names)))
    first = windows[0].hour
    out = np.full((windows[-1].hour - first + 1, len(learned.names)), np.nan)
    held = np.stack([[w.value, w.low, w.high] for w in windows]).astype(np.float64)
    turned = learned.turned(held)
    # Bands of series with wild hours may be as wide as floats go, on both sides.
    with np.errstate(divide="ignore", invalid="ignore"):
        middle, half = (turned[:, 1] + turned[:, 2]) / 2, (turned[:, 2] - turned[:, 1]) / 2
        z = (turned[:, 0] - middle) / half * limit
    at = np.array([w.hour - first for w in windows])
    out[at] = np.where(np.isfinite(z), z, np.nan)
    return out


def onset_of(alert: Alert, z: NDArray[np.float64], first: int) -> Onset:
    """Return when the series of an alert began to move: the likeliest change point before its first alarm.

    That is where the sum of signed, clipped innovations less a slack was last at its lowest (Page 1954, Hinkley 1970);
    hours within three units of the best are nearly as likely.

    Parameters
    ----------
    alert : Alert
    z : ndarray of float64, shape (T,)
        Innovations of its series.
    first : int
        Hour of the first.
    """
    at = alert.start // 3600
    end = at - first
    if alert.detector not in ("slow", "reference") or not 0 <= end < len(z):
        return Onset(alert.series, at, at, at)
    begin = max(0, end - _BACK)
    steps = np.clip(np.nan_to_num(z[begin : end + 1]) * np.sign(alert.score), -_CLIP, _CLIP) - _SLACK
    likely = np.cumsum(steps[::-1])[::-1]
    best = int(np.argmax(likely))
    near = np.flatnonzero(likely >= likely[best] - _NEAR)
    return Onset(
        alert.series, first + begin + best, first + begin + int(near[0]), first + begin + int(near[-1])
    )


def incidents(
    alerts: Sequence[Alert], learned: Learned, z: NDArray[np.float64], first: int
) -> tuple[Incident, ...]:
    """Return alerts that follow each other within a day as incidents, and which role moved first in each."""
    place = {name: j for j, name in enumerate(learned.names)}
    began = []
    for alert in alerts:
        j = place.get(alert.series)
        began.append((onset_of(alert, z[:, j] if j is not None else np.empty(0), first), alert))
    groups: list[list[tuple[Onset, Alert]]] = []
    last = -(10**9)
    for onset, alert in sorted(began, key=lambda pair: (pair[0].hour, pair[1].series)):
        if onset.hour - last > QUIET:
            groups.append([])
        groups[-1].append((onset, alert))
        last = max(last, alert.end // 3600)
    out = []
    for group in groups:
        found: dict[Role, Onset] = {}
        for onset, alert in group:
            found.setdefault(role_of(learned, alert.series), onset)
        onsets = {alert.id: onset for onset, alert in group}
        out.append(Incident(tuple(alert for _, alert in group), found, onsets))
    return tuple(out)


def leads(learned: Learned, z: NDArray[np.float64]) -> tuple[Lead, ...]:
    """Return which means of inputs and answers, and figures, follow each other by how many hours, the surest first.

    Season, level and each series' own memory are taken out before (prewhitening, Box & Jenkins 1970), so that a
    correlation at a lag is normal with variance 1/n where nothing follows anything. Pairs within one role other than
    figures are not looked at.
    """
    kinds = ("mean", "kpi", "rows")
    picked = [j for j, kind in enumerate(learned.kinds.tolist()) if kind in kinds]
    roles = [role_of(learned, learned.names[j]) for j in picked]
    usable = [k for k, j in enumerate(picked) if np.isfinite(z[:, j]).sum() >= _LEAST]
    if len(usable) < 2:
        return ()
    picked, roles = [picked[k] for k in usable], [roles[k] for k in usable]
    there = np.isfinite(z[:, picked])
    Z = np.clip(np.nan_to_num(z[:, picked]), -_CLIP, _CLIP)
    Z = np.where(there, Z - Z.sum(axis=0) / there.sum(axis=0), 0.0)
    Z /= np.maximum(np.sqrt((Z**2).sum(axis=0) / there.sum(axis=0)), 1e-12)
    tests = 0
    best: dict[tuple[int, int], tuple[float, int, float]] = {}
    for lag in range(LAGS + 1):
        early, late = Z[: len(Z) - lag], Z[lag:]
        both = there[: len(Z) - lag].T.astype(float) @ there[lag:].astype(float)
        r = early.T @ late / np.maximum(both, 1.0)
        score = r * np.sqrt(both)
        for a in range(len(picked)):
            for b in range(len(picked)):
                if a == b or (roles[a] == roles[b] != "figure") or (lag == 0 and a > b):
                    continue
                tests += 1
                key = (min(a, b), max(a, b))
                if key not in best or abs(score[a, b]) > best[key][0]:
                    leader = a if a == key[0] else b
                    best[key] = (abs(float(score[a, b])), lag if leader == key[0] else -lag, float(r[a, b]))
    out = []
    for (a, b), (score_, lag, r_) in best.items():
        p = min(1.0, 2 * float(special.ndtr(-score_)) * tests)
        if p <= _ALPHA:
            leader, follower = (a, b) if lag >= 0 else (b, a)
            names = learned.names
            out.append(Lead(names[picked[leader]], names[picked[follower]], abs(lag), r_, p))
    return tuple(sorted(out, key=lambda lead: (lead.p, lead.leader, lead.follower)))
