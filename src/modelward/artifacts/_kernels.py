"""The pre-walk of `_walk.py`, compiled. Whatever changes in one must change in the other; a test compares them.

Here are the loop and the opcodes that honest files hold often; the others are in `_kernels_rare.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, njit  # type: ignore[attr-defined]

from modelward.artifacts import _opcodes as w
from modelward.artifacts._kernels_rare import handed, hashed, number, rare, tuple_cost
from modelward.artifacts._kernels_state import (
    BEGIN,
    BUILDS,
    BY_BUILD,
    END,
    ERROR,
    FRAME_END,
    FRAME_START,
    GROW_MARKS,
    GROW_MEMO,
    GROW_STACK,
    MARKS,
    MEMO,
    MEMO_LEFT,
    MEMO_TOP,
    MEMORY,
    MORE,
    POSITION,
    SIZE,
    STACK,
    START,
    STRETCH_AT,
    STRETCH_FROM,
    VALUE,
)

# What an opcode is to the walk; the order of the tests below is by how often honest files hold them.
_PUSHED = np.array(w.PUSH, dtype=np.int64)
_STEPS = np.where((_PUSHED >= 0) & (np.arange(256) != 0x8F), _PUSHED + 1, 0)
_LENGTHS = np.array(w.SIZED, dtype=np.int64)


@njit(nogil=True)
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
    real = state[FRAME_END] if state[FRAME_END] != w.NEVER else size
    limit = real if have == size else min(real, have - w.AHEAD)
    fence = marks[m - 1] if m else 0
    memory = state[MEMORY]
    builds = state[BUILDS]
    room, slots = len(stack), len(marks)
    ended = w.SPENT
    wrong: Any = -1
    value: Any = 0
    while True:
        start = pos
        if pos >= limit and have < size and pos >= have - w.AHEAD:
            ended, value = MORE, pos
            break
        if n >= room:
            ended = GROW_STACK
            break
        if m >= slots:
            ended = GROW_MARKS
            break
        if pos >= size:
            wrong = w.ENDS
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
                wrong = w.EMPTY
                break
            if stored >= len(memo):
                ended, value = GROW_MEMO, stored
                break
            index = stored
            if memo[index] < 0:
                stored += 1
            memo[index] = stack[n - 1]
            memory -= w.ENTRY
        elif op == 0x8C:  # SHORT_BINUNICODE
            if pos >= size:
                wrong = w.ENDS
                break
            length = np.int64(data[pos])
            pos += 1 + length
            stack[n] = 1
            n += 1
            memory -= 64 + length
        elif op == 0x68 or op == 0x6A:  # BINGET, LONG_BINGET
            if op == 0x68:
                if pos >= size:
                    wrong = w.ENDS
                    break
                index = np.int64(data[pos])
                pos += 1
            else:
                index = np.int64(number(data, pos, 4, size))
                pos += 4
            if index >= len(memo) or memo[index] < 0:
                wrong, value = w.UNSTORED, index
                break
            stack[n] = memo[index]
            n += 1
            memory -= 8
        elif op == 0x71 or op == 0x72:  # BINPUT, LONG_BINPUT
            if op == 0x71:
                if n <= fence:
                    wrong = w.EMPTY
                    break
                if pos >= size:
                    wrong = w.ENDS
                    break
                index = np.int64(data[pos])
                pos += 1
            else:
                index = np.int64(number(data, pos, 4, size))
                pos += 4
                more = max(index - top, 0)
                if index > 65_536 + 2 * pos or more > state[MEMO_LEFT]:
                    wrong, value = w.FAR, index
                    break
                if n <= fence:
                    wrong = w.EMPTY
                    break
                if memory < w.ENTRY + 16 * more:
                    memory -= w.ENTRY + 16 * more
                    wrong = w.MEMORY
                    break
            if index >= len(memo):
                ended, value = GROW_MEMO, index
                break
            if op == 0x72:
                more = max(index - top, 0)
                top += more
                state[MEMO_LEFT] -= more
                memory -= w.ENTRY + 16 * more
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
            count = number(data, pos, length, size)
            if pos + length > size or count > np.uint64(size - pos - length):
                wrong, value = w.LONG, np.int64(count)
                break
            payload = pos + length
            pos = payload + np.int64(count)
            stack[n] = w.LONG_KEY if (op == 0x8A or op == 0x8B) and count > np.uint64(9) else 1
            n += 1
            memory -= 64
            large = np.int64(count) >= state[STRETCH_FROM] and (
                op == 0x42 or op == 0x8E or op == 0x96 or op == 0x58 or op == 0x8D
            )
            if large and (state[FRAME_END] == w.NEVER or state[FRAME_START] < 0):
                if pos > real:
                    wrong = w.CROSSES
                    break
                if pos == real:
                    state[FRAME_END] = w.NEVER
                state[END], state[STRETCH_AT] = start, payload
                ended = w.STRETCH
            else:
                memory -= np.int64(count)
        elif op == 0x65 and m > 0 and n > fence and fence > 0:  # APPENDS, as honest lists have it
            memory -= 8 * (n - fence)
            n = fence
            m -= 1
            fence = marks[m - 1] if m else 0
            if n <= fence:
                wrong = w.EMPTY
                break
        elif op == 0x75 and m > 0:  # SETITEMS
            wrong = (
                hashed(stack, fence, n, 2, state) if fence - (marks[m - 2] if m > 1 else 0) >= 1 else w.FEW
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
                wrong = w.FEW
                break
            stack[n - count_] = tuple_cost(stack, n - count_, n)
            n = n - count_ + 1
            memory -= w.OBJECT
        elif op == 0x2E:  # STOP
            if n <= fence:
                wrong = w.EMPTY_STOP
                break
            ended = w.STOPPED
        elif op == 0x62:  # BUILD
            if n - 2 < fence:
                wrong = w.FEW
                break
            wrong = handed(stack[n - 1], state)
            if wrong >= 0:
                break
            n -= 1
            builds += 1
            if state[BY_BUILD] and (state[FRAME_END] == w.NEVER or pos == real):
                state[FRAME_END] = w.NEVER
                ended = w.BUILT
        elif op == 0x95:  # FRAME
            count = number(data, pos, 8, size)
            pos += 8
            if state[FRAME_END] != w.NEVER:
                wrong = w.NESTED_FRAME
                break
            if pos > size or count > np.uint64(size - pos):
                wrong, value = w.LONG_FRAME, np.int64(count)
                break
            if count:
                real = pos + np.int64(count)
                limit = min(limit, real)
                state[FRAME_END] = real
                state[FRAME_START] = pos - 8
            if count >= np.uint64(w.LARGE_FRAME):
                state[FRAME_START] = -1
                state[END] = start
                ended = w.FRAMED
        elif op == 0x52 or op == 0x81 or op == 0x93:  # REDUCE, NEWOBJ, STACK_GLOBAL
            if n - 2 < fence:
                wrong = w.FEW
                break
            wrong = handed(stack[n - 1], state)
            if wrong >= 0:
                break
            n -= 1
            stack[n - 1] = 1
            memory -= 2 * w.OBJECT
        else:
            state[STACK], state[MARKS], state[MEMO], state[MEMO_TOP] = n, m, stored, top
            state[MEMORY] = memory
            code = rare(data, have, op, pos, stack, marks, memo, state)
            n, m, stored, top = state[STACK], state[MARKS], state[MEMO], state[MEMO_TOP]
            memory, pos = state[MEMORY], state[POSITION]
            fence = marks[m - 1] if m else 0
            if code >= ERROR:
                wrong, value = code - ERROR, state[VALUE]
                break
            if code:
                ended, value = code, state[VALUE]
                break
        if memory < 0:  # checked here because the walk itself takes memory, too
            wrong = w.MEMORY
            break
        if ended != w.SPENT:
            start = pos
            break
        if pos >= limit:
            if pos > real:
                wrong = w.INSIDE if real == size else w.CROSSES
                break
            if pos == real:
                state[FRAME_END] = w.NEVER
                real = size
            limit = real if have == size else min(real, have - w.AHEAD)
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


def entry(
    data: Any,
    size: int,
    have: int,
    stack: Any,
    room: int,
    marks: Any,
    slots: int,
    memo: Any,
    entries: int,
    state: Any,
) -> Any:
    """Walk on from the state; every array comes as an address and its length."""
    return walk(
        carray(data, size),
        have,
        carray(stack, room),
        carray(marks, slots),
        carray(memo, entries),
        carray(state, SIZE),
    )
