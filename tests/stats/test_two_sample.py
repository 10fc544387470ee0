"""Rows in bins are told apart as rows are: trees see only the order of values."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from modelward.stats._two_sample import _binned, learn_and_score


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = np.column_stack(
        [rng.integers(0, 60, 1500) / 4, rng.integers(-5, 5, 1500), rng.normal(size=1500).round(1)]
    )
    X[rng.uniform(size=X.shape) < 0.1] = np.nan
    y = (np.nan_to_num(X[:, 0]) + rng.normal(scale=4, size=1500) > 9).astype(np.int64)
    return X, y


def test_few_distinct_values_give_the_very_scores_of_the_classifier_alone(rows):
    X, y = rows
    alone = HistGradientBoostingClassifier(
        max_iter=50, learning_rate=0.1, max_leaf_nodes=8, min_samples_leaf=20, early_stopping=False,
        class_weight="balanced", random_state=3,
    ).fit(X, y)  # fmt: skip
    assert np.array_equal(learn_and_score(X, y, X, 2, seed=3), alone.predict_proba(X))


def test_many_distinct_values_are_cut_where_the_classifier_cuts_them_without_weights():
    rng = np.random.default_rng(1)
    X = rng.gamma(2, 5_000, size=(4_000, 1))
    plain = HistGradientBoostingClassifier(max_iter=1, early_stopping=False).fit(X, rng.integers(0, 2, 4_000))
    codes = _binned(X, X)[0]
    theirs = plain._bin_mapper.transform(X)
    assert len(np.unique(codes)) == len(np.unique(theirs)) == 255
    assert np.abs(codes - theirs).max() <= 1


def test_bins_keep_order_and_missing_values(rows):
    X, _ = rows
    asked = np.array([[-1e9, np.nan, 0.05], [1e9, 0.0, 1e9]])
    low, high = _binned(X, asked)[1]
    assert low[0] == 0
    assert np.isnan(low[1])
    assert high[0] == len(np.unique(X[~np.isnan(X[:, 0]), 0]))
    order = np.argsort(X[:, 2])
    known = _binned(X, X)[0][order, 2]
    assert (np.diff(known[~np.isnan(known)]) >= 0).all()


def test_a_column_that_is_missing_throughout_stays_missing():
    X = np.array([[np.nan], [np.nan]])
    assert np.isnan(_binned(X, np.array([[3.0]]))[1]).sum() == 0
    assert np.isnan(_binned(X, X)[0]).all()


def test_rows_that_can_be_told_apart_still_are():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(2_000, 3))
    y = (X[:, 0] + rng.normal(scale=0.5, size=2_000) > 0).astype(np.int64)
    held = learn_and_score(X[:1000], y[:1000], X[1000:], 2, seed=0)[:, 1]
    assert roc_auc_score(y[1000:], held) > 0.9
