"""Time reading without running against `pickle.loads` of the same bytes, and print the ratios.

    python benchmarks/scan_speed.py > benchmarks/scan_speed.md

Best of five for each, in one process on one core; `pickle.loads` has its libraries imported already. The files
are drawn with seed 0. A ratio over 1 means that the scan is slower than loading.
"""

from __future__ import annotations

import io
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

if TYPE_CHECKING:
    from collections.abc import Callable


def best(run: Callable[[], object], repeats: int = 5) -> float:
    """Return the shortest time of several runs, in seconds."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times)


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
    """Print the table."""
    print(
        f"# Reading without running, against loading\n\nPython {platform.python_version()}, numpy {np.__version__}, "
        f"scikit-learn {sklearn.__version__}, joblib {joblib.__version__}; seed 0; best of 5; "
        "`python benchmarks/scan_speed.py`\n\n"
        "| file | MB | load, ms | scan, ms | scan ÷ load | scan, MB/s |\n|---|---|---|---|---|---|"
    )
    for name, (data, load) in files().items():
        loading = best(lambda data=data, load=load: load(data))
        scanning = best(lambda data=data: read_bytes(data))
        size = len(data) / 1e6
        print(
            f"| {name} | {size:.1f} | {1e3 * loading:.1f} | {1e3 * scanning:.1f} | {scanning / loading:.2f} | "
            f"{size / scanning:,.0f} |"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pkl"
        path.write_bytes(pickle.dumps(RandomForestClassifier(5, max_depth=3).fit([[0.0], [1.0]], [0, 1])))
        command = [sys.executable, "-c", "from modelward.cli import main; main()", "scan", str(path)]
        whole = best(lambda: subprocess.run(command, capture_output=True, check=True))
    print(f"\n`modelward scan` of a forest of 5 as a process: {whole:.2f} s.")


if __name__ == "__main__":
    main()
