"""The header of a .npy file: a Python literal, read by a parser that knows three keys and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from modelward.artifacts._arrays import Dtype, read_shape

MAGIC = b"\x93NUMPY"
_MAX_HEADER = 1 << 20
_MAX_DEPTH = 8
_MAX_FIELDS = 10_000
_TOKEN = re.compile(
    r"\s*(?:(?P<mark>[{}()\[\]:,])|(?P<number>\d{1,20})L?|(?P<word>True|False|None)|u?(?P<text>'[^'\\]*'|\"[^\"\\]*\"))",
    re.ASCII,
)
_CODE = re.compile(r"([<>|=]?)([?bBiufcSUVaOmM])(\d{0,9})(\[\d{0,6}[A-Za-z]{1,7}\])?", re.ASCII)
_SIZES = {
    "f": (2, 4, 8, 12, 16),
    "c": (8, 16, 24, 32),
    "i": (1, 2, 4, 8),
    "u": (1, 2, 4, 8),
    "b": (1,),
    "B": (1,),
    "?": (1,),
}


class HeaderError(Exception):
    """A header that is none; the message says why."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a .npy header says, and where the data begins."""

    dtype: Dtype
    shape: tuple[int, ...]
    fortran: bool
    start: int


def read_header(content: bytes, position: int = 0) -> Header:
    """Read the header at a position.

    Raises
    ------
    HeaderError
        If it is cut off, too long, or says what no header says.
    """
    major = content[position + 6] if len(content) > position + 7 else 0
    if content[position : position + 6] != MAGIC or major not in (1, 2, 3):
        raise HeaderError("it has no .npy header of a known version")
    wide = 2 if major == 1 else 4
    length = int.from_bytes(content[position + 8 : position + 8 + wide], "little")
    begin = position + 8 + wide
    if length > _MAX_HEADER or begin + length > len(content):
        raise HeaderError("its .npy header is too long or cut off")
    text = content[begin : begin + length].decode("utf-8" if major == 3 else "latin1", "replace")
    value = _Parser(text).whole()
    if not isinstance(value, dict) or set(value) != {"descr", "fortran_order", "shape"}:
        raise HeaderError("its .npy header has other keys than descr, fortran_order and shape")
    shape = read_shape(value["shape"]) if isinstance(value["shape"], tuple) else None
    if shape is None or type(value["fortran_order"]) is not bool:
        raise HeaderError("its .npy header has no shape or order that makes sense")
    return Header(_dtype(value["descr"], 0), shape, value["fortran_order"], begin + length)


class _Parser:
    """Dicts, tuples, lists, plain strings, counts, True, False and None; no escapes, no operators."""

    def __init__(self, text: str) -> None:
        self._text = text.rstrip(" \n\t\0")
        self._position = 0

    def whole(self) -> Any:
        value = self._value(0)
        if self._position != len(self._text):
            raise HeaderError("something follows its .npy header's dictionary")
        return value

    def _next(self) -> tuple[str, str]:
        match = _TOKEN.match(self._text, self._position)
        if match is None or match.lastgroup is None:
            raise HeaderError("its .npy header is no plain literal")
        self._position = match.end()
        return match.lastgroup, match.group(match.lastgroup)

    def _value(self, depth: int) -> Any:
        kind, piece = self._next()
        if depth > _MAX_DEPTH:
            raise HeaderError("its .npy header is nested too deeply")
        if kind == "text":
            return piece[1:-1]
        if kind == "number":
            return int(piece)
        if kind == "word":
            return {"True": True, "False": False, "None": None}[piece]
        if piece == "{":
            return self._dict(depth)
        if piece in ("(", "["):
            return self._sequence(depth, {"(": ")", "[": "]"}[piece])
        raise HeaderError("its .npy header is no plain literal")

    def _peek(self) -> str:
        position = self._position
        piece = self._next()[1]
        self._position = position
        return piece

    def _sequence(self, depth: int, close: str) -> Any:
        items: list[Any] = []
        comma = False
        while self._peek() != close:
            if items and not comma:
                raise HeaderError("its .npy header is no plain literal")
            items.append(self._value(depth + 1))
            comma = self._peek() == ","
            if comma:
                self._next()
        self._next()
        if close == "]":
            return items
        return tuple(items) if len(items) != 1 or comma else items[0]

    def _dict(self, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        while self._peek() != "}":
            key = self._value(depth + 1)
            if not isinstance(key, str) or key in found or self._next()[1] != ":":
                raise HeaderError("its .npy header is no plain dictionary")
            found[key] = self._value(depth + 1)
            if self._peek() != ",":
                break
            self._next()
        if self._next()[1] != "}":
            raise HeaderError("its .npy header is no plain dictionary")
        return found


def _dtype(descr: Any, depth: int) -> Dtype:
    if isinstance(descr, str):
        return _simple(descr)
    if isinstance(descr, tuple) and len(descr) == 2:  # a subarray
        shape = read_shape(descr[1])
        part = _dtype(descr[0], depth + 1)
        if shape is None:
            raise HeaderError("its .npy header names a dtype that is not known")
        return _repeated(part, shape)
    if not isinstance(descr, list) or depth > _MAX_DEPTH or len(descr) > _MAX_FIELDS:
        raise HeaderError("its .npy header names a dtype that is not known")
    fields, offset = [], 0
    for item in descr:
        if not isinstance(item, tuple) or not 2 <= len(item) <= 3:
            raise HeaderError("its .npy header names a dtype that is not known")
        part = _dtype(item[1], depth + 1)
        if len(item) == 3:
            shape = read_shape(item[2])
            if shape is None:
                raise HeaderError("its .npy header names a dtype that is not known")
            part = _repeated(part, shape)
        name = item[0][-1] if isinstance(item[0], tuple) and item[0] else item[0]
        if not isinstance(name, str):
            raise HeaderError("its .npy header names a dtype that is not known")
        if name:  # an empty name is padding
            fields.append((name, part, offset))
        offset += part.itemsize
    return Dtype("", offset, tuple(fields), any(part.is_object for _, part, _ in fields))


def _repeated(part: Dtype, shape: tuple[int, ...]) -> Dtype:
    count = 1
    for side in shape:
        count *= side
    if part.is_object:
        return Dtype("|O", 8 * count, is_object=True)
    return Dtype(f"|V{part.itemsize * count}", part.itemsize * count)


def _simple(code: str) -> Dtype:
    match = _CODE.fullmatch(code)
    if match is None:
        raise HeaderError("its .npy header names a dtype that is not known")
    order, kind, digits, unit = match.groups()
    if kind == "O":
        return Dtype("|O", 8, is_object=True)
    size = int(digits or 1)
    if kind in _SIZES and size not in _SIZES[kind]:
        raise HeaderError("its .npy header names a dtype that is not known")
    if kind in "mM":
        return Dtype(f"{order or '<'}{kind}8{unit or ''}", 8)
    if kind == "b" and order in ("|", ""):
        return Dtype("|b1", 1)
    return Dtype(f"{order or '|'}{kind}{size}", size * 4 if kind == "U" else size)
