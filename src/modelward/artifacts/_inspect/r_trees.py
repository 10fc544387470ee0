"""Trees of R's randomForest, ranger, gbm and rpart, from the node tables that they keep."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.artifacts._inspect.r_models import (
    dressing,
    field,
    r_importance,
    r_kind,
    r_names,
    scalar,
    vector,
    words,
)
from modelward.artifacts._inspect.trees import BrokenTreeError, TreeNodes, TreeSet, _children, _features

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from modelward.artifacts._inert import Inert

_WHY = (
    "the answers of R's models are not proven: they break ties by chance or keep leaves in forms of their own"
)


def r_tree_set(value: Inert, path: str) -> TreeSet | None:
    """Return the trees of a model of R; None if it keeps none."""
    kind = r_kind(value)
    readers: dict[str, Callable[[Inert, str], list[TreeNodes]]] = {
        "randomForest": _random_forest, "ranger": _ranger, "gbm": _gbm, "rpart": _rpart,
    }  # fmt: skip
    if kind not in readers or (kind in ("randomForest", "ranger") and field(value, "forest") is None):
        return None
    names = r_names(value) or []
    trees: tuple[TreeNodes, ...] = ()
    broken: tuple[str, ...] = ()
    try:
        trees = tuple(readers[kind](value, path))
    except BrokenTreeError as error:
        broken = (str(error),)
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError):
        broken = (f"{path or 'the model'} keeps its trees in a form that is not known",)
    d = len(names)
    if any(tree.used.size and int(tree.used[-1]) >= d for tree in trees):
        trees, broken = (), (f"{path or 'the model'} splits on more columns than it names",)
    importances, said = r_importance(value, names)
    found = TreeSet(
        path, kind, d, trees, broken=broken, why_no_rule="some of its trees are no trees" if broken else _WHY,
        importances=importances, importance_kind=said, feature_names=tuple(names),
    )  # fmt: skip
    if importances is None and kind == "gbm" and not broken:
        from modelward.artifacts._inspect.importance import split_gain

        return replace(found, importances=split_gain(trees, d), importance_kind="gain")
    return found


def _need(value: Any, what: str, side: int | None = None) -> NDArray[Any]:
    found = vector(value)
    if found is None or (side is not None and found.shape[0] != side):
        raise BrokenTreeError(f"{what} is missing or does not fit")
    return found


def _made(
    path: str, left: NDArray[Any], right: NDArray[Any], feature: NDArray[Any], threshold: NDArray[Any], value: Any,
    *, categorical: NDArray[Any] | None = None, samples: NDArray[Any] | None = None, gain: Any = None,
    strict: bool = False,
) -> TreeNodes:  # fmt: skip
    left, right = _children(path, left, right)
    n, inner = len(left), left != -1
    sets = np.zeros(n, dtype=bool) if categorical is None else categorical & inner
    if np.isnan(threshold[inner & ~sets]).any():
        raise BrokenTreeError(f"{path} has a threshold that is no number")
    rows = np.zeros(n) if samples is None else samples.astype(np.float64)
    gains = np.zeros(n) if gain is None else np.where(inner, gain, 0.0)
    scores = np.asarray(value, dtype=np.float64)
    return TreeNodes(
        path, None, None, left, right, _features(path, feature, inner),
        np.where(inner & ~sets, threshold.astype(np.float64), 0.0), np.zeros(n, dtype=bool), sets, rows, rows, gains,
        scores[:, None] if scores.ndim == 1 else scores, single=False, strict=strict,
    )  # fmt: skip


def _random_forest(value: Inert, path: str) -> list[TreeNodes]:
    """Read randomForest: node tables padded to the largest tree, children counted from one, 0 for none."""
    forest, where = field(value, "forest"), f"{path + '.' if path else ''}forest"
    sizes = _need(field(forest, "ndbigtree"), f"{where}.ndbigtree").astype(np.int64)
    split, feature = (_need(field(forest, key), f"{where}.{key}") for key in ("xbestsplit", "bestvar"))
    given = _need(field(forest, "nodepred"), f"{where}.nodepred")
    daughters = vector(field(forest, "treemap"))
    if daughters is not None:
        lefts, rights = daughters[:, 0], daughters[:, 1]
    else:
        lefts, rights = (
            _need(field(forest, key), f"{where}.{key}") for key in ("leftDaughter", "rightDaughter")
        )
    levels = _need(field(forest, "ncat"), f"{where}.ncat")
    classes = len(words(field(value, "classes")))
    out = []
    for t, n in enumerate(sizes.tolist()):
        if not 0 < n <= len(split):
            raise BrokenTreeError(f"{where} counts other nodes than it has")
        left, right = lefts[:n, t].astype(np.int64) - 1, rights[:n, t].astype(np.int64) - 1
        columns = np.where(left >= 0, feature[:n, t].astype(np.int64) - 1, 0)
        answer: Any = given[:n, t]
        if classes:
            answer = (answer[:, None] == np.arange(1, classes + 1)[None, :]).astype(float)
        if ((columns < 0) | (columns >= len(levels))).any():
            raise BrokenTreeError(f"{where} splits on a feature that does not exist")
        out.append(
            _made(
                f"{where}[{t}]", left, right, columns, split[:n, t], answer, categorical=levels[columns] > 1
            )
        )
    return out


def _ranger(value: Inert, path: str) -> list[TreeNodes]:
    """Read ranger: children counted from zero, 0 for none, since nothing leads back to the root."""
    forest, where = field(value, "forest"), f"{path + '.' if path else ''}forest"
    children, features, splits = (
        field(forest, key) for key in ("child.nodeIDs", "split.varIDs", "split.values")
    )
    if isinstance(children, list) and any(len(pair) != 2 for pair in children):
        raise BrokenTreeError(f"{where} is of a release of ranger before 0.3.9, which keeps nodes otherwise")
    ordered = _need(field(forest, "is.ordered"), f"{where}.is.ordered")
    answers = _answer_columns(forest)
    if len(ordered) > len(words(field(forest, "independent.variable.names"))):
        ordered = np.delete(ordered, answers)
    counts = field(forest, "terminal.class.counts")
    k = len(words(field(forest, "levels")))
    kept = vector(field(forest, "class.values"))
    order = None if kept is None or not k else kept.astype(np.int64) - 1
    out = []
    for t, (pair, own, at) in enumerate(zip(children, features, splits, strict=True)):
        name = f"{where}[{t}]"
        threshold = _need(at, name)
        n = len(threshold)
        left, right, columns = (_need(part, name, n).astype(np.int64) for part in (*pair, own))
        ends = left == 0
        columns = np.where(ends, 0, columns - sum((columns > j).astype(np.int64) for j in answers))
        if ((columns < 0) | (columns >= len(ordered))).any():
            raise BrokenTreeError(f"{name} splits on a feature that does not exist")
        answer: Any = threshold
        if counts is not None:
            answer = _shares(counts[t], n, order)
        elif k:
            answer = (threshold[:, None] == np.arange(1, k + 1)[None, :]).astype(float)
        out.append(
            _made(
                name, np.where(ends, -1, left), np.where(ends, -1, right), columns, threshold, answer,
                categorical=ordered[columns] == 0,
            )
        )  # fmt: skip
    return out


def _answer_columns(forest: Any) -> list[int]:
    """Return where releases of ranger before 0.11.5 count the answer among the columns; none for later ones."""
    kept = (vector(field(forest, key)) for key in ("dependent.varID", "status.varID"))
    return [int(item[0]) for item in kept if item is not None and len(item)]


def _shares(leaves: Any, n: int, order: NDArray[np.int64] | None) -> NDArray[np.float64]:
    """Return the shares of the classes in a probability forest's leaves, zero in other nodes.

    The forest counts classes in the order that it met them; here they are in that of the levels.
    """
    rows = [vector(item) for item in leaves]
    k = max((len(row) for row in rows if row is not None), default=1)
    if order is None or len(order) < k or len(rows) != n:
        raise BrokenTreeError("the shares of classes in its leaves do not fit")
    out = np.zeros((n, int(order.max()) + 1))
    for i, row in enumerate(rows):
        if row is not None and len(row):
            out[i, order[: len(row)]] = row
    return out


def _gbm(value: Inert, path: str) -> list[TreeNodes]:
    """Read gbm, whose nodes have a third child for missing cells: that one, always a leaf, is left out."""
    trees = field(value, "trees")
    kinds = _need(field(value, "var.type"), "var.type")
    count = vector(field(value, "num.classes"))
    k = 1 if count is None else int(count[0])
    if not isinstance(trees, list) or not 0 < k <= 100_000 or len(trees) % k:
        raise BrokenTreeError("it counts other classes than it has trees for")
    out = []
    for t, parts in enumerate(trees):
        name = f"{path + '.' if path else ''}trees[{t}]"
        feature, at, left, right, _, gain, weight, answer = (_need(part, name) for part in parts)
        if len({len(part) for part in (feature, at, left, right, gain, weight, answer)}) != 1:
            raise BrokenTreeError(f"{name} has node tables that do not fit")
        kept = _reached(left.astype(np.int64), right.astype(np.int64), feature != -1, name)
        place = np.full(len(left) + 1, -1, dtype=np.int64)
        place[kept] = np.arange(len(kept))
        columns = feature[kept].astype(np.int64)
        inner = columns != -1
        if (columns[inner] >= len(kinds)).any() or (columns < -1).any():
            raise BrokenTreeError(f"{name} splits on a feature that does not exist")
        first, second = (
            np.where(inner, place[np.where(inner, side[kept].astype(np.int64), -1)], -1)
            for side in (left, right)
        )
        scores = np.zeros((len(kept), k))
        scores[:, t % k] = answer[kept]  # a round has one tree for each class
        out.append(
            _made(
                name, first, second, columns, at[kept], scores,
                categorical=inner & (kinds[np.maximum(columns, 0)] > 0), samples=weight[kept], gain=gain[kept],
                strict=True,
            )
        )  # fmt: skip
    return out


def _reached(
    left: NDArray[np.int64], right: NDArray[np.int64], inner: NDArray[Any], name: str
) -> NDArray[np.int64]:
    """Return the nodes that two-way splits lead to, the root first, each once."""
    n = len(left)
    order = [0]
    seen = np.zeros(n, dtype=bool)
    for node in order:  # grows while it is walked
        if not 0 <= node < n or seen[node]:
            raise BrokenTreeError(f"{name} leads to a node that is not there or was met before")
        seen[node] = True
        if inner[node]:
            order += [int(left[node]), int(right[node])]
    return np.array(order, dtype=np.int64)


def _rpart(value: Inert, path: str) -> list[TreeNodes]:
    """Read rpart: a node numbered k has the children 2k and 2k + 1; its first row in `splits` is the one used."""
    where = f"{path + '.' if path else ''}frame"
    frame = field(value, "frame")
    used = words(field(frame, "var")) or _levels(field(frame, "var"))
    n = len(used)
    numbers_ = _need(dressing(frame, "row.names"), f"{where} row names", n).astype(np.int64)
    compete, surrogate, rows, answer = (
        _need(field(frame, key), f"{where}.{key}", n) for key in ("ncompete", "nsurrogate", "n", "yval")
    )
    splits = vector(field(value, "splits"))
    names = r_names(value) or []
    place = {int(number): i for i, number in enumerate(numbers_.tolist())}
    left, right, feature = (np.full(n, -1, dtype=np.int64) for _ in range(3))
    threshold, gain, sets = np.full(n, np.nan), np.zeros(n), np.zeros(n, dtype=bool)
    at = 0
    for i, name in enumerate(used):
        if name == "<leaf>":
            continue
        if splits is None or name not in names:
            raise BrokenTreeError(f"{where} splits on a feature that does not exist")
        side, low = int(splits[at, 1]), splits[at, 3]
        pair = (place[2 * int(numbers_[i])], place[2 * int(numbers_[i]) + 1])
        # With 1 it is the values from the threshold on that go to the first child.
        left[i], right[i] = pair if side != 1 else pair[::-1]
        feature[i], threshold[i], gain[i], sets[i] = names.index(name), low, splits[at, 2], abs(side) > 1
        at += 1 + int(compete[i]) + int(surrogate[i])
    if scalar(field(value, "method")) == "class":
        k = max(len(words(dressing(value, "ylevels"))), 1)
        answer = (answer[:, None] == np.arange(1, k + 1)[None, :]).astype(float)
    return [
        _made(
            where,
            left,
            right,
            feature,
            threshold,
            answer,
            categorical=sets,
            samples=rows,
            gain=gain,
            strict=True,
        )
    ]


def _levels(value: Any) -> list[str]:
    """Return a factor as text, as releases of R before 4 write it."""
    levels, codes = words(dressing(value, "levels")), vector(value)
    return [levels[int(code) - 1] for code in codes] if levels and codes is not None else []
