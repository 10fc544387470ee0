"""One table of models times what every subject promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from lightgbm import LGBMClassifier
from lightgbm import train as lightgbm_train
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from modelward.errors import BudgetExhausted, NotRefittable
from modelward.models import Subject, wrap
from modelward.schema import Codec, Column, FeatureSchema

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

N = 240
HOUSING = ("rent", "own", "free")


@cache
def table() -> tuple[pl.DataFrame, np.ndarray]:
    """Numbers, an ordinal whose codes are not its values, and texts; three classes as 0, 1, 2."""
    rng = np.random.default_rng(3)
    age = rng.integers(20, 70, N)
    income = rng.gamma(3, 1000, N).round(2)
    late = rng.integers(-2, 4, N)
    housing = rng.choice(HOUSING, N)
    risk = late + (housing == "rent") - income / 3000 + rng.normal(scale=0.4, size=N)
    y = np.digitize(risk, np.quantile(risk, [0.4, 0.8]))
    frame = pl.DataFrame({"age": age, "income": income, "late": late, "housing": housing})
    return frame, y


def codec_of(frame: pl.DataFrame) -> Codec:
    columns = {
        "age": Column("age", "integer", low=20, high=70, precision=1),
        "income": Column("income", "continuous", low=0, high=20_000),
        "late": Column("late", "ordinal", categories=(-2, -1, 0, 1, 2, 3)),
        "housing": Column("housing", "categorical", categories=HOUSING),
    }
    return Codec.fit(FeatureSchema(tuple(columns[name] for name in frame.columns)), frame)


@dataclass(frozen=True)
class Case:
    subject: Subject
    X: np.ndarray
    expected: np.ndarray
    refits: bool = True
    argmax: bool = True


def fitted(
    model: Any,
    *,
    labels: tuple[Any, ...] = (0, 1),
    form: str = "matrix",
    texts: bool = False,
    spelled: Callable[[Any], Any] = lambda v: v,
    argmax: bool = True,
) -> Case:
    frame, level = table()
    frame = frame if texts else frame.drop("housing")
    y = np.array(labels)[np.minimum(level, len(labels) - 1)]
    given: Any = frame.to_numpy() if form == "matrix" else frame.to_pandas()
    if form == "category":
        given["housing"] = given["housing"].astype("category")
    model.fit(given, y)
    codec = codec_of(frame)
    subject = wrap(model, codec, [spelled(v) for v in y.tolist()])
    return Case(subject, codec.encode(frame), np.asarray(model.predict(given)), argmax=argmax)


def function(call: Callable[[Any], Any], expected: Callable[[pd.DataFrame], Any], **options: Any) -> Case:
    frame = table()[0].drop("housing")
    codec = codec_of(frame)
    subject = wrap(call, codec, [0, 1])
    return Case(
        subject, codec.encode(frame), np.asarray(expected(frame.to_pandas())), refits=False, **options
    )


def columns_then_logistic() -> Any:
    prepare = ColumnTransformer(
        [("text", OneHotEncoder(handle_unknown="ignore"), ["housing"])], remainder=StandardScaler()
    )
    return make_pipeline(prepare, LogisticRegression())


def booster() -> Case:
    frame = table()[0].drop("housing")
    y = (table()[1] > 0).astype(int)
    import lightgbm

    model = lightgbm_train(
        {"objective": "binary", "verbosity": -1, "num_threads": 1}, lightgbm.Dataset(frame.to_numpy(), y), 5
    )
    codec = codec_of(frame)
    expected = (model.predict(frame.to_numpy()) > 0.5).astype(int)
    return Case(wrap(model, codec, y), codec.encode(frame), expected, refits=False)


def forest(**options: Any) -> RandomForestClassifier:
    return RandomForestClassifier(12, random_state=0, **options)


CASES: dict[str, Callable[[], Case]] = {
    "forest": lambda: fitted(forest(n_jobs=2)),
    "forest on a frame": lambda: fitted(forest(), form="frame"),
    "tree": lambda: fitted(DecisionTreeClassifier(random_state=0)),
    "histogram boosting": lambda: fitted(HistGradientBoostingClassifier(max_iter=8, random_state=0)),
    "logistic pipeline on texts": lambda: fitted(columns_then_logistic(), form="frame", texts=True),
    "xgboost": lambda: fitted(XGBClassifier(n_estimators=5, n_jobs=1)),
    "xgboost on a frame": lambda: fitted(XGBClassifier(n_estimators=5, n_jobs=1), form="frame"),
    "xgboost on categories": lambda: fitted(
        XGBClassifier(n_estimators=5, n_jobs=1, enable_categorical=True), form="category", texts=True
    ),
    "lightgbm": lambda: fitted(LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1)),
    "lightgbm on a frame": lambda: fitted(LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1), form="frame"),
    "lightgbm on categories": lambda: fitted(
        LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1), form="category", texts=True
    ),
    "support vectors": lambda: fitted(make_pipeline(StandardScaler(), SVC())),
    "three support vectors": lambda: fitted(
        make_pipeline(StandardScaler(), SVC()), labels=("a", "b", "c"), argmax=False
    ),
    "three texts": lambda: fitted(forest(), labels=("low", "middle", "high")),
    "three classes of xgboost": lambda: fitted(XGBClassifier(n_estimators=4, n_jobs=1), labels=(0, 1, 2)),
    "bools": lambda: fitted(forest(), labels=(False, True)),
    "bools as text": lambda: fitted(forest(), labels=(False, True), spelled=str),
    "gaps": lambda: fitted(forest(), labels=(-1, 5, 12)),
    "gaps as floats": lambda: fitted(forest(), labels=(-1, 5, 12), spelled=float),
    "floats as text": lambda: fitted(forest(), labels=(0.0, 1.0), spelled=lambda v: str(int(v))),
    "texts as ints": lambda: fitted(forest(), labels=("0", "1"), spelled=int),
    "function of a matrix": lambda: function(lambda X: (X[:, 2] > 0).astype(int), lambda f: f["late"] > 0),
    "function of a frame": lambda: function(lambda f: (f["late"] > 0) * 1, lambda f: f["late"] > 0),
    "function with a probability": lambda: function(
        lambda X: 1 / (1 + np.exp(-(X[:, 2] - 0.5))), lambda f: f["late"] > 0
    ),
    "function with two columns": lambda: function(
        lambda f: np.column_stack([-f["late"], f["late"] - 1]), lambda f: f["late"] > 0
    ),
    "booster": booster,
}


@pytest.fixture(scope="module", params=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]()


def test_labels_are_the_models_own(case: Case) -> None:
    told = case.subject.predict(case.X)
    assert told.tolist() == case.expected.astype(told.dtype).tolist()
    assert np.array_equal(case.subject.classes[case.subject.codes(case.X)], told)
    assert len(set(told.tolist())) >= 2


def test_the_larger_score_is_the_label(case: Case) -> None:
    codes, scores = case.subject.ask(case.X)
    again = case.subject.scores(case.X)
    if scores is None or again is None:
        assert scores is again
        return
    assert np.array_equal(scores.values, again.values)
    assert scores.values.shape == (len(case.X), case.subject.n_classes)
    if scores.kind == "probability":
        assert np.allclose(scores.values.sum(axis=1), 1, atol=1e-5)
    if case.argmax:
        assert np.mean(np.argmax(scores.values, axis=1) == codes) == 1


def test_rows_mean_the_same_alone(case: Case) -> None:
    some = case.X[:25]
    alone = np.concatenate([case.subject.codes(row[None]) for row in some])
    assert np.array_equal(alone, case.subject.codes(some))
    together = case.subject.scores(some)
    if together is not None:
        each = np.concatenate([case.subject.scores(row[None]).values for row in some])
        assert np.allclose(each, together.values, atol=1e-6)


def test_meter_counts_and_bounds(case: Case) -> None:
    before = case.subject.meter.rows
    bounded = case.subject.with_budget(30)
    bounded.predict(case.X[:12])
    bounded.scores(case.X[:10])
    bounded.ask(case.X[:5])
    assert (bounded.meter.rows, bounded.meter.calls, bounded.meter.left) == (27, 3, 3)
    assert case.subject.meter.rows == before + 27
    with pytest.raises(BudgetExhausted):
        bounded.codes(case.X[:4])
    assert bounded.meter.rows == 27
    assert len(bounded.predict(case.X[:0])) == 0


def test_refits(case: Case) -> None:
    y = case.subject.encode_labels(case.expected)
    if not case.refits:
        with pytest.raises(NotRefittable, match="cannot be trained again"):
            case.subject.refit(case.X, y, 1)
        return
    new = case.subject.refit(case.X, y, 1)
    assert np.mean(new.codes(case.X) == y) > 0.8
    assert (new.meter.rows, new.model is case.subject.model) == (len(case.X), False)
    # A sample may lack a class; the subject's columns stay.
    present = np.unique(y)[-2:]
    kept = np.isin(y, present)
    less = case.subject.refit(case.X[kept], y[kept], 1)
    assert set(less.codes(case.X).tolist()) <= set(present.tolist())
    scores = less.scores(case.X)
    assert scores is None or scores.values.shape == (len(case.X), case.subject.n_classes)


def test_threads(case: Case) -> None:
    expected = case.subject.codes(case.X)
    start = case.subject.meter.rows
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: case.subject.codes(case.X), range(12)))
    assert all(np.array_equal(a, expected) for a in answers)
    assert case.subject.meter.rows == start + 12 * len(case.X)


def test_unseen_and_missing_values_do_not_crash_where_the_model_takes_them() -> None:
    for name in ("logistic pipeline on texts", "lightgbm on categories", "xgboost on categories"):
        case = CASES[name]()
        odd = case.X[:4].copy()
        j = case.subject.codec.schema.index("housing")
        odd[:, j] = [np.nan, len(HOUSING), 0, 1]
        assert len(case.subject.predict(odd)) == 4
