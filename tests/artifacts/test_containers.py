"""Archives and .npy files: what a lenient loader could read differently is never clean, and nothing is hidden."""

from __future__ import annotations

import io
import os
import pickle
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.artifacts import RawArray, read_bytes
from modelward.artifacts._formats import MAX_DEPTH
from modelward.artifacts.readers._npyheader import HeaderError, read_header

GOOD = pickle.dumps({"a": [1, 2, 3]})


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("true",)


EVIL = pickle.dumps(Evil())


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def saved(array: object, **options: object) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("method", [0, 8, 12, 14], ids=["stored", "deflate", "bzip2", "lzma"])
def test_members_are_artifacts(method: int) -> None:
    artifact = read_bytes(zipped(("a.pkl", GOOD), ("sub/b.npy", saved(np.arange(3))), method=method), "x.zip")
    assert (artifact.format, artifact.verdict, artifact.reasons) == ("zip", "clean", ())
    assert [(m.path, m.format, m.verdict) for m in artifact.members] == [
        ("x.zip!/a.pkl", "pickle", "clean"), ("x.zip!/sub/b.npy", "npy", "clean"),
    ]  # fmt: skip
    assert artifact.root["a.pkl"] == {"a": [1, 2, 3]}
    bad = read_bytes(zipped(("a.pkl", GOOD), ("b", EVIL), method=method), "x.zip")
    assert bad.verdict == "malicious"
    assert [m.verdict for m in bad.members] == ["clean", "malicious"]
    assert [use.name for use in bad.globals] == [
        f"{os.name}ix.system" if os.name == "pos" else "posix.system"
    ]


def swapped(data: bytes, old: bytes, new: bytes, which: int) -> bytes:
    """Replace the `which`-th occurrence."""
    at = -1
    for _ in range(which + 1):
        at = data.index(old, at + 1)
    return data[:at] + new + data[at + len(old) :]


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


def flag(data: bytes, bit: int, *, central: bool = True, local: bool = True) -> bytes:
    out = bytearray(data)
    for sig, offset, wanted in ((b"PK\x01\x02", 8, central), (b"PK\x03\x04", 6, local)):
        if wanted:
            out[out.index(sig) + offset] |= bit
    return bytes(out)


def between(data: bytes, junk: bytes) -> bytes:
    """Put bytes before the directory and move what points to it."""
    at = data.index(b"PK\x01\x02")
    out = bytearray(data[:at] + junk + data[at:])
    end = out.rindex(b"PK\x05\x06")
    struct.pack_into("<I", out, end + 16, at + len(junk))
    return bytes(out)


def overlapping(member: bytes) -> bytes:
    data = bytearray(zipped(("a.pkl", member), ("b.pkl", member)))
    second = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, second + 42, 0)
    return bytes(data)


def double(name: str, first: bytes, second: bytes) -> bytes:
    with pytest.warns(UserWarning, match="Duplicate"):
        return zipped((name, first), (name, second))


TRICKS: dict[str, Callable[[bytes], bytes]] = {
    "bad CRC (CVE-2025-10156)": lambda m: swapped(
        zipped(("a.pkl", m)), struct.pack("<I", zlib.crc32(m)), b"\1\2\3\4", 1
    ),
    "flagged as encrypted, both": lambda m: flag(zipped(("a.pkl", m)), 1),
    "flagged as encrypted, local": lambda m: flag(zipped(("a.pkl", m)), 1, central=False),
    "flagged as encrypted, central": lambda m: flag(zipped(("a.pkl", m)), 1, local=False),
    "local name differs": lambda m: swapped(zipped(("a.pkl", m)), b"a.pkl", b"b.txt", 0),
    "central name differs": lambda m: swapped(zipped(("a.pkl", m)), b"a.pkl", b"b.txt", 1),
    "bytes before": lambda m: b"#!/bin/sh\n" + zipped(("a.pkl", m)),
    "bytes after": lambda m: zipped(("a.pkl", m)) + b"tail",
    "bytes between": lambda m: between(zipped(("a.pkl", m)), b"hidden"),
    "overlapping": overlapping,
    "same name twice": lambda m: double("a.pkl", GOOD, m),
    "same name but for case": lambda m: zipped(("a.pkl", GOOD), ("A.pkl", m)),
    "symbolic link": lambda m: zipped(("a.pkl", m), (link("b"), b"/etc/passwd")),
    "out of the folder": lambda m: zipped(("../../a.pkl", m)),
    "out of the folder, backslash": lambda m: zipped(("..\\a.pkl", m)),
    "absolute": lambda m: zipped(("/a.pkl", m)),
    "drive": lambda m: zipped(("C:a.pkl", m)),
    "local size differs": lambda m: swapped(zipped(("a.pkl", m)), struct.pack("<I", len(m)), b"\1\0\0\0", 0),
    "local method differs": lambda m: swapped(zipped(("a.pkl", m)), b"PK\x03\x04\x14\x00\x00\x00\x00", b"PK\x03\x04\x14\x00\x00\x00\x08", 0),
}  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
def test_what_loaders_read_differently_is_never_clean_and_hides_nothing(
    trick: Callable[[bytes], bytes],
) -> None:
    good, evil = read_bytes(trick(GOOD)), read_bytes(trick(EVIL))
    assert good.verdict in ("suspicious", "unreadable")
    assert good.reasons
    assert evil.verdict == "malicious"


