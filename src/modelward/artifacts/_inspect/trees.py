"""Trees of a file, whatever release wrote them: node arrays by their own description, checked before use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import as_array, plain
from modelward.artifacts._graph import join, labels, numbers
from modelward.artifacts._inert import Inert
from modelward.artifacts._inspect.values import whole
from modelward.artifacts._integrity import _links

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

_TREE = ("sklearn.tree._tree.Tree", "sklearn.tree.tree.Tree")
_MAX_FEATURE = 1 << 31


@dataclass(frozen=True, slots=True, eq=False)
class TreeNodes:
    """One tree as arrays over its n nodes; node 0 is the root.

    Parameters
    ----------
    path : str
        Where in the file.
    raw : structured ndarray of shape (n,), or None
        The nodes as the file has them, field by field; None for libraries that keep no such array.
    raw_values : ndarray or None
        scikit-learn's `tree_.value`, shape (n, outputs, classes).
    left, right : ndarray of int64, shape (n,)
        Children; −1 for a leaf.
    feature : ndarray of int64, shape (n,)
        Column that a node splits on, in the columns of the ensemble; −1 for a leaf.
    threshold : ndarray of float64, shape (n,)
        Rows with ``x <= threshold`` go left.
    missing_left : ndarray of bool, shape (n,)
        Whether a row without the value goes left.
    categorical : ndarray of bool, shape (n,)
        Nodes that split by a set of categories; their threshold means nothing.
    samples, weight : ndarray of float64, shape (n,)
        Training rows of a node, counted and weighted.
    gain : ndarray of float64, shape (n,)
        How much a node's split improved the fit (weighted decrease of impurity, or the library's gain).
    value : ndarray of float64, shape (n, k)
        What a leaf adds to the k scores of the ensemble.
    single : bool
        Whether the row is rounded to float32 before it is compared.
    strict : bool
        Whether a row goes left only if it is below the threshold, not on it.
    weighed : dict
        From leaf to the columns that a linear model in it weighs; empty for trees without such models.
    """

    path: str
    raw: Any
    raw_values: Any
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    missing_left: NDArray[np.bool_]
    categorical: NDArray[np.bool_]
    samples: NDArray[np.float64]
    weight: NDArray[np.float64]
    gain: NDArray[np.float64]
    value: NDArray[np.float64]
    single: bool = True
    strict: bool = False
    weighed: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    @property
    def inner(self) -> NDArray[np.bool_]:
        """Which nodes split."""
        found: NDArray[np.bool_] = self.left != -1
        return found

    @property
    def depth(self) -> int:
        """Length of the longest way from the root to a leaf."""
        import numpy as np

        level = np.zeros(1, dtype=np.int64)
        depth = -1
        while len(level):
            depth += 1
            level = level[self.inner[level]]
            level = np.concatenate([self.left[level], self.right[level]])
        return depth

    @property
    def used(self) -> NDArray[np.int64]:
        """Columns that the tree splits on, or weighs in its leaves."""
        import numpy as np

        weighed = [j for own in self.weighed.values() for j in own]
        return np.unique(np.concatenate([self.feature[self.inner], np.array(weighed, dtype=np.int64)]))


@dataclass(frozen=True, slots=True, eq=False)
class TreeSet:
    """The trees of one estimator, and how their leaves become its answer.

    The score of class c is ``offset[c] + sum over trees of leaf value[c]``; the answer is the class with the
    largest score. With `classes` empty the trees give a number, not a label.

    Parameters
    ----------
    path : str
        Of the estimator.
    kind : str
        Class of the estimator, short.
    n_features : int
    trees : tuple of TreeNodes
    classes : tuple
        Labels in the order of the scores; empty if the trees give no label.
    offset : tuple of float
        What the scores begin with.
    broken : tuple of str
        Trees that are no trees: path, and what is wrong.
    importances : ndarray of float64, shape (n_features,), or None
        As the library computes them; None where it does not.
    importance_kind : str
        What they mean.
    why_no_rule : str
        Why no answer can be proven from the leaves; empty if it can.
    tolerance : float
        How far the library's own sum may be from the exact one, as a share of the sum of absolute values.
    version : str
        Of the library, where the trees themselves say it.
    feature_names : tuple of str
        Where the trees themselves have them.
    """

    path: str
    kind: str
    n_features: int
    trees: tuple[TreeNodes, ...]
    classes: tuple[Any, ...] = ()
    offset: tuple[float, ...] = ()
    broken: tuple[str, ...] = ()
    importances: NDArray[np.float64] | None = None
    importance_kind: str = ""
    why_no_rule: str = ""
    tolerance: float = 1e-9
    version: str = ""
    feature_names: tuple[str, ...] = ()

    @property
    def nodes(self) -> int:
        """Nodes of all trees together."""
        return sum(len(tree.left) for tree in self.trees)

    @property
    def max_depth(self) -> int:
        """Depth of the deepest tree."""
        return max((tree.depth for tree in self.trees), default=0)

    def used(self) -> set[int]:
        """Return the columns that some tree splits on."""
        return {int(j) for tree in self.trees for j in tree.used}


class BrokenTreeError(Exception):
    """Node arrays that are no tree; the message says why."""


def classic_tree(holder: Inert, path: str) -> TreeNodes:
    """Read `tree_` of a decision tree of scikit-learn, of any release.

    Raises
    ------
    BrokenTreeError
        If it is none.
    """
    import numpy as np

    where = join(path, "tree_")
    tree = holder.attributes.get("tree_")
    if not isinstance(tree, Inert) or tree.type_name not in _TREE:
        raise BrokenTreeError(f"{where} is no tree")
    nodes, values = numbers(tree.attributes.get("nodes")), numbers(tree.attributes.get("values"))
    needed = ("left_child", "right_child", "feature", "threshold", "impurity", "n_node_samples",
              "weighted_n_node_samples")  # fmt: skip
    _require(where, nodes, needed)
    if values is None or values.ndim != 3 or len(values) != len(nodes) or values.dtype.kind != "f":
        raise BrokenTreeError(f"{where} has no values for its nodes")
    left, right = _children(where, nodes["left_child"], nodes["right_child"])
    n, inner = len(nodes), left != -1
    samples, weight, impurity = (
        nodes[name].astype(np.float64) for name in ("n_node_samples", "weighted_n_node_samples", "impurity")
    )
    has_missing = "missing_go_to_left" in nodes.dtype.names
    gain = np.zeros(n)
    l, r = left[inner], right[inner]  # noqa: E741
    with np.errstate(all="ignore"):
        gain[inner] = weight[inner] * impurity[inner] - weight[l] * impurity[l] - weight[r] * impurity[r]
    _ordered(where, nodes["threshold"], inner)
    return TreeNodes(
        where, nodes, values, left, right, _features(where, nodes["feature"], inner),
        np.where(inner, nodes["threshold"].astype(np.float64), 0.0),
        nodes["missing_go_to_left"].astype(bool) if has_missing else np.zeros(n, dtype=bool),
        np.zeros(n, dtype=bool), samples, weight, gain, values[:, 0, :].astype(np.float64),
    )  # fmt: skip


def histogram_tree(predictor: Any, path: str) -> TreeNodes:
    """Read a tree of scikit-learn's histogram gradient boosting.

    Raises
    ------
    BrokenTreeError
        If it is none.
    """
    import numpy as np

    where = join(path, "nodes")
    nodes: Any = numbers(predictor.attributes.get("nodes")) if isinstance(predictor, Inert) else None
    _require(where, nodes, ("value", "count", "feature_idx", "left", "right", "is_leaf"))
    names = nodes.dtype.names
    name = next((n for n in ("num_threshold", "threshold") if n in names), "")
    if not name:
        raise BrokenTreeError(f"{where} has no thresholds")
    leaf = nodes["is_leaf"].astype(bool)
    left, right = _children(
        where,
        np.where(leaf, -1, nodes["left"].astype(np.int64)),
        np.where(leaf, -1, nodes["right"].astype(np.int64)),
    )
    n, inner = len(nodes), ~leaf
    count = nodes["count"].astype(np.float64)
    gain = nodes["gain"].astype(np.float64) if "gain" in names else np.zeros(n)
    _ordered(where, nodes[name], inner)
    return TreeNodes(
        where, nodes, None, left, right, _features(where, nodes["feature_idx"], inner),
        np.where(inner, nodes[name].astype(np.float64), 0.0),
        nodes["missing_go_to_left"].astype(bool) if "missing_go_to_left" in names else np.zeros(n, dtype=bool),
        nodes["is_categorical"].astype(bool) & inner if "is_categorical" in names else np.zeros(n, dtype=bool),
        count, count, np.where(inner, gain, 0.0), nodes["value"].astype(np.float64)[:, None], single=False,
    )  # fmt: skip


def _require(where: str, nodes: Any, fields: tuple[str, ...]) -> None:
    if (
        nodes is None
        or nodes.ndim != 1
        or nodes.dtype.names is None
        or not set(fields) <= set(nodes.dtype.names)
    ):
        raise BrokenTreeError(f"{where} has no node arrays that can be read")
    if len(nodes) == 0:
        raise BrokenTreeError(f"{where} has no nodes")
    if any(nodes.dtype[name].kind not in "biuf" for name in fields):
        raise BrokenTreeError(f"{where} has nodes of a kind that does not belong there")


def _children(where: str, left: Any, right: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    import numpy as np

    with np.errstate(all="ignore"):
        left, right = left.astype(np.int64), right.astype(np.int64)
    problem = _links(left, right)
    if problem:
        raise BrokenTreeError(f"{where}: {problem}")
    return left, right


def _features(where: str, values: Any, inner: NDArray[np.bool_]) -> NDArray[np.int64]:
    import numpy as np

    with np.errstate(all="ignore"):
        feature = np.where(inner, values.astype(np.int64), -1)
    if ((feature[inner] < 0) | (feature[inner] >= _MAX_FEATURE)).any():
        raise BrokenTreeError(f"{where} splits on a feature that does not exist")
    return feature


def _ordered(where: str, thresholds: Any, inner: NDArray[np.bool_]) -> None:
    import numpy as np

    if np.isnan(thresholds[inner].astype(np.float64)).any():
        raise BrokenTreeError(f"{where} has a threshold that is no number")


def is_tree(value: Any) -> bool:
    """Say whether a value of the graph is a fitted decision tree of scikit-learn."""
    if not isinstance(value, Inert):
        return False
    tree = value.attributes.get("tree_")
    return isinstance(tree, Inert) and tree.type_name in _TREE


def items_of(value: Any) -> list[Any]:
    """Return the items of a list, tuple or array of objects, in order; empty for anything else."""
    if isinstance(value, list | tuple):
        return list(value)
    array = as_array(value)
    return array if isinstance(array, list) else []


def index_lists(value: Any) -> list[NDArray[np.int64]]:
    """Return arrays of column numbers, such as those of a bagging's members."""
    import numpy as np

    found = []
    for item in items_of(value):
        array = numbers(item)
        if array is None or array.ndim != 1 or array.dtype.kind not in "iu":
            return []
        found.append(array.astype(np.int64))
    return found


def float_list(value: Any) -> list[float]:
    """Return a list of numbers of the graph as floats; empty if there is none."""
    values = labels(value)
    if values is None or not all(isinstance(v, int | float) for v in values):
        return []
    try:
        return [float(v) for v in values]
    except OverflowError:
        return []


def number_of(value: Any) -> float | None:
    """Return a plain number; None for anything else."""
    value = plain(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def feature_count(holder: Inert, trees: tuple[TreeNodes, ...]) -> int:
    """Return how many columns an ensemble takes, as it says, or at least as many as its trees split on."""
    attributes = holder.attributes
    told = None
    for key in ("n_features_in_", "n_features_", "_n_features"):
        told = told if told is not None else whole(attributes.get(key))
    if told is None and is_tree(holder):
        told = whole(attributes["tree_"].args[0]) if attributes["tree_"].args else None
    return told if told is not None else max((int(t.feature.max()) + 1 for t in trees), default=0)
