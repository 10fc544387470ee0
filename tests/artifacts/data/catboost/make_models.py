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

# Models whose trees are read, and what CatBoost itself answers on the rows of rows.csv (raw scores).
asked = rng.normal(size=(60, 4))
asked[rng.uniform(size=asked.shape) < 0.1] = np.nan
frame_asked = pd.DataFrame(asked, columns=["age", "limit", "bill", "pay"])
holes = frame.mask(rng.uniform(size=frame.shape) < 0.1)
answers = {}
for name, mode in (("missing_min", "Min"), ("missing_max", "Max")):
    model = catboost.CatBoostClassifier(**more, nan_mode=mode).fit(holes, np.where(X[:, 0] > 0, "yes", "no"))
    model.save_model(str(HERE / f"{name}.cbm"))
    answers[f"{name}:0"] = model.predict(frame_asked, prediction_type="RawFormulaVal")
for name in ("two", "three", "number"):
    model = pickle.loads((HERE / f"{name}.pkl").read_bytes())
    raw = np.atleast_2d(model.predict(frame_asked.fillna(0), prediction_type="RawFormulaVal").T)
    answers |= {f"{name}:{k}": row for k, row in enumerate(raw)}
    answers[f"labels {name}"] = model.predict(frame_asked.fillna(0)).ravel()
    if name != "number":
        answers |= {
            f"shares {name} {k}": p for k, p in enumerate(model.predict_proba(frame_asked.fillna(0)).T)
        }
model.save_model(str(HERE / "number.cbm"))
frame_asked.to_csv(HERE / "rows.csv", index=False)
pd.DataFrame(answers).to_csv(HERE / "answers.csv", index=False)
catboost.CatBoostRegressor(**more, grow_policy="Depthwise").fit(X, X[:, 0]).save_model(
    str(HERE / "depthwise.cbm")
)
kinds = frame.assign(kind=rng.choice(list("abc"), 200))
sets = catboost.CatBoostClassifier(**more, cat_features=["kind"]).fit(
    kinds, (kinds["kind"] == "a").astype(int)
)
sets.save_model(str(HERE / "sets.cbm"))
