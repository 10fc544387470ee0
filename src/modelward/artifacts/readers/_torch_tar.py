"""PyTorch's first format: a tar archive of four parts, with the bytes of storages and shapes between pickles.

Source: the reading side of `torch.serialization` (2.13), which still loads it.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import RawArray
from modelward.artifacts._hidden import with_hidden
from modelward.artifacts._inert import is_inert_class
from modelward.artifacts._unpickle import read_one
from modelward.artifacts.readers._notes import standing
from modelward.artifacts.readers._pickle import Scan
from modelward.artifacts.readers._tensors import storage_dtype, view

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelward.artifacts._artifact import Artifact, GlobalUse
    from modelward.artifacts._formats import Job

PARTS = ("sys_info", "storages", "tensors", "pickle")
_MAX_OBJECTS = 100_000
_MAX_DIMENSIONS = 64
_KINDS = frozenset(
    f"torch.{kind}Tensor"
    for kind in ("Float", "Double", "Half", "Long", "Int", "Short", "Char", "Byte", "Bool", "BFloat16")
)


class _PartError(Exception):
    """A part that is not as PyTorch reads it."""


class _Part:
    """One part: pickles one after the other, with bytes between them.

    Parameters
    ----------
    job : Job
        The part as a member of its own.
    resolve : callable or None
        From a persistent id to its stand-in.
    """

    def __init__(self, job: Job, resolve: Callable[[Any], Any] | None = None) -> None:
        self.job = job
        self.scan = Scan(job.content, job.max_memory, resolve)
        self.scan.log.watch_all = resolve is None
        self.position = 0

    def pickle(self) -> Any:
        """Read the next pickle."""
        reading = read_one(
            self.job.content, self.position, self.scan.log, joblib=False, max_memory=self.job.max_memory
        )
        if reading.error:
            raise _PartError(reading.error)
        self.position = reading.end
        self.scan.roots.append(reading.root)
        return reading.root

    def numbers(self, form: str, count: int) -> tuple[int, ...]:
        """Read numbers that stand between pickles."""
        try:
            found = struct.unpack_from(f"<{count}{form}", self.job.content, self.position)
        except struct.error:
            raise _PartError("it ends early") from None
        self.position += count * (8 if form == "q" else 4)
        return found

    def count(self) -> int:
        """Read a pickle that says how many follow."""
        count = self.pickle()
        if type(count) is not int or not 0 <= count <= _MAX_OBJECTS:
            raise _PartError("it does not say how many objects follow")
        return count

    def artifact(self, error: str, root: Any) -> Artifact:
        """Return what was read of the part."""
        if not error and self.position < len(self.job.content):
            error = f"{len(self.job.content) - self.position} bytes follow its end"
        self.scan.error = error
        names = self.scan.judged()
        searched = with_hidden(self._made(names, root), self.job)
        if searched.members or self.scan.log.acted or not self.scan.log.watch_all:
            return searched
        # Each tensor names its kind, which the loader does not use; nothing in this part calls anything.
        return self._made(tuple(use for use in names if use.name not in _KINDS), root)

    def _made(self, names: tuple[GlobalUse, ...], root: Any) -> Artifact:
        verdict, reasons = self.scan.verdict(names)
        root = None if self.scan.error else root
        return self.job.artifact(
            "pickle", verdict, reasons, root=root, names=names, pickles=len(self.scan.roots)
        )


class _Model:
    """The storages and tensors that the parts bring, by their keys."""

    def __init__(self) -> None:
        self.storages: dict[Any, RawArray] = {}
        self.tensors: dict[str, Any] = {}

    def read_storages(self, part: _Part) -> Any:
        """Locate every storage, and the views of storages."""
        for _ in range(part.count()):
            key, _, kind = _triple(part.pickle())
            dtype = storage_dtype(kind.name) if is_inert_class(kind) else None
            if dtype is None or type(key) is not int:
                raise _PartError("a storage is of no kind that is known")
            (count,) = part.numbers("q", 1)
            end = part.position + count * dtype.itemsize
            if count < 0 or end > len(part.job.content):
                raise _PartError("the data of a storage is cut off")
            self.storages[key] = RawArray(dtype, (count,), False, part.job.content, part.position, end)
            part.position = end
        views = part.pickle()
        if not isinstance(views, list):
            raise _PartError("it has no list of views")
        for one in views:
            self._add_view(one)
        return None

    def _add_view(self, one: Any) -> None:
        if not isinstance(one, tuple) or len(one) != 4 or not all(type(n) is int for n in one):
            raise _PartError("a view of a storage makes no sense")
        target, base, offset, count = one
        storage = self.storages.get(base)
        if storage is None or offset < 0 or count < 0 or offset + count > storage.shape[0]:
            raise _PartError("a view reaches beyond its storage")
        begin = storage.start + offset * storage.dtype.itemsize
        end = begin + count * storage.dtype.itemsize
        self.storages[target] = RawArray(storage.dtype, (count,), False, storage.data, begin, end)

    def read_tensors(self, part: _Part) -> Any:
        """Read the shape of every tensor."""
        for _ in range(part.count()):
            key, storage_key, _ = _triple(part.pickle())
            storage = self.storages.get(storage_key) if type(storage_key) is int else None
            if storage is None or type(key) is not int:
                raise _PartError("a tensor is in no storage that there is")
            ndim, _ = part.numbers("i", 2)
            if not 0 <= ndim <= _MAX_DIMENSIONS:
                raise _PartError("a tensor has no shape that makes sense")
            size, stride = part.numbers("q", ndim), part.numbers("q", ndim)
            (offset,) = part.numbers("q", 1)
            self.tensors[str(key)] = _tensor(storage, offset, size, stride)
        return None

    def resolve(self, pid: Any) -> Any:
        """Return the stand-in of a tensor or of a class with its source text."""
        if isinstance(pid, tuple) and pid and is_inert_class(pid[0]):
            return pid[0]  # the class is a name that is judged
        return self.tensors.get(str(pid)) if isinstance(pid, str | int) else None


def _triple(value: Any) -> tuple[Any, Any, Any]:
    if not isinstance(value, tuple) or len(value) != 3:
        raise _PartError("an entry is not made of three")
    return value


def _tensor(storage: RawArray, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> Any:
    """Return the stand-in of a tensor, with its array."""
    if offset < 0 or min((*size, *stride), default=0) < 0:
        raise _PartError("a tensor has no shape that makes sense")
    made = standing("torch", "Tensor", {})
    if 0 in size:
        made.payload = RawArray(storage.dtype, size, False, storage.data, storage.start, storage.start)
        return made
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if last >= storage.shape[0]:
        raise _PartError("a tensor reaches beyond its storage")
    made.payload = view(storage, storage.dtype, offset, size, stride)
    return made


def read_parts(job: Job, parts: dict[str, bytes]) -> tuple[list[Artifact], Any]:
    """Read the four parts.

    Returns
    -------
    members : list of Artifact
        One for each part.
    root : object
        The graph of the model; None if it could not be read.
    """
    model, members, root = _Model(), [], None
    readers: dict[str, Callable[[_Part], Any]] = {
        "storages": model.read_storages, "tensors": model.read_tensors,
    }  # fmt: skip
    for name in PARTS:
        data = parts[name]
        problem = job.spend(len(data))
        inner = replace(
            job, content=data, data=data, path=job.inside(name), compressed="", depth=job.depth + 1
        )
        if problem:
            members.append(inner.artifact("pickle", "unreadable", (problem,)))
            continue
        part = _Part(inner, model.resolve if name == "pickle" else None)
        error, root = "", None
        try:
            root = readers.get(name, _Part.pickle)(part)
        except _PartError as wrong:
            error = str(wrong)
        members.append(part.artifact(error, root))
    return members, root if all(member.verdict != "unreadable" for member in members) else None
