"""A first look at a place that may be a pickle: do its opcodes get as far as one that names something?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.artifacts._hidden_budget import OPCODE, SKIPPED_BYTES
from modelward.artifacts._opcodes import PUSH, SIZED

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


def is_opcode(op: int) -> bool:
    """Say whether a byte is an opcode of pickles."""
    return (
        op in _NAMING
        or op in _TEXT
        or op in _STEPS
        or op in _BARE
        or PUSH[op] >= 0
        or SIZED[op] > 0
        or op == 0x2E
    )


def first_look(seen: bytes | Content, at: int, left: int, look: int = _LOOK) -> tuple[bool, int]:
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

    Returns
    -------
    may_name : bool
        Whether they may.
    cost : int
        What looking cost, as `_hidden_budget` counts.

    Examples
    --------
    >>> first_look(b"K\\x01cos\\nsystem\\n.", 0, 15), first_look(b"K\\x01.cos\\n", 0, 7)
    ((True, 400), (False, 400))
    """
    end, position, lines = at + left, at, 0
    for count in range(1, look + 1):
        if position >= len(seen):
            return position < end, OPCODE * count + lines
        op = seen[position]
        position += 1
        if op in _NAMING:
            return True, OPCODE * count + lines
        if PUSH[op] >= 0:
            position += PUSH[op]
        elif SIZED[op]:
            size = SIZED[op]
            if position + size > len(seen):
                break
            position += size + int.from_bytes(seen[position : position + size], "little")
        elif op in _STEPS:
            position += _STEPS[op]
        elif op in _TEXT:
            begin, position = position, seen.find(b"\n", position) + 1
            lines += ((position or len(seen)) - begin) // SKIPPED_BYTES
            if not position:
                break
        elif op not in _BARE:
            return False, OPCODE * count + lines
    return True, OPCODE * count + lines
