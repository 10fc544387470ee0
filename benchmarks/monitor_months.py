"""False alerts of a whole Monitor on quiet simulated months of rows, and how late it sees faults planted in them.

python benchmarks/monitor_months.py run FIRST LAST OUT.jsonl [ROWS MONTHS FAULTS [SERIES [WANDER]]]
    a line for each world (seed), appended: slices add up. ROWS an hour (100), MONTHS watched after one fit (3),
    FAULTS 1 to plant them after the first month (0); SERIES a folder for the series of each world, for the peers;
    WANDER the scale of hourly factors (0.06 row σ)
python benchmarks/monitor_months.py report OUT.jsonl [PEERS.json] > benchmarks/monitor_months.md
    PEERS.json as monitor_peers.py writes it
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

import modelward
from modelward.monitoring import Monitor, Watch, _learn
from modelward.monitoring._saved import pack, pack_learned, state_of, unpack_hours

NUMBERS, WORDS, WEEKS, DAYS, LASTS = 16, 8, 8, 30, 120
HOURS = WEEKS * 168
FAULTS = (
    "unit × 10", "column frozen", "null flood of 20 %", "5 % of rows at one old value", "never seen value in 0.5 %",
    "999 in 0.5 %", "mean + 1 row σ", "mean creeps by 0.1 row σ a day", "traffic × 0.5", "score + 0.05",
)  # fmt: skip


class World:
    """Rows of a service: seasons, factors that wander by the hour (AR 0.8), heavy tails, categories, a score."""

    def __init__(self, seed: int, rows: int = 100, wander: float = 0.06) -> None:
        self.size, self.wander = rows, wander
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
        for k, kick in enumerate(self.wander * rng.standard_t(6, (hours, NUMBERS + 2))):
            factors[k] = self.factor = 0.8 * self.factor + kick
        busy = 0.3 * np.sin(t / 24 * 2 * np.pi) - 0.3 * (t % 168 >= 120) + 0.3 * factors[:, -1]
        sizes = rng.poisson(traffic * self.size * np.exp(busy))
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
        X[u < 0.005, NUMBERS] = 99.0
    elif fault == FAULTS[5]:
        X[u < 0.005, 3] = 999.0
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


def fitted(
    seed: int, rows: int = 100, wander: float = 0.06
) -> tuple[World, Monitor, list[np.ndarray], np.ndarray]:
    """Return a world after eight weeks, the monitor that learned them, where its codes went, and rows by hour."""
    world = World(seed, rows, wander)
    parts = world.rows(HOURS)
    times = np.repeat(np.arange(HOURS), [len(x) for x, _ in parts]) * 3600.0
    past = frame_of(np.concatenate([x for x, _ in parts]))
    scores = pl.DataFrame({"score": np.concatenate([s[:, 0] for _, s in parts])})
    _learn.Watch = Seen  # type: ignore[misc]
    monitor = Monitor(clock=lambda: 1e9, keep=12 * DAYS * 24).fit(past, scores, when=times)
    recode = []
    for j in range(WORDS):
        codes = np.full(100, np.nan)
        for k, name in enumerate(monitor._fitted().learned.layout.values[f"w{j}"]):  # noqa: SLF001
            codes[int(name[1:])] = k
        recode.append(codes)
    return world, monitor, recode, times


def run(
    first: int, last: int, out: str, rows: int, months: int, faults: bool, series: str | None, wander: float
) -> None:  # fmt: skip
    """Append a line for each world: the alerts of its quiet months, and the delays of faults."""
    for seed in range(first, last):
        begun = time.process_time()
        world, monitor, recode, _ = fitted(seed, rows, wander)
        start = world.hour
        feed(monitor, world, recode, DAYS * 24, None)
        hours = monitor._fitted()  # noqa: SLF001
        packed = (pack_learned(hours), pack(*state_of(hours))) if faults else None
        here = world.rng.bit_generator.state, world.factor.copy(), world.hour
        feed(monitor, world, recode, (months - 1) * DAYS * 24, None)
        quiet = monitor.alerts()
        line: dict[str, Any] = {
            "seed": seed, "rows": rows, "wander": wander, "months": months, "version": modelward.__version__,
            "python": platform.python_version(), "numpy": np.__version__, "series": len(monitor.series),
            "alerts": [[a.detector, a.column, a.series, a.start // 3600 - start, a.end // 3600 - start, a.hours]
                       for a in quiet],
            "plain": outside(parts_of(monitor), monitor), "seconds": time.process_time() - begun,
        }  # fmt: skip
        held = {"quiet": parts_of(monitor)[: DAYS * 24]}
        if packed is not None:
            world.rng.bit_generator.state, world.factor, world.hour = here
            line["delays"] = {}
            for fault in FAULTS:
                line["delays"][fault], held[fault] = delay(packed, world, recode, fault)
        if series is not None:
            names = np.array([[name, monitor.column(name)] for name in monitor.series])
            np.savez(Path(series) / f"{rows}_{seed}.npz", names=names, faults=[column(f) for f in FAULTS],
                     past=past_of(monitor), **{f"held/{k}": v for k, v in held.items()})  # fmt: skip
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


PAST: list[np.ndarray] = []


class Seen(Watch):
    """A watch that leaves the series it was fitted on in `PAST`, for the peers."""

    def fit(self, Y: np.ndarray, **more: Any) -> Watch:
        """Learn as ever."""
        PAST[:] = [Y.copy()]
        return super().fit(Y, **more)


def past_of(monitor: Monitor) -> np.ndarray:
    """Return the measured series of the weeks that were learned from, shape (T, S)."""
    return monitor._fitted().learned.natural(PAST[0]).astype(np.float32)  # noqa: SLF001


def parts_of(monitor: Monitor) -> np.ndarray:
    """Return the measured series of the quiet month, shape (T, S)."""
    return np.array([w.value for w in monitor.windows()])


def outside(Y: np.ndarray, monitor: Monitor) -> int:
    """Count the hours that leave plain 3σ bands of the reference, over the same series."""
    learned = monitor._fitted().learned  # noqa: SLF001
    low, high = learned.natural(learned.plain)
    return int(((low > Y) | (high < Y)).sum())


def delay(
    packed: tuple[bytes, bytes], world: World, recode: list[np.ndarray], fault: str
) -> tuple[float | None, np.ndarray]:
    """Return the hours until an alert of the column in which a fault is planted, None without one; and the series."""
    monitor = Monitor(clock=lambda: 1e9)
    hours = unpack_hours(*packed, keep=LASTS)
    monitor._gate, monitor.dropped = hours.gate, hours.gate.dropped  # noqa: SLF001
    monitor._start(hours)  # noqa: SLF001
    state = world.rng.bit_generator.state, world.factor.copy(), world.hour
    start = world.hour
    feed(monitor, world, recode, LASTS, fault)
    world.rng.bit_generator.state, world.factor, world.hour = state
    seen = [a.start // 3600 - start + 1 for a in monitor.alerts()
            if a.column == column(fault) and a.start >= start * 3600]  # fmt: skip
    # The last hours before the fault were still open.
    return float(min(seen)) if seen else None, np.array(
        [w.value for w in monitor.windows() if w.hour >= start]
    )


def bound(total: int, months: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a Poisson rate."""
    low = float(stats.chi2.ppf(0.025, 2 * total)) / 2 if total else 0.0
    return low / months, float(stats.chi2.ppf(0.975, 2 * total + 2)) / 2 / months


