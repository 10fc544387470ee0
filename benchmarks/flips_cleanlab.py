"""The peer's half of flips.py, run by an interpreter that has cleanlab: reads a table, writes its ranking.

PEER_PYTHON benchmarks/flips_cleanlab.py TABLE.npz RANKED.npz
"""

from __future__ import annotations

import sys
import time
from importlib.metadata import version

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_predict

held = np.load(sys.argv[1])
start = time.perf_counter()
folds = StratifiedKFold(5, shuffle=True, random_state=0)
model = HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=15, random_state=0)
probability = cross_val_predict(model, held["X"], held["y"], cv=folds, method="predict_proba")
quality = get_label_quality_scores(held["y"], probability)
flagged = find_label_issues(held["y"], probability)
np.savez(
    sys.argv[2], order=np.argsort(quality, kind="stable"), flagged=flagged,
    seconds=time.perf_counter() - start, version=version("cleanlab"),
)  # fmt: skip
