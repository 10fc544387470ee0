"""PyTorch's archives: the pickle of a model beside its storages; TorchScript's hold code, too."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from modelward.artifacts._arrays import RawArray
from modelward.artifacts._container import printable
from modelward.artifacts._formats import worst
from modelward.artifacts.readers._archive import ArchiveError, unpack
from modelward.artifacts.readers._pickle import Scan
from modelward.artifacts.readers._tensors import Storages

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelward.artifacts._arrays import Dtype
    from modelward.artifacts._artifact import Artifact
    from modelward.artifacts._formats import Job
    from modelward.artifacts.readers._archive import Archive, Entry

_NOTE = re.compile(rb"[0-9A-Za-z._\-]{1,128}\n?")
_NOTES = frozenset(
    {
        "version",
        "byteorder",
        ".format_version",
        ".storage_alignment",
        ".data/serialization_id",
        ".data/version",
    }
)
_SCRIPT = "holds code that runs in TorchScript's interpreter when the model is used"
# TorchScript can neither import nor run processes, but these operators of its own touch files.
_OPERATOR = re.compile(r"\b(?:torch|ops\.aten)\.(save|from_file|load|_save|_load)\s*\(")
_CUSTOM = re.compile(r"\bops\.(?!aten\b|prim\b|prims\b|quantized\b|inductor\b)(\w+)\.(\w+)")


def is_torch(names: list[str]) -> bool:
    """Say whether an archive with members of these names is PyTorch's."""
    return any(name == "data.pkl" or name.endswith("/data.pkl") for name in names)


def read_torch(job: Job, archive: Archive, other: Callable[[Job, Archive, Entry], Artifact]) -> Artifact:
    """Read PyTorch's archive.

    Parameters
    ----------
    job : Job
        The whole file.
    archive : Archive
        Its structure.
    other : callable
        Reads a member that is a file of its own.
    """
    main = next(e.name for e in archive.entries if e.name == "data.pkl" or e.name.endswith("/data.pkl"))
    top = main.removesuffix("data.pkl")
    entries = {e.name: e for e in archive.entries if not e.is_folder}
    script = any(
        name.startswith((f"{top}code/", f"{top}constants.pkl", f"{top}bytecode.pkl")) for name in entries
    )
    order = entries.get(f"{top}byteorder")
    big = order is not None and b"big" in job.content[order.start : order.end]
    used: set[str] = set()
    members: list[Artifact] = []
    roots: dict[str, object] = {}
    for name, folder in (
        (f"{top}data.pkl", "data"),
        (f"{top}constants.pkl", "constants"),
        (f"{top}bytecode.pkl", "data"),
    ):
        if name in entries:
            used.add(name)
            storages = Storages(_locate(job, archive, entries, f"{top}{folder}/", used), big)
            members.append(_graph(job, archive, entries[name], storages))
            roots[name] = members[-1].root
    reasons: list[str] = [_SCRIPT] if script else []
    verdict = worst(["suspicious"]) if script else worst([])
    for name, entry in entries.items():
        short = name.removeprefix(top)
        if name in used or (short in _NOTES and _NOTE.fullmatch(job.content[entry.start : entry.end])):
            continue
        if script and short.startswith("code/") and name.endswith(".py"):
            harm, told = _code(job, archive, entry)
            verdict, reasons = worst([verdict, "malicious" if harm else "suspicious"]), [*reasons, *told]
            continue
        members.append(other(job, archive, entry))
    form = "TorchScript" if script else "PyTorch"
    return job.artifact(form, verdict, reasons, root=roots[main], members=members)


def _locate(
    job: Job, archive: Archive, entries: dict[str, Entry], folder: str, used: set[str]
) -> Callable[[str, Dtype, int], RawArray | str | None]:
    """Return where the storages of a pickle are looked up."""

    def find(key: str, dtype: Dtype, count: int) -> RawArray | str | None:
        entry = entries.get(folder + key)
        if entry is None:
            return f"the data of storage {printable(key, 40)} is not in the archive"
        used.add(entry.name)
        if entry.method or entry.flags & 0x41:
            try:
                data, problem = unpack(archive, entry, max(0, job.purse.bytes_left))
            except ArchiveError as error:
                return f"{printable(entry.name, 80)}: {error}"
            job.purse.bytes_left -= len(data)
            start, end = 0, len(data)
        else:
            data, start, end = archive.content, entry.start, entry.end
            fits = zlib.crc32(memoryview(data)[start:end]) == entry.crc and entry.size == end - start
            problem = "" if fits else "its checksum or size is wrong"
        if problem:
            return f"{printable(entry.name, 80)}: {problem}"
        if end - start != count * dtype.itemsize:
            return f"{printable(entry.name, 80)} has {end - start} bytes where {count * dtype.itemsize} are promised"
        return RawArray(dtype, (count,), False, data, start, end)

    return find


def _graph(job: Job, archive: Archive, entry: Entry, storages: Storages) -> Artifact:
    """Read one of the archive's pickles, its tensors included."""
    path = job.inside(entry.name)
    try:
        data, problem = unpack(archive, entry, max(0, job.purse.bytes_left))
    except ArchiveError as error:
        return replace(job, path=path, data=b"", compressed="").artifact(
            "pickle", "unreadable", (str(error),)
        )
    spent = job.spend(len(data))
    inner = replace(job, content=data, path=path, data=data, compressed="", depth=job.depth + 1)
    if spent:
        return inner.artifact("pickle", "unreadable", (spent,))
    scan = Scan(data, job.max_memory, storages.resolve)
    scan.read()
    names = scan.judged()
    verdict, reasons = scan.verdict(names)
    root = None if scan.error else scan.roots[0] if len(scan.roots) == 1 else tuple(scan.roots)
    storages.build(root)
    broken = [*storages.problems, *([problem] if problem else [])]
    if broken:
        verdict, reasons = worst([verdict, "unreadable"]), (*reasons, *broken)
    return inner.artifact("pickle", verdict, reasons, root=root, names=names, pickles=len(scan.roots))


def _code(job: Job, archive: Archive, entry: Entry) -> tuple[bool, list[str]]:
    """Say what TorchScript code could do that a model has no need of."""
    try:
        data, problem = unpack(archive, entry, max(0, job.purse.bytes_left))
    except ArchiveError as error:
        return False, [f"{printable(entry.name, 80)}: {error}"]
    job.purse.bytes_left -= len(data)
    text = data.decode("utf-8", "replace")
    short = printable(entry.name, 80)
    harm = sorted({match[1] for match in _OPERATOR.finditer(text)})
    custom = sorted({f"{match[1]}::{match[2]}" for match in _CUSTOM.finditer(text)})
    told = [f"{short} calls aten::{name}, which touches files" for name in harm]
    told += [f"{short} calls the custom operator {printable(name, 80)}" for name in custom[:5]]
    return bool(harm), told + ([f"{short}: {problem}"] if problem else [])
