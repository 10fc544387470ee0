"""Evasion: the cheapest legal change of a row that flips the model's decision."""

from modelward.evasion._recipe_moves import Held
from modelward.evasion._recipe_words import recipe_words
from modelward.evasion._result import Attack, Outcome, Result
from modelward.evasion._space import Space
from modelward.evasion._thresholds import piecewise_constant, split_points
from modelward.evasion.boundary import BoundarySearch
from modelward.evasion.cheapest import Cheapest
from modelward.evasion.coordinate import CoordinateSearch
from modelward.evasion.ensemble import EnsembleSearch
from modelward.evasion.linear import LinearSearch
from modelward.evasion.recipes import Recipe, Recipes, RecipeSearch

__all__ = [
    "Attack",
    "BoundarySearch",
    "Cheapest",
    "CoordinateSearch",
    "EnsembleSearch",
    "Held",
    "LinearSearch",
    "Outcome",
    "Recipe",
    "RecipeSearch",
    "Recipes",
    "Result",
    "Space",
    "piecewise_constant",
    "recipe_words",
    "split_points",
]
