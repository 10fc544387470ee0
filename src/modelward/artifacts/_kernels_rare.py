"""The opcodes that honest files hold rarely, for the compiled pre-walk; as `_walk_machine.py` has them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from modelward.artifacts import _opcodes as w
from modelward.artifacts._kernels_state import (
    COMPARE,
    ERROR,
    GROW_MEMO,
    HAND,
    HASH,
    KEYS,
    MARKS,
    MEMO,
    MEMO_LEFT,
    MEMO_TOP,
    MEMORY,
    MORE,
    POSITION,
    STACK,
    VALUE,
)

_TEXT = np.zeros(256, dtype=np.bool_)
for _letter in b"FILSVPcigp":
    _TEXT[_letter] = True
_ENDS_MARK = np.zeros(256, dtype=np.bool_)
for _letter in b"tuedlo\x90\x911":
    _ENDS_MARK[_letter] = True


@njit(nogil=True)
def number(data: Any, pos: int, length: int, size: int) -> Any:
    """Read a little-endian number, as far as the data reaches."""
    value = np.uint64(0)
    for i in range(min(length, size - pos)):
        value |= np.uint64(data[pos + i]) << np.uint64(8 * i)
    return value


@njit(nogil=True)
def hashed(stack: Any, begin: int, end: int, step: int, state: Any) -> int:
    """Charge for hashing keys; return the number of an error, or -1."""
    deepest = 0
    for i in range(begin, end, step):
        deepest = max(deepest, stack[i])
    if deepest >= w.MAX_DEPTH * w.DEPTH:
        return w.DEEP_KEYS
    left = state[HASH]
    for i in range(begin, end, step):
        left -= stack[i] % w.DEPTH
        if left < 0:
            return w.SLOW_KEYS
    state[HASH] = left
    if deepest >= w.DEPTH:
        for i in range(begin, end, step):
            if stack[i] >= w.DEPTH:
                state[COMPARE] -= stack[i] % w.DEPTH * state[KEYS]
                state[KEYS] += 1
        if state[COMPARE] < 0:
            return w.MANY_KEYS
    return -1


@njit(nogil=True)
def handed(value: int, state: Any) -> int:
    """Charge for a tuple that a call or a state is made of; return the number of an error, or -1."""
    if value >= w.DEPTH and value % w.DEPTH > w.LONG_TUPLE:
        state[HAND] -= value % w.DEPTH
        if state[HAND] < 0:
            return w.LONG_CALLS
    return -1


@njit(nogil=True)
def tuple_cost(stack: Any, begin: int, end: int) -> int:
    """Return cost and depth of hashing a tuple from those of its items."""
    deepest, cost = 0, 1
    for i in range(begin, end):
        deepest = max(deepest, stack[i])
        cost = min(cost + stack[i] % w.DEPTH, w.HUGE)
    return min(deepest // w.DEPTH + 1, w.MAX_DEPTH) * w.DEPTH + cost


@njit(nogil=True)
def _line(data: Any, pos: int, have: int) -> int:
    while pos < have and data[pos] != 10:
        pos += 1
    return pos if pos < have else -1


@njit(nogil=True)
def rare(data: Any, have: int, op: Any, pos: int, stack: Any, marks: Any, memo: Any, state: Any) -> int:  # noqa: C901
    """Walk one opcode; stack, marks, memo, memory and position are in the state.

    Parameters
    ----------
    data, have, stack, marks, memo, state
        As `walk` has them.
    op, pos : int
        The opcode, and the position behind it.

    Returns
    -------
    int
        0; `GROW_MEMO` or `MORE`, and nothing has changed; or `ERROR` and more.
    """
    state[POSITION] = pos
    n, m = state[STACK], state[MARKS]
    fence = marks[m - 1] if m else 0
    if _TEXT[op]:
        return _text(data, have, op, pos, stack, marks, memo, state)
    if _ENDS_MARK[op]:
        return _marked(op, stack, marks, state)
    if op == 0x61:  # APPEND
        if n - 2 < fence:
            return ERROR + w.FEW
        n -= 1
        state[MEMORY] -= 8
    elif op == 0x73:  # SETITEM
        if n - 3 < fence:
            return ERROR + w.FEW
        wrong = hashed(stack, n - 2, n - 1, 1, state)
        if wrong >= 0:
            return ERROR + wrong
        n -= 2
        state[MEMORY] -= 100
    elif op == 0x92:  # NEWOBJ_EX
        if n - 3 < fence:
            return ERROR + w.FEW
        wrong = handed(stack[n - 2], state)
        if wrong >= 0:
            return ERROR + wrong
        n -= 2
        stack[n - 1] = 1
        state[MEMORY] -= 2 * w.OBJECT
    elif op == 0x80:  # PROTO
        if pos >= len(data) or data[pos] > 5:
            return ERROR + w.PROTOCOL
        state[POSITION] = pos + 1
    elif op == 0x30:  # POP
        if m > 0 and fence == n:
            state[MARKS] = m - 1
        else:
            if n - 1 < fence:
                return ERROR + w.FEW
            n -= 1
    elif op == 0x32:  # DUP
        if n - 1 < fence:
            return ERROR + w.FEW
        stack[n] = stack[n - 1]
        n += 1
        state[MEMORY] -= 8
    elif op == 0x51 or op == 0x98:  # BINPERSID, READONLY_BUFFER
        if n - 1 < fence:
            return ERROR + w.FEW
        stack[n - 1] = 1
        state[MEMORY] -= w.OBJECT
    elif 0x82 <= op <= 0x84:
        return ERROR + w.EXTENSION
    else:
        state[VALUE] = np.int64(op)
        return ERROR + w.NO_OPCODE
    state[STACK] = n
    return 0


@njit(nogil=True)
def _marked(op: Any, stack: Any, marks: Any, state: Any) -> int:  # noqa: C901
    """Walk what ends a mark: TUPLE, SETITEMS, APPENDS, DICT, LIST, OBJ, ADDITEMS, FROZENSET, POP_MARK."""
    n, m = state[STACK], state[MARKS]
    if m == 0:
        return ERROR + w.NO_MARK
    low = marks[m - 1]
    values = n - low
    m -= 1
    fence = marks[m - 1] if m else 0
    if ((op == 0x65 or op == 0x75) and low <= fence) or (op == 0x6F and values == 0):
        return ERROR + w.FEW
    wrong = -1
    if op == 0x64 or op == 0x75:
        wrong = hashed(stack, low, n, 2, state)
    elif op == 0x90 or op == 0x91:
        wrong = hashed(stack, low, n, 1, state)
    if wrong < 0 and op == 0x90 and low <= fence:
        wrong = w.FEW
    if wrong >= 0:
        return ERROR + wrong
    n = low
    if op == 0x74:
        stack[n] = tuple_cost(stack, low, low + values)
        n += 1
        state[MEMORY] -= w.OBJECT + 8 * values
    elif op == 0x65:
        state[MEMORY] -= 8 * values
    elif op == 0x75:
        state[MEMORY] -= 50 * values
    elif op == 0x64:
        stack[n] = 1
        n += 1
        state[MEMORY] -= w.OBJECT + 50 * values
    elif op == 0x6C or op == 0x6F:
        stack[n] = 1
        n += 1
        state[MEMORY] -= 2 * w.OBJECT + 8 * values
    elif op == 0x91:
        stack[n] = w.DEPTH + 1 + values
        n += 1
        state[MEMORY] -= w.SET + 70 * values
    elif op == 0x90:
        state[MEMORY] -= w.SET + 70 * values
    state[STACK], state[MARKS] = n, m
    return 0


@njit(nogil=True)
def _text(data: Any, have: int, op: Any, pos: int, stack: Any, marks: Any, memo: Any, state: Any) -> int:
    """Walk an opcode of protocol 0, whose argument is text."""
    end = _line(data, pos, have)
    two = end >= 0 and (op == 0x63 or op == 0x69)  # GLOBAL, INST
    second = _line(data, end + 1, have) if two else end
    if end < 0 or second < 0:
        state[VALUE] = have
        return MORE if have < len(data) else ERROR + w.NO_LINE
    if op == 0x67 or op == 0x70:  # GET, PUT
        code = _memo(data, op, pos, end, stack, marks, memo, state)
        if code:
            return code
    else:
        n, m = state[STACK], state[MARKS]
        if op == 0x69:
            if m == 0:
                return ERROR + w.NO_MARK
            n = marks[m - 1]
            state[MARKS] = m - 1
        stack[n] = w.LONG_KEY if (op == 0x49 or op == 0x4C) and end - pos > 20 else 1
        state[STACK] = n + 1
    state[MEMORY] -= w.OBJECT + end - pos
    state[POSITION] = second + 1
    return 0


@njit(nogil=True)
def _memo(data: Any, op: Any, pos: int, end: int, stack: Any, marks: Any, memo: Any, state: Any) -> int:
    """Recall or store by a number in text."""
    n, m = state[STACK], state[MARKS]
    length, index = end - pos, np.int64(0)
    for i in range(pos, end):
        if data[i] < 48 or data[i] > 57 or length > 12:
            return ERROR + w.NO_NUMBER
        index = 10 * index + (np.int64(data[i]) - 48)
    if length == 0:
        return ERROR + w.NO_NUMBER
    if op == 0x67:
        if index >= len(memo) or memo[index] < 0:
            state[VALUE] = index
            return ERROR + w.UNSTORED
        stack[n] = memo[index]
        state[STACK] = n + 1
        return 0
    if n - 1 < (marks[m - 1] if m else 0):
        return ERROR + w.FEW
    more = max(index - state[MEMO_TOP], 0)
    if index > 65_536 + 2 * (end + 1) or more > state[MEMO_LEFT]:
        state[VALUE] = index
        return ERROR + w.FAR
    if state[MEMORY] < w.OBJECT + length + 16 * more:
        state[MEMORY] -= w.OBJECT + length + 16 * more
        return ERROR + w.MEMORY
    if index >= len(memo):
        state[VALUE] = index
        return GROW_MEMO
    state[MEMO_TOP] += more
    state[MEMO_LEFT] -= more
    state[MEMORY] -= 16 * more
    if memo[index] < 0:
        state[MEMO] += 1
    memo[index] = stack[n - 1]
    return 0
