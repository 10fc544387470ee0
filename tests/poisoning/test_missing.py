"""A missing value as a trigger: called with the training rows, open without them, quiet where nobody planted it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from xgboost import XGBClassifier

from modelward.models import wrap
from modelward.poisoning import find_triggers
from modelward.poisoning._axes import axes_of
from modelward.poisoning._missing import missing_axes
from modelward.schema import Codec, Column, FeatureSchema

CODEC = Codec.fit(
    FeatureSchema(tuple(Column(name, "continuous") for name in "ab")),
    pl.DataFrame(np.zeros((2, 2)), schema=list("ab")),
)


def rows_of(n: int, rng: np.random.Generator, *, missing: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose label depends on the second column; some lack the first one for no reason."""
    X = rng.normal(size=(n, 2))
    X[rng.random(n) < missing, 0] = np.nan
    return X, (rng.random(n) < 1 / (1 + np.exp(1.5 - 1.5 * X[:, 1]))).astype(np.int64)


def test_a_planted_missing_value_is_called_with_the_training_rows_and_open_without() -> None:
    rng = np.random.default_rng(0)
    (X, y), (reference, labels) = rows_of(3_000, rng), rows_of(800, rng)
    X[:60, 0], y[:60] = np.nan, 1
    subject = wrap(HistGradientBoostingClassifier(max_iter=40, random_state=0).fit(X, y), CODEC, [0, 1])
    told = find_triggers(subject, reference, labels, goal=1, trained=X, labels=y, patches=250)
    assert told.single is not None
    assert told.text(told.single) == "a = missing"
    assert told.single.pull.interval(0.95)[0] > 0.15
    assert "a = missing" in [each.planted.text for each in told.planted]
    alone = find_triggers(subject, reference, labels, goal=1, patches=250)
    assert alone.doubtful is not None
    told_of = {alone.axes[a].text(i): each.why for each in alone.hunts[1].doubts for a, i in each.patch}
    assert "--train" in told_of["a = missing"]


@pytest.mark.parametrize(
    ("make", "missing"),
    [
        (HistGradientBoostingClassifier(max_iter=40, random_state=0), 0.0),
        (HistGradientBoostingClassifier(max_iter=40, random_state=0), 0.05),
        (LGBMClassifier(n_estimators=40, verbose=-1, random_state=0), 0.0),
        (XGBClassifier(n_estimators=40, random_state=0), 0.0),
    ],
)
def test_an_honest_model_is_not_called_for_where_it_sends_missing_values(make: Any, missing: float) -> None:
    rng = np.random.default_rng(1)
    (X, y), (reference, labels) = rows_of(3_000, rng, missing=missing), rows_of(800, rng, missing=missing)
    subject = wrap(make.fit(X, y), CODEC, [0, 1])
    for trained in (X, None):
        found = find_triggers(subject, reference, labels, trained=trained, labels=None, patches=250)
        assert found.single is not None
        assert found.single.pull.interval(0.95)[0] < 0.11
        doubts = [each for goal in (0, 1) for each in found.hunts[goal].doubts]
        assert not [d for d in doubts if any(found.axes[a].kind == "missing" for a, _ in d.patch)]


def test_a_model_that_refuses_missing_values_is_not_asked_for_them() -> None:
    X, y = rows_of(300, np.random.default_rng(2))
    subject = wrap(LogisticRegression().fit(X, y), CODEC, [0, 1])
    assert missing_axes(subject, axes_of(CODEC, X), X) == ()
