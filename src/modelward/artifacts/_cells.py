"""Which cells of two arrays differ, by bits, and how that is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._canonical import View, array_bytes
from modelward.artifacts._content import buffer_of
from modelward.artifacts._showing import MOST_CELLS, cell, show_view

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

_FIRST = 5
_MOST_TEXTS = 50
_WIDEST = 60
Line = tuple[str, str, str]
"""What follows the array's path, before, after."""


def array_lines(a: View, b: View, *, private: bool) -> Iterator[Line]:
    """Yield how two arrays differ; nothing if they hold the same.

    Parameters
    ----------
    a, b : View
        Of kind ``"array"``; arrays of objects are compared in class and shape alone.
    private : bool
        Whether cells may hold somebody's data: then they are counted and not shown.
    """
    for name, before, after in zip(("class", "dtype", "shape"), a.label, b.label, strict=True):
        if before != after:
            yield f".{name}", str(before), str(after)
    if a.array is None or b.array is None or a.label[2] != b.label[2]:
        return
    if a.label[1] == b.label[1] and _same_bytes(a, b):
        return
    try:
        before, after = a.array.to_numpy(), b.array.to_numpy()
    except (ValueError, TypeError):
        if array_bytes(a.array) != array_bytes(b.array):
            yield "", "an array that cannot be built", "another array that cannot be built"
        return
    if not before.dtype.names and not after.dtype.names:
        yield from _column("", before, after, private=private, whole=(a, b))
        return
    for name in [n for n in before.dtype.names or () if n in (after.dtype.names or ())]:
        yield from _column(f".{name}", before[name], after[name], private=private)


def _same_bytes(a: View, b: View) -> bool:
    x, y = a.array, b.array
    if x is None or y is None or x.fortran != y.fortran or x.dtype != y.dtype:
        return False
    same: bool = buffer_of(x.data, x.start, x.end) == buffer_of(y.data, y.start, y.end)
    return same


def _column(
    name: str,
    before: NDArray[Any],
    after: NDArray[Any],
    *,
    private: bool,
    whole: tuple[View, View] | None = None,
) -> Iterator[Line]:
    changed = _changed(before, after)
    count = int(changed.sum())
    if not count:
        return
    total = int(changed.size)
    if before.dtype.kind in "US" and total > _MOST_TEXTS:
        private = True  # long lists of text may be values of a column that names people
    if private:
        yield name, f"{total:,} cells, not shown", f"{count:,} of them changed"
        return
    if whole is not None and before.ndim <= 1 and total <= MOST_CELLS:
        first, second = show_view(whole[0]), show_view(whole[1])
        if max(len(first), len(second)) <= _WIDEST:
            yield name, first, second
            return
    if count > _FIRST:
        yield name, f"{total:,} cells", f"{count:,} of them changed"
    import numpy as np

    for flat in np.flatnonzero(changed)[:_FIRST]:
        index = np.unravel_index(flat, changed.shape)
        where = ", ".join(str(int(i)) for i in index)
        yield f"{name}[{where}]" if where else name, cell(_item(before, index)), cell(_item(after, index))


def _item(values: NDArray[Any], index: tuple[Any, ...]) -> Any:
    item = values[index]
    return item.item() if hasattr(item, "item") and values.dtype.kind not in "mM" else item


def _changed(before: NDArray[Any], after: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which cells differ in their bits; with another dtype, in their values."""
    import numpy as np

    if before.dtype.newbyteorder("=") == after.dtype.newbyteorder("="):
        x, y = (
            np.ascontiguousarray(v.astype(v.dtype.newbyteorder("="), copy=False)) for v in (before, after)
        )
        size = x.dtype.itemsize
        if x.dtype.names or not size or not x.size:
            return np.zeros(x.shape, dtype=np.bool_) if not x.size else np.asarray(x != y, dtype=np.bool_)
        raw = x.reshape(-1).view(np.uint8).reshape(-1, size) != y.reshape(-1).view(np.uint8).reshape(-1, size)
        return np.asarray(raw.any(axis=1).reshape(x.shape), dtype=np.bool_)
    try:
        with np.errstate(all="ignore"):
            different = np.asarray(before != after, dtype=np.bool_)
            both = np.asarray((before != before) & (after != after), dtype=np.bool_)
    except (TypeError, ValueError, OverflowError, np.exceptions.DTypePromotionError):
        return np.ones(before.shape, dtype=np.bool_)
    return np.broadcast_to(different & ~both, before.shape)
