"""False alerts of a whole Monitor on quiet simulated months of rows, and how late it sees faults planted in them.

python benchmarks/monitor_months.py run FIRST LAST WITH-FAULTS OUT.jsonl     a line for each month (seed), appended
python benchmarks/monitor_months.py peers PYTHON-WITH-RIVER FIRST LAST OUT.jsonl
python benchmarks/monitor_months.py report OUT.jsonl > benchmarks/monitor_months.md
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
from scipy import stats

import modelward
from modelward.monitoring import Monitor
from modelward.monitoring._saved import pack, pack_learned, state_of, unpack_hours

NUMBERS, WORDS, ROWS, WEEKS, DAYS, LASTS, SEED = 16, 8, 100, 8, 30, 120, 0
HOURS = WEEKS * 168
FAULTS = (
    "unit × 10", "column frozen", "null flood of 20 %", "5 % of rows at one old value", "never seen value in 2 %",
    "999 in 2 %", "mean + 1 row σ", "mean creeps by 0.1 row σ a day", "traffic × 0.5", "score + 0.05",
)  # fmt: skip


class World:
    """Rows of a service: seasons, factors that wander by the hour (AR 0.8), heavy tails, categories, a score."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.season = self.rng.uniform(0, 0.5, NUMBERS)
        self.turn = self.rng.uniform(0, 2 * np.pi, NUMBERS)
        self.heavy = self.rng.random(NUMBERS) < 0.4
        shares = [self.rng.dirichlet(np.full(k, 3.0)) for k in self.rng.integers(2, 9, WORDS)]
        self.edges = [np.cumsum(p)[:-1] for p in shares]
        self.factor = np.zeros(NUMBERS + 2)
        self.hour = 0

    def rows(self, hours: int, traffic: float = 1.0) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return of each of the next hours numbers and categories, and scores."""
        rng, t = self.rng, self.hour + np.arange(hours)
        self.hour += hours
        factors = np.empty((hours, NUMBERS + 2))
        for k, kick in enumerate(0.06 * rng.standard_t(6, (hours, NUMBERS + 2))):
            factors[k] = self.factor = 0.8 * self.factor + kick
        busy = 0.3 * np.sin(t / 24 * 2 * np.pi) - 0.3 * (t % 168 >= 120) + 0.3 * factors[:, -1]
        sizes = rng.poisson(traffic * ROWS * np.exp(busy))
        at, n = np.repeat(np.arange(hours), sizes), int(sizes.sum())
        X = rng.normal(size=(n, NUMBERS))
        X[:, self.heavy] = rng.standard_t(4, (n, int(self.heavy.sum())))
        X += (self.season * np.sin(t[:, None] / 24 * 2 * np.pi + self.turn) + factors[:, :NUMBERS])[at]
        drawn = rng.random((n, WORDS))
        words = np.stack([np.searchsorted(e, drawn[:, j], "right") for j, e in enumerate(self.edges)], axis=1)
        score = 1 / (1 + np.exp(-0.5 * X[:, 0] - 0.3 * X[:, 1] - factors[at, -2]))
        ends = np.cumsum(sizes)[:-1]
        return list(zip(np.split(np.hstack([X, words]), ends), np.split(score[:, None], ends), strict=True))


def spoil(X: np.ndarray, S: np.ndarray, fault: str, within: int, rng: np.random.Generator) -> None:
    """Put a fault into column 3 (numbers), the first category, or the score."""
    u = rng.uniform(size=len(X))
    if fault == FAULTS[0]:
        X[:, 3] *= 10
    elif fault == FAULTS[1]:
        X[:, 3] = 0.1
    elif fault == FAULTS[2]:
        X[u < 0.2, 3] = np.nan
    elif fault == FAULTS[3]:
        X[u < 0.05, 3] = 0.1
    elif fault == FAULTS[4]:
        X[u < 0.02, NUMBERS] = 99.0
    elif fault == FAULTS[5]:
        X[u < 0.02, 3] = 999.0
    elif fault == FAULTS[6]:
        X[:, 3] += 1.0
    elif fault == FAULTS[7]:
        X[:, 3] += 0.1 * within / 24
    elif fault == FAULTS[9]:
        S += 0.05


def column(fault: str) -> str:
    """Return the column in which a fault shows."""
    return {FAULTS[4]: "w0", FAULTS[8]: "", FAULTS[9]: "score"}.get(fault, "x3")


def frame_of(X: np.ndarray) -> pl.DataFrame:
    """Return rows as a table."""
    data: dict[str, object] = {f"x{j}": X[:, j] for j in range(NUMBERS)}
    names = pl.Series([f"v{k}" for k in range(10)])
    codes = X[:, NUMBERS:].astype(np.uint32)
    return pl.DataFrame(data | {f"w{j}": names.gather(codes[:, j]) for j in range(WORDS)})


def fitted(seed: int) -> tuple[World, Monitor, list[np.ndarray], np.ndarray]:
    """Return a world after eight weeks, the monitor that learned them, where its codes went, and rows by hour."""
    world = World(seed)
    parts = world.rows(HOURS)
    times = np.repeat(np.arange(HOURS), [len(x) for x, _ in parts]) * 3600.0
    past = frame_of(np.concatenate([x for x, _ in parts]))
    scores = pl.DataFrame({"score": np.concatenate([s[:, 0] for _, s in parts])})
    monitor = Monitor(clock=lambda: 1e9, keep=DAYS * 24).fit(past, scores, when=times)
    recode = []
    for j in range(WORDS):
        codes = np.full(100, np.nan)
        for k, name in enumerate(monitor._fitted().learned.layout.values[f"w{j}"]):  # noqa: SLF001
            codes[int(name[1:])] = k
        recode.append(codes)
    return world, monitor, recode, times


def run(first: int, last: int, with_faults: int, out: str) -> None:
    """Append a line for each month, and delays of faults for those below `with_faults`."""
    for seed in range(first, last):
        begun = time.process_time()
        world, monitor, recode, _ = fitted(seed)
        feed(monitor, world, recode, DAYS * 24, None)
        quiet = monitor.alerts()
        line = {
            "seed": seed, "version": modelward.__version__, "python": platform.python_version(),
            "numpy": np.__version__, "alerts": Counter(a.detector for a in quiet), "hours": sum(a.hours for a in quiet),
            "names": [f"{a.detector} {a.series}" for a in quiet], "plain": outside(parts_of(monitor), monitor),
            "series": len(monitor.series), "seconds": time.process_time() - begun,
        }  # fmt: skip
        if seed < with_faults:
            hours = monitor._fitted()  # noqa: SLF001
            packed = pack_learned(hours), pack(*state_of(hours))
            line["delays"] = {fault: delay(packed, world, recode, fault) for fault in FAULTS}
        with Path(out).open("a") as opened:
            opened.write(json.dumps(line) + "\n")


def feed(monitor: Monitor, world: World, recode: list[np.ndarray], hours: int, fault: str | None) -> None:
    """Send hours through a monitor."""
    rng = np.random.default_rng(world.hour)
    first = world.hour
    for within, (X, S) in enumerate(world.rows(hours, 0.5 if fault == FAULTS[8] else 1.0)):
        for j, codes in enumerate(recode):
            X[:, NUMBERS + j] = codes[X[:, NUMBERS + j].astype(int)]
        if fault is not None:
            spoil(X, S, fault, within, rng)
        monitor.update(X, S, when=(first + within) * 3600.0)


def parts_of(monitor: Monitor) -> np.ndarray:
    """Return the measured series of the quiet month, shape (T, S)."""
    return np.array([w.value for w in monitor.windows()])


def outside(Y: np.ndarray, monitor: Monitor) -> int:
    """Count the hours that leave plain 3σ bands of the reference, over the same series."""
    learned = monitor._fitted().learned  # noqa: SLF001
    low, high = learned.natural(learned.plain)
    return int(((low > Y) | (high < Y)).sum())


def delay(packed: tuple[bytes, bytes], world: World, recode: list[np.ndarray], fault: str) -> float | None:
    """Return the hours until an alert of the column in which a fault is planted; None if there is none."""
    monitor = Monitor(clock=lambda: 1e9)
    hours = unpack_hours(*packed)
    monitor._gate, monitor.dropped = hours.gate, hours.gate.dropped  # noqa: SLF001
    monitor._start(hours)  # noqa: SLF001
    state = world.rng.bit_generator.state, world.factor.copy(), world.hour
    start = world.hour
    feed(monitor, world, recode, LASTS, fault)
    world.rng.bit_generator.state, world.factor, world.hour = state
    seen = [a.start // 3600 - start + 1 for a in monitor.alerts()
            if a.column == column(fault) and a.start >= start * 3600]  # fmt: skip
    return float(min(seen)) if seen else None


PEER = """
import json, sys
import numpy as np, river
from river import drift
held = np.load(sys.argv[1])
Z, learned = held["Z"], int(held["learned"])
found = {}
for name, make in (("ADWIN", drift.ADWIN), ("Page-Hinkley", drift.PageHinkley)):
    alarms = 0
    for j in range(Z.shape[1]):
        one = make()
        for t, z in enumerate(Z[:, j].tolist()):
            one.update(z)
            alarms += t >= learned and one.drift_detected
    found[name] = alarms
