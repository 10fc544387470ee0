"""Honest files of the formats that run no code, written by the libraries themselves, once for all tests."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(300, 4)), columns=list("abcd"))
X["c"] = pd.Categorical(RNG.integers(0, 40, 300))
X.iloc[::7, 0] = np.nan
Y = ((X.a.fillna(0) + X.c.astype(int) % 2) > 0.5).astype(int)
Y3 = RNG.integers(0, 3, 300)


def xgboost_models() -> dict[str, object]:
    import xgboost

    more = {"n_estimators": 3, "max_depth": 3, "enable_categorical": True, "n_jobs": 1}
    plain = X[["a", "b", "d"]]
    return {
        "onehot": xgboost.XGBClassifier(**more).fit(X, Y),
        "sets": xgboost.XGBClassifier(**more, max_cat_to_onehot=1).fit(X, Y),
        "classes": xgboost.XGBClassifier(**more).fit(X, Y3),
        "parallel": xgboost.XGBClassifier(**more, num_parallel_tree=2).fit(X, Y),
        "dart": xgboost.XGBClassifier(**more, booster="dart", rate_drop=0.5).fit(X, Y),
        "linear": xgboost.XGBRegressor(n_estimators=3, booster="gblinear", n_jobs=1).fit(plain.fillna(0), Y),
        "pruned": xgboost.XGBClassifier(n_estimators=2, max_depth=4, gamma=9, tree_method="exact").fit(
            plain, Y
        ),
        "vector": xgboost.XGBRegressor(n_estimators=2, max_depth=2, multi_strategy="multi_output_tree").fit(
            plain, np.c_[Y, -Y]
        ),
    }


def lightgbm_models() -> dict[str, object]:
    import lightgbm

    more = {"n_estimators": 3, "num_leaves": 6, "verbose": -1, "n_jobs": 1}
    return {
        "sets": lightgbm.LGBMClassifier(**more, min_data_per_group=5, cat_smooth=1).fit(X, Y),
        "classes": lightgbm.LGBMClassifier(**more).fit(X, Y3),
        "stump": lightgbm.LGBMRegressor(**more, min_child_samples=200).fit(X, Y),
        "forest": lightgbm.LGBMClassifier(
            **more, boosting_type="rf", bagging_freq=1, bagging_fraction=0.5
        ).fit(X, Y),
        "linear": lightgbm.LGBMRegressor(**more, linear_tree=True).fit(X[["a", "b", "d"]], Y),
    }


def safetensors(tensors: str, body: bytes) -> bytes:
    return struct.pack("<Q", len(tensors)) + tensors.encode() + body


@pytest.fixture(scope="session")
def boosters() -> dict[str, object]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {f"xgboost {k}": m for k, m in xgboost_models().items()}
        return found | {f"lightgbm {k}": m for k, m in lightgbm_models().items()}


@pytest.fixture(scope="session")
def honest(boosters: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("honest")
    files: dict[str, bytes] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, model in boosters.items():
            if name.startswith("xgboost"):
                for form in ("json", "ubj"):
                    files[f"{name}.{form}"] = bytes(model.get_booster().save_raw(form))
            else:
                model.booster_.save_model(folder / "m.txt")
                files[f"{name}.txt"] = Path(folder / "m.txt").read_bytes()
    files["plain.safetensors"] = safetensors(
        '{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},'
        '"a":{"dtype":"BF16","shape":[2],"data_offsets":[24,28]}}',
        np.arange(6, dtype="<f4").tobytes() + b"\x00\x01\x02\x03",
    )
    return files


@pytest.fixture(scope="session")
def table() -> pd.DataFrame:
    return X
