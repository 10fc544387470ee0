"""Reading one pickle with CPython's own unpickler, handing it stand-ins for everything that it names."""

from __future__ import annotations

import _compat_pickle
import pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import RawArray, raw_array
from modelward.artifacts._inert import Inert, InertType, stand_in
from modelward.artifacts._names import BY_ARGUMENTS, harmful_call, harmful_state
from modelward.artifacts._walk import Walker, WalkError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_NAMES = 20_000
"""Distinct names that one file may reach; fitted models reach a few dozen."""
_WRAPPERS = frozenset(
    {
        ("joblib.numpy_pickle", "NumpyArrayWrapper"),
        ("sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper"),
    }
)
_OUT_OF_BAND = "part of its data lies outside the file (out-of-band buffers)"


@dataclass
class Log:
    """What reading a file has shown so far.

    Attributes
    ----------
    names : dict
        Every (module, name) that a load would look up, in order, to its stand-in class.
    oddities : dict
        What no honest file does, in order (values are unused).
    calls : list
        Calls of the names that are judged by their arguments.
    wrapper : bool
        Whether joblib's array wrapper is among the names.
    """

    names: dict[tuple[str, str], InertType] = field(default_factory=dict)
    oddities: dict[str, None] = field(default_factory=dict)
    calls: list[tuple[str, str, tuple[Any, ...]]] = field(default_factory=list)
    wrapper: bool = False
    feed: Feed | None = None

    def odd(self, what: str) -> None:
        """Note something that no honest file does."""
        if len(self.oddities) < 100:
            self.oddities[what] = None

    def called(self, module: str, name: str, args: tuple[Any, ...]) -> None:
        """Note the call of a name that is judged by its arguments."""
        if name != "getattr":
            harm = harmful_call(module, name, args)
            if harm:
                self.odd(harm)
            return
        if len(self.calls) >= MAX_NAMES:
            raise WalkError(f"it calls {module}.{name} too often")
        self.calls.append((module, name, args))

    def built(self, target: Inert) -> None:
        """Count a BUILD, and read the raw array that joblib writes after one of its wrappers."""
        cls = type(target)
        if cls.module.startswith("scipy."):
            harm = harmful_state(cls.module, cls.name, target.state)
            if harm:
                self.odd(harm)
        if self.feed is not None:
            self.feed.built(target)

    def look_up(self, module: str, name: str) -> InertType:
        """Return the stand-in for a name, always the same one."""
        # Old pickles hold Python 2's names, which the unpickler maps; so do we, whatever the protocol.
        if (module, name) in _compat_pickle.NAME_MAPPING:
            module, name = _compat_pickle.NAME_MAPPING[(module, name)]
        elif module in _compat_pickle.IMPORT_MAPPING:
            module = _compat_pickle.IMPORT_MAPPING[module]
        found = self.names.get((module, name))
        if found is None:
            if len(self.names) >= MAX_NAMES:
                raise WalkError(f"it names more than {MAX_NAMES:,} classes and functions")
            watched = (module, name) in BY_ARGUMENTS
            found = self.names[(module, name)] = stand_in(module, name, self, watched=watched)
            self.wrapper = self.wrapper or (module, name) in _WRAPPERS
        return found


class _Unpickler(pickle.Unpickler):
    """CPython's unpickler with our lookup."""

    def __init__(self, feed: Feed, log: Log) -> None:
        super().__init__(feed, encoding="latin1", buffers=_no_buffers(log))
        self._log = log

    def find_class(self, module: str, name: str) -> Any:
        return self._log.look_up(module, name)

    def persistent_load(self, pid: Any) -> Any:
        self._log.odd("refers to objects outside the file (persistent ids)")
        return self._log.look_up("persistent", "id")(pid)


def _no_buffers(log: Log) -> Iterator[bytes]:
    while True:
        log.odd(_OUT_OF_BAND)
        yield b""


