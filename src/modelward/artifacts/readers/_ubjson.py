"""Universal Binary JSON (draft 12) as XGBoost writes it, read within bounds."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import Dtype, RawArray
from modelward.artifacts._container import printable
from modelward.artifacts.readers._notes import BrokenError

if TYPE_CHECKING:
    from modelward.artifacts.readers._notes import Notes

MAX_DEPTH = 200
_NUMBERS = {
    b"i": (">b", "|i1"), b"U": (">B", "|u1"), b"I": (">h", ">i2"), b"l": (">i", ">i4"), b"L": (">q", ">i8"),
    b"d": (">f", ">f4"), b"D": (">d", ">f8"),
}  # fmt: skip
_CONSTANTS = {b"Z": None, b"N": None, b"T": True, b"F": False}


class UbjReader:
    """Reads one value.

    Parameters
    ----------
    data : bytes
        The content.
    notes : Notes
        Told of names that occur twice; bounds the memory.
    """

    def __init__(self, data: bytes, notes: Notes) -> None:
        self.data = data
        self.notes = notes
        self.at = 0

    def value(self, depth: int = 0) -> Any:
        """Return the value that begins here; arrays of one type of number become `RawArray`."""
        return self._body(self._take(1), depth)

    def _take(self, count: int) -> bytes:
        if count < 0 or count > len(self.data) - self.at:
            raise BrokenError(f"it ends early or names a length that it does not have, at byte {self.at:,}")
        self.at += count
        return self.data[self.at - count : self.at]

    def _body(self, marker: bytes, depth: int) -> Any:
        """Return the value after its marker."""
        if depth > MAX_DEPTH:
            raise BrokenError(f"it is nested more than {MAX_DEPTH} deep")
        if marker == b"{":
            return self._object(depth)
        if marker == b"[":
            return self._array(depth)
        if marker in _NUMBERS:
            self.notes.spend(32)
            code = _NUMBERS[marker][0]
            return struct.unpack(code, self._take(struct.calcsize(code)))[0]
        if marker == b"S":
            return self._text(self._take(1))
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        if marker == b"C":
            return self._take(1).decode("latin1")
        raise BrokenError(f"byte {self.at - 1:,} is no type that UBJSON has here")

    def _length(self, marker: bytes) -> int:
        if marker not in _NUMBERS or marker in (b"d", b"D"):
            raise BrokenError(f"byte {self.at - 1:,} begins no length")
        code = _NUMBERS[marker][0]
        count: int = struct.unpack(code, self._take(struct.calcsize(code)))[0]
        if count < 0:
            raise BrokenError(f"a length is negative at byte {self.at:,}")
        return count

    def _text(self, marker: bytes) -> str:
        raw = self._take(self._length(marker))
        self.notes.spend(64 + 2 * len(raw))
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise BrokenError(f"a text is no UTF-8 before byte {self.at:,}") from None

    def _head(self) -> tuple[bytes, int, bytes]:
        """Read what stands at the head of a list or object: a type for all items, a count."""
        marker = self._take(1)
        kind = b""
        if marker == b"$":
            kind = self._take(1)
            marker = self._take(1)
            if marker != b"#":
                raise BrokenError(f"a typed list has no count at byte {self.at:,}")
        if marker == b"#":
            return kind, self._length(self._take(1)), b""
        return kind, -1, marker

    def _array(self, depth: int) -> Any:
        self.notes.spend(96)
        kind, count, marker = self._head()
        if kind in _NUMBERS:
            code, dtype = _NUMBERS[kind]
            start = self.at
            self._take(count * struct.calcsize(code))
            return RawArray(Dtype(dtype, struct.calcsize(code)), (count,), False, self.data, start, self.at)
        if kind:
            raise BrokenError(f"a typed list is not of numbers at byte {self.at:,}")
        items: list[Any] = []
        while count >= 0 and len(items) < count:
            self.notes.spend(16)
            items.append(self.value(depth + 1))
        while count < 0 and marker != b"]":
            self.notes.spend(16)
            items.append(self._body(marker, depth + 1))
            marker = self._take(1)
        return items

    def _object(self, depth: int) -> dict[str, Any]:
        self.notes.spend(300)
        kind, count, marker = self._head()
        if kind:
            raise BrokenError(f"an object has one type for all at byte {self.at:,}")
        made: dict[str, Any] = {}
        number = 0
        while number < count or (count < 0 and marker != b"}"):
            self.notes.spend(100)
            key = self._text(marker if count < 0 else self._take(1))
            if key in made:
                self.notes.suspicious(
                    f"names {printable(key, 80)!r} twice in one object: readers differ in which one counts"
                )
            made[key] = self.value(depth + 1)
            number += 1
            if count < 0:
                marker = self._take(1)
        return made
