"""ART's black-box attacks on the same forest, in a Python of their own; `black_box.py` and `score_based.py` call it.

Run as ``python art_peer.py EXCHANGE ATTACK``: rows and units come in EXCHANGE (npz), the results go beside it.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier

SEED, TREES = 0, 100


def forest() -> RandomForestClassifier:
    """Return the forest that both sides train."""
    return RandomForestClassifier(TREES, min_samples_leaf=2, random_state=SEED)


def ask_art(
    python: str,
    attack: str,
    X: np.ndarray,
    y: np.ndarray,
    rows: np.ndarray,
    rate: np.ndarray,
    keep: Path | None,
) -> Any:
    """Run one of ART's attacks by another Python, or take what an earlier run kept of it; return its arrays."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)  # before minutes of work that it is to keep
    kept = None if keep is None else keep / f"art-{attack}-{len(rows)}.npz"
    if kept is not None and kept.exists():
        return dict(np.load(kept))
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "exchange.npz")
        np.savez(path, X=X, y=y, rows=rows, rate=rate)
        subprocess.run([python, __file__, path, attack], check=True)
        out = dict(np.load(path + ".out.npz"))
    if kept is not None:
        np.savez(kept, **out)
    return out


def attacks(target: Any, d: int) -> dict[str, Any]:
    """Return a maker of each attack; ZOO has one more with the step that ART's own notebooks use for trees."""
    from art.attacks.evasion import HopSkipJump, SquareAttack, ZooAttack

    zoo = {
        "targeted": False, "learning_rate": 0.1, "max_iter": 40, "binary_search_steps": 1, "use_resize": False,
        "use_importance": False, "nb_parallel": d, "batch_size": 1, "verbose": False,
    }  # fmt: skip
    return {
        "hopskipjump": lambda: HopSkipJump(
            target, norm=2, max_iter=10, max_eval=1000, init_eval=50, verbose=False
        ),
        "zoo": lambda: ZooAttack(target, **zoo),
        "zoo-notebook": lambda: ZooAttack(target, **{**zoo, "variable_h": 0.8}),
        "square": lambda: SquareAttack(target, norm=2, eps=2.0, max_iter=1000, verbose=False),
    }


def main(path: str, name: str) -> None:
    """Attack."""
    import art
    import art.exceptions
    from art.estimators.classification import BlackBoxClassifier

    data = np.load(path)
    model = forest().fit(data["X"], data["y"])
    rate, asked = data["rate"], {"rows": 0, "calls": 0, "seconds": 0.0}

    def predict(Z: np.ndarray) -> np.ndarray:
        began = time.process_time()
        labels_only = name == "hopskipjump"
        out = np.eye(2)[model.predict(Z / rate)] if labels_only else model.predict_proba(Z / rate)
        asked["seconds"] += time.process_time() - began
        asked["rows"] += len(Z)
        asked["calls"] += 1
        return out

    low, high = (data["X"].min(axis=0) * rate), (data["X"].max(axis=0) * rate)
    target = BlackBoxClassifier(predict, (len(rate),), 2, clip_values=(low, high))
    np.random.seed(SEED)  # noqa: NPY002 - that is how ART is seeded
    refused, found, began = "", data["rows"] * rate, time.process_time()
    try:
        found = attacks(target, len(rate))[name]().generate(found)
    except (ValueError, TypeError, IndexError, art.exceptions.EstimatorError) as err:
        refused = f"{type(err).__name__}: {str(err)[:80]}"
    seconds = time.process_time() - began
    flips = model.predict(found / rate) != model.predict(data["rows"])
    np.savez(path + ".out.npz", found=found / rate, seconds=seconds, flips=flips, refused=refused,
             asked=asked["rows"], calls=asked["calls"], predict=asked["seconds"], version=art.__version__)  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
