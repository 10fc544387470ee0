"""Short rules over rows, and the search of those under which a figure departs from the rest."""

from modelward.subgroups._rules import Condition, Rule, conditions
from modelward.subgroups._search import Candidate, search

__all__ = ["Candidate", "Condition", "Rule", "conditions", "search"]
