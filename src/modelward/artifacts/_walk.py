"""Pre-walk: look over the opcodes of a pickle before any unpickler runs them.

The unpickler trusts a stream's numbers: nine bytes can make it allocate a memo of 4 GB, a doubling chain of
tuples used as a key can make it hash for ever. The walk follows the stack and the memo in the abstract (each
value is only the cost of hashing it) and stops the stream at the first opcode that is malformed, asks for
more than the file can justify, or leaves its frame. C and Python unpicklers disagree only on such streams.

It is written twice: here in plain Python, which needs no import and suffices for most files, and compiled in
`_kernels.py`, which takes over in the middle of a stream once enough opcodes were met to pay for loading it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelward.artifacts._content import Content
from modelward.artifacts._effort import Effort, Lazy

if TYPE_CHECKING:
    from modelward.artifacts._compiled import Compiled

MAX_MEMORY = 2 << 30
"""Bytes that the objects of one stream may take, as estimated from its opcodes."""
HASH_BUDGET = 50_000_000
"""How many values hashing all keys of a stream may visit."""
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
    SLOW_KEYS, NO_LINE, PROTOCOL, EXTENSION, NO_OPCODE, NO_NUMBER, ENDS,
) = range(20)  # fmt: skip
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
_BYTES = b"\x42\x8e\x96"  # BINBYTES, BINBYTES8, BYTEARRAY8
for _op, _size in _PUSH.items():
    PUSH[_op[0]] = _size
for _op, _size in _SIZED.items():
    SIZED[_op[0]] = _size


class WalkError(Exception):
    """A stream that must not be run beyond a position; the message says why."""


def wrong(code: int, *values: int) -> WalkError:
    """Return the error of a number of `MESSAGES`."""
    return WalkError(MESSAGES[code].format(*values))


@dataclass(frozen=True, slots=True)
class Segment:
    """What may be run next.

    Parameters
    ----------
    begin, end : int
        Positions of the first opcode, and after the last, that are good to run. It goes on at the walker's
        position, which lies further on where something is left out.
    stopped : bool
        Whether the last was STOP.
    error : str
        Why nothing after `end` may be run; empty if nothing is wrong.
    stretch : (int, int) or None
        Where the bytes lie that are to be pushed after `end` without being copied.
    """

    begin: int
    end: int
    stopped: bool
    error: str = ""
    stretch: tuple[int, int] | None = None


def _load() -> Any:
    from modelward.artifacts._compiled import Compiled

    Compiled.try_out()
    return Compiled


COMPILED = Lazy(_load)


def load_compiled() -> type[Compiled] | None:
    """Load the compiled walk; None where it cannot be had."""
    kind: type[Compiled] | None = COMPILED.get()
    return kind


class Walker:
    """The state of a walk over one pickle.

    Parameters
    ----------
    data : bytes or Content
        The stream.
    position : int
        Where the pickle begins.
    by_build : bool
        End a segment at every BUILD that ends a frame or stands outside one: joblib writes the raw bytes of
        an array there.
    max_memory : int
        See `MAX_MEMORY`.
    stretch : int
        Byte strings from this length on are not part of a segment but lie between two.
    compiled : bool or None
        Whether to use the compiled walk from the start; None lets the number of opcodes decide.
    """

    def __init__(
        self,
        data: bytes | Content,
        position: int = 0,
        *,
        by_build: bool = False,
        max_memory: int = MAX_MEMORY,
        stretch: int = NO_STRETCH,
        compiled: bool | None = None,
    ) -> None:
        self.content = data if isinstance(data, Content) else None
        self.data: Any = data.space if isinstance(data, Content) else data
        self.position = position
        self.by_build = by_build
        self.builds = 0
        self.stretch = stretch
        self.memory_left = max_memory
        self.hash_left = HASH_BUDGET
        self.stack: list[int] = []
        self.marks: list[int] = []
        self.memo: dict[int, int] = {}
        self.memo_top = 0
        self.frame_end = NEVER
        self.frame_start = -1
        self.begin = self._end = position
        self._stretch: tuple[int, int] | None = None
        self._plain = compiled is False
        self._compiled: Compiled | None = None
        long = len(data) - position > 4096
        if compiled or (compiled is None and long and COMPILED.loaded is not None):
            self.switch()

    def switch(self) -> None:
        """Go on with the compiled walk, where there is one."""
        kind = load_compiled()
        if kind is not None:
            self._compiled = kind(self)

    def patched(self) -> bytes:
        """Return the segment that ends at an error, the frame that is open there made to end there.

        An unpickler takes a frame whole or not at all; so what stands before a bad opcode can still be run.
        """
        begin, start, end = self.begin, self.frame_start, self.position
        if self.content is not None:
            self.content.need(begin, end)
        if self.frame_end == NEVER or start < begin or start + 8 > end:
            return bytes(self.data[begin:end])
        patched: bytes = (
            self.data[begin:start] + (end - start - 8).to_bytes(8, "little") + self.data[start + 8 : end]
        )
        return patched

    def advance(self) -> Segment:
        """Walk on to STOP, to where something stands that is no opcode, or to the first bad opcode."""
        begin = self.begin = self.position
        try:
            ended = self._compiled.run() if self._compiled else self._run()
            if ended == SPENT:
                self.switch()
                ended = self._compiled.run() if self._compiled else self._run()
        except WalkError as error:
            return Segment(begin, self.position, stopped=False, error=str(error))
        except IndexError:
            return Segment(begin, self.position, stopped=False, error=MESSAGES[ENDS])
        if ended == STRETCH:
            return Segment(begin, self._end, stopped=False, stretch=self._stretch)
        return Segment(begin, self._end if ended == FRAMED else self.position, stopped=ended == STOPPED)

    def leave_out(self, end: int, stretch: tuple[int, int] | None = None) -> None:
        """Note that the segment ends before `position`, and where the bytes lie that stand between."""
        self._end, self._stretch = end, stretch

    def ahead(self, position: int, limit: int) -> int:
        """Have the bytes after a position read; return how far the walk may go before it asks again."""
        if self.content is None:
            return limit
        have = self.content.need(position, position + self.content.ahead)
        return limit if have == len(self.data) else min(limit, have - AHEAD)

    def _run(self) -> int:  # noqa: C901 - one loop, for speed
        """Walk on and return what ended it; after an error `position` stays at the last good end."""
        data, size = self.data, len(self.data)
        stack, marks, push, sized, memo = self.stack, self.marks, PUSH, SIZED, self.memo
        append = stack.append
        pos = start = self.position
        # Where the next opcode must end at the latest: at the end of its frame, or of the data.
        real = self.frame_end if self.frame_end != NEVER else size
        limit = self.ahead(pos, real)
        fence = marks[-1] if marks else 0
        memory = self.memory_left
        ended = SPENT
        used = 0
        try:
            for used in range(NO_STRETCH if self._plain else max(Effort.left, 1)):  # noqa: B007
                start = pos
                op = data[pos]
                pos += 1
                length = push[op]
                if length >= 0:
                    pos += length
                    append(1)
                    memory -= 240 if op == 0x8F else 64
                elif op == 0x94:  # MEMOIZE
                    if len(stack) <= fence:
                        raise wrong(EMPTY)
                    memo[len(memo)] = stack[-1]
                    memory -= ENTRY
                elif op == 0x8C:  # SHORT_BINUNICODE
                    length = data[pos]
                    pos += 1 + length
                    append(1)
                    memory -= 64 + length
                elif op == 0x68:  # BINGET
                    index = data[pos]
                    pos += 1
                    if index not in memo:
                        raise wrong(UNSTORED, index)
                    append(memo[index])
                    memory -= 8
                elif op == 0x71:  # BINPUT
                    if len(stack) <= fence:
                        raise wrong(EMPTY)
                    memo[data[pos]] = stack[-1]
                    pos += 1
                elif op == 0x28:  # MARK
                    fence = len(stack)
                    marks.append(fence)
                    memory -= 40
                elif (length := sized[op]) != 0:
                    count = int.from_bytes(data[pos : pos + length], "little")
                    pos += length + count
                    if pos > size:
                        raise wrong(LONG, count)
                    append(LONG_KEY if (op == 0x8A or op == 0x8B) and count > 9 else 1)
                    memory -= 64
                    if count >= self.stretch and op in _BYTES and self._splittable():
                        if pos > real:
                            raise wrong(CROSSES)
                        if pos == real:
                            self.frame_end = NEVER
                        self.leave_out(start, (pos - count, pos))
                        ended = STRETCH
                    else:
                        memory -= count
                elif op == 0x6A:  # LONG_BINGET
                    index = int.from_bytes(data[pos : pos + 4], "little")
                    pos += 4
                    if index not in memo:
                        raise wrong(UNSTORED, index)
                    append(memo[index])
                    memory -= 8
                elif op == 0x72:  # LONG_BINPUT
                    index = int.from_bytes(data[pos : pos + 4], "little")
                    pos += 4
                    far = self._far(index, pos)
                    if len(stack) <= fence:
                        raise wrong(EMPTY)
                    memo[index] = stack[-1]
                    memory -= ENTRY + far
                elif op == 0x65 and marks and len(stack) > fence > 0:  # APPENDS, as honest lists have it
                    memory -= 8 * (len(stack) - fence)
                    del stack[fence:]
                    marks.pop()
                    fence = marks[-1] if marks else 0
                    if len(stack) <= fence:
                        raise wrong(EMPTY)
                elif op == 0x2E:  # STOP
                    if len(stack) <= fence:
                        raise wrong(EMPTY_STOP)
                    ended = STOPPED
                elif op == 0x62:  # BUILD
                    if len(stack) - 2 < fence:
                        raise wrong(FEW)
                    stack.pop()
                    self.builds += 1
                    inside = self.frame_end != NEVER
                    if self.by_build and (not inside or pos == real):
                        self.frame_end = NEVER
                        ended = BUILT
                elif op == 0x95:  # FRAME
                    count = int.from_bytes(data[pos : pos + 8], "little")
                    pos += 8
                    if self.frame_end != NEVER:
                        raise wrong(NESTED_FRAME)
                    if pos + count > size:
                        raise wrong(LONG_FRAME, count)
                    if count:
                        self.frame_end = real = pos + count
                        limit = min(limit, real)
                        self.frame_start = pos - 8
                    if count >= LARGE_FRAME:
                        self.frame_start = -1
                        self.leave_out(start)
                        ended = FRAMED
                else:
                    pos, memory = self._rare(op, pos, memory)
                    fence = marks[-1] if marks else 0
                if memory < 0:  # checked here because the walk itself takes memory, too
                    raise wrong(MEMORY)
                if ended != SPENT:
                    break
                if pos >= limit:
                    if pos > real:
                        raise wrong(INSIDE if real == size else CROSSES)
                    if pos == real:
                        self.frame_end, real = NEVER, size
                    limit = self.ahead(pos, real)
        except (WalkError, IndexError):
            # A frame that the last good opcode ended is closed: nothing is open there.
            self.position = start if memory >= 0 else self.begin
            raise
        finally:
            Effort.left -= used
        self.position = pos
        self.memory_left = memory
        return ended

    def _splittable(self) -> bool:
        """Say whether a segment may end here: not in a frame that an unpickler takes in one piece."""
        return self.frame_end == NEVER or self.frame_start < 0

    def _far(self, index: int, pos: int) -> int:
        """Return the memory that a memo with room for an index takes beyond what it has."""
        if index > 65_536 + 2 * pos:
            raise wrong(FAR, index)
        more = max(index - self.memo_top, 0)
        self.memo_top += more
        return 16 * more

    def _need(self, count: int) -> None:
        if len(self.stack) - count < (self.marks[-1] if self.marks else 0):
            raise wrong(FEW)

    def _to_mark(self) -> list[int]:
        if not self.marks:
            raise wrong(NO_MARK)
        mark = self.marks.pop()
        values = self.stack[mark:]
        del self.stack[mark:]
        return values

    def _hashed(self, keys: list[int]) -> None:
        cost = sum(keys)
        if cost >= DEPTH:
            if max(keys) >= MAX_DEPTH * DEPTH:
                raise wrong(DEEP_KEYS)
            cost = sum(key % DEPTH for key in keys)
        self.hash_left -= cost
        if self.hash_left < 0:
            raise wrong(SLOW_KEYS)

    def _line(self, pos: int) -> tuple[bytes, int]:
        end = (self.content or self.data).find(b"\n", pos)
        if end < 0:
            raise wrong(NO_LINE)
        return self.data[pos:end], end + 1

    def _rare(self, op: int, pos: int, memory: int) -> tuple[int, int]:  # noqa: C901 - a table of opcodes
        stack = self.stack
        if op == 0x74:  # TUPLE
            values = self._to_mark()
            stack.append(_tuple_cost(values))
            memory -= OBJECT + 8 * len(values)
        elif 0x85 <= op <= 0x87:  # TUPLE1 to TUPLE3
            count = op - 0x84
            self._need(count)
            cost = _tuple_cost(stack[-count:])
            del stack[-count:]
            stack.append(cost)
            memory -= OBJECT
        elif op == 0x52 or op == 0x81 or op == 0x93:  # REDUCE, NEWOBJ, STACK_GLOBAL
            self._need(2)
            stack.pop()
            stack[-1] = 1
            memory -= 2 * OBJECT
        elif op == 0x61:  # APPEND
            self._need(2)
            stack.pop()
            memory -= 8
        elif op == 0x73:  # SETITEM
            self._need(3)
            stack.pop()
            self._hashed([stack.pop()])
            memory -= 100
        elif op == 0x75:  # SETITEMS
            values = self._to_mark()
            self._need(1)
            self._hashed(values[::2])
            memory -= 50 * len(values)
        elif op == 0x65:  # APPENDS
            memory -= 8 * len(self._to_mark())
            self._need(1)
        elif op == 0x64:  # DICT
            values = self._to_mark()
            self._hashed(values[::2])
            stack.append(1)
            memory -= OBJECT + 50 * len(values)
        elif op == 0x6C or op == 0x6F:  # LIST, OBJ
            values = self._to_mark()
            if op == 0x6F and not values:
                raise wrong(FEW)
            stack.append(1)
            memory -= 2 * OBJECT + 8 * len(values)
        elif op == 0x90 or op == 0x91:  # ADDITEMS, FROZENSET
            values = self._to_mark()
            self._hashed(values)
            memory -= SET + 70 * len(values)
            if op == 0x91:
                stack.append(1 + len(values))
            else:
                self._need(1)
        elif op == 0x92:  # NEWOBJ_EX
            self._need(3)
            del stack[-2:]
            stack[-1] = 1
            memory -= 2 * OBJECT
        elif op == 0x80:  # PROTO
            if pos >= len(self.data) or self.data[pos] > 5:
                raise wrong(PROTOCOL)
            pos += 1
        elif op == 0x30:  # POP
            if self.marks and self.marks[-1] == len(stack):
                self.marks.pop()
            else:
                self._need(1)
                stack.pop()
        elif op == 0x31:  # POP_MARK
            self._to_mark()
        elif op == 0x32:  # DUP
            self._need(1)
            stack.append(stack[-1])
            memory -= 8
        elif op == 0x51 or op == 0x98:  # BINPERSID, READONLY_BUFFER
            self._need(1)
            stack[-1] = 1
            memory -= OBJECT
        elif 0x82 <= op <= 0x84:
            raise wrong(EXTENSION)
        else:
            pos, memory = self._text(op, pos, memory)
        return pos, memory

    def _text(self, op: int, pos: int, memory: int) -> tuple[int, int]:
        """Walk an opcode of protocol 0, whose argument is text."""
        stack = self.stack
        if op not in b"FILSVPcigp":
            raise wrong(NO_OPCODE, op, pos - 1)
        line, pos = self._line(pos)
        memory -= OBJECT + len(line)
        if op in b"gp":
            if not line.isdigit() or len(line) > 12:
                raise wrong(NO_NUMBER)
            index = int(line)
            if op == 0x67:
                if index not in self.memo:
                    raise wrong(UNSTORED, index)
                stack.append(self.memo[index])
            else:
                self._need(1)
                memory -= self._far(index, pos)
                self.memo[index] = stack[-1]
            return pos, memory
        if op in b"ci":
            _, pos = self._line(pos)
        if op == 0x69:
            self._to_mark()
        stack.append(LONG_KEY if op in b"IL" and len(line) > 20 else 1)
        return pos, memory


def _tuple_cost(items: list[int]) -> int:
    """Return cost and depth of hashing a tuple from those of its items."""
    depth = max(items, default=0) // DEPTH + 1
    cost = 1 + sum(item % DEPTH for item in items)
    return min(depth, MAX_DEPTH) * DEPTH + min(cost, HUGE)
