"""Monitoring: what production sends, compared with what was seen before."""

from modelward.monitoring._bands import RULES, Bands, Rule
from modelward.monitoring._shift import (
    MIN_DISTANCE,
    ColumnShift,
    column_shifts,
    distance_slack,
    rounded_edges,
)

__all__ = [
    "MIN_DISTANCE",
    "RULES",
    "Bands",
    "ColumnShift",
    "Rule",
    "column_shifts",
    "distance_slack",
    "rounded_edges",
]
