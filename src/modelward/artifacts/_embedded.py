"""Models inside text or bytes of another file: a booster that an estimator keeps as its library wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelward.artifacts._canonical import View

_SHORTEST = 64


def embedded(one: View) -> Any:
    """Return the graph of the model that a text or bytes hold; None if they hold none that can be read.

    It is read as a file of its own would be, so nothing of it runs.
    """
    from modelward.artifacts._read import read_bytes

    content = one.label[1] if one.kind == "bytes" else one.value
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogatepass")
    if not isinstance(content, bytes) or len(content) < _SHORTEST:
        return None
    inner = read_bytes(content)
    return inner.root if inner.verdict in ("clean", "suspicious") else None
