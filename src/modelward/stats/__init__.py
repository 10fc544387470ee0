"""Intervals, multiplicity, and what a figure needs before it may be believed."""

from modelward.stats._estimates import (
    Auc,
    Bootstrap,
    Bracket,
    Exact,
    Mean,
    Median,
    Normal,
    Proportion,
    ProportionDifference,
)
from modelward.stats._multiplicity import benjamini_hochberg, benjamini_yekutieli, holm
from modelward.stats._rows import row_ids
from modelward.stats._two_sample import TwoSample, learn_and_score, one_per_group, tell_apart

__all__ = [
    "Auc",
    "Bootstrap",
    "Bracket",
    "Exact",
    "Mean",
    "Median",
    "Normal",
    "Proportion",
    "ProportionDifference",
    "TwoSample",
    "benjamini_hochberg",
    "benjamini_yekutieli",
    "holm",
    "learn_and_score",
    "one_per_group",
    "row_ids",
    "tell_apart",
]
