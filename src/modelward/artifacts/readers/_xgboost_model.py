"""What XGBoost's loader trusts in a model: counts that fit, links inside the trees, features that exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import RawArray
from modelward.artifacts._container import printable
from modelward.artifacts.readers._notes import BrokenError
from modelward.artifacts.readers._tree_links import reached, vector

if TYPE_CHECKING:
    from modelward.artifacts.readers._notes import Notes

_MAX_COUNT = 1 << 31
_NODE_ARRAYS = ("left_children", "right_children", "split_indices", "split_conditions", "default_left")
_MORE_ARRAYS = ("parents", "loss_changes", "sum_hessian", "split_type")


def model_of(state: Any) -> dict[str, Any]:
    """Return the model proper: a pickled booster has it beside its configuration.

    Raises
    ------
    BrokenError
        If there is none.
    """
    model = state.get("Model", state) if isinstance(state, dict) else None
    if not isinstance(model, dict) or not isinstance(model.get("learner"), dict):
        raise BrokenError("it has no learner")
    return model


def section(holder: Any, *keys: str) -> dict[str, Any]:
    """Return a nested object.

    Raises
    ------
    BrokenError
        If it is not there.
    """
    for key in keys:
        holder = holder.get(key) if isinstance(holder, dict) else None
    if not isinstance(holder, dict):
        raise BrokenError(f"it has no {'.'.join(keys)}")
    return holder


def count(holder: dict[str, Any], key: str, default: int | None = None) -> int:
    """Return a count, which XGBoost writes as text.

    Raises
    ------
    BrokenError
        If it is none, negative, or beyond what an index can hold.
    """
    value = holder.get(key, default)
    if isinstance(value, str) and len(value) < 20 and value.isascii() and value.isdigit():
        value = int(value)
    if type(value) is not int or not 0 <= value < _MAX_COUNT:
        raise BrokenError(f"{key} is no count: {printable(str(value), 40)}")
    return value


def base_scores(text: Any) -> list[float]:
    """Return the base score, one number or a list of them written as text.

    Raises
    ------
    BrokenError
        If it is no such thing.
    """
    parts = text.strip("[]").split(",") if isinstance(text, str) and len(text) < 1 << 20 else [""]
    try:
        return [float(part) for part in parts if part.strip() or len(parts) == 1]
    except ValueError:
        raise BrokenError(f"base_score is no number: {printable(str(text), 40)}") from None


def booster_of(learner: dict[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the booster's name, its section, and the section that holds its model."""
    booster = section(learner, "gradient_booster")
    name = booster.get("name")
    if name == "dart":
        return "dart", booster, section(booster, "gbtree", "model")
    if name not in ("gbtree", "gblinear"):
        raise BrokenError(f"its booster {printable(str(name), 40)!r} is none that is known")
    return name, booster, section(booster, "model")


def check(state: Any, notes: Notes) -> None:
    """Note what does not fit in a model."""
    model = model_of(state)
    learner = model["learner"]
    param = section(learner, "learner_model_param")
    features = count(param, "num_feature")
    groups = max(count(param, "num_class", 0), count(param, "num_target", 1), 1)
    if not all(abs(score) < float("inf") for score in base_scores(param.get("base_score"))):
        notes.suspicious("base_score is not finite")
    for key in ("feature_names", "feature_types"):
        names = learner.get(key)
        if isinstance(names, list) and names and len(names) != features:
            notes.suspicious(f"{key} has {len(names):,} entries where the model has {features:,} features")
    name, booster, inner = booster_of(learner)
    if name == "gblinear":
        _linear(inner, features, groups, notes)
        return
    trees = _forest(inner, groups, notes)
    if name == "dart" and _length(booster.get("weight_drop")) != len(trees):
        notes.suspicious(f"weight_drop does not fit the {len(trees):,} trees")
    for i, tree in enumerate(trees):
        _tree(f"tree {i:,}", tree, features, notes)


def _length(value: Any) -> int:
    if isinstance(value, RawArray):
        return value.shape[0]
    return len(value) if isinstance(value, list) else -1


def _linear(inner: dict[str, Any], features: int, groups: int, notes: Notes) -> None:
    import numpy as np

    weights = vector(inner.get("weights"), float)
    if weights is None:
        raise BrokenError("its linear booster has no weights")
    if len(weights) != (features + 1) * groups:
        notes.suspicious(
            f"has {len(weights):,} weights where {features:,} features need {(features + 1) * groups:,}"
        )
    if not np.isfinite(weights).all():
        notes.suspicious("holds weights that are not finite")


