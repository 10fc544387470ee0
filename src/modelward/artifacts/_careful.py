"""The same reading in plain Python, slowly, for streams that need a look at the values before each opcode.

Two need it: one with so many tuples as keys that comparing them could take for ever (CPython mixes the hashes of a
tuple's items without a secret, so anyone can write thousands of tuples with the same hash), and one that looks up a
name which is no text.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, ClassVar, cast

from modelward.artifacts._inert import Inert
from modelward.artifacts._keys import SAME
from modelward.artifacts._log import WRAPPERS, Log, no_buffers
from modelward.artifacts._opcodes import SAME_FLAT, SAME_NESTED, WalkError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelward.artifacts._feed import Feed


class ComputedError(Exception):
    """A name that is looked up is what something returned."""


_Plain: Any = pickle._Unpickler  # noqa: SLF001 - it is CPython's own, in Python


class _Bytes:
    """A feed whose pieces are bytes: CPython's own unpickler in Python takes nothing else."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.readline = feed.readline

    def read(self, size: int) -> bytes:
        return bytes(self._feed.read(size))


class CarefulUnpickler(_Plain):  # type: ignore[misc]
    """CPython's unpickler with our lookup, and a stack that can be looked at."""

    stack: list[Any]
    metastack: list[list[Any]]

    def __init__(self, feed: Feed, log: Log) -> None:
        super().__init__(cast("Any", _Bytes(feed)), encoding="latin1", buffers=no_buffers(log))
        self._log = log
        self._feed = feed
        self._seen: dict[int, list[Any]] = {}

    def find_class(self, module: str, name: str) -> Any:
        return self._log.look_up(module, name)

    def persistent_load(self, pid: Any) -> Any:
        return self._feed.asked(pid)

    def load_stack_global(self) -> None:
        """Look up a name, or say that it is computed; array bytes taken for opcodes meet joblib's wrapper here."""
        stack = self.stack
        for value in stack[-2:]:
            cls = type(value)
            if isinstance(value, Inert) and (cls.module, cls.name) not in WRAPPERS:
                raise ComputedError
        name, module = stack.pop(), stack.pop()
        if type(name) is not str or type(module) is not str:
            raise pickle.UnpicklingError("STACK_GLOBAL requires str")
        stack.append(self.find_class(module, name))

    def _look(self, keys: Iterable[Any]) -> None:
        """Stop a stream whose keys have one hash and are not the same."""
        for key in keys:
            if type(key) is not tuple and type(key) is not frozenset:
                continue
            same = self._seen.setdefault(hash(key), [])
            if key not in same:
                same.append(key)
                flat = type(key) is tuple and not any(type(item) in (tuple, frozenset) for item in key)
                if len(same) > (SAME_FLAT if flat else SAME_NESTED):
                    raise WalkError(SAME)

    def load_setitem(self) -> None:
        """Look at the key first."""
        self._look(self.stack[-2:-1])
        super().load_setitem()

    def load_setitems(self) -> None:
        """Look at the keys first."""
        self._look(self.stack[::2])
        super().load_setitems()

    def load_dict(self) -> None:
        """Look at the keys first."""
        self._look(self.stack[::2])
        super().load_dict()

    def load_additems(self) -> None:
        """Look at the items first."""
        self._look(self.stack)
        super().load_additems()

    def load_frozenset(self) -> None:
        """Look at the items first."""
        self._look(self.stack)
        super().load_frozenset()

    dispatch: ClassVar[dict[int, Any]] = {
        **_Plain.dispatch,
        0x93: load_stack_global,
        0x73: load_setitem,
        0x75: load_setitems,
        0x64: load_dict,
        0x90: load_additems,
        0x91: load_frozenset,
    }
