"""What is compressed in content, and may be a pickle once it is not."""

from __future__ import annotations

import re
from struct import unpack_from
from typing import TYPE_CHECKING, Any

from modelward.artifacts._hidden_budget import LOOK, NEW_BYTE, PIECE
from modelward.artifacts._hidden_heads import matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelward.artifacts._hidden_budget import Budget
    from modelward.artifacts._hidden_heads import Heads

_CHUNK = 1 << 16
_RATIO = 1100
_FREE = 1 << 20
_LZMA_MEMORY = 1 << 28
_PACKED = b"".join(re.escape(bytes([byte])) for byte in range(256) if byte & 6 in (2, 4))
_STORED = b"".join(re.escape(bytes([byte])) for byte in range(256) if byte & 6 == 0)
_KINDS = {
    # A first block that cannot be one is turned away at once: numbers such as 376 look like zlib's header.
    "zlib": (rb"(?s:x[\x01\x5e\x9c\xda](?=[" + _PACKED + rb"].{4}|[" + _STORED + rb"].{4}))", 1),
    "gzip": (rb"\x1f\x8b\x08", 1),
    "bz2": (rb"BZh[1-9]1AY&SY", 6),
    "xz": (rb"\xfd7zXZ\x00", 3),
    "lzma": (rb"\x5d\x00\x00[\x00-\x80][\x00-\x08]\xff{8}", 3),
}
"""Compression: how it begins, and how much a byte of its output costs."""
_ZIPPED = rb"(?s:PK\x03\x04(?=.{4}\x08\x00))"
"""A member that is deflated."""


def unpacked(
    content: bytes, heads: Heads, first: int, budget: Budget, *, zipped: bool
) -> Iterator[tuple[int, str, bytes]]:
    """Yield where something is compressed, how, and what comes out, until the budget is spent.

    Parameters
    ----------
    content : bytes
        What is searched.
    heads : Heads
        Where in it something stands that has to be looked at.
    first : int
        Where the search begins: 1 where the first byte says what the content itself is.
    budget : Budget
        What may be spent.
    zipped : bool
        Whether to look into members of zip archives; the content's own are read elsewhere.
    """
    for how, (pattern, price) in _KINDS.items():
        for match in matches(pattern, content, heads.at(how, first)):
            if how == "zlib" and not _opens(content[match.end() : match.end() + 5]):
                if not budget.charge(LOOK):
                    return
                continue
            inner = _inflated(content, match.start(), how, budget, price)
            if budget.spent:
                return
            if inner:
                yield match.start(), f"compressed with {how}", inner
    if zipped:
        yield from _members(content, heads, first, budget)


def _opens(block: bytes) -> bool:
    """Say whether bytes can be the first block of deflated data: one that is only stored has its length twice."""
    return block[0] & 6 != 0 or all(block[i] ^ block[i + 2] == 255 for i in (1, 2))


def _inflated(content: bytes, start: int, how: str, budget: Budget, price: int) -> bytes:
    """Return what is compressed from a position on; nothing if it does not come to its own end."""
    if not budget.charge(3 * LOOK):
        return b""
    engine, errors = _engine(how)
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
        except errors:
            return b""
        rest = getattr(engine, "unconsumed_tail", b"")
        if hasattr(engine, "needs_input") and not engine.needs_input and not engine.eof and not part:
            return b""
        made += len(part)
        out.append(part)
        if not budget.charge(price * NEW_BYTE * (len(part) + 8)):
            return b""
        if made > _FREE + _RATIO * (position - start):
            return b""
    return b"".join(out) if budget.charge(PIECE) else b""


def _members(content: bytes, heads: Heads, first: int, budget: Budget) -> Iterator[tuple[int, str, bytes]]:
    """Yield the deflated members of zip archives; stored ones lie in the content as they are."""
    for match in matches(_ZIPPED, content, heads.at("zip", first)):
        at = match.start()
        if at + 30 > len(content):
            continue
        name, extra = unpack_from("<HH", content, at + 26)
        inner = _inflated(content, at + 30 + name + extra, "deflate", budget, 1)
        if budget.spent:
            return
        if inner:
            yield at, "in a zip archive", inner


def _engine(how: str) -> tuple[Any, tuple[type[Exception], ...]]:
    """Return what undoes a compression, and what it raises on damaged data."""
    if how == "bz2":
        import bz2

        return bz2.BZ2Decompressor(), (OSError, EOFError, ValueError)
    if how in ("xz", "lzma"):
        import lzma

        form = lzma.FORMAT_XZ if how == "xz" else lzma.FORMAT_ALONE
        return lzma.LZMADecompressor(form, memlimit=_LZMA_MEMORY), (
            lzma.LZMAError,
            OSError,
            EOFError,
            ValueError,
        )
    import zlib

    bits = {"zlib": 15, "gzip": 31, "deflate": -15}[how]
    return zlib.decompressobj(bits), (zlib.error, OSError, EOFError, ValueError)
