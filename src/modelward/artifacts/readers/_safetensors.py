"""safetensors: a length, a JSON header, and the bytes of the tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import Dtype, RawArray
from modelward.artifacts._container import printable
from modelward.artifacts.readers._notes import BrokenError, finish
from modelward.artifacts.readers._strict_json import read_json

if TYPE_CHECKING:
    from modelward.artifacts._artifact import Artifact
    from modelward.artifacts._formats import Job
    from modelward.artifacts.readers._notes import Notes

"""The longest header that the library itself accepts."""
_MAX_SIDE = 1 << 48
_KEYS = {"dtype", "shape", "data_offsets"}
# Kinds that numpy does not have keep their bytes, as void items.
_DTYPES = {
    "BOOL": Dtype("|b1", 1), "U8": Dtype("|u1", 1), "I8": Dtype("|i1", 1), "U16": Dtype("<u2", 2),
    "I16": Dtype("<i2", 2), "U32": Dtype("<u4", 4), "I32": Dtype("<i4", 4), "U64": Dtype("<u8", 8),
    "I64": Dtype("<i8", 8), "F16": Dtype("<f2", 2), "F32": Dtype("<f4", 4), "F64": Dtype("<f8", 8),
    "C64": Dtype("<c8", 8), "BF16": Dtype("|V2", 2), "F8_E5M2": Dtype("|V1", 1), "F8_E4M3": Dtype("|V1", 1),
    "F8_E8M0": Dtype("|V1", 1), "F8_E4M3FNUZ": Dtype("|V1", 1), "F8_E5M2FNUZ": Dtype("|V1", 1),
}  # fmt: skip
_BITS = {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6}
"""Kinds narrower than a byte: their arrays are kept as the bytes they are packed into."""


def read(job: Job) -> Artifact:
    """Read a job as safetensors: a dict from name to array, with ``__metadata__`` as it is."""
    return finish(job, "safetensors", parse)


def parse(content: bytes, notes: Notes) -> dict[str, Any]:
    """Return the tensors by name, and the metadata under ``__metadata__``."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > len(content) - 8:
        raise BrokenError(f"its header is said to have {length:,} bytes, more than the file has")
    header = read_json(content[8 : 8 + length], notes, "its header")
    if not isinstance(header, dict):
        raise BrokenError("its header is no JSON object")
    root: dict[str, Any] = {}
    spans: list[tuple[int, int, str]] = []
    for name, entry in header.items():
        if name == "__metadata__":
            if not isinstance(entry, dict) or not all(isinstance(text, str) for text in entry.values()):
                notes.suspicious("its metadata are not texts")
            root[name] = entry
            continue
        array = _tensor(name, entry, content, 8 + length)
        root[name] = array
        spans.append((array.start, array.end, name))
    _check_spans(spans, 8 + length, len(content), notes)
    return root


def _tensor(name: str, entry: Any, content: bytes, base: int) -> RawArray:
    """Locate one tensor."""
    if not isinstance(entry, dict) or entry.keys() != _KEYS:
        raise _broken(name, "has not exactly a dtype, a shape and offsets")
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(shape, list) or len(shape) > 64 or not all(type(n) is int and n >= 0 for n in shape):
        raise _broken(name, "has a shape that is none")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(type(n) is int for n in offsets):
        raise _broken(name, "has offsets that are none")
    if not isinstance(kind, str) or (kind not in _DTYPES and kind not in _BITS):
        raise _broken(name, f"has the unknown dtype {printable(str(kind), 40)!r}")
    count = 1
    for side in shape:
        count *= side
        if count > _MAX_SIDE:
            raise _broken(name, "has a shape larger than any memory")
    begin, end = offsets
    if not 0 <= begin <= end <= len(content) - base:
        raise _broken(name, f"lies outside the file (bytes {begin:,} to {end:,})")
    needed = -(-count * _BITS[kind] // 8) if kind in _BITS else count * _DTYPES[kind].itemsize
    if needed != end - begin:
        raise _broken(name, f"needs {needed:,} bytes and has {end - begin:,}")
    dtype = Dtype("|V1", 1) if kind in _BITS else _DTYPES[kind]
    sides = (needed,) if kind in _BITS else tuple(shape)
    return RawArray(dtype, sides, False, content, base + begin, base + end)


def _broken(name: str, why: str) -> BrokenError:
    """Return the error of a tensor; files have tens of thousands of names, which are shown only here."""
    return BrokenError(f"tensor {printable(name, 80)!r} {why}")


def _check_spans(spans: list[tuple[int, int, str]], base: int, length: int, notes: Notes) -> None:
    """Note tensors that share bytes, and bytes that belong to no tensor."""
    position = base
    for begin, end, name in sorted(spans):
        if begin < position and end > begin:
            notes.suspicious(f"tensor {printable(name, 80)!r} shares bytes with another")
        elif begin > position:
            notes.suspicious(
                f"{begin - position:,} bytes before tensor {printable(name, 80)!r} belong to none"
            )
        position = max(position, end)
    if position < length:
        notes.suspicious(f"{length - position:,} bytes at its end belong to no tensor")
