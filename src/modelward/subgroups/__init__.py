"""Short rules over rows, and the search of those under which a figure departs from the rest."""

from modelward.subgroups._boxes import Box, describe, purity, surplus
from modelward.subgroups._rules import Condition, Rule, conditions
from modelward.subgroups._search import Candidate, search

__all__ = ["Box", "Candidate", "Condition", "Rule", "conditions", "describe", "purity", "search", "surplus"]