class Feed:
    """A file for the unpickler that only ever holds opcodes which the pre-walk has passed.

    Parameters
    ----------
    data : bytes
        The whole content.
    position : int
        Where the pickle begins.
    log : Log
        What the reading shows.
    joblib : bool
        Whether array bytes may stand between opcodes.
    max_memory : int
        See `modelward.artifacts._walk.MAX_MEMORY`.
    """

    def __init__(self, data: bytes, position: int, log: Log, *, joblib: bool, max_memory: int) -> None:
        self._data = data
        self._log = log
        self._joblib = joblib
        self._max_memory = max_memory
        self._walker = Walker(data, position, by_build=joblib, max_memory=max_memory)
        self._position = self._end = position
        self._builds = 0
        self._finished = False
        self.error = ""
        self.stopped_at = -1

    def _more(self) -> bool:
        """Make sure that something is left in the segment."""
        if self._position < self._end:
            return True
        if self._finished:
            return False
        self._position = self._walker.position
        segment = self._walker.advance()
        self._end = segment.end
        if segment.error:
            self.error, self._finished = segment.error, True
            self._data = self._walker.patched()
        elif segment.stopped:
            self.stopped_at, self._finished = segment.end, True
        return self._position < self._end

    def peek(self, size: int = -1) -> bytes:  # noqa: ARG002 - the unpickler takes what it gets
        """Return the rest of the segment, without moving."""
        if not self._more():
            return b""
        if self._position == 0 and self._end == len(self._data):
            return self._data
        return self._data[self._position : self._end]

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes of what was walked."""
        if not self._more():
            return b""
        start = self._position
        self._position = self._end if size < 0 else min(self._end, start + size)
        return self._data[start : self._position]

    def readline(self) -> bytes:
        """Return a line of what was walked."""
        if not self._more():
            return b""
        start = self._position
        newline = self._data.find(b"\n", start, self._end)
        self._position = self._end if newline < 0 else newline + 1
        return self._data[start : self._position]

    def built(self, target: Inert) -> None:
        """Read raw array bytes after the BUILD of a joblib wrapper."""
        self._builds += 1
        cls = type(target)
        if not self._joblib or (cls.module, cls.name) not in _WRAPPERS:
            return
        if self._builds != self._walker.builds:
            raise WalkError("array bytes would begin inside a frame")
        fields = target.attributes
        position = self._walker.position
        array = raw_array(fields, self._data, position)
        if array is None:
            target.payload, self._walker.position = self._nested(position)
        else:
            target.payload, self._walker.position = array, array.end

    def _nested(self, position: int) -> tuple[Any, int]:
        """Read the pickle in which joblib keeps an array of objects."""
        outer = self._log.feed
        reading = read_one(self._data, position, self._log, joblib=False, max_memory=self._max_memory)
        self._log.feed = outer
        if reading.error:
            raise WalkError(f"a nested pickle cannot be read: {reading.error}")
        return reading.root, reading.end


@dataclass(frozen=True, slots=True)
class Reading:
    """One pickle, read.

    Attributes
    ----------
    root : object
        The inert graph; None after an error.
    end : int
        Position after STOP; -1 after an error.
    error : str
        Why it could not be read to its end.
    """

    root: Any
    end: int
    error: str


def read_one(data: bytes, position: int, log: Log, *, joblib: bool, max_memory: int) -> Reading:
    """Read the pickle that begins at `position`; what it reaches is noted in `log` even if it is broken."""
    feed = Feed(data, position, log, joblib=joblib, max_memory=max_memory)
    log.feed = feed
    try:
        root = _Unpickler(feed, log).load()
    except RecursionError:
        return Reading(None, -1, "it is nested too deeply")
    except Exception as error:  # noqa: BLE001 - a hostile stream may raise anything; all of it means unreadable
        if feed.error:
            return Reading(None, -1, feed.error)
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        if text.startswith("STACK_GLOBAL requires str"):
            log.odd("computes the name of what it reaches while it is loaded")
        return Reading(None, -1, text)
    finally:
        log.feed = None
    if feed.stopped_at < 0:
        return Reading(None, -1, feed.error or "it ends before its STOP opcode")
    return Reading(root, feed.stopped_at, "")


__all__ = ["Log", "RawArray", "Reading", "read_one"]
