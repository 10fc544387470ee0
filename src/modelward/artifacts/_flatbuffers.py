"""FlatBuffers tables, every offset checked before it is followed."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_MOST = 1_000_000


class Table:
    """A FlatBuffers table.

    Raises
    ------
    struct.error, ValueError
        If an offset points outside.
    """

    def __init__(self, data: memoryview, at: int) -> None:
        self._data, self._at = data, at
        self._fields = at - self._unpack("<i", at)
        self._size = self._unpack("<H", self._fields)

    @classmethod
    def root(cls, data: memoryview) -> Table:
        """Return the table that the first four bytes point to."""
        return cls(data, struct.unpack_from("<I", data, 0)[0])

    def _unpack(self, form: str, at: int) -> Any:
        if not 0 <= at <= len(self._data):
            raise ValueError("an offset points outside")
        return struct.unpack_from(form, self._data, at)[0]

    def _place(self, field: int) -> int:
        """Return where a field is; 0 if it is absent."""
        slot = 4 + 2 * field
        offset = self._unpack("<H", self._fields + slot) if slot < self._size else 0
        return self._at + offset if offset else 0

    def integer(self, field: int, default: int) -> int:
        """Return a field of four bytes."""
        place = self._place(field)
        return int(self._unpack("<i", place)) if place else default

    def number(self, field: int, default: float) -> float:
        """Return a field of eight bytes."""
        place = self._place(field)
        return self._unpack("<d", place) if place else default

    def byte(self, field: int) -> int:
        """Return a field of one byte; 0 if it is absent."""
        place = self._place(field)
        return self._unpack("<B", place) if place else 0

    def array(self, field: int, kind: str) -> NDArray[Any]:
        """Return a vector of plain numbers, such as ``"<i4"``; empty if it is absent."""
        import numpy as np

        start, count = self.vector(field)
        if start + count * np.dtype(kind).itemsize > len(self._data):
            raise ValueError("a vector is longer than its file")
        return np.frombuffer(self._data, kind, count, start) if count else np.empty(0, kind)

    def table(self, field: int) -> Table:
        """Return a table that must be there."""
        place = self._place(field)
        if not place:
            raise ValueError("a part is missing")
        return Table(self._data, place + self._unpack("<I", place))

    def vector(self, field: int) -> tuple[int, int]:
        """Return where a vector's items begin, and how many there are."""
        place = self._place(field)
        if not place:
            return 0, 0
        start = place + self._unpack("<I", place)
        count = self._unpack("<I", start)
        if count > len(self._data):
            raise ValueError("a vector is longer than its file")
        return start + 4, count

    def tables(self, field: int) -> Iterator[Table]:
        """Yield the tables of a vector."""
        start, count = self.vector(field)
        if count > _MOST:
            raise ValueError("too many parts")
        for at in range(start, start + 4 * count, 4):
            yield Table(self._data, at + self._unpack("<I", at))

    def text(self, field: int) -> str:
        """Return a text; empty if it is absent."""
        start, count = self.vector(field)
        if start + count > len(self._data):
            raise ValueError("a text is longer than its file")
        return bytes(self._data[start : start + count]).decode("utf-8", "replace")
