"""Stand-ins: what the unpickler is handed in place of every class and function that a file names.

A stand-in class records how it was called and what state it was given, and does nothing else. Whatever a
stream makes the unpickler do to it (call it, build it, append to it, set its items, use it as a key) ends in
one of the methods below; none of them computes, formats, hashes by content or looks anything up.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Protocol


class Sink(Protocol):
    """What a reading is told about while it runs."""

    def built(self, target: Inert) -> None:
        """Note that an object was given its state."""

    def odd(self, what: str) -> None:
        """Note something that no honest file does."""

    def called(self, module: str, name: str, args: tuple[Any, ...]) -> None:
        """Note the call of a name that is judged by its arguments."""

    def keyed(self, module: str, key: Any, value: Any) -> None:
        """Note that an item of an object was set by a key that is a text."""

    def merged(self, count: int) -> None:
        """Note how many attributes another state was merged from; raise if that goes on without end."""

    def result(self) -> InertType:
        """Return the stand-in for what is called though it is no name of the file."""


_AGAIN = 50
"""What another state of an object counts for, besides its attributes."""


class Silent:
    """A sink that is told nothing: for stand-ins that a reader makes by itself, of no name in a pickle."""

    def built(self, target: Inert) -> None:
        """Take note of nothing."""

    def odd(self, what: str) -> None:
        """Take note of nothing."""

    def called(self, module: str, name: str, args: tuple[Any, ...]) -> None:
        """Take note of nothing."""

    def keyed(self, module: str, key: Any, value: Any) -> None:
        """Take note of nothing."""

    def merged(self, count: int) -> None:
        """Take note of nothing."""

    def result(self) -> InertType:
        """Return the stand-in for what is called though it is no name of the file."""
        return stand_in("", "result", self)


class InertType(type):
    """Type of the stand-in classes: it answers for operations on the class itself, which honest files never do."""

    module: str
    name: str
    sink: Sink

    @property
    def __setstate__(cls) -> Any:
        cls.sink.odd(f"changes the attributes of {cls.module}.{cls.name} itself")
        return _ignore

    @property
    def append(cls) -> Any:
        """Accept and drop; the unpickler's APPEND ends here."""
        cls.sink.odd(f"appends to {cls.module}.{cls.name} itself")
        return _ignore

    extend = append
    add = append

    def __setitem__(cls, key: object, value: object) -> None:
        cls.sink.odd(f"sets an item of {cls.module}.{cls.name} itself")

    def __setattr__(cls, key: str, value: object) -> None:
        cls.sink.odd(f"sets an attribute of {cls.module}.{cls.name} itself")

    def __repr__(cls) -> str:
        return f"<stand-in class {cls.module}.{cls.name}>"


def _ignore(*_: object) -> None:
    """Take anything, do nothing."""


class Inert(metaclass=InertType):
    """An object of the file, not built: its class's name, what it was called with, and its state.

    Attributes
    ----------
    module, name, full : str
        Of the class or function that loading would call, and both with a dot between; class attributes.
    args : tuple
        Positional arguments of the call.
    kwargs : dict
        Keyword arguments (NEWOBJ_EX only).
    state : object
        What BUILD brought; None if nothing did. Several dicts are merged in order.
    items : list
        What was appended or added.
    pairs : list of tuple
        What was set by key.
    payload : object
        For a joblib array: its `RawArray` or nested object graph.
    """

    __slots__ = ("_own", "args", "items", "kwargs", "pairs", "payload", "state")

    module: ClassVar[str] = ""
    name: ClassVar[str] = ""
    full: ClassVar[str] = "."
    sink: ClassVar[Sink]

    args: tuple[Any, ...]
    kwargs: dict[Any, Any]
    state: Any
    _own: Any
    items: list[Any]
    pairs: list[tuple[Any, Any]]
    payload: Any

    def __new__(cls, /, *args: Any, **kwargs: Any) -> Inert:  # noqa: PYI034 - subclasses are made by name
        self = object.__new__(cls)
        self.args = args
        self.state = None
        if kwargs:
            self.kwargs = kwargs
        return self

    def __getattr__(self, key: str) -> Any:
        # Slots are filled when first needed: most objects have neither items nor pairs.
        if key in ("items", "pairs"):
            value: Any = []
            setattr(self, key, value)
            return value
        if key == "kwargs":
            return {}
        if key == "payload":
            return None
        raise AttributeError(key)

    def __setstate__(self, state: Any) -> None:
        if self.state is None and state is not None:
            self.state = state
            type(self).sink.built(self)
            return
        type(self).sink.merged(_AGAIN + (len(state) if isinstance(state, dict) else 0))
        if isinstance(self.state, dict) and isinstance(state, dict):
            # The first is an object of the file, that others may hold, too; what was merged is ours to go on with.
            if getattr(self, "_own", None) is not self.state:
                type(self).sink.merged(len(self.state))
                self.state = self._own = dict(self.state)
            self._own.update(state)
        else:
            self.state = (self.state, state)
        type(self).sink.built(self)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Inert:
        cls = type(self)
        cls.sink.odd(f"calls what {cls.module}.{cls.name} returned")
        made: Inert = cls.sink.result()(self, *args, **kwargs)
        return made

    def append(self, item: Any) -> None:
        """Keep an item."""
        self.items.append(item)

    add = append

    def extend(self, items: Any) -> None:
        """Keep items; the unpickler hands over a list."""
        self.items.extend(items)

    def __setitem__(self, key: Any, value: Any) -> None:
        if type(key) is str:
            type(self).sink.keyed(type(self).module, key, value)
        self.pairs.append((key, value))

    def __repr__(self) -> str:
        return f"<stand-in of {type(self).module}.{type(self).name}>"

    @property
    def attributes(self) -> dict[Any, Any]:
        """The instance's attributes, as BUILD gave them (slots merged in)."""
        return _merged(self.state, 0)

    @property
    def type_name(self) -> str:
        """Dotted name of the class of the object, seen through copyreg's helpers."""
        own = type(self).full
        if own in _HELPERS and self.args and isinstance(self.args[0], InertType):
            return f"{self.args[0].module}.{self.args[0].name}"
        return own


