"""CatBoost's trees from its pickles, against its own JSON export and its own predictions."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from modelward.artifacts import read_bytes
from modelward.artifacts._boosters import BoosterError, booster_trees

catboost = pytest.importorskip("catboost")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 3)).astype(np.float32)
X[::9, 0] = np.nan
MORE = {"iterations": 4, "depth": 3, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
MODELS = {
    "two classes": catboost.CatBoostClassifier(**MORE).fit(
        X, (np.nan_to_num(X[:, 0]) + X[:, 1] > 0).astype(int)
    ),
    "three classes": catboost.CatBoostClassifier(**MORE).fit(X, RNG.integers(0, 3, 300)),
    "numbers": catboost.CatBoostRegressor(**MORE, nan_mode="Max").fit(X, X[:, 1]),
}


@pytest.mark.parametrize("name", MODELS)
def test_sums_and_leaves(name: str, tmp_path: Path) -> None:
    model = MODELS[name]
    found = booster_trees(read_bytes(pickle.dumps(model)).root)
    model.save_model(str(tmp_path / "m.json"), format="json")
    said = json.loads((tmp_path / "m.json").read_text())
    for tree, expected in zip(found.trees, said["oblivious_trees"], strict=True):
        leaves = tree.left == -1
        assert np.array_equal(tree.value[leaves].ravel(), expected["leaf_values"])
        assert np.array_equal(tree.cover[leaves], expected["leaf_weights"])
        if expected["splits"]:
            assert np.float32(tree.threshold[0]) == np.float32(expected["splits"][-1]["border"])
    out = np.tile(np.array(found.base_score), (len(X), found.n_groups // len(found.base_score)))
    for i, row in enumerate(X):
        for tree in found.trees:
            node = 0
            while tree.left[node] != -1:
                value = row[tree.feature[node]]
                left = tree.default_left[node] if np.isnan(value) else value <= tree.threshold[node]
                node = (tree.left if left else tree.right)[node]
            out[i] += tree.value[node]
    theirs = np.asarray(model.predict(X, prediction_type="RawFormulaVal")).reshape(len(X), -1)
    np.testing.assert_allclose(out, theirs, rtol=0, atol=1e-12)


def test_what_is_not_read_is_named() -> None:
    rows = [[str(i % 5), float(i)] for i in range(60)]
    categories = catboost.CatBoostClassifier(**MORE, cat_features=[0]).fit(rows, [i % 2 for i in range(60)])
    uneven = catboost.CatBoostClassifier(**MORE, grow_policy="Depthwise").fit(X, (X[:, 1] > 0).astype(int))
    for model, what in ((categories, "not read here"), (uneven, "not symmetric")):
        with pytest.raises(BoosterError, match=what):
            booster_trees(read_bytes(pickle.dumps(model)).root)


def test_damaged_models_give_a_typed_error() -> None:
    data = pickle.dumps(MODELS["two classes"])
    start = data.find(b"CBM1")
    draw = np.random.default_rng(1)
    for _ in range(150):
        spoilt = bytearray(data)
        for at in draw.integers(start + 8, start + 2000, 3):
            spoilt[at] = draw.integers(256)
        try:
            booster_trees(read_bytes(bytes(spoilt)).root)
        except BoosterError as error:
            assert str(error)
