"""One form for what can be written in several: the same model, however it was dumped, gives the same views.

Protocols, joblib's wrappers, memo order, interned strings, the order of an array's bytes and the helpers of old
protocols are all ways of writing; none of them is part of the model. A `View` is what is left without them.
Identity is left out too: two graphs are the same if they unfold to the same tree.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from modelward.artifacts._arrays import (
    Dtype,
    RawArray,
    as_array,
    from_parts,
    read_dtype,
    read_shape,
    to_bytes,
)
from modelward.artifacts._content import Stretch, TextStretch
from modelward.artifacts._graph import shape_of
from modelward.artifacts._inert import Inert, is_inert_class

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = Literal["scalar", "bytes", "class", "array", "sequence", "mapping", "set", "object"]
Step = tuple[str, Any]
"""How a part hangs on its holder: ``("attribute" | "item" | "key" | "argument" | "state", which)``."""

_HELPERS = frozenset({"copyreg._reconstructor", "copyreg.__newobj__", "copyreg.__newobj_ex__"})
_SETS = frozenset({"builtins.set", "builtins.frozenset"})
_BYTES = frozenset({"builtins.bytes", "builtins.bytearray", "_codecs.encode"})
_SCALARS = frozenset({"numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"})
_WRAPPERS = (
    "joblib.numpy_pickle.NumpyArrayWrapper",
    "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper",
)
_NDARRAY = "numpy.ndarray"
# Loading throws the state of these away, so it is gone when they are dumped again.
_STATELESS = frozenset({"sklearn.utils._bunch.Bunch", "sklearn.utils.Bunch"})


@dataclass(frozen=True, slots=True)
class View:
    """An object in canonical form, one level of it.

    Attributes
    ----------
    kind : str
        What it is.
    label : tuple
        What can be compared at once: the value of a scalar with its type, the name of a class, the type and
        shape of an array.
    parts : dict
        From a step to the raw value behind it; empty for a leaf. Members of a set have no steps: see `loose`.
    loose : list
        Members without an order.
    array : RawArray or None
        For an array of numbers or text.
    value : object
        Of a scalar, for people; what counts is the label.
    """

    kind: Kind
    label: tuple[Any, ...]
    parts: dict[Step, Any] = field(default_factory=dict)
    loose: list[Any] = field(default_factory=list)
    array: RawArray | None = None
    value: Any = None


def view(value: Any) -> View:
    """Return the canonical form of a value of the graph, one level of it.

    Examples
    --------
    >>> view(True).label, view(1).label
    (('bool', True), ('int', 1))
    >>> sorted(view({"a": 1, "b": [2]}).parts)
    [('key', ('str', 'a')), ('key', ('str', 'b'))]
    """
    if value is None or isinstance(value, bool | int | float | complex | str):
        return View("scalar", scalar_label(value), value=value)
    if isinstance(value, bytes | bytearray):
        return View("bytes", (type(value).__name__, bytes(value)))
    if isinstance(value, Stretch):
        return View("bytes", ("bytes", bytes(value)))
    if isinstance(value, TextStretch):
        return view(str(value))
    if isinstance(value, list | tuple):
        return View(
            "sequence", (type(value).__name__, len(value)), {("item", i): v for i, v in enumerate(value)}
        )
    if isinstance(value, dict):
        return View("mapping", ("dict",), _keyed(value.items()))
    if isinstance(value, set | frozenset):
        return View("set", (type(value).__name__,), loose=list(value))
    if is_inert_class(value):
        return View("class", (f"{value.module}.{value.name}",))
    if isinstance(value, RawArray):
        return _numbers(_NDARRAY, value)
    if isinstance(value, Inert):
        return _inert(value)
    return View("scalar", (type(value).__name__, repr(value)), value=type(value).__name__)


def scalar_label(value: Any) -> tuple[Any, ...]:
    """Return type and value of a scalar so that equal labels mean equal bits; every NaN is the same.

    Examples
    --------
    >>> scalar_label(0.0) == scalar_label(-0.0), scalar_label(float("nan")) == scalar_label(float("nan"))
    (False, True)
    """
    if isinstance(value, float):
        return ("float", "nan" if value != value else struct.pack(">d", value))
    if isinstance(value, complex):
        return ("complex", scalar_label(value.real), scalar_label(value.imag))
    return (type(value).__name__, value)


def dtype_name(dtype: Dtype) -> str:
    """Return a dtype as numpy calls it, in this machine's byte order: that order is a way of writing."""
    if dtype.fields:
        return "{" + ", ".join(f"{name}: {dtype_name(part)}" for name, part, _ in dtype.fields) + "}"
    return str(dtype.to_numpy().newbyteorder("="))


