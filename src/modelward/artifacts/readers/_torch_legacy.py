"""PyTorch's files before its archives: five pickles in a row, then the bytes of the storages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import RawArray
from modelward.artifacts._container import printable
from modelward.artifacts._formats import worst
from modelward.artifacts._unpickle import read_one
from modelward.artifacts.readers._pickle import Scan
from modelward.artifacts.readers._tensors import Storages

if TYPE_CHECKING:
    from modelward.artifacts._artifact import Artifact
    from modelward.artifacts._formats import Job


def read(job: Job) -> Artifact:
    """Read the pickles (magic number, version, system, model, keys of storages), then the storages."""
    content, position = job.content, 0
    storages = Storages(lambda _key, _dtype, _count: None)
    scan = Scan(content, job.max_memory, storages.resolve)
    roots: list[Any] = []
    while len(roots) < 5:
        reading = read_one(content, position, scan.log, joblib=False, max_memory=job.max_memory)
        if reading.error:
            scan.error = reading.error
            break
        roots.append(reading.root)
        position = reading.end
    if len(roots) > 2:
        storages.big_endian = isinstance(roots[2], dict) and roots[2].get("little_endian") is False
    scan.roots = roots
    if not scan.error:
        scan.error = _storages(content, position, roots[4], storages)
    names = scan.judged()
    verdict, reasons = scan.verdict(names)
    root = None
    if not scan.error:
        root = roots[3]
        storages.build(root)
        if storages.problems:
            verdict, reasons = worst([verdict, "unreadable"]), (*reasons, *storages.problems)
    return job.artifact("PyTorch (legacy)", verdict, reasons, root=root, names=names, pickles=len(roots))


def _storages(content: bytes, position: int, keys: Any, storages: Storages) -> str:
    """Locate the bytes of every storage; return why that fails, or nothing."""
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        return "it has no list of storages"
    if set(keys) != set(storages.seen) or len(keys) != len(storages.seen):
        return "its list of storages is not that of its model"
    for key in keys:
        storage, dtype, count = storages.seen[key]
        held = int.from_bytes(content[position : position + 8], "little")
        begin = position + 8
        position = begin + count * dtype.itemsize
        if held != count or position > len(content):
            return f"the data of storage {printable(key, 40)} is cut off or has another size"
        storage.payload = RawArray(dtype, (count,), False, content, begin, position)
    left = len(content) - position
    return f"{left} bytes follow its storages" if left else ""
