"""A rebuilt model lets the exact searches look inside as a loaded one does."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from modelward.artifacts import read_bytes
from modelward.models import linear_form, subject_boxes, subject_forest, subject_thresholds, wrap
from modelward.models.rebuilt import rebuild
from modelward.schema import Codec, infer

RNG = np.random.default_rng(0)
X = np.round(RNG.normal(size=(200, 4)), 2)
FRAME = pl.DataFrame(X, schema=list("abcd"))
CODEC = Codec.fit(infer(FRAME), FRAME)
MODELS = [
    DecisionTreeClassifier(max_depth=4), RandomForestClassifier(4), ExtraTreesClassifier(4),
    GradientBoostingClassifier(n_estimators=4), GradientBoostingClassifier(n_estimators=4, init="zero"),
    HistGradientBoostingClassifier(max_iter=4), LogisticRegression(), make_pipeline(StandardScaler(), LogisticRegression()),
    GridSearchCV(LogisticRegression(), {"C": [1.0, 2.0]}, cv=2), make_pipeline("passthrough", DecisionTreeClassifier()),
]  # fmt: skip


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_the_inside_is_that_of_the_loaded_model(model: Any, classes: int) -> None:
    y = np.digitize(X[:, 0] + X[:, 1], [0.0] if classes == 2 else [-0.5, 0.5])
    model.fit(X, y)
    built = rebuild(read_bytes(pickle.dumps(model), "model.pkl"))
    ours, theirs = (wrap(m, CODEC, range(classes)) for m in (built, model))
    looked = 0
    for read in (subject_forest, subject_boxes, subject_thresholds, linear_form):
        mine, other = read(ours), read(theirs)
        assert (mine is None) == (other is None), read.__name__
        looked += mine is not None
    assert looked, "no reader knows this model"
    mine, other = subject_forest(ours), subject_forest(theirs)
    if mine is not None and other is not None:
        np.testing.assert_array_equal(mine.sums(X), other.sums(X))
        assert mine.tie_up == other.tie_up
