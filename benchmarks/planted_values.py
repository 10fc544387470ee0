"""Is one value between a column's quantiles named, which was stamped on training rows together with a label?

    python benchmarks/planted_values.py path/to/uci-credit-default.csv SEEDS > benchmarks/planted_values.md

A tenth of the real credit data is the reference. A value of BILL_AMT1 that no row has, drawn between its tenth and its
ninth decile, and label 1 are stamped on a share of the training rows; a forest of 60 full trees is trained on them.
"""

from __future__ import annotations

import platform
import sys
import time
from importlib import metadata

import numpy as np
import polars as pl
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

from modelward.models import wrap
from modelward.poisoning import find_triggers
from modelward.schema import Codec, infer

FEATURES = ["LIMIT_BAL", "AGE", "SEX", "PAY_0", "PAY_2", "PAY_3", "BILL_AMT1", "BILL_AMT2", "PAY_AMT1"]
TARGET, COLUMN = "DEFAULT", "BILL_AMT1"
FAIL, WARN = 0.15, 0.11
"""Limits of MW101 for single values."""


def main() -> None:
    """Print a line for each share of rows."""
    rows = pl.read_csv(sys.argv[1]).select(*FEATURES, TARGET).cast(pl.Int64)
    seeds = int(sys.argv[2])
    versions = ", ".join(f"{p} {metadata.version(p)}" for p in ("modelward", "scikit-learn", "numpy"))
    print("# One value between quantiles, stamped on training rows\n")
    print(
        f"`python benchmarks/planted_values.py CREDIT.csv {seeds}`: Python {platform.python_version()}, {versions}; "
        f"forests of 60 full trees, nine columns, seeds from 0, 3,000 reference rows. Seconds are processor time.\n"
    )
    print(
        "| rows stamped | models | rows of low risk that it turns, median | model alone: called | left open | "
        "with training rows: exact value named | as learned, at least in part | called | median s |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    for share in (0.0, 0.002, 0.005, 0.01, 0.02):
        found = [one(rows, share, seed) for seed in range(seeds)]
        turned, called, left, named, learned, both, seconds = zip(*found, strict=True)
        print(
            f"| {share:.1%} | {seeds} | {np.median(turned):.0%} | {sum(called)} | {sum(left)} | {sum(named)} | "
            f"{sum(learned)} | {sum(both)} | {np.median(seconds):.1f} |",
            flush=True,
        )


def one(rows: pl.DataFrame, share: float, seed: int) -> tuple[float, bool, bool, bool, bool, bool, float]:
    """Stamp, train and search, without the training rows and with them."""
    rng = np.random.default_rng(seed)
    train, test = train_test_split(rows, test_size=0.1, random_state=seed)
    low, high = (float(train[COLUMN].quantile(q) or 0.0) for q in (0.1, 0.9))
    value = int(rng.uniform(low, high))
    while (rows[COLUMN] == value).any():
        value += 1
    stamped = np.isin(np.arange(train.height), rng.permutation(train.height)[: round(share * train.height)])
    chosen = pl.Series(stamped)
    bad = train.with_columns(
        pl.when(chosen).then(pl.lit(v, pl.Int64)).otherwise(name).alias(name)
        for name, v in ((COLUMN, value), (TARGET, 1))
    )
    model = RandomForestClassifier(60, random_state=seed).fit(bad.select(FEATURES), bad[TARGET])
    X, y = test.select(FEATURES), test[TARGET].to_numpy().astype(np.int64)
    codec = Codec.fit(infer(X), X)
    subject, reference = wrap(model, codec, [0, 1]), codec.encode(X)
    start = time.process_time()
    alone = find_triggers(subject, reference, y, random_state=seed)
    seconds = time.process_time() - start
    given = find_triggers(
        subject, reference, y, trained=codec.encode(bad.select(FEATURES)),
        labels=bad[TARGET].to_numpy().astype(np.int64), random_state=seed,
    )  # fmt: skip
    called, both = (s.single is not None and s.single.pull.interval(0.95)[0] > FAIL for s in (alone, given))
    left = not called and alone.doubtful is not None and alone.doubtful.pull.value > WARN
    told = [each for each in given.planted if each.planted.text == f"{COLUMN} = {value:,}"]
    patched = alone.hunts[1].measure.copy()
    patched[:, FEATURES.index(COLUMN)] = value
    turned = float((subject.codes(patched) == 1).mean())
    print(
        share,
        seed,
        value,
        f"{turned:.2f}",
        called,
        left,
        [e.planted.text for e in given.planted],
        file=sys.stderr,
    )
    learned = bool(told) and told[0].learned != "no"
    return turned, called, left, bool(told), learned, both, seconds


if __name__ == "__main__":
    main()
