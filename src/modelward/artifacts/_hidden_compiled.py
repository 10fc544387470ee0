"""Where things begin in some content, by the compiled pass of `_hidden_kernels.py`."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from modelward.artifacts._hidden_heads import HEADS
from modelward.artifacts._native import address_of, native, numbers

if TYPE_CHECKING:
    from collections.abc import Callable

_KINDS = list(HEADS)
_SOURCES = ("_hidden_kernels.py", "_hidden_heads.py")


def _make() -> bytes:
    from modelward.artifacts._hidden_kernels import entry
    from modelward.artifacts._native_make import object_file

    return object_file(entry, "biippip")


class CompiledHeads:
    """Where things begin in some content, found in one pass; see `Heads`.

    Parameters
    ----------
    content : bytes
        What is searched.
    """

    find: Callable[..., int]

    def __init__(self, content: bytes) -> None:
        position, room, after = 0, 1024, numbers(1)
        address = address_of(content)
        self._places: list[list[int]] = [[] for _ in _KINDS]
        while position < len(content):
            places, kinds = numbers(room), numbers(room)
            count = self.find(
                address, len(content), position, ctypes.addressof(places), ctypes.addressof(kinds), room,
                ctypes.addressof(after),
            )  # fmt: skip
            position = after[0]
            for place, kind in zip(places[:count], kinds[:count], strict=True):
                self._places[kind].append(place)
            room = min(4 * room, 1 << 20)

    @classmethod
    def load(cls) -> type[CompiledHeads]:
        """Compile, or load what was compiled before; whatever is wrong with that shows here."""
        cls.find = staticmethod(native("heads", _SOURCES, _make, "piippip"))
        if cls(b"x\x9c").at("zlib") != [0]:
            raise RuntimeError("the compiled search does not work here")
        return cls

    def at(self, kind: str, first: int = 0) -> list[int]:
        """Return the positions of a kind of `HEADS` from `first` on, in order."""
        found = self._places[_KINDS.index(kind)]
        return [place for place in found if place >= first] if first else found
