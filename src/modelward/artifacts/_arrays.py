"""numpy arrays of a file, rebuilt from their bytes: numpy's own unpickling is never used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelward.artifacts._content import Content, Stretch, TextStretch, buffer_of
from modelward.artifacts._inert import Inert
from modelward.artifacts._opcodes import WalkError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_KINDS = "?bhilqpBHILQPefdgFDGSUVmMOacu"
_MAX_SIDE = 1 << 48
_MAX_FIELDS = 10_000


@dataclass(frozen=True, slots=True)
class Dtype:
    """A dtype as the file describes it.

    Attributes
    ----------
    code : str
        Such as ``"<f8"``; empty for a record.
    fields : tuple of (name, Dtype, offset)
        Of a record.
    itemsize : int
        Bytes of one item.
    is_object : bool
        Whether items are Python objects.
    """

    code: str
    itemsize: int
    fields: tuple[tuple[str, Dtype, int], ...] = ()
    is_object: bool = False

    @property
    def count(self) -> int:
        """How many fields it has, with those of its fields."""
        return 1 + sum(part.count for _, part, _ in self.fields)

    def to_numpy(self) -> np.dtype[Any]:
        """Build the dtype."""
        import numpy as np

        if not self.fields:
            return np.dtype(self.code)
        return np.dtype(
            {
                "names": [name for name, _, _ in self.fields],
                "formats": [part.to_numpy() for _, part, _ in self.fields],
                "offsets": [offset for _, _, offset in self.fields],
                "itemsize": self.itemsize,
            }
        )


@dataclass(frozen=True, slots=True, eq=False)
class RawArray:
    """An array that has not been built: its dtype, shape and where its bytes are."""

    dtype: Dtype
    shape: tuple[int, ...]
    fortran: bool
    data: bytes | bytearray | Content | Stretch
    start: int
    end: int

    def to_numpy(self) -> NDArray[Any]:
        """Return the array, a read-only view where possible.

        Raises
        ------
        ValueError
            If the bytes do not fit the shape.
        """
        import numpy as np

        count = 1
        for side in self.shape:
            count *= side
        dtype = self.dtype.to_numpy()
        if dtype.hasobject:
            raise ValueError("an array of objects has no bytes")
        if count * dtype.itemsize > self.end - self.start:
            raise ValueError("fewer bytes than the shape needs")
        flat = (
            np.frombuffer(buffer_of(self.data, self.start, self.end), dtype=dtype, count=count)
            if count
            else np.empty(0, dtype)
        )
        flat = flat.view()
        flat.flags.writeable = False
        if self.fortran:
            return flat.reshape(self.shape[::-1]).T
        return flat.reshape(self.shape)


def read_dtype(value: Any, depth: int = 0, left: list[int] | None = None) -> Dtype | None:
    """Read a numpy dtype from its stand-in; None if it is none, or not understood.

    Records of records can say the same again and again: `left` is how many fields may still be read.
    """
    left = [_MAX_FIELDS] if left is None else left
    if depth > 8 or not isinstance(value, Inert):
        return None
    args = value.args
    state = value.state
    if value.type_name != "numpy.dtype" or not args or not isinstance(args[0], str) or len(args[0]) > 32:
        return None
    dtype = _described(args[0], state, depth, left)
    return dtype if dtype is not None and _as_numpy_takes_it(dtype, args[0][:1], state) else None


_HAS_OBJECT = 1  # numpy's flag: items are Python objects


def _as_numpy_takes_it(dtype: Dtype, kind: str, state: Any) -> bool:
    """Say whether numpy would give the dtype this size and these items once it has its state.

    numpy believes a state: it may change the size of a text or void type and turn numbers into objects, and then
    joblib would read other bytes as the array, or a pickle in its place.
    """
    if state is None:
        return not dtype.fields and kind != "V"  # a void may be given fields later
    if not isinstance(state, tuple) or not 7 < len(state) < 10:
        return False
    size, flags = state[5], state[7]
    sized = kind in "SUV"
    if type(size) is not int or (size != dtype.itemsize if sized else size not in (-1, dtype.itemsize)):
        return False
    if dtype.fields and (kind != "V" or dtype.code):
        return False
    return type(flags) is int and bool(flags & _HAS_OBJECT) == dtype.is_object


def _described(code: str, state: Any, depth: int, left: list[int]) -> Dtype | None:
    """Read the dtype that a code and a state say."""
    order = state[1] if isinstance(state, tuple) and len(state) > 1 and isinstance(state[1], str) else "|"
    if isinstance(state, tuple) and len(state) > 6 and state[3] is not None and state[4] is not None:
        return _record(state, depth, left)
    if isinstance(state, tuple) and len(state) > 2 and state[2] is not None:
        return None  # a subarray; no fitted model holds one
    kind, digits = code[:1], code[1:]
    if kind not in "?bBiufcSUVOmM" or not (
        (digits.isascii() and digits.isdigit()) or (kind in "?bBO" and not digits)
    ):
        return None
    size = int(digits) if digits and kind != "O" else {"O": 8}.get(kind, 1)
    if size > 1 << 31:
        return None
    width = size * 4 if kind == "U" else size
    if kind == "O":
        return Dtype("|O", 8, is_object=True)
    if kind in "mM":
        unit = _time_unit(state)
        return Dtype(f"{order if order in '<>' else '<'}{kind}8{unit}", 8) if unit is not None else None
    if size not in {"f": (2, 4, 8, 16), "c": (8, 16, 32), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8)}.get(
        kind, (size,)
    ):
        return None
    prefix = order if order in ("<", ">", "|", "=") else "|"
    return Dtype(f"{prefix}{code}", width)


def _time_unit(state: Any) -> str | None:
    """Return the unit of a datetime dtype, such as ``"[ns]"``, from its metadata."""
    meta = state[8] if isinstance(state, tuple) and len(state) > 8 else None
    if isinstance(meta, tuple) and len(meta) == 2 and isinstance(meta[1], tuple) and len(meta[1]) >= 2:
        unit, number = meta[1][0], meta[1][1]
        raw = to_bytes(unit)
        unit = bytes(raw).decode("ascii", "replace") if raw is not None else ""
        if unit in ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns") and isinstance(number, int):
            return f"[{number}{unit}]" if 0 < number < 10_000 else None
        return "" if unit == "generic" else None
    return ""


def _record(state: tuple[Any, ...], depth: int, left: list[int]) -> Dtype | None:
    """Read a dtype with named fields, such as that of a tree's nodes."""
    names, table, itemsize = state[3], state[4], state[5]
    if not isinstance(names, tuple) or not isinstance(table, dict) or not isinstance(itemsize, int):
        return None
    left[0] -= len(names)
    if not 0 < itemsize < 1 << 31 or left[0] < 0:
        return None
    fields = []
    for name in names:
        entry = table.get(name) if isinstance(name, str) else None
        if not isinstance(entry, tuple) or len(entry) < 2 or not isinstance(entry[1], int):
            return None
        part = read_dtype(entry[0], depth + 1, left)
        if part is None or entry[1] < 0 or entry[1] + part.itemsize > itemsize:
            return None
        fields.append((name, part, entry[1]))
    return Dtype("", itemsize, tuple(fields), any(part.is_object for _, part, _ in fields))


