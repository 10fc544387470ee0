"""read_artifact: a model file, read and not run."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelward.artifacts._artifact import Artifact
from modelward.artifacts._container import (
    DamagedError,
    TooLargeError,
    compression,
    decompress,
    printable,
    read_file,
    snapshot,
)
from modelward.artifacts._content import ChangedError
from modelward.artifacts._formats import Job, Purse, Reader, worst
from modelward.artifacts._hidden import with_hidden
from modelward.artifacts._hidden_budget import NEW_BYTE
from modelward.artifacts._hidden_opcodes import is_opcode
from modelward.artifacts._opcodes import MAX_MEMORY
from modelward.artifacts.readers import PICKLE, READERS
from modelward.artifacts.readers._pickle import reached

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 2 << 30
"""The longest content that is read, after decompression."""
_END = 1 << 20
_NO_PICKLE = frozenset({b"P", b"{", b"\x93", b"\x08", b"#", b"\n", b" "})
"""First bytes with which no unpickler gets anywhere (`P` asks for an object that only the loader has)."""


def read_artifact(
    path: str | Path, *, max_bytes: int = MAX_BYTES, max_memory: int = MAX_MEMORY, whole: bool = True
) -> Artifact:
    """Read a model file without running anything of it.

    The file is recognised by content: pickles of protocol 0 to 5, and joblib's files, raw or compressed
    (zlib, gzip, bz2, xz, lzma; lz4 with the lz4 package). Anything else is ``unreadable``, by name.

    Parameters
    ----------
    path : path
        A regular file.
    max_bytes : int
        The longest content that is read, before and after decompression.
    max_memory : int
        Bytes that the objects of one pickle may take, as estimated from its opcodes before it is read.
    whole : bool
        Keep the file's bytes as `data`, to be loaded later. Without it `data` may be empty: of a large pickle,
        joblib or .npy file that is not compressed only what must be looked at is read, its long arrays where and
        when somebody asks for them, and `max_bytes` does not bound its length.

    Returns
    -------
    Artifact
        With its verdict: ``malicious`` if loading would reach a dangerous name, ``unreadable`` if it could
        not be read to its end, ``suspicious`` if it would reach a name that is not known, else ``clean``.

    Raises
    ------
    InputError
        If there is no such file, it may not be read, or it is a directory, a pipe or a device.
    """
    shown = printable(os.fsdecode(path), 4096)
    large = None if whole else _large(path, shown, max_bytes, max_memory)
    if large is not None:
        return large
    try:
        data = read_file(path, max_bytes)
    except TooLargeError:
        return Artifact(shown, "unknown", b"", "unreadable", (f"longer than {max_bytes:,} bytes",))
    return read_bytes(data, shown, max_bytes=max_bytes, max_memory=max_memory)


def _large(path: str | Path, shown: str, max_bytes: int, max_memory: int) -> Artifact | None:
    """Read a large pickle, joblib or .npy file without having all of it in memory; None for any other file.

    The payloads of its arrays are neither read nor copied unless somebody asks for them, so its size is not
    bounded; what stands between them is.
    """
    content = snapshot(path)
    if content is None:
        return None
    try:
        ends = content[:_END] + content[-_END:]
    except ChangedError as error:
        return Artifact(shown, "unknown", b"", "unreadable", (str(error),))
    readers = [reader for reader in READERS if reader.recognise(ends)]
    if ends.startswith(b"\x80") and not readers:
        reader = PICKLE
    elif [reader.name for reader in readers] == ["npy"]:
        reader = readers[0]
    else:
        return None  # it is something else, or means that, too: that takes the whole of it
    lazy: Any = content
    job = Job(lazy, shown, b"", "", len(content), max_memory, 0, Purse(max_bytes))
    artifact = _searched(_guarded(reader, job), job)
    if content.changed():
        reason = "it was written to while it was read"
        return replace(
            artifact, verdict=worst([artifact.verdict, "unreadable"]), reasons=(reason, *artifact.reasons)
        )
    return artifact


def read_bytes(
    data: bytes, path: str = "<bytes>", *, max_bytes: int = MAX_BYTES, max_memory: int = MAX_MEMORY
) -> Artifact:
    """Read a model file that is already in memory; see `read_artifact`."""
    return _dispatch(data, path, max_bytes, max_memory, 0, Purse(max_bytes))


def read_nested(data: bytes, holder: Job, path: str) -> Artifact:
    """Read a member of a container, at the container's expense; see `Job.member`."""
    problem = holder.spend(len(data))
    if problem:
        return Artifact(path, "unknown", b"", "unreadable", (problem,))
    return _dispatch(
        data, path, holder.max_bytes, holder.max_memory, holder.depth + 1, holder.purse, hidden=holder.hidden
    )


