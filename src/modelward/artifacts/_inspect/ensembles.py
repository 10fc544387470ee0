"""Which trees belong together, and how their leaves become an answer: scikit-learn's tree ensembles."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelward.artifacts._graph import join, labels, numbers
from modelward.artifacts._inert import Inert
from modelward.artifacts._inspect.r_models import r_kind
from modelward.artifacts._inspect.trees import (
    BrokenTreeError,
    TreeNodes,
    TreeSet,
    classic_tree,
    feature_count,
    float_list,
    histogram_tree,
    index_lists,
    is_tree,
    items_of,
    number_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

STRANGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""What comes of values that no honest file has where they stand."""
MAX_COLUMNS = 200_000
"""More columns than this are not drawn up one by one: a file can claim any number."""
_NUMBER = "it answers with a number, not with a label"
_NO_TREES = "some of its trees are no trees"
_OUTPUTS = "it has several outputs"


def tree_set(value: Inert, path: str) -> TreeSet | None:
    """Return the trees of an estimator of the graph; None if it holds none itself.

    Parameters
    ----------
    value : Inert
        Any object of the graph.
    path : str
        Where it is.
    """
    import numpy as np

    try:
        with np.errstate(all="ignore"):
            return _tree_set(value, path)
    except STRANGE:
        # An honest file holds what is expected here; a changed one may hold anything.
        why = f"{path or 'the model'} holds values of a kind that does not belong there"
        return TreeSet(
            path, value.type_name.rpartition(".")[2][:80], 0, (), broken=(why,), why_no_rule=_NO_TREES
        )


def _tree_set(value: Inert, path: str) -> TreeSet | None:
    if r_kind(value):
        from modelward.artifacts._inspect.r_trees import r_tree_set

        return r_tree_set(value, path)
    attributes = value.attributes
    if is_tree(value):
        return _single(value, path)
    if value.type_name.startswith(("xgboost.", "lightgbm.")):
        from modelward.artifacts._inspect.boosters import booster_set
        from modelward.artifacts._inspect.identity import class_labels

        return booster_set(value, path, class_labels(value))
    if value.type_name.startswith("catboost."):
        from modelward.artifacts._inspect.catboost import catboost_set
        from modelward.artifacts._inspect.identity import class_labels

        return catboost_set(value, path, class_labels(value))
    predictors = items_of(attributes.get("_predictors"))
    if predictors and isinstance(items_of(predictors[0]), list) and items_of(predictors[0]):
        return _histogram(value, path, predictors)
    members = items_of(attributes.get("estimators_"))
    nested = [item for entry in members for item in items_of(entry)]
    if nested and all(is_tree(item) for item in nested):
        return _boosting(value, path, nested)
    if not members or not all(is_tree(item) for item in members):
        return None
    if _boosts(value):
        return _boosting(value, path, members)
    return _flat(value, path, members)


def _boosts(value: Inert) -> bool:
    return "learning_rate" in value.attributes and "estimator_weights_" not in value.attributes


def _read(
    items: Sequence[Any], path: str, read: Callable[[Any, str], TreeNodes], places: Sequence[str] = ()
) -> tuple[tuple[TreeNodes, ...], tuple[str, ...]]:
    trees: list[TreeNodes] = []
    broken: list[str] = []
    for i, item in enumerate(items):
        try:
            trees.append(read(item, places[i] if places else f"{path}[{i}]"))
        except BrokenTreeError as error:
            broken.append(str(error))
        except STRANGE:
            broken.append(f"{path}[{i}] holds values of a kind that does not belong there")
    return tuple(trees), tuple(broken)


def _assembled(
    value: Inert, path: str, trees: tuple[TreeNodes, ...], broken: tuple[str, ...], **more: Any
) -> TreeSet:
    d = feature_count(value, trees)
    why = str(more.pop("why_no_rule", ""))
    if any(len(t.left) and t.used.size and int(t.used[-1]) >= d for t in trees):
        broken = (*broken, f"{path or 'the model'} splits on more columns than it says it takes")
    if broken:
        why = _NO_TREES
    return TreeSet(
        path, value.type_name.rpartition(".")[2][:80], d, trees, broken=broken, why_no_rule=why, **more
    )


