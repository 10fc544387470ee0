"""The structure of a zip archive, read as every loader might read it.

Loaders disagree: some go by the central directory, some by the local headers, some ignore flags and checksums.
Here both are read and compared, and every byte of the file must belong to something; each difference is told.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from dataclasses import dataclass, field
from struct import unpack_from
from typing import Any

from modelward.artifacts.readers._signs import CENTRAL, LOCAL, LOCATOR64, find_end

_DESCRIPTOR, _END64 = b"PK\x07\x08", b"PK\x06\x06"
_FULL = 0xFFFFFFFF
_RATIO = 1100
_FREE = 1 << 20
_MAX_ODD = 50


class ArchiveError(Exception):
    """An archive, or a member, that cannot be read; the message says why."""


@dataclass(slots=True)
class Entry:
    """A member as the central directory has it, and where its stored bytes are."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int
    start: int = 0
    end: int = 0

    @property
    def is_folder(self) -> bool:
        """Whether it only names a folder."""
        return self.name.endswith("/") and not self.size


@dataclass(slots=True)
class Archive:
    """What an archive holds.

    Attributes
    ----------
    content : bytes
        The whole file.
    entries : list of Entry
        In the order of the central directory.
    odd : dict
        What no honest archive has, or what another loader would read differently (values are unused).
    overlaps : bool
        Whether members share bytes: a few could grow without end.
    """

    content: bytes
    entries: list[Entry] = field(default_factory=list)
    odd: dict[str, None] = field(default_factory=dict)
    overlaps: bool = False

    def note(self, what: str) -> None:
        """Note what is wrong with the archive."""
        if len(self.odd) < _MAX_ODD:
            self.odd[what] = None


def read_archive(content: bytes, max_entries: int) -> Archive:
    """Read the structure of an archive.

    Raises
    ------
    ArchiveError
        If there is no directory that can be read.
    """
    archive = Archive(content)
    end = find_end(content)
    if end < 0:
        raise ArchiveError("it has no directory at its end: it was cut off, or damaged")
    comment = unpack_from("<H", content, end + 20)[0]
    if end + 22 + comment != len(content):
        archive.note(f"{abs(len(content) - end - 22 - comment)} bytes too many or too few follow the archive")
    if b"PK" in content[end + 22 :]:
        archive.note("what follows the archive looks like an archive itself")
    begin, stop, shift, count = _directory(content, end)
    if count > max_entries:
        raise ArchiveError(f"it holds more than {max_entries:,} members")
    if shift:
        archive.note(f"{shift} bytes stand before the archive")
    position = begin
    for _ in range(count):
        entry, position = _central(archive, position, stop)
        entry.offset += shift
        archive.entries.append(entry)
    if position != stop:
        archive.note("its directory is longer than its entries")
    _names(archive)
    _layout(archive, begin, shift)
    return archive


def _directory(content: bytes, end: int) -> tuple[int, int, int, int]:
    """Return begin and end of the central directory, how far all is shifted, and the number of entries."""
    disk, first, here, count, length, offset = unpack_from("<HHHHII", content, end + 4)
    stop = end
    locator = end - 20
    if locator >= 0 and content[locator : locator + 4] == LOCATOR64:
        where = unpack_from("<Q", content, locator + 8)[0]
        near = locator - 56
        record = near if content[near : near + 4] == _END64 and near >= 0 else where
        if content[record : record + 4] != _END64 or record + 56 > locator:
            raise ArchiveError("its zip64 end record is not where it says")
        disk, first, here, count, length, offset = unpack_from("<IIQQQQ", content, record + 16)
        stop = record
    elif _FULL in (length, offset) or count == 0xFFFF:
        raise ArchiveError("it lacks the zip64 end record that it needs")
    if disk or first or here != count:
        raise ArchiveError("it is split over several files")
    begin = stop - length
    shift = begin - offset
    if begin < 0 or shift < 0:
        raise ArchiveError("its directory is not where it says")
    return begin, stop, shift, count


