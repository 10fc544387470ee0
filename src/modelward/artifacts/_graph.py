"""Walking the inert graph: every object once, with the path that a person would write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import RawArray, as_array, plain
from modelward.artifacts._container import printable
from modelward.artifacts._inert import Inert, is_inert_class

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelward.artifacts._artifact import Artifact

_SCALARS = (str, bytes, bytearray, int, float, complex, bool, type(None))


_PATH = 300
"""Longest path that is shown; nesting without end must not make paths without end."""


@dataclass(frozen=True, slots=True)
class Node:
    """An object of the graph: where it is, and what holds it."""

    path: str
    value: Inert


def walk_graph(root: Any) -> Iterator[Node]:
    """Yield every stand-in object of a graph once, holders before what they hold.

    It does not recurse and follows shared objects once, so neither depth nor cycles can hurt.
    """
    seen: set[int] = set()
    pending: list[tuple[str, Any]] = [("", root)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, _SCALARS) or id(value) in seen or is_inert_class(value):
            continue
        seen.add(id(value))
        if len(path) > _PATH:
            path = path[:_PATH] + "…"
        if isinstance(value, Inert):
            array = as_array(value)
            if isinstance(array, RawArray):
                continue
            if isinstance(array, list):
                pending.append((path, array))
                continue
            yield Node(path, value)
        pending.extend(reversed(list(_children(path, value))))


def _children(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(item, _SCALARS):
                yield f"{path}[{_key(key)}]", item
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            if not isinstance(item, _SCALARS):
                yield f"{path}[{i}]", item
    elif isinstance(value, set | frozenset):
        for item in value:
            if not isinstance(item, _SCALARS):
                yield f"{path}{{}}", item
    elif isinstance(value, Inert):
        yield from _parts(path, value)


def _parts(path: str, value: Inert) -> Iterator[tuple[str, Any]]:
    attributes = value.attributes
    for key, item in attributes.items():
        if not isinstance(item, _SCALARS):
            yield join(path, key), item
    if not attributes and value.state is not None:
        yield path, value.state
    yield path, value.args
    if value.kwargs:
        yield path, value.kwargs
    if value.items:
        yield path, value.items
    for key, item in value.pairs:
        yield f"{path}[{_key(key)}]", item
    if value.payload is not None:
        yield path, value.payload


def join(path: str, key: Any) -> str:
    """Return the path of an attribute."""
    text = printable(key, 80) if isinstance(key, str) else "?"
    return f"{path}.{text}" if path else text


def _key(key: Any) -> str:
    return repr(key)[:80] if isinstance(key, str | int) else "?"


def numbers(value: Any) -> Any:
    """Return the numpy array of a graph's value; None if it is none or its bytes do not fit."""
    array = as_array(value)
    if not isinstance(array, RawArray) or array.dtype.is_object:
        return None
    try:
        return array.to_numpy()
    except (ValueError, TypeError, MemoryError):
        return None


def labels(value: Any) -> list[Any] | None:
    """Return the items of a one-dimensional array or list of plain values; None if it is no such thing."""
    array = as_array(value)
    if isinstance(array, list):
        return [plain(item) for item in array]
    if isinstance(array, RawArray):
        values = numbers(value)
        return values.tolist() if values is not None and values.ndim == 1 else None
    if isinstance(value, list) and all(isinstance(item, _SCALARS) for item in value):
        return value
    return None


def shape_of(value: Any) -> tuple[int, ...] | None:
    """Return the shape of a dense or scipy sparse array of the graph, without building it."""
    array = as_array(value)
    if isinstance(array, RawArray):
        return array.shape
    if isinstance(array, list) and isinstance(value, Inert):
        state = value.state
        shape = state[1] if isinstance(state, tuple) and len(state) > 1 else None
        return shape if isinstance(shape, tuple) and all(type(s) is int for s in shape) else (len(array),)
    if isinstance(value, Inert) and value.type_name.startswith("scipy.sparse."):
        shape = value.attributes.get("_shape", value.attributes.get("shape"))
        if isinstance(shape, tuple):
            sides = tuple(plain(side) for side in shape)
            return sides if all(type(side) is int for side in sides) else None
    return None


def class_name(artifact: Artifact) -> str:
    """Return the dotted name of the class of the object that the file holds; empty if it is plain data.

    Parameters
    ----------
    artifact : Artifact
        A model file that was read.
    """
    root = artifact.root
    return printable(root.type_name) if isinstance(root, Inert) else ""


def library_versions(artifact: Artifact) -> dict[str, str]:
    """Return which library releases wrote the file, as far as it says so.

    Returns
    -------
    dict
        From library to version, such as ``{"sklearn": "1.5.2"}``; several versions are joined by a comma.
    """
    found: dict[str, dict[str, None]] = {}
    for node in walk_graph(artifact.root):
        version = node.value.attributes.get("_sklearn_version")
        if isinstance(version, str):
            found.setdefault("sklearn", {})[printable(version, 40)] = None
        for library, written in _writers(node.value):
            found.setdefault(library, {})[written] = None
    return {library: ", ".join(versions) for library, versions in found.items()}


def _writers(value: Inert) -> Iterator[tuple[str, str]]:
    """Yield which library, in which release, wrote a model of a format other than pickle."""
    if value.type_name == "xgboost.core.Booster":
        from modelward.artifacts._boosters import booster_version

        written = booster_version(value)
        if written:
            yield "xgboost", written
    elif value.type_name.startswith("catboost."):
        from modelward.artifacts._catboost import catboost_facts

        said = catboost_facts(value)
        if said is not None and said.version:
            yield "catboost", said.version
    elif value.type_name == "onnx.ModelProto":
        name, release = (value.attributes.get(key) for key in ("producer_name", "producer_version"))
        if isinstance(name, str) and isinstance(release, str) and name and release:
            yield printable(name, 40), printable(release, 40)