print(json.dumps(found | {"river": river.__version__}))
"""


def peers(python: str, first: int, last: int, out: str) -> None:
    """Append what river's detectors, with their defaults, say of the same series, each divided by its own spread."""
    for seed in range(first, last):
        _, monitor, recode, _ = fitted(seed)
        learned = monitor._fitted().learned  # noqa: SLF001
        # The weeks that were learned from, once more, through the same windows.
        again = Monitor(clock=lambda: 1e9, keep=HOURS + DAYS * 24)
        again._gate.closed = -1  # noqa: SLF001
        held = monitor._fitted()  # noqa: SLF001
        hours = unpack_hours(pack_learned(held), pack(*state_of(held)), keep=HOURS + DAYS * 24)
        hours.gate.closed = hours.gate.newest = -1
        again._gate = hours.gate  # noqa: SLF001
        again._start(hours)  # noqa: SLF001
        feed(again, World(seed), recode, HOURS + DAYS * 24, None)
        Y = parts_of(again).astype(float)
        past = Y[:HOURS]
        Z = np.nan_to_num((Y - np.nanmean(past, axis=0)) / np.maximum(np.nanstd(past, axis=0), 1e-12))
        cells = past.reshape(WEEKS, 168, -1)
        middle = np.nanmedian(cells, axis=0)
        wide = 1.4826 * np.nanmedian(np.abs(cells - middle), axis=0)
        phase = np.arange(len(Y) - HOURS) % 168
        weekly = np.abs(Y[HOURS:] - middle[phase]) > 3 * np.maximum(wide[phase], 1e-12)
        with tempfile.TemporaryDirectory() as folder:
            np.savez(Path(folder) / "z.npz", Z=Z, learned=HOURS)
            said = subprocess.run(
                [python, "-c", PEER, str(Path(folder) / "z.npz")], capture_output=True, text=True, check=True
            )
        found = json.loads(said.stdout) | {"weekly": int(weekly.sum()), "months": 1}
        with Path(out).open("a") as opened:
            opened.write(json.dumps({"peer": found, "seed": seed, "series": len(learned.names)}) + "\n")


