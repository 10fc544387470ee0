"""Fit everything of an installed scikit-learn, and save it; for environments with older releases too.

    python benchmarks/make_estimators.py FOLDER

Written to FOLDER/scikit-learn-VERSION/MODULE: each object with pickle protocols 2 to 5 and by joblib, raw and with
zlib. The folder's name is the module of its class, so that a part of the modules can be learned from and the others
checked. Wrappers of xgboost, lightgbm and catboost, sparse containers and data frames go with it where they are
installed. Needs scikit-learn alone, so that it runs where modelward does not.
"""

from __future__ import annotations

import contextlib
import importlib
import pickle
import sys
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import scipy.sparse
import scipy.stats
import sklearn
from sklearn.utils import all_estimators

from make_pipelines import composed

BOOSTERS = {
    "catboost": ("CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker"),
    "xgboost": ("XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier", "XGBRFRegressor"),
    "lightgbm": ("LGBMClassifier", "LGBMRegressor", "LGBMRanker"),
}
QUIET: dict[str, dict[str, Any]] = {
    "catboost": {"verbose": 0, "allow_writing_files": False},
    "lightgbm": {"verbose": -1},
}


def instances(cls: Any) -> list[Any]:
    """Return the objects of a class that the release's own tests are run with."""
    with contextlib.suppress(Exception):
        from sklearn.utils._test_common.instance_generator import _construct_instances

        return list(_construct_instances(cls))
    with contextlib.suppress(Exception):
        from sklearn.utils.estimator_checks import _construct_instance

        return [_construct_instance(cls)]
    return []


def data_for() -> list[tuple[Any, Any]]:
    """Return small generated data sets, to be tried in turn."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    y = (X[:, 0] + 0.3 * rng.normal(size=60) > 0).astype(int)
    two = np.c_[y, 1 - y]
    positive = np.abs(X)
    words = ["good day", "bad day", "day and night"] * 20
    return [
        (X, y), (positive, y), (positive, positive[:, 0]), (X[:, 0], X[:, 1]), (X[:, :1], X[:, 1]), (words, y),
        (X, two), (X @ X.T, y), ([{"a": 1.0}, {"b": 2.0}] * 30, y), (X, two.astype(float)), (y, None), (two, None),
        ([["a"], ["b"]] * 30, y),
    ]  # fmt: skip


def fitted() -> list[Any]:
    """Return every estimator that fits, wrappers of other libraries, and what models are pickled with."""
    found = []
    for _, cls in all_estimators():
        for estimator in instances(cls):
            for X, y in data_for():
                with contextlib.suppress(Exception):
                    found.append(estimator.fit(X, y))
                    break
    return [*found, *composed(), *boosters(), *arrays(), *frames()]


def boosters() -> list[Any]:
    """Return fitted wrappers of the libraries that are installed."""
    X, y = data_for()[0]
    found = []
    for library, names in BOOSTERS.items():
        try:
            module = importlib.import_module(library)
        except ImportError:
            continue
        for name in names:
            group = {"group_id": [0] * 60} if library == "catboost" else {"group": [60]}
            options = group if name.endswith("Ranker") else {}
            found.append(getattr(module, name)(n_estimators=4, **QUIET.get(library, {})).fit(X, y, **options))
    return found


def arrays() -> list[Any]:
    """Return sparse containers, arrays, generators and distributions."""
    X = data_for()[0][0]
    found: list[Any] = [
        getattr(scipy.sparse, f"{form}_{kind}")(X)
        for form in ("csr", "csc", "coo", "lil", "dok", "dia", "bsr")
        for kind in ("matrix", "array")
    ]
    found += [np.float64(1), np.ma.masked_array([1, 2]), np.array(["a"]), np.array([None])]
    found += [
        np.datetime64("2020-01-01"),
        np.random.RandomState(0),
        np.random.default_rng(0),
        np.rec.array([(1, 2.0)]),
    ]
    laws = (scipy.stats.randint(1, 5), scipy.stats.uniform(0, 1), scipy.stats.loguniform(1, 2))
    return [*found, *laws, scipy.stats.norm]


def frames() -> list[Any]:
    """Return data frames and their parts, where pandas is installed."""
    try:
        import pandas as pd
    except ImportError:
        return []
    frame = pd.DataFrame(
        {"a": [1, 2, 3], "b": list("xyz"), "c": pd.Categorical(list("xyx")), "e": [1.0, 2.0, None]}
    )
    frame["d"] = pd.date_range("2020-01-01", periods=3, tz="UTC")
    return [
        frame, frame["a"], frame["b"].astype(object), frame.set_index(["a", "b"]), frame.astype({"a": "Int64"}),
        frame.convert_dtypes(), pd.Timestamp("2020"), pd.Timedelta(1),
    ]  # fmt: skip


def main() -> None:
    """Save them all."""
    warnings.simplefilter("ignore")
    release = Path(sys.argv[1]) / f"scikit-learn-{sklearn.__version__}"
    objects = fitted()
    files = 0
    for i, model in enumerate(objects):
        folder = release / type(model).__module__
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{type(model).__name__}-{i}"
        for protocol in (2, 3, 4, 5):
            with contextlib.suppress(Exception):
                (folder / f"{name}-{protocol}.pkl").write_bytes(pickle.dumps(model, protocol))
                files += 1
        for suffix, compress in (("joblib", 0), ("joblib.z", 3)):
            with contextlib.suppress(Exception):
                joblib.dump(model, folder / f"{name}.{suffix}", compress=compress)
                files += 1
    print(f"scikit-learn {sklearn.__version__}: {len(objects)} objects, {files} files")


if __name__ == "__main__":
    main()
