"""Zip archives: what they hold is read member by member; some are a format of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from modelward.artifacts._artifact import Artifact
from modelward.artifacts._container import looks_like, printable
from modelward.artifacts._formats import worst
from modelward.artifacts.readers._archive import ArchiveError, read_archive, unpack
from modelward.artifacts.readers._skops import is_skops, read_skops
from modelward.artifacts.readers._torch_zip import is_torch, read_torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelward.artifacts._formats import Job
    from modelward.artifacts.readers._archive import Archive, Entry

_SHARED, _GROWTH = 16 << 20, 10
"""What may come out of an archive whose members share bytes, besides so many times its length."""

_FREE, _RATIO = 64 << 20, 500
"""What the members of an archive may have together, besides so many times its length."""


def read(job: Job) -> Artifact:
    """Read an archive: its structure, what kind of archive it is, and every member."""
    try:
        archive = read_archive(job.content, job.purse.members_left)
    except ArchiveError as error:
        form = looks_like(job.content)
        what = form if form.startswith("zip") else "zip"
        return job.artifact(what, "unreadable", (f"as {what} it cannot be read: {printable(str(error))}",))
    if archive.overlaps:
        job.purse.bytes_left = min(job.purse.bytes_left, _SHARED + _GROWTH * len(job.content))
    if sum(entry.size for entry in archive.entries) > _FREE + _RATIO * len(job.content):
        # Together they grow as no honest model does: what is small is read, what is not is refused unseen.
        job.purse.bytes_left = min(job.purse.bytes_left, _FREE)
    artifact = _by_kind(job, archive)
    odd = tuple(printable(what) for what in archive.odd)
    if not odd:
        return artifact
    return replace(
        artifact, verdict=worst([artifact.verdict, "suspicious"]), reasons=(*artifact.reasons, *odd)
    )


def _by_kind(job: Job, archive: Archive) -> Artifact:
    names = [entry.name for entry in archive.entries]
    if is_torch(names):
        return read_torch(job, archive, read_member)
    if is_skops(names):
        found = read_skops(job, archive, read_member)
        if found is not None:
            return found
    if names and all(name.endswith(".npy") for name in names):
        return _plain(job, archive, "npz")
    return _plain(job, archive, "zip")


def _plain(job: Job, archive: Archive, form: str) -> Artifact:
    """Read an archive that is no more than its members."""
    members = read_members(job, archive, archive.entries)
    if not members:
        return job.artifact(form, "unreadable", ("it holds no files",))
    inside = job.inside("")
    root = {member.path.removeprefix(inside): member.root for member in members}
    if form == "npz":
        root = {name.removesuffix(".npy"): value for name, value in root.items()}
    return job.artifact(form, "clean", root=root, members=members)


def read_members(job: Job, archive: Archive, entries: Iterable[Entry]) -> list[Artifact]:
    """Read members as files of their own; what cannot be unpacked is unreadable, by its name."""
    members: list[Artifact] = []
    for entry in entries:
        if entry.is_folder:
            continue
        if rest := job.given_up():
            members += rest
            break
        members.append(read_member(job, archive, entry))
    return members


def read_member(job: Job, archive: Archive, entry: Entry) -> Artifact:
    """Read one member as a file of its own."""
    try:
        data, problem = unpack(archive, entry, max(0, job.purse.bytes_left))
    except ArchiveError as error:
        job.purse.members_left -= 1
        job.purse.unread_left -= 1
        return Artifact(job.inside(entry.name), "unknown", b"", "unreadable", (str(error),))
    member = job.member(data, entry.name)
    if not problem:
        return member
    return replace(member, verdict=worst([member.verdict, "unreadable"]), reasons=(*member.reasons, problem))
