"""The pre-walk of `_walk.py`, compiled. Whatever changes in one must change in the other; a test compares them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from modelward.artifacts import _opcodes as w

# Where in the state array.
(
    POSITION, STACK, MARKS, MEMO, MEMO_TOP, FRAME_END, FRAME_START, BUILDS, MEMORY, HASH, BY_BUILD, STRETCH_FROM, BEGIN,
    END, STRETCH_AT, VALUE, START,
) = range(17)  # fmt: skip
# What made the walk return, besides what `_opcodes` names: it needs more room, or more bytes, to go on.
GROW_STACK, GROW_MARKS, GROW_MEMO, MORE = range(100, 104)
# Errors are returned as this plus their number.
ERROR = 1000

_NEVER = w.NEVER
_DEPTH = w.DEPTH
_MAX_DEPTH = w.MAX_DEPTH
_HUGE = w.HUGE
_LONG_KEY = w.LONG_KEY
_AHEAD = w.AHEAD
_EMPTY, _FEW, _UNSTORED, _LONG, _FAR = w.EMPTY, w.FEW, w.UNSTORED, w.LONG, w.FAR
_EMPTY_STOP, _NESTED_FRAME, _LONG_FRAME, _MEMORY = w.EMPTY_STOP, w.NESTED_FRAME, w.LONG_FRAME, w.MEMORY
_INSIDE, _CROSSES, _NO_MARK, _DEEP_KEYS = w.INSIDE, w.CROSSES, w.NO_MARK, w.DEEP_KEYS
_SLOW_KEYS, _NO_LINE, _PROTOCOL, _EXTENSION = w.SLOW_KEYS, w.NO_LINE, w.PROTOCOL, w.EXTENSION
_NO_OPCODE, _NO_NUMBER, _ENDS = w.NO_OPCODE, w.NO_NUMBER, w.ENDS
_STOPPED, _BUILT, _STRETCH, _FRAMED, _SPENT = w.STOPPED, w.BUILT, w.STRETCH, w.FRAMED, w.SPENT
_LARGE_FRAME = w.LARGE_FRAME
_OBJECT, _ENTRY, _SET = w.OBJECT, w.ENTRY, w.SET

# What an opcode is to the walk; the order of the tests below is by how often honest files hold them.
_TEXT = np.zeros(256, dtype=np.bool_)
for _letter in b"FILSVPcigp":
    _TEXT[_letter] = True
_PUSHED = np.array(w.PUSH, dtype=np.int64)
_STEPS = np.where((_PUSHED >= 0) & (np.arange(256) != 0x8F), _PUSHED + 1, 0)
_LENGTHS = np.array(w.SIZED, dtype=np.int64)


@njit(cache=True, nogil=True)
def _number(data: Any, pos: int, length: int, size: int) -> Any:
    """Read a little-endian number, as far as the data reaches."""
    value = np.uint64(0)
    for i in range(min(length, size - pos)):
        value |= np.uint64(data[pos + i]) << np.uint64(8 * i)
    return value


@njit(cache=True, nogil=True)
def _hashed(stack: Any, begin: int, end: int, step: int, state: Any) -> int:
    """Charge for hashing keys; return the number of an error, or -1."""
    deepest = 0
    for i in range(begin, end, step):
        deepest = max(deepest, stack[i])
    if deepest >= _MAX_DEPTH * _DEPTH:
        return _DEEP_KEYS
    left = state[HASH]
    for i in range(begin, end, step):
        left -= stack[i] % _DEPTH
        if left < 0:
            return _SLOW_KEYS
    state[HASH] = left
    return -1


@njit(cache=True, nogil=True)
def _tuple_cost(stack: Any, begin: int, end: int) -> int:
    deepest, cost = 0, 1
    for i in range(begin, end):
        deepest = max(deepest, stack[i])
        cost = min(cost + stack[i] % _DEPTH, _HUGE)
    return min(deepest // _DEPTH + 1, _MAX_DEPTH) * _DEPTH + cost


@njit(cache=True, nogil=True)
def _line(data: Any, pos: int, have: int) -> int:
    while pos < have and data[pos] != 10:
        pos += 1
    return pos if pos < have else -1


@njit(cache=True, nogil=True)
def walk(data: Any, have: int, stack: Any, marks: Any, memo: Any, state: Any) -> Any:  # noqa: C901
    """Walk on from the state.

    Parameters
    ----------
    data : uint8 array
        The whole stream; bytes from `have` on have not been read yet.
    have : int
        See there.
    stack, marks : int64 arrays
        With room; how full they are stands in the state.
    memo : int64 array
        Costs by index, -1 where nothing is stored.
    state : int64 array
        See the names above.

    Returns
    -------
    int
        What ended it; `state[VALUE]` holds the index that needs room, the position up to which bytes are
        needed, or the figure of an error.
    """
    size = len(data)
    pos = start = state[POSITION]
    n, m = state[STACK], state[MARKS]
    stored, top = state[MEMO], state[MEMO_TOP]
    real = state[FRAME_END] if state[FRAME_END] != _NEVER else size
    limit = real if have == size else min(real, have - _AHEAD)
    fence = marks[m - 1] if m else 0
    memory = state[MEMORY]
    builds = state[BUILDS]
    room, slots = len(stack), len(marks)
    ended = _SPENT
    wrong: Any = -1
    value: Any = 0
    while True:
        start = pos
        if pos >= limit and have < size and pos >= have - _AHEAD:
            ended, value = MORE, pos
            break
        if n >= room:
            ended = GROW_STACK
            break
        if m >= slots:
            ended = GROW_MARKS
            break
        if pos >= size:
            wrong = _ENDS
            break
        op = data[pos]
        pos += 1
        length = _PUSHED[op]
        if length >= 0:
            pos += length
            stack[n] = 1
            n += 1
            memory -= 240 if op == 0x8F else 64
            # Lists of numbers: many of them in a row, away from any end.
            first = n
            step = _STEPS[op]
            while n < room and pos < limit - 16:
                # The same opcode again is a guess that the processor can act on before it has read the byte.
                if data[pos] != op or step == 0:
                    op = data[pos]
                    step = _STEPS[op]
                    if step == 0:
                        break
                pos += step
                stack[n] = 1
                n += 1
            memory -= 64 * (n - first)
        elif op == 0x94:  # MEMOIZE
            if n <= fence:
                wrong = _EMPTY
                break
            if stored >= len(memo):
                ended, value = GROW_MEMO, stored
                break
            index = stored
            if memo[index] < 0:
                stored += 1
            memo[index] = stack[n - 1]
            memory -= _ENTRY
        elif op == 0x8C:  # SHORT_BINUNICODE
            if pos >= size:
                wrong = _ENDS
                break
            length = np.int64(data[pos])
            pos += 1 + length
            stack[n] = 1
            n += 1
            memory -= 64 + length
        elif op == 0x68 or op == 0x6A:  # BINGET, LONG_BINGET
            if op == 0x68:
                if pos >= size:
                    wrong = _ENDS
                    break
                index = np.int64(data[pos])
                pos += 1
            else:
                index = np.int64(_number(data, pos, 4, size))
                pos += 4
            if index >= len(memo) or memo[index] < 0:
                wrong, value = _UNSTORED, index
                break
            stack[n] = memo[index]
            n += 1
            memory -= 8
        elif op == 0x71 or op == 0x72:  # BINPUT, LONG_BINPUT
            if op == 0x71:
                if n <= fence:
                    wrong = _EMPTY
                    break
                if pos >= size:
                    wrong = _ENDS
                    break
                index = np.int64(data[pos])
                pos += 1
            else:
                index = np.int64(_number(data, pos, 4, size))
                pos += 4
                if index > 65_536 + 2 * pos:
                    wrong, value = _FAR, index
                    break
                if n <= fence:
                    wrong = _EMPTY
                    break
                more = max(index - top, 0)
                if memory < _ENTRY + 16 * more:
                    memory -= _ENTRY + 16 * more
                    wrong = _MEMORY
                    break
            if index >= len(memo):
                ended, value = GROW_MEMO, index
                break
            if op == 0x72:
                more = max(index - top, 0)
                top += more
                memory -= _ENTRY + 16 * more
            if memo[index] < 0:
                stored += 1
            memo[index] = stack[n - 1]
        elif op == 0x28:  # MARK
            fence = n
            marks[m] = n
            m += 1
            memory -= 40
        elif _LENGTHS[op] != 0:
            length = _LENGTHS[op]
            count = _number(data, pos, length, size)
            if pos + length > size or count > np.uint64(size - pos - length):
                wrong, value = _LONG, np.int64(count)
                break
            payload = pos + length
            pos = payload + np.int64(count)
            stack[n] = _LONG_KEY if (op == 0x8A or op == 0x8B) and count > np.uint64(9) else 1
            n += 1
            memory -= 64
            large = np.int64(count) >= state[STRETCH_FROM] and (op == 0x42 or op == 0x8E or op == 0x96)
            if large and (state[FRAME_END] == _NEVER or state[FRAME_START] < 0):
                if pos > real:
                    wrong = _CROSSES
                    break
                if pos == real:
                    state[FRAME_END] = _NEVER
                state[END], state[STRETCH_AT] = start, payload
                ended = _STRETCH
            else:
                memory -= np.int64(count)
        elif op == 0x65 and m > 0 and n > fence and fence > 0:  # APPENDS, as honest lists have it
            memory -= 8 * (n - fence)
            n = fence
            m -= 1
            fence = marks[m - 1] if m else 0
            if n <= fence:
                wrong = _EMPTY
                break
        elif op == 0x75 and m > 0:  # SETITEMS
            wrong = (
                _hashed(stack, fence, n, 2, state) if fence - (marks[m - 2] if m > 1 else 0) >= 1 else _FEW
            )
            if wrong >= 0:
                break
            memory -= 50 * (n - fence)
            n = fence
            m -= 1
            fence = marks[m - 1] if m else 0
        elif 0x85 <= op <= 0x87:  # TUPLE1 to TUPLE3
            count_ = np.int64(op) - 0x84
            if n - count_ < fence:
                wrong = _FEW
                break
            stack[n - count_] = _tuple_cost(stack, n - count_, n)
            n = n - count_ + 1
            memory -= _OBJECT
        elif op == 0x2E:  # STOP
            if n <= fence:
                wrong = _EMPTY_STOP
                break
            ended = _STOPPED
        elif op == 0x62:  # BUILD
            if n - 2 < fence:
                wrong = _FEW
                break
            n -= 1
            builds += 1
            if state[BY_BUILD] and (state[FRAME_END] == _NEVER or pos == real):
                state[FRAME_END] = _NEVER
                ended = _BUILT
        elif op == 0x95:  # FRAME
            count = _number(data, pos, 8, size)
            pos += 8
            if state[FRAME_END] != _NEVER:
                wrong = _NESTED_FRAME
                break
            if pos > size or count > np.uint64(size - pos):
                wrong, value = _LONG_FRAME, np.int64(count)
                break
            if count:
                real = pos + np.int64(count)
                limit = min(limit, real)
                state[FRAME_END] = real
                state[FRAME_START] = pos - 8
            if count >= np.uint64(_LARGE_FRAME):
                state[FRAME_START] = -1
                state[END] = start
                ended = _FRAMED
        elif op == 0x52 or op == 0x81 or op == 0x93:  # REDUCE, NEWOBJ, STACK_GLOBAL
            if n - 2 < fence:
                wrong = _FEW
                break
            n -= 1
            stack[n - 1] = 1
            memory -= 2 * _OBJECT
        elif op == 0x61:  # APPEND
            if n - 2 < fence:
                wrong = _FEW
                break
            n -= 1
            memory -= 8
        elif op == 0x73:  # SETITEM
            if n - 3 < fence:
                wrong = _FEW
                break
            wrong = _hashed(stack, n - 2, n - 1, 1, state)
            if wrong >= 0:
                break
            n -= 2
            memory -= 100
        elif (
            op == 0x74 or op == 0x75 or op == 0x65 or op == 0x64 or op == 0x6C or op == 0x6F or op == 0x90 or op == 0x91
            or op == 0x31
        ):  # fmt: skip
            # TUPLE, SETITEMS, APPENDS, DICT, LIST, OBJ, ADDITEMS, FROZENSET, POP_MARK: all that ends a mark.
            if m == 0:
                wrong = _NO_MARK
                break
            values = n - fence
            low = fence
            m -= 1
            fence = marks[m - 1] if m else 0
            if (op == 0x65 and low <= fence) or (op == 0x6F and values == 0):
                wrong = _FEW
                break
            if op == 0x64:
                wrong = _hashed(stack, low, n, 2, state)
            elif op == 0x90 or op == 0x91:
                wrong = _hashed(stack, low, n, 1, state)
            if wrong >= 0:
                break
            n = low
            if op == 0x74:
                stack[n] = _tuple_cost(stack, low, low + values)
                n += 1
                memory -= _OBJECT + 8 * values
            elif op == 0x65:
                memory -= 8 * values
            elif op == 0x64:
                stack[n] = 1
                n += 1
                memory -= _OBJECT + 50 * values
            elif op == 0x6C or op == 0x6F:
                stack[n] = 1
                n += 1
                memory -= 2 * _OBJECT + 8 * values
            elif op == 0x91:
                stack[n] = 1 + values
                n += 1
                memory -= _SET + 70 * values
            elif op == 0x90:
                if n <= fence:
                    wrong = _FEW
                    break
                memory -= _SET + 70 * values
        elif op == 0x92:  # NEWOBJ_EX
            if n - 3 < fence:
                wrong = _FEW
                break
            n -= 2
            stack[n - 1] = 1
            memory -= 2 * _OBJECT
        elif op == 0x80:  # PROTO
            if pos >= size or data[pos] > 5:
                wrong = _PROTOCOL
                break
            pos += 1
        elif op == 0x30:  # POP
            if m > 0 and fence == n:
                m -= 1
                fence = marks[m - 1] if m else 0
            else:
                if n - 1 < fence:
                    wrong = _FEW
                    break
                n -= 1
        elif op == 0x32:  # DUP
            if n - 1 < fence:
                wrong = _FEW
                break
            stack[n] = stack[n - 1]
            n += 1
            memory -= 8
        elif op == 0x51 or op == 0x98:  # BINPERSID, READONLY_BUFFER
            if n - 1 < fence:
                wrong = _FEW
                break
            stack[n - 1] = 1
            memory -= _OBJECT
        elif 0x82 <= op <= 0x84:
            wrong = _EXTENSION
            break
        elif not _TEXT[op]:
            wrong, value = _NO_OPCODE, np.int64(op)
            break
        else:
            end = _line(data, pos, have)
            two = end >= 0 and (op == 0x63 or op == 0x69)  # GLOBAL, INST
            second = _line(data, end + 1, have) if two else end
            if end < 0 or second < 0:
                if have < size:
                    ended, value = MORE, have
                else:
                    wrong = _NO_LINE
                break
            length = end - pos
            if op == 0x67 or op == 0x70:  # GET, PUT
                index = 0
                for i in range(pos, end):
                    if data[i] < 48 or data[i] > 57 or length > 12:
                        index = -1
                        break
                    index = 10 * index + (np.int64(data[i]) - 48)
                if index < 0 or length == 0:
                    wrong = _NO_NUMBER
                    break
                if op == 0x67:
                    if index >= len(memo) or memo[index] < 0:
                        wrong, value = _UNSTORED, index
                        break
                    stack[n] = memo[index]
                    n += 1
                else:
                    if n - 1 < fence:
                        wrong = _FEW
                        break
                    if index > 65_536 + 2 * (end + 1):
                        wrong, value = _FAR, index
                        break
                    more = max(index - top, 0)
                    if memory < _OBJECT + length + 16 * more:
                        memory -= _OBJECT + length + 16 * more
                        wrong = _MEMORY
                        break
                    if index >= len(memo):
                        ended, value = GROW_MEMO, index
                        break
                    top += more
                    memory -= 16 * more
                    if memo[index] < 0:
                        stored += 1
                    memo[index] = stack[n - 1]
            else:
                if op == 0x69:
                    if m == 0:
                        wrong = _NO_MARK
                        break
                    n = fence
                    m -= 1
                    fence = marks[m - 1] if m else 0
                stack[n] = _LONG_KEY if (op == 0x49 or op == 0x4C) and length > 20 else 1
                n += 1
            memory -= _OBJECT + length
            pos = second + 1
        if memory < 0:  # checked here because the walk itself takes memory, too
            wrong = _MEMORY
            break
        if ended != _SPENT:
            start = pos
            break
        if pos >= limit:
            if pos > real:
                wrong = _INSIDE if real == size else _CROSSES
                break
            if pos == real:
                state[FRAME_END] = _NEVER
                real = size
            limit = real if have == size else min(real, have - _AHEAD)
    if wrong >= 0:
        state[START] = start
        state[POSITION] = start if memory >= 0 else state[BEGIN]
        state[VALUE], state[BUILDS] = value, builds
        return ERROR + wrong
    # An opcode that could not be walked for want of room changed nothing: it is walked again.
    state[POSITION], state[VALUE] = start, value
    state[STACK], state[MARKS], state[MEMO], state[MEMO_TOP] = n, m, stored, top
    state[MEMORY], state[BUILDS] = memory, builds
    return ended
