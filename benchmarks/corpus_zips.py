"""Zip archives of the corpus, sound and tampered with, and what all its containers hold."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import struct
import zipfile
from typing import TYPE_CHECKING, Any

from corpus_gadgets import COMMAND, PLAIN
from corpus_streams import Form, stream

if TYPE_CHECKING:
    from collections.abc import Iterator


Case = tuple[str, str, str, str, bytes]
"""Trick, advisory, loader, name of the file, content."""
P2 = stream(PLAIN, Form(2, "global"))
P4 = stream(PLAIN)
HARMLESS = pickle.dumps({"weights": [1.0, 2.0]}, 4)


class Evil:
    """An object that runs the command when it is loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (COMMAND,)


def zipped(members: list[tuple[str, bytes]], how: int = zipfile.ZIP_STORED, *, comment: bytes = b"") -> bytes:
    """Return a zip of members, in order; names may repeat."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as file:
        for name, data in members:
            file.writestr(zipfile.ZipInfo(name), data, how)
        file.comment = comment
    return buffer.getvalue()


def torch_zip(data: bytes, extra: list[tuple[str, bytes]] | None = None, **options: Any) -> bytes:
    """Return a file as torch.save writes it, with this pickle in it."""
    members = [("model/data.pkl", data), ("model/byteorder", b"little"), ("model/version", b"3\n")]
    return zipped([*members, *(extra or [])], **options)


def headers(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the positions of local (0) and central (1) headers of a zip."""
    for kind, magic in enumerate((b"PK\x03\x04", b"PK\x01\x02")):
        at = data.find(magic)
        while at >= 0:
            yield kind, at
            at = data.find(magic, at + 4)


def patched(data: bytes, local: int, central: int, value: bytes, *, kinds: tuple[int, ...] = (0, 1)) -> bytes:
    """Return a zip with a field of its headers overwritten."""
    changed = bytearray(data)
    for kind, at in headers(data):
        if kind in kinds:
            start = at + (central if kind else local)
            changed[start : start + len(value)] = value
    return bytes(changed)


def renamed(data: bytes, old: bytes, new: bytes, kind: int) -> bytes:
    """Return a zip whose local (0) or central (1) header names a member otherwise."""
    for found, at in headers(data):
        start = at + (46 if found else 30)
        if found == kind and data[start : start + len(old)] == old:
            return data[:start] + new + data[start + len(old) :]
    raise ValueError(old)


