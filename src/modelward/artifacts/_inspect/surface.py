"""What the trees and weights expose: which columns count, how finely rows are told apart, what can be repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.artifacts._arrays import plain
from modelward.artifacts._graph import join, numbers
from modelward.artifacts._inert import Inert
from modelward.artifacts._inspect.columns import Origins, identity, through_steps
from modelward.artifacts._inspect.ensembles import tree_set
from modelward.artifacts._inspect.identity import feature_count
from modelward.artifacts._inspect.params import members
from modelward.artifacts._inspect.r_models import final_model, r_kind, r_surrogates, r_used
from modelward.artifacts._inspect.trees import items_of
from modelward.artifacts._inspect.values import whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.artifacts._inspect.trees import TreeSet

_DEPTH = 8
FEW = 10


@dataclass(frozen=True, slots=True)
class LeafSizes:
    """How many training rows stand behind the leaves of all trees.

    Parameters
    ----------
    leaves : int
    smallest : float
    median : float
    single : float
        Share of the leaves with one row.
    few : float
        Share of the leaves with fewer than ten rows.
    """

    leaves: int
    smallest: float
    median: float
    single: float
    few: float


def leaf_sizes(sets: tuple[TreeSet, ...]) -> LeafSizes | None:
    """Return the sizes of all leaves; None if the trees do not count rows."""
    sizes = [tree.samples[~tree.inner] for one in sets for tree in one.trees]
    counts = np.concatenate(sizes) if sizes else np.empty(0)
    if not len(counts) or not np.isfinite(counts).all() or counts.max() <= 0:
        return None
    return LeafSizes(
        len(counts), float(counts.min()), float(np.median(counts)), float((counts <= 1).mean()),
        float((counts < FEW).mean()),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Decider:
    """The estimator that decides, and how its columns come from those of the table.

    Parameters
    ----------
    path : str
    value : Inert
    origins : tuple of Origin, or None
        One for each column that it sees; None if that cannot be told.
    """

    path: str
    value: Inert
    origins: Origins | None


def find_decider(path: str, value: Inert) -> Decider:
    """Go through pipelines and searches to the estimator that decides."""
    count = feature_count(value)
    origins = identity(count) if count is not None else None
    for _ in range(_DEPTH):
        attributes = value.attributes
        best = attributes.get("best_estimator_")
        named = members(attributes.get("steps"))
        final = final_model(value)
        if final is not None:
            # Steps of caret's own stand between the table and the model.
            origins = None if attributes.get("preProcess") is not None else origins
            path, value = join(path, "finalModel"), final
        elif isinstance(best, Inert):
            path, value = join(path, "best_estimator_"), best
        elif named and isinstance(named[-1][1], Inert):
            last = named[-1][1]
            wide = whole(last.attributes.get("n_features_in_"))
            if origins is not None:
                origins = through_steps([item for _, item, _ in named[:-1]], origins, wide)
            path, value = f"{join(path, 'steps')}[{len(named) - 1}][1]", last
        else:
            break
    return Decider(path, value, origins)


def used_columns(value: Inert, depth: int = 0) -> set[int] | None:
    """Return the columns, as the estimator sees them, that can change its answer; None if nobody can tell.

    Never too few: an estimator that is not understood may look at every column.
    """
    if depth > _DEPTH:
        return None
    attributes = value.attributes
    if r_kind(value):
        return _used_in_r(value, depth)
    trees = tree_set(value, "")
    if trees is not None:
        return None if trees.broken else trees.used()
    if isinstance(attributes.get("best_estimator_"), Inert):
        return used_columns(attributes["best_estimator_"], depth + 1)
    if members(attributes.get("steps")):
        inner = find_decider("", value)
        seen = used_columns(inner.value, depth + 1) if inner.value is not value else None
        return None if seen is None else columns_behind(seen, inner.origins)
    weights = linear_weights(value)
    if weights is not None:
        return {int(j) for j in np.flatnonzero((weights != 0).any(axis=0) | np.isnan(weights).any(axis=0))}
    return _of_members(value, depth)


def _used_in_r(value: Inert, depth: int) -> set[int] | None:
    final = final_model(value)
    if final is None:
        trees = tree_set(value, "")
        return (
            r_used(value) if trees is None else None if trees.broken else trees.used() | r_surrogates(value)
        )
    seen = used_columns(final, depth + 1)
    return None if seen is None else columns_behind(seen, find_decider("", value).origins)


def columns_behind(seen: set[int], origins: Origins | None) -> set[int] | None:
    """Return the table's columns behind some of those that the estimator sees."""
    if origins is None or any(j >= len(origins) for j in seen):
        return None
    return set().union(*(origins[j].columns for j in seen))


