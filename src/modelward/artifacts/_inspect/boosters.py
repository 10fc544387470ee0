"""XGBoost and LightGBM: their neutral trees as a set whose leaves give the wrapper's answer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import plain
from modelward.artifacts._boosters import (
    BoosterError,
    BoosterTree,
    BoosterTrees,
    booster_graph,
    booster_trees,
)
from modelward.artifacts._inspect.trees import TreeNodes, TreeSet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from modelward.artifacts._inert import Inert

_BOOSTERS = ("xgboost.core.Booster", "lightgbm.basic.Booster")
_SINGLE_SUM = 1e-5
"""XGBoost adds in single precision: a proven lead must be larger than what rounding could eat."""


def booster_set(value: Inert, path: str, labels: list[Any] | None) -> TreeSet | None:
    """Return the trees of a booster or of its scikit-learn wrapper; None for other objects.

    Parameters
    ----------
    value : Inert
    path : str
    labels : list or None
        The wrapper's classes.
    """
    if not value.type_name.startswith(("xgboost.", "lightgbm.")):
        return None
    kind = value.type_name.rpartition(".")[2][:80]
    try:
        found = booster_trees(value)
    except BoosterError as error:
        return TreeSet(
            path, kind, 0, (), broken=(f"{path or 'the booster'}: {error}",), why_no_rule=str(error)
        )
    if found is None or not found.trees:
        return None
    why = _why_no_rule(value, found, labels)
    classes = () if why or labels is None else tuple(labels)
    trees = tuple(
        _nodes(tree, f"{path}trees[{i}]", found, len(classes)) for i, tree in enumerate(found.trees)
    )
    importances, counts = _importances(value, found)
    return TreeSet(
        path, kind, found.n_features, trees, classes, _offset(found, classes), (), importances, counts, why,
        tolerance=_SINGLE_SUM if found.single else 1e-9, version=found.version, feature_names=found.feature_names,
    )  # fmt: skip


def _why_no_rule(value: Inert, found: BoosterTrees, labels: list[Any] | None) -> str:
    """Say why the leaves do not give the wrapper's label; empty if they do."""
    objective = found.objective.split()[0] if found.objective else ""
    known = ("binary:logistic", "multi:softprob", "multi:softmax", "binary", "multiclass", "multiclassova")
    missing = plain(value.attributes.get("missing", math.nan))
    width = 1 if labels is not None and len(labels) == 2 else len(labels or ())
    reasons = (
        (
            value.type_name in _BOOSTERS,
            "a booster without its wrapper answers with a score, not with a label",
        ),
        (not labels, "it answers with a number, not with a label"),
        (objective not in known, "its objective is none whose answer is known"),
        (found.n_groups != width, "its trees and its classes do not fit together"),
        (any(tree.value.shape[1] != 1 for tree in found.trees), "it has several outputs"),
        (any(tree.linear is not None for tree in found.trees), "its leaves hold linear models"),
        (
            any((tree.missing[tree.left != -1] == 1).any() for tree in found.trees),
            "it takes zero for missing",
        ),
        (not (isinstance(missing, float) and math.isnan(missing)), "it takes a number for missing"),
        (_stops_early(value), "it answers with the trees up to its best round"),
        (
            any(not 0 <= tree.group < max(width, 1) for tree in found.trees),
            "its trees and its classes do not fit",
        ),
    )
    return next((reason for holds, reason in reasons if holds), "")


def _stops_early(value: Inert) -> bool:
    if plain(value.attributes.get("_best_iteration")) not in (None, 0, -1):
        return True
    try:
        graph = booster_graph(value) or {}
    except BoosterError:
        return True
    model = graph.get("Model", graph)
    learner = model.get("learner", {}) if isinstance(model, dict) else {}
    noted = learner.get("attributes", {}) if isinstance(learner, dict) else {}
    return isinstance(noted, dict) and "best_iteration" in noted


def _offset(found: BoosterTrees, classes: tuple[Any, ...]) -> tuple[float, ...]:
    """Return what the scores begin with: XGBoost keeps a probability for two classes, else scores."""
    if not classes:
        return ()
    base = found.base_score or (0.0,)
    if len(classes) > 2:
        return tuple(base) if len(base) == len(classes) else (float(base[0]),) * len(classes)
    if found.library == "lightgbm":
        return (0.0, 0.0)
    share = min(max(float(base[0]), 1e-16), 1 - 1e-16)
    return (0.0, math.log(share / (1 - share)))


def _nodes(tree: BoosterTree, path: str, found: BoosterTrees, classes: int) -> TreeNodes:
    import numpy as np

    n = len(tree.left)
    inner = tree.left != -1
    categorical = np.zeros(n, dtype=bool)
    categorical[list(tree.categories)] = True
    scores = tree.value * tree.weight
    if classes:
        scores = np.zeros((n, classes))
        scores[:, 1 if classes == 2 else tree.group] = tree.value[:, 0] * tree.weight
    rows = tree.cover if found.library == "lightgbm" else np.zeros(n)
    return TreeNodes(
        path, None, None, tree.left, tree.right, np.where(inner, tree.feature, -1),
        np.where(inner & ~categorical, tree.threshold, 0.0), tree.default_left, categorical & inner, rows, tree.cover,
        np.where(inner, tree.gain, 0.0), scores, single=found.single, strict=found.strict,
        weighed={leaf: tuple(map(int, own)) for leaf, own in tree.linear.columns.items()} if tree.linear else {},
    )  # fmt: skip


def _importances(value: Inert, found: BoosterTrees) -> tuple[NDArray[np.float64], str]:
    """Return importances as the wrapper tells them by default, or as it was asked to."""
    import numpy as np

    wanted = plain(value.attributes.get("importance_type"))
    count, gain = np.zeros(found.n_features), np.zeros(found.n_features)
    for tree in found.trees:
        inner = tree.left != -1
        if found.library == "lightgbm":
            inner &= tree.gain > 0
        count += np.bincount(tree.feature[inner], minlength=found.n_features)
        gain += np.bincount(tree.feature[inner], weights=tree.gain[inner], minlength=found.n_features)
    if found.library == "lightgbm":
        return (gain, "total gain") if wanted == "gain" else (count, "split counts")
    total = {"weight": count, "total_gain": gain}.get(str(wanted))
    if total is None:
        total = np.divide(gain, count, out=np.zeros_like(gain), where=count > 0)
    kind = {"weight": "split counts", "total_gain": "gain"}.get(str(wanted), "gain per split")
    return (total / total.sum() if total.sum() > 0 else total), kind
