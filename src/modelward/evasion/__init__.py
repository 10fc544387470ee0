"""Evasion: the cheapest legal change of a row that flips the model's decision."""

from modelward.evasion._checkpoint import Checkpoint
from modelward.evasion._recipe_moves import Held
from modelward.evasion._recipe_result import Recipe, Recipes
from modelward.evasion._recipe_words import recipe_words
from modelward.evasion._result import Attack, Outcome, Result
from modelward.evasion._space import Space
from modelward.evasion._thresholds import piecewise_constant, split_points
from modelward.evasion._trial import Hardening, Standing, Trial
from modelward.evasion.boundary import BoundarySearch
from modelward.evasion.cheapest import Cheapest
from modelward.evasion.coordinate import CoordinateSearch
from modelward.evasion.countermeasures import LOCKS, Hardened, Lock, NotForThisModel, Workbench
from modelward.evasion.ensemble import EnsembleSearch
from modelward.evasion.hardening import harden
from modelward.evasion.linear import LinearSearch
from modelward.evasion.recipes import RecipeSearch
from modelward.evasion.score import ScoreSearch
from modelward.evasion.square import SquareSearch

__all__ = [
    "LOCKS",
    "Attack",
    "BoundarySearch",
    "Cheapest",
    "Checkpoint",
    "CoordinateSearch",
    "EnsembleSearch",
    "Hardened",
    "Hardening",
    "Held",
    "LinearSearch",
    "Lock",
    "NotForThisModel",
    "Outcome",
    "Recipe",
    "RecipeSearch",
    "Recipes",
    "Result",
    "ScoreSearch",
    "Space",
    "SquareSearch",
    "Standing",
    "Trial",
    "Workbench",
    "harden",
    "piecewise_constant",
    "recipe_words",
    "split_points",
]
