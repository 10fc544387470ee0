"""The bytes of a large file, read where they are needed, and runs of them that are never copied."""

from __future__ import annotations

import codecs
import mmap
import os
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK = 1 << 16
WINDOW = 1 << 20
"""How far the pre-walk reads ahead of itself."""
_NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0)


class ChangedError(Exception):
    """A file became shorter, or could no longer be read, while it was read."""


class Content:
    """A snapshot of a file that is taken where somebody looks, block by block, and never twice.

    The file is not mapped: a mapped file that another process cuts would kill this one, and one that is
    changed would show other bytes at the second look. Here every byte that was looked at stays as it was,
    and what nobody looks at (the payload of a large array) takes no memory.

    Parameters
    ----------
    handle : int
        A descriptor of a regular file. It is closed with the object.
    size : int
        Bytes in the file, at least one.
    """

    def __init__(self, handle: int, size: int) -> None:
        self._handle = handle
        self._size = size
        self.ahead = WINDOW
        """How far to read ahead of whoever goes through it."""
        self.held = 0
        """Bytes that were read so far, and are kept."""
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE
        self.space = mmap.mmap(-1, size, flags=flags)
        self._read = bytearray(-(-size // BLOCK))
        self._stamp = os.fstat(handle).st_mtime_ns
        self._close = weakref.finalize(self, os.close, handle)

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, key: int) -> int: ...

    @overload
    def __getitem__(self, key: slice) -> bytes: ...

    def __getitem__(self, key: int | slice) -> int | bytes:
        if isinstance(key, int):
            at = range(self._size)[key]
            self.need(at, at + 1)
            return self.space[at]
        start, stop, step = key.indices(self._size)
        if step == 1:
            self.need(start, stop)
        else:
            self.need(0, self._size)
        return self.space[key]

    def __bytes__(self) -> bytes:
        return self[:]

    def need(self, start: int, end: int) -> int:
        """Have the bytes from `start` to `end` in `space`; return how far they reach.

        Raises
        ------
        ChangedError
            If the file has become shorter or cannot be read.
        """
        end = min(end, self._size)
        first, last = start // BLOCK, -(-end // BLOCK)
        block = self._read.find(0, first, last)
        while block >= 0:
            after = self._read.find(1, block, last)
            after = last if after < 0 else after
            self._fill(block * BLOCK, min(after * BLOCK, self._size))
            self._read[block:after] = b"\1" * (after - block)
            self.held += (after - block) * BLOCK
            block = self._read.find(0, after, last)
        return min(last * BLOCK, self._size)

    def _fill(self, start: int, end: int) -> None:
        with memoryview(self.space) as whole:
            while start < end:
                with whole[start:end] as part:
                    try:
                        got = os.preadv(self._handle, [part], start)
                    except OSError as error:
                        raise ChangedError(f"it cannot be read: {os.strerror(error.errno or 5)}") from None
                if got == 0:
                    raise ChangedError("it became shorter while it was read")
                start += got

    def passing(self, start: int, end: int) -> bytes:
        """Return bytes without keeping them: what was looked at before as it was then, the rest as it is now."""
        end = min(end, self._size)
        first, last = start // BLOCK, -(-end // BLOCK)
        if self._read.find(1, first, last) >= 0:
            blocks = b"".join(self._block(i) for i in range(first, last))
            return blocks[start - first * BLOCK : end - first * BLOCK]
        try:
            return os.pread(self._handle, end - start, start)
        except OSError as error:
            raise ChangedError(f"it cannot be read: {os.strerror(error.errno or 5)}") from None

    def _block(self, block: int) -> bytes:
        if self._read[block]:
            return self.space[block * BLOCK : (block + 1) * BLOCK]
        return os.pread(self._handle, min(BLOCK, self._size - block * BLOCK), block * BLOCK)

    def aside(self) -> Content:
        """Return the same content once more; what is read of that is not kept here, and goes with it."""
        return _Aside(self, os.dup(self._handle))

    def as_read(self, block: int) -> bytes:
        """Return a block as it was when it was read; nothing if it was not."""
        return self.space[block * BLOCK : (block + 1) * BLOCK] if self._read[block] else b""

    def changed(self) -> bool:
        """Say whether the file was written to since it was opened."""
        now = os.fstat(self._handle)
        return (now.st_size, now.st_mtime_ns) != (self._size, self._stamp)

    def find(self, what: bytes, start: int = 0, end: int | None = None) -> int:
        """Return the first place of some bytes, or -1; it reads no further than it must."""
        stop = self._size if end is None else min(end, self._size)
        step = self.ahead
        while start < stop:
            have = self.need(start, min(start + step + len(what), stop))
            found = self.space.find(what, start, min(have, stop))
            if found >= 0 or have >= stop:
                return found
            start = max(start, have - len(what) + 1)
            step *= 2
        return -1

    def startswith(self, what: bytes | tuple[bytes, ...]) -> bool:
        """Say whether the content begins with some bytes."""
        longest = len(what) if isinstance(what, bytes) else max(map(len, what))
        return self[:longest].startswith(what)

    def view(self, start: int, end: int) -> memoryview:
        """Return bytes without copying them."""
        self.need(start, end)
        return memoryview(self.space)[start:end].toreadonly()


class _Aside(Content):
    """Content to be looked into in passing: as it was read before where it was, else as it is now."""

    def __init__(self, kept: Content, handle: int) -> None:
        super().__init__(handle, len(kept))
        self._kept = kept
        self.ahead = BLOCK // 4

    def _fill(self, start: int, end: int) -> None:
        for at in range(start, end, BLOCK):
            stop = min(at + BLOCK, end)
            block = self._kept.as_read(at // BLOCK)
            if block:
                self.space[at:stop] = block
            else:
                super()._fill(at, stop)


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """A long byte string of a pickle, where it lies in the file; nothing is copied.

    Attributes
    ----------
    content : bytes or Content
        The file.
    start, end : int
        Where in it.
    """

    content: bytes | Content
    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def __bytes__(self) -> bytes:
        return self.content[self.start : self.end]

    def __getitem__(self, key: slice) -> bytes:
        start, stop, step = key.indices(len(self))
        if step != 1:
            raise ValueError("a stretch of a file is cut in steps of one")
        return self.content[self.start + start : self.start + max(start, stop)]

    def __repr__(self) -> str:
        return f"<{len(self):,} bytes of the file>"


@dataclass(frozen=True, slots=True, eq=False)
class TextStretch:
    """A long text of a pickle, where its UTF-8 lies in the file; nothing is decoded until somebody asks.

    Attributes
    ----------
    content : bytes or Content
        The file.
    start, end : int
        Where in it.
    """

    content: bytes | Content
    start: int
    end: int

    def __str__(self) -> str:
        return self.content[self.start : self.end].decode("utf-8", "surrogatepass")

    def __repr__(self) -> str:
        return f"<text in {self.end - self.start:,} bytes of the file>"

    def problem(self) -> str:
        """Return why an unpickler would not take it for a text; empty if it would."""
        take = codecs.getincrementaldecoder("utf-8")("surrogatepass")
        look = self.content.passing if isinstance(self.content, Content) else _slice_of(self.content)
        try:
            for at in range(self.start, self.end, WINDOW):
                until = min(at + WINDOW, self.end)
                take.decode(look(at, until), final=until == self.end)
        except UnicodeDecodeError:
            return "a text is no UTF-8"
        return ""


def _slice_of(content: bytes) -> Callable[[int, int], bytes]:
    return lambda start, end: content[start:end]


def buffer_of(content: Any, start: int, end: int) -> Any:
    """Return something with the bytes from `start` to `end` at its beginning, without copying where possible."""
    if isinstance(content, Stretch):
        start, end = content.start + start, min(content.start + end, content.end)
        content = content.content
    if isinstance(content, Content):
        return content.view(start, end)
    return memoryview(content)[start:end]
