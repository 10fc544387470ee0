"""What an unpickler is fed: only opcodes that the pre-walk has passed, and joblib's array bytes not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import raw_array
from modelward.artifacts._content import Content, Stretch, TextStretch, buffer_of
from modelward.artifacts._log import WRAPPERS
from modelward.artifacts._opcodes import NO_STRETCH, TEXTS, WalkError
from modelward.artifacts._walk import Walker

if TYPE_CHECKING:
    from modelward.artifacts._inert import Inert
    from modelward.artifacts._log import Log

LONG_IN_FILE = 1 << 16
"""Byte strings and texts of a file that is not in memory are referred to from this length on, and not copied."""
_ASK = b"NQ"  # a persistent identifier: the one way to have the unpickler push an object of ours


class Feed:
    """A file for the unpickler that only ever holds opcodes which the pre-walk has passed.

    Parameters
    ----------
    data : bytes or Content
        The whole content.
    position : int
        Where the pickle begins.
    log : Log
        What the reading shows.
    joblib : bool
        Whether array bytes may stand between opcodes.
    max_memory : int
        See `modelward.artifacts._opcodes.MAX_MEMORY`.
    """

    def __init__(
        self,
        data: bytes | Content,
        position: int,
        log: Log,
        *,
        joblib: bool,
        max_memory: int,
    ) -> None:
        self._data = data
        self._log = log
        self._joblib = joblib
        self._max_memory = max_memory
        stretch = LONG_IN_FILE if isinstance(data, Content) else NO_STRETCH
        self._walker = Walker(
            data,
            position,
            by_build=joblib,
            max_memory=max_memory,
            stretch=stretch,
            bounds=log.bounds,
        )
        self._segment: bytes | memoryview = b""
        self._at = 0
        self._builds = 0
        self._finished = False
        self._waiting: Stretch | TextStretch | None = None
        self._pushing: Stretch | TextStretch | None = None
        self.error = ""
        self.stopped_at = -1

    def _more(self) -> bool:
        """Make sure that something is left in the segment."""
        while self._at >= len(self._segment):
            if self._waiting is not None:
                # The unpickler asks for an object by an identifier, and gets the bytes.
                self._pushing, self._waiting = self._waiting, None
                self._segment, self._at = _ASK, 0
                break
            if self._finished:
                return False
            self._segment, self._at = self._next(), 0
        return True

    def _next(self) -> bytes | memoryview:
        """Walk on, and return what may be run."""
        walker = self._walker
        segment = walker.advance()
        if segment.error:
            self.error, self._finished = segment.error, True
            return walker.patched()
        if segment.stopped:
            self.stopped_at, self._finished = segment.end, True
        if segment.stretch:
            self._leave_out(segment.end, *segment.stretch)
        if segment.begin == 0 and segment.end == len(self._data) and isinstance(self._data, bytes):
            return self._data
        part: bytes | memoryview = buffer_of(self._data, segment.begin, segment.end)
        return part

    def _leave_out(self, opcode: int, start: int, end: int) -> None:
        """Have what stands for the bytes or the text of an opcode pushed next."""
        if self._data[opcode] not in TEXTS:
            self._waiting = Stretch(self._data, start, end)
            return
        text = TextStretch(self._data, start, end)
        if problem := text.problem():
            self.error, self._finished = problem, True
        else:
            self._waiting = text

    def asked(self, pid: Any) -> Any:
        """Return the bytes that were left out here or, if it is the file that asks, a stand-in for an object."""
        pushing, self._pushing = self._pushing, None
        if pushing is not None:
            return pushing
        known = self._log.persistent(pid) if self._log.persistent is not None else None
        return self._log.outside()(pid) if known is None else known

    def peek(self, size: int = -1) -> bytes | memoryview:  # noqa: ARG002 - the unpickler takes what it gets
        """Return the rest of the segment, without moving."""
        if not self._more():
            return b""
        return self._segment[self._at :] if self._at else self._segment

    def read(self, size: int = -1) -> bytes | memoryview:
        """Return up to `size` bytes of what was walked."""
        if not self._more():
            return b""
        start = self._at
        self._at = len(self._segment) if size < 0 else min(len(self._segment), start + size)
        return self._segment[start : self._at]

    def readline(self) -> bytes:
        """Return a line of what was walked."""
        if not self._more():
            return b""
        size, left = 128, len(self._segment) - self._at
        while True:  # the rest of a segment may be long, and lines are many
            line = bytes(self._segment[self._at : self._at + size])
            newline = line.find(b"\n")
            if newline >= 0 or size >= left:
                break
            size *= 8
        line = line if newline < 0 else line[: newline + 1]
        self._at += len(line)
        return line

    def built(self, target: Inert) -> None:
        """Read raw array bytes after the BUILD of a joblib wrapper."""
        self._builds += 1
        cls = type(target)
        if not self._joblib or (cls.module, cls.name) not in WRAPPERS:
            return
        if self._builds != self._walker.builds:
            raise WalkError("array bytes would begin inside a frame")
        fields = target.attributes
        position = self._walker.position
        array = raw_array(fields, self._data, position)
        if array is not None:
            self._log.described(array.dtype.count)
        if array is None:
            target.payload, self._walker.position = self._nested(position)
        else:
            target.payload, self._walker.position = array, array.end

    def _nested(self, position: int) -> tuple[Any, int]:
        """Read the pickle in which joblib keeps an array of objects."""
        from modelward.artifacts._unpickle import read_one

        reading = read_one(self._data, position, self._log, joblib=False, max_memory=self._max_memory)
        if reading.error:
            raise WalkError(f"a nested pickle cannot be read: {reading.error}")
        return reading.root, reading.end
