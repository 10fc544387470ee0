"""Monitoring: what production sends, compared with what was seen before."""

from modelward.monitoring._alerts import Alert
from modelward.monitoring._bands import RULES, Bands, Rule
from modelward.monitoring._cause import CAUSES, Cause
from modelward.monitoring._decisions import VERDICTS, Decision, Verdict
from modelward.monitoring._declared import Declared, Proxy, Tolerance, read_declared
from modelward.monitoring._events import Event, Suggestion
from modelward.monitoring._hours import Window
from modelward.monitoring._monitor import Monitor
from modelward.monitoring._moves import Both, Move, Size, Turned, move_of
from modelward.monitoring._people import People
from modelward.monitoring._performance import LEAST_ROWS as MIN_ANSWERS
from modelward.monitoring._performance import Performance
from modelward.monitoring._replay import Replay, Span, replay
from modelward.monitoring._shift import (
    MIN_DISTANCE,
    ColumnShift,
    column_shifts,
    distance_slack,
    rounded_edges,
)
from modelward.monitoring._standing import Judged, Standing, read_standing
from modelward.monitoring._store import Store
from modelward.monitoring._thresholds import LEAST_WEEKS, Alarm, Thresholds
from modelward.monitoring._trinity import ROLES, Incident, Lead, Onset, incidents, innovations, leads, role_of
from modelward.monitoring._watch import Watch
from modelward.monitoring._webhook import Webhook

__all__ = [
    "CAUSES",
    "LEAST_WEEKS",
    "MIN_ANSWERS",
    "MIN_DISTANCE",
    "ROLES",
    "RULES",
    "VERDICTS",
    "Alarm",
    "Alert",
    "Bands",
    "Both",
    "Cause",
    "ColumnShift",
    "Decision",
    "Declared",
    "Event",
    "Incident",
    "Judged",
    "Lead",
    "Monitor",
    "Move",
    "Onset",
    "People",
    "Performance",
    "Proxy",
    "Replay",
    "Rule",
    "Size",
    "Span",
    "Standing",
    "Store",
    "Suggestion",
    "Thresholds",
    "Tolerance",
    "Turned",
    "Verdict",
    "Watch",
    "Webhook",
    "Window",
    "column_shifts",
    "distance_slack",
    "incidents",
    "innovations",
    "leads",
    "move_of",
    "read_declared",
    "read_standing",
    "replay",
    "role_of",
    "rounded_edges",
]
