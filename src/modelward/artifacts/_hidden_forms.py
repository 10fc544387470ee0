"""How a pickle lies in other data: compressed, in base64 or hexadecimal, or as old protocols write bytes."""

from __future__ import annotations

import base64
import binascii
import bz2
import lzma
import re
import zlib
from dataclasses import dataclass
from struct import unpack_from
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelward.artifacts._formats import Purse

_CHUNK = 1 << 16
_RATIO = 1100
_FREE = 1 << 20
_FACTORIES: dict[str, tuple[re.Pattern[bytes], Callable[[], Any]]] = {
    "zlib": (re.compile(rb"x[\x01\x5e\x9c\xda]"), zlib.decompressobj),
    "gzip": (re.compile(rb"\x1f\x8b\x08"), lambda: zlib.decompressobj(31)),
    "bz2": (re.compile(rb"BZh[1-9]1AY&SY"), bz2.BZ2Decompressor),
    "xz": (re.compile(rb"\xfd7zXZ\x00"), lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=1 << 28)),
    "lzma": (
        re.compile(rb"\x5d\x00\x00[\x00-\x80][\x00-\x08]\xff{8}"),
        lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=1 << 28),
    ),
}
_ZIPPED = re.compile(rb"PK\x03\x04")
_BASE64 = tuple(
    re.compile(head + rb"[A-Za-z0-9+/\-_]{13,}={0,2}") for head in (rb"gA[A-X]", rb"eJ", rb"H4sI", rb"UEsD")
)
_HEX = re.compile(rb"800[0-5](?:[0-9a-fA-F]{2}){10,}")
# Protocols 0 to 2 have no opcode for bytes: they keep them as text, one character a byte.
_RUN = rb"(?:[\x00-\x7f]|[\xc2\xc3][\x80-\xbf]){6,}"
_AS_UTF8 = tuple(re.compile(head + _RUN) for head in (rb"\xc2\x80[\x00-\x05]", rb"x\xc2\x9c", rb"x\xc3\x9a"))
_AS_UTF8_OLD = tuple(
    re.compile(head + _RUN)
    for head in (
        rb"x[\x01\x5e]",
        rb"\x1f\xc2\x8b\x08",
        rb"BZh",
        rb"\xc3\xbd7zXZ",
        rb"\x5d\x00\x00",
        rb"PK\x03\x04",
    )
)
_ESCAPED = re.compile(rb"V([^\n]{0,99}?\\u00[^\n]*)(?:\n|\Z)")
_QUOTED = re.compile(rb"S(['\"][^\n]{0,99}?\\[nx][^\n]*)(?:\n|\Z)")


_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|[nrt0\\'\"])")
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"\0"}


@dataclass
class Unpacking:
    """What may still be unpacked in a search.

    Attributes
    ----------
    purse : Purse
        Bytes that may come out; shared by the whole file.
    places : int
        How many places may be tried.
    spent : bool
        Whether one of the two ran out.
    """

    purse: Purse
    places: int
    spent: bool = False

    def take(self, count: int) -> bool:
        """Take bytes from the purse; say whether they were there."""
        self.purse.bytes_left -= count
        self.spent = self.spent or self.purse.bytes_left < 0
        return not self.spent


def unpacked(
    content: bytes, first: int, unpacking: Unpacking, *, zipped: bool
) -> Iterator[tuple[int, str, bytes]]:
    """Yield where something is compressed, how, and what comes out.

    Parameters
    ----------
    content : bytes
        What is searched.
    first : int
        Where the search begins: 1 where the first byte says what the content itself is.
    unpacking : Unpacking
        What may be spent.
    zipped : bool
        Whether to look into members of zip archives; the content's own are read elsewhere.
    """
    for how, (pattern, make) in _FACTORIES.items():
        for match in pattern.finditer(content, first):
            if how == "zlib" and not _opens(content[match.end() : match.end() + 5]):
                continue
            inner = _inflated(content, match.start(), make(), unpacking)
            if unpacking.spent:
                return
            if inner:
                yield match.start(), f"compressed with {how}", inner
    if zipped:
        yield from _members(content, first, unpacking)


