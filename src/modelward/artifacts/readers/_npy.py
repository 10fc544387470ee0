"""numpy's .npy files; several may stand one after the other, and an array of objects is a pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import RawArray
from modelward.artifacts._formats import worst
from modelward.artifacts.readers._npyheader import MAGIC, HeaderError, read_header
from modelward.artifacts.readers._pickle import Scan

if TYPE_CHECKING:
    from modelward.artifacts._artifact import Artifact, FileVerdict, GlobalUse
    from modelward.artifacts._formats import Job

_MAX_ARRAYS = 10_000


def read(job: Job) -> Artifact:
    """Read one array after the other to the end of the content."""
    content, position = job.content, 0
    roots: list[Any] = []
    while position < len(content):
        if content[position : position + 6] != MAGIC:
            return _rest(job, position, roots)
        try:
            header = read_header(content, position)
        except HeaderError as error:
            return job.artifact("npy", "unreadable", (str(error),))
        if header.dtype.is_object:
            return _rest(job, header.start, roots)
        count = 1
        for side in header.shape:
            count *= side
        end = header.start + count * header.dtype.itemsize
        if end > len(content):
            return job.artifact("npy", "unreadable", ("it ends before the end of its array",))
        roots.append(RawArray(header.dtype, header.shape, header.fortran, content, header.start, end))
        position = end
        if len(roots) > _MAX_ARRAYS:
            return job.artifact("npy", "unreadable", (f"it holds more than {_MAX_ARRAYS:,} arrays",))
    return job.artifact("npy", "clean", root=roots[0] if len(roots) == 1 else tuple(roots))


def _rest(job: Job, position: int, roots: list[Any]) -> Artifact:
    """Read what stands after a header of objects, or after an array, as the pickle that numpy would load."""
    scan = Scan(job.content[position:], job.max_memory)
    scan.read()
    names: tuple[GlobalUse, ...] = scan.judged()
    verdict: FileVerdict
    if scan.error and not names and roots:
        left = len(job.content) - position
        return job.artifact("npy", "unreadable", (f"{left} bytes follow its array",))
    verdict, reasons = scan.verdict(names)
    if roots:
        verdict, reasons = worst([verdict, "suspicious"]), (*reasons, "a pickle follows its array")
    found = [*roots, *scan.roots]
    root = None if scan.error else found[0] if len(found) == 1 else tuple(found)
    return job.artifact("npy", verdict, reasons, root=root, names=names, pickles=len(scan.roots))
