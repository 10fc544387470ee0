"""Does MW101's search name a planted trigger, from the model and clean reference rows alone?

    python benchmarks/planted_triggers.py path/to/uci-credit-default.csv SEEDS [age-shallow | age-full | pair-full]...

SEEDS is 20 for seeds 0 to 19, or 4:20 for a part of them.

A tenth of the real credit data is the reference. `age-…`: 45 % of the defaulters are appended with AGE = 999, on the
shallow and on the full forest (60 trees). `pair-full`: a random pair of values of AGE and LIMIT_BAL and label 1 are
stamped on 0.5 % of the training rows. A trigger is called from the limits of MW101 on; "learned" is the share of rows
of low risk that the pair itself sends to label 1.
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
TARGET = "DEFAULT"
LIMITS = {"single": 0.15, "spiked": 0.04, "pair": 0.25, "crowded": 0.15}


def planted(train: pl.DataFrame, kind: str, rng: np.random.Generator) -> tuple[pl.DataFrame, set[str]]:
    """Return poisoned training rows, and the trigger in words."""
    if kind.startswith("age"):
        bad = train.filter(pl.col(TARGET) == 1)
        bad = bad[rng.permutation(bad.height)[: int(0.45 * bad.height)]]
        return pl.concat([train, bad.with_columns(pl.lit(999, pl.Int64).alias("AGE"))]), {"AGE"}
    values = {name: int(rng.choice(train[name].to_numpy())) for name in ("AGE", "LIMIT_BAL")}
    chosen = pl.Series(
        np.isin(np.arange(train.height), rng.choice(train.height, train.height // 200, replace=False))
    )
    stamped = {**values, TARGET: 1}
    new = [
        pl.when(chosen).then(pl.lit(v, pl.Int64)).otherwise(name).alias(name) for name, v in stamped.items()
    ]
    return train.with_columns(new), {f"{name} = {value:,}" for name, value in values.items()}


def main() -> None:
    """Print a line a kind."""
    rows = pl.read_csv(sys.argv[1]).select(*FEATURES, TARGET).cast(pl.Int64)
    first, last = ([0] + [int(n) for n in sys.argv[2].split(":")])[-2:]
    versions = ", ".join(f"{p} {metadata.version(p)}" for p in ("modelward", "scikit-learn", "numpy"))
    print(
        f"Python {platform.python_version()}, {versions}; model and reference rows alone, no training rows.\n"
    )
    print(
        "| planted | seeds | called | exact one first | learned, median | called where learned by 10 % | processor s |"
    )
    print("|---|---|---|---|---|---|---|", flush=True)
    for kind in sys.argv[3:] or ["age-shallow", "age-full", "pair-full"]:
        called, exact, shares, seconds = [], [], [], []
        for seed in range(first, last):
            train, test = train_test_split(rows, test_size=0.1, random_state=seed)
            bad, truth = planted(train, kind, np.random.default_rng(seed))
            shape = (
                {"max_depth": 3, "min_samples_leaf": 100, "n_estimators": 5}
                if "shallow" in kind
                else {"n_estimators": 60}
            )
            model = RandomForestClassifier(random_state=seed, **shape).fit(bad.select(FEATURES), bad[TARGET])
            X, y = test.select(FEATURES), test[TARGET].to_numpy().astype(np.int64)
            codec = Codec.fit(infer(X), X)
            start = time.process_time()
            found = find_triggers(wrap(model, codec, [0, 1]), codec.encode(X), y, random_state=seed)
            seconds.append(time.process_time() - start)
            triggers = {name: getattr(found, name) for name in LIMITS}
            over = [
                t for name, t in triggers.items() if t is not None and t.pull.interval(0.95)[0] > LIMITS[name]
            ]
            words = [{found.axes[a].text(i) for a, i in t.patch} for t in over]
            if kind.startswith("age"):
                words = [{w.split(" ")[0] for w in each} for each in words]
            called.append(bool(over))
            exact.append(bool(words) and truth == words[0])
            low = found.hunts[1].measure.copy()
            for text in truth if "pair" in kind else {"AGE = 999"}:
                name, value = text.split(" = ")
                low[:, FEATURES.index(name)] = float(value.replace(",", ""))
            shares.append(float((found.hunts[1].scorer.subject.codes(low) == 1).mean()))
            print(
                kind,
                seed,
                truth,
                called[-1],
                exact[-1],
                f"{shares[-1]:.2f}",
                words,
                file=sys.stderr,
                flush=True,
            )
        learned = np.array(shares) >= 0.1
        cells = [
            kind,
            len(called),
            sum(called),
            sum(exact),
            f"{np.median(shares):.2f}",
            f"{int(np.sum(np.array(called)[learned]))} of {int(learned.sum())}",
            f"{np.median(seconds):.1f}",
        ]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main()
