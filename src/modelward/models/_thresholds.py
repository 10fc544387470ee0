"""Thresholds of tree ensembles, in the one meaning that `models._nodes` gives them.

A threshold t of column j says: rows with ``x[j] <= t`` and rows with ``x[j] > t`` may be told apart.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.models._booster_nodes import booster_of
from modelward.models._boxes import decision_trees
from modelward.models._estimator import step_module
from modelward.models._kinds import is_kind, is_rebuilt
from modelward.models._nodes import (
    CategoricalSplitError,
    Nodes,
    booster_nodes,
    histogram_nodes,
    plain_nodes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

Split = tuple["NDArray[Any]", "NDArray[Any]"]


def thresholds(model: Any, d: int) -> list[NDArray[np.float64]] | None:
    """Return the thresholds of a tree ensemble for each column of the matrix that it takes.

    Parameters
    ----------
    model : object
        A tree, forest, bagging, AdaBoost or gradient boosting of scikit-learn, or a model or booster of
        xgboost or lightgbm.
    d : int
        Columns of the matrix.

    Returns
    -------
    list of d sorted ndarrays of float64, or None
        None for models that are no tree ensembles, transform their input first (pipelines), or split on sets
        of categories.
    """
    try:
        splits = _splits(model)
        if splits is None:
            return None
        pairs = list(splits)
    except CategoricalSplitError:
        return None
    columns = np.concatenate([np.asarray(j, dtype=np.int64) for j, _ in pairs]) if pairs else np.empty(0, int)
    values = np.concatenate([np.asarray(t, dtype=np.float64) for _, t in pairs]) if pairs else np.empty(0)
    if len(columns) and columns.max() >= d:
        return None
    # An infinite threshold tells only missing cells from all others.
    columns, values = columns[np.isfinite(values)], values[np.isfinite(values)]
    order = np.lexsort((values, columns))
    bounds = np.searchsorted(columns[order], np.arange(d + 1))
    return [np.unique(values[order][a:b]) for a, b in itertools.pairwise(bounds)]


def _splits(model: Any) -> Iterator[Split] | None:
    library = step_module(model)
    if hasattr(model, "steps") or hasattr(model, "best_estimator_"):
        return None
    found = booster_of(model)
    if found is not None:
        return _of(booster_nodes(found))
    if library == "sklearn" or is_rebuilt(model):
        return _sklearn(model)
    return None


def _sklearn(model: Any) -> Iterator[Split] | None:
    if is_kind(model, "HistGradientBoostingClassifier"):
        return _of(histogram_nodes(model))
    if is_kind(model, "GradientBoostingClassifier"):
        if model.init_ != "zero" and type(model.init_).__name__ not in ("DummyClassifier", "DummyRegressor"):
            return None
        return _of([plain_nodes(tree.tree_) for tree in model.estimators_.ravel()])
    if is_kind(model, "AdaBoostClassifier", "BaggingClassifier"):
        whole = range(model.n_features_in_)
        subsets = getattr(model, "estimators_features_", None) or [whole] * len(model.estimators_)
        pairs = [(decision_trees(e), np.asarray(f)) for e, f in zip(model.estimators_, subsets, strict=True)]
        return _bagged(pairs) if all(trees for trees, _ in pairs) else None
    trees = decision_trees(model)
    return _of([plain_nodes(tree.tree_) for tree in trees]) if trees else None


def _bagged(pairs: list[tuple[tuple[Any, ...], NDArray[Any]]]) -> Iterator[Split]:
    for trees, columns in pairs:
        for j, t in _of([plain_nodes(tree.tree_) for tree in trees]):
            yield columns[j], t


def _of(nodes: list[Nodes]) -> Iterator[Split]:
    for tree in nodes:
        yield tree.feature[tree.split], tree.threshold[tree.split]
