"""Black-box attacks beside ART's HopSkipJump: time, distance and rows asked, on the UCI credit data.

Run ``python benchmarks/black_box.py CSV PEER [ROWS]``. The CSV is the UCI credit-default set; PEER is a Python that has
adversarial-robustness-toolbox and the same scikit-learn. ART attacks the same forest in the same units (one unit of
the schema's cost), without the schema: it may leave integers and one-hot pairs. Prints a Markdown table.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import dataclasses
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier

SEED, TREES, CUT = 0, 100, 27_000


def forest() -> RandomForestClassifier:
    """Return the forest that both sides train."""
    return RandomForestClassifier(TREES, min_samples_leaf=2, random_state=SEED)


def peer(path: str) -> None:
    """Attack with ART, in its own Python; the results go to a file beside the exchange's."""
    import art
    from art.attacks.evasion import HopSkipJump
    from art.estimators.classification import BlackBoxClassifier

    data = np.load(path)
    model = forest().fit(data["X"], data["y"])
    rate, asked = data["rate"], {"rows": 0, "calls": 0, "seconds": 0.0}

    def predict(Z: np.ndarray) -> np.ndarray:
        began = time.perf_counter()
        labels = model.predict(Z / rate)
        asked["seconds"] += time.perf_counter() - began
        asked["rows"] += len(Z)
        asked["calls"] += 1
        return np.eye(2)[labels]

    low, high = (data["X"].min(axis=0) * rate), (data["X"].max(axis=0) * rate)
    target = BlackBoxClassifier(predict, (len(rate),), 2, clip_values=(low, high))
    np.random.seed(SEED)  # noqa: NPY002 - that is how ART is seeded
    attack = HopSkipJump(target, norm=2, max_iter=10, max_eval=1000, init_eval=50, verbose=False)
    began = time.perf_counter()
    found = attack.generate(data["rows"] * rate)
    seconds = time.perf_counter() - began
    flips = model.predict(found / rate) != model.predict(data["rows"])
    np.savez(path + ".out.npz", found=found / rate, seconds=seconds, flips=flips,
             asked=asked["rows"], calls=asked["calls"], predict=asked["seconds"], version=art.__version__)  # fmt: skip


def ours(csv: str, python: str, n: int) -> None:
    """Run both and print."""
    import sklearn

    from attack_overhead import table
    from modelward.evasion import BoundarySearch, CoordinateSearch, EnsembleSearch
    from modelward.models import wrap
    from modelward.schema import Codec, infer, legal

    frame, y, name = table(csv)
    schema = infer(frame)
    codec = Codec.fit(schema, frame)
    X = codec.encode(frame)
    model = forest().fit(X[:CUT], y[:CUT])
    subject = wrap(model, codec, np.unique(y).tolist())
    rows = X[CUT : CUT + 2 * n]
    rows = rows[legal(schema, rows)][:n]
    n, codes, rate = len(rows), subject.codes(rows), schema.rules.cost
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "exchange.npz")
        np.savez(path, X=X[:CUT], y=y[:CUT], rows=rows, rate=rate)
        subprocess.run([python, __file__, "--peer", path], check=True)
        art = dict(np.load(path + ".out.npz"))
    per_row = int(art["asked"]) // n
    distance = np.where(art["flips"], np.linalg.norm((art["found"] - rows) * rate, axis=1), np.inf)
    lawful = legal(schema, art["found"]) & art["flips"]
    print(f"{name}, forest of {TREES} trees (min_samples_leaf 2), {n} rows, seed {SEED}; one thread, ART "
          f"{art['version']}, scikit-learn {sklearn.__version__}, Python {platform.python_version()}.\n")  # fmt: skip
    print(
        "| attack | flips | obey the schema | median L2 | median cost | rows asked a row "
        "| calls | seconds | in predict |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    print(f"| ART HopSkipJump, L2 | {art['flips'].mean():.0%} | {lawful.sum() / max(1, art['flips'].sum()):.0%} | "
          f"{np.median(distance):.3f} | | {per_row:,} | {int(art['calls']):,} | {float(art['seconds']):.1f} | "
          f"{float(art['predict']) / float(art['seconds']):.0%} |")  # fmt: skip
    reference = X[:2_000]
    runs: list[tuple[str, Any]] = [
        ("boundary search, L2", BoundarySearch(reference, steps=40, neighbours=16, norm="l2")),
        ("boundary search, cost", BoundarySearch(reference, steps=40, neighbours=16)),
        ("coordinate search, L2", CoordinateSearch(reference, norm="l2")),
        ("coordinate search, cost", CoordinateSearch(reference)),
    ]
    costs: dict[str, Any] = {}
    for label, attack in runs:
        share = per_row if "boundary" in label else per_row // 5
        timed = _Timed(subject.backend)
        asked = dataclasses.replace(subject, backend=timed)
        began = time.perf_counter()
        result = attack.run(asked, rows, codes, schema=schema, budget=n * share, random_state=SEED)
        seconds = time.perf_counter() - began
        l2 = np.where(result.success, np.linalg.norm(_units(schema, result.rows, rows), axis=1), np.inf)
        l1 = np.where(result.success, _units(schema, result.rows, rows).sum(axis=1), np.inf)
        costs[label] = l1
        obey = legal(schema, result.rows[result.success]).mean()
        print(f"| {label} | {result.success.mean():.0%} | {obey:.0%} | {np.median(l2):.3f} | {np.median(l1):.3f} | "
              f"{result.queries / n:,.0f} | {timed.calls:,} | {seconds:.1f} | "
              f"{timed.seconds / seconds:.0%} |")  # fmt: skip
    exact = EnsembleSearch().run(subject, rows, codes, schema=schema)
    proven = exact.success & exact.proven
    for label in ("boundary search, cost", "coordinate search, cost"):
        ratio = costs[label][proven] / exact.cost[proven]
        print(f"\n{label} against the exact least cost, {proven.sum()} of {n} rows proven: median "
              f"{np.median(ratio):.3f}, mean {ratio.mean():.3f}.")  # fmt: skip


def _units(schema: Any, A: np.ndarray, X: np.ndarray) -> np.ndarray:
    from modelward.evasion import Space

    return Space(schema).unit_costs(A, X)


class _Timed:
    """Counts the calls and seconds that a backend takes."""

    def __init__(self, backend: Any) -> None:
        self.backend, self.kind, self.seconds, self.calls = backend, backend.kind, 0.0, 0

    def labels(self, X: np.ndarray) -> Any:
        began = time.perf_counter()
        out = self.backend.labels(X)
        self.seconds += time.perf_counter() - began
        self.calls += 1
        return out


if __name__ == "__main__":
    if sys.argv[1] == "--peer":
        peer(sys.argv[2])
    else:
        ours(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 100)
