"""How near the coordinate search comes to the exact least cost, as a function of the labels that it may ask for.

Run ``python benchmarks/search_curve.py CSV [ROWS [FOLDER [SEEDS [MODEL]]]]``. Four models on ten columns of the UCI
credit-default set, or the one whose name begins with MODEL. The exact search proves the least cost; rows that it does
not prove are left out, and the table says how many. The proofs take most of the time: they are kept in FOLDER, and
taken from there by a later run. Labels are bounded, or the search ends by itself. Ratios are of all rows with all
SEEDS together, since one seed says little.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn.ensemble import RandomForestClassifier

from attack_overhead import table
from modelward.evasion import CoordinateSearch, EnsembleSearch, split_points
from modelward.models import wrap
from modelward.schema import Codec, infer, legal

CUT, SEED, WORK = 27_000, 0, 60_000_000
BUDGETS: tuple[int | None, ...] = (250, 1_000, None)
KNOWN_BUDGETS: tuple[int | None, ...] = (1_000,)


def models() -> dict[str, Any]:
    """Return the models by name."""
    from xgboost import XGBClassifier

    return {
        "shallow forest (5 trees, depth 3)": RandomForestClassifier(
            5, max_depth=3, min_samples_leaf=100, random_state=0
        ),
        "xgboost, 200 trees, depth 6": XGBClassifier(n_estimators=200, max_depth=6, random_state=0, n_jobs=1),
        "forest of 100 trees, depth 8": RandomForestClassifier(100, max_depth=8, random_state=0),
        "forest of 100 full trees (leaves of 2)": RandomForestClassifier(
            100, min_samples_leaf=2, random_state=SEED
        ),
    }


def least(path: Path | None, subject: Any, rows: np.ndarray, codes: np.ndarray, schema: Any) -> Any:
    """Return the exact least cost of each row, inf where it is not proven; kept at `path`."""
    if path is not None and path.exists():
        kept = np.load(path)
        if np.array_equal(kept["origins"], rows) and np.array_equal(kept["codes"], codes):
            return kept["cost"]
    exact = EnsembleSearch(work=WORK).run(subject, rows, codes, schema=schema)
    cost = np.where(exact.success & exact.proven & (exact.cost > 0), exact.cost, np.inf)
    if path is not None:
        np.savez(path, cost=cost, origins=rows, codes=codes)
    return cost


def main(csv: str, n: int, folder: Path | None, seeds: int, wanted: str) -> None:
    """Measure and print."""
    frame, y, name = table(csv)
    schema = infer(frame)
    codec = Codec.fit(schema, frame)
    X = codec.encode(frame)
    rows = X[CUT : CUT + 2 * n]
    rows = rows[legal(schema, rows)][:n]
    print(f"{name}, {len(rows)} rows, cost, {seeds} seeds; scikit-learn {sklearn.__version__}, Python "
          f"{platform.python_version()}.\n")  # fmt: skip
    print(
        "| model | proven rows | thresholds | asked a row | moved | median ratio | of single seeds "
        "| geometric mean | within 1.1 |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for label, model in models().items():
        if not label.startswith(wanted):
            continue
        subject = wrap(model.fit(X[:CUT], y[:CUT]), codec, np.unique(y).tolist())
        codes = subject.codes(rows)
        path = None if folder is None else folder / f"exact-{n}-{label.split(' (')[0].replace(' ', '-')}.npz"
        exact = least(path, subject, rows, codes, schema)
        proven = np.isfinite(exact)
        for known in (False, True):
            search = CoordinateSearch(X[:2_000], split_points(subject) if known else None)
            for budget in KNOWN_BUDGETS if known else BUDGETS:
                every_row = None if budget is None else len(rows) * budget
                found = [
                    search.run(subject, rows, codes, schema=schema, budget=every_row, random_state=seed)
                    for seed in range(seeds)
                ]
                every = np.array([one.cost[proven] / exact[proven] for one in found])
                mean = float(np.exp(np.log(every[np.isfinite(every)]).mean()))
                each = [float(np.median(one)) for one in every]
                asked, moved = (
                    np.mean([one.queries for one in found]),
                    np.mean([one.success for one in found]),
                )
                print(f"| {label} | {proven.sum()} | {'known' if known else 'unknown'} | "
                      f"{asked / len(rows):,.0f} | {moved:.0%} | {np.median(every):.3f} | "
                      f"{min(each):.3f} to {max(each):.3f} | {mean:.3f} | {np.mean(every <= 1.1):.0%} |",
                      flush=True)  # fmt: skip


if __name__ == "__main__":
    main(
        sys.argv[1],
        int(sys.argv[2]) if len(sys.argv) > 2 else 60,
        Path(sys.argv[3]) if len(sys.argv) > 3 else None,
        int(sys.argv[4]) if len(sys.argv) > 4 else 5,
        sys.argv[5] if len(sys.argv) > 5 else "",
    )
