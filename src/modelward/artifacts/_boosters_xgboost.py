"""XGBoost's model, already checked, as neutral trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._boosters import BoosterTree, BoosterTrees
from modelward.artifacts._container import printable
from modelward.artifacts.readers._notes import BrokenError
from modelward.artifacts.readers._tree_links import vector
from modelward.artifacts.readers._xgboost_model import base_scores, booster_of, count, model_of, section

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def xgboost_trees(state: dict[str, Any]) -> BoosterTrees:
    """Return the trees of a model."""
    model = model_of(state)
    learner = model["learner"]
    param = section(learner, "learner_model_param")
    features, classes = count(param, "num_feature"), count(param, "num_class", 0)
    groups = max(classes, count(param, "num_target", 1), 1)
    name, booster, inner = booster_of(learner)
    objective = section(learner, "objective").get("name", "")
    names = learner.get("feature_names") or []
    linear: NDArray[np.float64] | None = None
    trees: tuple[BoosterTree, ...] = ()
    if name == "gblinear":
        # Stored as single precision; JSON's shortest text is rounded back to it.
        linear = _single(inner["weights"]).reshape(features + 1, groups)
    else:
        weights = _single(booster["weight_drop"]) if name == "dart" else None
        info = _integers(inner["tree_info"]).tolist()
        trees = tuple(
            _tree(tree, info[i], 1.0 if weights is None else float(weights[i]))
            for i, tree in enumerate(inner["trees"])
        )
    return BoosterTrees(
        "xgboost", version_of(model), name, printable(str(objective), 80), features, classes, groups,
        tuple(base_scores(param.get("base_score"))), tuple(printable(str(n)) for n in names), trees,
        strict=True, single=True, set_left=False, linear=linear, best=_best(learner, inner, len(trees), groups),
        feature_types=tuple(printable(str(kind), 20) for kind in learner.get("feature_types") or []),
        categories=inner.get("cats"),
    )  # fmt: skip


def _best(learner: dict[str, Any], inner: dict[str, Any], trees: int, groups: int) -> int:
    """Return how many trees there are up to the best round; 0 for all."""
    noted = learner.get("attributes")
    best = noted.get("best_iteration") if isinstance(noted, dict) else None
    if not isinstance(best, str) or not best.isascii() or not best.isdigit() or len(best) > 10:
        return 0
    bounds = vector(inner.get("iteration_indptr"), int)
    if bounds is not None:
        place = int(best) + 1
        return int(bounds[place]) if place < len(bounds) - 1 else 0
    parallel = count(section(inner, "gbtree_model_param"), "num_parallel_tree", 1)
    found = (int(best) + 1) * max(parallel, 1) * groups
    return found if found < trees else 0


def version_of(model: dict[str, Any]) -> str:
    """Return the release that wrote a model, such as ``"3.2.0"``."""
    parts = vector(model.get("version"), int)
    return "" if parts is None or len(parts) > 4 else ".".join(str(part) for part in parts.tolist())


def _integers(value: Any) -> NDArray[np.int64]:
    found: NDArray[np.int64] | None = vector(value, int)
    if found is None:
        raise BrokenError("it holds something other than whole numbers where they belong")
    return found


def _single(value: Any) -> NDArray[np.float64]:
    """Return numbers rounded to single precision, as doubles."""
    import numpy as np

    found = vector(value, float)
    if found is None:
        raise BrokenError("it holds something other than numbers where they belong")
    rounded: NDArray[np.float64] = found.astype(np.float32).astype(np.float64)
    return rounded


def _tree(tree: dict[str, Any], group: int, weight: float) -> BoosterTree:
    import numpy as np

    left, right = _integers(tree["left_children"]), _integers(tree["right_children"])
    n = len(left)
    leaf = left == -1
    condition = _single(tree["split_conditions"])
    if "leaf_weights" in tree:
        width = max(count(section(tree, "tree_param"), "size_leaf_vector", 1), 1)
        table = _single(tree["leaf_weights"]).reshape(-1, width)
        value = np.zeros((n, width))
        value[leaf] = table[right[leaf]]
    elif count(section(tree, "tree_param"), "size_leaf_vector", 1) > 1:
        value = np.where(leaf[:, None], _single(tree["base_weights"]).reshape(n, -1), 0.0)
    else:
        value = np.where(leaf, condition, 0.0)[:, None]
    sets = _sets(tree)
    threshold = np.where(leaf, np.nan, condition)
    threshold[list(sets)] = np.nan
    return BoosterTree(
        left,
        np.where(leaf, -1, right),
        np.where(leaf, -1, _integers(tree["split_indices"])),
        threshold,
        ~leaf & (_flags(tree["default_left"]) != 0),
        np.full(n, 2, dtype=np.int8),
        sets,
        value,
        group,
        weight,
        _single(tree["loss_changes"]) if "loss_changes" in tree else np.zeros(n),
        _single(tree["sum_hessian"]) if "sum_hessian" in tree else np.zeros(n),
    )


def _flags(value: Any) -> NDArray[np.int64]:
    """Return flags, which old releases wrote as truth values."""
    return _integers(
        [int(item) if type(item) is bool else item for item in value] if isinstance(value, list) else value
    )


def _sets(tree: dict[str, Any]) -> dict[int, NDArray[np.int64]]:
    """Return the sets of categories by node."""
    import numpy as np

    values, owners, starts, sizes = (
        _integers(tree.get(f"categories{part}", [])) for part in ("", "_nodes", "_segments", "_sizes")
    )
    return {
        node: np.sort(values[start : start + size])
        for node, start, size in zip(owners.tolist(), starts.tolist(), sizes.tolist(), strict=True)
    }
