"""Models rebuilt from files of several releases, beside the answers that their own library gave.

    python benchmarks/make_answers.py ANSWERS       # once in each environment: scikit-learn 1.2 and newer, boosters
    python benchmarks/rebuild.py ANSWERS > benchmarks/rebuild.md

The oracle is the library that wrote the file, in its own environment. Labels: equal for every row. Scores: the
largest difference, relative where a score is larger than one. A file that cannot be rebuilt is counted and named.
"""

from __future__ import annotations

import platform
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np


def compare(path: Path) -> tuple[str, float]:
    """Return `labels differ`, `cannot be rebuilt: …` or nothing, and the largest difference of a score."""
    from modelward.artifacts import read_artifact
    from modelward.errors import ModelwardError
    from modelward.models.rebuilt import rebuild

    told = np.load(path.with_suffix(".npz"))
    try:
        ours: Any = rebuild(read_artifact(path))
    except ModelwardError as err:
        return f"cannot be rebuilt: {err}", 0.0
    worst = 0.0
    for method in ("predict_proba", "decision_function"):
        if (method in told) != hasattr(ours, method):
            return f"{method} is there in one of the two", 0.0
        if method in told:
            worst = max(worst, apart(getattr(ours, method)(told["rows"]), told[method]))
    mine = np.asarray(ours.predict(told["rows"]))
    if told["predict"].dtype.kind == "f" and not hasattr(ours, "classes_"):
        return "", max(worst, apart(mine, told["predict"]))
    return ("" if mine.tolist() == told["predict"].tolist() else "labels differ"), worst


def apart(mine: Any, theirs: Any) -> float:
    """Return the largest difference, relative to values over one; infinite if the shapes differ."""
    a, b = np.asarray(mine, dtype=float), np.asarray(theirs, dtype=float)
    if a.shape != b.shape:
        return float("inf")
    return float(np.max(np.abs(a - b) / np.maximum(1.0, np.abs(b)), initial=0.0))


def main() -> int:
    """Print the table; return the number of files that are not equal."""
    print(
        f"`python benchmarks/rebuild.py ANSWERS`, Python {platform.python_version()}, numpy {np.__version__}, seed 0; "
    )
    print(
        "each file was written, and its 1,600 rows answered, by the release that is named, in its own environment.\n"
    )
    print("| written by | files | rebuilt | labels equal | scores within 1e-12 | largest difference |")
    print("|---|--:|--:|--:|--:|--:|")
    notes = []
    for folder in sorted(p for p in Path(sys.argv[1]).iterdir() if p.is_dir()):
        files = sorted(p for p in folder.iterdir() if p.suffix in (".pkl", ".joblib"))
        results = [(path, *compare(path)) for path in files]
        built = [r for r in results if not r[1].startswith("cannot")]
        equal = [r for r in built if not r[1]]
        near = [r for r in built if r[2] <= 1e-12]
        worst = max((r[2] for r in built), default=0.0)
        print(f"| {folder.name} | {len(files)} | {len(built)} | {len(equal)} | {len(near)} | {worst:.1e} |")
        notes += [f"- {folder.name}, {p.name}: {why or f'scores differ by {far:.1e}'}"
                  for p, why, far in results if why or far > 1e-12]  # fmt: skip
    print("\n" + ("Not equal:\n\n" + "\n".join(notes) if notes else "Not equal: none."))
    return len(notes)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
