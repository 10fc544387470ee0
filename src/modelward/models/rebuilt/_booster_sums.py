"""What the trees of a booster add up to, in the order and the precision of its library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.models._booster_nodes import LIGHTGBM_ZERO, starting_margins
from modelward.models.rebuilt._base import softmax
from modelward.models.rebuilt._kernels import (
    booster_leaves,
    exponential_single,
    logistic_single,
    softmax_single,
)
from modelward.models.rebuilt._view import cannot

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from modelward.artifacts._boosters import BoosterTree, BoosterTrees

_AS_IT_IS = (
    "reg:squarederror", "reg:linear", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror",
    "reg:quantileerror", "reg:expectileerror", "binary:logitraw", "rank:pairwise", "rank:ndcg", "rank:map",
    "regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg",
)  # fmt: skip
_EXPONENTIAL = ("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft")


class _Walk:
    """One tree, flat, for the compiled walk."""

    def __init__(self, tree: BoosterTree) -> None:
        self.tree = tree
        self.sets = np.full(len(tree.left), -1, dtype=np.int64)
        members = []
        for row, (node, values) in enumerate(sorted(tree.categories.items())):
            self.sets[node] = row
            members.append(values)
        self.bounds = np.concatenate([[0], np.cumsum([len(m) for m in members])]).astype(np.int64)
        self.members = np.concatenate(members) if members else np.empty(0, dtype=np.int64)

    def leaves(self, rows: NDArray[np.float64], found: BoosterTrees) -> NDArray[np.int64]:
        """Return the leaf of every row."""
        tree, out = self.tree, np.zeros(len(rows), dtype=np.int64)
        booster_leaves(
            rows, tree.feature, tree.threshold, tree.left, tree.right, tree.default_left, tree.missing,
            found.strict, found.set_left, self.sets, self.bounds, self.members, out,
        )  # fmt: skip
        return out

    def told(self, rows: NDArray[np.float64], found: BoosterTrees) -> NDArray[np.float64]:
        """Return what the tree says of every row (n, k), in LightGBM's order where leaves hold models."""
        leaves, linear = self.leaves(rows, found), self.tree.linear
        out: NDArray[np.float64] = self.tree.value[leaves]
        if linear is None:
            return out
        sums = linear.constant[leaves]
        for leaf, columns in linear.columns.items():
            here = np.flatnonzero(leaves == leaf)
            for j, weight in zip(columns, linear.weights[leaf], strict=True):
                with np.errstate(invalid="ignore", over="ignore"):
                    sums[here] += weight * rows[here, j]
            missing = np.isnan(rows[here][:, columns]).any(axis=1)
            sums[here[missing]] = out[here[missing], 0]
        return sums[:, None]


