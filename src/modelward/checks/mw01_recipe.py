"""MW01: one change for everybody that gives a wanted label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.checks._base import Check, CheckNotApplicable, CheckNotGiven, Evidence
from modelward.evasion import RecipeSearch, recipe_filter, recipe_words
from modelward.findings import MIN_ROWS, Claim, Countermeasure, Series, Table

if TYPE_CHECKING:
    from modelward.checks._scope import Scope
    from modelward.evasion import Recipe, Recipes

MOVED = "rows moved by one recipe"
_LEAST_QUERIES = 3_000
_QUERIES = {"quick": 60_000, "standard": 160_000, "full": 400_000}
_MOST_GOALS = 4


class UniversalRecipe(Check):
    """The smallest set of columns and values that gives a label to the most rows, the same for all of them.

    It is searched on one half of the rows that the model refuses the label, and counted on the other half.
    """

    code = "MW012"
    title = "One change for everybody that gives the wanted label"
    number = 1
    severity = "medium"
    query_share = 1.0
    exposure = ("callers",)
    references = (
        "Moosavi-Dezfooli, Fawzi, Fawzi & Frossard 2017, Universal Adversarial Perturbations (the question)",
        "Clopper & Pearson 1934 (the interval of the held-out share)",
    )

    def run(self, scope: Scope) -> Evidence:
        """Measure."""
        codes = scope.answers().codes
        goals = [scope.goal] if scope.goal is not None else list(range(scope.subject.n_classes))[:_MOST_GOALS]
        denied = {g: int(np.count_nonzero(codes != g)) for g in goals}
        # A search needs ten rows on either side, and a share of fewer would be a row's secret.
        goals = [g for g in goals if denied[g] >= 2 * MIN_ROWS and np.any(codes == g)]
        if not goals:
            if len(scope.test) < 2 * MIN_ROWS:
                raise CheckNotGiven(f"needs at least {2 * MIN_ROWS} rows in --data FILE")
            raise CheckNotApplicable(
                "the model gives one label to nearly every row: there is nothing to move to"
            )
        left = scope.subject.meter.left
        budget = _QUERIES[scope.budget.name] if left is None else min(_QUERIES[scope.budget.name], left)
        if budget // len(goals) < _LEAST_QUERIES:
            # Row 1 has been looked at by MW011 all the same, so this is something that could be supplied.
            raise CheckNotGiven(
                f"no recipe was looked for with {budget:,} rows sent to the model, {_LEAST_QUERIES:,} for each "
                "label are needed: raise --max-queries"
            )
        found = {
            g: RecipeSearch().run(
                scope.subject, scope.test.X, codes, schema=scope.schema, goal=g, budget=budget // len(goals),
                random_state=scope.seed_of(self.code),
            )
            for g in goals
        }  # fmt: skip
        found = {g: r for g, r in found.items() if r.denied >= 2 * MIN_ROWS}
        if not found:
            raise CheckNotApplicable("nearly all rows break the schema: correct it with --schema FILE")
        return Evidence(
            summary=_summary(scope, found),
            claims=tuple(
                Claim(f"{MOVED}, to {_label(scope, g)}", r.best.moved, "share")
                for g, r in found.items()
                if r.best is not None
            ),
            series=tuple(_ladder(scope, g, r) for g, r in found.items() if r.ladder),
            tables=_tables(scope, found),
            countermeasures=_countermeasures(scope, found),
            inconclusive=_broken_off(found),
        )


def _countermeasures(scope: Scope, found: dict[int, Recipes]) -> tuple[Countermeasure, ...]:
    """Return what to do about the recipe that moves most, with the code that finds rows which fulfil it."""
    bests = [r.best for r in found.values() if r.best is not None]
    if not bests:
        return ()
    held = max(bests, key=lambda best: best.moved.value).held
    recipe = f"import polars as pl\n\nrecipe = {recipe_filter(scope.schema, held, scope.subject.codec)}"
    return (
        Countermeasure(
            "Do not decide on what a caller declares alone: check the recipe's columns against a second source",
            code=f"{recipe}\nsuspects = rows.filter(recipe)  # check these by hand",
        ),
        Countermeasure(
            "Watch how often rows fulfil the recipe in production: a recipe that spreads shows as a jump",
            code=f"{recipe}\nshare = rows.filter(recipe).height / rows.height  # against that of the training rows",
        ),
    )


def _broken_off(found: dict[int, Recipes]) -> str:
    """Return why a larger recipe may have been missed; empty if the searches came to their ends."""
    reasons = dict.fromkeys(r.stopped for r in found.values() if r.stopped)
    return f"the search for recipes broke off: {'; '.join(reasons)}" if reasons else ""


def _label(scope: Scope, goal: int) -> str:
    return str(scope.subject.classes[goal])


def _summary(scope: Scope, found: dict[int, Recipes]) -> str:
    parts = []
    for goal, result in found.items():
        label = _label(scope, goal)
        best = result.best
        if best is None:
            parts.append(f"No recipe of up to three columns that gives {label} was found.")
            continue
        words = recipe_words(scope.schema, best.held, scope.subject.codec)
        low, high = best.moved.interval(0.95)
        counted = f"of {best.moved.n} held-out rows without it, {best.moved.value:.1%} get it [{low:.1%} to {high:.1%}]"
        if best.always:
            parts.append(
                f"{words} is always {label}, proven for every legal row; {counted} by a change that they may make."
            )
        else:
            parts.append(f"{words} gives {label}: {counted}.")
    return " ".join(parts)


def _ladder(scope: Scope, goal: int, result: Recipes) -> Series:
    bands = [r.moved.interval(0.95) for r in result.ladder]
    return Series(
        f"to {_label(scope, goal)}", tuple(_size(r) for r in result.ladder),
        tuple(r.moved.value for r in result.ladder), tuple(b[0] for b in bands), tuple(b[1] for b in bands),
        "", "share of held-out rows moved", "bar", group="What one recipe moves",
    )  # fmt: skip


def _size(recipe: Recipe) -> str:
    return f"{len(recipe.held)} column{'s' * (len(recipe.held) > 1)}"


def _tables(scope: Scope, found: dict[int, Recipes]) -> tuple[Table, ...]:
    rows = [
        _row(scope, recipe)
        for result in found.values()
        for recipe in result.ladder
        if recipe.searched.successes
    ]
    if not rows:
        return ()
    head = ("label", "recipe", "held-out rows moved", "from", "to", "how sure")
    return (Table("Recipes, one change for everybody", head, tuple(rows)),)


def _row(scope: Scope, recipe: Recipe) -> tuple[str | float, ...]:
    low, high = recipe.moved.interval(0.95)
    return (
        _label(scope, recipe.goal), recipe_words(scope.schema, recipe.held, scope.subject.codec),
        f"{recipe.moved.value:.1%}", f"{low:.1%}", f"{high:.1%}",
        "always: proven for every legal row" if recipe.always else f"counted on {recipe.moved.n} rows",
    )  # fmt: skip


CHECKS: tuple[type[Check], ...] = (UniversalRecipe,)
