"""Arrays of formats that hold arrays by name: their names, shapes and kinds, never their content."""

from __future__ import annotations

from typing import Any

from modelward.artifacts._arrays import RawArray, as_array
from modelward.artifacts._container import printable
from modelward.artifacts._graph import _children
from modelward.artifacts._inert import Inert, is_inert_class

MOST = 20_000
_VISITS = 2_000_000
_EMBEDDINGS = ("torch.nn.modules.sparse.Embedding", "torch.nn.modules.sparse.EmbeddingBag")


def tensors(root: Any) -> tuple[tuple[str, tuple[int, ...], str], ...]:
    """Return path, shape and dtype of every numeric array of a graph, once each, at most `MOST`.

    Those of PyTorch's embedding layers say so: a path of numbered layers would not tell.
    """
    found: list[tuple[str, tuple[int, ...], str]] = []
    seen: set[int] = set()
    pending: list[tuple[str, Any, bool]] = [("", root, False)]
    while pending and len(found) < MOST and len(seen) < _VISITS:
        path, value, embedding = pending.pop()
        if id(value) in seen or is_inert_class(value):
            continue
        seen.add(id(value))
        array = value if isinstance(value, RawArray) else as_array(value)
        if isinstance(array, RawArray):
            kind = array.dtype.code or "record"
            name = f"{path} (embedding)" if embedding else path or "the object"
            found.append((printable(name), array.shape, kind.lstrip("<>|=")))
        elif isinstance(array, list):
            pending.append((path, array, embedding))
        else:
            embedding = embedding or (isinstance(value, Inert) and value.type_name in _EMBEDDINGS)
            pending.extend(reversed([(p[:300], v, embedding) for p, v in _children(path, value)]))
    return tuple(found)
