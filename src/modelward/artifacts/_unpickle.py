"""Reading one pickle with CPython's own unpickler, handing it stand-ins for everything that it names."""

from __future__ import annotations

import _compat_pickle
import gc
import pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from modelward.artifacts._arrays import RawArray, raw_array
from modelward.artifacts._calls import harmful_call, harmful_item, harmful_state, is_watched
from modelward.artifacts._content import Content, Stretch, buffer_of
from modelward.artifacts._dtype_state import (
    MAX_FIELDS,
    ODD,
    any_unfinished,
    harmful_dtype,
    has_parts,
    is_dtype,
)
from modelward.artifacts._followed import is_followed, strays
from modelward.artifacts._inert import Inert, InertType, stand_in
from modelward.artifacts._opcodes import MANY_KEYS, MESSAGES, NEVER, NO_STRETCH, Bounds, WalkError
from modelward.artifacts._walk import Walker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_NAMES = 20_000
"""Distinct names that one file may reach; fitted models reach a few dozen."""
MAX_OUTSIDE = 10_000
"""Objects outside the file that a pickle may refer to where its format has none."""
LOOKS = 50_000_000
"""Bytes of arrays that may be looked at, besides four times the file's own."""
MAX_MERGED = 1_000_000
"""Attributes that may be given to objects that have some already: an honest file does so once, if at all."""
WRAPPERS = frozenset(
    {
        ("joblib.numpy_pickle", "NumpyArrayWrapper"),
        ("sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper"),
    }
)
LONG_IN_FILE = 1 << 16
"""Byte strings of a file that is not in memory are referred to from this length on, and not copied."""
_ASK = b"NQ"  # a persistent identifier: the one way to have the unpickler push an object of ours
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
    watch_all : bool
        Be told of every call, and keep in `acted` whether there was one.
    persistent : callable or None
        From a persistent id to the stand-in that the format has for it; None if it has none.
    dtypes : list
        Those that were given a state: what they refer to may still be changed before the pickle ends.
    followed : dict
        Objects whose state compiled code follows; they, too, are judged when the pickle ends.
    length : int
        Of the file, in bytes.
    bounds : Bounds
        What all pickles of the file may still cost.
    """

    names: dict[tuple[str, str], InertType] = field(default_factory=dict)
    oddities: dict[str, None] = field(default_factory=dict)
    calls: list[tuple[str, str, tuple[Any, ...]]] = field(default_factory=list)
    wrapper: bool = False
    watch_all: bool = False
    acted: bool = False
    feed: Feed | None = None
    persistent: Callable[[Any], Any] | None = None
    dtypes: list[Inert] = field(default_factory=list)
    followed: dict[int, Inert] = field(default_factory=dict)
    length: int = 0
    bounds: Bounds = field(default_factory=Bounds)
    _raw: dict[tuple[str, str], InertType] = field(default_factory=dict)
    _result: InertType | None = None
    _outside: int = MAX_OUTSIDE
    _merges: int = MAX_MERGED
    _fields: int = MAX_FIELDS
    _looks: int = 0

    def odd(self, what: str) -> None:
        """Note something that no honest file does."""
        if len(self.oddities) < 100:
            self.oddities[what] = None

    def called(self, module: str, name: str, args: tuple[Any, ...]) -> None:
        """Note the call of a name that is judged by its arguments."""
        self.acted = True
        if name != "getattr":
            harm = harmful_call(module, name, args)
            if harm:
                self.odd(harm)
            return
        if len(self.calls) >= MAX_NAMES:
            raise WalkError(f"it calls {module}.{name} too often")
        self.calls.append((module, name, args))

    def keyed(self, module: str, key: Any, value: Any) -> None:
        """Note that an item of an object was set by a key that is a text."""
        if harm := harmful_item(module, key, value):
            self.odd(harm)

    def built(self, target: Inert) -> None:
        """Count a BUILD, and read the raw array that joblib writes after one of its wrappers."""
        module, _, name = target.type_name.rpartition(".")
        # What a dtype may hold is judged below, whole: its fields may have any names, those of methods too.
        if not is_dtype(target) and (harm := harmful_state(module, name, target.state)):
            self.odd(harm)
        self._array_state(target)
        if is_followed(module, name):
            self.followed[id(target)] = target
        if self.feed is not None:
            self.feed.built(target)

    def _array_state(self, target: Inert) -> None:
        """Judge the state of a dtype, now and when the pickle has ended, and of what is made with one."""
        if is_dtype(target):
            if has_parts(target):
                self.dtypes.append(target)
            if harm := harmful_dtype(target, self.described):
                self.odd(harm)
        elif type(target.state) is tuple and any_unfinished(target.state):
            self.odd(ODD)

    def ended(self) -> str:
        """Judge the dtypes of a pickle again: fields can be exchanged after a state was given.

        Returns
        -------
        str
            Why that could not be done; empty if it was.
        """
        try:
            for dtype in self.dtypes:
                if harm := harmful_dtype(dtype, self.described):
                    self.odd(harm)
            known: dict[int, Any] = {}
            for one in self.followed.values():
                if stray := strays(one, self._looked, known):
                    self.odd(stray)
        except WalkError as error:
            return str(error)
        finally:
            self.dtypes.clear()
            self.followed.clear()
        return ""

    def _looked(self, count: int) -> None:
        """Note that so many bytes of arrays were looked at: the same bytes may stand in many arrays."""
        self._looks += count
        if self._looks > LOOKS + 4 * self.length:
            raise WalkError("it has compiled code follow the same bytes again and again")

    def described(self, fields: int) -> None:
        """Note that so many fields of a dtype were looked at."""
        self._fields -= fields
        if self._fields < 0:
            raise WalkError("it describes the items of its arrays without end")

    def merged(self, count: int) -> None:
        """Note that so many attributes were given to an object that has some already."""
        self._merges -= count
        if self._merges < 0:
            raise WalkError("it gives its objects one state after the other, without end")

    def outside(self) -> InertType:
        """Note that an object outside the file is referred to; return its stand-in."""
        self.odd("refers to objects outside the file (persistent ids)")
        self._outside -= 1
        if self._outside < 0:
            raise WalkError("it refers to objects outside the file without end")
        return self.look_up("persistent", "id")

    def result(self) -> InertType:
        """Return the stand-in for what is called though it is no name of the file."""
        self._outside -= 1
        if self._outside < 0:
            raise WalkError("it calls what its calls return without end")
        if self._result is None:
            self._result = stand_in("", "result", self)
        return self._result

    def look_up(self, module: str, name: str) -> InertType:
        """Return the stand-in for a name, always the same one."""
        found = self._raw.get((module, name))
        if found is None:
            found = self._raw[module, name] = self._first(module, name)
        return found

    def _first(self, module: str, name: str) -> InertType:
        """Return the stand-in for a name that is spelt in this way for the first time."""
        # Old pickles hold Python 2's names, which the unpickler maps; so do we, whatever the protocol.
        if (module, name) in _compat_pickle.NAME_MAPPING:
            module, name = _compat_pickle.NAME_MAPPING[(module, name)]
        elif module in _compat_pickle.IMPORT_MAPPING:
            module = _compat_pickle.IMPORT_MAPPING[module]
        found = self.names.get((module, name))
        if found is None:
            if len(self.names) >= MAX_NAMES:
                raise WalkError(f"it names more than {MAX_NAMES:,} classes and functions")
            watched = self.watch_all or is_watched(f"{module}.{name}")
            found = self.names[(module, name)] = stand_in(module, name, self, watched=watched)
            self.wrapper = self.wrapper or (module, name) in WRAPPERS
        return found


class _Unpickler(pickle.Unpickler):
    """CPython's unpickler with our lookup."""

    def __init__(self, feed: Feed, log: Log) -> None:
        super().__init__(cast("Any", feed), encoding="latin1", buffers=no_buffers(log))
        self._log = log
        self._feed = feed

    def find_class(self, module: str, name: str) -> Any:
        return self._log.look_up(module, name)

    def persistent_load(self, pid: Any) -> Any:
        return self._feed.asked(pid)