def _keyed(items: Iterable[tuple[Any, Any]]) -> dict[Step, Any]:
    parts: dict[Step, Any] = {}
    for key, value in items:
        parts[("key", key_label(key))] = value
    return parts


def key_label(key: Any) -> tuple[Any, ...]:
    """Return what identifies a key of a mapping: a scalar by its value, anything else by its content."""
    one = view(key)
    return one.label if one.kind in ("scalar", "bytes", "class") else ("content", Digests().of(key))


def _inert(value: Inert) -> View:
    known = _known(value)
    if known is not None:
        return known
    own = f"{type(value).module}.{type(value).name}"
    name, args = value.type_name, value.args
    kwargs = value.kwargs
    if own in _HELPERS:
        args, kwargs = _unwrapped(own, args, kwargs)
    parts: dict[Step, Any] = {}
    listed = list(value.items)
    pairs = list(value.pairs)
    rest = []
    for arg in args:
        # Protocols 0 and 1 hand a subclass of list or dict its content as an argument.
        if own == "copyreg._reconstructor" and isinstance(arg, list):
            listed = [*arg, *listed]
        elif own == "copyreg._reconstructor" and isinstance(arg, dict):
            pairs = [*arg.items(), *pairs]
        else:
            rest.append(arg)
    parts.update({("argument", i): arg for i, arg in enumerate(rest)})
    parts.update({("argument", str(key)): arg for key, arg in kwargs.items()})
    parts.update({("item", i): item for i, item in enumerate(listed)})
    parts.update(_keyed(pairs))
    order: tuple[Any, ...] = ()
    if name == "collections.OrderedDict":
        order = tuple(key_label(key) for key, _ in pairs)
    parts.update(_state(value))
    if value.payload is not None:
        parts[("attribute", "payload")] = value.payload
    return View("object", (name, *order), parts)


def _state(value: Inert) -> dict[Step, Any]:
    if value.type_name in _STATELESS:
        return {}
    attributes = value.attributes
    if attributes:
        # A class that keeps rows or nodes hides nothing: state that is no dict comes below.
        return {("attribute", str(key)): item for key, item in attributes.items()}
    state = value.state
    nothing = (
        isinstance(state, tuple) and len(state) == 2 and all(part is None or part == {} for part in state)
    )
    if state is None or state == {} or nothing:
        return {}
    return {("state", ""): state}


def _unwrapped(
    own: str, args: tuple[Any, ...], kwargs: dict[Any, Any]
) -> tuple[tuple[Any, ...], dict[Any, Any]]:
    """Return what the class itself is called with, seen through copyreg's helpers."""
    if own == "copyreg.__newobj__":
        return args[1:], kwargs
    if own == "copyreg.__newobj_ex__" and len(args) == 3 and isinstance(args[1], tuple):
        return args[1], args[2] if isinstance(args[2], dict) else kwargs
    if own == "copyreg._reconstructor" and len(args) == 3:
        base, content = args[1], args[2]
        if is_inert_class(base) and f"{base.module}.{base.name}" == "builtins.object" and content is None:
            return (), kwargs
        return (content,), kwargs
    return args[1:], kwargs


