"""Searches by scores beside ART's ZOO and Square at equal rows asked, on the UCI credit data.

Run ``python benchmarks/score_based.py CSV PEER [ROWS [FOLDER]]``; see `black_box.py` for what they are.
Prints a Markdown table.
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import numpy as np
import sklearn

from art_peer import SEED, TREES, ask_art
from black_box import CUT, HEAD, art_line, our_line, prepared
from modelward.evasion import CoordinateSearch, ScoreSearch, SquareSearch

ART = {"zoo": "ART ZOO, defaults", "zoo-notebook": "ART ZOO, variable_h 0.8", "square": "ART Square"}


def main(csv: str, python: str, n: int, keep: Path | None) -> None:
    """Run all and print."""
    subject, schema, X, y, rows, name = prepared(csv, n)
    found = {a: ask_art(python, a, X[:CUT], y[:CUT], rows, schema.rules.cost, keep) for a in ART}
    print(
        f"{name}, forest of {TREES} trees (min_samples_leaf 2), {len(rows)} rows, seed {SEED}; one thread, ART "
        f"{found['zoo']['version']}, scikit-learn {sklearn.__version__}, Python {platform.python_version()}.\n"
    )
    print(HEAD)
    for key, label in ART.items():
        refused = str(found[key]["refused"])
        print(
            f"| {label} | {refused} | | | | | | |" if refused else art_line(label, found[key], rows, schema),
            flush=True,
        )
    share = max(int(np.asarray(one["asked"])) // len(rows) for one in found.values())
    for part in (share, share // 5):
        print(our_line("square search, L2", SquareSearch(norm="l2"), subject, rows, schema, part))
        search = ScoreSearch(X[:2_000], norm="l2")
        print(our_line("score search, L2", search, subject, rows, schema, part))
        labels = CoordinateSearch(X[:2_000], norm="l2")
        print(
            our_line("coordinate search (labels only), L2", labels, subject, rows, schema, part), flush=True
        )


if __name__ == "__main__":
    main(
        sys.argv[1],
        sys.argv[2],
        int(sys.argv[3]) if len(sys.argv) > 3 else 50,
        Path(sys.argv[4]) if len(sys.argv) > 4 else None,
    )