def _dispatch(
    data: bytes, path: str, max_bytes: int, max_memory: int, depth: int, purse: Purse, *, hidden: bool = False
) -> Artifact:
    """Undo the compression, and hand the content to the readers that recognise it."""
    if not data:
        return Artifact(path, "empty", data, "unreadable", ("the file is empty",))
    kind = compression(data)
    content = data
    if kind:
        try:
            content = decompress(data, kind, max(0, _most(max_bytes, purse, hidden=hidden)), _may_be_read)
        except TooLargeError:
            reason = f"its {kind} data grows beyond what may be read: a decompression bomb?"
            return Artifact(path, f"compressed ({kind})", data, "unreadable", (reason,))
        except DamagedError as error:
            return Artifact(path, f"compressed ({kind})", data, "unreadable", (str(error),))
        if depth:
            purse.bytes_left -= len(content)
        if hidden:
            purse.search.charge(NEW_BYTE * len(content))
    job = Job(content, path, data, kind, max_bytes, max_memory, depth, purse, hidden)
    readers = [reader for reader in READERS if reader.recognise(content)]
    if not readers:
        return _searched(_guarded(PICKLE, job), job)
    found = _merged([_guarded(reader, job) for reader in readers])
    found = _with_pickle(found, job, expected=any(reader.is_pickle for reader in readers))
    return _searched(found, job)


def _most(max_bytes: int, purse: Purse, *, hidden: bool) -> int:
    """Return how much may come out of compressed content."""
    most = min(max_bytes, purse.bytes_left)
    return min(most, purse.search.left // NEW_BYTE) if hidden else most


def _may_be_read(head: bytes) -> bool:
    """Say whether content that begins like this can be a pickle or of another format."""
    return is_opcode(head[0]) or any(reader.recognise(head) for reader in READERS)


def _searched(artifact: Artifact, job: Job) -> Artifact:
    """Add the pickles that are hidden in the content's data; see `with_hidden`."""
    try:
        return with_hidden(artifact, job)
    except ChangedError as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - a file must never stop the scan of the next one
        reason = f"its data cannot be searched for hidden pickles ({type(error).__name__})"
    return replace(
        artifact, verdict=worst([artifact.verdict, "unreadable"]), reasons=(*artifact.reasons, reason)
    )


def _guarded(reader: Reader, job: Job) -> Artifact:
    """Let a reader read; whatever a hostile file makes it raise means that it could not be read."""
    try:
        return reader.read(job)
    except Exception as error:  # noqa: BLE001 - a file must never stop the scan of the next one
        reason = f"cannot be read as {reader.name}: its structure makes no sense ({type(error).__name__})"
        return Artifact(job.path, reader.name, job.data, "unreadable", (reason,))


def _merged(found: list[Artifact]) -> Artifact:
    """Return what several readers say of one content; two meanings are never clean."""
    first = found[0]
    if len(found) == 1:
        return first
    also = tuple(f"can also be read as {other.format}" for other in found[1:])
    verdict = worst(["suspicious", *(artifact.verdict for artifact in found)])
    reasons = tuple(
        dict.fromkeys((*first.reasons, *also, *(r for other in found[1:] for r in other.reasons)))
    )
    names = dict.fromkeys(use for artifact in found for use in artifact.globals)
    members = tuple(member for artifact in found for member in artifact.members)
    return replace(first, verdict=verdict, reasons=reasons, globals=tuple(names), members=members)


def _with_pickle(artifact: Artifact, job: Job, *, expected: bool) -> Artifact:
    """Add what an unpickler would reach in content of another format, for those who load it with one.

    If the format is made of pickles, only what is dangerous is news.
    """
    if job.content[:1] in _NO_PICKLE:
        return artifact
    names, error = reached(job.content, job.max_memory)
    harm = [
        f"read as a pickle it reaches {use.name}: {use.reason}" for use in names if use.status == "dangerous"
    ]
    if not harm and (expected or (error and not names)):
        return artifact
    also = () if expected else ("can also be read as a pickle",)
    verdict = worst([artifact.verdict, "malicious" if harm else "suspicious"])
    reasons = (*harm, *artifact.reasons, *also)
    return replace(
        artifact, verdict=verdict, reasons=reasons, globals=tuple(dict.fromkeys((*artifact.globals, *names)))
    )
