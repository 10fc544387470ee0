"""What a monitor costs by the row and by the hour, and how late it sees faults planted in rows.

python benchmarks/monitor_cost.py [PYTHON-WITH-WHYLOGS] > benchmarks/monitor_cost.md
"""

from __future__ import annotations

import platform
import subprocess
import sys
import time

import numpy as np
import polars as pl
from prometheus_client import CollectorRegistry, Histogram

import modelward
from modelward.monitoring import Monitor
from modelward.monitoring._saved import state_of
from modelward.profiles import Profile
from profile_speed import PEER

D, ROWS, WEEKS, SEED, LASTS, APART, EACH = 24, 300, 8, 0, 24, 60, 4
FAULTS = ("unit × 10", "null flood of 20 %", "column frozen", "5 % of a column frozen", "999 in 0.5 %")


def rows(hours: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return N(0, 1) rows with a daily season, shape (hours × ROWS, D)."""
    t = np.repeat(hours, ROWS)
    return rng.normal(size=(len(t), D)) + 0.3 * np.sin(t / 24 * 2 * np.pi)[:, None]


def plant(X: np.ndarray, j: int, fault: str, rng: np.random.Generator) -> None:
    """Put a fault into column j."""
    u = rng.uniform(size=len(X))
    if fault == FAULTS[0]:
        X[:, j] *= 10
    elif fault == FAULTS[1]:
        X[u < 0.2, j] = np.nan
    elif fault == FAULTS[2]:
        X[:, j] = 0.1
    elif fault == FAULTS[3]:
        X[u < 0.05, j] = 0.1
    else:
        X[u < 0.005, j] = 999


def windows(monitor: Monitor, hour: int, rng: np.random.Generator) -> tuple[float, int]:
    """Return µs of processor time to judge an hour, and the bytes of where the monitor is."""
    hours = monitor._fitted()  # noqa: SLF001
    took = []
    for first in range(hour, hour + 200, 20):
        monitor.windows()
        for t in range(first, first + 20):
            profile = Profile(hours.learned.layout)
            profile.update(rows(np.array([t]), rng))
            hours.open[t] = profile
        # Asking for the processor time costs more than an hour of all series, so many are timed together.
        now = time.process_time_ns()
        for due in range(first, first + 20):
            hours._close(due)  # noqa: SLF001
        took.append((time.process_time_ns() - now) / 20e3)
    hours.gate.newest = hour + 199
    meta, arrays = state_of(hours)
    return float(np.median(took)), sum(a.nbytes for a in arrays.values()) + len(str(meta))


def main() -> None:
    """Print the tables."""
    rng = np.random.default_rng(SEED)
    first = WEEKS * 168
    hours = np.arange(first)
    start = time.perf_counter()
    frame = pl.DataFrame({f"x{j}": c for j, c in enumerate(rows(hours, rng).T)})
    monitor = Monitor(clock=lambda: 1e9).fit(frame, when=np.repeat(hours, ROWS) * 3600.0)
    fit = time.perf_counter() - start
    # Quiet hours first: what is in alert costs more.
    window, state = windows(monitor, first, rng)
    planted = []
    hour = first = first + 200
    for k in range(EACH * len(FAULTS)):
        for within in range(APART):
            X = rows(np.array([hour]), rng)
            if within < LASTS:
                plant(X, k, FAULTS[k % len(FAULTS)], rng)
            monitor.update(X, when=hour * 3600.0)
            hour += 1
        planted.append((k, hour - APART))
    alerts = monitor.alerts()
    delays: dict[str, list[float]] = {name: [] for name in FAULTS}
    explained = set()
    for k, begin in planted:
        hits = [
            a for a in alerts
            if a.series.startswith(f"x{k}:") and begin <= a.start // 3600 < begin + APART
        ]  # fmt: skip
        explained |= set(hits)
        in_time = [a.start // 3600 - begin + 1 for a in hits if a.start // 3600 < begin + LASTS]
        delays[FAULTS[k % len(FAULTS)]].append(min(in_time, default=np.inf))
    spent, theirs = [], []
    singles = rows(np.arange(hour, hour + 70), rng)
    registry = CollectorRegistry()
    edges = np.quantile(singles, np.linspace(0, 1, 15)[1:-1]).tolist()
    observed = [Histogram(f"x{j}", "a column", buckets=edges, registry=registry) for j in range(D)]
    for i, x in enumerate(singles):
        now = time.process_time_ns()
        monitor.update(x, when=(hour + i / ROWS) * 3600.0)
        spent.append((time.process_time_ns() - now) / 1e9)
        if i < 5000:
            now = time.process_time_ns()
            for histogram, value in zip(observed, x.tolist(), strict=True):
                histogram.observe(value)
            theirs.append((time.process_time_ns() - now) / 1e9)
    p50, p99 = np.quantile(spent, [0.5, 0.99]) * 1e6
    print("# What a monitor costs, and what it sees\n")
    print(
        f"{D} columns N(0, 1) with a daily season, {ROWS} rows an hour, fitted on {WEEKS} weeks ({fit:.0f} s with "
        f"making the rows), seed {SEED}. modelward {modelward.__version__}, Python {platform.python_version()}, "
        f"numpy {np.__version__}.\n"
    )
    print("Processor time, one row at a time, hours closed and tests included:\n\n| what | µs |\n|---|---|")
    print(
        f"| a row of {D} columns, p50 / p99 | {p50:.1f} / {p99:.1f} |\n| mean | {np.mean(spent) * 1e6:.1f} |"
    )
    print(f"| {D} Prometheus histograms of 14 buckets, the same row, p50 | {np.median(theirs) * 1e6:.1f} |")
    if len(sys.argv) > 1:
        said = subprocess.run([sys.argv[1], "-c", PEER, "1000"], capture_output=True, text=True, check=True)
        version, _, row = said.stdout.split()[-3:]
        print(f"| whylogs {version}, the same row, p50 | {float(row) * 1e6:.0f} |")
    print(
        f"| an hour of {len(monitor.series)} series, from its profile to its alarms, quiet, p50 | {window:.0f} |"
    )
    print(f"\nState of the monitor with two open hours: {state / 1e6:.2f} MB in memory's own bytes.")
    print("\n| fault, planted in one column for 24 h | found | median delay of all, h |\n|---|---|---|")
    for name, held in delays.items():
        print(f"| {name} | {np.isfinite(held).sum()} of {len(held)} | {np.median(held):g} |")
    others = [a for a in alerts if a not in explained]
    kinds = [a.detector for a in others]
    again = sum(
        any(a.series.startswith(f"x{k}:") and a.start // 3600 >= begin for k, begin in planted)
        for a in others
    )
    told = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))
    print(
        f"\nAlerts that no planted fault explains (another column, or over {APART} h after it began): {len(others)} "
        f"in {(hour - first) / 24:.0f} days ({told}), {again} of them of a column that had had its fault before: the "
        "level follows a fault that lasts, and is then away from the truth for days. "
        "One run; an hour's delay is the hour itself. Not run here: other libraries, 1,000 rows an hour, words, images."
    )


if __name__ == "__main__":
    main()