def read_shape(value: Any) -> tuple[int, ...] | None:
    """Read a shape; None if it is none."""
    if type(value) is int:
        value = (value,)
    if not isinstance(value, tuple) or len(value) > 64:
        return None
    count = 1
    for side in value:
        if type(side) is not int or side < 0:
            return None
        count *= max(side, 1)
        if count > _MAX_SIDE:
            return None
    return value


def raw_array(fields: dict[Any, Any], data: bytes | Content, position: int) -> RawArray | None:
    """Locate the bytes that joblib wrote after an array's wrapper.

    Returns
    -------
    RawArray or None
        None if the array holds objects: a nested pickle follows instead.

    Raises
    ------
    WalkError
        If the wrapper is not understood, or its bytes are not there.
    """
    dtype, shape = read_dtype(fields.get("dtype")), read_shape(fields.get("shape"))
    if dtype is None or shape is None or fields.get("order") not in ("C", "F"):
        raise WalkError("a joblib array has no dtype, shape or order that can be understood")
    if dtype.is_object:
        return None
    if fields.get("numpy_array_alignment_bytes") is not None:
        if position >= len(data):
            raise WalkError("it ends before the bytes of an array")
        position += 1 + data[position]
    count = 1
    for side in shape:
        count *= side
    end = position + count * dtype.itemsize
    if end > len(data):
        raise WalkError(f"an array asks for {end - position} bytes, more than the file has")
    return RawArray(dtype, shape, fields["order"] == "F", data, position, end)


