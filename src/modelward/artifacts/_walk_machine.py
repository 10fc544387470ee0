"""Stack, marks and memo of a pre-walk, and the opcodes that honest files hold rarely."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._content import Content
from modelward.artifacts._opcodes import (
    DEEP_KEYS,
    DEPTH,
    EXTENSION,
    FAR,
    FEW,
    HUGE,
    LONG_CALLS,
    LONG_KEY,
    LONG_TUPLE,
    MANY_KEYS,
    MAX_DEPTH,
    NO_LINE,
    NO_MARK,
    NO_NUMBER,
    NO_OPCODE,
    OBJECT,
    PROTOCOL,
    SET,
    SLOW_KEYS,
    UNSTORED,
    wrong,
)

if TYPE_CHECKING:
    from modelward.artifacts._opcodes import Bounds


class Machine:
    """What an unpickler would hold, each value only as the cost of hashing it.

    Parameters
    ----------
    data : bytes or Content
        The stream.
    bounds : Bounds
        What may still be spent.
    """

    def __init__(self, data: bytes | Content, bounds: Bounds) -> None:
        self.content = data if isinstance(data, Content) else None
        self.data: Any = data.space if isinstance(data, Content) else data
        self.bounds = bounds
        self.stack: list[int] = []
        self.marks: list[int] = []
        self.memo: dict[int, int] = {}
        self.memo_top = 0

    def _far(self, index: int, pos: int) -> int:
        """Return the memory that a memo with room for an index takes beyond what it has."""
        more = max(index - self.memo_top, 0)
        if index > 65_536 + 2 * pos or more > self.bounds.memo_left:
            raise wrong(FAR, index)
        self.memo_top += more
        self.bounds.memo_left -= more
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
        tuples = []
        if cost >= DEPTH:
            if max(keys) >= MAX_DEPTH * DEPTH:
                raise wrong(DEEP_KEYS)
            cost = sum(key % DEPTH for key in keys)
            tuples = [key % DEPTH for key in keys if key >= DEPTH]
        bounds = self.bounds
        bounds.hash_left -= cost
        if bounds.hash_left < 0:
            raise wrong(SLOW_KEYS)
        for key in tuples:
            bounds.compare_left -= (
                key * bounds.keys
            )  # with all that came before, if their hashes are the same
            bounds.keys += 1
        if bounds.compare_left < 0:
            raise wrong(MANY_KEYS)

    def _handed(self, value: int) -> None:
        """Charge for a tuple that a call or a state is made of."""
        if value >= DEPTH and value % DEPTH > LONG_TUPLE:
            self.bounds.hand_left -= value % DEPTH
            if self.bounds.hand_left < 0:
                raise wrong(LONG_CALLS)

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
            self._handed(stack.pop())
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
                stack.append(
                    DEPTH + 1 + len(values)
                )  # its items' hashes are kept: no deeper than a tuple of numbers
            else:
                self._need(1)
        elif op == 0x92:  # NEWOBJ_EX
            self._need(3)
            self._handed(stack[-2])
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
