"""Tar archives, read header by header: every member by its content, links and devices named and never followed.

Source: POSIX.1-2001 pax and ustar; GNU's long names. Sparse members are not put together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelward.artifacts._container import printable
from modelward.artifacts.readers._archive import unsafe_name
from modelward.artifacts.readers._signs import TAR_BLOCK, sound_block
from modelward.artifacts.readers._torch_tar import PARTS, read_parts

if TYPE_CHECKING:
    from modelward.artifacts._artifact import Artifact, FileVerdict
    from modelward.artifacts._formats import Job

_LINKS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"6": "a named pipe",
}
_FILES = (b"0", b"\0", b"7")
_MAX_NOTES = 50


class _TarError(Exception):
    """An archive that cannot be read any further; the message says why."""


@dataclass(frozen=True, slots=True)
class _Header:
    """One header: what a member is called, its kind, and where its bytes are."""

    name: str
    kind: bytes
    start: int
    end: int


def _number(field: bytes) -> int:
    """Return a number in octal, or in GNU's binary form."""
    if field[0] & 0x80:
        if field[0] != 0x80:
            raise _TarError("a member has a size below zero")
        return int.from_bytes(field[1:], "big")
    try:
        return int(field.strip(b" \0") or b"0", 8)
    except ValueError:
        raise _TarError("a number in a header is none") from None


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")


def _header(content: bytes, position: int) -> _Header:
    head = content[position : position + TAR_BLOCK]
    if len(head) < TAR_BLOCK:
        raise _TarError("it ends inside a header")
    if not sound_block(head):
        raise _TarError(f"the header at byte {position:,} has a wrong checksum")
    name, prefix = _text(head[:100]), _text(head[345:500]) if head[257:263] == b"ustar\0" else ""
    start = position + TAR_BLOCK
    kind = head[156:157]
    size = 0 if kind in (*_LINKS, b"5") and kind != b"1" else _number(head[124:136])
    if kind == b"1":
        size = 0  # tarfile skips no data behind a hard link of ustar
    if start + size > len(content):
        raise _TarError(f"{printable(name, 80)} is longer than the archive")
    return _Header(f"{prefix}/{name}" if prefix else name, kind, start, start + size)


def _records(body: bytes) -> dict[str, str]:
    """Return the records of a pax header."""
    found: dict[str, str] = {}
    while body:
        length, space, _ = body.partition(b" ")
        if (
            not space
            or not length.isdigit()
            or len(length) > 9
            or not len(length) + 2 < int(length) <= len(body)
        ):
            raise _TarError("an extended header makes no sense")
        key, _, value = body[len(length) + 1 : int(length) - 1].partition(b"=")
        found[key.decode("utf-8", "backslashreplace")] = value.decode("utf-8", "backslashreplace")
        body = body[int(length) :]
    return found


class _Walk:
    """One pass over an archive.

    Parameters
    ----------
    job : Job
        The archive.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.files: list[tuple[str, int, int]] = []
        self.odd: dict[str, None] = {}
        self.names: set[str] = set()
        self._long = ""
        self._pax: dict[str, str] = {}

    def run(self) -> None:
        """Read every member to the end of the archive."""
        content, position = self.job.content, 0
        while position < len(content) and content[position : position + TAR_BLOCK].strip(b"\0"):
            header = _header(content, position)
            size = header.end - header.start
            if header.kind not in (b"x", b"g", b"L", b"K") and "size" in self._pax:
                raise _TarError("a member has two sizes")
            self._member(header)
            position = header.start + -(-size // TAR_BLOCK) * TAR_BLOCK
        if content[position:].strip(b"\0"):
            self._note("something follows its end")
        elif len(content) - position < 2 * TAR_BLOCK:
            raise _TarError("it has no end: it was cut off")

    def _note(self, what: str) -> None:
        if len(self.odd) < _MAX_NOTES:
            self.odd[printable(what, 300)] = None

    def _member(self, header: _Header) -> None:
        """Read what a header stands for."""
        self.job.purse.members_left -= 1
        if self.job.purse.members_left < 0:
            raise _TarError("it holds more members than may be read")
        body = self.job.content[header.start : header.end] if header.kind in (b"x", b"g", b"L", b"K") else b""
        if header.kind in (b"L", b"K"):
            self._long = _text(body) if header.kind == b"L" else self._long
            return
        if header.kind in (b"x", b"g"):
            self._extended(body, everywhere=header.kind == b"g")
            return
        name = self._pax.get("path") or self._long or header.name
        self._long, self._pax = "", {}
        self._entry(name, header)

    def _extended(self, body: bytes, *, everywhere: bool) -> None:
        records = _records(body)
        if any(key.startswith("GNU.sparse") for key in records):
            raise _TarError("a member is sparse, which is not read here")
        if everywhere and records.keys() & {"path", "size", "linkpath"}:
            raise _TarError("an extended header gives every member one name or size")
        if not everywhere:
            self._pax = records

    def _entry(self, name: str, header: _Header) -> None:
        problem = unsafe_name(name)
        if problem:
            self._note(f"{name}: {problem}")
        if name in self.names:
            self._note(f"two members have the name {name}")
        self.names.add(name)
        if header.kind in _LINKS:
            self._note(f"{name} is {_LINKS[header.kind]}")
        elif header.kind in _FILES and not (name.endswith("/") and header.end == header.start):
            self.files.append((name, header.start, header.end))
        elif header.kind == b"S":
            raise _TarError(f"{printable(name, 80)} is sparse, which is not read here")
        elif header.kind not in (*_FILES, b"5"):
            raise _TarError(f"{printable(name, 80)} is of a kind that is not known")


def read(job: Job) -> Artifact:
    """Read an archive: every member, and what no honest archive of models has."""
    walk = _Walk(job)
    error: tuple[str, ...] = ()
    try:
        walk.run()
    except _TarError as problem:
        error = (f"as tar it cannot be read to its end: {problem}",)
    if not walk.files and not error:
        error = ("it holds no files",)
    parts = {name: job.content[start:end] for name, start, end in walk.files if name in PARTS}
    form, root = "tar", None
    members: list[Artifact] = []
    if len(parts) == len(PARTS):
        form = "tar (PyTorch)"
        members, root = read_parts(job, parts)
    for name, start, end in walk.files:
        if rest := job.given_up():
            members += rest
            break
        if form == "tar" or name not in parts or name in {n for n, s, _ in walk.files if s < start}:
            members.append(job.member(job.content[start:end], name))
    verdict: FileVerdict = "unreadable" if error else "suspicious" if walk.odd else "clean"
    inside = job.inside("")
    if form == "tar":
        root = {member.path.removeprefix(inside): member.root for member in members}
    return job.artifact(form, verdict, (*error, *walk.odd), root=None if error else root, members=members)
