"""What a profile costs, beside whylogs and beside numpy's bare histogram and moments.

python benchmarks/profile_speed.py [PYTHON-WITH-WHYLOGS] > benchmarks/profile_speed.md
"""

from __future__ import annotations

import platform
import resource
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

import modelward
from modelward.profiles import Layout, Profile

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS, COLUMNS = 1_000_000, 24
REPEATS = 3
PEER_ROWS = 100_000
PEER = """
import sys, time
import numpy as np, pandas as pd, whylogs as why
rows = int(sys.argv[1])
X = np.random.default_rng(0).normal(size=(rows, 24))
frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(24)])
why.log(frame[:10])
start = time.process_time()
why.log(frame)
took = time.process_time() - start
from whylogs.core import DatasetProfile
profile = DatasetProfile()
profile.track({f"x{j}": 0.0 for j in range(24)})
single = []
for i in range(200):
    row = {f"x{j}": float(X[i, j]) for j in range(24)}
    start = time.process_time()
    profile.track(row)
    single.append(time.process_time() - start)
print(why.__version__, took, np.median(single))
"""


def best(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the least processor seconds of several runs."""
    took = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        took.append(time.process_time() - start)
    return min(took)


def peak() -> int:
    """Return the peak of resident memory in KB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def bare(X: np.ndarray) -> None:
    """Count 32 uniform bins, mean and standard deviation of every column: the least that numpy can do."""
    for j in range(X.shape[1]):
        np.histogram(X[:, j], bins=32, range=(-5, 5))
        X[:, j].mean()
        X[:, j].std()


def main() -> None:
    """Print the table."""
    X = np.random.default_rng(0).normal(size=(ROWS, COLUMNS))
    layout = Layout.fit(pl.DataFrame({f"x{j}": X[:100_000, j] for j in range(COLUMNS)}))
    Profile(layout).update(X[:10])
    ours = best(lambda: Profile(layout).update(X))
    numpy_took = best(lambda: bare(X))
    hour = best(lambda: Profile(layout).update(X[:1000]), 50)
    profile = Profile(layout)
    single = []
    for row in X[:5000]:
        start = time.process_time_ns()
        profile.update(row[None])
        single.append((time.process_time_ns() - start) / 1e9)
    batched = Profile(layout)
    amortised = best(lambda: batched.update(X[:256]), 50) / 256
    profile.update(X)
    size = len(profile.to_json().encode())
    before = peak()
    for start in range(0, ROWS, 100_000):
        profile.update(X[start : start + 100_000])
    grown = peak() - before
    print("# What a profile costs\n")
    print(
        f"{ROWS:,} rows × {COLUMNS} floats, N(0, 1), seed 0; processor time, least of {REPEATS} runs on a busy "
        f"machine, one thread. modelward {modelward.__version__}, Python {platform.python_version()}, "
        f"numpy {np.__version__}.\n"
    )
    print("| what | time | beside modelward |\n|---|---|---|")
    print(f"| modelward, whole table | {ours:.2f} s | 1 |")
    print(
        f"| numpy, bare histogram and moments of the same array | {numpy_took:.2f} s | {numpy_took / ours:.2f} × |"
    )
    if len(sys.argv) > 1:
        said = subprocess.run(
            [sys.argv[1], "-c", PEER, str(PEER_ROWS)], capture_output=True, text=True, check=True
        )
        version, took, row = said.stdout.split()[-3:]
        part = best(lambda: Profile(layout).update(X[:PEER_ROWS]))
        print(
            f"| whylogs {version}, {PEER_ROWS:,} rows | {float(took):.2f} s | {float(took) / part:.1f} × of as many |"
        )
        print(
            f"| whylogs {version}, one row, median | {float(row) * 1e6:.0f} µs | "
            f"{float(row) / np.median(single):.1f} × of one row |"
        )
    else:
        print("| whylogs | not run | |")
    print(f"| modelward, 1,000 rows | {hour * 1e6:.0f} µs | |")
    print(
        f"| modelward, one row at a time, p50 / p99 | {np.median(single) * 1e6:.0f} / "
        f"{np.quantile(single, 0.99) * 1e6:.0f} µs | |"
    )
    print(f"| modelward, a row of a batch of 256 | {amortised * 1e6:.2f} µs | |")
    print(f"| size of the JSON file | {size:,} bytes | |")
    print(f"| memory that another {ROWS:,} rows took in batches of 100,000 | {grown / 1024:.1f} MB | |")


if __name__ == "__main__":
    main()
