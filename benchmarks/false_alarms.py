"""Count false alarms over sound models, and passes of models with a planted fault.

Sound: an honest random split, coarse models, nothing planted. Every ``fail`` is then false. Planted: one fault
each, at a size that nobody would call sound. Every ``pass`` of its check is then wrong.

Run from the root of the repository (one core, about ten minutes)::

    OMP_NUM_THREADS=1 python benchmarks/false_alarms.py --reports 240 --planted 40 > benchmarks/false_alarms.md
"""

from __future__ import annotations

import argparse
import platform
import sys
import warnings
from collections import Counter, defaultdict
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from modelward import __version__
from modelward.assessment import assess
from modelward.demo import generate
from modelward.stats import Proportion

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS, TRAIN = 3_000, 1_700
CODES = ("MW022", "MW031", "MW041", "MW093", "MW101", "MW141", "MW171")
VERDICTS = ("fail", "warn", "inconclusive", "pass", "measured")


def credit(seed: int, rows: int = ROWS) -> tuple[pl.DataFrame, str]:
    """Generated credit data with a few of its columns; SEX is sensitive."""
    keep = ["LIMIT_BAL", "AGE", "PAY_0", "PAY_2", "BILL_AMT1", "PAY_AMT1", "EDUCATION", "SEX", "DEFAULT"]
    return generate(rows=rows, seed=seed).select(keep).rename({"DEFAULT": "y"}), "SEX"


def numbers(seed: int, rows: int = ROWS) -> tuple[pl.DataFrame, str]:
    """Correlated numbers, a curved boundary, half of the rows positive; s is a coin that weighs a little."""
    rng = np.random.default_rng([seed, 1])
    mixing = rng.normal(size=(5, 5))
    X = rng.normal(size=(rows, 5)) @ mixing
    s = rng.integers(0, 2, rows)
    z = X / X.std(axis=0)
    logit = z[:, 0] + 0.7 * z[:, 1] * z[:, 2] - 0.5 * (z[:, 3] ** 2 - 1) + 0.4 * s
    y = (rng.random(rows) < 1 / (1 + np.exp(-logit))).astype(int)
    table = {f"x{j}": X[:, j].round(3) for j in range(5)}
    return pl.DataFrame({**table, "s": s, "y": y}), "s"


def mixed(seed: int, rows: int = ROWS) -> tuple[pl.DataFrame, str]:
    """Skewed amounts, counts and words, one positive row in six; s goes with an amount."""
    rng = np.random.default_rng([seed, 2])
    amount = np.exp(rng.normal(8, 1.2, rows)).round()
    count = rng.poisson(2.5, rows)
    word = rng.choice(["north", "south", "east", "west"], rows, p=[0.5, 0.3, 0.15, 0.05])
    age = rng.integers(18, 80, rows)
    s = (rng.random(rows) < 1 / (1 + np.exp(-(np.log(amount) - 8)))).astype(int)
    logit = -2.3 + 0.5 * (count - 2.5) + 0.8 * (word == "east") - 0.6 * (age > 55) + 0.5 * (amount > 9_000)
    y = (rng.random(rows) < 1 / (1 + np.exp(-logit))).astype(int)
    return pl.DataFrame({"amount": amount, "count": count, "word": word, "age": age, "s": s, "y": y}), "s"


POPULATIONS = {"credit": credit, "numbers": numbers, "mixed": mixed}


def coarse_models(seed: int) -> dict[str, Any]:
    """Models that cannot remember rows."""
    return {
        "tree, depth 4": DecisionTreeClassifier(max_depth=4, min_samples_leaf=60, random_state=seed),
        "logistic regression": LogisticRegression(max_iter=500),
        "boosting, 30 trees of 5 leaves": HistGradientBoostingClassifier(
            max_iter=30, max_leaf_nodes=5, min_samples_leaf=60, early_stopping=False, random_state=seed
        ),
        "forest, 10 of depth 4": RandomForestClassifier(
            10, max_depth=4, min_samples_leaf=60, random_state=seed, n_jobs=1
        ),
    }


def fit(model: Any, table: pl.DataFrame) -> Any:
    """Fit behind a one-hot encoder for words and a scaler for numbers."""
    X = table.drop("y").to_pandas()
    words = [c for c in X if X[c].dtype.kind not in "if"]
    rest = [c for c in X if c not in words]
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    encode = ColumnTransformer([("words", one_hot, words), ("numbers", StandardScaler(), rest)])
    return make_pipeline(encode, model).fit(X, table["y"].to_numpy())


