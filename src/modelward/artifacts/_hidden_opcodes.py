"""A first look at a place that may be a pickle: do its opcodes get as far as one that names something?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.artifacts._walk import PUSH, SIZED

if TYPE_CHECKING:
    from modelward.artifacts._content import Content

_LOOK = 64
"""Opcodes that are looked at; whoever goes on for longer is walked."""
_NAMING = frozenset(
    b"ci\x93PQ\x82\x83\x84"
)  # and identifiers and extension codes, whose meaning lies outside
_TEXT = frozenset(b"FILSVgp")
_STEPS = {ord("h"): 1, ord("j"): 4, ord("q"): 1, ord("r"): 4, 0x80: 1, 0x95: 8}
_BARE = frozenset(b"()]}(0125abdeloRstu\x81\x85\x86\x87\x8f\x90\x91\x92\x94\x97\x98")


def may_name(seen: bytes | Content, at: int, left: int, look: int = _LOOK) -> bool:
    """Say whether the opcodes at a place may reach one that names something.

    Neither stack nor memo are followed, so it says yes too often and never no where an unpickler would get to a name.

    Parameters
    ----------
    seen : bytes
        Bytes around the place.
    at : int
        Where in them it is.
    left : int
        How many bytes the content has from there on, those beyond `seen` included.
    look : int
        How many opcodes are looked at before the answer is yes.

    Examples
    --------
    >>> may_name(b"K\\x01cos\\nsystem\\n.", 0, 15), may_name(b"K\\x01.cos\\n", 0, 7)
    (True, False)
    """
    end, position = at + left, at
    for _ in range(look):
        if position >= len(seen):
            return position < end
        op = seen[position]
        position += 1
        if op in _NAMING:
            return True
        if PUSH[op] >= 0:
            position += PUSH[op]
        elif SIZED[op]:
            size = SIZED[op]
            if position + size > len(seen):
                return True
            position += size + int.from_bytes(seen[position : position + size], "little")
        elif op in _STEPS:
            position += _STEPS[op]
        elif op in _TEXT:
            position = seen.find(b"\n", position) + 1
            if not position:
                return True
        elif op not in _BARE:
            return False
    return True