def _central(archive: Archive, position: int, stop: int) -> tuple[Entry, int]:
    content = archive.content
    if position + 46 > stop or content[position : position + 4] != CENTRAL:
        raise ArchiveError("its directory is damaged")
    flags, method, _, _, crc, packed, size, long_name, long_extra, long_comment = unpack_from(
        "<HHHHIIIHHH", content, position + 8
    )
    mode, offset = unpack_from("<II", content, position + 38)
    begin = position + 46
    after = begin + long_name + long_extra + long_comment
    if after > stop:
        raise ArchiveError("its directory is damaged")
    raw = content[begin : begin + long_name]
    extra = content[begin + long_name : begin + long_name + long_extra]
    sizes = [size, packed, offset]
    _extra(archive, extra, sizes)
    system = content[position + 5]
    name = _decode(raw, flags)
    return Entry(
        name, flags, method, crc, sizes[1], sizes[0], sizes[2], mode >> 16 if system in (3, 19) else 0
    ), after


def _extra(archive: Archive, extra: bytes, sizes: list[int]) -> None:
    """Fill in 64-bit sizes from the extra field, in place."""
    position = 0
    while position + 4 <= len(extra):
        kind, length = unpack_from("<HH", extra, position)
        body = extra[position + 4 : position + 4 + length]
        if len(body) < length:
            archive.note("an extra field is cut off")
            return
        if kind == 1:
            for i, value in enumerate(sizes):
                if value == _FULL:
                    if len(body) < 8:
                        raise ArchiveError("a zip64 size is missing")
                    sizes[i], body = int.from_bytes(body[:8], "little"), body[8:]
        elif kind == 0x7075:
            archive.note("a member has a second name in an extra field")
        position += 4 + length


def _decode(raw: bytes, flags: int) -> str:
    return raw.decode("utf-8" if flags & 0x800 else "cp437", "backslashreplace")


def _names(archive: Archive) -> None:
    """Look at the names that members have, and what they would be when unpacked."""
    seen: set[str] = set()
    for entry in archive.entries:
        name = entry.name
        plain = name.replace("\\", "/")
        folded = plain.casefold().rstrip("/")
        if folded in seen:
            archive.note(f"two members have the name {name}")
        seen.add(folded)
        problem = unsafe_name(name)
        if problem:
            archive.note(f"{name}: {problem}")
        kind = entry.mode & 0o170000
        if kind and kind not in (0o100000, 0o040000):
            archive.note(f"{name} is {'a symbolic link' if kind == 0o120000 else 'a special file'}")


def unsafe_name(name: str) -> str:
    """Return why unpacking a member of this name is not harmless; empty if it is."""
    plain = name.replace("\\", "/")
    if "\0" in name:
        return "its name holds a zero byte, where some loaders end it"
    if plain.startswith("/") or plain[1:2] == ":":
        return "its name is absolute"
    if ".." in plain.split("/"):
        return "its name leads out of the folder that it is unpacked to"
    return ""


def _layout(archive: Archive, directory: int, shift: int) -> None:
    """Compare local headers with the directory, and account for every byte before it."""
    content, position = archive.content, shift
    for entry in sorted(archive.entries, key=lambda e: e.offset):
        if entry.offset < position:
            archive.note(f"{entry.name} overlaps another member")
            archive.overlaps = True
        elif content[position : entry.offset].strip(b"\0"):
            archive.note(f"{entry.offset - position} bytes before {entry.name} belong to no member")
        position = max(position, _local(archive, entry, directory))
    gap = content[position:directory]
    if gap.strip(b"\0"):
        archive.note(f"{len(gap)} bytes before the directory belong to no member")