def bound(total: int, months: int) -> str:
    """Return the exact 95 % interval of a Poisson rate."""
    low = float(stats.chi2.ppf(0.025, 2 * total)) / 2 if total else 0.0
    return f"{low / months:.2f} to {float(stats.chi2.ppf(0.975, 2 * total + 2)) / 2 / months:.2f}"


def report(path: str) -> None:
    """Print the tables."""
    lines = [json.loads(text) for text in Path(path).read_text().splitlines()]
    quiet, other = [x for x in lines if "alerts" in x], [x for x in lines if "peer" in x]
    months, total = len(quiet), sum(sum(x["alerts"].values()) for x in quiet)
    upper = float(stats.chi2.ppf(0.95, 2 * total + 2)) / 2 / months
    counts: Counter[str] = Counter()
    for x in quiet:
        counts.update(x["alerts"])
    series, seconds = (np.mean([x[k] for x in quiet]) for k in ("series", "seconds"))
    print("# A whole monitor on quiet months, and planted faults\n")
    print(
        f"{months} simulated months of {DAYS} days, {NUMBERS} numbers (40 % of them t with four degrees), {WORDS} "
        f"categories and a score, about {ROWS} rows an hour, daily and weekly seasons, hourly factors with "
        f"autocorrelation 0.8 and t noise; fitted on {WEEKS} weeks, one held-out fold; some {series:.0f} series at "
        f"once, and rare counts; seeds 0 to {months - 1}. An alert is counted once from its first hour to its last. "
        f"modelward {quiet[0]['version']}, Python {quiet[0]['python']}, numpy {quiet[0]['numpy']}; {seconds:.1f} s of "
        "processor a month.\n"
    )
    print("| scheme | alerts in 30 days | 95 % interval | months with any |\n|---|---|---|---|")
    some = np.mean([bool(x["alerts"]) for x in quiet])
    print(
        f"| Monitor, all columns and detectors together | {total / months:.2f} | {bound(total, months)} | {some:.0%} |"
    )
    for name, count in sorted(counts.items()):
        print(f"| of these {name} | {count / months:.2f} | {bound(count, months)} | |")
    print(f"| hours in alert, all series | {sum(x['hours'] for x in quiet) / months:.1f} | | |")
    plain = sum(x["plain"] for x in quiet) / months
    print(f"| plain 3σ bands over the same series, series-hours outside | {plain:.0f} | | |")
    if other:
        n = len(other)
        mean = {k: sum(x["peer"][k] for x in other) / n for k in ("weekly", "ADWIN", "Page-Hinkley")}
        print(
            f"| hour-of-week median ± 3 MAD-σ, series-hours outside ({n} months) | {mean['weekly']:.0f} | | |"
        )
        for name in ("ADWIN", "Page-Hinkley"):
            print(
                f"| river {other[0]['peer']['river']} {name}, defaults, z-scores ({n} months) | {mean[name]:.0f} | | |"
            )
    print(f"\nThe 95 % upper bound of the rate is {upper:.2f}, if alerts come independently.")
    held = [x["delays"] for x in quiet if "delays" in x]
    if held:
        print(
            f"\n| fault, planted after a quiet month for {LASTS} h | found | median delay of all, h |\n|---|---|---|"
        )
        for fault in FAULTS:
            late = np.array([np.inf if d[fault] is None else d[fault] for d in held])
            middle = float(np.median(late))
            shown = f"over {LASTS}" if np.isinf(middle) else f"{middle:g}"
            print(f"| {fault} | {np.isfinite(late).sum()} of {len(late)} | {shown} |")
    print(
        "\nAn hour's delay is the hour itself; an alert of the right column counts, also by chance. Not run here: "
        "nannyml, whylogs."
    )


if __name__ == "__main__":
    if sys.argv[1] == "run":
        run(int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
    elif sys.argv[1] == "peers":
        peers(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
    else:
        report(sys.argv[2])
