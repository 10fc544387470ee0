"""Which object of a file is the model, and what it says about its columns and classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import RawArray, as_array
from modelward.artifacts._catboost import catboost_facts
from modelward.artifacts._graph import labels, shape_of
from modelward.artifacts._inert import Inert
from modelward.artifacts._inspect.params import is_estimator, members
from modelward.artifacts._inspect.r_models import final_model, r_classes, r_kind, r_names
from modelward.artifacts._inspect.trees import is_tree, items_of
from modelward.artifacts._inspect.values import texts, whole

if TYPE_CHECKING:
    from collections.abc import Callable

_DEPTH = 10
_COUNT = ("n_features_in_", "_n_features", "n_features_")
_NAMES = ("feature_names_in_", "_feature_name", "feature_name_")
_CLASSES = ("classes_", "_classes")
_ENCODERS = ("le_", "_le", "label_binarizer_", "_label_encoder", "_label_binarizer")
_INNER = ("best_estimator_", "estimator_", "regressor_")


def find_model(root: Any) -> tuple[str, Inert] | None:
    """Return the model of a graph and its path; None if there is none.

    A model may be the file's one object, or stand in a dictionary, list or tuple beside other things: then the
    first estimator is meant.
    """
    if isinstance(root, Inert) and as_array(root) is None and not _is_container(root):
        return "", root
    seen: set[int] = set()
    level: list[tuple[str, Any]] = [("", root)]
    for _ in range(5):
        following: list[tuple[str, Any]] = []
        for path, value in level:
            if id(value) in seen:
                continue
            seen.add(id(value))
            if is_estimator(value):
                return path, value
            following.extend(_inside(path, value))
        level = following[:10_000]
    return None


def _is_container(value: Inert) -> bool:
    return value.type_name in ("collections.OrderedDict", "collections.defaultdict", "sklearn.utils._bunch.Bunch",
                               "sklearn.utils.Bunch", "pandas.core.frame.DataFrame", "pandas.DataFrame")  # fmt: skip


def _inside(path: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(f"{path}[{key!r:.80}]", item) for key, item in value.items() if isinstance(key, str | int)]
    if isinstance(value, list | tuple):
        return [(f"{path}[{i}]", item) for i, item in enumerate(value)]
    if isinstance(value, Inert) and _is_container(value):
        pairs = [*value.pairs, *value.attributes.items()]
        return [(f"{path}[{key!r:.80}]", item) for key, item in pairs if isinstance(key, str | int)]
    return []


def describe_content(root: Any) -> str:
    """Say in a few words what a file holds that is no model."""
    array = as_array(root)
    if isinstance(root, RawArray) or array is not None:
        shape = root.shape if isinstance(root, RawArray) else shape_of(root) or ()
        return f"an array of {' × '.join(f'{side:,}' for side in shape) or 'one item'}"
    if isinstance(root, dict | list | tuple | set | frozenset):
        return f"a {type(root).__name__} of {len(root):,} items"
    return f"a value of type {type(root).__name__}"


def feature_count(value: Inert) -> int | None:
    """Return how many columns a model takes, as far as it says."""
    found: int | None = _first(value, _own_count, "front")
    return found


def feature_names(value: Inert) -> list[str] | None:
    """Return the names of the columns that a model was fitted on, as far as it says."""
    found: list[str] | None = _first(value, _own_names, "front")
    return found


def class_labels(value: Inert) -> list[Any] | None:
    """Return a classifier's labels; a list of lists for several outputs."""
    found: list[Any] | None = _first(value, _own_classes, "end")
    return found


def _own_count(value: Inert) -> int | None:
    if r_kind(value):
        names = r_names(value)
        return None if names is None else len(names)
    said = catboost_facts(value)
    if said is not None:
        return len(said.feature_names) or None
    attributes = value.attributes
    for key in _COUNT:
        count = whole(attributes.get(key))
        if count is not None:
            return count
    if is_tree(value):
        return whole(attributes["tree_"].args[0]) if attributes["tree_"].args else None
    shape = shape_of(attributes.get("coef_"))
    return shape[-1] if shape and len(shape) <= 2 else None


def _own_names(value: Inert) -> list[str] | None:
    if r_kind(value):
        return r_names(value)
    said = catboost_facts(value)
    if said is not None and list(said.feature_names) != [str(i) for i in range(len(said.feature_names))]:
        return list(said.feature_names)
    for key in _NAMES:
        names = texts(value.attributes.get(key))
        if names:
            return names
    return None


def _own_classes(value: Inert) -> list[Any] | None:
    if r_kind(value):
        return r_classes(value)
    said = catboost_facts(value)
    if said is not None and said.classes:
        return list(said.classes)
    attributes = value.attributes
    for key in _CLASSES:
        if key not in attributes:
            continue
        found = labels(attributes[key])
        if found is not None:
            return found
        nested = [labels(item) for item in items_of(attributes[key])]
        if nested and all(item is not None for item in nested):
            return nested
    for key in _ENCODERS:
        inner = attributes.get(key)
        if isinstance(inner, Inert):
            found = labels(inner.attributes.get("classes_"))
            if found is not None:
                return found
    count = whole(attributes.get("n_classes_"))
    if count is not None and value.type_name.startswith("xgboost.") and 2 <= count <= 100_000:
        return list(range(count))
    return None


def _first(value: Inert, read: Callable[[Inert], Any], which: str) -> Any:
    """Ask an object, else what stands in it for the purpose: a pipeline's first or last step, a search's best."""
    for _ in range(_DEPTH):
        found = read(value)
        if found is not None:
            return found
        inner = _delegate(value, which)
        if inner is None:
            return None
        value = inner
    return None


def _delegate(value: Inert, which: str) -> Inert | None:
    if r_kind(value):
        return final_model(value)
    attributes = value.attributes
    steps = [item for _, item, _ in members(attributes.get("steps"))]
    if steps:
        steps = [item for item in steps if isinstance(item, Inert)]
        return (steps[0] if which == "front" else steps[-1]) if steps else None
    named = [item for _, item, _ in members(attributes.get("transformer_list"))]
    for item in (*(attributes.get(key) for key in _INNER), *named):
        if isinstance(item, Inert) and as_array(item) is None:
            return item
    inner = [item for item in items_of(attributes.get("estimators_")) if isinstance(item, Inert)]
    return inner[0] if inner and which == "front" else None