def _local(archive: Archive, entry: Entry, directory: int) -> int:
    """Read a member's local header; return where the member ends."""
    content, at = archive.content, entry.offset
    if at + 30 > directory or content[at : at + 4] != LOCAL:
        raise ArchiveError(f"{entry.name} is not where the directory says")
    flags, method, _, _, crc, packed, size, long_name, long_extra = unpack_from("<HHHHIIIHH", content, at + 6)
    begin = at + 30 + long_name
    entry.start = begin + long_extra
    entry.end = entry.start + entry.packed
    if entry.end > directory:
        raise ArchiveError(f"{entry.name} is longer than the archive")
    sizes = [size, packed]
    _extra(archive, content[begin : entry.start], sizes)
    if _decode(content[at + 30 : begin], flags) != entry.name:
        archive.note(f"{entry.name} has another name in its local header")
    if method != entry.method:
        archive.note(f"{entry.name} has another compression in its local header")
    if flags != entry.flags:
        archive.note(f"{entry.name} has other flags in its local header")
    own, theirs = (crc, sizes[1], sizes[0]), (entry.crc, entry.packed, entry.size)
    later = bool(flags & 8)
    if any(a != b and not (later and a == 0) for a, b in zip(own, theirs, strict=True)):
        archive.note(f"{entry.name} has another size or checksum in its local header")
    return _after(archive, entry, directory) if later else entry.end


def _after(archive: Archive, entry: Entry, directory: int) -> int:
    """Read the record after a member's data that repeats its sizes; return where it ends."""
    content, at = archive.content, entry.end
    body = at + 4 if content[at : at + 4] == _DESCRIPTOR else at
    for form, length in (("<III", 12), ("<IQQ", 20)):
        if body + length <= directory and unpack_from(form, content, body) == (
            entry.crc, entry.packed, entry.size,
        ):  # fmt: skip
            return body + length
    archive.note(f"{entry.name} is not followed by the sizes and checksum that its flags promise")
    return at


def unpack(archive: Archive, entry: Entry, limit: int) -> tuple[bytes, str]:
    """Return a member's bytes, and what is wrong with them (empty if nothing is).

    A wrong checksum or an encryption flag does not hide the bytes: lenient loaders ignore both.

    Raises
    ------
    ArchiveError
        If they cannot be had: an unknown compression, damage, more than `limit` bytes.
    """
    if max(entry.size, entry.packed) > limit or entry.size > _RATIO * entry.packed + _FREE:
        raise ArchiveError("it grows beyond what may be read: a decompression bomb?")
    raw = archive.content[entry.start : entry.end]
    data = raw if entry.method == 0 else _inflate(raw, entry.method, entry.size)
    if entry.flags & 0x41:
        fits = len(data) == entry.size and zlib.crc32(data) == entry.crc
        problem = "it is flagged as encrypted, and is not" if fits else "it is encrypted"
        return data, problem
    if len(data) != entry.size:
        return data, f"it has {len(data)} bytes where {entry.size} are promised"
    return data, "" if zlib.crc32(data) == entry.crc else "its checksum is wrong"


def _inflate(raw: bytes, method: int, size: int) -> bytes:
    engine: Any
    if method == 8:
        engine = zlib.decompressobj(-15)
    elif method == 12:
        engine = bz2.BZ2Decompressor()
    elif method == 14:
        engine, raw = _lzma(raw), raw[4 + int.from_bytes(raw[2:4], "little") :]
    else:
        raise ArchiveError(f"its compression (method {method}) is not read here")
    try:
        data: bytes = engine.decompress(raw, size + 1)
        if not engine.eof:
            engine.decompress(getattr(engine, "unconsumed_tail", b""), 1)
    except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError) as error:
        raise ArchiveError(f"its compressed data is damaged ({type(error).__name__})") from None
    if len(data) <= size and (not engine.eof or engine.unused_data) and method != 14:
        raise ArchiveError("its compressed data ends early, or something follows it")
    return data


def _lzma(raw: bytes) -> lzma.LZMADecompressor:
    """Make the decompressor for zip's form of LZMA, whose five bytes of properties stand before the data."""
    length = int.from_bytes(raw[2:4], "little")
    if length != 5 or len(raw) < 9:
        raise ArchiveError("its LZMA properties make no sense")
    lclppb, dictionary = unpack_from("<BI", raw, 4)
    lc, rest = lclppb % 9, lclppb // 9
    if rest // 5 > 4 or lc + rest % 5 > 4 or dictionary > 1 << 28:
        raise ArchiveError("its LZMA properties make no sense")
    options = {
        "id": lzma.FILTER_LZMA1,
        "dict_size": max(dictionary, 4096),
        "lc": lc,
        "lp": rest % 5,
        "pb": rest // 5,
    }
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[options])