def _forest(inner: dict[str, Any], groups: int, notes: Notes) -> list[Any]:
    """Check what is said about all trees together, and return them."""
    trees = inner.get("trees")
    if not isinstance(trees, list):
        raise BrokenError("it has no list of trees")
    said = count(section(inner, "gbtree_model_param"), "num_trees")
    if said != len(trees):
        notes.suspicious(f"num_trees says {said:,} where there are {len(trees):,} trees")
    info = vector(inner.get("tree_info"), int)
    if info is None or len(info) != len(trees):
        notes.suspicious(f"tree_info does not fit the {len(trees):,} trees")
    elif ((info < 0) | (info >= groups)).any():
        notes.suspicious("tree_info names a class that the model does not have")
    if "iteration_indptr" in inner:
        bounds = vector(inner["iteration_indptr"], int)
        if bounds is None or len(bounds) == 0 or bounds[0] != 0 or bounds[-1] != len(trees):
            notes.suspicious(f"iteration_indptr does not fit the {len(trees):,} trees")
        elif (bounds[1:] < bounds[:-1]).any():
            notes.suspicious("iteration_indptr goes backwards")
    return trees


def _tree(where: str, tree: Any, features: int, notes: Notes) -> None:
    import numpy as np

    param = section(tree, "tree_param")
    nodes, deleted = count(param, "num_nodes"), count(param, "num_deleted", 0)
    width = max(count(param, "size_leaf_vector", 1), 1)
    for key in (*_NODE_ARRAYS, *_MORE_ARRAYS):
        length = _length(tree.get(key))
        if length != nodes and (key in _NODE_ARRAYS or length > 0):
            notes.suspicious(f"{where}: {key} has {max(length, 0):,} entries, num_nodes says {nodes:,}")
            return
    if _length(tree.get("base_weights")) not in (nodes, nodes * width):
        notes.suspicious(f"{where}: base_weights does not fit num_nodes {nodes:,}")
        return
    left, right = vector(tree["left_children"], int), vector(tree["right_children"], int)
    feature, threshold = vector(tree["split_indices"], int), vector(tree["split_conditions"], float)
    if left is None or right is None or feature is None or threshold is None:
        raise BrokenError(f"{where} holds something other than numbers")
    if width > 1 and "leaf_weights" in tree:
        # A leaf with a value for each target has its index among the leaves where the right child would be.
        leaf = left == -1
        if ((right[leaf] < 0) | ((right[leaf] + 1) * width > _length(tree["leaf_weights"]))).any():
            notes.suspicious(f"{where} has a leaf whose values are not there")
            return
        right = right.copy()
        right[leaf] = -1
    mask, problem = reached(left, right)
    if problem:
        notes.suspicious(f"{where} {problem}")
        return
    if int(nodes - mask.sum()) > deleted:
        notes.suspicious(f"{where} has nodes that are never reached")
    inner = mask & (left != -1)
    if ((feature[inner] < 0) | (feature[inner] >= features)).any():
        worst = int(feature[inner].max())
        notes.suspicious(f"{where} splits on feature {worst:,} where the model has {features:,}")
    if not np.isfinite(threshold[mask]).all():
        notes.suspicious(f"{where} holds values that are not finite")
    _categories(where, tree, nodes, notes)


def _categories(where: str, tree: dict[str, Any], nodes: int, notes: Notes) -> None:
    """Check the sets of categories, which are cut from one list."""
    kinds = vector(tree.get("split_type", []), int)
    parts = [vector(tree.get(f"categories{part}", []), int) for part in ("", "_nodes", "_segments", "_sizes")]
    if kinds is None or any(part is None for part in parts):
        raise BrokenError(f"{where} has categories that are no numbers")
    values, owners, starts, sizes = parts
    if not len(owners) == len(starts) == len(sizes):
        notes.suspicious(f"{where}: its lists of categories differ in length")
    elif ((owners < 0) | (owners >= nodes)).any() or len(set(owners.tolist())) != len(owners):
        notes.suspicious(f"{where}: categories belong to a node that it does not have")
    elif ((starts < 0) | (sizes < 0) | (sizes > len(values)) | (starts > len(values) - sizes)).any():
        notes.suspicious(f"{where}: categories are cut from beyond their list")
    elif (values < 0).any() or (values >= 1 << 24).any():
        notes.suspicious(f"{where}: a category is no small number")
    elif set((kinds == 1).nonzero()[0].tolist()) != set(owners.tolist()):
        notes.suspicious(f"{where}: its splits by category do not fit its categories")
