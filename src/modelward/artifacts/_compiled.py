"""The compiled walk, made to look like the plain one."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from modelward.artifacts import _kernels_state as k
from modelward.artifacts._content import WINDOW
from modelward.artifacts._native import address_of, grown, native, numbers
from modelward.artifacts._opcodes import FRAMED, MESSAGES, NO_OPCODE, STOPPED, STRETCH, wrong
from modelward.artifacts._walk import Walker

if TYPE_CHECKING:
    from collections.abc import Callable


def _make() -> bytes:
    from modelward.artifacts._kernels import entry
    from modelward.artifacts._native_make import object_file

    return object_file(entry, "biipipipip")


class Compiled:
    """Goes on where a plain walk stands.

    Parameters
    ----------
    walker : Walker
        Its stack, marks and memo are taken over; position, builds and frame are written back after each run.
    """

    walk: Callable[..., int]

    def __init__(self, walker: Walker) -> None:
        self._walker = walker
        self._size = len(walker.data)
        self._address = address_of(walker.data)
        self._stack = _filled(walker.stack)
        self._marks = _filled(walker.marks)
        self._memo = numbers(max(1024, 2 * (max(walker.memo, default=0) + 1)), -1)
        for index, cost in walker.memo.items():
            self._memo[index] = cost
        state = self._state = numbers(k.SIZE)
        state[k.STACK], state[k.MARKS] = len(walker.stack), len(walker.marks)
        state[k.MEMO], state[k.MEMO_TOP] = len(walker.memo), walker.memo_top
        state[k.BY_BUILD] = walker.by_build
        state[k.STRETCH_FROM] = walker.stretch

    @classmethod
    def load(cls) -> type[Compiled]:
        """Compile, or load what was compiled before; whatever is wrong with that shows here."""
        cls.walk = staticmethod(native("walk", k.SOURCES, _make, "piipipipip"))
        if cls(Walker(b"N.", compiled=False)).run() != STOPPED:
            raise RuntimeError("the compiled walk does not work here")
        return cls

    def run(self) -> int:
        """Walk on and return what ended it, as `Walker` does."""
        walker, state = self._walker, self._state
        state[k.POSITION], state[k.BEGIN], state[k.BUILDS] = walker.position, walker.begin, walker.builds
        state[k.FRAME_END], state[k.FRAME_START] = walker.frame_end, walker.frame_start
        state[k.MEMORY] = walker.memory_left
        bounds = walker.bounds
        state[k.HASH], state[k.HAND], state[k.MEMO_LEFT] = (
            bounds.hash_left,
            bounds.hand_left,
            bounds.memo_left,
        )
        state[k.COMPARE], state[k.KEYS] = bounds.compare_left, bounds.keys
        have = self._size
        step = WINDOW
        if walker.content is not None:
            step = walker.content.ahead
            have = walker.content.need(walker.position, walker.position + step)
        while True:
            ended = self._walk(have)
            if ended == k.GROW_STACK:
                self._stack = grown(self._stack, 2 * len(self._stack))
            elif ended == k.GROW_MARKS:
                self._marks = grown(self._marks, 2 * len(self._marks))
            elif ended == k.GROW_MEMO:
                self._memo = grown(self._memo, 2 * state[k.VALUE] + 2)
            elif ended == k.MORE and walker.content is not None:
                have = walker.content.need(state[k.VALUE], state[k.VALUE] + step)
                step *= 2
            else:
                break
        walker.position, walker.builds = state[k.POSITION], state[k.BUILDS]
        walker.frame_end, walker.frame_start = state[k.FRAME_END], state[k.FRAME_START]
        bounds.hash_left, bounds.hand_left, bounds.memo_left = (
            state[k.HASH],
            state[k.HAND],
            state[k.MEMO_LEFT],
        )
        bounds.compare_left, bounds.keys = state[k.COMPARE], state[k.KEYS]
        if ended >= k.ERROR:
            raise self._error(ended - k.ERROR)
        walker.memory_left = state[k.MEMORY]
        if ended == STRETCH:
            walker.leave_out(state[k.END], (state[k.STRETCH_AT], walker.position))
        elif ended == FRAMED:
            walker.leave_out(state[k.END])
        return ended

    def _walk(self, have: int) -> int:
        stack, marks, memo = self._stack, self._marks, self._memo
        return self.walk(
            self._address, self._size, have, ctypes.addressof(stack), len(stack), ctypes.addressof(marks), len(marks),
            ctypes.addressof(memo), len(memo), ctypes.addressof(self._state),
        )  # fmt: skip

    def _error(self, code: int) -> Exception:
        value = self._state[k.VALUE] & ((1 << 64) - 1)
        if code == NO_OPCODE:
            return wrong(code, value, self._state[k.START])
        return wrong(code, value) if "{}" in MESSAGES[code] else wrong(code)


def _filled(values: list[int]) -> Any:
    """Return values in an array with room for more."""
    out = numbers(max(1024, 2 * len(values)))
    out[: len(values)] = values
    return out
