"""PyTorch's tensors: from storages and strides to raw arrays, without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import Dtype, RawArray, read_shape
from modelward.artifacts._content import buffer_of
from modelward.artifacts._graph import walk_graph
from modelward.artifacts._inert import Inert, is_inert_class

if TYPE_CHECKING:
    from collections.abc import Callable

_CODES = {
    "DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2", "LongStorage": "i8", "IntStorage": "i4",
    "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "b1", "ComplexFloatStorage": "c8",
    "ComplexDoubleStorage": "c16", "BFloat16Storage": "V2", "QInt8Storage": "i1", "QUInt8Storage": "u1",
    "QInt32Storage": "i4", "UntypedStorage": "u1", "QUInt4x2Storage": "u1", "QUInt2x4Storage": "u1",
}  # fmt: skip
_DTYPES = {
    "uint16": "u2", "uint32": "u4", "uint64": "u8", "float8_e4m3fn": "V1", "float8_e5m2": "V1", "float8_e8m0fnu": "V1",
    "float8_e4m3fnuz": "V1", "float8_e5m2fnuz": "V1",
}  # fmt: skip
_TENSORS = frozenset(
    f"torch._utils.{name}" for name in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3")
)
_PARAMETERS = frozenset(
    f"torch._utils.{name}" for name in ("_rebuild_parameter", "_rebuild_parameter_with_state")
)


@dataclass
class Storages:
    """The storages that a pickle refers to by persistent ids.

    Attributes
    ----------
    locate : callable
        From key, dtype and number of items to the storage's `RawArray`; None if it comes later, text for a problem.
    big_endian : bool
        How the numbers are written.
    seen : dict
        From key to the stand-in of the storage, its dtype and its number of items.
    problems : dict
        What is wrong (values are unused).
    """

    locate: Callable[[str, Dtype, int], RawArray | str | None]
    big_endian: bool = False
    seen: dict[str, tuple[Inert, Dtype, int]] = field(default_factory=dict)
    problems: dict[str, None] = field(default_factory=dict)

    def resolve(self, pid: Any) -> Any:
        """Return the stand-in for a persistent id; None if it is none of PyTorch's."""
        if not isinstance(pid, tuple) or len(pid) < 2 or not is_inert_class(pid[1]):
            return None
        if pid[0] == "module" and len(pid) == 4:
            return pid[1]  # a class with its source text for comparison; the class is a name that is judged
        if pid[0] != "storage" or len(pid) not in (5, 6) or pid[1].module not in ("torch", "torch.storage"):
            return None
        cls, key, count = pid[1], pid[2], pid[4]
        code = _CODES.get(cls.name)
        if code is None or not isinstance(key, str) or type(count) is not int or count < 0:
            return None
        found = self.seen.get(key)
        if found is not None:
            return found[0]
        dtype = _dtype(code, big_endian=self.big_endian)
        storage: Inert = cls(key, count)
        self.seen[key] = storage, dtype, count
        place = self.locate(key, dtype, count)
        if isinstance(place, str):
            self.problems[place] = None
        elif place is not None:
            storage.payload = place
        return storage

    def build(self, root: Any) -> None:
        """Give every tensor of a graph its raw array."""
        for node in walk_graph(root):
            name = node.value.type_name
            if name in _TENSORS:
                array = self._tensor(node.value)
                if array is not None:
                    node.value.payload = array
            elif name in _PARAMETERS and node.value.args:
                inner = node.value.args[0]
                if isinstance(inner, Inert) and inner.type_name in _TENSORS:
                    inner.payload = inner.payload or self._tensor(inner)
                    node.value.payload = inner.payload

    def _tensor(self, value: Inert) -> RawArray | None:
        args = value.args
        if len(args) < 4 or not isinstance(args[0], Inert) or not isinstance(args[0].payload, RawArray):
            return None
        storage, offset, size, stride = args[0].payload, args[1], _sides(args[2]), _sides(args[3])
        dtype = storage.dtype
        if value.type_name.endswith("_v3") and len(args) > 6 and is_inert_class(args[6]):
            code = _DTYPES.get(args[6].name)
            dtype = Dtype(("|" if code[0] == "V" else "<") + code, int(code[1:])) if code else dtype
        if (
            size is None
            or stride is None
            or len(size) != len(stride)
            or type(offset) is not int
            or offset < 0
        ):
            self.problems["a tensor has no shape that makes sense"] = None
            return None
        if 0 in size:
            return RawArray(dtype, size, False, storage.data, storage.start, storage.start)
        last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
        if (last + 1) * dtype.itemsize > storage.end - storage.start:
            self.problems["a tensor reaches beyond its storage"] = None
            return None
        return view(storage, dtype, offset, size, stride)


def storage_dtype(name: str) -> Dtype | None:
    """Return the dtype of a kind of storage; None if it is not known."""
    code = _CODES.get(name)
    return None if code is None else _dtype(code, big_endian=False)


def _dtype(code: str, *, big_endian: bool) -> Dtype:
    size = 1 if code == "b1" else int(code[1:])
    prefix = "|" if size == 1 or code[0] == "V" else ">" if big_endian else "<"
    return Dtype(prefix + code, size)


def _sides(value: Any) -> tuple[int, ...] | None:
    if isinstance(value, Inert) and value.type_name == "torch.Size" and len(value.args) == 1:
        value = value.args[0]
    if isinstance(value, list):
        value = tuple(value)
    return read_shape(value) if isinstance(value, tuple) else None


def _dense(size: tuple[int, ...]) -> list[int]:
    """Return the strides of a dense array in C order."""
    out, step = [], 1
    for side in reversed(size):
        out.append(step)
        step *= side
    return out[::-1]


def view(
    storage: RawArray, dtype: Dtype, offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> RawArray | None:
    """Return a tensor of a storage as an array; copied where its strides are not dense, None if it repeats too much."""
    count = 1
    for side in size:
        count *= side
    begin = storage.start + offset * dtype.itemsize
    for fortran, want in ((False, _dense(size)), (True, _dense(size[::-1])[::-1])):
        if all(n == 1 or s == w for n, s, w in zip(size, stride, want, strict=True)):
            return RawArray(dtype, size, fortran, storage.data, begin, begin + count * dtype.itemsize)
    held = (storage.end - storage.start) // dtype.itemsize
    if count > 4 * held + 1024:
        return None  # repeats one value without end: it is read, and not unrolled
    import numpy as np

    flat = np.frombuffer(buffer_of(storage.data, begin, storage.end), dtype.to_numpy(), held - offset)
    steps = [s * dtype.itemsize for s in stride]
    data = np.ascontiguousarray(np.lib.stride_tricks.as_strided(flat, size, steps, writeable=False)).tobytes()
    return RawArray(dtype, size, False, data, 0, len(data))
