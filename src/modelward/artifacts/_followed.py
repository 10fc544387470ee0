"""State that a library's compiled code follows without looking: links of trees, indices of sparse matrices.

`left_child = 10**9` is a number like any other to whoever loads the file, and an address beside the array
to whoever predicts with it: the process reads (or, for sparse matrices, writes) memory outside, or dies. So what is
followed must stay within what it points into. Whether a model is otherwise what training leaves is for `integrity`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import Dtype, RawArray, as_array, plain
from modelward.artifacts._content import buffer_of
from modelward.artifacts._graph import numbers
from modelward.artifacts._inert import Inert

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

OUTSIDE = "points outside its own arrays"
_FEW = 2_000
"""Nodes that are looked at without numpy, whose import takes longer than all else that a small file needs."""
_TREES = ("sklearn.tree._tree.Tree", "sklearn.tree.tree.Tree")
_NEIGHBOURS = ("sklearn.neighbors._kd_tree.", "sklearn.neighbors._ball_tree.")
_TOGETHER = ("sklearn.ensemble._forest.", "sklearn.ensemble._gb.", "sklearn.ensemble._iforest.")


def is_followed(module: str, name: str) -> bool:
    """Say whether compiled code follows the state of a class."""
    if module.startswith("scipy."):
        return module.startswith("scipy.sparse.") or name in ("cKDTree", "KDTree")
    return module.startswith("sklearn.") and (
        name == "Tree"
        or name == "TreePredictor"
        or module + "." in _NEIGHBOURS
        or module.startswith(("sklearn.tree.", "sklearn.ensemble."))
    )


def strays(value: Inert, spend: Callable[[int], None], known: dict[int, Dtype | None]) -> str:
    """Return what is wrong with an object whose state is followed; empty if it stays within its arrays.

    Parameters
    ----------
    value : Inert
        Of a class of which `is_followed` says so, when all of the pickle was read.
    spend : callable
        Is told how many bytes are looked at.
    known : dict
        Dtypes that were read already, by the identity of what the file has; the trees of a forest share one.
    """
    kind = value.type_name
    try:
        if kind in _TREES:
            sound = _tree(value, spend, known)
        elif kind.endswith(".TreePredictor"):
            sound = _predictor(value, spend)
        elif kind.startswith(_NEIGHBOURS):
            sound = _neighbours(value, spend)
        elif kind.startswith("scipy.spatial."):
            sound = _ckdtree(value, spend)
        elif kind.startswith("scipy.sparse."):
            sound = _sparse(value, kind, spend)
        else:
            return _columns(value, kind)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        sound = False  # honest files hold what these looks expect; a changed one may hold anything
    return "" if sound else f"{kind} {OUTSIDE}: using it reads or writes memory beside them"


def _array(value: Any, spend: Callable[[int], None]) -> Any:
    raw = as_array(value)
    if isinstance(raw, RawArray):
        spend(raw.end - raw.start)
    return numbers(value)


def _tree(tree: Inert, spend: Callable[[int], None], known: dict[int, Dtype | None]) -> bool:
    state = tree.attributes
    features, classes, outputs = (plain(arg) for arg in tree.args)
    raw, counts = as_array(state["nodes"], known), as_array(classes, known)
    count = plain(state["node_count"])
    if not isinstance(raw, RawArray) or len(raw.shape) != 1 or not 0 <= count <= raw.shape[0]:
        return False
    if isinstance(counts, RawArray) and (len(counts.shape) != 1 or not 0 < outputs <= counts.shape[0]):
        return False
    fields = {name: (part, offset) for name, part, offset in raw.dtype.fields}
    needed = [fields[name] for name in ("left_child", "right_child", "feature")]
    if raw.shape[0] <= _FEW and all(part.code == "<i8" for part, _ in needed):
        return _few_nodes(raw, [offset for _, offset in needed], features)
    nodes = _array(state["nodes"], spend)
    inner = nodes["left_child"] != -1
    return _linked(nodes, inner, "left_child", "right_child") and _between(nodes["feature"][inner], features)


def _few_nodes(raw: RawArray, offsets: list[int], features: int) -> bool:
    """Look at a small tree without numpy."""
    size, n = raw.dtype.itemsize, raw.shape[0]
    if raw.end - raw.start < size * n:
        return False
    order = sorted(range(3), key=offsets.__getitem__)
    ends = [0, *(offsets[k] + 8 for k in order)]
    gaps = [offsets[k] - end for k, end in zip(order, ends, strict=False)]
    if min(gaps) < 0:
        return False  # fields that share bytes
    form = "<" + "".join(f"{gap}xq" for gap in gaps) + f"{size - ends[-1]}x"
    left_at, right_at, feature_at = (order.index(k) for k in range(3))
    for i, node in enumerate(struct.iter_unpack(form, buffer_of(raw.data, raw.start, raw.start + size * n))):
        left = node[left_at]
        # Children stand after their parent, so following them comes to an end.
        if left != -1 and not (i < left < n and i < node[right_at] < n and 0 <= node[feature_at] < features):
            return False
    return True


def _linked(nodes: NDArray[Any], inner: NDArray[Any], *names: str) -> bool:
    """Say whether links of inner nodes point to nodes further on."""
    import numpy as np

    own = np.flatnonzero(inner)
    links = [nodes[name][inner] for name in names]
    return all(bool(((link > own) & (link < len(nodes))).all()) for link in links)


def _between(values: NDArray[Any], end: Any) -> bool:
    return not values.size or (int(values.min()) >= 0 and int(values.max()) < end)


def _predictor(tree: Inert, spend: Callable[[int], None]) -> bool:
    nodes = _array(tree.attributes["nodes"], spend)
    inner = nodes["is_leaf"] == 0
    sound = _linked(nodes, inner, "left", "right")
    if sound and "is_categorical" in (nodes.dtype.names or ()):
        sets = as_array(tree.attributes["raw_left_cat_bitsets"])
        used = nodes["bitset_idx"][inner & (nodes["is_categorical"] != 0)]
        sound = isinstance(sets, RawArray) and _between(used, sets.shape[0])
    return sound


def _neighbours(tree: Inert, spend: Callable[[int], None]) -> bool:
    data, order, nodes, bounds = (_array(part, spend) for part in tree.state[:4])
    levels, count = plain(tree.state[5]), plain(tree.state[6])
    if nodes.ndim != 1 or not 0 < levels < 64 or count != (1 << levels) - 1 or len(nodes) != count:
        return False
    inner = nodes["is_leaf"][: count // 2] == 0  # their children are at 2 i + 1 and 2 i + 2
    return (
        data.ndim == 2
        and order.shape == (len(data),)
        and _between(order, len(data))
        and bounds.shape[1:] == (count, data.shape[1])
        and bool((nodes["is_leaf"][count // 2 :] != 0).all())
        and _between(nodes["idx_start"], len(data) + 1)
        and _between(nodes["idx_end"], len(data) + 1)
        and bool((nodes["idx_start"] <= nodes["idx_end"]).all())
        and len(inner) == count // 2
    )


def _ckdtree(tree: Inert, spend: Callable[[int], None]) -> bool:
    import numpy as np

    raw, data = _array(tree.state[0], spend), _array(tree.state[1], spend)
    n, m = plain(tree.state[2]), plain(tree.state[3])
    highest, lowest, order = (_array(part, spend) for part in tree.state[5:8])
    words = np.frombuffer(np.ascontiguousarray(raw).tobytes(), dtype="<i8").reshape(-1, 9)
    split, start, end, less, greater = (words[:, i] for i in (0, 3, 4, 7, 8))
    inner, own = split != -1, np.arange(len(words))
    return (
        data.shape == (n, m)
        and highest.shape == lowest.shape == (m,)
        and order.shape == (n,)
        and _between(order, n)
        and _between(split[inner], m)
        and _between(start, n + 1)
        and _between(end, n + 1)
        and all(bool(((link > own) & (link < len(words)))[inner].all()) for link in (less, greater))
    )


def _sparse(matrix: Inert, kind: str, spend: Callable[[int], None]) -> bool:
    from modelward.artifacts._integrity_sparse import sparse_defects

    attributes = matrix.attributes
    for name in ("data", "indices", "indptr"):
        raw = as_array(attributes.get(name))
        spend(raw.end - raw.start if isinstance(raw, RawArray) else 0)
    return not sparse_defects("", kind, attributes)


def _columns(holder: Inert, kind: str) -> str:
    """Compare an estimator's number of columns with that of its trees, which are handed its rows unchecked."""
    attributes = holder.attributes
    own = plain(attributes.get("n_features_in_", attributes.get("n_features_", attributes.get("n_features"))))
    if type(own) is not int:
        return ""
    members = [attributes.get("tree_")]
    if kind.startswith(_TOGETHER) and "estimators_" in attributes:
        listed = attributes["estimators_"]
        found = as_array(listed)
        members += [
            one.attributes.get("tree_")
            for one in (found if isinstance(found, list) else listed if isinstance(listed, list) else ())
            if isinstance(one, Inert)
        ]
    for tree in members:
        if isinstance(tree, Inert) and tree.type_name in _TREES and tree.args:
            has = plain(tree.args[0])
            if type(has) is int and has > own:
                return (
                    f"{kind} takes {own} columns and has a tree of {has}: predicting reads memory beside them"
                )
    return _predicted(attributes, own, kind)


def _predicted(attributes: dict[Any, Any], own: int, kind: str) -> str:
    """The same for the trees of histogram gradient boosting, which do not say how many columns they take."""
    stages = attributes.get("_predictors")
    for stage in stages if isinstance(stages, list) else ():
        for one in stage if isinstance(stage, list) else ():
            nodes = numbers(one.attributes.get("nodes")) if isinstance(one, Inert) else None
            if nodes is not None and not _between(nodes["feature_idx"][nodes["is_leaf"] == 0], own):
                return f"{kind} takes {own} columns and splits on others: predicting reads memory beside them"
    return ""
