"""What numba compiles for a first exact search, by function, in seconds of the processor.

Run ``python benchmarks/compile_time.py [NORM]``. The cache of compiled code is an empty folder, so this is what the
first use after an installation pays, whatever was compiled before. Prints Markdown.
"""

from __future__ import annotations

import os
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="modelward-compile-")

import platform
import sys
import time
from collections import defaultdict
from typing import Any

import numba
import numpy as np
from numba.core import event
from sklearn.ensemble import RandomForestClassifier

from modelward.evasion import EnsembleSearch
from modelward.models import wrap
from modelward.schema import Codec, Column, FeatureSchema


class Compiling(event.Listener):
    """Adds up processor time by function, without that of functions which are compiled on the way."""

    def __init__(self) -> None:
        self.open: list[list[Any]] = []
        self.rows: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])

    def on_start(self, event: Any) -> None:
        function = event.data["dispatcher"].py_func
        self.open.append([f"{function.__module__}.{function.__name__}", time.process_time(), 0.0])

    def on_end(self, event: Any) -> None:  # noqa: ARG002 - numba's signature
        name, began, inner = self.open.pop()
        took = time.process_time() - began
        if self.open:
            self.open[-1][2] += took
        self.rows[name][0] += 1
        self.rows[name][1] += took - inner


def main(norm: Any) -> None:
    """Search two rows of a small forest, and print what was compiled."""
    rng = np.random.default_rng(0)
    X = np.round(rng.uniform(0, 20, size=(2_000, 4)))
    X = np.column_stack([X, np.eye(3)[rng.integers(3, size=len(X))]])
    columns = [Column(f"c{j}", "integer", low=0, high=20) for j in range(4)]
    group = ("g0", "g1", "g2")
    columns += [Column(name, "integer", low=0, high=1) for name in group]
    schema = FeatureSchema(tuple(columns), onehot=(group,))
    model = RandomForestClassifier(10, max_depth=6, random_state=0).fit(
        X, X[:, 0] + X[:, 1] + 5 * X[:, 4] > 22
    )
    subject = wrap(model, Codec.fit(schema), [False, True])
    heard = Compiling()
    event.register("numba:compile", heard)
    began = time.process_time()
    result = EnsembleSearch(norm=norm).run(subject, X[:2], subject.codes(X[:2]), schema=schema)
    first = time.process_time() - began
    print(f"`EnsembleSearch(norm={norm!r})` on two rows: {first:.1f} s of the processor the first time, of which "
          f"{sum(row[1] for row in heard.rows.values()):.1f} s compile {len(heard.rows)} functions; proven: "
          f"{int(result.proven.sum())}. numba {numba.__version__}, Python {platform.python_version()}.\n")  # fmt: skip
    print("| function | times | s, without what it calls |\n|---|--:|--:|")
    for name, (times, seconds) in sorted(heard.rows.items(), key=lambda item: -item[1][1]):
        if seconds >= 0.5:
            print(f"| `{name}` | {times:.0f} | {seconds:.1f} |")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "cost")
