"""The compiled walk, made to look like the plain one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.artifacts import _kernels_state as k
from modelward.artifacts._content import WINDOW
from modelward.artifacts._effort import stamp
from modelward.artifacts._kernels import walk
from modelward.artifacts._opcodes import FRAMED, MESSAGES, NO_OPCODE, STOPPED, STRETCH, wrong
from modelward.artifacts._walk import Walker

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Compiled:
    """Goes on where a plain walk stands.

    Parameters
    ----------
    walker : Walker
        Its stack, marks and memo are taken over; position, builds and frame are written back after each run.
    """

    def __init__(self, walker: Walker) -> None:
        self._walker = walker
        self._data: NDArray[np.uint8] = np.frombuffer(walker.data, dtype=np.uint8)
        self._stack = _filled(walker.stack)
        self._marks = _filled(walker.marks)
        self._memo = np.full(max(1024, 2 * (max(walker.memo, default=0) + 1)), -1, dtype=np.int64)
        if walker.memo:
            self._memo[list(walker.memo)] = list(walker.memo.values())
        state = self._state = np.zeros(k.SIZE, dtype=np.int64)
        state[k.STACK], state[k.MARKS] = len(walker.stack), len(walker.marks)
        state[k.MEMO], state[k.MEMO_TOP] = len(walker.memo), walker.memo_top
        state[k.HASH], state[k.BY_BUILD] = walker.hash_left, walker.by_build
        state[k.STRETCH_FROM] = walker.stretch
        state[k.COMPARE], state[k.KEYS], state[k.HAND] = walker.compare_left, walker.keys, walker.hand_left
        self._have = 0

    @staticmethod
    def try_out() -> None:
        """Compile, or load what was compiled before; whatever is wrong with that shows here."""
        for _ in range(2):
            trial = Compiled(Walker(b"N.", compiled=False))
            works = trial.run() == STOPPED
            if int(trial._state[k.STAMP]) == stamp(*k.SOURCES):
                break
            walk.recompile()  # what was kept is of other sources
            works = False
        if not works:
            raise RuntimeError("the compiled walk does not work here")

    def run(self) -> int:
        """Walk on and return what ended it, as `Walker` does."""
        walker, state = self._walker, self._state
        state[k.POSITION], state[k.BEGIN], state[k.BUILDS] = walker.position, walker.begin, walker.builds
        state[k.FRAME_END], state[k.FRAME_START] = walker.frame_end, walker.frame_start
        state[k.MEMORY] = walker.memory_left
        have = len(self._data)
        step = WINDOW
        if walker.content is not None:
            step = walker.content.ahead
            have = walker.content.need(walker.position, walker.position + step)
        while True:
            ended = int(walk(self._data, have, self._stack, self._marks, self._memo, state))
            if ended == k.GROW_STACK:
                self._stack = _grown(self._stack, 2 * len(self._stack))
            elif ended == k.GROW_MARKS:
                self._marks = _grown(self._marks, 2 * len(self._marks))
            elif ended == k.GROW_MEMO:
                self._memo = _grown(self._memo, 2 * int(state[k.VALUE]) + 2)
            elif ended == k.MORE and walker.content is not None:
                have = walker.content.need(int(state[k.VALUE]), int(state[k.VALUE]) + step)
                step *= 2
            else:
                break
        walker.position, walker.builds = int(state[k.POSITION]), int(state[k.BUILDS])
        walker.frame_end, walker.frame_start = int(state[k.FRAME_END]), int(state[k.FRAME_START])
        walker.compare_left, walker.keys = int(state[k.COMPARE]), int(state[k.KEYS])
        if ended >= k.ERROR:
            raise self._error(ended - k.ERROR)
        walker.memory_left, walker.hash_left = int(state[k.MEMORY]), int(state[k.HASH])
        if ended == STRETCH:
            walker.leave_out(int(state[k.END]), (int(state[k.STRETCH_AT]), walker.position))
        elif ended == FRAMED:
            walker.leave_out(int(state[k.END]))
        return ended

    def _error(self, code: int) -> Exception:
        value = int(self._state[k.VALUE]) & ((1 << 64) - 1)
        if code == NO_OPCODE:
            return wrong(code, value, int(self._state[k.START]))
        return wrong(code, value) if "{}" in MESSAGES[code] else wrong(code)


def _filled(values: list[int]) -> NDArray[np.int64]:
    """Return values in an array with room for more."""
    out: NDArray[np.int64] = np.empty(max(1024, 2 * len(values)), dtype=np.int64)
    out[: len(values)] = values
    return out


def _grown(values: NDArray[Any], size: int) -> NDArray[Any]:
    """Return a longer array; what is new is marked as not stored."""
    out = np.full(size, -1, dtype=np.int64)
    out[: len(values)] = values
    return out
