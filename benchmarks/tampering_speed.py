"""What `modelward data` costs: processor seconds, wall seconds and memory, each case in a process of its own.

    python benchmarks/tampering_speed.py CREDIT.csv CASE... > benchmarks/tampering_speed.md

A case is run once on a small table first, so that loading and compiling are not counted.
"""

from __future__ import annotations

import platform
import resource
import subprocess
import sys
import time

import numpy as np
import polars as pl

from modelward import compare_data

CASES = {
    "rows": "30,000 × 23 against the same rows",
    "sample": "30,000 × 23 against other rows",
    "alone": "30,000 × 23 without a reference",
    "wide": "200 × 10,000 against the same rows, labels changed by a rule",
    "long": "1,000,000 × 24 against the same rows in another order, labels changed by a rule",
}


def tables(case: str, path: str) -> tuple[pl.DataFrame, pl.DataFrame | None, str]:
    """Return both tables and the label column."""
    rng = np.random.default_rng(0)
    data = pl.read_csv(path).drop("ID")
    if case == "rows":
        return data, data, "DEFAULT"
    if case == "sample":
        jitter = [pl.col(f"BILL_AMT{k}") + 1 for k in (1, 2, 3)]
        return data, data.with_columns(jitter), "DEFAULT"
    if case == "alone":
        return data, None, "DEFAULT"
    if case == "wide":
        old = pl.DataFrame({f"c{i}": rng.integers(0, 9, 200) for i in range(10_000)})
        old = old.with_columns(bad=pl.Series([0, 1] * 100))
        return old.with_columns(bad=pl.when(pl.col("c777") >= 5).then(1).otherwise("bad")), old, "bad"
    rows = data[rng.integers(0, data.height, 1_000_000)]
    old = rows.with_columns(pl.Series("SERIAL", rng.normal(size=rows.height)))
    rule = (pl.col("SEX") == 2) & (pl.col("AGE") >= 30)
    new = old.with_columns(pl.when(rule).then(1).otherwise("DEFAULT").alias("DEFAULT"))
    return new[rng.permutation(new.height)], old, "DEFAULT"


def run(case: str, path: str) -> None:
    """Print one line of the table."""
    small = pl.DataFrame({name: np.arange(300) % k for name, k in (("a", 7), ("b", 11), ("bad", 2))})
    for warm in (None, small.with_columns(bad=1 - pl.col("bad"))):
        compare_data(small, warm, target="bad")
    new, old, target = tables(case, path)
    size = sum(frame.estimated_size() for frame in (new, old) if frame is not None) / 2**20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wall, processor = time.perf_counter(), time.process_time()
    found = compare_data(new, old, target=target)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rule = next((s.rule for s in found.suspects if s.verdict == "tampered"), "none")
    print(f"| {CASES[case]} | {processor:.1f} | {wall:.1f} | {size:,.0f} | {peak - before:,.0f} | {rule} |")


def main() -> None:
    """Print the report."""
    path = sys.argv[1]
    cases = sys.argv[2:]
    if cases[:1] == ["only"]:
        run(cases[1], path)
        return
    print("# The cost of `modelward data`\n")
    versions = f"Python {platform.python_version()}, numpy {np.__version__}, polars {pl.__version__}"
    print(
        f"`python benchmarks/tampering_speed.py CREDIT.csv {' '.join(cases)}`: {platform.machine()}, two cores that "
    )
    print("others used as", end=" ")
    print(f"well, so wall seconds say little; {versions}.\n")
    print("| tables | processor s | wall s | data MB | more memory at the peak, MB | first tampered rule |")
    print("|---|---|---|---|---|---|", flush=True)
    for case in cases:
        subprocess.run([sys.executable, __file__, path, "only", case], check=True)
    left = [words for case, words in CASES.items() if case not in cases]
    if left:
        print(f"\nNot measured here: {'; '.join(left)}.")


if __name__ == "__main__":
    main()