def _merged(state: Any, depth: int) -> dict[Any, Any]:
    """Return what one BUILD after the other set: a dict, a pair of dicts, or a pair of such states."""
    if isinstance(state, dict):
        return state
    merged: dict[Any, Any] = {}
    if isinstance(state, tuple) and len(state) == 2 and depth < 100:
        for part in state:
            merged.update(_merged(part, depth + 1))
    return merged


_HELPERS = frozenset(
    {"copyreg._reconstructor", "copyreg.__newobj__", "copyreg.__newobj_ex__", "numpy.ma.core._mareconstruct"}
)


class Watched(Inert):
    """Stand-in of a name that is judged by what it is called with."""

    __slots__ = ()

    def __new__(cls, /, *args: Any, **kwargs: Any) -> Watched:  # noqa: PYI034 - subclasses are made by name
        cls.sink.called(cls.module, cls.name, (*args, *kwargs.values()) if kwargs else args)
        self = object.__new__(cls)
        self.args = args
        self.state = None
        if kwargs:
            self.kwargs = kwargs
        return self


_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,40}(?:/[A-Za-z0-9_+-]{1,40}){0,3}", re.ASCII)


def is_zone_name(value: object) -> bool:
    """Say whether a value can name a time zone, such as ``Europe/Paris``: it leads nowhere else on a disk."""
    return type(value) is str and _ZONE.fullmatch(value) is not None


def fetches_zone(args: tuple[Any, ...]) -> bool:
    """Say whether these arguments of `getattr` fetch the method that makes a time zone from its name."""
    if len(args) != 2 or not isinstance(args[0], InertType):
        return False
    return (args[0].module, args[0].name, args[1]) == ("zoneinfo", "ZoneInfo", "_unpickle")


class Fetched(Watched):
    """Stand-in of `getattr`: nothing may change what it returns, or call it if it does not make a time zone."""

    __slots__ = ()

    def __call__(self, /, *args: Any, **kwargs: Any) -> Inert:
        whole = len(args) == 2 and not kwargs and is_zone_name(args[0]) and type(args[1]) in (int, bool)
        if whole and fetches_zone(self.args):
            made: Inert = type(self).sink.result()(self, *args)
            return made
        return super().__call__(*args, **kwargs)

    def __setstate__(self, state: Any) -> None:
        type(self).sink.odd(f"changes the attributes of what {type(self).name} returned")

    def append(self, item: Any) -> None:  # noqa: ARG002
        """Report and drop."""
        type(self).sink.odd(f"appends to what {type(self).name} returned")

    add = append

    def extend(self, items: Any) -> None:
        """Report and drop."""
        self.append(items)

    def __setitem__(self, key: Any, value: Any) -> None:
        type(self).sink.odd(f"sets an item of what {type(self).name} returned")


def stand_in(module: str, name: str, sink: Sink, *, watched: bool = False) -> InertType:
    """Make the stand-in class for a name."""
    base = (Fetched if name == "getattr" else Watched) if watched else Inert
    full = f"{module}.{name}"
    return InertType(
        "Inert", (base,), {"__slots__": (), "module": module, "name": name, "full": full, "sink": sink}
    )


def is_inert_class(value: object) -> bool:
    """Say whether a value is a stand-in class (a reference to a name, not an instance)."""
    return isinstance(value, InertType)
