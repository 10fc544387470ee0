"""What nannyml finds in the rows of the worlds of monitor_months.py, at its defaults and at a matched rate.

python benchmarks/monitor_nannyml.py PYTHON-WITH-NANNYML FIRST LAST ROWS OUT.json

Hourly chunks, univariate drift (Jensen-Shannon), the columns of the faults.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from monitor_months import FAULTS, LASTS, MONTH, column, spoil
from monitor_worlds import HOURS, World, frame_of

ALL = 25
PEER = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import nannyml, pandas as pd
place, columns = sys.argv[1], json.loads(sys.argv[2])
words = [c for c in columns if c.startswith("w")]
began = time.process_time()
made = nannyml.UnivariateDriftCalculator(
    columns, treat_as_categorical=words, timestamp_column_name="at", chunk_period="h",
    continuous_methods=["jensen_shannon"], categorical_methods=["jensen_shannon"])
past = pd.read_parquet(f"{place}/past.parquet")
made.fit(past)
out = {"nannyml": nannyml.__version__}
def read(found):
    table = found.filter(period="analysis").to_df()
    return {c: [table[(c, "jensen_shannon", k)].astype(float).tolist() for k in ("value", "upper_threshold")]
            for c in columns}
reference = made.result.to_df()
out["past"] = {c: reference[(c, "jensen_shannon", "value")].astype(float).tolist() for c in columns}
for name in json.loads(sys.argv[3]):
    out[name] = read(made.calculate(pd.read_parquet(f"{place}/{name}.parquet")))
out["seconds"] = time.process_time() - began
print(json.dumps(out))
"""


def rows_of(world: World, hours: int, columns: list[str], fault: str | None = None) -> pl.DataFrame:
    """Return the rows of the next hours with their times."""
    rng, first, parts, n = np.random.default_rng(world.hour), world.hour, [], []
    for t, X in enumerate(world.hours(hours, 0.5 if fault == FAULTS[8] else 1.0)):
        held = X.copy()
        if fault is not None:
            spoil(held, fault, t, rng)
        # The category that was never seen has a name as well.
        held[:, 16:-1] = np.minimum(held[:, 16:-1], 9)
        parts.append(held)
        n.append(len(held))
    at = pl.from_epoch(pl.Series(np.repeat(first + np.arange(hours), n) * 3600), time_unit="s")
    return frame_of(np.concatenate(parts)).select(columns).with_columns(at=at)


def onsets(loud: np.ndarray) -> int:
    """Count stretches of alarms; three quiet hours end one."""
    hours = np.flatnonzero(loud)
    return int(len(hours) > 0) + int((np.diff(hours) > 3).sum())


def main() -> None:
    """Write what was found."""
    python, first, last, rows, out = (
        sys.argv[1],
        int(sys.argv[2]),
        int(sys.argv[3]),
        int(sys.argv[4]),
        sys.argv[5],
    )
    columns = ["x3", "w0", "score"]
    found, begun = [], time.process_time()
    for seed in range(first, last):
        world = World(seed, rows)
        with tempfile.TemporaryDirectory() as place:
            rows_of(world, HOURS, columns).write_parquet(Path(place) / "past.parquet")
            rows_of(world, MONTH, columns).write_parquet(Path(place) / "quiet.parquet")
            here, names = world.state(), ["quiet"]
            for k, fault in enumerate(FAULTS):
                if column(fault):
                    world.back(here)
                    rows_of(world, LASTS, columns, fault).write_parquet(Path(place) / f"f{k}.parquet")
                    names.append(f"f{k}")
            said = subprocess.run(
                [python, "-c", PEER, place, json.dumps(columns), json.dumps(names)],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
        found.append(json.loads(said.stdout.splitlines()[-1]))
        print(seed, f"{time.process_time() - begun:.0f} s, nannyml {found[-1]['seconds']:.0f} s", flush=True)
        # Written after each world, so that a run that is cut leaves what it reached.
        said_so_far = summary(found, columns, Path(out))
    print(said_so_far)


def summary(found: list[dict], columns: list[str], out: Path) -> str:
    """Write the delays at the first setting that alarms at most once a month; return what there is to say of it."""
    for_all = ALL / len(columns)
    default = (
        np.mean([sum(onsets(np.array(v) > np.array(u)) for v, u in f["quiet"].values()) for f in found])
        * for_all
    )
    middle = [{c: (np.nanmean(v), np.nanstd(v)) for c, v in f["past"].items()} for f in found]

    def at(k: float, f: dict, m: dict, name: str, c: str) -> np.ndarray:
        return np.array(f[name][c][0]) > m[c][0] + k * m[c][1]

    rate, k = np.inf, 3.0
    while rate > 1 and k < 300:
        k *= 1.05
        rate = for_all * np.mean(
            [
                sum(onsets(at(k, f, m, "quiet", c)) for c in columns)
                for f, m in zip(found, middle, strict=True)
            ]
        )
    late: dict[str, list[float | None]] = {}
    for i, fault in enumerate(FAULTS):
        late[fault] = []
        for f, m in zip(found, middle, strict=True):
            loud = np.flatnonzero(at(k, f, m, f"f{i}", column(fault))) if column(fault) else np.empty(0)
            late[fault].append(float(loud[0] + 1) if len(loud) else None)
    text = (
        f"nannyml {found[0]['nannyml']}, univariate Jensen-Shannon over hourly chunks of {len(columns)} of the {ALL} "
        f"columns of {len(found)} worlds (rates times {for_all:.1f}): at its defaults {default:.0f} alarms in 30 days; "
        f"at {k:.1f} σ over the reference {rate:.1f}"
    )
    medians = {f: np.median([np.inf if t is None else t for t in held]) for f, held in late.items()}
    text += "; there " + ", ".join(
        f"{f} {'never' if np.isinf(m) else f'{m:g} h'}" for f, m in medians.items() if column(f)
    )
    out.write_text(json.dumps({"late": late, "said": text}))
    return text


if __name__ == "__main__":
    main()
