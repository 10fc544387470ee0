"""Save everything of one release of scikit-learn that can be fitted; needs that release alone.

    python benchmarks/false_positives_make.py FOLDER

Each object is saved with pickle protocols 2 to 5 and by joblib raw and with zlib. Its module is the folder's
name, so that a part of the modules can be learned from and the others checked. Wrappers of xgboost, lightgbm and
catboost are saved too where they are installed.
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
import sklearn
from sklearn.utils import all_estimators

BOOSTERS = {
    "xgboost": ("XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor"),
    "lightgbm": ("LGBMClassifier", "LGBMRegressor"),
    "catboost": ("CatBoostClassifier", "CatBoostRegressor"),
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


def fitted() -> list[Any]:
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
    found = []
    for _, cls in all_estimators():
        for estimator in instances(cls):
            for data, target in tries:
                with contextlib.suppress(Exception):
                    found.append(estimator.fit(data, target))
                    break
    for library, names in BOOSTERS.items():
        with contextlib.suppress(ImportError):
            module = importlib.import_module(library)
            for name in names:
                quiet: dict[str, Any] = {"xgboost": {}, "lightgbm": {"verbose": -1}}.get(
                    library, {"verbose": 0, "allow_writing_files": False}
                )
                found.append(getattr(module, name)(n_estimators=4, **quiet).fit(X, y))
    return found


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
