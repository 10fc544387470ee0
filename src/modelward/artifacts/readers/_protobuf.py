"""The wire format of protocol buffers, read within bounds and by a table of fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts.readers._notes import BrokenError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from modelward.artifacts.readers._notes import Notes

MAX_DEPTH = 64
"""How deep messages may be nested; protobuf itself stops at 100."""
_FIELD = 64


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return a variable-length number and where it ends.

    Raises
    ------
    BrokenError
        If it runs past `end` or over 64 bits.
    """
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
    raise BrokenError(f"a number does not end at byte {at:,}")


def signed(value: int) -> int:
    """Return a 64-bit number as signed."""
    return value - (1 << 64) if value >= 1 << 63 else value


def fields(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, Any]]:
    """Yield the fields of a message.

    Yields
    ------
    number, kind : int
        Field number and wire type: 0 a number, 1 eight bytes, 2 a span, 5 four bytes.
    value : int or tuple of int
        The number, or where the bytes begin and end.

    Raises
    ------
    BrokenError
        If a field runs past the end, or is of a kind that is not used any more (groups).
    """
    at = start
    while at < end:
        tag, at = varint(data, at, end)
        number, kind = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise BrokenError(f"a field has no number that can be, at byte {at:,}")
        if kind == 0:
            value, at = varint(data, at, end)
            yield number, kind, value
            continue
        if kind == 2:
            length, at = varint(data, at, end)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise BrokenError(f"a field is of wire type {kind}, which is not used, at byte {at:,}")
        if length > end - at:
            raise BrokenError(f"it ends early or names a length that it does not have, at byte {at:,}")
        yield number, kind, (at, at + length)
        at += length


class Message:
    """The fields of one message by name, as spans; nothing inside is read before it is asked for.

    Parameters
    ----------
    data : bytes
        The whole file.
    spans : list of (start, end)
        Where the message lies; protobuf joins a message that is given in several parts.
    table : mapping
        From field number to name.
    notes : Notes
        Told of fields that are not in the table; bounds the memory.
    what : str
        Name of the message, for notes.
    depth : int
        How many messages are around it.
    """

    def __init__(
        self, data: bytes, spans: list[tuple[int, int]], table: Mapping[int, str], notes: Notes, what: str,
        depth: int,
    ) -> None:  # fmt: skip
        if depth > MAX_DEPTH:
            raise BrokenError(f"it is nested more than {MAX_DEPTH} deep")
        self.data, self.notes, self.what, self.depth = data, notes, what, depth
        self.found: dict[str, list[tuple[int, Any]]] = {}
        notes.spend(400)
        for start, end in spans:
            for number, kind, value in fields(data, start, end):
                notes.spend(_FIELD)
                name = table.get(number)
                if name is None:
                    notes.suspicious(f"{what} has field {number:,}, which ONNX does not have")
                else:
                    self.found.setdefault(name, []).append((kind, value))

    def _wire(self, name: str, kind: int) -> BrokenError:
        return BrokenError(f"{self.what}: {name} has the wrong wire type {kind}")

    def spans(self, name: str) -> list[tuple[int, int]]:
        """Return where the bytes of a repeated field lie."""
        found = []
        for kind, value in self.found.get(name, ()):
            if kind != 2:
                raise self._wire(name, kind)
            found.append(value)
        return found

    def raw(self, name: str) -> bytes:
        """Return bytes; of a field given twice, the last, as protobuf does."""
        spans = self.spans(name)
        if len(spans) > 1:
            self.notes.suspicious(f"{self.what} gives {name} twice")
        return self.data[slice(*spans[-1])] if spans else b""

    def text(self, name: str) -> str:
        """Return a text."""
        return self._decoded(name, self.raw(name))

    def texts(self, name: str) -> list[str]:
        """Return the texts of a repeated field."""
        return [self._decoded(name, self.data[start:end]) for start, end in self.spans(name)]

    def _decoded(self, name: str, raw: bytes) -> str:
        self.notes.spend(60 + 2 * len(raw))
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise BrokenError(f"{self.what}: {name} is no UTF-8") from None

    def number(self, name: str, default: int = 0) -> int:
        """Return a signed number."""
        given = self.found.get(name, [])
        if len(given) > 1:
            self.notes.suspicious(f"{self.what} gives {name} twice")
        for kind, value in given[-1:]:
            if kind != 0:
                raise self._wire(name, kind)
            return signed(value)
        return default

    def numbers(self, name: str) -> list[int]:
        """Return the signed numbers of a repeated field, packed or not."""
        out: list[int] = []
        for kind, value in self.found.get(name, ()):
            if kind == 0:
                out.append(signed(value))
            elif kind == 2:
                at, end = value
                self.notes.spend(40 * (end - at))
                while at < end:
                    item, at = varint(self.data, at, end)
                    out.append(signed(item))
            else:
                raise self._wire(name, kind)
        return out

    def packed(self, name: str, width: int) -> tuple[bytes, int, int]:
        """Return the bytes of a repeated field of fixed width, and where they begin and end."""
        parts = []
        for kind, value in self.found.get(name, ()):
            if kind not in (2, 1 if width == 8 else 5) or (value[1] - value[0]) % width:
                raise self._wire(name, kind)
            parts.append(value)
        if len(parts) == 1:
            return self.data, parts[0][0], parts[0][1]
        joined = b"".join(self.data[start:end] for start, end in parts)
        return joined, 0, len(joined)

    def inner(self, name: str, table: Mapping[int, str]) -> Message | None:
        """Return a message that is given at most once; parts of it are joined, as protobuf does."""
        spans = self.spans(name)
        if len(spans) > 1:
            self.notes.suspicious(f"{self.what} gives {name} in {len(spans)} parts, which readers join")
        return Message(self.data, spans, table, self.notes, name, self.depth + 1) if spans else None

    def inners(self, name: str, table: Mapping[int, str]) -> Iterator[Message]:
        """Yield the messages of a repeated field."""
        for span in self.spans(name):
            yield Message(self.data, [span], table, self.notes, name, self.depth + 1)
