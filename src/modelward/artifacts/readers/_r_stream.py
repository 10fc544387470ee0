"""The three spellings of R's serialization: XDR (big-endian), native binary and ASCII.

Source: R Internals, "Serialization Formats".
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from modelward.artifacts._arrays import Dtype, RawArray

if TYPE_CHECKING:
    from collections.abc import Callable

NA_INT = -(1 << 31)
_TOKEN = re.compile(rb"\s*(\S+)")
_ESCAPES = {b"n": 10, b"t": 9, b"v": 11, b"b": 8, b"r": 13, b"f": 12, b"a": 7}


class RError(Exception):
    """The content is not what R writes."""


class Binary:
    """Numbers as bytes; vectors stay where they are."""

    def __init__(self, data: bytes, position: int, order: str) -> None:
        self.data, self.position, self.order = data, position, order
        self.unpack: Callable[..., tuple[int]] = struct.Struct(f"{order}i").unpack_from

    def integer(self) -> int:
        """Read one integer of four bytes."""
        try:
            value = self.unpack(self.data, self.position)[0]
        except struct.error:
            raise RError("it ends too early") from None
        self.position += 4
        return value

    def text(self, length: int) -> bytes:
        """Read a string of so many bytes."""
        return bytes(self.data[self.take(length, 1) : self.position])

    def take(self, count: int, size: int) -> int:
        """Step over so many items; return where they began."""
        start = self.position
        if count < 0 or start + count * size > len(self.data):
            raise RError(f"a vector asks for {count:,} items, more than the file has")
        self.position = start + count * size
        return start

    def least(self) -> int:
        """Return how many more objects there can be: none is shorter than four bytes."""
        return (len(self.data) - self.position) // 4

    def vector(self, code: str, size: int, count: int) -> RawArray:
        """Read a vector of numbers."""
        start = self.take(count, size)
        order = "|" if size == 1 else self.order
        return RawArray(Dtype(f"{order}{code}{size}", size), (count,), False, self.data, start, self.position)


class Ascii:
    """Numbers as words."""

    def __init__(self, data: bytes, position: int) -> None:
        self.data, self.position = data, position

    def word(self) -> bytes:
        """Read up to the next white space."""
        found = _TOKEN.match(self.data, self.position)
        if found is None or len(found[1]) > 64:
            raise RError("it ends too early" if found is None else "a number is too long")
        self.position = found.end()
        return found[1]

    def integer(self) -> int:
        """Read one integer."""
        word = self.word()
        try:
            value = NA_INT if word == b"NA" else int(word)
        except ValueError:
            raise RError("a number is none") from None
        if not -(1 << 31) <= value < 1 << 31:
            raise RError("a number is out of range")
        return value

    def text(self, length: int) -> bytes:
        """Read a string of so many bytes, its escapes undone."""
        while self.data[self.position : self.position + 1].isspace():
            self.position += 1
        out = bytearray()
        while len(out) < length:
            out.append(self._char())
        return bytes(out)

    def _char(self) -> int:
        char = self.data[self.position : self.position + 1]
        if not char:
            raise RError("it ends too early")
        self.position += 1
        if char != b"\\":
            return char[0]
        octal = re.compile(rb"[0-7]{1,3}").match(self.data, self.position)
        if octal:
            self.position = octal.end()
            return int(octal[0], 8) & 255
        char = self.data[self.position : self.position + 1]
        self.position += 1
        if not char:
            raise RError("it ends too early")
        return _ESCAPES.get(char, char[0])

    def least(self) -> int:
        """Return how many more objects there can be."""
        return (len(self.data) - self.position) // 2 + 1

    def vector(self, code: str, size: int, count: int) -> RawArray:
        """Read a vector of numbers, and pack it."""
        words = count * (2 if code == "c" else 1)
        if count < 0 or words > self.least():
            raise RError(f"a vector asks for {count:,} items, more than the file has")
        try:
            if code == "i":
                packed = struct.pack(f"<{words}i", *(self.integer() for _ in range(words)))
            elif code == "u":
                packed = bytes(int(self.word(), 16) for _ in range(words))
            else:
                packed = struct.pack(f"<{words}d", *(self._real() for _ in range(words)))
        except (ValueError, struct.error):
            raise RError("a number is none") from None
        order = "|" if size == 1 else "<"
        return RawArray(Dtype(f"{order}{code}{size}", size), (count,), False, packed, 0, len(packed))

    def _real(self) -> float:
        word = self.word()
        return float("nan") if word == b"NA" else float(word)


def open_stream(data: bytes) -> tuple[Binary | Ascii, bool]:
    """Return the stream behind the magic bytes, and whether it is a workspace (.rda) of named objects."""
    workspace = data[:3] in (b"RDX", b"RDA", b"RDB") and data[3:5] in (b"2\n", b"3\n")
    at = 5 if workspace else 0
    form = data[at : at + 2]
    if form == b"X\n":
        return Binary(data, at + 2, ">"), workspace
    if form == b"A\n":
        return Ascii(data, at + 2), workspace
    if form == b"B\n":
        # Native bytes: the version number, a small one, tells their order.
        return Binary(data, at + 2, "<" if data[at + 3 : at + 6] == b"\0\0\0" else ">"), workspace
    raise RError("it does not begin as R's files do")