_RECONSTRUCT = frozenset({"numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"})
_FROMBUFFER = frozenset({"numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer"})
_SCALAR = frozenset({"numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"})


def to_bytes(value: Any) -> bytes | bytearray | Stretch | None:
    """Return bytes, also those that old protocols write as text to be encoded."""
    if isinstance(value, bytes | bytearray | Stretch):
        return value
    if isinstance(value, str | TextStretch):
        try:
            return str(value).encode("latin1")
        except UnicodeEncodeError:
            return None
    if isinstance(value, Inert) and len(value.args) >= 1:
        name = value.type_name
        if name == "_codecs.encode" or name in ("builtins.bytearray", "builtins.bytes"):
            inner = value.args[0]
            return (
                to_bytes(inner)
                if not isinstance(inner, Inert) or inner.type_name == "_codecs.encode"
                else None
            )
    if isinstance(value, Inert) and value.type_name in ("builtins.bytes", "builtins.bytearray"):
        return b""
    return None


def as_array(value: Any, known: dict[int, Dtype | None] | None = None) -> RawArray | list[Any] | None:
    """Recognise an array in the inert graph.

    Parameters
    ----------
    value : object
        Of the graph.
    known : dict or None
        Dtypes that were read already, by the identity of what the file has; only while nothing can change them.

    Returns
    -------
    RawArray, list or None
        A list (of the items in order) for an array of objects; None if the value is no array.
    """
    if isinstance(value, RawArray):
        return value
    if not isinstance(value, Inert):
        return None
    if value.payload is not None:
        return value.payload if isinstance(value.payload, RawArray) else as_array(value.payload, known)
    name = type(value).full
    if name in _RECONSTRUCT and isinstance(value.state, tuple) and len(value.state) >= 5:
        _, shape, dtype, fortran, content = value.state[:5]
    elif name in _FROMBUFFER and len(value.args) >= 4:
        content, dtype, shape, order = value.args[:4]
        fortran = order == "F"
    else:
        return None
    if known is not None:
        if id(dtype) not in known:
            known[id(dtype)] = read_dtype(dtype)
        dtype = known[id(dtype)]
    return from_parts(dtype, shape, content, fortran=fortran is True)


def from_parts(dtype: Any, shape: Any, content: Any, *, fortran: bool) -> RawArray | list[Any] | None:
    """Put an array together from what a file says of it; None if that is not understood."""
    read, sides = dtype if isinstance(dtype, Dtype) else read_dtype(dtype), read_shape(shape)
    if read is None or sides is None:
        return None
    if read.is_object:
        return content if isinstance(content, list) else None
    raw = to_bytes(content)
    if raw is None:
        return None
    return RawArray(read, sides, fortran, raw, 0, len(raw))


def plain(value: Any) -> Any:
    """Return a plain Python value for a numpy scalar of the graph; anything else unchanged."""
    if not isinstance(value, Inert):
        return value
    if f"{type(value).module}.{type(value).name}" not in _SCALAR or len(value.args) < 2:
        return value
    dtype, raw = read_dtype(value.args[0]), to_bytes(value.args[1])
    if dtype is None or raw is None or dtype.is_object or len(raw) < dtype.itemsize:
        return value
    return RawArray(dtype, (), False, raw, 0, len(raw)).to_numpy()[()].item()
