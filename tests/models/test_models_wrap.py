"""Labels, columns, and models that cannot be asked."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from modelward.errors import InputError, NotRefittable, SubjectError
from modelward.models import align_labels, linear_form, match_columns, wrap
from modelward.schema import Codec, Column, FeatureSchema, infer

FRAME = pl.DataFrame({"a": np.arange(40) % 7 * 1.0, "b": np.arange(40) % 5 * 1.0})
X = FRAME.to_numpy()
Y = (X[:, 0] > X[:, 1]).astype(int)
CODEC = Codec.fit(FeatureSchema((Column("a", "continuous"), Column("b", "continuous"))), FRAME)


@pytest.mark.parametrize(
    ("labels", "classes", "expected"),
    [
        (["0", "1"], [0, 1], [0, 1]),
        (["1.0", " 0 "], [0, 1], [1, 0]),
        ([1.0, 0.0], np.array([0, 1]), [1, 0]),
        ([0, 1], ["0", "1"], ["0", "1"]),
        ([0.0, 1.0], ["0", "1"], ["0", "1"]),
        ([0, 1], ["0.0", "1.0"], ["0.0", "1.0"]),
        ([True, False], ["False", "True"], ["True", "False"]),
        (["true", "False", "1"], [False, True], [True, False, True]),
        ([True, False], [0, 1], [1, 0]),
        ([0, 1], [0.0, 1.0], [0.0, 1.0]),
        ([np.str_("x")], np.array(["x", "y"], dtype=object), ["x"]),
        (np.array([1, 0], dtype=np.uint8), [0, 1], [1, 0]),
        ([2, 1], [1, 1], [2, 1]),
        (["b"], [], ["b"]),
        ([-1, 12], [-1, 5, 12], [-1, 12]),
    ],
)
def test_labels_align(labels: Any, classes: Any, expected: Any) -> None:
    told = align_labels(labels, classes)
    assert told.tolist() == expected
    assert {type(v) for v in told.tolist()} == {type(v) for v in expected}


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        (["good", "bad"], [0, 1], r"'bad', 'good' are none of the model's classes 0, 1"),
        ([0, 1], ["good", "bad"], "none of the model's classes"),
        ([0.5, 1.5], [0, 1], "none of"),
        ([2, 3], [False, True], "none of"),
        ([1, None], [0, 1], "missing"),
        ([1.0, float("nan")], [0, 1], "missing"),
        (["a", 1], [0, 1], "mix types"),
    ],
)
def test_labels_that_cannot(labels: Any, classes: Any, message: str) -> None:
    with pytest.raises(SubjectError, match=message) as caught:
        align_labels(labels, classes)
    assert "\n" not in str(caught.value)


@given(st.lists(st.integers(-(2**53), 2**53), min_size=1, max_size=20))
def test_spelling_does_not_matter(labels: list[int]) -> None:
    for spelled in (labels, [str(v) for v in labels], [float(v) for v in labels]):
        assert align_labels(spelled, sorted(set(labels))).tolist() == labels
    texts = [str(v) for v in labels]
    assert align_labels(labels, sorted(set(texts))).tolist() == texts


def test_tampered_classes_can_be_assessed() -> None:
    model = DecisionTreeClassifier().fit(X, Y)
    honest = model.predict_proba(X)
    model.classes_ = np.array([1, 1])
    subject = wrap(model, CODEC, Y)
    assert subject.classes.tolist() == [0, 1]
    assert subject.codes(X).tolist() == [1] * len(X)
    assert subject.scores(X).values[:, 1].tolist() == honest.sum(axis=1).tolist()
    assert subject.refit(X, Y, 0).codes(X).tolist() == Y.tolist()


def test_many_classes() -> None:
    y = np.arange(40) // 2 * 7 + 1000
    rows = np.column_stack([y, y]).astype(float)
    subject = wrap(DecisionTreeClassifier().fit(rows, y), CODEC, [f"{v}.0" for v in y])
    assert subject.n_classes == 20
    assert subject.predict(rows).tolist() == y.tolist()


def test_other_tasks_are_named() -> None:
    for model in (
        LinearRegression().fit(X, Y),
        make_pipeline(StandardScaler(), RandomForestRegressor(2)).fit(X, Y),
    ):
        with pytest.raises(
            SubjectError, match="regression model.*modelward scan.*modelward schema infer"
        ) as caught:
            wrap(model, CODEC, Y)
        assert "\n" not in str(caught.value)
    with pytest.raises(SubjectError, match=r"no label.*modelward explain"):
        wrap(lambda X: X[:, 0] * 1.37, CODEC, [0, 1, 2]).predict(X + 0.1)
    with pytest.raises(SubjectError, match=r"0.5.*no label"):
        wrap(Predicts(lambda X: np.full(len(X), 0.5), classes_=[0, 1]), CODEC, Y).predict(X)
    with pytest.raises(SubjectError, match="no predict and is no function"):
        wrap(3, CODEC, Y)
    with pytest.raises(SubjectError, match="is a class"):
        wrap(DecisionTreeClassifier, CODEC, Y)


def test_several_outputs_are_refused() -> None:
    two = np.column_stack([Y, 1 - Y])
    for model in (
        RandomForestClassifier(2).fit(X, two),
        OneVsRestClassifier(LogisticRegression()).fit(X, two),
    ):
        with pytest.raises(SubjectError, match="several outputs"):
            wrap(model, CODEC, Y)
    with pytest.raises(SubjectError, match="multilabel"):
        wrap(lambda X: np.ones((len(X), 2), dtype=int), CODEC, Y).predict(X)


class Predicts:
    """An object with nothing but predict, and what else a test gives it."""

    def __init__(self, predict: Any, **attributes: Any) -> None:
        self.predict = predict
        self.__dict__.update(attributes)


WRONG = {
    "short": (lambda X: np.zeros(len(X) - 1, dtype=int), "39 (answers )?to 40|shape"),
    "one value": (lambda X: 1, "one value"),
    "three axes": (lambda X: np.zeros((len(X), 2, 2)), "shape"),
    "nan": (lambda X: np.full((len(X), 2), np.nan), "NaN"),
    "nan singles": (lambda X: np.full(len(X), np.nan), "NaN"),
    "three columns": (lambda X: np.zeros((len(X), 3)), "3 columns"),
    "unknown": (lambda X: np.full(len(X), 7), "7, which is no label"),
    "text": (lambda X: ["x"] * len(X), "none of the model's classes"),
    "none": (lambda X: None, "one value|type object"),
    "raises": (lambda X: 1 / 0, "ZeroDivisionError"),
    "multi-line": (lambda X: exec("raise ValueError('one\\ntwo')"), "ValueError: one"),  # noqa: S102
    "frame of objects": (lambda X: [object()] * len(X), "mix types"),
    "ragged": (lambda X: [[1], [1, 2]] * 20, "different lengths"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_answers_are_one_line(case: str) -> None:
    call, message = WRONG[case]
    for model in (call, Predicts(call), Predicts(call, classes_=np.array([0, 1]), n_features_in_=2)):
        if model is not call and case in (
            "three columns",
            "nan",
            "nan singles",
            "ragged",
            "none",
            "one value",
        ):
            message = "."
        with pytest.raises(SubjectError, match=message) as caught:
            wrap(model, CODEC, Y, name="mine").predict(X)
        assert "\n" not in str(caught.value)
        assert str(caught.value).startswith("mine: ")


@pytest.mark.parametrize(("shape", "message"), [((39, 2), "39"), ((40, 3), "shape"), ((40,), "shape")])
def test_wrong_scores_are_one_line(shape: tuple[int, ...], message: str) -> None:
    model = Predicts(
        lambda X: np.zeros(len(X), dtype=int),
        classes_=np.array([0, 1]),
        n_features_in_=2,
        predict_proba=lambda X: np.zeros(shape),
    )
    with pytest.raises(SubjectError, match=message):
        wrap(model, CODEC, Y).scores(X)
    model.predict_proba = lambda X: np.full((len(X), 2), np.nan)
    with pytest.raises(SubjectError, match="NaN"):
        wrap(model, CODEC, Y).scores(X)


def test_a_bare_score_keeps_its_meaning() -> None:
    subject = wrap(lambda X: X[:, 0] - 3, CODEC, Y)
    assert subject.codes(X).tolist() == (X[:, 0] > 3).astype(int).tolist()
    assert subject.scores(X[4:5]).kind == "margin"
    undecided = wrap(lambda X: X[:, 0], CODEC, Y)
    undecided.predict(X[:1] + 0.5)
    with pytest.raises(SubjectError, match="between 0 and 1 first"):
        undecided.predict(X)


def test_the_users_object_is_left_alone() -> None:
    model = make_pipeline(StandardScaler(), RandomForestClassifier(4, n_jobs=2, random_state=7)).fit(X, Y)
    before = repr(model.get_params()), {k: id(v) for k, v in model.named_steps.items()}
    subject = wrap(model, CODEC, Y)
    subject.predict(X)
    subject.refit(X, Y, 3).predict(X)
    assert (repr(model.get_params()), {k: id(v) for k, v in model.named_steps.items()}) == before
    assert model.named_steps["randomforestclassifier"].n_jobs == 2
    assert subject.model is model


def test_refits_depend_on_the_seed_only() -> None:
    subject = wrap(RandomForestClassifier(3, random_state=0, n_jobs=2).fit(X, Y), CODEC, Y)
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, len(X))
    first, same, other = (subject.refit(X, y, s).scores(X).values for s in (1, 1, 2))
    assert first.tobytes() == same.tobytes()
    assert first.tobytes() != other.tobytes()


def test_a_class_too_few_to_train_on() -> None:
    subject = wrap(LogisticRegression().fit(X, Y), CODEC, Y)
    with pytest.raises(NotRefittable, match="one class|1 class|2 classes"):
        subject.refit(X, np.zeros(len(X), dtype=np.int64), 0)


def test_a_first_step_of_the_users_own_gets_the_form_it_takes() -> None:
    for step, form in ((lambda f: f[["a"]] * 1.0, "frame"), (lambda m: m[:, :1], "matrix")):
        model = make_pipeline(FunctionTransformer(step), DecisionTreeClassifier(max_depth=2))
        given_rows = FRAME.to_pandas() if form == "frame" else X
        model.fit(given_rows, Y)
        assert wrap(model, CODEC, Y).codes(X).tolist() == model.predict(given_rows).tolist()


def test_polars_where_pandas_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    import modelward.models._feed as feed

    monkeypatch.setattr(feed, "find_spec", lambda name: None)
    feed.frame_form.cache_clear()
    try:
        pick = make_pipeline(
            ColumnTransformer([("hot", OneHotEncoder(), ["a"])], remainder="passthrough"),
            LogisticRegression(),
        ).fit(FRAME, Y)
        assert wrap(pick, CODEC, Y).codes(X).tolist() == pick.predict(FRAME).tolist()
        assert (
            wrap(lambda f: f.select(pl.col("a") > 3)["a"], CODEC, Y).codes(X).tolist()
            == (X[:, 0] > 3).tolist()
        )
    finally:
        feed.frame_form.cache_clear()


def test_dates_and_bools_reach_a_frame() -> None:
    from datetime import datetime

    frame = pl.DataFrame(
        {
            "when": [datetime(2024, 1, 2), None, datetime(2025, 3, 4)],
            "flag": [True, False, None],
            "t": ["x", None, "y"],
        }
    )
    schema = FeatureSchema(
        (
            Column("when", "datetime"),
            Column("flag", "categorical", categories=(False, True)),
            Column("t", "categorical", categories=("x", "y")),
        )
    )
    codec = Codec.fit(schema, frame)
    seen: list[Any] = []

    def model(f: Any) -> Any:
        seen.append(f)
        return f["when"].notna() * 1

    assert wrap(model, codec, [0, 1]).codes(codec.encode(frame)).tolist() == [1, 0, 1]
    assert seen[0]["when"].dt.year.tolist()[0] == 2024
    assert seen[0]["t"].isna().tolist() == [False, True, False]
    assert seen[0]["flag"].tolist()[:2] == [True, False]


def named(*names: str) -> Any:
    return SimpleNamespace(feature_names_in_=np.array(names, dtype=object))


def test_columns_by_name() -> None:
    table = pl.DataFrame({"b": [1], "id": [2], "a": [3], "y": [0]})
    assert match_columns(named("a", "b"), table, "y") == (
        ("a", "b"),
        ("ignored column 'id': the model does not take it",),
    )
    assert match_columns(named("a", "b"), table, "y", ("id",)) == (("a", "b"), ())
    with pytest.raises(InputError, match=r"lacks columns 'c', 'd'"):
        match_columns(named("a", "c", "d"), table, "y")
    with pytest.raises(InputError, match="takes column 'y'"):
        match_columns(named("a", "y"), table, "y")


def test_columns_by_count() -> None:
    table = pl.DataFrame({"b": [1], "a": [3], "y": [0]})
    model = DecisionTreeClassifier().fit(X, Y)
    assert match_columns(model, table, "y") == (("b", "a"), ())
    with pytest.raises(InputError, match="takes 2 columns.*has 1 "):
        match_columns(model, table, "y", ("a",))
    assert match_columns(lambda X: X, table, "y") == (("b", "a"), ())
    with pytest.raises(InputError, match="no column besides"):
        match_columns(lambda X: X, table[["y"]], "y")


def test_columns_inside_pipelines_and_boosters() -> None:
    import lightgbm
    import xgboost

    f = FRAME.to_pandas()
    table = FRAME.with_columns(y=pl.lit(0), z=pl.lit(1)).select("z", "b", "a", "y")
    models: list[Any] = [
        make_pipeline(StandardScaler(), LogisticRegression()).fit(f, Y),
        make_pipeline("passthrough", StandardScaler(), LogisticRegression()).fit(f, Y),
        xgboost.XGBClassifier(n_estimators=2, n_jobs=1).fit(f, Y),
        xgboost.train({"nthread": 1}, xgboost.DMatrix(f, Y), 2),
        lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(f, Y),
        lightgbm.train({"verbosity": -1}, lightgbm.Dataset(f, Y), 2),
    ]
    for model in models:
        assert match_columns(model, table, "y")[0] == ("a", "b"), model
    bare: list[Any] = [
        xgboost.XGBClassifier(n_estimators=2, n_jobs=1).fit(X, Y),
        xgboost.train({"nthread": 1}, xgboost.DMatrix(X, Y), 2),
        lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(X, Y),
        lightgbm.train({"verbosity": -1}, lightgbm.Dataset(X, Y), 2),
    ]
    for model in bare:
        with pytest.raises(InputError, match="takes 2 columns.*has 3 "):
            match_columns(model, table, "y")


def test_raw_boosters() -> None:
    import xgboost

    y3 = np.minimum(X[:, 0].astype(int) // 2, 2)
    for objective, y in (("binary:logistic", Y), ("binary:logitraw", Y), ("binary:hinge", Y)):
        booster = xgboost.train(
            {"objective": objective, "nthread": 1}, xgboost.DMatrix(FRAME.to_pandas(), Y), 5
        )
        assert np.mean(wrap(booster, CODEC, y).codes(X) == y) > 0.9
    for objective in ("multi:softprob", "multi:softmax"):
        booster = xgboost.train(
            {"objective": objective, "num_class": 3, "nthread": 1}, xgboost.DMatrix(X, y3), 5
        )
        assert np.mean(wrap(booster, CODEC, y3).codes(X) == y3) > 0.9
    regression = xgboost.train({"objective": "reg:squarederror", "nthread": 1}, xgboost.DMatrix(X, Y), 1)
    with pytest.raises(SubjectError, match="reg:squarederror"):
        wrap(regression, CODEC, Y)


def test_importing_does_not_load_heavy_libraries() -> None:
    import subprocess

    code = (
        "import sys, modelward.models; print({'xgboost', 'lightgbm', 'pandas', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_models_that_are_not_fitted() -> None:
    import lightgbm
    import xgboost

    for model in (
        DecisionTreeClassifier(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        xgboost.XGBClassifier(),
        xgboost.XGBClassifier(enable_categorical=True),
        lightgbm.LGBMClassifier(),
    ):
        assert match_columns(model, FRAME, None)[0] == ("a", "b")
        with pytest.raises(SubjectError, match="(?i)not ?fitted|need to call fit") as caught:
            wrap(model, CODEC, Y).predict(X)
        assert "\n" not in str(caught.value)


def test_categories_of_histogram_boosting() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    frame = FRAME.with_columns(t=pl.Series(["x", "y", "z", "x"] * 10))
    given_frame = frame.to_pandas().assign(t=lambda f: f["t"].astype("category"))
    y = (frame["t"] == "x").to_numpy().astype(int)
    model = HistGradientBoostingClassifier(max_iter=3, categorical_features="from_dtype", min_samples_leaf=2)
    model.fit(given_frame, y)
    column = Column("t", "categorical", categories=("x", "y", "z"))
    codec = Codec.fit(FeatureSchema((Column("a", "continuous"), Column("b", "continuous"), column)), frame)
    subject = wrap(model, codec, y)
    encoded = codec.encode(frame)
    assert subject.codes(encoded).tolist() == model.predict(given_frame).tolist()
    assert subject.refit(encoded, y, 0).codes(encoded).tolist() == y.tolist()


def test_models_of_polars_frames() -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(FRAME, Y)
    assert wrap(model, CODEC, Y).codes(X).tolist() == model.predict(FRAME).tolist()


class _Contrary(GridSearchCV):
    """A search whose owner lets it answer otherwise than the estimator that it chose."""

    def predict(self, X: Any) -> Any:
        return 1 - super().predict(X)


def test_a_search_is_the_estimator_that_it_chose() -> None:
    frame = pl.DataFrame({"a": np.arange(40.0), "b": np.arange(40.0)[::-1]})
    y = (np.arange(40) > 19).astype(int)
    codec = Codec.fit(infer(frame), frame)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [1, 2]}, cv=2
    )
    whole = make_pipeline("passthrough", search.fit(frame.to_numpy(), y))
    subject = wrap(whole, codec, [0, 1])
    assert subject.model is search.best_estimator_
    assert linear_form(subject) is not None
    assert (
        np.asarray(subject.backend.labels(codec.encode(frame))).tolist()
        == whole.predict(frame.to_numpy()).tolist()
    )

    contrary = _Contrary(LogisticRegression(), {"C": [1, 2]}, cv=2).fit(frame.to_numpy(), y)
    subject = wrap(contrary, codec, [0, 1])
    assert subject.model is contrary
    assert (
        np.asarray(subject.backend.labels(codec.encode(frame))).tolist()
        == contrary.predict(frame.to_numpy()).tolist()
    )