def upper(counts: np.ndarray, months: int) -> tuple[float, float]:
    """Return 95 % upper bounds of a rate: as if alerts were independent, and by resampling whole worlds."""
    total = int(counts.sum())
    drawn = np.random.default_rng(0).choice(counts, (10_000, len(counts))).sum(axis=1)
    return float(stats.chi2.ppf(0.95, 2 * total + 2)) / 2 / months, float(np.quantile(drawn, 0.95)) / months


def columns_of(alerts: list[list[Any]]) -> int:
    """Count alerts by column: series of one column that are in alert within a day of each other are one."""
    count, last = 0, {}
    for _, name, _, start, end, _ in sorted(alerts, key=lambda a: a[3]):
        count += start - last.get(name, -(10**9)) > 24
        last[name] = max(end, last.get(name, -(10**9)))
    return count


def rates(quiet: list[dict[str, Any]]) -> None:
    """Print how often quiet months alarmed."""
    months = sum(x["months"] for x in quiet)
    by_world = np.array([len(x["alerts"]) for x in quiet])
    columns = np.array([columns_of(x["alerts"]) for x in quiet])
    print(
        "| scheme | in 30 days | 95 % interval | 95 % upper bound, Poisson / resampled worlds |\n|---|---|---|---|"
    )
    for name, counts in (("Monitor, by column", columns), ("Monitor, by series and detector", by_world)):
        total = int(counts.sum())
        low, high = bound(total, months)
        most = " / ".join(f"{u:.2f}" for u in upper(counts, months))
        print(f"| {name}, all together | {total / months:.2f} | {low:.2f} to {high:.2f} | {most} |")
    kinds = Counter(a[0] for x in quiet for a in x["alerts"])
    for name, count in sorted(kinds.items()):
        low, high = bound(count, months)
        print(f"| of these {name} | {count / months:.2f} | {low:.2f} to {high:.2f} | |")
    for k in range(quiet[0]["months"]) if quiet[0]["months"] > 1 else ():
        n = sum(k * DAYS * 24 <= a[3] < (k + 1) * DAYS * 24 for x in quiet for a in x["alerts"])
        low, high = bound(n, len(quiet))
        print(
            f"| of these in month {k + 1} after the fit | {n / len(quiet):.2f} | {low:.2f} to {high:.2f} | |"
        )
    held = sum(a[5] for x in quiet for a in x["alerts"]) / months
    print(f"| hours in alert, all series | {held:.1f} | | |")
    print(f"| plain 3σ bands, series-hours outside | {sum(x['plain'] for x in quiet) / months:.0f} | | |")


