"""Readers of trees and linear models against the models' own answers."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, RobustScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from modelward.models import linear_form, subject_boxes, subject_thresholds, thresholds, tree_boxes, wrap
from modelward.models._boxes import float32_at_most, next_float32
from modelward.schema import Codec, Column, FeatureSchema


def data(n: int = 400, seed: int = 0) -> tuple[pl.DataFrame, np.ndarray]:
    """Amounts with many digits, a small integer, and an ordinal whose codes are not its values."""
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {
            "amount": rng.gamma(2, 1 / 3, n),
            "count": rng.integers(0, 9, n),
            "late": rng.integers(-2, 4, n),
        }
    )
    z = frame["late"].to_numpy() - 3 * frame["amount"].to_numpy() + 0.3 * frame["count"].to_numpy()
    return frame, np.digitize(z + rng.normal(scale=0.5, size=n), [-1, 1])


SCHEMA = FeatureSchema(
    (
        Column("amount", "continuous", low=0, high=4),
        Column("count", "integer", low=0, high=8),
        Column("late", "ordinal", categories=(-2, -1, 0, 1, 2, 3)),
    )
)


def subject_of(model: Any, labels: Any = (0, 1, 2), seed: int = 0) -> Any:
    frame, level = data(seed=seed)
    y = np.array(labels)[np.minimum(level, len(labels) - 1)]
    model.fit(frame.to_numpy(), y)
    codec = Codec.fit(SCHEMA, frame)
    return wrap(model, codec, y), codec.encode(frame)


@pytest.mark.parametrize("seed", range(3))
def test_boxes_are_the_trees_own_leaves(seed: int) -> None:
    frame, y = data(seed=seed)
    X = frame.to_numpy()
    tree = DecisionTreeClassifier(random_state=seed).fit(X, y)
    boxes = tree_boxes(tree)
    rng = np.random.default_rng(seed)
    at = [np.unique(boxes.high[:, j][np.isfinite(boxes.high[:, j])]) for j in range(3)]
    for _ in range(3):
        # Rows on the thresholds and one float64 step beside them are where rounding matters.
        rows = np.column_stack([rng.choice(a, 500) for a in at])
        rows = np.where(rng.uniform(size=rows.shape) < 0.5, rows, np.nextafter(rows, rng.choice([-9e9, 9e9])))
        inside = boxes.contains(rows)
        assert (inside.sum(axis=1) == 1).all()
        assert np.array_equal(boxes.leaf[np.argmax(inside, axis=1)], tree.apply(rows))
        assert np.allclose(boxes.value[np.argmax(inside, axis=1)], tree.predict_proba(rows))
    assert np.array_equal(boxes.n_samples, np.bincount(np.searchsorted(boxes.leaf, tree.apply(X))))


def test_closed_ends_are_inside() -> None:
    frame, y = data()
    tree = DecisionTreeClassifier(random_state=0).fit(frame.to_numpy(), y)
    boxes = tree_boxes(tree)
    low, high = boxes.closed()
    for corner in (np.where(np.isfinite(low), low, high), np.where(np.isfinite(high), high, low)):
        rows = np.where(np.isfinite(corner), corner, 0)
        assert np.array_equal(tree.apply(rows), boxes.leaf)


def test_boxes_of_missing_values() -> None:
    frame, y = data()
    X = frame.to_numpy().copy()
    rng = np.random.default_rng(0)
    X[rng.uniform(size=X.shape) < 0.2] = np.nan
    tree = DecisionTreeClassifier(random_state=0, max_depth=6).fit(X, y)
    boxes = tree_boxes(tree)
    inside = boxes.contains(X)
    assert (inside.sum(axis=1) == 1).all()
    assert np.array_equal(boxes.leaf[np.argmax(inside, axis=1)], tree.apply(X))


@given(st.floats(width=64, allow_nan=False, min_value=-1e300, max_value=1e300))
def test_float32_ends(value: float) -> None:
    at, over = float32_at_most(np.array([value]))[0], next_float32(np.array([value]))[0]
    assert at <= value < over
    assert np.float32(at) == at
    assert np.float32(over) == over
    with np.errstate(over="ignore"):
        assert np.nextafter(np.float32(at), np.float32(np.inf)) == np.float32(over)


@pytest.mark.parametrize("labels", [(0, 1), ("a", "b", "c"), (-1, 5, 12)])
def test_subject_boxes_in_codes(labels: Any) -> None:
    subject, X = subject_of(RandomForestClassifier(7, random_state=0, n_jobs=2), labels)
    found = subject_boxes(subject)
    assert found is not None
    mean = np.mean([b.value[np.argmax(b.contains(X), axis=1)] for b in found], axis=0)
    assert np.allclose(mean, subject.scores(X).values)
    assert subject.meter.rows == len(X)


def test_subject_boxes_of_others() -> None:
    assert subject_boxes(subject_of(LogisticRegression())[0]) is None
    assert subject_boxes(subject_of(make_pipeline(StandardScaler(), DecisionTreeClassifier()))[0]) is None
    subject, _ = subject_of(DecisionTreeClassifier(random_state=0), (0, 1))
    subject.model.classes_ = np.array([1, 1])
    assert subject_boxes(subject) is None  # the backend still adds up what it was wrapped with


ENSEMBLES: list[Any] = [
    DecisionTreeClassifier(random_state=0),
    RandomForestClassifier(5, random_state=0),
    ExtraTreesClassifier(5, random_state=0),
    BaggingClassifier(DecisionTreeClassifier(max_depth=4), 4, max_features=2, random_state=0),
    AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=4, random_state=0),
    GradientBoostingClassifier(n_estimators=5, random_state=0),
    HistGradientBoostingClassifier(max_iter=5, random_state=0),
    XGBClassifier(n_estimators=5, n_jobs=1),
    XGBClassifier(n_estimators=5, n_jobs=1, tree_method="exact"),
    LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1),
]


@pytest.mark.parametrize("model", ENSEMBLES, ids=lambda m: type(m).__name__)
def test_thresholds_hold_and_are_needed(model: Any) -> None:
    subject, X = subject_of(model)
    found = subject_thresholds(subject)
    assert found is not None
    assert all(np.all(np.diff(t) > 0) for t in found)
    amounts = found[0]
    # Between two thresholds nothing changes: brute force along one column.
    row = X[:40]
    for low, high in list(itertools.pairwise(amounts))[:25]:
        a, b = next_float32(np.array([low]))[0], float32_at_most(np.array([high]))[0]
        if a > b:
            continue
        first, second = row.copy(), row.copy()
        first[:, 0], second[:, 0] = a, b
        assert np.allclose(
            subject.backend.scores(first).values, subject.backend.scores(second).values, atol=1e-9
        )
    # And a change happens only at one: the finest grid of float32 steps around every change.
    grid = np.linspace(0, 3, 3001).astype(np.float32).astype(float)
    rows = np.repeat(X[:5], len(grid), axis=0)
    rows[:, 0] = np.tile(grid, 5)
    scores = subject.backend.scores(rows).values.reshape(5, len(grid), -1)
    moved = np.any(np.abs(np.diff(scores, axis=1)) > 1e-12, axis=(0, 2))
    crossed = np.searchsorted(amounts, grid[1:], side="left") != np.searchsorted(
        amounts, grid[:-1], side="left"
    )
    assert moved.any()
    assert not np.any(moved & ~crossed)


def test_xgboost_thresholds_are_exact() -> None:
    """At a threshold xgboost goes one way, one float32 step over it the other."""
    frame, y = data()
    X = frame.to_numpy()[:, :1].copy()
    model = XGBClassifier(n_estimators=1, max_depth=1, n_jobs=1).fit(X, (y > 0).astype(int))
    ((at,),) = thresholds(model, 1)
    p = model.predict_proba(np.array([[at], [next_float32(np.array([at]))[0]]]))[:, 1]
    assert p[0] != p[1]


def test_no_thresholds_where_there_are_none() -> None:
    frame, y = data()
    X = frame.to_numpy()
    assert thresholds(LogisticRegression().fit(X, y), 3) is None
    assert thresholds(make_pipeline(StandardScaler(), DecisionTreeClassifier()).fit(X, y), 3) is None
    categorical = HistGradientBoostingClassifier(max_iter=3, categorical_features=[1]).fit(X, y)
    assert thresholds(categorical, 3) is None
    assert thresholds(DecisionTreeClassifier().fit(X, np.zeros(len(X))), 3)[0].tolist() == []
    assert subject_thresholds(wrap(lambda X: X[:, 0] > 0, Codec.fit(SCHEMA, frame), [0, 1])) is None


LINEAR: list[Any] = [
    LogisticRegression(max_iter=2000),
    make_pipeline(StandardScaler(), LogisticRegression()),
    make_pipeline(MinMaxScaler(), StandardScaler(), LinearSVC()),
    make_pipeline(RobustScaler(), SGDClassifier(random_state=0)),
    RidgeClassifier(),
]


@pytest.mark.parametrize("labels", [(0, 1), ("a", "b", "c")])
@pytest.mark.parametrize(
    "model",
    LINEAR,
    ids=lambda m: "-".join(type(s).__name__ for s in getattr(m, "named_steps", {"": m}).values()),
)
def test_linear_forms(model: Any, labels: Any) -> None:
    subject, X = subject_of(model, labels)
    form = linear_form(subject)
    assert form is not None
    coef, intercept = form
    assert coef.shape == (len(labels), 3)
    margin = X @ coef.T + intercept
    assert np.array_equal(np.argmax(margin, axis=1), subject.codes(X))


def test_no_linear_form() -> None:
    assert linear_form(subject_of(DecisionTreeClassifier())[0]) is None
    assert linear_form(subject_of(make_pipeline(StandardScaler(), SVC()))[0]) is None
    curved = make_pipeline(PolynomialFeatures(2), StandardScaler(), LogisticRegression())
    assert linear_form(subject_of(curved)[0]) is None


def test_a_label_only_of_the_data() -> None:
    frame, level = data()
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame.to_numpy(), np.minimum(level, 1))
    codec = Codec.fit(SCHEMA, frame)
    subject = wrap(model, codec, level)
    coef, intercept = linear_form(subject)
    assert intercept[2] == -np.inf
    X = codec.encode(frame)
    assert np.array_equal(np.argmax(X @ coef.T + intercept, axis=1), subject.codes(X))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_any_tree(seed: int, depth: int) -> None:
    rng = np.random.default_rng(seed)
    X, y = rng.integers(0, 5, (60, 2)).astype(float), rng.integers(0, 2, 60)
    tree = DecisionTreeClassifier(max_depth=depth, random_state=seed).fit(X, y)
    inside = tree_boxes(tree).contains(X)
    assert np.array_equal(tree_boxes(tree).leaf[np.argmax(inside, axis=1)], tree.apply(X))
