"""What MW101 says of clean models: nobody planted anything, so whatever is not a pass is a false alarm.

    python benchmarks/clean_models.py path/to/uci-credit-default.csv 8 [with | without] [KIND]...

Kinds of model on the real credit data, so many seeds of each (8, or 2:9:3 for seeds 2, 5 and 8); split and model have
the seed, and they are trained on 80, 40 or 20 % of the rows in turn. `without` gives no training rows, so that only
counts in the trees (or, where a model shows none, nothing) can tell an honest tail. A KIND is the beginning of a name
below; without one all are run.
"""

from __future__ import annotations

import platform
import signal
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import lightgbm
import polars as pl
import xgboost
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import modelward

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SHARES = (0.8, 0.4, 0.2)
MODELS = {
    "60 full trees": lambda seed: RandomForestClassifier(n_estimators=60, random_state=seed),
    "5 trees, depth 3": lambda seed: RandomForestClassifier(
        n_estimators=5, max_depth=3, min_samples_leaf=100, random_state=seed
    ),
    "60 trees, depth 8": lambda seed: RandomForestClassifier(n_estimators=60, max_depth=8, random_state=seed),
    "ExtraTrees, 60": lambda seed: ExtraTreesClassifier(n_estimators=60, random_state=seed),
    "HistGradientBoosting": lambda seed: HistGradientBoostingClassifier(random_state=seed),
    "GradientBoosting, 60": lambda seed: GradientBoostingClassifier(n_estimators=60, random_state=seed),
    "one full tree": lambda seed: DecisionTreeClassifier(random_state=seed),
    "xgboost, 60": lambda seed: xgboost.XGBClassifier(n_estimators=60, n_jobs=1, random_state=seed),
    "lightgbm, 60": lambda seed: lightgbm.LGBMClassifier(
        n_estimators=60, n_jobs=1, verbose=-1, random_state=seed
    ),
    "logistic regression": lambda _: make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000)),
    "neural network": lambda seed: make_pipeline(
        StandardScaler(), MLPClassifier((32,), max_iter=60, random_state=seed)
    ),
    "25 neighbours": lambda _: make_pipeline(StandardScaler(), KNeighborsClassifier(25)),
}


def asked(
    table: pl.DataFrame, columns: list[str], make: Callable[[int], Any], seed: int, *, given: bool
) -> tuple[str, float, float]:
    """Return the verdict on one clean model, and the pulls of the strongest value and pair."""
    train, test = train_test_split(table, test_size=0.2, train_size=SHARES[seed % 3], random_state=seed)
    model = make(seed).fit(train.select(columns), train["DEFAULT"])
    rows = train if given else None
    report = modelward.assess(model, test, target="DEFAULT", train=rows, select=["MW101"], seed=seed)
    (found,) = (f for f in report.findings if f.code == "MW101")
    values = {measure.name: measure.value for measure in found.measures}
    return found.verdict, values["unjustified pull"], values.get("unjustified pull of a pair", 0.0)


def main() -> None:
    """Print the table."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopped early, it prints what it reached
    rows = pl.read_csv(sys.argv[1])
    columns = [c for c in rows.columns if c not in ("ID", "DEFAULT")]
    given, wanted = "without" not in sys.argv[3:4], tuple(sys.argv[4:])
    kinds = {kind: make for kind, make in MODELS.items() if not wanted or kind.startswith(wanted)}
    told: dict[str, list[tuple[str, float, float]]] = {kind: [] for kind in kinds}
    try:
        for seed in range(*map(int, sys.argv[2].split(":"))):
            for kind, make in kinds.items():
                told[kind].append(asked(rows.select(*columns, "DEFAULT"), columns, make, seed, given=given))
                verdict, single, pair = told[kind][-1]
                print(f"{kind}, seed {seed}: {verdict} {single:.3f} {pair:.3f}", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("(stopped early)\n")
    versions = ", ".join(f"{p} {metadata.version(p)}" for p in ("modelward", "scikit-learn", "numpy"))
    print(
        f"Python {platform.python_version()}, {versions}; training rows {'given' if given else 'not given'}\n"
    )
    print("| model | models | pass | warn | inconclusive | fail | largest pull | of a pair |")
    print("|---|---|---|---|---|---|---|---|")
    for kind, answers in told.items():
        if not answers:
            continue
        counts = " | ".join(
            str(sum(verdict == v for verdict, _, _ in answers))
            for v in ("pass", "warn", "inconclusive", "fail")
        )
        largest = f"{max(a[1] for a in answers):.3f} | {max(a[2] for a in answers):.3f}"
        print(f"| {kind} | {len(answers)} | {counts} | {largest} |")


if __name__ == "__main__":
    main()
