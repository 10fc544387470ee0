"""Where in a file's graph some bytes of its content lie."""

from __future__ import annotations

from typing import Any

from modelward.artifacts._arrays import RawArray, as_array
from modelward.artifacts._content import Content, Stretch, TextStretch
from modelward.artifacts._graph import join
from modelward.artifacts._inert import Inert, is_inert_class

_SAMPLE = 24
_PATH = 300


def place_of(root: Any, content: Any, at: int, max_visits: int) -> str:
    """Return the path of the bytes, text or array that holds a position of the content.

    Parameters
    ----------
    root : object
        The graph that was read from the content.
    content : bytes or Content
        The file.
    at : int
        A position in it.
    max_visits : int
        How many values are looked at.

    Returns
    -------
    str
        Such as ``[0].payload``; ``byte 1,234`` where the graph has no such place.
    """
    sample = bytes(content[at : at + _SAMPLE])
    seen: set[int] = set()
    pending: list[tuple[str, Any]] = [("", root)]
    visits = 0
    while pending and visits < max_visits:
        path, value = pending.pop()
        visits += 1
        if _holds(value, content, at, sample):
            return path or "the object itself"
        if id(value) in seen or is_inert_class(value) or len(path) > _PATH:
            continue
        seen.add(id(value))
        pending.extend(reversed(_parts(path, value)))
    return f"byte {at:,}"


def _holds(value: Any, content: Any, at: int, sample: bytes) -> bool:
    if isinstance(value, RawArray | Stretch | TextStretch):
        inner = value.data if isinstance(value, RawArray) else value.content
        if isinstance(inner, Stretch):
            begin = inner.start
            return inner.content is content and begin + value.start <= at < begin + value.end
        if inner is content:
            return value.start <= at < value.end
        return isinstance(inner, bytes | bytearray) and sample[:12] in inner[value.start : value.end]
    if isinstance(value, bytes | bytearray):
        return sample[:12] in value or sample in value
    if isinstance(value, str) and len(value) >= 8:
        try:
            return sample[:12].decode("utf-8", "ignore") in value
        except ValueError:
            return False
    return False


def _parts(path: str, value: Any) -> list[tuple[str, Any]]:
    """Return what a value holds, with paths."""
    if isinstance(value, dict):
        keys = [(f"{path} (a key)", key) for key in value if isinstance(key, str | bytes | tuple)]
        return [(f"{path}[{_key(key)}]", item) for key, item in value.items()] + keys
    if isinstance(value, list | tuple):
        return [(f"{path}[{i}]", item) for i, item in enumerate(value)]
    if isinstance(value, set | frozenset):
        return [(f"{path}{{}}", item) for item in value]
    if isinstance(value, Content) or not isinstance(value, Inert):
        return []
    array = as_array(value)
    if isinstance(array, RawArray):
        return [(path, array)]
    named = [(join(path, key), item) for key, item in value.attributes.items()]
    rest = [value.args, value.kwargs, value.items, *(list(pair) for pair in value.pairs), value.payload]
    if not named:
        rest.append(value.state)
    return named + [(path, item) for item in rest if item is not None and item != ()]


def _key(key: Any) -> str:
    return repr(key)[:80] if isinstance(key, str | int) else "?"
