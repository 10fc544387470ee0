"""Tensors of an ONNX model: their bytes, or where outside the file they are said to be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelward.artifacts._arrays import Dtype, RawArray
from modelward.artifacts._container import printable
from modelward.artifacts.readers._notes import BrokenError
from modelward.artifacts.readers._onnx_fields import ENTRY

if TYPE_CHECKING:
    from typing import Any

    from modelward.artifacts.readers._notes import Notes
    from modelward.artifacts.readers._protobuf import Message

_MAX_SIDE = 1 << 48
_STRING = 8
# data_type: dtype as raw bytes, and the typed field that may hold the values instead.
_TYPES = {
    1: ("<f4", 4, "float_data"), 2: ("|u1", 1, "int32_data"), 3: ("|i1", 1, "int32_data"),
    4: ("<u2", 2, "int32_data"), 5: ("<i2", 2, "int32_data"), 6: ("<i4", 4, "int32_data"),
    7: ("<i8", 8, "int64_data"), 9: ("|b1", 1, "int32_data"), 10: ("<f2", 2, "int32_data"),
    11: ("<f8", 8, "double_data"), 12: ("<u4", 4, "uint64_data"), 13: ("<u8", 8, "uint64_data"),
    14: ("<c8", 8, "float_data"), 15: ("<c16", 16, "double_data"), 16: ("|V2", 2, "int32_data"),
    17: ("|V1", 1, "int32_data"), 18: ("|V1", 1, "int32_data"), 19: ("|V1", 1, "int32_data"),
    20: ("|V1", 1, "int32_data"), 24: ("|V1", 1, "int32_data"),
}  # fmt: skip
_PACKED = {21: 4, 22: 4, 23: 4, 25: 2, 26: 2, 27: 6, 28: 6}
"""Kinds narrower than a byte, with their bits; they are kept as the bytes they are packed into."""
_DATA = ("raw_data", "float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data")
_OUTSIDE = re.compile(r"^(?:[/\\~]|[A-Za-z]:|[A-Za-z][A-Za-z0-9+.-]*://)|(?:^|[/\\])\.\.(?:[/\\]|$)|\x00")


def tensor(message: Message, notes: Notes, where: str) -> RawArray | list[str] | dict[str, Any]:
    """Return a tensor's array; a list for texts, a dict that says where for one outside the file.

    Raises
    ------
    BrokenError
        If its values do not fit its shape.
    """
    name = f"tensor {printable(message.text('name') or where, 80)!r}"
    entries = {entry.text("key"): entry.text("value") for entry in message.inners("external_data", ENTRY)}
    if message.number("data_location") == 1:
        return _external(name, entries, notes)
    if entries:
        notes.suspicious(f"{name} names a file beside its own values, which some readers take instead")
    shape, count = _shape(message, name)
    held = [field for field in _DATA if field in message.found]
    if len(held) > 1:
        notes.suspicious(f"{name} has values in {' and '.join(held)}: readers differ in which they take")
    kind = message.number("data_type")
    if kind == _STRING:
        texts = [message.data[a:b].decode("utf-8", "replace") for a, b in message.spans("string_data")]
        notes.spend(sum(60 + 2 * len(text) for text in texts))
        if len(texts) != count:
            raise BrokenError(f"{name} needs {count:,} texts and has {len(texts):,}")
        return texts
    return _array(message, name, kind, shape, count)


def _shape(message: Message, name: str) -> tuple[tuple[int, ...], int]:
    shape = tuple(message.numbers("dims"))
    if len(shape) > 64 or any(side < 0 for side in shape):
        raise BrokenError(f"{name} has a shape that is none")
    count = 1
    for side in shape:
        count *= side
        if count > _MAX_SIDE:
            raise BrokenError(f"{name} has a shape larger than any memory")
    return shape, count


def _external(name: str, entries: dict[str, str], notes: Notes) -> dict[str, Any]:
    """Judge where values outside the file are said to be; they are not looked for."""
    location = entries.get("location", "")
    shown = printable(location, 120)
    if _OUTSIDE.search(location):
        notes.malicious(f"{name} reads {shown!r}, a path that leads away from the model, when it is loaded")
    else:
        notes.unreadable(f"{name} lies outside the file, in {shown!r}: it is not checked")
    return {"external_data": entries}


def _array(message: Message, name: str, kind: int, shape: tuple[int, ...], count: int) -> RawArray:
    if kind in _PACKED:
        code, width, typed = "|V1", 1, "int32_data"
        shape = (-(-count * _PACKED[kind] // 8),)
        count = shape[0]
    elif kind in _TYPES:
        code, width, typed = _TYPES[kind]
    else:
        raise BrokenError(f"{name} is of the unknown data type {kind:,}")
    if "raw_data" in message.found:
        message.raw("raw_data")
        start, end = message.spans("raw_data")[-1]
        data = message.data
    elif typed in ("float_data", "double_data"):
        data, start, end = message.packed(typed, 4 if typed == "float_data" else 8)
    else:
        values = message.numbers(typed)
        mask = (1 << 8 * width) - 1
        data = b"".join((value & mask).to_bytes(width, "little") for value in values)
        start, end = 0, len(data)
    if end - start != count * width:
        raise BrokenError(f"{name} needs {count * width:,} bytes and has {end - start:,}")
    return RawArray(Dtype(code, width), shape, False, data, start, end)
