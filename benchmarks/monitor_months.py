"""False alerts of a monitor on quiet simulated months of rows, and how late it sees faults planted in them.

python benchmarks/monitor_months.py series FIRST LAST FOLDER [ROWS MONTHS FAULTS WANDER]
    a file for each world (seed): what is measured of eight weeks to learn from and of MONTHS (3) after them, at about
    ROWS an hour (100); FAULTS 1: of months with planted faults too (0); WANDER: scale of hourly factors (0.06 row σ)
python benchmarks/monitor_months.py judge FOLDER OUT.jsonl
    fit what a Monitor consists of on those series, and go through the months: a line for each file
python benchmarks/monitor_months.py report OUT.jsonl [PEERS.json] > benchmarks/monitor_months.md
    PEERS.json as monitor_peers.py writes it
"""

from __future__ import annotations

import copy
import json
import platform
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

import modelward
from modelward.monitoring import Alarm, Watch, _learn
from modelward.monitoring._alerts import Alert, AlertBook
from modelward.monitoring._novelty import Novelty
from modelward.monitoring._series import REPEATED
from monitor_worlds import NUMBERS, WEEKS, WORDS, World, encode, fitted, profile_of

DAYS, LASTS = 30, 120
MONTH = DAYS * 24
FAULTS = (
    "unit × 10", "column frozen", "null flood of 20 %", "5 % of rows at one old value", "never seen value in 0.5 %",
    "999 in 0.5 %", "mean + 1 row σ", "mean creeps by 0.1 row σ a day", "traffic × 0.5", "score + 0.05",
)  # fmt: skip


def spoil(X: np.ndarray, fault: str, within: int, rng: np.random.Generator) -> None:
    """Put a fault into column 3 (numbers), the first category, or the score, the last column."""
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
        X[:, -1] += 0.05


def column(fault: str) -> str:
    """Return the column in which a fault shows."""
    return {FAULTS[4]: "w0", FAULTS[8]: "", FAULTS[9]: "score"}.get(fault, "x3")


def groups(names: list[str]) -> list[str]:
    """Return which series share thresholds, as `Learned.groups` has it."""
    out = []
    for name in names:
        what = name.split(": ")[-1]
        plain = name[0] == "w" or what in (
            "spread",
            "rows",
            "missing",
            "infinite",
            "outside the schema",
            REPEATED,
        )
        out.append("mean" if what == "mean" else "others" if plain else "bins")
    return out


class Kept(Watch):
    """A watch that leaves the series it was fitted on here."""

    past: np.ndarray

    def fit(self, Y: np.ndarray, **more: Any) -> Watch:
        """Learn as ever."""
        Kept.past = np.array(Y)
        return super().fit(Y, **more)


class Rare(Novelty):
    """Rare counts that leave what they were learned from here."""

    counts: tuple[np.ndarray, np.ndarray]

    def __init__(self, counts: np.ndarray, rows: np.ndarray) -> None:
        Rare.counts = counts.copy(), rows.copy()
        super().__init__(counts, rows)


def series(first: int, last: int, folder: str, rows: int, months: int, faults: bool, wander: float) -> None:
    """Write a file for each world."""
    _learn.Watch, _learn.Novelty = Kept, Rare  # type: ignore[misc]
    for seed in range(first, last):
        begun = time.process_time()
        world, monitor, recode = fitted(seed, rows, wander)
        learned = monitor._fitted().learned  # noqa: SLF001

        def measured(
            hours: int,
            fault: str | None = None,
            world: World = world,
            learned: Any = learned,
            recode: Any = recode,
        ) -> tuple[np.ndarray, ...]:
            rng, held = np.random.default_rng(world.hour), []
            for t, X in enumerate(world.hours(hours, 0.5 if fault == FAULTS[8] else 1.0)):
                if fault is not None:
                    spoil(X, fault, t, rng)
                profile = profile_of(learned.layout, encode(X, recode))
                y, rare, _ = learned.vector(profile, profile, {})
                held.append((y, rare, float(profile.rows)))
            return tuple(np.array(part) for part in zip(*held, strict=True))

        Y, rare, n = measured(MONTH)
        more: dict[str, np.ndarray] = {}
        here = world.state()
        for k, fault in enumerate(FAULTS if faults else ()):
            world.back(here)
            parts = measured(LASTS, fault)
            more |= {f"fault/{k}": parts[0].astype(np.float32), f"rare/{k}": parts[1], f"rows/{k}": parts[2]}
        world.back(here)
        if months > 1:
            rest = measured((months - 1) * MONTH)
            Y, rare, n = (np.concatenate(both) for both in zip((Y, rare, n), rest, strict=True))
        Path(folder).mkdir(exist_ok=True)
        np.savez(
            Path(folder) / f"{rows}_{wander:g}_{seed}.npz",
            past=Kept.past.astype(np.float32), test=Y.astype(np.float32),
            pr=Rare.counts[0], prn=Rare.counts[1], tr=rare, trn=n, names=np.array(learned.names),
            cols=np.array(learned.columns), rare_names=np.array(learned.rare),
            rare_cols=np.array(learned.rare_columns), seconds=time.process_time() - begun, **more,
        )  # fmt: skip


