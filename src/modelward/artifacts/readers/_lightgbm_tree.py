"""What LightGBM's loader trusts in a tree: counts that fit, links inside the tree, features that exist."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from modelward.artifacts.readers._notes import BrokenError
from modelward.artifacts.readers._tree_links import reached

if TYPE_CHECKING:
    from modelward.artifacts.readers._notes import Notes

_PER_SPLIT = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
_MORE_PER_SPLIT = ("split_gain", "internal_value", "internal_weight", "internal_count")
_MORE_PER_LEAF = ("leaf_weight", "leaf_count")


def check_tree(where: str, tree: dict[str, Any], max_feature: int, notes: Notes) -> None:
    """Note what does not fit in one tree."""
    leaves = tree.get("num_leaves", 0)
    if not 1 <= leaves < 1 << 30 or "leaf_value" not in tree:
        raise BrokenError(f"{where} has no leaves")
    for key in (*_PER_SPLIT, *_MORE_PER_SPLIT):
        needed = leaves - 1
        if key in tree or (key in _PER_SPLIT and needed):
            length = len(tree.get(key, []))
            if length != needed:
                notes.suspicious(f"{where}: {key} has {length:,} entries, {leaves:,} leaves need {needed:,}")
                return
    for key in ("leaf_value", *_MORE_PER_LEAF):
        if len(tree.get(key, [])) not in ((leaves,) if key == "leaf_value" else (0, leaves)):
            notes.suspicious(f"{where}: {key} does not fit its {leaves:,} leaves")
            return
    if tree.get("is_linear"):
        _leaf_models(where, tree, leaves, max_feature, notes)
    _links(where, tree, leaves, max_feature, notes)


def _leaf_models(where: str, tree: dict[str, Any], leaves: int, max_feature: int, notes: Notes) -> None:
    """Check linear models in leaves, whose columns the loader's own predict takes for indices as they are."""
    counts, columns, weights = (tree.get(key, []) for key in ("num_features", "leaf_features", "leaf_coeff"))
    constants = tree.get("leaf_const", [])
    fits = len(counts) == len(constants) == leaves and min(counts, default=0) >= 0
    if not fits or not sum(counts) == len(columns) == len(weights):
        notes.suspicious(f"{where}: the linear models in its leaves do not fit its {leaves:,} leaves")
    elif any(not 0 <= column <= max_feature for column in columns):
        notes.suspicious(f"{where}: a leaf weighs a feature that the model does not have")
    elif not all(abs(value) < float("inf") for value in (*constants, *weights)):
        notes.suspicious(f"{where} holds values that are not finite")


def _links(where: str, tree: dict[str, Any], leaves: int, max_feature: int, notes: Notes) -> None:
    import numpy as np

    inf = float("inf")
    # LightGBM itself writes an infinite threshold where a split only sends missing cells away.
    if not all(abs(value) < inf for value in tree["leaf_value"]) or any(
        value != value for value in tree.get("threshold", ())
    ):
        notes.suspicious(f"{where} holds values that are not finite")
    if leaves == 1:
        return
    splits = leaves - 1
    try:
        left, right, feature = (
            np.array(tree[key], dtype=np.int64) for key in ("left_child", "right_child", "split_feature")
        )
    except OverflowError:
        raise BrokenError(f"{where} holds a link that is no index") from None
    # A leaf is written as its complement; here it is numbered after the splits.
    left, right = (np.where(side < 0, splits - 1 - side, side) for side in (left, right))
    bad = np.concatenate([left, right]) >= splits + leaves
    ends = np.full(leaves, -1, dtype=np.int64)
    mask, problem = reached(np.concatenate([left, ends]), np.concatenate([right, ends]))
    if bad.any() or problem:
        notes.suspicious(f"{where} {problem or 'has a link that points outside the tree'}")
        return
    if not mask.all():
        notes.suspicious(f"{where} has nodes that are never reached")
    if ((feature < 0) | (feature > max_feature)).any():
        notes.suspicious(
            f"{where} splits on feature {int(feature.max()):,} where the model has {max_feature + 1:,}"
        )
    _categories(where, tree, notes)


def _categories(where: str, tree: dict[str, Any], notes: Notes) -> None:
    """Check the sets of categories: slices of one list of bits."""
    by_category = [
        threshold
        for threshold, kind in zip(tree["threshold"], tree["decision_type"], strict=True)
        if kind & 1
    ]
    sets = tree.get("num_cat", 0)
    bounds, words = tree.get("cat_boundaries", []), tree.get("cat_threshold", [])
    if not by_category and not sets:
        return
    if sets < 0 or len(bounds) != sets + 1 or bounds[0] != 0 or bounds[-1] != len(words):
        notes.suspicious(f"{where}: its sets of categories do not fit num_cat {sets:,}")
    elif any(b < a for a, b in pairwise(bounds)):
        notes.suspicious(f"{where}: its sets of categories are cut backwards")
    elif not all(0 <= word < 1 << 32 for word in words):
        notes.suspicious(f"{where}: a set of categories is no set of bits")
    elif not all(0 <= index < sets and index == int(index) for index in by_category):
        notes.suspicious(f"{where}: a split by category names a set that it does not have")
