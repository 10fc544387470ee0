"""How a pickle lies in text: in base64 or hexadecimal, or as old protocols write bytes."""

from __future__ import annotations

import binascii
import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from modelward.artifacts._hidden_budget import LOOK, NEW_BYTE, PIECE
from modelward.artifacts._hidden_heads import matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from modelward.artifacts._hidden_budget import Budget
    from modelward.artifacts._hidden_heads import Heads

_BASE64 = {
    kind: head + rb"[A-Za-z0-9+/\-_]{13,}={0,2}"
    for kind, head in (
        ("base64 pickle", rb"gA[A-X]"),
        ("base64 zlib", rb"eJ"),
        ("base64 gzip", rb"H4sI"),
        ("base64 zip", rb"UEsD"),
    )
}
_HEX = rb"800[0-5](?:[0-9a-fA-F]{2}){10,}"
# Protocols 0 to 2 have no opcode for bytes: they keep them as text, one character a byte.
_RUN = rb"(?:[\x00-\x7f]|[\xc2\xc3][\x80-\xbf]){6,}"
_AS_UTF8 = {
    "text pickle": rb"\xc2\x80[\x00-\x05]" + _RUN,
    "text zlib": rb"x\xc2\x9c" + _RUN,
    "text zlib, best": rb"x\xc3\x9a" + _RUN,
}
_AS_UTF8_OLD = {
    "zlib": rb"x[\x01\x5e]" + _RUN,
    "text gzip": rb"\x1f\xc2\x8b\x08" + _RUN,
    "bz2": rb"BZh[1-9]1AY&SY" + _RUN,
    "text xz": rb"\xc3\xbd7zXZ" + _RUN,
    "lzma": rb"\x5d\x00\x00(?:[\x00-\x7f]|\xc2\x80)[\x00-\x08](?:\xc3\xbf){8}" + _RUN,
    "zip": rb"PK\x03\x04" + _RUN,
}
_ESCAPE = rb"\\(x[0-9a-fA-F]{2}|[nrt0\\'\"])"
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"\0"}
_BEFORE = 100
_SMALL, _TOGETHER = 1 << 12, 1 << 20
_BETWEEN = b"\xff\xff"


def decoded(content: bytes, heads: Heads, budget: Budget, head: bytes) -> Iterator[tuple[int, str, bytes]]:
    """Yield where text encodes bytes, how, and the bytes, until the budget is spent.

    What the bytes hold may begin and end anywhere in them.

    Parameters
    ----------
    content : bytes
        What is searched.
    heads : Heads
        Where in it something stands that has to be looked at.
    budget : Budget
        What may be spent.
    head : bytes
        With which two bytes all of it begins: they say what protocol its texts are of.
    """
    for start, how, inner in _decoded(content, heads, head):
        if not budget.charge(LOOK + NEW_BYTE * len(inner)):
            return
        yield start, how, inner


def gathered_texts(
    found: Iterable[tuple[int, str, bytes]], budget: Budget
) -> Iterator[tuple[str, bytes, list[int], list[int]]]:
    """Put short pieces together, so that thousands of them are searched at once.

    Between two of them stand bytes that no opcode, name or encoding has, so nothing in a piece reads on in the next;
    what one says by itself is found there as well.

    Parameters
    ----------
    found : iterable
        Where something was, how it was encoded, and what it holds, as `decoded` yields it.
    budget : Budget
        What may be spent.

    Yields
    ------
    how, inner : str and bytes
        What is to be searched.
    starts, places : list of int
        Where each piece begins in that, and where it was found.
    """
    waiting: dict[str, tuple[bytearray, list[int], list[int]]] = {}
    for at, how, piece in found:
        if len(piece) >= _SMALL:
            if not budget.charge(PIECE):
                return
            yield how, piece, [0], [at]
            continue
        inner, starts, places = waiting.setdefault(how, (bytearray(), [], []))
        inner += _BETWEEN
        starts.append(len(inner))
        places.append(at)
        inner += piece
        if len(inner) >= _TOGETHER:
            del waiting[how]
            if not budget.charge(PIECE):
                return
            yield how, bytes(inner), starts, places
    for how, (inner, starts, places) in waiting.items():
        if not budget.charge(PIECE):
            return
        yield how, bytes(inner), starts, places


def _decoded(content: bytes, heads: Heads, head: bytes) -> Iterator[tuple[int, str, bytes]]:
    for kind, pattern in _BASE64.items():
        for match in matches(pattern, content, heads.at(kind)):
            inner = _from_base64(match[0])
            if inner:
                yield match.start(), "in base64", inner
    for match in matches(_HEX, content, heads.at("hexadecimal")):
        yield match.start(), "in hexadecimal", bytes.fromhex(match[0][: len(match[0]) & ~1].decode("ascii"))
    old = head[:1] != b"\x80" or head[1:2] <= b"\x02"
    texts = {**_AS_UTF8, **(_AS_UTF8_OLD if old and b"\xc2" in content else {})}
    for kind, pattern in texts.items():
        for match in matches(pattern, content, heads.at(kind)):
            text = match[0].decode("utf-8", "ignore")
            yield match.start(), "as text", text.encode("latin-1", "ignore")
    if head[:1] != b"\x80":
        yield from _texts(content, heads)
        yield from _strings(content, heads)


def _texts(content: bytes, heads: Heads) -> Iterator[tuple[int, str, bytes]]:
    r"""Yield the lines of protocol 0 with text after ``V`` that has ``\u00`` in it."""
    positions = list(heads.at("text escape"))
    i = 0
    while i < len(positions):
        at = positions[i]
        i += 1
        start = content.find(b"V", _begin_of_line(content, at), at) + 1
        if start and content[at + 3 : at + 4] == b"0":
            end = _end_of_line(content, at)
            text = content[start:end].decode("raw-unicode-escape", "ignore")
            yield start, "as text", text.encode("latin-1", "ignore")
            i = bisect_left(positions, end, i)


def _strings(content: bytes, heads: Heads) -> Iterator[tuple[int, str, bytes]]:
    """Yield the lines of protocol 0 with a string after ``S`` that has escapes in it."""
    positions = list(heads.at("escape"))
    i = 0
    while i < len(positions):
        at = positions[i]
        i += 1
        begin = _begin_of_line(content, at)
        found = [content.find(quote, begin, at) for quote in (b"S'", b'S"')]
        start = min((place for place in found if place >= 0), default=-1) + 1
        if start:
            end = _end_of_line(content, at)
            yield start, "as text", re.sub(_ESCAPE, _UNESCAPED.of, content[start:end])
            i = bisect_left(positions, end, i)


def _begin_of_line(content: bytes, at: int) -> int:
    """Return where the line begins, or how far back it is looked into."""
    return max(content.rfind(b"\n", max(0, at - _BEFORE), at) + 1, at - _BEFORE, 0)


def _end_of_line(content: bytes, at: int) -> int:
    end = content.find(b"\n", at)
    return len(content) if end < 0 else end


class _Unescaped(dict[bytes, bytes]):
    """From an escape of protocol 0's strings to its byte, worked out once."""

    def __missing__(self, code: bytes) -> bytes:
        byte = self[code] = bytes([int(code[1:], 16)]) if len(code) == 3 else _LETTERS.get(code, code)
        return byte

    def of(self, match: re.Match[bytes]) -> bytes:
        """Return the byte of what was matched."""
        return self[match[1]]


_UNESCAPED = _Unescaped()


def _from_base64(text: bytes) -> bytes:
    """Return what base64 in either alphabet holds."""
    plain = text.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    try:
        return binascii.a2b_base64(plain + b"=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return b""
