"""Trees of XGBoost and LightGBM, from their files or from wrappers inside pickles, in one neutral form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import plain, to_bytes
from modelward.artifacts._container import printable
from modelward.artifacts._content import TextStretch
from modelward.artifacts._inert import Inert
from modelward.artifacts.readers._notes import BrokenError, Notes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

MAX_MEMORY = 2 << 30
_XGBOOST, _LIGHTGBM = "xgboost.core.Booster", "lightgbm.basic.Booster"


class BoosterError(Exception):
    """A booster that is there and cannot be read; the message says why."""


@dataclass(frozen=True, eq=False)
class LeafModels:
    """Linear models in the leaves of a tree of n nodes (LightGBM's `linear_tree`).

    A row's answer is ``constant + weights · columns`` of its leaf, or the leaf's plain value where one of these
    columns is missing in it.

    Attributes
    ----------
    constant : array of float64, shape (n,)
    columns : dict
        From node to its columns, array of int64, shape (m,); nodes without one are constant.
    weights : dict
        From node to the weights of these columns, array of float64, shape (m,).
    """

    constant: NDArray[np.float64]
    columns: Mapping[int, NDArray[np.int64]]
    weights: Mapping[int, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class BoosterTree:
    """One tree; node 0 is the root and arrays have one entry for each of its n nodes.

    Attributes
    ----------
    left, right, feature : array of int64, shape (n,)
        Children and the column that is compared; -1 in leaves.
    threshold : array of float64, shape (n,)
        NaN in leaves and where categories decide.
    default_left : array of bool, shape (n,)
        Where a missing value goes.
    missing : array of int8, shape (n,)
        What counts as missing: 0 nothing (NaN is taken for 0), 1 zero and NaN, 2 NaN.
    categories : dict
        From node to the categories of its set, ascending.
    value : array of float64, shape (n, k)
        What a leaf adds; 0 in inner nodes. `k` is 1 unless leaves hold one value for each target.
    group : int
        Class (or target) whose score the tree adds to.
    weight : float
        Its factor (DART); 1 in other boosters.
    gain, cover : array of float64, shape (n,)
        What a split gained, and the rows (or hessian) that came to a node in training, as the file says.
    linear : LeafModels or None
        Models in its leaves, in place of `value`.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    default_left: NDArray[np.bool_]
    missing: NDArray[np.int8]
    categories: Mapping[int, NDArray[np.int64]]
    value: NDArray[np.float64]
    group: int
    weight: float
    gain: NDArray[np.float64]
    cover: NDArray[np.float64]
    linear: LeafModels | None = None


@dataclass(frozen=True, eq=False)
class BoosterTrees:
    """A whole booster.

    Attributes
    ----------
    library : {"xgboost", "lightgbm"}
        Whose model it is.
    version : str
        Release that wrote it; empty if it does not say so.
    booster : str
        Such as ``"gbtree"``, ``"dart"``, ``"gblinear"``.
    objective : str
        As the file has it, such as ``"binary:logistic"``.
    n_features, n_classes, n_groups : int
        `n_classes` is 0 or 1 for two classes and for regression; `n_groups` is how many scores a row has.
    base_score : tuple of float
        What every row starts from, before the link function is undone (XGBoost); one or one for each group.
    feature_names : tuple of str
        Empty if the file has none.
    trees : tuple of BoosterTree
        In order.
    strict : bool
        A value goes left if it is less than the threshold; otherwise also if it is equal.
    single : bool
        Values are compared, and leaves summed, in single precision.
    set_left : bool
        A value in a node's set of categories goes left; otherwise right.
    averaged : bool
        The trees' sum is divided by the number of rounds before the link function is undone (LightGBM's
        random forest; its own raw scores are not divided).
    best : int
        How many of the trees answer if training noted a best round; 0 for all. XGBoost's wrappers keep to it,
        its raw boosters do not; LightGBM's both do.
    feature_types : tuple of str
        XGBoost's, ``"c"`` for a column of categories; empty if the file has none.
    categories : object
        What the file holds of the categories that pandas had, as the graph has it: LightGBM's list of lists, one
        for each categorical column, or XGBoost's ``cats``.
    linear : array of float64, shape (n_features + 1, n_groups), or None
        Weights of a linear booster, which has no trees; the last row is the intercept.
    """

    library: str
    version: str
    booster: str
    objective: str
    n_features: int
    n_classes: int
    n_groups: int
    base_score: tuple[float, ...]
    feature_names: tuple[str, ...]
    trees: tuple[BoosterTree, ...] = field(repr=False)
    strict: bool
    single: bool
    set_left: bool
    averaged: bool = False
    best: int = 0
    feature_types: tuple[str, ...] = ()
    categories: Any = None
    linear: NDArray[np.float64] | None = field(default=None, repr=False)


def booster_graph(value: Any, *, max_memory: int = MAX_MEMORY) -> dict[str, Any] | None:
    """Return a booster's model as nested dicts and lists.

    Parameters
    ----------
    value : object
        A stand-in from a graph: of a booster, or of a scikit-learn wrapper of XGBoost or LightGBM.
    max_memory : int
        Bytes that the objects read from it may take.

    Returns
    -------
    dict or None
        None if the value is no booster and holds none.

    Raises
    ------
    BoosterError
        If it is one and cannot be read, or its parts do not fit.
    """
    booster = _booster_of(value)
    if booster is None:
        return None
    notes = Notes(max_memory)
    try:
        state = _state(booster, notes)
    except BrokenError as error:
        raise BoosterError(str(error)) from None
    problems = notes.verdict()[1]
    if problems:
        raise BoosterError(problems[0])
    return state


def trees_of_bytes(data: bytes) -> BoosterTrees:
    """Return the trees of a model as its library saves it: XGBoost's JSON or UBJSON, LightGBM's text.

    Raises
    ------
    BoosterError
        If it cannot be read.
    """
    from modelward.artifacts.readers._notes import standing
    from modelward.artifacts.readers._signs import is_lightgbm

    text = is_lightgbm(data)
    place = ("lightgbm.basic", "Booster") if text else ("xgboost.core", "Booster")
    held = {"handle": data.decode("utf-8", "surrogateescape") if text else data}
    found = booster_trees(standing(*place, held))
    if found is None:
        raise TypeError(f"a {place[1]} of {place[0]} has no trees")
    return found


def booster_trees(value: Any, *, max_memory: int = MAX_MEMORY) -> BoosterTrees | None:
    """Return the trees of a booster; arguments, None and errors are those of `booster_graph`."""
    state = booster_graph(value, max_memory=max_memory)
    booster = _booster_of(value)
    if state is None or booster is None:
        return None
    try:
        if "tree_sizes" in state or "max_feature_idx" in state:
            from modelward.artifacts._boosters_lightgbm import lightgbm_trees

            return lightgbm_trees(state, plain(booster.attributes.get("best_iteration")))
        from modelward.artifacts._boosters_xgboost import xgboost_trees

        return xgboost_trees(state)
    except BrokenError as error:
        raise BoosterError(str(error)) from None


def _booster_of(value: Any) -> Inert | None:
    """Find the booster in a stand-in."""
    if not isinstance(value, Inert):
        return None
    if value.type_name in (_XGBOOST, _LIGHTGBM):
        return value
    inner = value.attributes.get("_Booster")
    if value.type_name.startswith(("xgboost.", "lightgbm.")) and isinstance(inner, Inert):
        return inner if inner.type_name in (_XGBOOST, _LIGHTGBM) else None
    return None


def _state(booster: Inert, notes: Notes) -> dict[str, Any]:
    """Return the model of a booster: read with its file, or held by a pickle as bytes or text."""
    from modelward.artifacts.readers import _lightgbm, _xgboost
    from modelward.artifacts.readers._signs import is_xgboost_json, is_xgboost_ubj
    from modelward.artifacts.readers._xgboost_model import check

    state = booster.attributes
    if booster.type_name == _LIGHTGBM:
        if "max_feature_idx" in state:
            return state
        text = state.get("_handle", state.get("handle", state.get("model_str")))
        if not isinstance(text, str | TextStretch):
            raise BrokenError("a pickled LightGBM booster without its model's text")
        return _lightgbm.parse(str(text).encode("utf-8", "surrogatepass"), notes).attributes
    if "learner" in state or "Model" in state:
        check(state, notes)
        return state
    raw = to_bytes(state.get("handle"))
    if raw is None:
        raise BrokenError("a pickled XGBoost booster without its model's bytes")
    data = bytes(raw)
    if is_xgboost_ubj(data):
        return _xgboost.parse_ubj(data, notes).attributes
    if is_xgboost_json(data):
        return _xgboost.parse_json(data, notes).attributes
    raise BrokenError(
        f"a pickled XGBoost booster of a format that is not read here: {printable(repr(data[:8]))}"
    )


def booster_version(booster: Inert) -> str:
    """Return the release that wrote an XGBoost booster; empty if it does not say so or cannot be read."""
    from modelward.artifacts._boosters_xgboost import version_of
    from modelward.artifacts.readers._xgboost_model import model_of

    if booster.type_name != _XGBOOST:
        return ""
    try:
        return version_of(model_of(booster_graph(booster)))
    except (BoosterError, BrokenError):
        return ""


def booster_problems(root: Any, max_memory: int) -> list[str]:
    """Return what is wrong with the boosters of a graph, whose libraries trust the bytes that a pickle hands them."""
    from modelward.artifacts._graph import walk_graph

    found = []
    for node in walk_graph(root):
        if node.value.type_name in (_XGBOOST, _LIGHTGBM):
            try:
                booster_graph(node.value, max_memory=max_memory)
            except BoosterError as error:
                found.append(f"{node.path or 'the model'}: {error}")
    return found[:20]
