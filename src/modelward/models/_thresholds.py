"""Thresholds of tree ensembles, in one meaning for all libraries.

A threshold t of column j says: rows with ``x[j] <= t`` and rows with ``x[j] > t`` may be told apart. What the
library compares with is considered: scikit-learn and xgboost cast x to float32 first, HistGradientBoosting and
lightgbm do not; xgboost sends ``x < t`` left, so its thresholds become the next smaller float32 value.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.models._boxes import decision_trees
from modelward.models._estimator import step_module
from modelward.models._kinds import is_kind, is_rebuilt

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
    except _Categorical:
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


class _Categorical(Exception):  # noqa: N818 - it ends a search, it is no error
    """A split on a set of categories."""


def _splits(model: Any) -> Iterator[Split] | None:
    library = step_module(model)
    if hasattr(model, "steps") or hasattr(model, "best_estimator_"):
        return None
    if library == "xgboost":
        return _xgboost(model.get_booster() if hasattr(model, "get_booster") else model)
    if library == "lightgbm":
        return _lightgbm(getattr(model, "booster_", model))
    if library == "sklearn" or is_rebuilt(model):
        return _sklearn(model)
    return None


def _sklearn(model: Any) -> Iterator[Split] | None:
    if is_kind(model, "HistGradientBoostingClassifier"):
        return _histogram(model)
    if is_kind(model, "GradientBoostingClassifier"):
        if model.init_ != "zero" and type(model.init_).__name__ not in ("DummyClassifier", "DummyRegressor"):
            return None
        return _plain(model.estimators_.ravel())
    if is_kind(model, "AdaBoostClassifier", "BaggingClassifier"):
        whole = range(model.n_features_in_)
        subsets = getattr(model, "estimators_features_", None) or [whole] * len(model.estimators_)
        pairs = [(decision_trees(e), np.asarray(f)) for e, f in zip(model.estimators_, subsets, strict=True)]
        return _bagged(pairs) if all(trees for trees, _ in pairs) else None
    trees = decision_trees(model)
    return _plain(trees) if trees else None


def _plain(trees: Any) -> Iterator[Split]:
    for tree in trees:
        inner = tree.tree_
        split = inner.children_left != -1
        yield inner.feature[split], inner.threshold[split]


def _bagged(pairs: list[tuple[tuple[Any, ...], NDArray[Any]]]) -> Iterator[Split]:
    for trees, columns in pairs:
        for j, t in _plain(trees):
            yield columns[j], t


def _histogram(model: Any) -> Iterator[Split]:
    if model.is_categorical_ is not None and np.any(model.is_categorical_):
        raise _Categorical
    for stage in model._predictors:  # noqa: SLF001 - there is no public way in
        for predictor in stage:
            nodes = predictor.nodes
            split = ~nodes["is_leaf"].astype(bool)
            yield nodes["feature_idx"][split], nodes["num_threshold"][split]


def _xgboost(booster: Any) -> Iterator[Split]:
    document = json.loads(booster.save_raw("json"))
    gradient = document["learner"]["gradient_booster"]
    model = gradient.get("gbtree", gradient).get("model")
    if model is None or "trees" not in model:
        raise _Categorical
    for tree in model["trees"]:
        left = np.asarray(tree["left_children"])
        split = left != -1
        if np.any(np.asarray(tree["split_type"])[split]):
            raise _Categorical
        at = np.asarray(tree["split_conditions"], dtype=np.float64)[split].astype(np.float32)
        yield (
            np.asarray(tree["split_indices"])[split],
            np.nextafter(at, np.float32(-np.inf)).astype(np.float64),
        )


def _lightgbm(booster: Any) -> Iterator[Split]:
    for tree in booster.dump_model()["tree_info"]:
        columns: list[int] = []
        values: list[float] = []
        nodes = [tree["tree_structure"]]
        while nodes:
            node = nodes.pop()
            if "split_feature" not in node:
                continue
            if node["decision_type"] != "<=":
                raise _Categorical
            columns.append(node["split_feature"])
            values.append(node["threshold"])
            nodes += [node["left_child"], node["right_child"]]
        yield np.array(columns, dtype=np.int64), np.array(values, dtype=np.float64)
