"""Evasion: the cheapest legal change of a row that flips the model's decision.

`assess` and `harden` measure changes by the schema's cost, the price that a caller pays. In Python every search
takes another `norm`, in the schema's units: ``"l1"`` (what the cost is), ``"l2"``, ``"linf"``, and the exact ones
``"l0"`` too.
`Checkpoint` lets any of them go on where an endpoint broke off.

Examples
--------
>>> import numpy as np
>>> from modelward.models import wrap
>>> from modelward.schema import Codec, Column, FeatureSchema
>>> from sklearn.linear_model import LogisticRegression
>>> X = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 3.0]])
>>> schema = FeatureSchema((Column("a", "continuous", low=0, high=9), Column("b", "continuous", low=0, high=9)))
>>> subject = wrap(LogisticRegression().fit(X, [0, 0, 0, 0, 1, 1]), Codec.fit(schema), [0, 1])
>>> for norm in ("l0", "l1", "linf"):
...     found = LinearSearch(norm=norm).run(subject, X[:1], np.array([0]), schema=schema)
...     print(norm, "columns changed:", (found.rows[0] != X[0]).sum(), "proven:", found.proven[0])
l0 columns changed: 1 proven: True
l1 columns changed: 1 proven: True
linf columns changed: 2 proven: True
"""

from modelward.evasion._checkpoint import Checkpoint
from modelward.evasion._recipe_moves import Held
from modelward.evasion._recipe_result import Recipe, Recipes
from modelward.evasion._recipe_words import recipe_filter, recipe_words
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
    "recipe_filter",
    "recipe_words",
    "split_points",
]