class BoosterSums:
    """The margins of a booster, and what its objective makes of them.

    Parameters
    ----------
    found : BoosterTrees
        Checked by the reader.
    trees : int
        How many of the trees answer; 0 for all.
    in_place : bool
        Whether xgboost predicts without a DMatrix, as its wrappers do: DART rounds otherwise then.

    Raises
    ------
    SubjectError
        If a part of it does not fit the rest, or its objective is not known.
    """

    def __init__(self, found: BoosterTrees, trees: int = 0, *, in_place: bool = False) -> None:
        self.found = found
        self._in_place = in_place
        start = starting_margins(found)
        if start is None:
            raise cannot("base_score of its booster does not fit")
        self._start = start
        k = found.n_groups
        if k > 100_000 or any(
            not 0 <= t.group < k or t.value.shape[1] not in (1, k) or not np.isfinite(t.weight)
            for t in found.trees
        ):
            raise cannot("the trees of its booster do not fit its scores")
        self._walks = [_Walk(tree) for tree in found.trees[: trees or None]]
        self.objective = found.objective.split(" ")[0]
        self._link = self._linked()

    def margins(self, rows: NDArray[np.float64]) -> NDArray[Any]:
        """Return the sums (n, k): float32 for xgboost, float64 for lightgbm."""
        if self.found.library == "xgboost":
            rows = rows.astype(np.float32).astype(np.float64)
            if self.found.linear is not None:
                return self._weighted(rows)
        else:
            rows = np.where(np.abs(rows) <= LIGHTGBM_ZERO, 0.0, rows)
        kind: type[np.floating[Any]] = np.float32 if self.found.single else np.float64
        out = np.tile(self._start.astype(kind), (len(rows), 1))
        for walk in self._walks:
            tree = walk.tree
            told: NDArray[Any] = walk.told(rows, self.found).astype(kind)
            if self.found.booster == "dart" and self.found.library == "xgboost":
                told = self._dropped(told, tree)
            if told.shape[1] == 1:
                out[:, tree.group] += told[:, 0]
            else:
                out += told
        return out

    def answers(self, rows: NDArray[np.float64]) -> NDArray[Any]:
        """Return what the booster's own `predict` says: (n,) for one score, else (n, k)."""
        out = self.margins(rows)
        if self.found.averaged and self._walks:
            out /= len(self._walks) // self.found.n_groups
        out = self._link(out)
        return out[:, 0] if out.ndim == 2 and out.shape[1] == 1 else out

    def _dropped(self, told: NDArray[Any], tree: BoosterTree) -> NDArray[Any]:
        """Return a DART tree's leaves times its weight; in place, the base is added before and taken off again."""
        if self._in_place:
            base = self._start.astype(np.float32)
            base = base if told.shape[1] > 1 else base[tree.group : tree.group + 1]
            told = (base + told) - base
        return np.asarray(told * np.float32(tree.weight), dtype=np.float32)

    def _weighted(self, rows: NDArray[np.float64]) -> NDArray[np.float32]:
        """Add a linear booster's columns one by one; a missing cell adds nothing."""
        linear = self.found.linear
        if linear is None:
            raise TypeError("a booster of trees has no weights of columns")
        weights = linear.astype(np.float32)
        # Its linear booster begins every score with the first one's base.
        out = np.tile(weights[-1] + np.float32(self._start[0]), (len(rows), 1))
        for j in range(self.found.n_features):
            column = rows[:, j].astype(np.float32)
            there = ~np.isnan(column)
            out[there] += column[there, None] * weights[j]
        return out

    def _linked(self) -> Callable[[NDArray[Any]], NDArray[Any]]:
        """Return the function from margins to answers.

        Raises
        ------
        SubjectError
            If the objective is none that is known.
        """
        name = self.objective
        if not name and self.found.library == "lightgbm":
            return _same  # one of the user's own: LightGBM writes none, and answers with the sum
        if name in _AS_IT_IS and "sqrt" not in self.found.objective.split(" "):
            return _same
        found = (_XGBOOST if self.found.library == "xgboost" else _LIGHTGBM).get(name)
        if name in _EXPONENTIAL and self.found.library == "xgboost":
            return exponential_single
        if found is None:
            raise cannot(f"the objective {name or 'of its booster'} is not known")
        if name in ("binary", "multiclassova"):
            return _sigmoid(self._parameter("sigmoid"))
        return found

    def _parameter(self, key: str) -> float:
        """Return a number that LightGBM writes behind its objective's name."""
        for word in self.found.objective.split(" ")[1:]:
            name, _, value = word.partition(":")
            if name == key:
                try:
                    number = float(value)
                except ValueError:
                    break
                if np.isfinite(number):
                    return number
        raise cannot(f"its objective says no {key}")


def _same(raw: NDArray[Any]) -> NDArray[Any]:
    return raw


def _sigmoid(scale: float) -> Callable[[NDArray[Any]], NDArray[Any]]:
    def link(raw: NDArray[Any]) -> NDArray[Any]:
        with np.errstate(over="ignore"):
            return np.asarray(1.0 / (1.0 + np.exp(-scale * raw)))

    return link


def _hinge(raw: NDArray[Any]) -> NDArray[Any]:
    return np.asarray((raw > 0).astype(np.float32))


def _largest(raw: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(raw.argmax(axis=1).astype(np.float32))


def _softplus(raw: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.log1p(np.exp(raw)))


def _squared(raw: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.sign(raw) * raw * raw)


_XGBOOST: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "binary:logistic": logistic_single,
    "reg:logistic": logistic_single,
    "binary:hinge": _hinge,
    "multi:softprob": softmax_single,
    "multi:softmax": _largest,
}
_LIGHTGBM: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "binary": _same,
    "multiclassova": _same,
    "cross_entropy": _sigmoid(1.0),
    "xentropy": _sigmoid(1.0),
    "cross_entropy_lambda": _softplus,
    "multiclass": softmax,
    "regression": _squared,
    "poisson": np.exp,
    "gamma": np.exp,
    "tweedie": np.exp,
}
