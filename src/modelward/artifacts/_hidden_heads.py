"""Where in content something stands that has to be looked at, by the two or three bytes with which it begins.

One pass over the bytes serves all that is searched for. It is written twice: here with `re`, one pass a kind, and
compiled in `_hidden_kernels.py`, which takes over once a process has met enough bytes to pay for loading it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from modelward.artifacts._effort import BYTES_AN_OPCODE, Effort, Lazy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What a plain search costs in terms of a plain walk.
_OPCODES_A_LINE = 4
ANY = bytes(range(256))
NAME_STARTS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
IN_NAMES = NAME_STARTS + b"0123456789."
_IN_BASE64 = NAME_STARTS + b"0123456789+/-"
OPCODES = b"()]}NIJKMLFGTUVXBCSPQcijh\x8c\x8d\x8e\x8a\x8b\x88\x89\x8f\x95\x96"
"""With which a pickle may go on after its PROTO opcode."""

HEADS: dict[str, tuple[bytes, int, bytes, bytes]] = {
    "pickle": (ANY, 0x80, b"\0\1\2\3\4\5", OPCODES),
    "line": (IN_NAMES + b"\r", 0x0A, NAME_STARTS, ANY),
    "stacked": (IN_NAMES + b"\x94", 0x93, ANY, ANY),
    "zlib": (ANY, 0x78, b"\x01\x5e\x9c\xda", ANY),
    "gzip": (ANY, 0x1F, b"\x8b", b"\x08"),
    "bz2": (ANY, 0x42, b"Z", b"h"),
    "xz": (ANY, 0xFD, b"7", b"z"),
    "lzma": (ANY, 0x5D, b"\0", b"\0"),
    "zip": (ANY, 0x50, b"K", b"\3"),
    "base64 pickle": (ANY, 0x67, b"A", b"ABCDEFGHIJKLMNOPQRSTUVWX"),
    "base64 zlib": (ANY, 0x65, b"J", _IN_BASE64),
    "base64 gzip": (ANY, 0x48, b"4", b"s"),
    "base64 zip": (ANY, 0x55, b"E", b"s"),
    "hexadecimal": (ANY, 0x38, b"0", b"0"),
    "text pickle": (ANY, 0xC2, b"\x80", b"\0\1\2\3\4\5"),
    "text zlib": (ANY, 0x78, b"\xc2", b"\x9c"),
    "text zlib, best": (ANY, 0x78, b"\xc3", b"\x9a"),
    "text gzip": (ANY, 0x1F, b"\xc2", b"\x8b"),
    "text xz": (ANY, 0xC3, b"\xbd", b"7"),
    "escape": (ANY, 0x5C, b"nx", ANY),
    "text escape": (ANY, 0x5C, b"u", b"0"),
}
"""Kind: class of the byte before, first byte, classes of the two bytes after it."""


def _class(some: bytes) -> bytes:
    return b"[" + b"".join(re.escape(bytes([byte])) for byte in some) + b"]"


def _pattern(before: bytes, first: int, second: bytes, third: bytes) -> re.Pattern[bytes]:
    """Return a pattern that begins with its plain byte, for which `re` looks quickly."""
    letter = re.escape(bytes([first]))
    behind = b"" if before == ANY else b"(?<=" + _class(before) + letter + b")"
    after = (b"" if third == ANY else _class(second) + _class(third)) or (
        b"" if second == ANY else _class(second)
    )
    return re.compile(letter + behind + (b"(?=" + after + b")" if after else b""))


_PATTERNS: dict[str, re.Pattern[bytes]] = {}
"""Made when they are needed: a small file has few heads, and making all takes longer than looking into it."""
_SHORT = 1 << 16
_SMALL = 4096
_FEW = 6


class Heads:
    """Where things begin in some content.

    Parameters
    ----------
    content : bytes
        What is searched.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._bytes = frozenset(content) if len(content) <= _SMALL else None

    def at(self, kind: str, first: int = 0) -> Iterable[int]:
        """Return the positions of a kind of `HEADS` from `first` on, in order."""
        if self._bytes is not None and HEADS[kind][1] not in self._bytes:
            return ()
        pattern = _PATTERNS.get(kind)
        if pattern is None:
            if len(self._content) <= _SHORT and not self._may_hold(kind):
                return ()
            pattern = _PATTERNS[kind] = _pattern(*HEADS[kind])
        return (match.start() for match in pattern.finditer(self._content, first))

    def _may_hold(self, kind: str) -> bool:
        """Say whether the first two bytes of a kind stand anywhere."""
        _, letter, second, _ = HEADS[kind]
        if len(second) > _FEW:
            return letter in self._content
        return any(bytes((letter, two)) in self._content for two in second)


def _load() -> Any:
    from modelward.artifacts._hidden_compiled import CompiledHeads

    return CompiledHeads.load()


COMPILED = Lazy(_load)


def heads_of(content: bytes) -> Heads:
    """Return where things begin in some content, found by the quicker means."""
    if len(content) > _SMALL:
        if COMPILED.loaded is None:
            Effort.left -= len(content) // BYTES_AN_OPCODE + _OPCODES_A_LINE * content.count(b"\n")
        if COMPILED.loaded is not None or Effort.left < 0:
            kind = COMPILED.get()
            if kind is not None:
                found: Heads = kind(content)
                return found
    return Heads(content)


def matches(pattern: bytes, content: bytes, positions: Iterable[int]) -> Iterator[re.Match[bytes]]:
    """Yield what ``re.finditer`` would, given every position at which a match can begin."""
    end = 0
    match_at = re.compile(pattern).match
    for at in positions:
        match = match_at(content, at) if at >= end else None
        if match is not None:
            end = match.end()
            yield match
