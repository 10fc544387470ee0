"""What no honest training produces: repeated classes, trees that are no trees, values that do not add up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import as_array, plain
from modelward.artifacts._artifact import Defect
from modelward.artifacts._graph import join, labels, numbers, walk_graph
from modelward.artifacts._inert import Inert
from modelward.artifacts._integrity_sparse import sparse_defects

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from modelward.artifacts._artifact import Artifact
    from modelward.artifacts._graph import Node

_TREE = "sklearn.tree._tree.Tree"
_SORTED = ("sklearn.", "xgboost.", "lightgbm.")
_SAME_FEATURES = ("sklearn.ensemble._forest.", "sklearn.ensemble._gb.", "sklearn.ensemble.forest.")


def integrity(artifact: Artifact) -> tuple[Defect, ...]:
    """Return what in a file's content no honest training produces.

    Checked are class lists (repeated labels, an order that no fit leaves, a count that does not fit), ensembles
    against their trees (number of features), and trees: links that point outside, backwards or twice, features
    that do not exist, values that are not finite, negative, or not the average of those below; and sparse
    matrices whose indices point outside.

    Parameters
    ----------
    artifact : Artifact
        A model file that was read.

    Returns
    -------
    tuple of Defect
        At most one for each kind and object.
    """
    found: list[Defect] = []
    for node in walk_graph(artifact.root):
        try:
            found.extend(_object(node))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            # Honest files hold what these checks expect; a changed one may hold anything.
            found.append(Defect(node.path, "holds values of a kind that does not belong there"))
    return tuple(found)


def _object(node: Node) -> list[Defect]:
    """Check one object of the graph."""
    attributes, kind = node.value.attributes, node.value.type_name
    found = sparse_defects(node.path, kind, attributes)
    if "classes_" in attributes:
        sorts = kind.startswith(_SORTED) and not kind.endswith(".MultiLabelBinarizer")
        found.extend(_classes(node.path, attributes, sorts=sorts))
    if kind.startswith(_SAME_FEATURES) and "estimators_" in attributes:
        found.extend(_features(node.path, attributes))
    tree = attributes.get("tree_")
    if isinstance(tree, Inert) and tree.type_name in (_TREE, "sklearn.tree.tree.Tree"):
        found.extend(_tree(join(node.path, "tree_"), tree, attributes))
    if kind.endswith("._hist_gradient_boosting.predictor.TreePredictor") and "nodes" in attributes:
        found.extend(_histogram_tree(join(node.path, "nodes"), numbers(attributes["nodes"])))
    return found


def _classes(path: str, attributes: dict[Any, Any], *, sorts: bool) -> list[Defect]:
    where = join(path, "classes_")
    values, count = attributes["classes_"], plain(attributes.get("n_classes_"))
    if isinstance(values, list) and values and all(as_array(item) is not None for item in values):
        counts = labels(attributes.get("n_classes_")) or [None] * len(values)
        pairs = [(f"{where}[{i}]", item, n) for i, (item, n) in enumerate(zip(values, counts, strict=False))]
    else:
        pairs = [(where, values, count)]
    found = []
    for place, item, expected in pairs:
        items = labels(item)
        if items is None:
            continue
        try:
            distinct = len(set(items))
        except TypeError:
            continue
        if distinct < len(items):
            found.append(Defect(place, f"repeats a label: {len(items)} entries, {distinct} distinct"))
        if sorts and (swapped := _out_of_order(items)):
            found.append(Defect(place, swapped))
        if type(expected) is int and expected != len(items):
            found.append(Defect(place, f"has {len(items)} labels where n_classes_ says {expected}"))
    return found


def _out_of_order(items: list[Any]) -> str:
    """Say what a list of labels does that is not in the order in which every fit leaves it; empty if it is."""
    kinds = {type(item) for item in items}
    if len(kinds) != 1 or not kinds <= {int, float, str, bool} or any(item != item for item in items):
        return ""
    learned = sorted(items)
    moved = [(then, now) for then, now in zip(learned, items, strict=True) if then != now]
    if not moved:
        return ""
    then, now = moved[0]
    return (
        f"is not in the order in which training leaves it: rows that were learned as {then!r} are answered {now!r}"
        + (f", and {len(moved) - 1} more labels changed places" if len(moved) > 1 else "")
    )


def _features(path: str, attributes: dict[Any, Any]) -> list[Defect]:
    expected = plain(attributes.get("n_features_in_"))
    if type(expected) is not int:
        return []
    members = attributes["estimators_"]
    array = as_array(members)
    trees = array if isinstance(array, list) else members
    found = []
    for i, tree in enumerate(trees if isinstance(trees, list) else []):
        inner = tree.attributes if isinstance(tree, Inert) else {}
        has = plain(inner.get("n_features_in_"))
        if type(has) is int and has != expected:
            found.append(
                Defect(f"{join(path, 'estimators_')}[{i}]", f"takes {has} features, its ensemble {expected}")
            )
    return found


def _tree(path: str, tree: Inert, holder: dict[Any, Any]) -> list[Defect]:
    import numpy as np

    state = tree.attributes
    nodes, values = numbers(state.get("nodes")), numbers(state.get("values"))
    if nodes is None or values is None or nodes.dtype.names is None:
        return [Defect(path, "has no node arrays that can be read")]
    needed = {"left_child", "right_child", "feature", "threshold", "n_node_samples"}
    if not needed <= set(nodes.dtype.names):
        return []
    features = plain(tree.args[0]) if tree.args else None
    n = len(nodes)
    if plain(state.get("node_count")) != n or len(values) != n or values.ndim != 3:
        return [Defect(path, "its node arrays differ in length")]
    if n == 0:
        return []
    left, right = nodes["left_child"].astype(np.int64), nodes["right_child"].astype(np.int64)
    problem = _links(left, right)
    if problem:
        return [Defect(f"{path}.nodes", problem)]
    inner = left != -1
    if not np.isfinite(values).all() or np.isnan(nodes["threshold"][inner]).any():
        return [Defect(path, "holds values that are not finite")]
    feature = nodes["feature"][inner]
    if type(features) is int and ((feature < 0) | (feature >= features)).any():
        return [Defect(f"{path}.nodes", "splits on a feature that the tree does not have")]
    own = plain(holder.get("n_features_in_"))
    if type(own) is int and type(features) is int and own != features:
        return [Defect(path, f"takes {features} features where its estimator takes {own}")]
    samples = nodes["n_node_samples"]
    if (samples[inner] != samples[left[inner]] + samples[right[inner]]).any():
        return [Defect(f"{path}.nodes", "counts of rows do not add up from the leaves")]
    if "classes_" in holder and holder.get("monotonic_cst") is None:
        return _class_values(path, nodes, values, left, right, inner)
    return []


def _links(left: NDArray[np.int64], right: NDArray[np.int64]) -> str:
    """Say what is wrong with a tree's links; scikit-learn always numbers children after their parent."""
    import numpy as np

    n = len(left)
    inner = left != -1
    if ((right == -1) != ~inner).any():
        return "a node has one child"
    parents = np.flatnonzero(inner)
    children = np.concatenate([left[inner], right[inner]])
    if ((children < 0) | (children >= n)).any():
        return "a link points outside the tree"
    if (children <= np.concatenate([parents, parents])).any():
        return "a link points backwards (a cycle)"
    times = np.bincount(children, minlength=n)
    if (times[1:] != 1).any() or times[0] != 0:
        return "a node is reached twice or never"
    return ""


