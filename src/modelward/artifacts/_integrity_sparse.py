"""Sparse matrices whose indices point outside: scipy follows them without looking, when it reads and when it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import plain
from modelward.artifacts._artifact import Defect
from modelward.artifacts._graph import numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OUTSIDE = "is a sparse matrix whose indices point outside it: using it reads or writes memory beside it"


def sparse_defects(path: str, kind: str, attributes: dict[Any, Any]) -> list[Defect]:
    """Return what is wrong with the indices of a sparse matrix.

    Parameters
    ----------
    path : str
        Where it is.
    kind : str
        Dotted name of its class.
    attributes : dict
        Of its stand-in.
    """
    form = kind.rpartition(".")[2][:3]
    sides = attributes.get("_shape", attributes.get("shape"))
    if not kind.startswith("scipy.sparse.") or form not in ("csr", "csc", "bsr", "coo"):
        return []
    if not isinstance(sides, tuple) or not all(isinstance(plain(side), int) for side in sides):
        return []
    shape = [int(plain(side)) for side in sides]
    sound = _listed(attributes, shape) if form == "coo" else _compressed(attributes, shape, form)
    return [] if sound else [Defect(path, _OUTSIDE)]


def _listed(attributes: dict[Any, Any], shape: list[int]) -> bool:
    parts = attributes.get("coords")
    parts = parts if isinstance(parts, tuple) else (attributes.get("row"), attributes.get("col"))
    data = numbers(attributes.get("data"))
    if data is None or len(parts) != len(shape):
        return data is None
    for part, side in zip(parts, shape, strict=True):
        found = numbers(part)
        if found is None or len(found) != len(data) or not _within(found, side):
            return False
    return True


def _compressed(attributes: dict[Any, Any], shape: list[int], form: str) -> bool:
    starts, indices, data = (numbers(attributes.get(name)) for name in ("indptr", "indices", "data"))
    if data is None:
        return True  # of objects: scipy computes nothing with them in compiled code
    if starts is None or indices is None or starts.ndim != 1 or indices.ndim != 1:
        return False
    block = data.shape[1:] if form == "bsr" else (1, 1)
    if len(block) != 2 or 0 in block or len(shape) not in (1, 2):
        return False
    shape = [1, *shape] if len(shape) == 1 else shape
    rows, columns = (shape[1], shape[0]) if form == "csc" else (shape[0] // block[0], shape[1] // block[1])
    ends = int(starts[-1]) if len(starts) else -1
    return (
        len(starts) == rows + 1
        and int(starts[0]) == 0
        and bool((starts[1:] >= starts[:-1]).all())
        and ends <= min(len(indices), len(data))
        and _within(indices[:ends], columns)
    )


def _within(indices: NDArray[Any], side: int) -> bool:
    """Say whether all indices are whole numbers from nought to below a side."""
    if indices.dtype.kind not in "iu":
        return False
    return not len(indices) or (int(indices.min()) >= 0 and int(indices.max()) < side)
