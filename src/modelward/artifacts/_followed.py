"""State that a library's compiled code follows without looking: links of trees, indices of sparse matrices.

`left_child = 10**9` is a number like any other to whoever loads the file, and an address beside the array
to whoever predicts with it: the process reads (or, for sparse matrices, writes) memory outside, or dies. So what is
followed must stay within what it points into. Whether a model is otherwise what training leaves is for `integrity`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import RawArray, as_array, plain
from modelward.artifacts._followed_codes import looks_of
from modelward.artifacts._followed_trees import Trees
from modelward.artifacts._graph import numbers
from modelward.artifacts._inert import Inert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

OUTSIDE = "points outside its own arrays"
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
        or looks_of(module, name) is not None
    )


def strays(values: Iterable[Inert], spend: Callable[[int], None]) -> Iterator[str]:
    """Yield what is wrong with objects whose state is followed; nothing if they stay within their arrays.

    Parameters
    ----------
    values : iterable of Inert
        Of classes of which `is_followed` says so, when all of the pickle was read.
    spend : callable
        Is told how many bytes are looked at.
    """
    trees = Trees(spend)
    for value in values:
        kind = value.type_name
        try:
            if kind in _TREES:
                sound = trees.take(value)
            elif kind.endswith(".TreePredictor"):
                sound = _predictor(value, spend)
            elif kind.startswith(_NEIGHBOURS):
                sound = _neighbours(value, spend)
            elif kind.startswith("scipy.spatial."):
                sound = _ckdtree(value, spend)
            elif kind.startswith("scipy.sparse."):
                sound = _sparse(value, kind, spend)
            elif (look := looks_of(*kind.rsplit(".", 1))) is not None:
                sound = look(value.attributes, spend)
            else:
                if odd := _columns(value, kind):
                    yield odd
                sound = True
        except _NOT_AS_EXPECTED:
            sound = False
        if not sound:
            yield _outside(kind)
    if not trees.all_sound():
        yield _outside(_TREES[0])


_NOT_AS_EXPECTED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""Honest files hold what these looks expect; a changed one may hold anything."""


def _outside(kind: str) -> str:
    return f"{kind} {OUTSIDE}: using it reads or writes memory beside them"


def _array(value: Any, spend: Callable[[int], None]) -> Any:
    raw = as_array(value)
    if isinstance(raw, RawArray):
        spend(raw.end - raw.start)
    return numbers(value)


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
    own = attributes.get("n_features_in_")
    if type(own) is not int:
        own = plain(
            attributes.get("n_features_in_", attributes.get("n_features_", attributes.get("n_features")))
        )
        if type(own) is not int:
            return ""
    for tree in _trees_of(attributes, kind):
        if isinstance(tree, Inert) and tree.type_name in _TREES and tree.args:
            has = plain(tree.args[0])
            if type(has) is int and has > own:
                return (
                    f"{kind} takes {own} columns and has a tree of {has}: predicting reads memory beside them"
                )
    return _predicted(attributes, own, kind) if "_predictors" in attributes else ""


def _trees_of(attributes: dict[Any, Any], kind: str) -> list[Any]:
    """Return what stands where an estimator, or a forest, has its trees."""
    members = [attributes.get("tree_")]
    if kind.startswith(_TOGETHER) and "estimators_" in attributes:
        listed = attributes["estimators_"]
        found = as_array(listed)
        members += [
            one.attributes.get("tree_")
            for one in (found if isinstance(found, list) else listed if isinstance(listed, list) else ())
            if isinstance(one, Inert)
        ]
    return members


def _predicted(attributes: dict[Any, Any], own: int, kind: str) -> str:
    """The same for the trees of histogram gradient boosting, which do not say how many columns they take."""
    stages = attributes.get("_predictors")
    for stage in stages if isinstance(stages, list) else ():
        for one in stage if isinstance(stage, list) else ():
            nodes = numbers(one.attributes.get("nodes")) if isinstance(one, Inert) else None
            if nodes is not None and not _between(nodes["feature_idx"][nodes["is_leaf"] == 0], own):
                return f"{kind} takes {own} columns and splits on others: predicting reads memory beside them"
    return ""