def zips() -> Iterator[Case]:
    """Yield PyTorch's zips and plain ones."""
    for protocol, data in ((2, P2), (4, P4)):
        good = torch_zip(data)
        yield f"torch zip, protocol {protocol}", "format", "torch", "model.pt", good
        yield (
            f"torch zip, flag bits {protocol}",
            "CVE-2025-1945",
            "torch",
            "model.pt",
            patched(good, 6, 8, b"\x01\x00"),
        )
        yield (
            f"torch zip, flag bit in the directory {protocol}",
            "CVE-2025-1945",
            "torch",
            "model.pt",
            patched(good, 6, 8, b"\x01\x00", kinds=(1,)),
        )
        yield (
            f"torch zip, patch-data flag {protocol}",
            "CVE-2025-1945",
            "torch",
            "model.pt",
            patched(good, 6, 8, b"\x20\x00"),
        )
        yield (
            f"torch zip, local names differ {protocol}",
            "CVE-2025-1944",
            "torch",
            "model.pt",
            renamed(good, b"model/data.pkl", b"model/data.txt", 0),
        )
        yield (
            f"torch zip, central names differ {protocol}",
            "CVE-2025-1944",
            "torch",
            "model.pt",
            renamed(good, b"model/version", b"model/verzion", 1),
        )
        yield (
            f"torch zip, bad CRC {protocol}",
            "CVE-2025-10156",
            "torch",
            "model.pt",
            patched(good, 14, 16, b"\0\0\0\0"),
        )
        yield (
            f"torch zip, bad CRC in the directory {protocol}",
            "CVE-2025-10156",
            "torch",
            "model.pt",
            patched(good, 14, 16, b"\xff\xff\xff\xff", kinds=(1,)),
        )
        yield (
            f"torch zip, wrong version {protocol}",
            "format",
            "torch",
            "model.pt",
            patched(good, 4, 6, b"\xff\x00"),
        )
        yield f"torch zip under another suffix {protocol}", "CVE-2025-10155", "torch", "model.txt", good
        yield (
            f"torch zip, hidden pickle {protocol}",
            "CVE-2025-1889",
            "",
            "model.pt",
            torch_zip(HARMLESS, [("model/config.p", data)]),
        )
        yield (
            f"torch zip, tensor is a pickle {protocol}",
            "pickle in bytes",
            "",
            "model.pt",
            torch_zip(HARMLESS, [("model/data/0", data)]),
        )
        yield (
            f"torch zip, member twice {protocol}",
            "format",
            "torch",
            "model.pt",
            torch_zip(HARMLESS, [("model/data.pkl", data)]),
        )
        yield (
            f"torch zip, member twice, first bad {protocol}",
            "format",
            "torch",
            "model.pt",
            torch_zip(data, [("model/data.pkl", HARMLESS)]),
        )
        yield f"torch zip, bytes before it {protocol}", "format", "torch", "model.pt", b"\0" * 64 + good
        yield (
            f"torchscript constants {protocol}",
            "format",
            "torch",
            "model.pt",
            torch_zip(
                HARMLESS, [("model/constants.pkl", data), ("model/code/__torch__.py", b"def f():\n  pass\n")]
            ),
        )
        yield f"zip of a pickle {protocol}", "format", "zip", "a.zip", zipped([("a.pkl", data)])
        yield (
            f"zip, deflated {protocol}",
            "format",
            "zip",
            "a.zip",
            zipped([("a.pkl", data)], zipfile.ZIP_DEFLATED),
        )
        yield f"zip, bzip2 {protocol}", "format", "zip", "a.zip", zipped([("a.pkl", data)], zipfile.ZIP_BZIP2)
        yield f"zip, lzma {protocol}", "format", "zip", "a.zip", zipped([("a.pkl", data)], zipfile.ZIP_LZMA)
        yield (
            f"zip, member with a harmless name {protocol}",
            "CVE-2025-1889",
            "zip",
            "a.zip",
            zipped([("README.md", data)]),
        )
        yield (
            f"zip in a zip {protocol}",
            "format",
            "zip",
            "a.zip",
            zipped([("b.zip", zipped([("a.pkl", data)]))]),
        )
        yield f"zip, path upwards {protocol}", "format", "zip", "a.zip", zipped([("../../a.pkl", data)])
        yield (
            f"zip with a comment {protocol}",
            "format",
            "zip",
            "a.zip",
            zipped([("a.pkl", data)], comment=b"x" * 200),
        )
        yield (
            f"zip after a pickle {protocol}",
            "polyglot",
            "pickle",
            "a.zip",
            data + zipped([("a.txt", b"x")]),
        )
        yield (
            f"zip whose comment is a pickle {protocol}",
            "polyglot",
            "",
            "a.zip",
            zipped([("a.txt", b"x")], comment=data),
        )
        yield (
            f"zip of gzip {protocol}",
            "format",
            "",
            "a.zip",
            zipped([("a.gz", gzip.compress(data, mtime=0))]),
        )
        yield f"zip cut short {protocol}", "format", "", "a.zip", zipped([("a.pkl", data)])[:-10]
        yield f"zip, entry missing from the directory {protocol}", "format", "", "a.zip", _without_entry(data)


def _without_entry(data: bytes) -> bytes:
    """Return a zip with a local entry that its directory does not list."""
    hidden = zipped([("b.pkl", data)])
    hidden = hidden[: hidden.index(b"PK\x01\x02")]
    good = zipped([("a.txt", b"x")])
    end = good.rindex(b"PK\x05\x06")
    directory = bytearray(good[end:])
    start = good.index(b"PK\x01\x02")
    directory[16:20] = struct.pack("<I", start + len(hidden))
    central = bytearray(good[start:end])
    central[42:46] = struct.pack("<I", len(hidden))
    return hidden + good[:start] + bytes(central) + bytes(directory)
