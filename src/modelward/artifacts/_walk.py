"""Pre-walk: look over the opcodes of a pickle before any unpickler runs them.

The unpickler trusts a stream's numbers: nine bytes can make it allocate a memo of 4 GB, a doubling chain of
tuples used as a key can make it hash for ever. The walk follows the stack and the memo in the abstract (each
value is only the cost of hashing it) and stops the stream at the first opcode that is malformed, asks for
more than the file can justify, or leaves its frame. C and Python unpicklers disagree only on such streams.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_MEMORY = 2 << 30
"""Bytes that the objects of one stream may take, as estimated from its opcodes."""
HASH_BUDGET = 50_000_000
"""How many values hashing all keys of a stream may visit."""
_EMPTY = "it memoizes from an empty stack"
_FEW = "an opcode needs more values than the stack holds"
_OBJECT = 64
_ENTRY = 100
_SET = 240
_LONG_KEY = 100_000  # long integers can be made to collide as keys; honest keys are short
_NEVER = 1 << 62
_HUGE = 1 << 40
_DEPTH = 1 << 42  # above the cost stands how deep tuples are nested: hashing recurses in C, without a guard
_MAX_DEPTH = 500

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
for _op, _size in _PUSH.items():
    PUSH[_op[0]] = _size
for _op, _size in _SIZED.items():
    SIZED[_op[0]] = _size


class WalkError(Exception):
    """A stream that must not be run beyond a position; the message says why."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What may be run next.

    Parameters
    ----------
    end : int
        Position after the last opcode that is good to run.
    stopped : bool
        Whether it was STOP.
    error : str
        Why nothing after `end` may be run; empty if nothing is wrong.
    """

    end: int
    stopped: bool
    error: str = ""


class Walker:
    """The state of a walk over one pickle.

    Parameters
    ----------
    data : bytes
        The stream.
    position : int
        Where the pickle begins.
    by_build : bool
        End a segment at every BUILD that ends a frame or stands outside one: joblib writes the raw bytes of
        an array there.
    max_memory : int
        See `MAX_MEMORY`.
    """

    def __init__(
        self, data: bytes, position: int = 0, *, by_build: bool = False, max_memory: int = MAX_MEMORY
    ) -> None:
        self.data = data
        self.position = position
        self.by_build = by_build
        self.builds = 0
        self.outside = False
        self._memory_left = max_memory
        self._hash_left = HASH_BUDGET
        self._stack: list[int] = []
        self._marks: list[int] = []
        self._memo: dict[int, int] = {}
        self._frame_end = _NEVER
        self._frame_start = -1

    def patched(self) -> bytes:
        """Return the data cut at `position`, the frame that is open there made to end there.

        An unpickler takes a frame whole or not at all; so what stands before a bad opcode can still be run.
        """
        kept = self.data[: self.position]
        start = self._frame_start
        if self._frame_end == _NEVER or start < 0 or start + 8 > len(kept):
            return kept
        return kept[:start] + (self.position - start - 8).to_bytes(8, "little") + kept[start + 8 :]

    def advance(self) -> Segment:
        """Walk on to STOP, to the next place where array bytes may stand, or to the first bad opcode."""
        try:
            stopped = self._run()
            return Segment(self.position, stopped=stopped)
        except WalkError as error:
            return Segment(self.position, stopped=False, error=str(error))
        except IndexError:
            return Segment(self.position, stopped=False, error="it ends before its STOP opcode")

    def _run(self) -> bool:  # noqa: C901 - one loop, for speed
        """Walk to STOP (True) or to a BUILD that ends a segment (False); `position` stays at the last good end."""
        data, size = self.data, len(self.data)
        stack, marks, push, sized, memo = self._stack, self._marks, PUSH, SIZED, self._memo
        append = stack.append
        begin = pos = start = self.position
        # Where the next opcode must end at the latest: at the end of its frame, or of the data.
        limit = self._frame_end if self._frame_end != _NEVER else size
        fence = marks[-1] if marks else 0
        memory = self._memory_left
        try:
            while True:
                start = pos
                op = data[pos]
                pos += 1
                length = push[op]
                if length >= 0:
                    pos += length
                    append(1)
                    memory -= 240 if op == 0x8F else 64
                    if op == 0x97:
                        self.outside = True
                elif op == 0x94:  # MEMOIZE
                    if len(stack) <= fence:
                        raise WalkError(_EMPTY)
                    memo[len(memo)] = stack[-1]
                    memory -= _ENTRY
                elif op == 0x8C:  # SHORT_BINUNICODE
                    length = data[pos]
                    pos += 1 + length
                    append(1)
                    memory -= 64 + length
                elif op == 0x68:  # BINGET
                    index = data[pos]
                    pos += 1
                    if index not in memo:
                        raise WalkError(f"it recalls memo entry {index}, which was never stored")
                    append(memo[index])
                    memory -= 8
                elif op == 0x71:  # BINPUT
                    if len(stack) <= fence:
                        raise WalkError(_EMPTY)
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
                        raise WalkError(f"an opcode asks for {count} bytes, more than the file has")
                    append(_LONG_KEY if (op == 0x8A or op == 0x8B) and count > 9 else 1)
                    memory -= 64 + count
                elif op == 0x6A:  # LONG_BINGET
                    index = int.from_bytes(data[pos : pos + 4], "little")
                    pos += 4
                    if index not in memo:
                        raise WalkError(f"it recalls memo entry {index}, which was never stored")
                    append(memo[index])
                elif op == 0x72:  # LONG_BINPUT
                    index = int.from_bytes(data[pos : pos + 4], "little")
                    pos += 4
                    if index > 65_536 + 2 * pos:
                        raise WalkError(f"it stores memo entry {index}, far beyond what its length explains")
                    if len(stack) <= fence:
                        raise WalkError(_EMPTY)
                    memo[index] = stack[-1]
                    memory -= _ENTRY
                elif op == 0x65 and marks and len(stack) > fence > 0:  # APPENDS, as honest lists have it
                    memory -= 8 * (len(stack) - fence)
                    del stack[fence:]
                    marks.pop()
                    fence = marks[-1] if marks else 0
                    if len(stack) <= fence:
                        raise WalkError(_EMPTY)
                elif op == 0x2E:  # STOP
                    if len(stack) <= fence:
                        raise WalkError("it ends with an empty stack")
                    self.position = pos
                    break
                elif op == 0x62:  # BUILD
                    if len(stack) - 2 < fence:
                        raise WalkError(_FEW)
                    stack.pop()
                    self.builds += 1
                    inside = self._frame_end != _NEVER
                    if self.by_build and (not inside or pos == limit):
                        self._frame_end = _NEVER
                        self.position = pos
                        break
                elif op == 0x95:  # FRAME
                    count = int.from_bytes(data[pos : pos + 8], "little")
                    pos += 8
                    if self._frame_end != _NEVER:
                        raise WalkError("a frame begins inside another")
                    if pos + count > size:
                        raise WalkError(f"a frame of {count} bytes is longer than the file")
                    if count:
                        self._frame_end = limit = pos + count
                        self._frame_start = pos - 8
                else:
                    pos, memory = self._rare(op, pos, memory)
                    fence = marks[-1] if marks else 0
                if memory < 0:  # checked here because the walk itself takes memory, too
                    raise WalkError("its objects would take more memory than is allowed")
                if pos >= limit:
                    if pos > limit:
                        raise WalkError(
                            "it ends inside an opcode"
                            if limit == size
                            else "an opcode crosses the end of its frame"
                        )
                    self._frame_end, limit = _NEVER, size
        except (WalkError, IndexError):
            # A frame that the last good opcode ended is closed: nothing is open there.
            self.position = start if memory >= 0 else begin
            raise
        self._memory_left = memory
        return op == 0x2E

    def _need(self, count: int) -> None:
        if len(self._stack) - count < (self._marks[-1] if self._marks else 0):
            raise WalkError(_FEW)

    def _to_mark(self) -> list[int]:
        if not self._marks:
            raise WalkError("an opcode needs a mark that was never set")
        mark = self._marks.pop()
        values = self._stack[mark:]
        del self._stack[mark:]
        return values

    def _hashed(self, keys: list[int]) -> None:
        cost = sum(keys)
        if cost >= _DEPTH:
            if max(keys) >= _MAX_DEPTH * _DEPTH:
                raise WalkError("its keys are nested too deeply")
            cost = sum(key % _DEPTH for key in keys)
        self._hash_left -= cost
        if self._hash_left < 0:
            raise WalkError("hashing its keys would take too long")

    def _line(self, pos: int) -> tuple[bytes, int]:
        end = self.data.find(b"\n", pos)
        if end < 0:
            raise WalkError("a line of text has no end")
        return self.data[pos:end], end + 1

    def _rare(self, op: int, pos: int, memory: int) -> tuple[int, int]:  # noqa: C901 - a table of opcodes
        stack = self._stack
        if op == 0x74:  # TUPLE
            values = self._to_mark()
            stack.append(_tuple_cost(values))
            memory -= _OBJECT + 8 * len(values)
        elif 0x85 <= op <= 0x87:  # TUPLE1 to TUPLE3
            count = op - 0x84
            self._need(count)
            cost = _tuple_cost(stack[-count:])
            del stack[-count:]
            stack.append(cost)
            memory -= _OBJECT
        elif op == 0x52 or op == 0x81 or op == 0x93:  # REDUCE, NEWOBJ, STACK_GLOBAL
            self._need(2)
            stack.pop()
            stack[-1] = 1
            memory -= 2 * _OBJECT
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
            memory -= _OBJECT + 50 * len(values)
        elif op == 0x6C or op == 0x6F:  # LIST, OBJ
            values = self._to_mark()
            if op == 0x6F and not values:
                raise WalkError(_FEW)
            stack.append(1)
            memory -= 2 * _OBJECT + 8 * len(values)
        elif op == 0x90 or op == 0x91:  # ADDITEMS, FROZENSET
            values = self._to_mark()
            self._hashed(values)
            memory -= _SET + 70 * len(values)
            if op == 0x91:
                stack.append(1 + len(values))
            else:
                self._need(1)
        elif op == 0x92:  # NEWOBJ_EX
            self._need(3)
            del stack[-2:]
            stack[-1] = 1
            memory -= 2 * _OBJECT
        elif op == 0x80:  # PROTO
            if pos >= len(self.data) or self.data[pos] > 5:
                raise WalkError("it uses a pickle protocol that does not exist")
            pos += 1
        elif op == 0x30:  # POP
            if self._marks and self._marks[-1] == len(stack):
                self._marks.pop()
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
            memory -= _OBJECT
        elif 0x82 <= op <= 0x84:
            raise WalkError("it uses a copyreg extension code, whose meaning lies outside the file")
        else:
            pos, memory = self._text(op, pos, memory)
        return pos, memory

    def _text(self, op: int, pos: int, memory: int) -> tuple[int, int]:
        """Walk an opcode of protocol 0, whose argument is text."""
        stack = self._stack
        if op not in b"FILSVPcigp":
            raise WalkError(f"byte 0x{op:02x} at {pos - 1} is no pickle opcode")
        line, pos = self._line(pos)
        memory -= _OBJECT + len(line)
        if op in b"gp":
            if not line.isdigit() or len(line) > 12:
                raise WalkError("a memo entry is no plain number")
            index = int(line)
            if op == 0x67:
                if index not in self._memo:
                    raise WalkError(f"it recalls memo entry {index}, which was never stored")
                stack.append(self._memo[index])
            else:
                self._need(1)
                if index > 65_536 + 2 * pos:
                    raise WalkError(f"it stores memo entry {index}, far beyond what its length explains")
                self._memo[index] = stack[-1]
            return pos, memory
        if op in b"ci":
            _, pos = self._line(pos)
        if op == 0x69:
            self._to_mark()
        stack.append(_LONG_KEY if op in b"IL" and len(line) > 20 else 1)
        return pos, memory


def _tuple_cost(items: list[int]) -> int:
    """Return cost and depth of hashing a tuple from those of its items."""
    depth = max(items, default=0) // _DEPTH + 1
    cost = 1 + sum(item % _DEPTH for item in items)
    return min(depth, _MAX_DEPTH) * _DEPTH + min(cost, _HUGE)
