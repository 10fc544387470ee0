"""Linear models behind one-hot encoders against a list of every legal row, in every norm."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.svm import LinearSVC

from modelward.evasion import Cheapest, LinearSearch
from modelward.models import additive_form, wrap
from modelward.schema import Codec, Column, FeatureSchema, cost, legal, project

WORDS = ("clerk", "farmer", "nurse", "pilot")
NAMES = ["job", "month", "rooms", "pets"]
ORDER = {"cost": 1, "l0": 0, "l1": 1, "l2": 2, "linf": np.inf}
LAST = {
    "logistic": LogisticRegression(C=10.0),
    "svm": LinearSVC(random_state=0),
    "ridge": RidgeClassifier(),
}


def _schema(direction: str = "any", held: bool = False) -> FeatureSchema:
    return FeatureSchema(
        (
            Column("job", "categorical", categories=WORDS, cost=0.7, mutable=not held),
            Column("month", "integer", low=1, high=5, cost=0.3, direction=direction),
            Column("rooms", "integer", low=0, high=4, cost=0.5),
            Column("pets", "integer", low=0, high=3, cost=0.4),
        )
    )


def _frame(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=NAMES)


EVERY = _frame(list(itertools.product(WORDS, range(1, 6), range(5), range(4))))


def _encoders() -> ColumnTransformer:
    return ColumnTransformer(
        [
            ("words", make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(drop="first")), ["job"]),
            ("seasons", OneHotEncoder(handle_unknown="ignore"), ["month"]),
            ("size", StandardScaler(), ["rooms"]),
        ],
        remainder=MinMaxScaler(),
    )  # fmt: skip


def _fitted(steps, last, seed, classes=2):
    rng = np.random.default_rng(seed)
    score = (
        pd.Categorical(EVERY.job).codes * rng.normal() + np.isin(EVERY.month, [2, 5]) * 2.0
        + rng.normal() * EVERY.rooms + rng.normal() * EVERY.pets + rng.normal(size=len(EVERY))
    )  # fmt: skip
    y = np.searchsorted(np.quantile(score, np.linspace(0, 1, classes + 1)[1:-1]), score)
    return make_pipeline(*steps, last).fit(EVERY, y), y


@pytest.mark.parametrize("norm", ORDER)
@pytest.mark.parametrize("last", LAST)
def test_a_linear_model_behind_encoders_gives_the_least_of_all_legal_rows(last, norm):
    for seed in range(3):
        schema = _schema(("any", "up", "down")[seed], held=seed == 2)
        model, y = _fitted([_encoders()], LAST[last], seed, classes=2 + seed % 2)
        codec = Codec.fit(schema)
        subject = wrap(model, codec, np.unique(y).tolist())
        every = codec.encode(pl.from_pandas(EVERY))
        assert legal(schema, every).all()
        rows = every[np.random.default_rng(seed).permutation(len(every))[:8]]
        codes, labels = subject.codes(rows), subject.codes(every)
        assert LinearSearch.fits(subject)
        result = LinearSearch(norm=norm).run(subject, rows, codes, schema=schema)
        for i, x in enumerate(rows):
            origin = np.broadcast_to(x, every.shape)
            open_ = (labels != codes[i]) & (project(schema, every, origin) == every).all(axis=1)
            gap = np.abs(every[open_] - x) * [c.cost for c in schema]
            gap[:, 0] = 0.7 * (every[open_][:, 0] != x[0])
            assert gap.sum(axis=1) == pytest.approx(cost(schema, every[open_], origin[open_]))
            if norm == "l0":
                least = (gap > 0).sum(axis=1).min(initial=100)
                least = np.inf if least == 100 else least
            else:
                least = np.linalg.norm(gap, ORDER[norm], axis=1).min(initial=np.inf)
            assert result.cost[i] == pytest.approx(least, rel=1e-6), (seed, i)
            assert result.proven[i]
            assert result.bound[i] <= least * (1 + 1e-6)
        moved = result.success
        assert moved.any()
        assert np.all(subject.codes(result.rows[moved]) != codes[moved])
        assert legal(schema, result.rows).all()


@pytest.mark.parametrize(
    "steps",
    [
        [OneHotEncoder()],
        [OrdinalEncoder(), StandardScaler()],
        [_encoders(), StandardScaler()],
        [ColumnTransformer([("all", OneHotEncoder(), [0, 1]), ("rest", "passthrough", slice(2, 4))])],
        [ColumnTransformer([("all", OneHotEncoder(), [True, False, False, False])], remainder="drop")],
    ],
)
def test_what_columns_add_is_what_the_model_adds_up(steps):
    model, _ = _fitted(steps, LogisticRegression(), 0, classes=3)
    subject = wrap(model, Codec.fit(_schema()), [0, 1, 2])
    form = additive_form(subject)
    X = subject.codec.encode(pl.from_pandas(EVERY))
    assert form is not None
    assert form.scores(X) == pytest.approx(model.decision_function(EVERY), abs=1e-7)


@pytest.mark.parametrize(
    "steps",
    [
        [_encoders(), PolynomialFeatures(2)],
        [_encoders(), FunctionTransformer(np.exp)],
        [ColumnTransformer([("job", OneHotEncoder(), ["job"]), ("rest", KBinsDiscretizer(2), NAMES[1:])])],
        [
            ColumnTransformer(
                [("job", OneHotEncoder(), ["job"]), ("rest", MinMaxScaler(clip=True), NAMES[1:])]
            )
        ],
    ],
)
def test_what_may_join_or_bend_columns_is_no_such_model(steps):
    model, _ = _fitted(steps, LogisticRegression(), 0)
    subject = wrap(model, Codec.fit(_schema()), [0, 1])
    assert additive_form(subject) is None
    assert not LinearSearch.fits(subject)


def test_an_encoded_number_without_ends_is_left_to_other_searches():
    schema = _schema()
    free = FeatureSchema((schema.columns[0], Column("month", "continuous"), *schema.columns[2:]))
    model, _ = _fitted([_encoders()], LogisticRegression(), 0)
    assert additive_form(wrap(model, Codec.fit(free), [0, 1])) is None


def test_the_attack_of_choice_is_exact_behind_encoders():
    model, _ = _fitted([_encoders()], LogisticRegression(), 0)
    subject = wrap(model, Codec.fit(_schema()), [0, 1])
    X = subject.codec.encode(pl.from_pandas(EVERY))[::40]
    result = Cheapest().run(subject, X, subject.codes(X), schema=_schema())
    assert result.proven.all()