def _opens(block: bytes) -> bool:
    """Say whether bytes can be the first block of deflated data: numbers such as 376 look like zlib's header."""
    if len(block) < 5 or block[0] & 6 == 6:
        return False
    return block[0] & 6 != 0 or all(block[i] ^ block[i + 2] == 255 for i in (1, 2))


def _inflated(content: bytes, start: int, engine: Any, unpacking: Unpacking) -> bytes:
    """Return what is compressed from a position on; nothing if it does not come to its own end."""
    unpacking.places -= 1
    if unpacking.places < 0:
        unpacking.spent = True
        return b""
    out: list[bytes] = []
    made, position, rest = 0, start, b""
    while not engine.eof:
        if not rest:
            rest = content[position : position + (256 if position == start else _CHUNK)]
            position += len(rest)
            if not rest and getattr(engine, "needs_input", True):
                return b""
        try:
            part = engine.decompress(rest, 1 << 20)
        except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError):
            return b""
        rest = getattr(engine, "unconsumed_tail", b"")
        if hasattr(engine, "needs_input") and not engine.needs_input and not engine.eof and not part:
            return b""
        made += len(part)
        out.append(part)
        if not unpacking.take(len(part)):
            return b""
        if made > _FREE + _RATIO * (position - start):
            return b""
    return b"".join(out)


def _members(content: bytes, first: int, unpacking: Unpacking) -> Iterator[tuple[int, str, bytes]]:
    """Yield the deflated members of zip archives; stored ones lie in the content as they are."""
    for match in _ZIPPED.finditer(content, first):
        at = match.start()
        if at + 30 > len(content):
            continue
        method = unpack_from("<H", content, at + 8)[0]
        name, extra = unpack_from("<HH", content, at + 26)
        if method != 8:
            continue
        inner = _inflated(content, at + 30 + name + extra, zlib.decompressobj(-15), unpacking)
        if unpacking.spent:
            return
        if inner:
            yield at, "in a zip archive", inner


def decoded(content: bytes, unpacking: Unpacking) -> Iterator[tuple[int, str, bytes]]:
    """Yield where text encodes bytes, how, and the bytes; what they hold may begin and end anywhere in them."""
    for start, how, inner in _decoded(content):
        if not unpacking.take(len(inner)):
            return
        yield start, how, inner


def _decoded(content: bytes) -> Iterator[tuple[int, str, bytes]]:
    for pattern in _BASE64:
        for match in pattern.finditer(content):
            inner = _from_base64(match[0])
            if inner:
                yield match.start(), "in base64", inner
    for match in _HEX.finditer(content):
        yield match.start(), "in hexadecimal", bytes.fromhex(match[0][: len(match[0]) & ~1].decode("ascii"))
    old = content[:1] != b"\x80" or content[1:2] <= b"\x02"
    for pattern in (*_AS_UTF8, *(_AS_UTF8_OLD if old and b"\xc2" in content else ())):
        for match in pattern.finditer(content):
            text = match[0].decode("utf-8", "ignore")
            yield match.start(), "as text", text.encode("latin-1", "ignore")
    if content[:1] == b"\x80":
        return
    for match in _ESCAPED.finditer(content):
        text = match[1].decode("raw-unicode-escape", "ignore")
        yield match.start(1), "as text", text.encode("latin-1", "ignore")
    for match in _QUOTED.finditer(content):
        yield match.start(1), "as text", _ESCAPE.sub(_unescaped, match[1])


def _unescaped(match: re.Match[bytes]) -> bytes:
    """Return the byte of an escape of protocol 0's strings."""
    code = match[1]
    return bytes([int(code[1:], 16)]) if len(code) == 3 else _LETTERS.get(code, code)


def _from_base64(text: bytes) -> bytes:
    """Return what base64 in either alphabet holds."""
    plain = text.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return b""
