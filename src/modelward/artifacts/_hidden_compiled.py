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

    return object_file(entry, "biipppip")


class CompiledHeads:
    """Where things begin in some content, found in one pass; see `Heads`.

    Parameters
    ----------
    content : bytes
        What is searched.
    """

    find: Callable[..., int]

    def __init__(self, content: bytes) -> None:
        position, room, edges = 0, 1024, numbers(len(_KINDS))
        address = address_of(content)
        self._places: list[list[int]] = [[] for _ in _KINDS]
        while position < len(content):
            places, kinds, found = numbers(room), numbers(room), numbers(room)
            position = self.find(
                address, len(content), position, ctypes.addressof(places), ctypes.addressof(kinds),
                ctypes.addressof(found), room, ctypes.addressof(edges),
            )  # fmt: skip
            begin = 0
            for kept, end in zip(self._places, edges, strict=True):
                if end > begin:
                    kept += found[begin:end]
                begin = end
            room = min(4 * room, 1 << 20)

    @classmethod
    def load(cls) -> type[CompiledHeads]:
        """Compile, or load what was compiled before; whatever is wrong with that shows here."""
        cls.find = staticmethod(native("heads", _SOURCES, _make, "piipppip"))
        if cls(b"x\x9c").at("zlib") != [0]:
            raise RuntimeError("the compiled search does not work here")
        return cls

    def at(self, kind: str, first: int = 0) -> list[int]:
        """Return the positions of a kind of `HEADS` from `first` on, in order."""
        found = self._places[_KINDS.index(kind)]
        return [place for place in found if place >= first] if first else found
