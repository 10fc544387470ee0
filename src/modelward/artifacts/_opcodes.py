"""The opcodes of pickles as the pre-walk sees them, its bounds, and what can be wrong with a stream."""

from __future__ import annotations

MAX_MEMORY = 2 << 30
"""Bytes that the objects of one stream may take, as estimated from its opcodes."""
HASH_BUDGET = 5_000_000
"""How many values hashing all keys of a file may visit, besides four for each byte of it."""
COMPARE_BUDGET = 10_000_000
"""How many values comparing keys may visit: tuples and frozensets can be made to have one hash."""
SAME_FLAT = 50
"""Distinct tuples of plain values that may have one hash: -1 and -2 have, so a grid of small numbers has a few."""
SAME_NESTED = 4
"""The same for tuples of tuples, whose comparison costs more."""
LONG_TUPLE = 1_000
"""Tuples from this cost on are charged when they are handed over: one may be handed over again and again."""
HAND_BUDGET = 1_000_000
"""How much all such tuples of a file may cost, besides two for each byte of it: an honest one is handed over once."""
LARGE_FRAME = 1 << 20
"""Frames from this length on are taken out of the stream, so that nobody needs them in one piece."""
NO_STRETCH = 1 << 62
"""For `Walker.stretch`: copy all bytes, however long."""
OBJECT = 64
ENTRY = 100
SET = 240
LONG_KEY = 100_000  # long integers can be made to collide as keys; honest keys are short
NEVER = 1 << 62
HUGE = 1 << 40
DEPTH = 1 << 42  # above the cost stands how deep tuples are nested: hashing recurses in C, without a guard
MAX_DEPTH = 500
AHEAD = 512  # no opcode is longer, apart from its text or payload

# What ended a walk.
STOPPED, BUILT, STRETCH, FRAMED, SPENT = range(5)

# What is wrong with a stream, by number so that the compiled walk can say it, too.
(
    EMPTY, FEW, UNSTORED, LONG, FAR, EMPTY_STOP, NESTED_FRAME, LONG_FRAME, MEMORY, INSIDE, CROSSES, NO_MARK, DEEP_KEYS,
    SLOW_KEYS, NO_LINE, PROTOCOL, EXTENSION, NO_OPCODE, NO_NUMBER, ENDS, MANY_KEYS, LONG_CALLS,
) = range(22)  # fmt: skip
MESSAGES = (
    "it memoizes from an empty stack",
    "an opcode needs more values than the stack holds",
    "it recalls memo entry {}, which was never stored",
    "an opcode asks for {} bytes, more than the file has",
    "it stores memo entry {}, far beyond what its length explains",
    "it ends with an empty stack",
    "a frame begins inside another",
    "a frame of {} bytes is longer than the file",
    "its objects would take more memory than is allowed",
    "it ends inside an opcode",
    "an opcode crosses the end of its frame",
    "an opcode needs a mark that was never set",
    "its keys are nested too deeply",
    "hashing its keys would take too long",
    "a line of text has no end",
    "it uses a pickle protocol that does not exist",
    "it uses a copyreg extension code, whose meaning lies outside the file",
    "byte 0x{:02x} at {} is no pickle opcode",
    "a memo entry is no plain number",
    "it ends before its STOP opcode",
    "it has many tuples as keys, and comparing them might take too long",
    "it hands over long tuples again and again",
)

# How many bytes of argument follow, for opcodes that push one plain value.
_PUSH = {
    b"J": 4, b"K": 1, b"M": 2, b"N": 0, b"}": 0, b"]": 0, b")": 0, b"G": 8,
    b"\x88": 0, b"\x89": 0, b"\x8f": 0, b"\x97": 0,
}  # fmt: skip
# How many bytes hold the length, for opcodes that push one value with its length before it.
_SIZED = {
    b"T": 4, b"U": 1, b"X": 4, b"B": 4, b"C": 1, b"\x8a": 1, b"\x8b": 4, b"\x8c": 1,
    b"\x8d": 8, b"\x8e": 8, b"\x96": 8,
}  # fmt: skip
PUSH = [-1] * 256
SIZED = [0] * 256
TEXTS = b"\x58\x8d"  # BINUNICODE, BINUNICODE8
LONG_PAYLOADS = b"\x42\x8e\x96" + TEXTS  # and BINBYTES, BINBYTES8, BYTEARRAY8
for _op, _size in _PUSH.items():
    PUSH[_op[0]] = _size
for _op, _size in _SIZED.items():
    SIZED[_op[0]] = _size


MEMO_BUDGET = 1_000_000
"""How many memo entries all pickles of a file may have room for, besides two for each byte of it."""


class Bounds:
    """What all pickles of a file may cost together.

    Parameters
    ----------
    length : int
        Of the file, in bytes.

    Attributes
    ----------
    hash_left, hand_left, memo_left, compare_left : int
        See `HASH_BUDGET`, `HAND_BUDGET`, `MEMO_BUDGET` and `COMPARE_BUDGET`.
    keys : int
        How many tuples were keys already.
    """

    def __init__(self, length: int = 0) -> None:
        self.hash_left, self.hand_left, self.memo_left = HASH_BUDGET, HAND_BUDGET, MEMO_BUDGET
        self.grow(length)
        self.compare_left = COMPARE_BUDGET
        self.keys = 0

    def grow(self, length: int) -> None:
        """Allow for more bytes of the file."""
        self.hash_left += 4 * length
        self.hand_left += 2 * length
        self.memo_left += 2 * length


class WalkError(Exception):
    """A stream that must not be run beyond a position; the message says why."""


def wrong(code: int, *values: int) -> WalkError:
    """Return the error of a number of `MESSAGES`."""
    return WalkError(MESSAGES[code].format(*values))
