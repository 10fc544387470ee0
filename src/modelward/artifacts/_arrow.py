"""Judging arrays of Arrow in a pickle: pyarrow believes the lengths that a file gives, and reads beside its buffers."""

from __future__ import annotations

from operator import le
from typing import Any

from modelward.artifacts._arrays import to_bytes
from modelward.artifacts._inert import Inert

_OFFSETS = {"string": 4, "utf8": 4, "binary": 4, "large_string": 8, "large_utf8": 8, "large_binary": 8}
_BITS = {
    "bool": 1, "boolean": 1, "int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "float16": 16, "halffloat": 16,
    "int32": 32, "uint32": 32, "float32": 32, "float": 32, "date32": 32, "int64": 64, "uint64": 64, "float64": 64,
    "double": 64, "date64": 64,
}  # fmt: skip
_PIECE = 1 << 16


def sound_arrow(args: tuple[Any, ...]) -> bool:
    """Say whether the buffers of an array hold all that its length says.

    Parameters
    ----------
    args : tuple
        Of a call of ``pyarrow.lib._restore_array``.
    """
    data = args[0] if len(args) == 1 else None
    if type(data) is not tuple or len(data) != 7:
        return False
    kind, length, nulls, offset, buffers, children, dictionary = data
    if not all(type(count) is int for count in (length, nulls, offset)) or length < 0 or offset < 0:
        return False
    if children != [] or dictionary is not None or type(buffers) is not list:
        return False
    parts = [_buffer(part) for part in buffers]
    if not parts or any(part is False for part in parts):
        return False
    end = length + offset
    if parts[0] is not None and len(parts[0]) * 8 < end:
        return False
    alias = _alias(kind)
    if alias in _BITS:
        return len(parts) == 2 and len(parts[1] or b"") * 8 >= end * _BITS[alias]
    if alias in _OFFSETS:
        return len(parts) == 3 and _texts(parts[1] or b"", parts[2] or b"", end, _OFFSETS[alias])
    return False


def _alias(kind: Any) -> str:
    named = isinstance(kind, Inert) and kind.type_name == "pyarrow.lib.type_for_alias" and len(kind.args) == 1
    return kind.args[0] if named and isinstance(kind.args[0], str) else ""


def _buffer(part: Any) -> Any:
    """Return the bytes of a buffer, None for one that is not there, False for what is none."""
    if part is None:
        return None
    if not isinstance(part, Inert) or part.type_name != "pyarrow.lib.py_buffer" or len(part.args) != 1:
        return False
    found = to_bytes(part.args[0])
    return False if found is None else found


def _texts(offsets: Any, content: Any, end: int, width: int) -> bool:
    """Say whether offsets rise from nought or more to no more than the length of the content."""
    if end == 0:
        return True
    if len(offsets) < (end + 1) * width:
        return False
    last = 0
    for start in range(0, end + 1, _PIECE):
        piece = bytes(offsets[start * width : min(end + 1, start + _PIECE) * width])
        view = memoryview(piece)
        values = (view.cast("i") if width == 4 else view.cast("q")).tolist()
        if values[0] < last or not all(map(le, values, values[1:])):
            return False
        last = values[-1]
    return last <= len(content)
