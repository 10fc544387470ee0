"""CatBoost: its symmetric trees as a set whose leaves give the estimator's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._catboost import catboost_facts, model_bytes
from modelward.artifacts._catboost_trees import CatBoostError, catboost_trees
from modelward.artifacts._inspect.importance import split_gain
from modelward.artifacts._inspect.trees import TreeNodes, TreeSet

if TYPE_CHECKING:
    from modelward.artifacts._catboost_trees import CatBoostTrees, SymmetricTree
    from modelward.artifacts._inert import Inert

_PROVEN = ("Logloss", "MultiClass")
_MOST_WORK = 200_000_000


def catboost_set(value: Inert, path: str, labels: list[Any] | None) -> TreeSet | None:
    """Return the trees of a CatBoost estimator; None for other objects, and for those without a model.

    Parameters
    ----------
    value : Inert
    path : str
    labels : list or None
        The classifier's classes.
    """
    data = model_bytes(value) if value.type_name.startswith("catboost.") else None
    if data is None:
        return None
    kind = value.type_name.rpartition(".")[2][:80]
    facts = catboost_facts(value)
    version = facts.version if facts is not None else ""
    try:
        found = catboost_trees(data)
    except CatBoostError as error:
        said = f"{path or 'the model'}: {error}"
        return TreeSet(path, kind, 0, (), broken=(said,), why_no_rule=str(error), version=version)
    k = len(found.bias)
    why = _why_no_rule(found, labels)
    classes = () if why or labels is None else tuple(labels)
    two = len(classes) == 2
    trees = tuple(
        _nodes(tree, f"{path}.trees[{i}]" if path else f"trees[{i}]", found, two=two)
        for i, tree in enumerate(found.trees)
    )
    offset = (0.0, float(found.bias[0])) if two else tuple(found.bias.tolist()) if len(classes) == k else ()
    names = facts.feature_names if facts is not None and len(facts.feature_names) == found.n_features else ()
    small = found.n_features * len(trees) <= _MOST_WORK
    shares = split_gain(trees, found.n_features) if small else None
    return TreeSet(
        path, kind, found.n_features, trees, classes, offset, (), shares, "splits" if small else "", why,
        version=version, feature_names=names,
    )  # fmt: skip


def _why_no_rule(found: CatBoostTrees, labels: list[Any] | None) -> str:
    """Say why the leaves do not give the label; empty if they do."""
    width = 1 if labels is not None and len(labels) == 2 else len(labels or ())
    reasons = (
        (not labels, "it answers with a number, not with a label"),
        (found.loss not in _PROVEN, "its loss is none whose answer is known"),
        (found.own_threshold, "it has a threshold of its own for the label"),
        (len(found.bias) != width, "its trees and its classes do not fit together"),
    )
    return next((reason for holds, reason in reasons if holds), "")


def _nodes(tree: SymmetricTree, path: str, found: CatBoostTrees, *, two: bool) -> TreeNodes:
    """Return a symmetric tree as nodes, level by level; the answer to its first question is the lowest bit."""
    import numpy as np

    depth = len(tree.columns)
    inner = (1 << depth) - 1
    n = inner + (1 << depth)
    level = np.floor(np.log2(np.arange(1, n + 1))).astype(np.int64)
    numbers = np.arange(n)
    ends = level == depth
    left = np.where(ends, -1, 2 * numbers + 1)
    right = np.where(ends, -1, 2 * numbers + 2)
    at = np.minimum(level, max(depth - 1, 0))
    feature = np.where(ends, -1, tree.columns[at] if depth else -1)
    threshold = np.where(ends, 0.0, tree.borders[at] if depth else 0.0)
    # Among the nodes of the last level the first question decides the highest bit of the place.
    place = np.arange(1 << depth)
    leaf = sum((((place >> (depth - 1 - j)) & 1) << j for j in range(depth)), np.zeros_like(place))
    values = np.zeros((n, 2 if two else tree.values.shape[1]))
    values[inner:, 1 if two else slice(None)] = tree.values[leaf, 0] if two else tree.values[leaf]
    weight = np.zeros(n)
    weight[inner:] = tree.weights[leaf]
    for node in range(inner - 1, -1, -1):
        weight[node] = weight[2 * node + 1] + weight[2 * node + 2]
    missing_left = ~np.isin(feature, list(found.missing_high)) & ~ends
    return TreeNodes(
        path, None, None, left, right, feature, threshold, missing_left, np.zeros(n, dtype=bool), weight, weight,
        np.where(ends, 0.0, 1.0), values, single=True,
    )  # fmt: skip