def through(
    watch: Watch, novelty: Novelty, held: dict[str, np.ndarray], parts: tuple[np.ndarray, ...], begin: int
) -> tuple[Alert, ...]:
    """Go through hours as a Monitor does, and return its alerts."""
    book, column_of = (
        AlertBook(Counter()),
        dict(zip(held["names"].tolist(), held["cols"].tolist(), strict=True)),
    )
    for t, (y, rare, n) in enumerate(zip(*parts, strict=True)):
        at = (begin + t) * 3600
        for alarm in watch.observe(y.astype(float)):
            book.note(alarm, alarm.detector, at, column_of[alarm.series], "")
        told = [(novelty.score(rare, n), novelty.limits, rare)] if n else []
        if n and (day := novelty.add(rare, n)) is not None:
            told.append((day[0], novelty.day_limits, day[1]))
        for scores, most, values in told:
            for j in np.flatnonzero(scores > most).tolist():
                name = str(held["rare_names"][j]) if "rare_names" in held else str(j)
                where = str(held["rare_cols"][j]) if "rare_cols" in held else f"rare {j}"
                found = Alarm(name, "fast", float(scores[j]), float(most[j]), float(values[j]), 0.0)
                book.note(found, "novelty", at, where, "count")
    return book.all()


def watched(held: dict[str, np.ndarray], past: np.ndarray) -> Watch:
    """Return the watch that learned what a Monitor would have."""
    names = held["names"].tolist()
    return Watch(names).fit(past, start=72, groups=groups(names), even=["mean"])


def judge(folder: str, out: str) -> None:
    """Append a line for each world: the alerts of its quiet months, and the delays of faults."""
    for path in sorted(Path(folder).glob("*.npz")):
        begun = time.process_time()
        held = dict(np.load(path))
        rows, wander, seed = path.stem.split("_")
        past, Y = held["past"].astype(float), held["test"]
        watch, novelty = watched(held, past), Novelty(held["pr"], held["prn"])
        fresh, parts = copy.deepcopy((watch, novelty)), (Y, held["tr"], held["trn"])
        late: dict[str, float | None] = {}
        if "fault/0" in held:
            # Faults begin where the first month ends.
            through(watch, novelty, held, tuple(p[:MONTH] for p in parts), 0)
        for k, fault in enumerate(FAULTS if "fault/0" in held else ()):
            planted = held[f"fault/{k}"], held[f"rare/{k}"], held[f"rows/{k}"]
            found = through(copy.deepcopy(watch), copy.deepcopy(novelty), held, planted, 0)
            seen = [a.start // 3600 + 1 for a in found if a.column == column(fault)]
            late[fault] = float(min(seen)) if seen else None
        # What began in a month and goes on in the next one is counted once.
        alerts = through(*fresh, held, parts, 0)
        mean, sd = np.nanmean(past[:-672], axis=0), np.nanstd(past[:-672], axis=0)
        line: dict[str, Any] = {
            "seed": int(seed), "rows": int(rows), "wander": float(wander), "months": len(Y) // MONTH,
            "version": modelward.__version__, "python": platform.python_version(), "numpy": np.__version__,
            "series": len(watch.names), "margins": watch.thresholds.margins,
            "alerts": [[a.detector, a.column, a.series, a.start // 3600, a.end // 3600, a.hours] for a in alerts],
            "plain": int((np.abs(Y - mean) > 3 * sd).sum()),
            "seconds": float(held.get("seconds", np.nan)) + time.process_time() - begun,
        }  # fmt: skip
        if late:
            line["delays"] = late
        with Path(out).open("a") as opened:
            opened.write(json.dumps(line) + "\n")


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
            f"{np.mean([x['seconds'] / x['months'] for x in here if x['seconds']] or [np.nan]):.1f} s of processor a "
            "month.\n"
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
    if sys.argv[1] == "series":
        more = [*sys.argv[5:], *("100", "3", "0", "0.06")[len(sys.argv) - 5 :]]
        series(
            int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(more[0]), int(more[1]), bool(int(more[2])),
            float(more[3]),
        )  # fmt: skip
    elif sys.argv[1] == "judge":
        judge(sys.argv[2], sys.argv[3])
    else:
        report(sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