_SAME_COLUMNS = ("OneVsRestClassifier", "MultiOutputClassifier", "MultiOutputRegressor", "VotingClassifier",
                 "VotingRegressor", "CalibratedClassifierCV")  # fmt: skip


def _of_members(value: Inert, depth: int) -> set[int] | None:
    """Return what the members of an ensemble use, where all are given the same columns."""
    if not value.type_name.startswith("sklearn.") or value.type_name.rpartition(".")[2] not in _SAME_COLUMNS:
        return None
    items = items_of(value.attributes.get("estimators_"))
    for wrapper in items_of(value.attributes.get("calibrated_classifiers_")):
        inner = wrapper.attributes if isinstance(wrapper, Inert) else {}
        items.append(inner.get("estimator", inner.get("base_estimator")))
    found: set[int] = set()
    for item in items:
        part = used_columns(item, depth + 1) if isinstance(item, Inert) else None
        if part is None:
            return None
        found |= part
    return found if items else None


_LINEAR_KERNELS = (None, "linear")


def linear_weights(value: Inert) -> NDArray[np.float64] | None:
    """Return the weights of a linear model, shape (outputs, columns); None for other models."""
    attributes = value.attributes
    if attributes.get("kernel") not in _LINEAR_KERNELS or not value.type_name.startswith("sklearn."):
        return None
    if ".cross_decomposition." in value.type_name:
        return None  # its weights are for columns that it centres and scales first, and stand the other way round
    weights = numbers(attributes.get("coef_"))
    if weights is None or weights.dtype.kind not in "fiu" or weights.ndim not in (1, 2) or weights.size == 0:
        return None
    return np.atleast_2d(weights.astype(np.float64))


def intercepts(value: Inert) -> list[float]:
    """Return the constants of a linear model; empty if there are none."""
    constant = numbers(value.attributes.get("intercept_"))
    if constant is None:
        single = plain(value.attributes.get("intercept_"))
        return [float(single)] if isinstance(single, float) else []
    return (
        [float(v) for v in np.atleast_1d(constant).ravel().tolist()] if constant.dtype.kind in "fiu" else []
    )


# Estimators whose `random_state` decides nothing unless a parameter asks for it: name, parameter, values that do.
_SEED_IF: dict[str, tuple[str, tuple[Any, ...]]] = {
    "LogisticRegression": ("solver", ("sag", "saga", "liblinear")),
    "LogisticRegressionCV": ("solver", ("sag", "saga", "liblinear")),
    "Ridge": ("solver", ("sag", "saga")), "RidgeClassifier": ("solver", ("sag", "saga")),
    "SVC": ("probability", (True,)), "NuSVC": ("probability", (True,)),
    "Lasso": ("selection", ("random",)), "LassoCV": ("selection", ("random",)),
    "ElasticNet": ("selection", ("random",)), "ElasticNetCV": ("selection", ("random",)),
    "LinearSVC": ("dual", (True, "auto")), "LinearSVR": ("dual", (True, "auto")),
    "PCA": ("svd_solver", ("randomized", "arpack", "auto")),
    "GaussianProcessClassifier": ("n_restarts_optimizer", ()), "GaussianProcessRegressor": ("n_restarts_optimizer", ()),
}  # fmt: skip


def unseeded(params: dict[str, Any]) -> list[str]:
    """Return the parameters that leave chance open: a `random_state` of None, or a generator.

    Parameters
    ----------
    params : dict
        From name to value of the graph, nested with ``__``. The class behind a prefix is that of the parameter
        itself; the key ``""`` stands for the model.
    """
    found = []
    for name, value in params.items():
        prefix, _, last = name.rpartition("__")
        if last != "random_state" or isinstance(plain(value), int):
            continue
        owner = params.get(prefix)
        kind = owner.type_name.rpartition(".")[2] if isinstance(owner, Inert) else ""
        rule = _SEED_IF.get(kind)
        if rule is not None:
            deciding = plain(params.get(f"{prefix}__{rule[0]}" if prefix else rule[0]))
            if deciding not in rule[1] if rule[1] else not deciding:
                continue
        found.append(name)
    return found
