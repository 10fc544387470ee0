"""Reading a stream with so many tuples as keys that comparing them could take for ever, and quickly if it does not.

CPython mixes the hashes of a tuple's items without a secret, so anyone can write thousands of tuples with the same
hash, and a table of them compares each with all others. So every tuple is looked at when it is made: after the opcode
that makes it, one is put into the stream by which an unpickler asks for an object, and gets the tuple back. Frames are
left out, since they say how long they are. What cannot be told in this way is for `_careful.py`, which takes ten times
as long.
"""

from __future__ import annotations

import re
from collections import deque
from contextlib import suppress
from typing import Any

from modelward.artifacts._feed import Feed
from modelward.artifacts._opcodes import PUSH, SAME_FLAT, SAME_NESTED, SIZED, WalkError

SAME = "its keys were made to have the same hash"
_MOST_INSIDE = 100
"""Values within tuples in a tuple: the same ones can be there again and again."""
_LONG_NUMBER = 4096
_SHORT = 24
_MAKES = frozenset(b"t\x85\x86\x87\x91")
_ASKS = frozenset(b"PQ")
_FRAME = 0x95


def _any_of(codes: bytes) -> bytes:
    return b"[" + b"".join(re.escape(bytes([code])) for code in codes) + b"]"


def _plain() -> re.Pattern[bytes]:
    """Return what matches opcodes that make no tuple, one after the other."""
    bare = bytes(op for op in range(256) if PUSH[op] == 0) + b"(.012abdelosuR\x81\x90\x92\x93\x94\x98"
    sized = b"|".join(b"\\x%02x.{%d}" % (length, length) for length in range(_SHORT))
    parts = (
        _any_of(bare) + b"++",
        rb"[Khq\x80].",
        rb"[FILSVgp][^\n]*+\n",
        rb"[\x8cUC\x8a](?:" + sized + b")",
        rb"[Jjr].{4}",
        rb"M..",
        rb"G.{8}",
        rb"[ci][^\n]*+\n[^\n]*+\n",
    )
    return re.compile(b"(?:" + b"|".join(parts) + b"){1,10000}+", re.DOTALL)


_PLAIN: list[re.Pattern[bytes]] = []


class UnsureError(Exception):
    """What has to be looked at one by one, by what it is used for."""


class KeyFeed(Feed):
    """A feed that has every tuple looked at when it is made; see `Feed`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not _PLAIN:
            _PLAIN.append(_plain())
        self._ours: deque[bool] = deque()
        self._seen: dict[int, Any] = {}
        self._more_of: dict[int, list[Any]] = {}

    def _next(self) -> bytes | memoryview:
        return self._marked(bytes(super()._next()))

    def _marked(self, segment: bytes) -> bytes:
        """Return opcodes that were walked, with another behind each that makes a tuple."""
        match, ours = _PLAIN[0].match, self._ours
        out: list[bytes] = []
        kept = position = 0
        while position < len(segment):
            found = match(segment, position)
            if found is not None:
                position = found.end()
                continue
            op = segment[position]
            if op in _MAKES:
                position += 1
                out += (segment[kept:position], b"Q")
                kept = position
                ours.append(True)
            elif op == _FRAME:
                out.append(segment[kept:position])
                kept = position = position + 9
            elif op in _ASKS:
                position = position + 1 if op == 0x51 else segment.index(b"\n", position) + 1
                ours.append(False)
            elif SIZED[op]:
                start = position + 1 + SIZED[op]
                position = start + int.from_bytes(segment[position + 1 : start], "little")
            else:
                raise UnsureError
        out.append(segment[kept:])
        return b"".join(out)

    def asked(self, pid: Any) -> Any:
        """Look at a tuple that was made, or do as every feed."""
        if self._pushing is not None or not self._ours.popleft():
            return super().asked(pid)
        with suppress(TypeError):  # what holds something without a hash is no key
            self._look(pid)
        return pid

    def _look(self, made: Any) -> None:
        """Stop a stream whose tuples have one hash and are not the same."""
        flat = _is_flat(made)
        key = hash(made)
        first = self._seen.setdefault(key, made)
        if first is made or first == made:
            return
        same = self._more_of.setdefault(key, [first])
        if made in same:
            return
        same.append(made)
        if len(same) > (SAME_FLAT if flat else SAME_NESTED):
            # -1 and -2 have one hash, so honest tuples of them have, too; only some of all tuples are keys.
            if not flat or any(type(item) is int and item in (-1, -2) for item in made):
                raise UnsureError
            raise WalkError(SAME)


def _is_flat(made: Any) -> bool:
    """Say whether nothing in a tuple has items of its own; raise where hashing it may take long."""
    flat, inner, left = True, 0, [made]
    while left:
        for item in left.pop():
            kind = type(item)
            if kind is tuple or kind is frozenset:
                flat, inner = False, inner + 1 + len(item)
                if inner > _MOST_INSIDE:
                    raise UnsureError
                left.append(item)
            elif kind is int and item.bit_length() > _LONG_NUMBER:
                raise UnsureError
    return flat
