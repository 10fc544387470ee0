"""Rebuilt boosters answer as xgboost and lightgbm do; oracle: the libraries themselves, on the same rows."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import polars as pl
import pytest
import xgboost
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelward.artifacts import read_bytes
from modelward.artifacts._boosters import trees_of_bytes
from modelward.assessment import assess
from modelward.errors import SubjectError
from modelward.models import open_model, subject_forest, subject_thresholds, wrap
from modelward.models.rebuilt import rebuild
from modelward.schema import Codec, infer

RNG = np.random.default_rng(0)
X = np.round(RNG.normal(size=(500, 5)), 2)
X[:, 4] = RNG.integers(0, 4, len(X))
X[RNG.uniform(size=X.shape) < 0.05] = np.nan
_Z = np.nan_to_num(X)
TWO = (_Z[:, 0] + _Z[:, 1] ** 2 > 0.5).astype(int)
THREE = np.digitize(_Z[:, 0] + _Z[:, 1], [-0.5, 0.5])
NUMBER = np.exp(_Z[:, 0])


def asked(model: Any) -> np.ndarray:
    """Return seen rows, rows on every threshold and one float32 step beside it, zeros and missing cells."""
    data = bytes(model.save_raw("ubj")) if hasattr(model, "save_raw") else model.model_to_string().encode()
    rows = [X, np.zeros((1, X.shape[1])), np.full((1, X.shape[1]), np.nan), np.full((1, X.shape[1]), 1e-36)]
    rows += [np.full((1, X.shape[1]), way * float(np.float32(1e-35))) for way in (-1.0, 1.0)]
    for tree in trees_of_bytes(data).trees[:12]:
        for node in np.flatnonzero((tree.left != -1) & ~np.isnan(tree.threshold))[:12]:
            for step in (0, -1, 1):
                row = X[int(node) % len(X)].copy()
                at = np.float32(tree.threshold[node])
                row[tree.feature[node]] = (
                    np.nextafter(at, np.float32(step) * np.inf) if step else tree.threshold[node]
                )
                rows.append(row[None])
    return np.vstack(rows)


def _pickled(model: Any) -> Any:
    return rebuild(read_bytes(pickle.dumps(model)))


WRAPPERS = [
    (xgboost.XGBClassifier(n_estimators=15), TWO), (xgboost.XGBClassifier(n_estimators=8), THREE),
    (xgboost.XGBClassifier(n_estimators=8, missing=0.0), TWO), (xgboost.XGBRFClassifier(n_estimators=8), TWO),
    (xgboost.XGBRFClassifier(n_estimators=8), THREE), (xgboost.XGBRegressor(n_estimators=15), NUMBER),
    (xgboost.XGBClassifier(n_estimators=8, booster="dart", rate_drop=0.5), TWO),
    (xgboost.XGBClassifier(n_estimators=8, num_parallel_tree=3, subsample=0.5), THREE),
    (xgboost.XGBClassifier(n_estimators=8, base_score=0.2), TWO),
    (xgboost.XGBRegressor(n_estimators=6, objective="count:poisson"), np.round(NUMBER)),
    (xgboost.XGBRegressor(n_estimators=6, booster="gblinear"), NUMBER),
    (xgboost.XGBClassifier(n_estimators=6, booster="gblinear"), THREE),
    (xgboost.XGBRegressor(n_estimators=4, multi_strategy="multi_output_tree"), np.c_[NUMBER, -NUMBER]),
    (xgboost.XGBRegressor(n_estimators=4), np.c_[NUMBER, -NUMBER]),
    (lightgbm.LGBMClassifier(n_estimators=15), TWO), (lightgbm.LGBMClassifier(n_estimators=8), THREE),
    (lightgbm.LGBMClassifier(n_estimators=8), np.array(["no", "yes"])[TWO]),
    (lightgbm.LGBMClassifier(n_estimators=8, objective="multiclassova"), THREE),
    (lightgbm.LGBMClassifier(n_estimators=8, zero_as_missing=True), TWO),
    (lightgbm.LGBMClassifier(n_estimators=8, use_missing=False), TWO),
    (lightgbm.LGBMClassifier(n_estimators=8, boosting_type="dart"), TWO),
    (lightgbm.LGBMClassifier(n_estimators=8, boosting_type="rf", subsample=0.5, subsample_freq=1), THREE),
    (lightgbm.LGBMClassifier(n_estimators=8, categorical_feature=[4], min_data_per_group=5, cat_smooth=1), TWO),
    (lightgbm.LGBMRegressor(n_estimators=8), NUMBER), (lightgbm.LGBMRegressor(n_estimators=8, reg_sqrt=True), NUMBER),
    (lightgbm.LGBMRegressor(n_estimators=8, objective="tweedie"), NUMBER),
    (lightgbm.LGBMRegressor(n_estimators=8, linear_tree=True), NUMBER),
    (lightgbm.LGBMRegressor(n_estimators=8, linear_tree=True, linear_lambda=0.1, use_missing=False), NUMBER),
    (lightgbm.LGBMClassifier(n_estimators=8, linear_tree=True), TWO),
    (lightgbm.LGBMClassifier(n_estimators=8, linear_tree=True, boosting_type="dart"), THREE),
]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "y"), WRAPPERS, ids=[f"{i}-{type(m).__name__}" for i, (m, _) in enumerate(WRAPPERS)]
)
def test_wrappers_answer_as_their_libraries(model: Any, y: np.ndarray) -> None:
    quiet = {"n_jobs": 1} | ({"verbose": -1} if type(model).__module__.startswith("lightgbm") else {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.set_params(**quiet).fit(X, y)
        booster = model.get_booster() if hasattr(model, "get_booster") else model.booster_
        rows = asked(booster)
        ours = _pickled(model)
        told = {
            m: np.asarray(getattr(model, m)(rows))
            for m in ("predict", "predict_proba", "decision_function")
            if hasattr(model, m)
        }
    assert ours.n_features_in_ == model.n_features_in_
    for method, theirs in told.items():
        mine = np.asarray(getattr(ours, method)(rows))
        if type(model).__module__.startswith("xgboost") or (
            method == "predict" and hasattr(model, "classes_")
        ):
            np.testing.assert_array_equal(mine, theirs)  # xgboost's float32 sums to the last bit
        else:
            np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-12)


XGB = [
    ("binary:logistic", TWO), ("binary:logitraw", TWO), ("binary:hinge", TWO), ("reg:logistic", TWO),
    ("multi:softprob", THREE), ("multi:softmax", THREE), ("reg:gamma", NUMBER), ("reg:tweedie", NUMBER),
    ("reg:absoluteerror", NUMBER), ("reg:pseudohubererror", NUMBER), ("rank:pairwise", TWO), ("reg:quantileerror", NUMBER),
]  # fmt: skip


@pytest.mark.parametrize(("objective", "y"), XGB, ids=[name for name, _ in XGB])
@pytest.mark.parametrize("kind", ["gbtree", "dart", "gblinear"])
def test_files_of_xgboost(objective: str, y: np.ndarray, kind: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        more: dict[str, Any] = {"objective": objective, "booster": kind, "nthread": 1, "max_depth": 3}
        more |= {"num_class": 3} if objective.startswith("multi") else {}
        more |= {"quantile_alpha": [0.1, 0.9]} if "quantile" in objective else {}
        more |= {"rate_drop": 0.4} if kind == "dart" else {}
        booster = xgboost.train(more, xgboost.DMatrix(X, y), 6)
        rows = asked(booster)
        theirs = booster.predict(xgboost.DMatrix(rows))
    for form in ("json", "ubj"):
        ours = rebuild(read_bytes(bytes(booster.save_raw(form))))
        np.testing.assert_array_equal(ours.predict(rows), theirs)


@pytest.mark.parametrize("early", ["xgboost", "lightgbm"])
def test_the_best_round_counts(early: str) -> None:
    noise = RNG.integers(0, 2, len(X))
    if early == "xgboost":
        model: Any = xgboost.XGBClassifier(n_estimators=40, early_stopping_rounds=3, n_jobs=1)
        model.fit(X[:300], TWO[:300], eval_set=[(X[300:], noise[300:])], verbose=False)
        assert model.best_iteration < model.get_booster().num_boosted_rounds() - 1
    else:
        model = lightgbm.LGBMClassifier(n_estimators=40, n_jobs=1, verbose=-1)
        model.fit(
            X[:300],
            TWO[:300],
            eval_X=X[300:],
            eval_y=noise[300:],
            callbacks=[lightgbm.early_stopping(3, verbose=False)],
        )
        assert 0 < model.best_iteration_ < 40
    ours = _pickled(model)
    np.testing.assert_allclose(ours.predict_proba(X), model.predict_proba(X), rtol=0, atol=1e-15)
    if early == "xgboost":  # a raw booster answers with all rounds
        raw = rebuild(read_bytes(bytes(model.get_booster().save_raw("ubj"))))
        np.testing.assert_array_equal(raw.predict(X), model.get_booster().predict(xgboost.DMatrix(X)))


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_categories_of_a_frame(library: str) -> None:
    frame = pd.DataFrame(X[:, :3], columns=["a", "b", "c"])
    frame["town"] = pd.Categorical(np.array(["Ulm", "Koeln", "Bern", "Rom"])[RNG.integers(0, 4, len(X))])
    y = (_Z[:, 0] + (frame.town == "Bern") > 0.5).astype(int)
    if library == "xgboost":
        model: Any = xgboost.XGBClassifier(
            n_estimators=6, enable_categorical=True, max_cat_to_onehot=1, n_jobs=1
        )
    else:
        model = lightgbm.LGBMClassifier(
            n_estimators=6, n_jobs=1, verbose=-1, min_data_per_group=5, cat_smooth=1
        )
    model.fit(frame, y)
    ours = _pickled(model)
    asking = frame.copy()
    asking["town"] = pd.Categorical(asking.town.astype(str), categories=["Rom", "Bern", "Koeln", "Ulm"])
    asking.loc[:20, "town"] = np.nan
    np.testing.assert_allclose(ours.predict_proba(asking), model.predict_proba(asking), rtol=0, atol=1e-15)
    table = pl.from_pandas(frame.assign(town=frame.town.astype(str)))
    codec = Codec.fit(infer(table), table)
    first, second = (wrap(one, codec, [0, 1]) for one in (model, ours))
    rows = codec.encode(table)
    np.testing.assert_array_equal(first.codes(rows), second.codes(rows))
    with pytest.raises(SubjectError, match="other|columns"):
        ours.predict(frame[["b", "a", "c", "town"]])


@pytest.mark.parametrize(
    "model", [xgboost.XGBClassifier(n_estimators=6, max_depth=3), lightgbm.LGBMClassifier(n_estimators=6)]
)
def test_engines_see_the_same_inside(model: Any) -> None:
    rows = np.nan_to_num(X)
    model.set_params(
        n_jobs=1, **({"verbose": -1} if hasattr(model, "booster_") or "LGBM" in type(model).__name__ else {})
    )
    loaded = model.fit(rows, TWO)
    table = pl.DataFrame({name: rows[:, j] for j, name in enumerate("abcde")})
    codec = Codec.fit(infer(table), table)
    first, second = (wrap(one, codec, [0, 1]) for one in (loaded, _pickled(loaded)))
    one, other = subject_forest(first), subject_forest(second)
    assert one is not None
    assert other is not None
    assert len(one.trees) == 6
    np.testing.assert_array_equal(one.sums(rows), other.sums(rows))
    cuts, again = subject_thresholds(first), subject_thresholds(second)
    assert cuts is not None
    assert sum(map(len, cuts)) > 10
    for a, b in zip(cuts, again or (), strict=True):
        np.testing.assert_array_equal(a, b)


def test_assess_takes_a_booster_file(tmp_path: Path) -> None:
    booster = xgboost.train({"objective": "binary:logistic", "nthread": 1}, xgboost.DMatrix(X, TWO), 4)
    booster.save_model(tmp_path / "m.json")
    opened = open_model(str(tmp_path / "m.json"))
    assert opened.rebuilt
    assert "no object that could be loaded" in opened.notes[0]
    table = pl.DataFrame({name: np.nan_to_num(X[:, j]) for j, name in enumerate("abcde")} | {"y": TWO})
    report = assess(str(tmp_path / "m.json"), table, target="y", select=["MW01"])
    assert "error" not in [finding.verdict for finding in report.findings]
    assert report.findings


def test_no_library_is_needed(tmp_path: Path) -> None:
    model = xgboost.XGBClassifier(n_estimators=3, n_jobs=1).fit(X, TWO)
    other = lightgbm.LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1).fit(X, TWO)
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(model))
    (tmp_path / "l.pkl").write_bytes(pickle.dumps(other))
    code = (
        "import sys; sys.modules['xgboost'] = sys.modules['lightgbm'] = None\n"
        "import numpy as np; from modelward.models import open_model\n"
        "for name in sys.argv[1:]: print(open_model(name).model.predict(np.ones((2, 5))).tolist())"
    )
    names = [str(tmp_path / "x.pkl"), str(tmp_path / "l.pkl")]
    run = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, check=True)
    rows = np.ones((2, 5))
    assert run.stdout.splitlines() == [str(m.predict(rows).tolist()) for m in (model, other)]


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (xgboost.XGBClassifier(), "fitted"),
    ],
)
def test_what_cannot_be_rebuilt_says_why(model: Any, why: str) -> None:
    if why != "fitted":
        model.fit(np.nan_to_num(X), NUMBER)
    with pytest.raises(SubjectError, match=why):
        _pickled(model)


_UBJ = bytes(xgboost.train({"objective": "multi:softprob", "num_class": 3, "max_depth": 2, "nthread": 1}, xgboost.DMatrix(X, THREE), 2).save_raw("ubj"))  # fmt: skip
_TEXT = lightgbm.train({"objective": "binary", "verbosity": -1, "num_leaves": 4}, lightgbm.Dataset(X, TWO), 2).model_to_string().encode()  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_changed_files_answer_or_say_why(data: Any) -> None:
    whole = bytearray(data.draw(st.sampled_from([_UBJ, _TEXT])))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    artifact = read_bytes(bytes(whole))
    try:
        answer = rebuild(artifact).predict(X[:5])
    except SubjectError as err:
        assert "\n" not in str(err)
    else:
        assert len(answer) == 5


def test_a_split_that_only_sends_missing_cells_away() -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 5, size=(400, 3)).astype(float)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    y = (np.nan_to_num(rows[:, 0], nan=4.0) + np.nan_to_num(rows[:, 1], nan=0.0) > 4).astype(int)
    model = lightgbm.LGBMClassifier(n_estimators=6, min_child_samples=2, verbose=-1, random_state=0, n_jobs=1)
    artifact = read_bytes(pickle.dumps(model.fit(rows, y)))
    assert "=inf" in model.booster_.model_to_string() or " inf" in model.booster_.model_to_string()
    assert artifact.verdict == "clean"
    np.testing.assert_allclose(
        rebuild(artifact).predict_proba(rows), model.predict_proba(rows), rtol=0, atol=1e-12
    )


def _pull(told: np.ndarray, data: lightgbm.Dataset) -> tuple[np.ndarray, np.ndarray]:
    return told - data.get_label(), np.ones_like(told)


@pytest.mark.parametrize("as_text", [True, False])
def test_an_objective_of_the_users_own_answers_with_the_sum(tmp_path: Path, as_text: bool) -> None:
    params = {"objective": _pull, "verbosity": -1, "num_threads": 1}
    booster = lightgbm.train(params, lightgbm.Dataset(X, NUMBER), 5)
    path = tmp_path / "model"
    if as_text:
        booster.save_model(path)
    else:
        path.write_bytes(pickle.dumps(booster))
    ours = rebuild(read_bytes(path.read_bytes()))
    assert np.abs(ours.predict(X) - booster.predict(X)).max() <= 1e-12
