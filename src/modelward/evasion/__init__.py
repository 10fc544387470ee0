"""Evasion: the cheapest legal change of a row that flips the model's decision."""

from modelward.evasion._result import Attack, Outcome, Result
from modelward.evasion._space import Space
from modelward.evasion._thresholds import piecewise_constant, split_points
from modelward.evasion.boundary import BoundarySearch
from modelward.evasion.cheapest import Cheapest
from modelward.evasion.coordinate import CoordinateSearch
from modelward.evasion.ensemble import EnsembleSearch
from modelward.evasion.linear import LinearSearch

__all__ = [
    "Attack",
    "BoundarySearch",
    "Cheapest",
    "CoordinateSearch",
    "EnsembleSearch",
    "LinearSearch",
    "Outcome",
    "Result",
    "Space",
    "piecewise_constant",
    "split_points",
]
