"""Made with catboost 1.2.10 and scikit-learn 1.9.1: `python make_models.py`, in an environment that has them."""

import pickle
from pathlib import Path

import catboost
import numpy as np
import pandas as pd

HERE = Path(__file__).parent
rng = np.random.default_rng(0)
X = rng.normal(size=(200, 4))
frame = pd.DataFrame(X, columns=["age", "limit", "bill", "pay"])
more = {"iterations": 5, "depth": 3, "verbose": 0, "thread_count": 1, "allow_writing_files": False}
for name, model, rows, y in (
    ("two", catboost.CatBoostClassifier(**more), frame, np.where(X[:, 0] > 0, "yes", "no")),
    ("number", catboost.CatBoostRegressor(**more), X, X[:, 0]),
    ("three", catboost.CatBoostClassifier(**more), frame, rng.integers(0, 3, 200)),
):
    (HERE / f"{name}.pkl").write_bytes(pickle.dumps(model.fit(rows, y)))
