"""Reading one pickle with CPython's own unpickler, handing it stand-ins for everything that it names."""

from __future__ import annotations

import gc
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from modelward.artifacts._feed import Feed
from modelward.artifacts._log import Log, no_buffers
from modelward.artifacts._opcodes import MANY_KEYS, MESSAGES, NEVER

if TYPE_CHECKING:
    from modelward.artifacts._content import Content


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
    data: bytes | Content, position: int, log: Log, *, joblib: bool, max_memory: int, care: int = 0
) -> Reading:
    kind, feed_of = _by_care(care)
    feed = feed_of(data, position, log, joblib=joblib, max_memory=max_memory)
    outer, log.feed = log.feed, feed
    collecting = gc.isenabled()
    gc.disable()  # a load makes objects and drops none: looking through them again and again finds nothing
    try:
        root = kind(feed, log).load()
    except RecursionError:
        return Reading(None, -1, "it is nested too deeply")
    except Exception as error:  # noqa: BLE001 - a hostile stream may raise anything; all of it means unreadable
        if feed.error == MESSAGES[MANY_KEYS] or (care == 1 and _is_unsure(error)):
            log.feed = outer
            # Each is looked at before it is compared.
            left, log.bounds.compare_left = log.bounds.compare_left, NEVER
            try:
                return _run(data, position, log, joblib=joblib, max_memory=max_memory, care=care + 1)
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


def _by_care(care: int) -> tuple[Any, type[Feed]]:
    """Return an unpickler and a feed: the usual ones, those that look at tuples, those that look at every key."""
    if care == 0:
        return _Unpickler, Feed
    if care == 1:
        from modelward.artifacts._keys import KeyFeed

        return _Unpickler, KeyFeed
    from modelward.artifacts._careful import CarefulUnpickler

    return CarefulUnpickler, Feed


def _is_unsure(error: Exception) -> bool:
    from modelward.artifacts._keys import UnsureError

    return isinstance(error, UnsureError)


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
