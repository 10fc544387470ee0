"""Links of a tree that libraries follow without looking: in range, each node once, no cycles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def vector(value: Any, kind: type) -> Any:
    """Return a list or array of the file as a numpy vector of floats or 64-bit integers; None if it is none."""
    import numpy as np

    from modelward.artifacts._arrays import RawArray

    if isinstance(value, RawArray):
        if len(value.shape) != 1 or value.dtype.code[1:2] not in "iuf":
            return None
        found = value.to_numpy()
    elif isinstance(value, list):
        allowed = (int,) if kind is int else (int, float)
        if not all(type(item) in allowed for item in value):
            return None
        try:
            found = np.array(value, dtype=np.int64 if kind is int else np.float64)
        except OverflowError:
            return None
    else:
        return None
    if kind is int and found.dtype.kind == "f":
        return None
    return found.astype(np.int64 if kind is int else np.float64)


def reached(left: NDArray[np.int64], right: NDArray[np.int64]) -> tuple[NDArray[np.bool_], str]:
    """Follow a tree's links from node 0; a leaf has -1 on both sides.

    Returns
    -------
    mask : array of bool
        Nodes that a row can come to; meaningless if something is wrong.
    problem : str
        What is wrong; empty if nothing is.
    """
    import numpy as np

    n = len(left)
    inner = left != -1
    mask = np.zeros(n, dtype=np.bool_)
    if n == 0:
        return mask, "has no nodes"
    if ((right != -1) != inner).any():
        return mask, "has a node with one child"
    parents = np.flatnonzero(inner)
    children = np.concatenate([left[inner], right[inner]])
    if ((children < 0) | (children >= n)).any():
        return mask, "has a link that points outside the tree"
    times = np.bincount(children, minlength=n)
    if (children > np.concatenate([parents, parents])).all() and (times[1:] == 1).all():
        return ~mask, ""
    return _walked(left.tolist(), right.tolist(), mask)


def _walked(left: list[int], right: list[int], mask: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], str]:
    """Follow the links one by one: nodes were deleted or numbered anew, or something is wrong."""
    pending = [0]
    while pending:
        node = pending.pop()
        if mask[node]:
            return mask, "has a node that is reached twice (a cycle)"
        mask[node] = True
        if left[node] != -1:
            pending += (right[node], left[node])
    return mask, ""
