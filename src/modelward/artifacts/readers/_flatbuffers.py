"""Tables of FlatBuffers, read within bounds: every offset is checked before it is followed."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from modelward.artifacts.readers._notes import BrokenError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Table:
    """One table.

    Parameters
    ----------
    data : bytes
        The buffer.
    at : int
        Where the table begins.
    """

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at
        self.fields = at - self._read("<i", at)
        self.size = self._read("<H", self.fields)

    @classmethod
    def root(cls, data: bytes) -> Table:
        """Return the table that a buffer begins with."""
        return cls(data, _unpack(data, "<I", 0))

    def _read(self, code: str, at: int) -> Any:
        return _unpack(self.data, code, at)

    def _place(self, slot: int) -> int:
        """Return where a field lies; 0 if it is not there."""
        entry = 4 + 2 * slot
        if entry + 2 > self.size:
            return 0
        offset = self._read("<H", self.fields + entry)
        return self.at + offset if offset else 0

    def scalar(self, slot: int, code: str, default: Any) -> Any:
        """Return a number."""
        at = self._place(slot)
        return self._read(code, at) if at else default

    def _follow(self, slot: int) -> int:
        at = self._place(slot)
        return at + self._read("<I", at) if at else 0

    def table(self, slot: int) -> Table | None:
        """Return a table that a field points to."""
        at = self._follow(slot)
        return Table(self.data, at) if at else None

    def _vector(self, slot: int, width: int) -> tuple[int, int]:
        """Return where a vector's items begin, and how many there are."""
        at = self._follow(slot)
        if not at:
            return 0, 0
        count = self._read("<I", at)
        if count * width > len(self.data) - at - 4:
            raise BrokenError(f"a list at byte {at:,} is longer than the file")
        return at + 4, count

    def text(self, slot: int) -> str:
        """Return a text."""
        at, count = self._vector(slot, 1)
        return self.data[at : at + count].decode("utf-8", "replace")

    def array(self, slot: int, dtype: str) -> NDArray[Any]:
        """Return a vector of numbers."""
        import numpy as np

        kind: np.dtype[Any] = np.dtype(dtype)
        at, count = self._vector(slot, kind.itemsize)
        return np.frombuffer(self.data, dtype=kind, count=count, offset=at) if count else np.empty(0, kind)

    def tables(self, slot: int) -> list[Table]:
        """Return a vector of tables."""
        at, count = self._vector(slot, 4)
        return [Table(self.data, place + self._read("<I", place)) for place in range(at, at + 4 * count, 4)]


def _unpack(data: bytes, code: str, at: int) -> Any:
    if at < 0 or at + struct.calcsize(code) > len(data):
        raise BrokenError(f"it points to byte {at:,}, which it does not have")
    return struct.unpack_from(code, data, at)[0]
