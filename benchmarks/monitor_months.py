"""False alerts of a whole Monitor on quiet simulated months of rows, and how late it sees faults planted in them.

python benchmarks/monitor_months.py [MONTHS] > benchmarks/monitor_months.md
"""

from __future__ import annotations

import platform
import sys
import time
from collections import Counter

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
        self.shares = [self.rng.dirichlet(np.full(k, 3.0)) for k in self.rng.integers(2, 9, WORDS)]
        self.factor = np.zeros(NUMBERS + 2)
        self.hour = 0

    def rows(self, traffic: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """Return the next hour's numbers and categories, and its scores."""
        t, rng = self.hour, self.rng
        self.hour += 1
        self.factor = 0.8 * self.factor + 0.06 * rng.standard_t(6, NUMBERS + 2)
        n = rng.poisson(traffic * ROWS * np.exp(0.3 * np.sin(t / 24 * 2 * np.pi) - 0.3 * (t % 168 >= 120)
                                                + 0.3 * self.factor[-1]))  # fmt: skip
        noise = rng.normal(size=(n, NUMBERS))
        noise[:, self.heavy] = rng.standard_t(4, (n, int(self.heavy.sum())))
        X = noise + self.season * np.sin(t / 24 * 2 * np.pi + self.turn) + self.factor[:NUMBERS]
        words = np.column_stack([rng.choice(len(p), size=n, p=p) for p in self.shares]).astype(float)
        score = 1 / (1 + np.exp(-0.5 * X[:, 0] - 0.3 * X[:, 1] - self.factor[-2]))
        return np.column_stack([X, words]), score[:, None]


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
    return pl.DataFrame(data | {f"w{j}": [f"v{int(v)}" for v in X[:, NUMBERS + j]] for j in range(WORDS)})


def main() -> None:
    """Print the tables."""
    months = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    begun = time.perf_counter()
    alerts: Counter[str] = Counter()
    per_month, in_alert, plain = [], 0, 0
    delays: dict[str, list[float]] = {f: [] for f in FAULTS}
    series = 0
    for month in range(months):
        world = World(SEED + month)
        parts = [world.rows() for _ in range(HOURS)]
        times = np.repeat(np.arange(HOURS), [len(x) for x, _ in parts]) * 3600.0
        past = frame_of(np.concatenate([x for x, _ in parts]))
        scores = pl.DataFrame({"score": np.concatenate([s[:, 0] for _, s in parts])})
        monitor = Monitor(clock=lambda: 1e9, keep=DAYS * 24).fit(past, scores, when=times)
        names = [monitor._fitted().learned.layout.values[f"w{j}"] for j in range(WORDS)]  # noqa: SLF001
        recode = [{float(v[1:]): float(k) for k, v in enumerate(held)} for held in names]
        feed(monitor, world, recode, DAYS * 24, None)
        quiet = monitor.alerts()
        alerts.update(a.detector for a in quiet)
        per_month.append(len(quiet))
        in_alert += sum(a.hours for a in quiet)
        plain += outside(parts_of(monitor), monitor)
        series = len(monitor.series)
        hours = monitor._fitted()  # noqa: SLF001
        packed = pack_learned(hours), pack(*state_of(hours))
        for fault in FAULTS:
            delays[fault].append(delay(packed, world, recode, fault))
    report(months, alerts, np.array(per_month), in_alert, plain, delays, series, time.perf_counter() - begun)


def feed(
    monitor: Monitor, world: World, recode: list[dict[float, float]], hours: int, fault: str | None
) -> None:
    """Send hours through a monitor."""
    rng = np.random.default_rng(world.hour)
    for within in range(hours):
        t = world.hour
        X, S = world.rows(0.5 if fault == FAULTS[8] else 1.0)
        for j, codes in enumerate(recode):
            X[:, NUMBERS + j] = [codes.get(v, np.nan) for v in X[:, NUMBERS + j].tolist()]
        if fault is not None:
            spoil(X, S, fault, within, rng)
        monitor.update(X, S, when=t * 3600.0)


def parts_of(monitor: Monitor) -> np.ndarray:
    """Return the measured series of the quiet month, shape (T, S)."""
    return np.array([w.value for w in monitor.windows()])


def outside(Y: np.ndarray, monitor: Monitor) -> int:
    """Count the hours that leave plain 3σ bands of the reference, over the same series."""
    learned = monitor._fitted().learned  # noqa: SLF001
    low, high = learned.natural(learned.plain)
    return int(((low > Y) | (high < Y)).sum())


def delay(packed: tuple[bytes, bytes], world: World, recode: list[dict[float, float]], fault: str) -> float:
    """Return the hours until an alert of the column in which a fault is planted; infinite if there is none."""
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
    return float(min(seen, default=np.inf))


def report(
    months: int, alerts: Counter[str], per_month: np.ndarray, in_alert: int, plain: int,
    delays: dict[str, list[float]], series: int, seconds: float,
) -> None:  # fmt: skip
    """Print the tables."""
    total = int(per_month.sum())
    upper = float(stats.chi2.ppf(0.95, 2 * total + 2)) / 2 / months
    print("# A whole monitor on quiet months, and planted faults\n")
    print(
        f"{months} simulated months of {DAYS} days, {NUMBERS} numbers (40 % of them t with four degrees), {WORDS} "
        f"categories and a score, about {ROWS} rows an hour, daily and weekly seasons, hourly factors with "
        f"autocorrelation 0.8 and t noise; fitted on {WEEKS} weeks, one held-out fold; some {series} series at once, "
        f"and rare counts; seed {SEED}. An alert is counted once from its first hour to its last. modelward "
        f"{modelward.__version__}, Python {platform.python_version()}, numpy {np.__version__}; {seconds:.0f} s on a "
        "busy machine.\n"
    )
    print(
        "| scheme | alerts in 30 days | 95 % upper bound if independent | months with any |\n|---|---|---|---|"
    )
    print(f"| Monitor, all columns and detectors together | {total / months:.2f} | {upper:.2f} | "
          f"{(per_month > 0).mean():.0%} |")  # fmt: skip
    for name, count in sorted(alerts.items()):
        print(f"| of these {name} | {count / months:.2f} | | |")
    print(f"| hours in alert, all series | {in_alert / months:.1f} | | |")
    print(f"| plain 3σ bands over the same series, series-hours outside | {plain / months:.0f} | | |")
    print(
        "\nThe budget is one for the three detectors of shares, moments and figures together, and one for rare counts."
    )
    print(
        f"\n| fault, planted after the quiet month for {LASTS} h | found | median delay of all, h |\n|---|---|---|"
    )
    for fault, held in delays.items():
        middle = float(np.median(held))
        shown = f"over {LASTS}" if np.isinf(middle) else f"{middle:g}"
        print(f"| {fault} | {np.isfinite(held).sum()} of {len(held)} | {shown} |")
    print(
        "\nAn hour's delay is the hour itself; an alert of the right column counts, also by chance. Not run here: "
        "river, nannyml, whylogs, spans of real traffic, words, images."
    )
    if months < 100:
        print(
            f"\nMade by `python benchmarks/monitor_months.py {months}`: enough to show which faults are seen, far too "
            "few months for a rate of false alerts. The bound says so."
        )


if __name__ == "__main__":
    main()