def _class_values(
    path: str, nodes: Any, values: Any, left: Any, right: Any, inner: NDArray[np.bool_]
) -> list[Defect]:
    """Check that a classification tree's values are shares (or weights) that add up from the leaves."""
    import numpy as np

    where = f"{path}.value"
    if (values < 0).any():
        return [Defect(where, "holds negative class weights")]
    weight = nodes["weighted_n_node_samples"][:, None, None]
    sums = values.sum(axis=2)
    # Since release 1.3 values are shares of the node's weight; before, they were weights themselves.
    total = values * weight if np.allclose(sums, 1.0, atol=1e-6) else values
    expected = total[left[inner]] + total[right[inner]]
    if not np.allclose(total[inner], expected, rtol=1e-5, atol=1e-6 * float(total[0].max() or 1.0)):
        return [Defect(where, "class weights do not add up from the leaves")]
    return []


def _histogram_tree(path: str, nodes: Any) -> list[Defect]:
    import numpy as np

    if (
        nodes is None
        or nodes.dtype.names is None
        or not {"left", "right", "is_leaf", "value"} <= set(nodes.dtype.names)
    ):
        return []
    leaf = nodes["is_leaf"].astype(bool)
    left = np.where(leaf, -1, nodes["left"].astype(np.int64))
    right = np.where(leaf, -1, nodes["right"].astype(np.int64))
    problem = _links(left, right)
    if problem:
        return [Defect(path, problem)]
    if not np.isfinite(nodes["value"]).all():
        return [Defect(path, "holds values that are not finite")]
    return []
