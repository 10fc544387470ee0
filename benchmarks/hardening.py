"""What countermeasures do to accuracy and to the cost of cheap changes, and which recipes there are, on real data.

    python benchmarks/hardening.py path/to/uci-credit-default.csv [beginning of a model's name [recipes]]

Three models on the credit data: the shallow forest of the README on ten columns, a forest of 100 full trees and a
HistGradientBoosting on 23 columns. Recipes are searched on one half of the rows that a model refuses a label and
counted on the other. Rows, queries and the work of the exact search are bounded by `EFFORT`, so that it ends on two
busy cores. Every countermeasure is printed, those that do not help or make it worse too.
"""

from __future__ import annotations

import math
import platform
import sys
import time
from importlib import metadata
from typing import TYPE_CHECKING, Any

import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.model_selection import train_test_split

from modelward.evasion import RecipeSearch, Workbench, harden, recipe_words
from modelward.models import wrap
from modelward.schema import Codec, infer

if TYPE_CHECKING:
    from modelward.evasion import Recipe, Trial

TEN = ["LIMIT_BAL", "AGE", "PAY_0", "PAY_2", "PAY_3", "BILL_AMT1", "BILL_AMT2", "PAY_AMT1", "SEX_1", "SEX_2"]
TARGET = "DEFAULT"
MODELS: dict[str, tuple[bool, Any]] = {
    "shallow forest, 10 columns": (
        True,
        RandomForestClassifier(n_estimators=5, max_depth=3, min_samples_leaf=100, random_state=11),
    ),
    "HistGradientBoosting, 23 columns": (False, HistGradientBoostingClassifier(random_state=0)),
    "forest of 100 full trees, 23 columns": (False, RandomForestClassifier(n_estimators=100, random_state=0)),
}
SEED, RECIPE_QUERIES = 0, 60_000
EFFORT = {
    "shallow": (100, 1_000, 10_000_000),
    "HistGradientBoosting": (50, 300, 2_000_000),
    "forest": (24, 100, 100_000),
}
"""Attacked rows, rows that a search may send for each, and what the exact search may do for each."""


def share(estimate: Any, sign: str = "") -> str:
    """Return a share with its interval, in percent."""
    low, high = estimate.interval(0.95)
    return f"{100 * estimate.value:{sign}.1f} [{100 * low:{sign}.1f}, {100 * high:{sign}.1f}]"


def recipe_row(name: str, goal: str, words: str, recipe: Recipe, seconds: float) -> str:
    """Return a line of the table of recipes."""
    sure = "always, proven" if recipe.always else "counted"
    found = f"{100 * recipe.searched.value:.1f}"
    moved = f"{share(recipe.moved)} | {recipe.moved.n}"
    return f"| {name} | {goal} | {words} | {found} | {moved} | {sure} | {seconds:.1f} |"


def trial_row(name: str, trial: Trial) -> str:
    """Return a line of the table of countermeasures."""
    if trial.before is None or trial.after is None or trial.log_factor is None or trial.accuracy_by is None:
        return f"| {name} | {trial.title} | | | | | not applicable: {trial.reason} |"
    low, high = trial.log_factor.interval(0.95)
    factor = f"{math.exp(trial.log_factor.value):.2f} [{math.exp(low):.2f}, {math.exp(high):.2f}]"
    search = "exact" if trial.before.exact and trial.after.exact else "search"
    effect = "luck" if trial.control else str(trial.effect)
    loss = ", costs accuracy" if trial.costs_accuracy and not trial.control else ""
    return (
        f"| {name} | {trial.title} ({search}) | {share(trial.before.flipped)} | {share(trial.after.flipped)} | "
        f"{factor} | {share(trial.accuracy_by, '+')} | {effect}{loss} |"
    )


def main() -> None:
    """Run and print the tables."""
    rows = pl.read_csv(sys.argv[1]).with_columns(
        (pl.col("SEX") == 1).cast(pl.Int64).alias("SEX_1"), (pl.col("SEX") == 2).cast(pl.Int64).alias("SEX_2")
    )
    wide = [c for c in rows.columns if c not in ("ID", TARGET, "SEX_1", "SEX_2")]
    versions = ", ".join(
        f"{p} {metadata.version(p)}" for p in ("modelward", "scikit-learn", "numpy", "polars")
    )
    print(f"Python {platform.python_version()}, {versions}; split seed 42, seed {SEED}\n")
    wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    for name, (small, model) in MODELS.items():
        if not name.startswith(wanted):
            continue
        recipes: list[str] = []
        columns = TEN if small else wide
        train, test = train_test_split(rows.select(*columns, TARGET), test_size=0.1, random_state=42)
        schema = infer(test.select(columns))
        codec = Codec.fit(schema, test.select(columns), train.select(columns))
        model.fit(train.select(columns), train[TARGET])
        subject = wrap(model, codec, [0, 1])
        X, y = codec.encode(test.select(columns)), test[TARGET].to_numpy()
        for goal in (0, 1):
            began = time.perf_counter()
            found = RecipeSearch().run(
                subject,
                X,
                subject.codes(X),
                schema=schema,
                goal=goal,
                budget=RECIPE_QUERIES,
                random_state=SEED,
            )
            seconds = time.perf_counter() - began
            recipes += [
                recipe_row(name, str(goal), recipe_words(schema, r.held, codec), r, seconds)
                for r in found.ladder
            ]
        if "recipes" in sys.argv[3:]:
            show(recipes, [])
            continue
        began = time.perf_counter()
        bench = Workbench(
            subject, codec.encode(train.select(columns)), train[TARGET].to_numpy(), schema, SEED
        )
        attacked, queries, work = EFFORT[name.replace(",", " ").split()[0]]
        done = harden(bench, X, y, rows=attacked, queries=queries, work=work)
        trials = [trial_row(name, trial) for trial in done.trials]
        trials.append(
            f"| {name} | {attacked} rows attacked in {time.perf_counter() - began:.0f} s {done.stopped} | | | | | |"
        )
        show(recipes, trials)


def show(recipes: list[str], trials: list[str]) -> None:
    """Print both tables of a model."""
    head = "searched half, % moved | held-out half, % moved [95 %] | rows | how sure | s"
    print(f"| model | label | recipe | {head} |")
    print("|---|---|---|--:|--:|--:|---|--:|")
    print("\n".join(recipes), flush=True)
    if not trials:
        return
    head = "flipped before, % | after, % | flips cost × | balanced accuracy, points | effect"
    print(f"\n| model | countermeasure | {head} |")
    print("|---|---|--:|--:|--:|--:|---|")
    print("\n".join(trials) + "\n", flush=True)


if __name__ == "__main__":
    main()
