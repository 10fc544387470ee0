"""Fit every estimator of an installed scikit-learn and save it; for environments with older releases.

    python benchmarks/make_old.py FOLDER

Written to FOLDER/scikit-learn-VERSION: each estimator with pickle protocols 2 to 5 and joblib, raw and compressed.
Needs scikit-learn alone, so that it runs where modelward does not.
"""

from __future__ import annotations

import pickle
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import scipy.sparse
import sklearn
from sklearn.utils import all_estimators
from sklearn.utils.estimator_checks import _construct_instance


def fitted() -> list[tuple[str, object]]:
    """Return what fits on small generated data."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    y = (X[:, 0] + 0.3 * rng.normal(size=60) > 0).astype(int)
    two = np.c_[y, 1 - y]
    positive = np.abs(X)
    words = ["good day", "bad day", "day and night"] * 20
    tries = [
        (X, y), (positive, y), (positive, positive[:, 0]), (X[:, 0], X[:, 1]), (words, y), (X, two),
        (X @ X.T, y), ([{"a": 1.0}, {"b": 2.0}] * 30, y), (X, two.astype(float)), (y, None), (two, None),
        ([["a"], ["b"]] * 30, y),
    ]  # fmt: skip
    found: list[tuple[str, object]] = []
    for name, cls in all_estimators():
        for data, target in tries:
            try:
                found.append((name, _construct_instance(cls).fit(data, target)))
                break
            except Exception:  # noqa: BLE001, S112 - the next data set may suit it
                continue
    for form in ("csr", "csc", "coo"):
        found.append((form, getattr(scipy.sparse, f"{form}_matrix")(X)))  # noqa: PERF401
    try:
        import pandas as pd
    except ImportError:
        return found
    frame = pd.DataFrame(
        {"a": [1, 2, 3], "b": list("xyz"), "c": pd.Categorical(list("xyx")), "e": [1.0, 2.0, None]}
    )
    frame["d"] = pd.date_range("2020-01-01", periods=3, tz="UTC")
    return [*found, ("frame", frame), ("series", frame["a"]), ("index", frame.set_index(["a", "b"]))]


def main() -> None:
    """Save them all."""
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1]) / f"scikit-learn-{sklearn.__version__}"
    folder.mkdir(parents=True, exist_ok=True)
    models = fitted()
    for name, model in models:
        for protocol in (2, 3, 4, 5):
            try:
                (folder / f"{name}-{protocol}.pkl").write_bytes(pickle.dumps(model, protocol))
            except Exception:  # noqa: BLE001, S112 - not everything can be saved
                continue
            joblib.dump(model, folder / f"{name}-{protocol}.joblib", protocol=protocol)
        if (folder / f"{name}-4.pkl").exists():
            joblib.dump(model, folder / f"{name}-zlib.joblib.z", compress=3)
    print(f"scikit-learn {sklearn.__version__}: {len(models)} objects")


if __name__ == "__main__":
    main()
