"""How long `modelward assess` takes, as a ratio to its limits, on the real credit data.

    python benchmarks/assess_speed.py path/to/uci-credit-default.csv

The limits are those of the project's plan for two cores: 15 s for the shallow forest and 120 s for a forest of
100 full trees on 23 columns with `--budget quick`, 0.2 s for `modelward --version`. Whole processes are
timed, start-up and reading of files included; the median of the runs is compared.
"""

from __future__ import annotations

import pickle
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

import polars as pl
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

TEN = ["LIMIT_BAL", "AGE", "PAY_0", "PAY_2", "PAY_3", "BILL_AMT1", "BILL_AMT2", "PAY_AMT1", "SEX_1", "SEX_2"]
RUNS = {"version": 9, "shallow": 3, "full": 2}
SHALLOW = {"n_estimators": 5, "max_depth": 3, "min_samples_leaf": 100, "random_state": 11}


def prepare(csv: Path, folder: Path) -> None:
    """Write the two models and their rows."""
    rows = pl.read_csv(csv).with_columns(
        (pl.col("SEX") == 1).cast(pl.Int64).alias("SEX_1"), (pl.col("SEX") == 2).cast(pl.Int64).alias("SEX_2")
    )
    wide = [c for c in rows.columns if c not in ("ID", "DEFAULT", "SEX_1", "SEX_2")]
    for name, columns, model in (
        ("shallow", TEN, RandomForestClassifier(**SHALLOW)),
        ("full", wide, RandomForestClassifier(n_estimators=100, random_state=0)),
    ):
        train, test = train_test_split(rows.select(*columns, "DEFAULT"), test_size=0.1, random_state=42)
        model.fit(train.select(columns), train["DEFAULT"])
        train.write_csv(folder / f"{name}-train.csv")
        test.write_csv(folder / f"{name}-test.csv")
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(model))


def timed(words: list[str], folder: Path, runs: int) -> list[float]:
    """Return the wall seconds of so many runs after one that is not counted."""
    seconds = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        done = subprocess.run(words, cwd=folder, capture_output=True, check=False)
        seconds.append(time.perf_counter() - began)
        if done.returncode not in (0, 1, 3):
            raise SystemExit(done.stderr.decode())
    return seconds[1:]


def main() -> None:
    """Print the table."""
    csv = Path(sys.argv[1]).resolve()
    command = [sys.executable, "-c", "from modelward.cli import main; main()"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(csv, folder)
        jobs = [("`modelward --version`", [*command, "--version"], "version", 0.2)]
        for kind, title, limit in (
            ("shallow", "`assess --budget quick`, shallow forest, 10 columns", 15.0),
            ("full", "`assess --budget quick`, 100 full trees, 23 columns", 120.0),
        ):
            words = [
                *command, "assess", f"{kind}.pkl", "--data", f"{kind}-test.csv", "--train", f"{kind}-train.csv",
                "--target", "DEFAULT", "--sensitive", "SEX", "--budget", "quick", "-o", f"{kind}.html",
            ]  # fmt: skip
            jobs.append((title, words, kind, limit))
        versions = ", ".join(
            f"{p} {metadata.version(p)}" for p in ("modelward", "scikit-learn", "numpy", "polars")
        )
        print(
            f"Python {platform.python_version()}, {versions}; split seed 42, forest seeds 11 and 0, assess seed 0\n"
        )
        print("| command | runs | median s | min–max s | limit s | ratio to limit |")
        print("|---|---|---|---|---|---|")
        for title, words, kind, limit in jobs:
            seconds = timed(words, folder, RUNS[kind])
            median = statistics.median(seconds)
            print(
                f"| {title} | {len(seconds)} | {median:.2f} | {min(seconds):.2f}–{max(seconds):.2f} | {limit:g} | "
                f"{median / limit:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
