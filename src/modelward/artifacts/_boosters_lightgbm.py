"""LightGBM's model, already checked, as neutral trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._boosters import BoosterTree, BoosterTrees, LeafModels
from modelward.artifacts._container import printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def lightgbm_trees(state: dict[str, Any], best: Any = None) -> BoosterTrees:
    """Return the trees of a model; `best` is the round that a pickle notes as the best."""
    groups = state["num_tree_per_iteration"]
    trees = tuple(_tree(tree, i % groups) for i, tree in enumerate(state["trees"]))
    parameters = state.get("parameters")
    kind = parameters.get("boosting", "") if isinstance(parameters, dict) else ""
    return BoosterTrees(
        "lightgbm", "", printable(str(kind or "gbdt"), 40), printable(str(state.get("objective", "")), 80),
        state["max_feature_idx"] + 1, state["num_class"], groups, (0.0,),
        tuple(printable(name) for name in state.get("feature_names", [])), trees,
        strict=False, single=False, set_left=True, averaged="average_output" in state,
        best=best * groups if type(best) is int and 0 < best * groups < len(trees) else 0,
        categories=state.get("pandas_categorical"),
    )  # fmt: skip


def _tree(tree: dict[str, Any], group: int) -> BoosterTree:
    """Return one tree: its splits, then its leaves."""
    import numpy as np

    leaves = tree["num_leaves"]
    splits = leaves - 1
    ends = np.full(leaves, -1, dtype=np.int64)

    def joined(key: str, fill: Any, dtype: Any) -> NDArray[Any]:
        """Return a split's entries, filled up for the leaves."""
        return np.concatenate(
            [np.array(tree.get(key, [])[:splits], dtype=dtype), np.full(leaves, fill, dtype)]
        )

    sides = [np.array(tree.get(key, [])[:splits], dtype=np.int64) for key in ("left_child", "right_child")]
    # A leaf is written as its complement.
    left, right = (np.concatenate([np.where(side < 0, splits - 1 - side, side), ends]) for side in sides)
    kinds = joined("decision_type", 0, np.int64)
    threshold = joined("threshold", np.nan, np.float64)
    by_category = np.flatnonzero(kinds & 1)
    sets = {int(node): _members(tree, int(threshold[node])) for node in by_category}
    threshold[by_category] = np.nan
    counts = tree.get("internal_count", [0] * splits) + tree.get("leaf_count", [0] * leaves)
    return BoosterTree(
        left,
        right,
        joined("split_feature", -1, np.int64),
        threshold,
        (kinds & 2) != 0,
        ((kinds >> 2) & 3).astype(np.int8),
        sets,
        np.concatenate([np.zeros(splits), np.array(tree["leaf_value"])])[:, None],
        group,
        1.0,
        joined("split_gain", 0.0, np.float64) if "split_gain" in tree else np.zeros(splits + leaves),
        np.array(counts if len(counts) == splits + leaves else [0] * (splits + leaves), dtype=np.float64),
        _leaf_models(tree, splits, leaves) if tree.get("is_linear") else None,
    )


def _leaf_models(tree: dict[str, Any], splits: int, leaves: int) -> LeafModels:
    """Return the models of a tree's leaves, which are numbered after its splits."""
    import numpy as np

    columns, weights, at = {}, {}, 0
    for leaf, count in enumerate(tree["num_features"]):
        if count:
            columns[splits + leaf] = np.array(tree["leaf_features"][at : at + count], dtype=np.int64)
            weights[splits + leaf] = np.array(tree["leaf_coeff"][at : at + count], dtype=np.float64)
        at += count
    constant = np.concatenate([np.zeros(splits), np.array(tree["leaf_const"][:leaves], dtype=np.float64)])
    return LeafModels(constant, columns, weights)


def _members(tree: dict[str, Any], index: int) -> NDArray[np.int64]:
    """Return the categories of one set of bits, ascending."""
    import numpy as np

    begin, end = tree["cat_boundaries"][index], tree["cat_boundaries"][index + 1]
    words = tree["cat_threshold"][begin:end]
    found = [32 * i + bit for i, word in enumerate(words) for bit in range(32) if word >> bit & 1]
    return np.array(found, dtype=np.int64)
