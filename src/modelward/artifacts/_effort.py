"""When a process loads what is compiled: once it has done as much in plain Python as loading costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

COMPILED_AFTER = 400_000
"""Opcodes that a process walks in plain Python before it loads the compiled walk: about as long as loading takes."""
LOOK = 20_000
"""Opcodes of a stream after which it is asked whether as many will follow: then loading is worth it at once."""
RARE = 3
"""A rare opcode takes as long as this many more of the others."""
BYTES_AN_OPCODE = 16
"""Bytes that are searched in plain Python at the cost of an opcode."""
NEVER = 1 << 62


class Effort:
    """How much this process may still do in plain Python, in opcodes; shared by all that is compiled."""

    left = COMPILED_AFTER

    @classmethod
    def expect(cls, length: int) -> None:
        """Load what is compiled at once if that many bytes of small files are still to be read."""
        if length // BYTES_AN_OPCODE > cls.left:
            cls.left = 0


def stamp(*sources: str) -> int:
    """Return a number of what is in source files beside this one.

    Machine code is kept between processes, and numba only asks whether the file of the function itself is newer. Code
    that was made of older tables would look in other places than it should, and nobody would see it: so it carries
    the stamp of all its sources, and is made again where that is another.
    """
    import hashlib
    from pathlib import Path

    found = hashlib.sha256()
    for source in sources:
        found.update(Path(__file__).with_name(source).read_bytes() + b"\0")
    return int.from_bytes(found.digest()[:7], "big")


class Lazy:
    """Something compiled that is loaded when it is asked for.

    Parameters
    ----------
    load : callable
        Imports it, tries it out and returns it. It may raise whatever it wants.
    """

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load
        self.loaded: Any = None

    def get(self) -> Any:
        """Return it; None where it cannot be had (it needs a folder to keep its machine code)."""
        if self.loaded is None:
            try:
                self.loaded = self._load()
            except Exception:  # noqa: BLE001 - whatever is wrong with a compiler, plain Python does the same
                Effort.left = NEVER
        return self.loaded
