"""What reading the pickles of one file has shown, and what they may still cost."""

from __future__ import annotations

import _compat_pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelward.artifacts._calls import harmful_call, harmful_item, harmful_state, is_watched
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
from modelward.artifacts._opcodes import Bounds, WalkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelward.artifacts._feed import Feed

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
        if is_dtype(target):  # its fields may have any names, those of methods too
            self._dtype_state(target)
        else:
            module, _, name = target.type_name.rpartition(".")
            if harm := harmful_state(module, name, target.state):
                self.odd(harm)
            if type(target.state) is tuple and any_unfinished(target.state):
                self.odd(ODD)
            if is_followed(module, name):
                self.followed[id(target)] = target
        if self.feed is not None:
            self.feed.built(target)

    def _dtype_state(self, target: Inert) -> None:
        """Judge the state of a dtype, now and, where something in it can still change, when the pickle has ended."""
        if has_parts(target):
            self.dtypes.append(target)
        if harm := harmful_dtype(target, self.described):
            self.odd(harm)

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
            for stray in strays(self.followed.values(), self._looked):
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


def no_buffers(log: Log) -> Iterator[bytes]:
    """Yield nothing for every buffer that a pickle expects beside it."""
    for _ in range(MAX_OUTSIDE):
        log.odd(_OUT_OF_BAND)
        yield b""
    raise WalkError("it refers to objects outside the file without end")