def _known(value: Inert) -> View | None:
    """Return the view of what has a meaning of its own: arrays, dtypes, numpy's scalars, bytes, sets."""
    array = as_array(value)
    if array is not None:
        name = _subclass(value)
        return _numbers(name, array) if isinstance(array, RawArray) else _objects(name, value, array)
    own = f"{type(value).module}.{type(value).name}"
    if value.state is None and not value.items and not value.pairs:
        if own in _BYTES:
            raw = to_bytes(value)
            return None if raw is None else View("bytes", (_bytes_type(own), bytes(raw)))
        if own in _SETS and len(value.args) <= 1:
            members = value.args[0] if value.args else []
            if isinstance(members, list | tuple):
                return View("set", (type(value).name,), loose=list(members))
        if own == "builtins.getattr" and len(value.args) == 2 and is_inert_class(value.args[0]):
            holder, name = value.args
            if isinstance(name, str):  # how protocols below 4 name a class within a class
                return View("class", (f"{holder.module}.{holder.name}.{name}",))
    if own == "numpy.ma.core._mareconstruct" and isinstance(value.state, tuple) and len(value.state) == 7:
        return _masked(value)
    if own in _SCALARS and len(value.args) == 2:
        return _numpy_scalar(value)
    dtype = read_dtype(value)
    return None if dtype is None else View("scalar", ("dtype", dtype_name(dtype)), value=dtype_name(dtype))


def _bytes_type(own: str) -> str:
    return "bytearray" if own == "builtins.bytearray" else "bytes"


def _numpy_scalar(value: Inert) -> View | None:
    dtype, raw = read_dtype(value.args[0]), to_bytes(value.args[1])
    if dtype is None or raw is None or dtype.is_object or len(raw) != dtype.itemsize:
        return None
    item = RawArray(dtype, (), False, raw, 0, len(raw)).to_numpy()[()]
    kind = dtype_name(dtype)
    bits = "nan" if item != item else item.astype(item.dtype.newbyteorder("<")).tobytes()
    return View("scalar", (f"numpy {kind}", bits, repr(item.item())), value=item.item())


def _masked(value: Inert) -> View | None:
    _, shape, dtype, order, content, mask, fill = value.state
    fortran = order is True
    data = from_parts(dtype, shape, content, fortran=fortran)
    hidden, read = to_bytes(mask), read_dtype(dtype)
    sides = read_shape(shape)
    if data is None or read is None or sides is None or hidden is None:
        return None
    parts: dict[Step, Any] = {
        ("attribute", "data"): _by_rows(data, sides) if isinstance(data, list) and fortran else data,
        ("attribute", "mask"): RawArray(Dtype("|b1", 1), sides, fortran, hidden, 0, len(hidden)),
    }
    # Loading fills in the default of the type; before, there is none.
    if fill is not None and not _is_default(fill, read):
        parts[("attribute", "fill_value")] = fill
    return View("object", (value.type_name,), parts)


def _is_default(fill: Any, dtype: Dtype) -> bool:
    import numpy as np

    found = as_array(fill)
    if isinstance(found, list):
        return dtype.is_object and found == ["?"]
    if found is None or dtype.fields or dtype.is_object:
        return False
    try:
        return bool(found.to_numpy()[()] == np.ma.default_fill_value(dtype.to_numpy()))
    except (ValueError, TypeError):
        return False


def _subclass(value: Inert) -> str:
    """Return the class of an array, which numpy and joblib write beside its content."""
    named: Any = value.args[0] if value.args else None
    if value.type_name in _WRAPPERS:
        named = value.attributes.get("subclass")
    return f"{named.module}.{named.name}" if is_inert_class(named) else _NDARRAY


def _numbers(name: str, array: RawArray) -> View:
    name = _NDARRAY if name == "numpy.memmap" else name
    return View("array", (name, dtype_name(array.dtype), array.shape), array=array)


def _objects(name: str, value: Inert, items: list[Any]) -> View:
    inner = value.payload if isinstance(value.payload, Inert) else value
    shape = shape_of(inner) or (len(items),)
    state = inner.state
    if isinstance(state, tuple) and len(state) > 3 and state[3] is True and len(shape) > 1:
        items = _by_rows(items, shape)
    return View("array", (name, "object", shape), {("item", i): item for i, item in enumerate(items)})