def delays(quiet: list[dict[str, Any]], peers: dict[str, Any] | None) -> None:
    """Print how late faults are seen."""
    held = [x["delays"] for x in quiet if "delays" in x]
    if not held:
        return
    said = [] if peers is None else list(peers["schemes"])
    head = " | ".join(["fault", "Monitor: found", "median, h", *said])
    print(f"\n| {head} |\n" + "|---" * (3 + len(said)) + "|")
    for fault in FAULTS:
        late = np.array([np.inf if d[fault] is None else d[fault] for d in held])
        theirs = (
            [shown(np.array(peers["delays"][name][fault], dtype=float)) for name in said] if peers else []
        )
        row = " | ".join([fault, f"{np.isfinite(late).sum()} of {len(late)}", shown(late), *theirs])
        print(f"| {row} |")


def shown(late: np.ndarray) -> str:
    """Return a median delay; None (NaN) is never."""
    middle = float(np.median(np.where(np.isnan(late), np.inf, late)))
    return f"over {LASTS}" if np.isinf(middle) else f"{middle:g}"


def report(path: str, peers: str | None) -> None:
    """Print the tables."""
    lines = [json.loads(text) for text in Path(path).read_text().splitlines()]
    found = None if peers is None else json.loads(Path(peers).read_text())
    one = lines[0]
    print("# A whole monitor on quiet months, and planted faults\n")
    print(
        f"Worlds of {NUMBERS} numbers (40 % of them t with four degrees), {WORDS} categories and a score: daily and "
        f"weekly seasons, hourly factors with autocorrelation 0.8 and t noise of 0.07 row σ an hour; fitted on {WEEKS} "
        f"weeks, one held-out fold, then watched for months of {DAYS} days without another fit. An alert is counted "
        "once from its first hour to its last; by column, series of one column that are in alert within a day of each "
        f"other are one. modelward {one['version']}, Python {one['python']}, numpy {one['numpy']}."
    )
    for rows, wander in sorted(
        {(x["rows"], x.get("wander", 0.06)) for x in lines}, key=lambda k: (k[0], -k[1])
    ):
        here = {x["seed"]: x for x in lines if (x["rows"], x.get("wander", 0.06)) == (rows, wander)}.values()
        peered = found is not None and (found["rows"], found["wander"]) == (rows, wander)
        months, seeds = sum(x["months"] for x in here), sorted(x["seed"] for x in here)
        print(
            f"\n## About {rows} rows an hour{'' if wander else ', no hourly factors'}: {len(here)} worlds, "
            f"{months} months"
            f"\n\nSeeds {seeds[0]} to {seeds[-1]}, "
            f"some {np.mean([x['series'] for x in here]):.0f} series at once and rare counts, "
            f"{np.mean([x['seconds'] / x['months'] for x in here]):.1f} s of processor a month.\n"
        )
        rates(list(here))
        delays(list(here), found if peered else None)
        if found is not None and peered:
            print("\n" + found["said"])
    print(
        f"\nFaults are planted in one column after the first quiet month and last {LASTS} hours. A delay of an hour is "
        "the hour itself; an alert of the right column counts, also by chance; the median is of all worlds."
    )


if __name__ == "__main__":
    if sys.argv[1] == "run":
        more = [*sys.argv[5:], *("100", "3", "0", "", "0.06")[len(sys.argv) - 5 :]]
        run(
            int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(more[0]), int(more[1]), bool(int(more[2])),
            more[3] or None, float(more[4]),
        )  # fmt: skip
    else:
        report(sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
