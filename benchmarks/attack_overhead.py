"""How much of an attack's time is the model's own predict, on the credit data of the tests or a CSV.

Run ``python benchmarks/attack_overhead.py [CSV [REPEATS]]``. The CSV is the UCI credit-default set, as it is published;
without it a generated table of the same columns is used. Times are processor time. Prints a Markdown table.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import sklearn
from sklearn.ensemble import RandomForestClassifier

from modelward.evasion import CoordinateSearch, split_points
from modelward.models import wrap
from modelward.schema import Codec, infer

ROWS, PER_ROW, SEED = 300, 1_000, 0
FEATURES = [
    "LIMIT_BAL",
    "AGE",
    "PAY_0",
    "PAY_2",
    "PAY_3",
    "BILL_AMT1",
    "BILL_AMT2",
    "PAY_AMT1",
    "SEX_1",
    "SEX_2",
]


class Timed:
    """Counts the seconds that a backend takes."""

    def __init__(self, model: Any) -> None:
        self.seconds, self.calls = 0.0, 0
        predict = model.predict

        def timed(X: Any) -> Any:
            began = time.process_time()
            try:
                return predict(X)
            finally:
                self.seconds += time.process_time() - began
                self.calls += 1

        model.predict = timed


def generated(n: int) -> tuple[pl.DataFrame, np.ndarray]:
    """Draw a credit-like table."""
    rng = np.random.default_rng(SEED)
    risk = rng.normal(size=n)
    pay = [np.clip(np.round(risk + rng.normal(scale=0.8, size=n)), -2, 8) for _ in range(3)]
    limit = rng.integers(1, 51, n) * 10_000.0
    bill = np.round(limit * rng.beta(1, 2, n))
    sex = rng.integers(1, 3, n)
    columns = [limit, np.clip(rng.gamma(9, 4, n).round(), 21, 75), *pay, bill, np.round(bill * 0.95),
               np.round(bill * rng.beta(1, 8, n)), sex == 1, sex == 2]  # fmt: skip
    y = rng.uniform(size=n) < 1 / (1 + np.exp(1.6 - 1.1 * pay[0] - 0.3 * pay[1] + limit / 400_000))
    return pl.DataFrame({k: np.asarray(v, dtype=float) for k, v in zip(FEATURES, columns, strict=True)}), y


def table(path: str | None) -> tuple[pl.DataFrame, np.ndarray, str]:
    """Return features, labels, and what they are."""
    if path is None:
        return *generated(30_000), "generated credit table"
    frame = pl.read_csv(path)
    y = frame["DEFAULT"].to_numpy()
    if "SEX_1" not in frame.columns:
        frame = frame.with_columns(
            SEX_1=(frame["SEX"] == 1).cast(pl.Float64), SEX_2=(frame["SEX"] == 2).cast(pl.Float64)
        )
    return frame.select(pl.col(FEATURES).cast(pl.Float64)), y, Path(path).name


def main() -> None:
    """Measure and print."""
    frame, y, name = table(sys.argv[1] if len(sys.argv) > 1 else None)
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    schema = infer(frame)
    codec = Codec.fit(schema, frame)
    X = codec.encode(frame)
    cut = int(0.9 * len(X))
    print(
        f"{name}, {ROWS} rows, at most {PER_ROW} queries a row, seed {SEED}, medians of {repeats}; one thread,"
    )
    print(
        f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, Python {platform.python_version()}.\n"
    )
    print("| model | thresholds known | moved | median cost | queries | calls | seconds | share in predict |")
    print("|---|---|---|---|---|---|---|---|")
    models = {
        "5 trees, depth 3": RandomForestClassifier(5, max_depth=3, min_samples_leaf=100, random_state=0),
        "100 trees": RandomForestClassifier(100, min_samples_leaf=2, random_state=0),
    }
    for label, model in models.items():
        model.fit(X[:cut], y[:cut])
        subject = wrap(model, codec, np.unique(y).tolist())
        rows = X[cut : cut + ROWS]
        codes = subject.codes(rows)
        for known in (False, True):
            attack = CoordinateSearch(
                reference=X[:2_000], thresholds=split_points(subject) if known else None
            )
            # Loads what is compiled, which a process does once.
            attack.run(subject, rows[:4], codes[:4], schema=schema, budget=4 * PER_ROW, random_state=SEED)
            seconds, shares = [], []
            for _ in range(repeats):
                timed = Timed(model)
                began = time.process_time()
                result = attack.run(
                    subject, rows, codes, schema=schema, budget=ROWS * PER_ROW, random_state=SEED
                )
                seconds.append(time.process_time() - began)
                shares.append(timed.seconds / seconds[-1])
                del model.predict  # the class's own is back
            print(
                f"| {label} | {'yes' if known else 'no'} | {result.success.mean():.0%} | "
                f"{np.median(result.cost):.2f} | {result.queries:,} | {timed.calls} | "
                f"{np.median(seconds):.2f} | {np.median(shares):.0%} ({min(shares):.0%} to {max(shares):.0%}) |",
                flush=True,
            )


if __name__ == "__main__":
    main()