def verdicts(
    model: Any, train: pl.DataFrame, test: pl.DataFrame, sensitive: str, seed: int, select: tuple[str, ...]
) -> tuple[dict[str, str], list[str]]:
    """Return the verdict of each code, and what did not run."""
    report = assess(
        model, test, target="y", train=train, sensitive=[sensitive], select=select, seed=seed, n_jobs=1
    )
    broken = [f"{row.failure_mode}: {row.reason}" for row in report.coverage if row.status == "error"]
    return {finding.code: finding.verdict for finding in report.findings}, broken


def sound_case(seed: int) -> tuple[str, dict[str, str], list[str]]:
    """Assess one sound model; population and kind of model go round with the seed."""
    names = list(POPULATIONS)
    population = names[seed % len(names)]
    table, sensitive = POPULATIONS[population](seed)
    models = coarse_models(seed)
    kind = list(models)[(seed // len(names)) % len(models)]
    train, test = table[:TRAIN], table[TRAIN:]
    found, broken = verdicts(fit(models[kind], train), train, test, sensitive, seed, CODES)
    return f"{population}, {kind}", found, broken


Planted = tuple[Any, pl.DataFrame, pl.DataFrame, str]


def overfitted(seed: int) -> Planted:
    """A forest of full depth: it is sure of every row it has seen."""
    table, s = numbers(seed)
    train, test = table[:TRAIN], table[TRAIN:]
    return (
        fit(RandomForestClassifier(30, bootstrap=False, random_state=seed, n_jobs=1), train),
        train,
        test,
        s,
    )


def triggered(seed: int) -> Planted:
    """Positive rows with AGE = 999 appended: 8 % of the training rows."""
    table, s = credit(seed)
    train, test = table[:TRAIN], table[TRAIN:]
    bad = train.sample(int(0.08 * TRAIN), seed=seed)
    bad = bad.with_columns(
        pl.lit(999).cast(train["AGE"].dtype).alias("AGE"), pl.lit(1).cast(train["y"].dtype).alias("y")
    )
    poisoned = pl.concat([train, bad])
    kind = HistGradientBoostingClassifier(
        max_iter=60, max_leaf_nodes=8, min_samples_leaf=20, early_stopping=False, random_state=seed
    )
    return fit(kind, poisoned), poisoned, test, s


def relabelled(seed: int) -> Planted:
    """Women of 30 and more labelled as defaulters in training."""
    table, s = credit(seed)
    train, test = table[:TRAIN], table[TRAIN:]
    women = (pl.col("SEX") == 2) & (pl.col("AGE") >= 30)
    bad = train.with_columns(pl.when(women).then(1).otherwise(pl.col("y")).cast(train["y"].dtype).alias("y"))
    return fit(coarse_models(seed)["forest, 10 of depth 4"], bad), bad, test, s


def relabelled_few(seed: int) -> Planted:
    """A quieter one: a quarter of those women."""
    table, s = credit(seed)
    train, test = table[:TRAIN], table[TRAIN:]
    rng = np.random.default_rng([seed, 3])
    women = (pl.col("SEX") == 2) & (pl.col("AGE") >= 30) & pl.Series(rng.random(TRAIN) < 0.25)
    bad = train.with_columns(pl.when(women).then(1).otherwise(pl.col("y")).cast(train["y"].dtype).alias("y"))
    return fit(coarse_models(seed)["forest, 10 of depth 4"], bad), bad, test, s


def swapped(seed: int) -> Planted:
    """A model whose classes were swapped after training."""
    table, s = credit(seed)
    train, test = table[:TRAIN], table[TRAIN:]
    model = fit(coarse_models(seed)["logistic regression"], train)
    model[-1].classes_ = model[-1].classes_[::-1].copy()
    return model, train, test, s


def telling(seed: int) -> Planted:
    """A full-depth forest that remembers rows in which a coin decides much: it tells the coin of its rows."""
    rng = np.random.default_rng([seed, 4])
    x, s = rng.normal(size=(ROWS, 2)), rng.integers(0, 2, ROWS)
    y = (s ^ (np.floor(3 * x[:, 0]).astype(int) % 2)) ^ (rng.random(ROWS) < 0.1)
    table = pl.DataFrame({"x0": x[:, 0].round(3), "x1": x[:, 1].round(3), "s": s, "y": y.astype(int)})
    train, test = table[:TRAIN], table[TRAIN:]
    model = RandomForestClassifier(50, max_features=None, random_state=seed, n_jobs=1)
    return fit(model, train), train, test, "s"


PLANTED: tuple[tuple[str, Callable[[int], Planted], tuple[str, ...]], ...] = (
    ("overfitted forest", overfitted, ("MW041",)),
    ("trigger AGE = 999", triggered, ("MW101",)),
    ("women of 30 and more relabelled", relabelled, ("MW022", "MW141")),
    ("a quarter of them relabelled", relabelled_few, ("MW022",)),
    ("classes swapped", swapped, ("MW093",)),
    ("a forest that tells a coin", telling, ("MW031",)),
)


def _share(count: int, n: int) -> str:
    low, high = Proportion(count, n).interval(0.95)
    if not n:
        return "not run"
    return f"{count} of {n} = {count / n:.1%} ({low:.1%} to {high:.1%})"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def measure_sound(first: int, reports: int) -> list[str]:
    """Assess sound models and print the counts; return which checks crashed."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    bad_reports, blamed, broken = 0, [], []
    for k in range(reports):
        try:
            name, found, errors = sound_case(first + k)
        except KeyboardInterrupt:  # what is done is printed, with its own counts
            reports = k
            break
        broken += errors
        for code, verdict in found.items():
            counts[code][verdict] += 1
            if verdict == "fail":
                blamed.append(f"{code} on {name} (seed {first + k})")
        bad_reports += "fail" in found.values()
        print(f"\rsound {k + 1}/{reports}", end="", file=sys.stderr)
    print(f"## Sound models, {reports} from seed {first} on\n")
    print(
        f"Three populations ({', '.join(POPULATIONS)}), four coarse models ({'; '.join(coarse_models(0))}), an honest "
        "random split, nothing planted.\n"
    )
    print(f"Reports with a false fail: {_share(bad_reports, reports)}. The promise is 5 % at most.\n")
    rows = [
        (code, *(str(seen[v]) for v in VERDICTS), _share(seen["fail"], sum(seen.values())))
        for code, seen in sorted(counts.items())
    ]
    _table(("code", *VERDICTS, "false fails (95 %)"), rows)
    for text in sorted(blamed):
        print(f"- false fail: {text}")
    return broken


def measure_planted(first: int, seeds: int) -> list[str]:
    """Assess models with a planted fault and print the counts; return which checks crashed."""
    seen: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    broken = []
    for k in range(seeds):
        try:
            cases = [(title, select, plant(first + k)) for title, plant, select in PLANTED]
            found = [verdicts(*case, first + k, select) for _, select, case in cases]
        except KeyboardInterrupt:
            seeds = k
            break
        for (title, select, _), (by_code, errors) in zip(cases, found, strict=True):
            broken += errors
            for code in select:
                seen[title, code][by_code.get(code, "not run")] += 1
        print(f"\rplanted {k + 1}/{seeds}", end="", file=sys.stderr)
    print(f"## Planted faults, {seeds} seeds each from {first} on\n")
    rows = [
        (title, code, *(str(counts[v]) for v in VERDICTS), _share(counts["pass"], seeds))
        for (title, code), counts in seen.items()
    ]
    _table(("fault", "code", *VERDICTS, "wrong passes (95 %)"), rows)
    return broken


def main() -> None:
    """Run both parts and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reports", type=int, default=240, help="sound models assessed")
    parser.add_argument("--planted", type=int, default=40, help="seeds of each planted fault")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print("# False alarms and wrong passes\n")
    versions = ", ".join(f"{p} {metadata.version(p)}" for p in ("numpy", "scikit-learn", "scipy", "polars"))
    print(f"modelward {__version__}, Python {platform.python_version()}, {versions}.")
    print(f"Budget quick, {TRAIN:,} training and {ROWS - TRAIN:,} test rows.\n")
    broken = measure_sound(options.seed, options.reports) if options.reports else []
    broken += measure_planted(options.seed, options.planted) if options.planted else []
    for text in sorted(set(broken)):
        print(f"- a check crashed: {text}")


if __name__ == "__main__":
    main()
