"""Time reading without running against `pickle.loads` of the same bytes, and print the ratios.

    python benchmarks/scan_speed.py [PICKLESCAN] > benchmarks/scan_speed.md

The shortest of several processor times (other work on a machine slows a clock on the wall), taken in turn on one core;
`pickle.loads` has its libraries imported already, and the scan its compiled parts. The files are drawn with seed 0.
A ratio over 1 means that the scan is slower than loading.
PICKLESCAN is the command of picklescan, from an environment of its own.
"""

from __future__ import annotations

import io
import os
import pickle
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import numpy as np
import sklearn
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

from modelward.artifacts import read_bytes
from modelward.artifacts._hidden_heads import COMPILED
from modelward.artifacts._walk import load_compiled

if TYPE_CHECKING:
    from collections.abc import Callable

REPEATS = 15


def in_turn(*runs: Callable[[], object]) -> list[float]:
    """Return the shortest times in seconds of things that are run in turn, so that all meet the same machine."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(REPEATS):
        for run, taken in zip(runs, times, strict=True):
            began = time.process_time()
            run()
            taken.append(time.process_time() - began)
    return [min(taken) for taken in times]


def files() -> dict[str, tuple[bytes, Callable[[bytes], object]]]:
    """Return the streams, and what loads each."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3000, 10)), rng.integers(0, 2, 3000)
    rows = [{"id": i, "name": f"n{i}", "values": (i, i + 1.5), "ok": True} for i in range(20_000)]
    forest = RandomForestClassifier(100, max_depth=8, random_state=0).fit(X, y)
    boosting = GradientBoostingClassifier(n_estimators=500, random_state=0).fit(X, y)
    buffer = io.BytesIO()
    joblib.dump(rng.normal(size=(13_107_200,)), buffer)
    small = io.BytesIO()
    joblib.dump(forest, small)

    def by_joblib(data: bytes) -> object:
        return joblib.load(io.BytesIO(data))

    return {
        "small dicts, protocol 2 (opcode-dense)": (pickle.dumps(rows, 2), pickle.loads),
        "small dicts, protocol 5 (opcode-dense)": (pickle.dumps(rows, 5), pickle.loads),
        "numbers in lists, protocol 4": (
            pickle.dumps(rng.integers(0, 99, 300_000).tolist(), 4),
            pickle.loads,
        ),
        "forest of 100, protocol 5": (pickle.dumps(forest, 5), pickle.loads),
        "forest of 100, joblib": (small.getvalue(), by_joblib),
        "gradient boosting of 500, protocol 5": (pickle.dumps(boosting, 5), pickle.loads),
        "array of 100 MB, joblib": (buffer.getvalue(), by_joblib),
        "array of 100 MB, pickle": (pickle.dumps(rng.normal(size=13_107_200), 5), pickle.loads),
    }


def main() -> None:
    """Print the tables."""
    load_compiled()  # a process loads both once, when it has done as much in plain Python as that costs
    COMPILED.get()
    print(
        f"# Reading without running, against loading\n\nPython {platform.python_version()}, numpy {np.__version__}, "
        f"scikit-learn {sklearn.__version__}, joblib {joblib.__version__}; seed 0; best of {REPEATS}, in turn; "
        "`python benchmarks/scan_speed.py [PICKLESCAN]`\n\n"
        "| file | MB | load, ms | scan, ms | scan ÷ load | scan, MB/s |\n|---|---|---|---|---|---|"
    )
    for name, (data, load) in files().items():
        loading, scanning = in_turn(
            lambda data=data, load=load: load(data), lambda data=data: read_bytes(data)
        )
        size = len(data) / 1e6
        print(
            f"| {name} | {size:.1f} | {1e3 * loading:.1f} | {1e3 * scanning:.1f} | {scanning / loading:.2f} | "
            f"{size / scanning:,.0f} |",
            flush=True,
        )
    with tempfile.TemporaryDirectory() as folder:
        processes(Path(folder), sys.argv[1:2])


def processes(folder: Path, peer: list[str]) -> None:
    """Print whole processes, beside picklescan's if its command is given."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3000, 10)), rng.integers(0, 2, 3000)
    (folder / "small.pkl").write_bytes(
        pickle.dumps(RandomForestClassifier(5, max_depth=3).fit([[0.0], [1.0]], [0, 1]))
    )
    forest = pickle.dumps(RandomForestClassifier(80, max_depth=8, random_state=0).fit(X, y), 5)
    (folder / "many").mkdir()
    for i in range(200):
        (folder / "many" / f"{i}.pkl").write_bytes(forest)
    array = rng.normal(size=62_500_000)
    with (folder / "array.pkl").open("wb") as file:
        pickle.dump(array, file, protocol=5)
    joblib.dump(array, folder / "array.joblib")
    np.save(folder / "array.npy", array)
    del array
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed has its byte code beside it
    ours = [sys.executable, "-c", "from modelward.cli import main; main()", "scan"]
    print(
        "\nWhole processes, best of 3, in turn: processor seconds and the most memory in MB.\n\n"
        "| what | MB | modelward scan, s | MB of memory | picklescan, s | MB of memory |\n|---|---|---|---|---|---|"
    )
    for name, path in (
        ("a forest of 5", "small.pkl"), ("200 forests", "many"), ("one array", "array.pkl"),
        ("one array, joblib", "array.joblib"), ("one array, .npy", "array.npy"),
    ):  # fmt: skip
        place = folder / path
        size = sum(f.stat().st_size for f in ([place] if place.is_file() else place.iterdir())) / 1e6
        commands = [[*ours, str(place)]] + [[command, "-p", str(place)] for command in peer]
        runs = [[measured(command) for command in commands] for _ in range(3)]
        row = [
            f"{min(r[i][0] for r in runs):.2f} | {min(r[i][1] for r in runs):.0f}"
            if runs[0][i][2] == 0 else f"ended with {runs[0][i][2]} | –"
            for i in range(len(commands))
        ]  # fmt: skip
        print(f"| {name} | {size:,.1f} | {' | '.join(row + ['– | –'] * (2 - len(row)))} |", flush=True)


_LAUNCHER = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
child.returncode = os.waitstatus_to_exitcode(status)
print(child.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)
"""


def measured(command: list[str]) -> tuple[float, float, int]:
    """Return seconds, megabytes and exit code of a process; a child counts the memory of what starts it, too."""
    run = subprocess.run(
        [sys.executable, "-S", "-c", _LAUNCHER, *command], capture_output=True, check=True, text=True
    )
    code, seconds, megabytes = run.stdout.split()
    return float(seconds), float(megabytes), int(code)


if __name__ == "__main__":
    main()
