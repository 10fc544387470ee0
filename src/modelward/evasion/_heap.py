"""A heap in two arrays, compiled."""

from __future__ import annotations

from typing import Any

from modelward.evasion._kernels import compiled


@compiled
def push(keys: Any, nodes: Any, size: Any, key: Any, node: Any) -> None:
    """Add to a heap of `size` entries, the least key on top."""
    i = size
    while i > 0 and key < keys[(i - 1) // 2]:
        keys[i], nodes[i] = keys[(i - 1) // 2], nodes[(i - 1) // 2]
        i = (i - 1) // 2
    keys[i], nodes[i] = key, node


@compiled
def pop(keys: Any, nodes: Any, size: Any) -> None:
    """Take the top off a heap of `size` entries."""
    key, node = keys[size - 1], nodes[size - 1]
    i, end = 0, size - 1
    while True:
        child = 2 * i + 1
        if child >= end:
            break
        if child + 1 < end and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= key:
            break
        keys[i], nodes[i] = keys[child], nodes[child]
        i = child
    keys[i], nodes[i] = key, node
