"""Black-box attacks beside ART's HopSkipJump: time, distance and rows asked, on the UCI credit data.

Run ``python benchmarks/black_box.py CSV PEER [ROWS [FOLDER]]``. The CSV is the UCI credit-default set; PEER is a Python
that has adversarial-robustness-toolbox and the same scikit-learn; what it found is kept in FOLDER, and taken from there
later. ART attacks the same forest in the same units (one unit of the schema's cost), without the schema: it may leave
integers and one-hot pairs. Prints a Markdown table.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import dataclasses
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import sklearn

from art_peer import SEED, TREES, ask_art, forest
from attack_overhead import table
from modelward.evasion import BoundarySearch, CoordinateSearch, Space
from modelward.models import wrap
from modelward.schema import Codec, infer, legal

CUT = 27_000


class Timed:
    """Counts the calls and the processor seconds that a backend takes."""

    def __init__(self, backend: Any) -> None:
        self.backend, self.kind, self.seconds, self.calls = backend, backend.kind, 0.0, 0

    def labels(self, X: np.ndarray) -> Any:
        """Return labels."""
        return self._timed(self.backend.labels, X)

    def ask(self, X: np.ndarray) -> Any:
        """Return labels and scores."""
        return self._timed(self.backend.ask, X)

    def _timed(self, method: Any, X: np.ndarray) -> Any:
        began = time.process_time()
        out = method(X)
        self.seconds += time.process_time() - began
        self.calls += 1
        return out


def art_line(label: str, art: Any, rows: np.ndarray, schema: Any) -> str:
    """Return a line of the table about one of ART's attacks."""
    flips, n = art["flips"], len(rows)
    gap = np.linalg.norm((art["found"] - rows) * schema.rules.cost, axis=1)
    lawful = (legal(schema, art["found"]) & flips).sum() / max(1, flips.sum())
    return (
        f"| {label} | {flips.mean():.0%} | {lawful:.0%} | {_median(np.where(flips, gap, np.inf))} | "
        f"{int(art['asked']) // n:,} | {int(art['calls']):,} | {float(art['seconds']):.1f} | "
        f"{float(art['predict']) / max(float(art['seconds']), 1e-9):.0%} |"
    )


def our_line(label: str, attack: Any, subject: Any, rows: np.ndarray, schema: Any, share: int) -> str:
    """Run one of our searches with `share` rows to send for each; return its line."""
    timed, codes = Timed(subject.backend), subject.codes(rows)
    asked = dataclasses.replace(subject, backend=timed)
    began = time.process_time()
    result = attack.run(asked, rows, codes, schema=schema, budget=len(rows) * share, random_state=SEED)
    seconds = time.process_time() - began
    gap = np.linalg.norm(Space(schema).unit_costs(result.rows, rows), axis=1)
    obey = legal(schema, result.rows[result.success]).mean()
    return (
        f"| {label} | {result.success.mean():.0%} | {obey:.0%} | {_median(np.where(result.success, gap, np.inf))} | "
        f"{result.queries / len(rows):,.0f} | {timed.calls:,} | {seconds:.1f} | {timed.seconds / seconds:.0%} |"
    )


def _median(gap: np.ndarray) -> str:
    middle = float(np.median(gap))
    return f"{middle:.3f}" if np.isfinite(middle) else "most did not flip"


HEAD = (
    "| attack | flips | obey the schema | median L2 | rows asked a row | calls | seconds | in predict |\n"
    "|---|---|---|---|---|---|---|---|"
)


def prepared(csv: str, n: int) -> tuple[Any, Any, np.ndarray, np.ndarray, np.ndarray, str]:
    """Return subject, schema, all rows, labels, the rows to attack, and the table's name."""
    frame, y, name = table(csv)
    schema = infer(frame)
    codec = Codec.fit(schema, frame)
    X = codec.encode(frame)
    subject = wrap(forest().fit(X[:CUT], y[:CUT]), codec, np.unique(y).tolist())
    rows = X[CUT : CUT + 2 * n]
    return subject, schema, X, y, rows[legal(schema, rows)][:n], name


def main(csv: str, python: str, n: int, keep: Path | None) -> None:
    """Run both and print."""
    subject, schema, X, y, rows, name = prepared(csv, n)
    art = ask_art(python, "hopskipjump", X[:CUT], y[:CUT], rows, schema.rules.cost, keep)
    per_row = int(art["asked"]) // len(rows)
    print(f"{name}, forest of {TREES} trees (min_samples_leaf 2), {len(rows)} rows, seed {SEED}; one thread, ART "
          f"{art['version']}, scikit-learn {sklearn.__version__}, Python {platform.python_version()}.\n")  # fmt: skip
    print(HEAD)
    print(art_line("ART HopSkipJump, L2", art, rows, schema), flush=True)
    reference = X[:2_000]
    runs: list[tuple[str, Any, int]] = [
        ("boundary search, L2", BoundarySearch(reference, steps=40, neighbours=16, norm="l2"), per_row),
        ("coordinate search, L2", CoordinateSearch(reference, norm="l2"), per_row),
        ("coordinate search, L2", CoordinateSearch(reference, norm="l2"), per_row // 5),
        ("coordinate search, L2, drawn starting points", CoordinateSearch(norm="l2"), per_row // 5),
    ]
    for label, attack, share in runs:
        print(our_line(label, attack, subject, rows, schema, share), flush=True)


if __name__ == "__main__":
    main(
        sys.argv[1],
        sys.argv[2],
        int(sys.argv[3]) if len(sys.argv) > 3 else 100,
        Path(sys.argv[4]) if len(sys.argv) > 4 else None,
    )
