"""What CPython's own unpicklers reach in a stream: the oracle of the fuzzing. It shares no code with modelward.

Names resolve to recorders, which take any call, state or item and do nothing. The reading of joblib's inline
arrays repeats what joblib does: after the BUILD of its wrapper, the array's bytes are skipped.
"""

from __future__ import annotations

import io
import pickle
import zlib
from typing import Any

import numpy as np

LIMIT = 200


class Meta(type):
    """Recorders as classes: whatever is done to one, nothing happens."""

    def __setitem__(cls, key: Any, value: Any) -> None: ...

    def __setattr__(cls, key: str, value: Any) -> None: ...

    def __getattr__(cls, key: str) -> Any:
        if key.startswith("__"):
            raise AttributeError(key)
        return cls.ignore

    def ignore(cls, *args: Any, **kwargs: Any) -> None: ...


class Recorder(metaclass=Meta):
    """An object that takes anything."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        made = object.__new__(cls)
        object.__setattr__(made, "seen", [args, kwargs])
        return made

    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    def __setstate__(self, state: Any) -> None:
        object.__setattr__(self, "state", state)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return Recorder(*args, **kwargs)

    def __setitem__(self, key: Any, value: Any) -> None: ...

    def append(self, value: Any) -> None: ...

    extend = append
    add = append


class _Names:
    names: list[tuple[str, str]]
    cache: dict[tuple[str, str], Any]

    def find_class(self, module: str, name: str) -> Any:
        key = (module, name)
        if key not in self.cache:
            if len(self.cache) > LIMIT:
                raise ValueError("too many names")
            self.names.append(key)
            self.cache[key] = Meta("Recorder", (Recorder,), {"key": key})
        return self.cache[key]

    def persistent_load(self, pid: Any) -> Any:
        return Recorder(pid)


class Compiled(_Names, pickle.Unpickler):
    """CPython's unpickler in C."""


class Plain(_Names, pickle._Unpickler):  # noqa: SLF001
    """CPython's unpickler in Python."""


class Joblib(_Names, pickle._Unpickler):  # noqa: SLF001
    """The same with what joblib adds."""

    source: io.BytesIO

    def load_build(self) -> None:
        """Skip an array's bytes, as joblib reads them."""
        pickle._Unpickler.load_build(self)  # type: ignore[attr-defined]  # noqa: SLF001
        made = self.stack[-1]  # type: ignore[attr-defined]
        if getattr(type(made), "key", None) != ("joblib.numpy_pickle", "NumpyArrayWrapper"):
            return
        state = made.state
        described = state["dtype"]
        if described.seen[0][0] == "O":
            inner = Joblib(self.source, encoding="latin1")
            inner.source, inner.names, inner.cache = self.source, self.names, self.cache
            inner.load()
            return
        fields = described.state
        size = np.dtype(described.seen[0][0]).itemsize if fields[3] is None else fields[5]
        if state.get("numpy_array_alignment_bytes") is not None:
            self.source.read(self.source.read(1)[0])
        self.source.read(int(np.prod(state["shape"])) * size)

    dispatch = {**pickle._Unpickler.dispatch, pickle.BUILD[0]: load_build}  # type: ignore[attr-defined]  # noqa: RUF012, SLF001


def reach(data: bytes) -> list[tuple[str, str, str]]:
    """Return the reader, module and name of everything that a stream reaches."""
    if data[:1] == b"\x78":
        try:
            data = zlib.decompress(data)
        except zlib.error:
            return []
    found: list[tuple[str, str, str]] = []
    for kind in (Compiled, Plain, Joblib):
        source = io.BytesIO(data)
        while source.tell() < len(data):
            reader = kind(source, encoding="latin1")
            reader.names, reader.cache = [], {}
            if isinstance(reader, Joblib):
                reader.source = source
            done = False
            try:
                reader.load()
                done = True
            except BaseException:  # noqa: BLE001, S110 - a mutated stream may raise anything
                pass
            found += [(kind.__name__, *key) for key in reader.names]
            if not done:
                break
    return found
