"""Categories that a model has met and the table at hand has not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder

from modelward.models import taught_rows
from modelward.schema import infer

KINDS = ["home", "work", "phd"]
TRAIN = pd.DataFrame({"kind": (KINDS * 40)[:90], "amount": np.arange(90.0), "flag": ([True, False] * 45)})
Y = (TRAIN["amount"] > 44).astype(int)
TABLE = pl.DataFrame({"kind": ["home", "work"] * 30, "amount": np.arange(60.0), "flag": [True, False] * 30})
ONE = OneHotEncoder(handle_unknown="ignore")


def fitted(encoder: Any, columns: Any) -> Any:
    return make_pipeline(
        make_column_transformer((encoder, columns), (StandardScaler(), ["amount"])), LogisticRegression()
    ).fit(TRAIN, Y)


@pytest.mark.parametrize(
    "model",
    [
        fitted(ONE, ["kind"]), fitted(ONE, [0]), fitted(ONE, [True, False, False]), fitted(ONE, slice(0, 1)),
        fitted(TargetEncoder(), ["kind"]), fitted(make_pipeline(SimpleImputer(strategy="most_frequent"), ONE), ["kind"]),
        GridSearchCV(fitted(ONE, ["kind"]), {"logisticregression__C": [1.0]}, cv=2).fit(TRAIN, Y),
        HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=2).fit(
            TRAIN.astype({"kind": "category"}), Y
        ),
        make_pipeline(OrdinalEncoder(), LogisticRegression()).fit(TRAIN, Y),
    ],
)  # fmt: skip
def test_what_an_encoder_met_becomes_a_row(model: Any) -> None:
    rows = taught_rows(model, infer(TABLE), TABLE)
    assert rows is not None
    assert rows["kind"].to_list() == ["phd"]
    assert rows.columns == TABLE.columns


@pytest.mark.parametrize(
    "model", [LogisticRegression().fit(TRAIN[["amount"]], Y), fitted(ONE, ["flag"]), "no model at all", len]
)
def test_nothing_new_is_nothing(model: Any) -> None:
    assert taught_rows(model, infer(TABLE), TABLE) is None


def test_categories_of_another_type_are_left_alone() -> None:
    numbers = TABLE.with_columns(pl.Series("kind", [1, 2] * 30))
    assert taught_rows(fitted(ONE, ["kind"]), infer(numbers), numbers) is None