def _shares(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return class values as shares; before release 1.3 they are counts."""
    import numpy as np

    total = values.sum(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        return np.where(total > 0, values / total, 0.0)


def _label_list(value: Inert, outputs: int) -> tuple[tuple[Any, ...], str]:
    """Return the classes, and why there is no single list of them."""
    if outputs != 1:
        return (), _OUTPUTS
    classes = labels(value.attributes.get("classes_"))
    return (tuple(classes), "") if classes else ((), _NUMBER)


def _fitting(
    trees: tuple[TreeNodes, ...], classes: tuple[Any, ...], why: str
) -> tuple[tuple[TreeNodes, ...], tuple[Any, ...], str]:
    """Turn class values into shares, where they fit the classes."""
    if why or not classes:
        return trees, (), why
    if any(tree.value.shape[1] != len(classes) for tree in trees):
        return trees, (), "its trees and its classes do not fit together"
    return tuple(replace(tree, value=_shares(tree.value)) for tree in trees), classes, ""


def _outputs(trees: tuple[TreeNodes, ...]) -> int:
    return max((tree.raw_values.shape[1] for tree in trees), default=1)


def _single(value: Inert, path: str) -> TreeSet:
    from modelward.artifacts._inspect.importance import tree_importance

    trees, broken = _read([value], path, classic_tree, [path])
    classes, why = _label_list(value, _outputs(trees))
    trees, classes, why = _fitting(trees, classes, why)
    found = _assembled(
        value, path, trees, broken, classes=classes, offset=(0.0,) * len(classes), why_no_rule=why,
    )  # fmt: skip
    if found.broken or not trees or found.n_features > MAX_COLUMNS:
        return found
    return replace(found, importances=tree_importance(trees[0], found.n_features), importance_kind="impurity")


def _flat(value: Inert, path: str, members: list[Any]) -> TreeSet:
    """Read a forest, a bagging of trees, an isolation forest or an AdaBoost."""
    trees, broken = _read(members, join(path, "estimators_"), classic_tree)
    columns = value.attributes.get("estimators_features_")
    if columns is not None and not broken:
        trees, broken = _remapped(trees, index_lists(columns), path)
    if "estimator_weights_" in value.attributes:
        return _adaboost(value, path, trees, broken, members)
    if "offset_" in value.attributes and "max_samples_" in value.attributes:
        return _isolation(value, path, trees, broken)
    classes, why = _label_list(value, _outputs(trees))
    if columns is not None and classes:
        trees, why = _bagged(trees, members, classes, why)
    trees, classes, why = _fitting(trees, classes, why)
    found = _assembled(
        value, path, trees, broken, classes=classes, offset=(0.0,) * len(classes), why_no_rule=why
    )
    return _forest_importances(found, by_impurity=columns is None)


def _forest_importances(found: TreeSet, *, by_impurity: bool) -> TreeSet:
    from modelward.artifacts._inspect.importance import forest_importance, split_gain

    if found.broken or found.n_features > MAX_COLUMNS:
        return found
    make, kind = (forest_importance, "impurity") if by_impurity else (split_gain, "gain")
    return replace(found, importances=make(found.trees, found.n_features), importance_kind=kind)


def _remapped(
    trees: tuple[TreeNodes, ...], columns: list[NDArray[np.int64]], path: str
) -> tuple[tuple[TreeNodes, ...], tuple[str, ...]]:
    """Write the features of members that see a part of the columns as columns of the whole."""
    import numpy as np

    if len(columns) != len(trees):
        return trees, (f"{join(path, 'estimators_features_')} does not fit its trees",)
    out = []
    for i, (tree, part) in enumerate(zip(trees, columns, strict=True)):
        inner = tree.inner
        if (tree.feature[inner] >= len(part)).any() or (part < 0).any():
            return trees, (f"{join(path, 'estimators_features_')}[{i}] does not fit its tree",)
        feature = np.full_like(tree.feature, -1)
        feature[inner] = part[tree.feature[inner]]
        out.append(replace(tree, feature=feature))
    return tuple(out), ()


def _bagged(
    trees: tuple[TreeNodes, ...], members: list[Any], classes: tuple[Any, ...], why: str
) -> tuple[tuple[TreeNodes, ...], str]:
    """Put the class values of members, which may know fewer classes, into the columns of the whole."""
    import numpy as np

    out = []
    for tree, member in zip(trees, members, strict=False):
        own = labels(member.attributes.get("classes_"))
        if own is None or len(own) != tree.value.shape[1] or len(set(map(repr, own))) != len(own):
            return trees, why or "its members' classes cannot be read"
        if not all(
            isinstance(c, int | float) and float(c).is_integer() and 0 <= c < len(classes) for c in own
        ):
            return trees, why or "its members' classes are none of its own"
        value = np.zeros((len(tree.value), len(classes)))
        value[:, [int(c) for c in own]] = tree.value
        out.append(replace(tree, value=value))
    return tuple(out), why


def _adaboost(
    value: Inert, path: str, trees: tuple[TreeNodes, ...], broken: tuple[str, ...], members: list[Any]
) -> TreeSet:
    import numpy as np

    from modelward.artifacts._inspect.importance import weighted_importance

    weights = float_list(value.attributes.get("estimator_weights_"))[: len(members)]
    classes, why = _label_list(value, _outputs(trees))
    if value.attributes.get("algorithm") == "SAMME.R":
        why = why or "it votes with the logarithms of its trees' shares (SAMME.R)"
    if len(weights) != len(trees):
        why, classes = why or "its weights do not fit its trees", ()
    elif classes and not why:
        out = []
        for tree, weight, member in zip(trees, weights, members, strict=True):
            own = labels(member.attributes.get("classes_")) or []
            if len(own) != tree.value.shape[1] or not set(map(repr, own)) <= set(map(repr, classes)):
                why = "its members' classes are none of its own"
                break
            place = {repr(label): i for i, label in enumerate(classes)}
            vote = np.zeros((len(tree.value), len(classes)))
            first = tree.value.argmax(axis=1)
            vote[np.arange(len(first)), np.array([place[repr(c)] for c in own])[first]] = weight
            out.append(replace(tree, value=vote))
        trees = tuple(out) if not why else trees
    classes = () if why else classes
    found = _assembled(
        value, path, trees, broken, classes=classes, offset=(0.0,) * len(classes), why_no_rule=why
    )
    if found.broken or len(weights) != len(trees) or found.n_features > MAX_COLUMNS:
        return found
    return replace(
        found, importances=weighted_importance(trees, weights, found.n_features), importance_kind="impurity"
    )


def _isolation(value: Inert, path: str, trees: tuple[TreeNodes, ...], broken: tuple[str, ...]) -> TreeSet:
    """Read an isolation forest: a row is an outlier (−1) if its leaves lie less deep than its threshold."""
    import numpy as np

    from modelward.artifacts._inspect.importance import split_gain

    offset, rows = (number_of(value.attributes.get(key)) for key in ("offset_", "max_samples_"))
    why, thresholds = "", (0.0, 0.0)
    if offset is None or rows is None or not -1 < offset < 0 or not 1 < rows < 1e15:
        why = "its threshold cannot be read"
    else:
        usual = float(_average_path(np.array([rows]))[0])
        thresholds = (-math.log2(-offset) * len(trees) * usual, 0.0)
    out = []
    for tree in trees:
        value_ = np.zeros((len(tree.left), 2))
        value_[:, 1] = _levels(tree) + _average_path(tree.samples)
        splits = tree.inner.astype(float)
        out.append(replace(tree, value=value_, gain=splits))
    found = _assembled(
        value, path, tuple(out), broken, classes=() if why else (-1, 1), offset=() if why else thresholds,
        why_no_rule=why,
    )  # fmt: skip
    if found.broken or found.n_features > MAX_COLUMNS:
        return found
    return replace(found, importances=split_gain(found.trees, found.n_features), importance_kind="splits")


def _average_path(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean depth at which a binary search among n rows fails (Liu et al. 2008, equation 1)."""
    import numpy as np

    rows = np.asarray(rows, dtype=float)
    with np.errstate(all="ignore"):
        long = 2.0 * (np.log(rows - 1.0) + np.euler_gamma) - 2.0 * (rows - 1.0) / rows
    return np.where(rows <= 1, 0.0, np.where(rows == 2, 1.0, long))


def _levels(tree: TreeNodes) -> NDArray[np.float64]:
    """Return how many splits lie above each node."""
    import numpy as np

    depth = np.zeros(len(tree.left))
    level, at = np.zeros(1, dtype=np.int64), 0.0
    while len(level):
        depth[level] = at
        level = level[tree.inner[level]]
        level = np.concatenate([tree.left[level], tree.right[level]])
        at += 1
    return depth


def _boosting(value: Inert, path: str, members: list[Any]) -> TreeSet:
    import numpy as np

    from modelward.artifacts._inspect.importance import boosting_importance

    attributes = value.attributes
    stages = items_of(attributes.get("estimators_"))
    wide = max(1, len(members) // max(1, len(stages)))
    places = [f"{join(path, 'estimators_')}[{i // wide}, {i % wide}]" for i in range(len(members))]
    trees, broken = _read(members, path, classic_tree, places)
    classes, why = _label_list(value, 1)
    rate = number_of(attributes.get("learning_rate"))
    offset: tuple[float, ...] = ()
    if classes and not why:
        # An array of objects is one list, whatever its shape: the width follows from the classes.
        wide = 1 if len(classes) == 2 else len(classes)
        offset, why = _boosting_start(attributes, len(classes))
        if rate is None or len(members) % wide:
            why = why or "its learning rate or its trees cannot be read"
        if not why and rate is not None and not broken:
            out = []
            for i, tree in enumerate(trees):
                column = 1 if wide == 1 else i % wide
                scores = np.zeros((len(tree.left), len(classes)))
                scores[:, column] = tree.value[:, 0] * rate
                out.append(replace(tree, value=scores))
            trees = tuple(out)
    if why:
        classes, offset = (), ()
    found = _assembled(value, path, trees, broken, classes=classes, offset=offset, why_no_rule=why)
    if found.broken or found.n_features > MAX_COLUMNS:
        return found
    return replace(
        found, importances=boosting_importance(trees, found.n_features), importance_kind="impurity"
    )


def _boosting_start(attributes: dict[Any, Any], classes: int) -> tuple[tuple[float, ...], str]:
    """Return the scores that a gradient boosting begins with, from its prior."""
    init = attributes.get("init")
    if init == "zero":
        return (0.0,) * classes, ""
    prior = attributes.get("init_")
    shares = float_list(prior.attributes.get("class_prior_")) if isinstance(prior, Inert) else []
    if init is not None or len(shares) != classes or not all(0 <= p <= 1 for p in shares):
        return (), "it begins with another model's answer"
    floor = 2.0**-23
    shares = [min(max(p, floor), 1 - floor) for p in shares]
    if classes > 2:
        return tuple(math.log(p) for p in shares), ""
    start = math.log(shares[1] / (1 - shares[1]))
    return (0.0, start / 2 if attributes.get("loss") == "exponential" else start), ""


def _histogram(value: Inert, path: str, predictors: list[Any]) -> TreeSet:
    import numpy as np

    from modelward.artifacts._inspect.importance import split_gain

    attributes = value.attributes
    rounds = [items_of(entry) for entry in predictors]
    flat = [(i, j, item) for i, entry in enumerate(rounds) for j, item in enumerate(entry)]
    places = [f"{join(path, '_predictors')}[{i}][{j}]" for i, j, _ in flat]
    trees, broken = _read([item for _, _, item in flat], path, histogram_tree, places)
    order = _column_order(attributes)
    if order is not None and not broken:
        trees, broken = _remapped(trees, [order] * len(trees), path)
    classes, why = _label_list(value, 1)
    base = numbers(attributes.get("_baseline_prediction"))
    base_list = base.ravel().tolist() if base is not None and base.dtype.kind == "f" else []
    wide = 1 if len(classes) == 2 else len(classes)
    if classes and (any(len(entry) != wide for entry in rounds) or len(base_list) != wide):
        why = "its trees and its classes do not fit together"
    offset: tuple[float, ...] = ()
    if classes and not why and not broken:
        offset = (0.0, base_list[0]) if wide == 1 else tuple(base_list)
        out = []
        for (_, j, _), tree in zip(flat, trees, strict=True):
            scores = np.zeros((len(tree.left), len(classes)))
            scores[:, 1 if wide == 1 else j] = tree.value[:, 0]
            out.append(replace(tree, value=scores))
        trees = tuple(out)
    else:
        classes = ()
    found = _assembled(value, path, trees, broken, classes=classes, offset=offset, why_no_rule=why)
    if found.broken or found.n_features > MAX_COLUMNS:
        return found
    return replace(found, importances=split_gain(trees, found.n_features), importance_kind="gain")


def _column_order(attributes: dict[Any, Any]) -> NDArray[np.int64] | None:
    """Return which column of the table each column of the trees is: categorical ones are put first."""
    import numpy as np

    inner = attributes.get("_preprocessor")
    if not isinstance(inner, Inert):
        return None
    mask = numbers(attributes.get("is_categorical_"))
    if mask is None or mask.ndim != 1 or mask.dtype.kind != "b":
        return np.zeros(0, dtype=np.int64)
    return np.concatenate([np.flatnonzero(mask), np.flatnonzero(~mask)]).astype(np.int64)
