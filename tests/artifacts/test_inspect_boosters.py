"""XGBoost and LightGBM, inspected: against what the loaded wrappers tell and answer."""

from __future__ import annotations

import pickle
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from modelward.artifacts import inspect, read_bytes, tree_set
from modelward.artifacts._inspect.rule import find_rules

xgboost = pytest.importorskip("xgboost")
RNG = np.random.default_rng(2)
X = np.round(RNG.normal(size=(300, 5)), 2)
Y = np.digitize(X[:, 0] + X[:, 3], [-0.5, 0.6])
MODELS = [
    xgboost.XGBClassifier(n_estimators=6, max_depth=3), xgboost.XGBClassifier(n_estimators=4, booster="dart", rate_drop=0.3),
    xgboost.XGBRFClassifier(n_estimators=5, max_depth=3), lightgbm.LGBMClassifier(n_estimators=6, num_leaves=6, verbose=-1),
    lightgbm.LGBMClassifier(n_estimators=4, importance_type="gain", verbose=-1),
]  # fmt: skip


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("labels", [2, 3])
def test_wrappers(model: object, labels: int) -> None:
    y = Y if labels == 3 else (Y > 0).astype(int)
    model.fit(X, y)
    artifact = read_bytes(pickle.dumps(model))
    found = inspect(artifact)
    assert found.params.keys() == model.get_params().keys()
    assert found.n_features == model.n_features_in_ == 5
    assert list(found.classes) == model.classes_.tolist()
    if found.library == "xgboost":
        assert found.library_version == xgboost.__version__
    np.testing.assert_allclose(
        list(found.importances.values()), model.feature_importances_, rtol=1e-5, atol=1e-7
    )
    trees = tree_set(artifact.root, "")
    rules, why = find_rules(trees, trees.classes)
    assert (why, bool(rules)) == ("", True)
    for rule in rules:
        rows = RNG.normal(scale=2, size=(1_500, 5))
        for c in rule.conditions:
            low, high = max(c.low, -30.0), min(c.high, 30.0)
            rows[:, c.column] = np.where(
                RNG.uniform(size=1_500) < 0.4, RNG.choice([low, high], 1_500), RNG.uniform(low, high, 1_500)
            )
        assert (model.predict(rows) == rule.label).all(), rule


def test_what_cannot_be_proven_says_why(tmp_path: Path) -> None:
    y = (Y > 0).astype(int)
    fitted = xgboost.XGBClassifier(n_estimators=3, missing=0.0).fit(X, y)
    assert "missing" in inspect(read_bytes(pickle.dumps(fitted))).surface.why_no_rule
    early = xgboost.XGBClassifier(n_estimators=30, early_stopping_rounds=2).fit(X[:200], y[:200], eval_set=[(X[200:], y[200:])], verbose=False)  # fmt: skip
    assert "best round" in inspect(read_bytes(pickle.dumps(early))).surface.why_no_rule
    plain = xgboost.XGBClassifier(n_estimators=3).fit(X, y)
    plain.save_model(tmp_path / "model.json")
    found = inspect(tmp_path / "model.json")
    assert found.to_dict()["trees"]["count"] == 3
    assert found.n_features == 5
    assert "score" in found.surface.why_no_rule
    assert found.params == {}


def test_a_rule_speaks_of_the_tables_columns_where_nothing_stands_before_the_trees() -> None:
    import xgboost

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 4))
    model = xgboost.XGBClassifier(n_estimators=5, max_depth=3, n_jobs=1)
    model.fit(rows, (rows[:, 0] + rows[:, 1] > 0).astype(int))
    found = inspect(read_bytes(pickle.dumps(model), "m.pkl"))
    assert found.surface is not None
    said = [term.column for rule in found.surface.rules for term in rule.terms]
    assert said
    assert not [name for name in said if "preprocessing" in name]