def _by_rows(items: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """Return the items of an array that was written column by column in the order of rows."""
    import numpy as np

    count = 1
    for side in shape:
        count *= side
    if count != len(items):
        return items
    return [items[i] for i in np.arange(count).reshape(shape, order="F").ravel()]


class TooMuchError(Exception):
    """A graph unfolds to more than can be compared."""


class Digests:
    """Content hashes of the parts of a graph: equal for equal content, however it was written and shared.

    Parameters
    ----------
    most : int
        How many objects are visited before it gives up; only a graph made for it gets there.
    """

    def __init__(self, most: int = 5_000_000) -> None:
        self._left = most
        # The object stays beside its digest: an id is only good as long as its object lives.
        self._done: dict[int, tuple[bytes, Any]] = {}

    def of(self, value: Any) -> bytes:
        """Return the digest of a value with all that it holds.

        Raises
        ------
        TooMuchError
            If there is more than may be visited.
        """
        depth_of: dict[int, int] = {}
        frames: list[_Frame] = []
        result = self._enter(value, frames, depth_of)
        while frames:
            frame = frames[-1]
            if result is not None:
                frame.take(result)
            if frame.rest:
                result = self._enter(frame.rest.pop(), frames, depth_of)
                continue
            frames.pop()
            result = frame.digest()
            depth_of.pop(id(frame.value), None)
            if frame.lowest >= len(frames):
                self._done[id(frame.value)] = (result, frame.value)
            elif frames:
                # It points above itself, so what it is depends on where it stands.
                frames[-1].lowest = min(frames[-1].lowest, frame.lowest)
        return result if result is not None else b""

    def _enter(self, value: Any, frames: list[_Frame], depth_of: dict[int, int]) -> bytes | None:
        """Return the digest of a leaf or of what was seen; else push a frame and return None."""
        found = self._done.get(id(value))
        if found is not None:
            return found[0]
        above = depth_of.get(id(value))
        if above is not None:
            frames[-1].lowest = min(frames[-1].lowest, above)
            return _hash(b"above", str(len(frames) - above).encode())
        self._left -= 1
        if self._left < 0:
            raise TooMuchError
        one = view(value)
        if not one.parts and not one.loose:
            return _leaf(one)
        depth_of[id(value)] = len(frames)
        frames.append(_Frame(value, one, len(frames)))
        return None


class _Frame:
    """An object whose parts are being hashed."""

    def __init__(self, value: Any, one: View, depth: int) -> None:
        self.value, self.view, self.lowest = value, one, depth
        self._steps = sorted(one.parts, key=repr)
        self.rest = [*(one.parts[step] for step in reversed(self._steps)), *one.loose]
        # Members without an order are popped first, parts after them in the order of their steps.
        self._found: list[bytes] = []

    def take(self, digest: bytes) -> None:
        self._found.append(digest)

    def digest(self) -> bytes:
        loose = sorted(self._found[: len(self.view.loose)])
        parts = self._found[len(self.view.loose) :]
        named = [
            _hash(repr(step).encode("utf-8", "surrogatepass"), part)
            for step, part in zip(self._steps, parts, strict=True)
        ]
        return _hash(_leaf(self.view), *loose, b"|", *named)


def _leaf(one: View) -> bytes:
    label = repr((one.kind, one.label)).encode("utf-8", "surrogatepass")
    return _hash(label, *(array_bytes(one.array) if one.array is not None else ()))


def _hash(*parts: Any) -> bytes:
    engine = hashlib.sha256()
    for part in parts:
        engine.update(len(part).to_bytes(8, "big"))
        engine.update(part)
    return engine.digest()


def array_bytes(array: RawArray) -> list[Any]:
    """Return the bytes of an array by rows, little end first, field by field (what lies between fields is nothing)."""
    import numpy as np

    try:
        values = array.to_numpy()
    except (ValueError, TypeError):
        return [bytes(array.data[array.start : array.end])]
    columns = [values[name] for name in values.dtype.names] if values.dtype.names else [values]
    flat = [
        np.ascontiguousarray(column.astype(column.dtype.newbyteorder("<"), copy=False)) for column in columns
    ]
    return [column.reshape(-1).view(np.uint8).data if column.size else b"" for column in flat]
