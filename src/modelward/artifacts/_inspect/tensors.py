"""Arrays of formats that hold arrays by name: their names, shapes and kinds, never their content."""

from __future__ import annotations

from typing import Any

from modelward.artifacts._arrays import RawArray, as_array
from modelward.artifacts._container import printable
from modelward.artifacts._graph import _children
from modelward.artifacts._inert import is_inert_class

MOST = 20_000
_VISITS = 2_000_000


def tensors(root: Any) -> tuple[tuple[str, tuple[int, ...], str], ...]:
    """Return path, shape and dtype of every numeric array of a graph, once each, at most `MOST`."""
    found: list[tuple[str, tuple[int, ...], str]] = []
    seen: set[int] = set()
    pending: list[tuple[str, Any]] = [("", root)]
    while pending and len(found) < MOST and len(seen) < _VISITS:
        path, value = pending.pop()
        if id(value) in seen or is_inert_class(value):
            continue
        seen.add(id(value))
        array = value if isinstance(value, RawArray) else as_array(value)
        if isinstance(array, RawArray):
            kind = array.dtype.code or "record"
            found.append((printable(path or "the object"), array.shape, kind.lstrip("<>|=")))
        elif isinstance(array, list):
            pending.append((path, array))
        else:
            pending.extend(reversed([(p[:300], v) for p, v in _children(path, value)]))
    return tuple(found)
