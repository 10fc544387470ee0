"""Pre-walk: look over the opcodes of a pickle before any unpickler runs them.

The unpickler trusts a stream's numbers: nine bytes can make it allocate a memo of 4 GB, a doubling chain of
tuples used as a key can make it hash for ever. The walk follows the stack and the memo in the abstract (each
value is only the cost of hashing it) and stops the stream at the first opcode that is malformed, asks for
more than the file can justify, or leaves its frame. C and Python unpicklers disagree only on such streams.

It is written twice: here and in `_walk_machine.py` in plain Python, which suffices for most files, and compiled in
`_kernels.py`, which takes over in the middle of a stream once enough opcodes were met to pay for loading it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelward.artifacts._effort import LOOK, RARE, Effort, Lazy
from modelward.artifacts._opcodes import (
    AHEAD,
    BUILT,
    CROSSES,
    DEPTH,
    EMPTY,
    EMPTY_STOP,
    ENDS,
    ENTRY,
    FEW,
    FRAMED,
    INSIDE,
    LARGE_FRAME,
    LONG,
    LONG_FRAME,
    LONG_KEY,
    LONG_PAYLOADS,
    MAX_MEMORY,
    MEMORY,
    MESSAGES,
    NESTED_FRAME,
    NEVER,
    NO_STRETCH,
    PUSH,
    SIZED,
    SPENT,
    STOPPED,
    STRETCH,
    UNSTORED,
    Bounds,
    WalkError,
    wrong,
)
from modelward.artifacts._walk_machine import Machine

if TYPE_CHECKING:
    from modelward.artifacts._compiled import Compiled
    from modelward.artifacts._content import Content


_FIRST = 256
"""Opcodes that are walked here before the compiled walk takes over, if it is loaded: it takes as long to begin."""


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

    return Compiled.load()


COMPILED = Lazy(_load)


def load_compiled() -> type[Compiled] | None:
    """Load the compiled walk; None where it cannot be had."""
    kind: type[Compiled] | None = COMPILED.get()
    return kind


class Walker(Machine):
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
        Byte strings and texts from this length on are not part of a segment but lie between two.
    bounds : Bounds or None
        What all pickles of the file may still cost; None if there is no other.
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
        bounds: Bounds | None = None,
        compiled: bool | None = None,
    ) -> None:
        super().__init__(data, Bounds(len(data)) if bounds is None else bounds)
        self.position = position
        self.by_build = by_build
        self.builds = 0
        self.stretch = stretch
        self.memory_left = max_memory
        self.frame_end = NEVER
        self.frame_start = -1
        self.begin = self._end = position
        self._stretch: tuple[int, int] | None = None
        self._plain = compiled is False
        self._compiled: Compiled | None = None
        self._first = NO_STRETCH
        self._from, self._used = position, 0
        if compiled:
            self.switch()
        elif compiled is None and COMPILED.loaded is not None:
            self._first = _FIRST

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
            while ended == SPENT:
                if self._first != NO_STRETCH or self._worth_loading():
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

    def _worth_loading(self) -> bool:
        """Say whether what is left of the stream takes longer in plain Python than loading the compiled walk.

        The rest is taken to be as full of opcodes as the part that was walked.
        """
        walked = self.position - self._from
        return Effort.left <= 0 or self._used * (len(self.data) - self.position) > Effort.left * walked

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
        used = rare = 0
        room = min(Effort.left, LOOK) if self._first == NO_STRETCH else self._first
        room = NO_STRETCH if self._plain else max(room, 1)
        try:
            for used in range(room):  # noqa: B007
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
                    if count >= self.stretch and op in LONG_PAYLOADS and self._splittable():
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
                    if stack[-1] > DEPTH:
                        self._handed(stack[-1])
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
                    rare += 1
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
            used += RARE * rare
            Effort.left -= used
            self._used += used
            if self._first != NO_STRETCH:
                self._first -= used
        self.position = pos
        self.memory_left = memory
        return ended

    def _splittable(self) -> bool:
        """Say whether a segment may end here: not in a frame that an unpickler takes in one piece."""
        return self.frame_end == NEVER or self.frame_start < 0