def test_nested_archives_are_read_to_a_depth() -> None:
    data = zipped(("b.pkl", EVIL))
    for _ in range(MAX_DEPTH - 1):
        data = zipped(("a.zip", data))
    assert read_bytes(data).verdict == "malicious"
    deep = read_bytes(zipped(("a.zip", zipped(("a.zip", data)))))
    assert deep.verdict == "unreadable"
    assert "nested" in deep.reasons[0]


def test_a_file_that_is_a_pickle_and_an_archive() -> None:
    for first, second in ((EVIL, GOOD), (GOOD, EVIL)):
        assert read_bytes(first + zipped(("a.pkl", second))).verdict == "malicious"
    assert read_bytes(GOOD + zipped(("a.pkl", GOOD))).verdict == "suspicious"


def test_bombs_are_bounded_over_the_whole_file() -> None:
    bomb = zipped(*[(f"{i}", b"\0" * 2_000_000) for i in range(8)], method=zipfile.ZIP_DEFLATED)
    artifact = read_bytes(bomb, max_bytes=3_000_000)
    assert artifact.verdict == "unreadable"
    assert any("bomb" in reason for reason in artifact.reasons)
    nested = zipped(*[(f"{i}.zip", bomb) for i in range(8)])
    assert read_bytes(nested, max_bytes=3_000_000).verdict == "unreadable"


def test_truncated_or_flipped_archives_are_never_clean_when_they_differ() -> None:
    data = zipped(("a.pkl", GOOD), ("b.npy", saved(np.arange(3))), method=8)
    for end in range(len(data)):
        assert read_bytes(data[:end]).verdict != "clean"


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_archives_neither_crash_nor_hide(data: st.DataObject) -> None:
    good = bytearray(
        zipped(("a.pkl", EVIL), ("b.npy", saved(np.arange(3))), method=data.draw(st.sampled_from([0, 8])))
    )
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    content = bytes(good)
    verdict = read_bytes(content).verdict
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            reaches = any(b"posix\x94\x8c\x06system" in archive.read(i) for i in archive.infolist())
    except (
        zipfile.BadZipFile,
        RuntimeError,
        NotImplementedError,
        EOFError,
        OSError,
        ValueError,
        struct.error,
        zlib.error,
    ):
        return
    assert verdict != "clean" or not reaches


ARRAYS = [
    np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3)), np.array(7, dtype=">i4"),
    np.array(["a", "bcd"]), np.array([b"x"]), np.zeros((0, 3)), np.array([True, False]), np.arange(3, dtype="f2"),
    np.array(["2020-01-01"], dtype="M8[D]"), np.array([(1, 2.5)], dtype=[("a", "<i4"), ("b", "<f8")]), np.arange(4) * 1j,
    np.zeros(3, "V5"), np.zeros(2, [("é", "<i4")]),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Stored array in format 3.0")
@pytest.mark.parametrize("array", ARRAYS, ids=repr)
def test_npy_equals_numpy(array: np.ndarray) -> None:
    artifact = read_bytes(saved(array))
    assert (artifact.format, artifact.verdict) == ("npy", "clean")
    found = artifact.root.to_numpy()
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_npz_of_arrays_and_objects() -> None:
    for save in (np.savez, np.savez_compressed):
        buffer = io.BytesIO()
        save(buffer, a=np.arange(3), b=np.array([1, "x", None], dtype=object))
        artifact = read_bytes(buffer.getvalue())
        assert (artifact.format, artifact.verdict) == ("npz", "clean")
        assert isinstance(artifact.root["a"], RawArray)
        buffer = io.BytesIO()
        save(buffer, a=np.array([Evil()], dtype=object))
        assert read_bytes(buffer.getvalue()).verdict == "malicious"


def test_npy_and_what_follows_it() -> None:
    plain = saved(np.arange(3))
    assert read_bytes(saved(np.array([Evil()], dtype=object))).verdict == "malicious"
    assert read_bytes(plain + EVIL).verdict == "malicious"
    assert read_bytes(plain + GOOD).verdict == "suspicious"
    assert read_bytes(plain + b"\0\0").verdict == "unreadable"
    assert read_bytes(plain + plain).verdict == "clean"
    for end in range(1, len(plain)):
        assert read_bytes(plain[:end]).verdict == "unreadable", end


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), 'x': 1}", "__import__('os').system('x')",
        "{'descr': '<f8', 'fortran_order': 1, 'shape': (3,)}", "{'descr': '<f8', 'fortran_order': False, 'shape': (-3,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (9" + "9" * 40 + ",)}", "(" * 100_000, "{'descr': '<q8', 'fortran_order': False, 'shape': ()}",
        "{'descr': '<f8', 'descr': '|O', 'fortran_order': False, 'shape': (3,)}", "", "{'descr': '<f8', 'fortran_order': False, 'shape': (3,)}; x",
    ],
)  # fmt: skip
def test_hostile_headers(header: str) -> None:
    raw = header.encode()
    content = b"\x93NUMPY\x02\x00" + struct.pack("<I", len(raw)) + raw
    with pytest.raises(HeaderError):
        read_header(content)
    assert read_bytes(content).verdict == "unreadable"