def no_buffers(log: Log) -> Iterator[bytes]:
    """Yield nothing for every buffer that a pickle expects beside it."""
    while True:
        log.odd(_OUT_OF_BAND)
        yield b""


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
        self._waiting: Stretch | None = None
        self._pushing: Stretch | None = None
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
            self._waiting = Stretch(self._data, *segment.stretch)
        if segment.begin == 0 and segment.end == len(self._data) and isinstance(self._data, bytes):
            return self._data
        part: bytes | memoryview = buffer_of(self._data, segment.begin, segment.end)
        return part

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
        reading = read_one(self._data, position, self._log, joblib=False, max_memory=self._max_memory)
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


def read_one(data: bytes | Content, position: int, log: Log, *, joblib: bool, max_memory: int) -> Reading:
    """Read the pickle that begins at `position`; what it reaches is noted in `log` even if it is broken."""
    nested = log.feed is not None
    if len(data) > log.length:
        log.bounds.grow(len(data) - log.length)
        log.length = len(data)
    reading = _run(data, position, log, joblib=joblib, max_memory=max_memory)
    problem = "" if nested else log.ended()
    return Reading(None, -1, problem) if problem and not reading.error else reading


def _run(
    data: bytes | Content, position: int, log: Log, *, joblib: bool, max_memory: int, careful: bool = False
) -> Reading:
    feed = Feed(data, position, log, joblib=joblib, max_memory=max_memory)
    kind: Any = _Unpickler
    if careful:
        from modelward.artifacts._careful import CarefulUnpickler as kind  # noqa: N813
    outer, log.feed = log.feed, feed
    collecting = gc.isenabled()
    gc.disable()  # a load makes objects and drops none: looking through them again and again finds nothing
    try:
        root = kind(feed, log).load()
    except RecursionError:
        return Reading(None, -1, "it is nested too deeply")
    except Exception as error:  # noqa: BLE001 - a hostile stream may raise anything; all of it means unreadable
        if feed.error == MESSAGES[MANY_KEYS]:
            log.feed = outer
            left, log.bounds.compare_left = (
                log.bounds.compare_left,
                NEVER,
            )  # each is looked at before it is compared
            try:
                return _run(data, position, log, joblib=joblib, max_memory=max_memory, careful=True)
            finally:
                log.bounds.compare_left = left
        if feed.error:
            return Reading(None, -1, feed.error)
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        # Taken for a plain pickle, joblib's arrays of objects look up what stands in another pickle's memo.
        sure = joblib or not log.wrapper
        if (
            sure
            and text.startswith("STACK_GLOBAL requires str")
            and _computed(data, position, joblib, max_memory)
        ):
            log.odd("computes the name of what it reaches while it is loaded")
        return Reading(None, -1, text)
    finally:
        log.feed = outer
        if collecting:
            gc.enable()
    if feed.stopped_at < 0:
        return Reading(None, -1, feed.error or "it ends before its STOP opcode")
    return Reading(root, feed.stopped_at, "")


def _computed(data: bytes | Content, position: int, joblib: bool, max_memory: int) -> bool:
    """Say whether a stream looks up a name that something else returns when it is loaded."""
    from modelward.artifacts._careful import CarefulUnpickler, ComputedError

    log = Log()
    log.bounds.compare_left = NEVER
    feed = log.feed = Feed(data, position, log, joblib=joblib, max_memory=max_memory)
    try:
        CarefulUnpickler(feed, log).load()
    except ComputedError:
        return True
    except Exception:  # noqa: BLE001 - it was read before, and is known to end in an error
        return False
    return False


__all__ = ["LONG_IN_FILE", "Log", "RawArray", "Reading", "read_one"]
