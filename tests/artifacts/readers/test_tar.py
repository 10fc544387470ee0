"""Tar archives: members read by content, what leads out of them named, what cannot be read never clean."""

from __future__ import annotations

import io
import os
import pickle
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.artifacts import read_bytes


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("true",)


GOOD, EVIL = pickle.dumps([1, 2]), pickle.dumps(Evil())
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def tar(
    *members: tuple[str, bytes], form: int = tarfile.PAX_FORMAT, mode: str = "w", **changes: object
) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=form) as archive:  # type: ignore[call-overload]
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in changes.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_members_are_read_by_content(form: int, mode: str) -> None:
    long = "a/" * 60 + "model.bin"
    artifact = read_bytes(tar(("good", GOOD), (long, GOOD), ("empty/", b""), form=form, mode=mode), "t")
    assert (artifact.verdict, [m.path for m in artifact.members]) == ("clean", ["t!/good", f"t!/{long}"])
    assert artifact.format.startswith("tar")
    assert artifact.root == {"good": [1, 2], long: [1, 2]}
    bad = read_bytes(tar(("good", GOOD), (long, EVIL), form=form, mode=mode))
    assert bad.verdict == "malicious"
    assert any("posix.system" in reason for reason in bad.reasons)


def test_archives_in_archives_are_read_to_a_bound() -> None:
    data = EVIL
    for depth in range(12):
        data = tar(("inner", data))
        assert read_bytes(data).verdict == ("malicious" if depth < 8 else "unreadable"), depth


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "../../x"}, "leads out"), ({"name": "/etc/x"}, "absolute"),
        ({"type": tarfile.SYMTYPE, "linkname": "/etc/passwd", "size": 0}, "symbolic link"),
        ({"type": tarfile.LNKTYPE, "linkname": "good", "size": 0}, "hard link"),
        ({"type": tarfile.CHRTYPE, "size": 0}, "device"), ({"type": tarfile.BLKTYPE, "size": 0}, "device"),
        ({"type": tarfile.FIFOTYPE, "size": 0}, "named pipe"),
    ],
)  # fmt: skip
def test_what_an_honest_archive_does_not_hold(changes: dict[str, object], said: str) -> None:
    both = tar(("good", GOOD))[:1024] + tar(("other", GOOD), **changes)
    artifact = read_bytes(both)
    assert artifact.verdict == "suspicious"
    assert said in " ".join(artifact.reasons)


def test_what_cannot_be_read_is_not_clean() -> None:
    whole = tar(("good", GOOD), ("more", GOOD))
    for end in range(512, 2560, 64):
        assert read_bytes(whole[:end]).verdict == "unreadable", end
    assert read_bytes(tar(("a", GOOD), type=b"S")).verdict == "unreadable"
    assert read_bytes(tar(("a", GOOD), pax_headers={"GNU.sparse.major": "1"})).verdict == "unreadable"
    assert read_bytes(tar(("a", GOOD), type=b"Z")).verdict == "unreadable"
    assert read_bytes(tar()).verdict == "unreadable"
    assert read_bytes(whole + EVIL).verdict != "clean"
    assert read_bytes(tar(("a", GOOD), ("a", GOOD))).verdict == "suspicious"


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_changed_archive_raises_nothing_and_hides_nothing(data: st.DataObject) -> None:
    raw = bytearray(
        tar(("good", GOOD), ("evil", EVIL), form=data.draw(st.sampled_from(list(FORMATS.values()))))
    )
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, 2047))] = data.draw(st.integers(0, 255))
    artifact = read_bytes(bytes(raw))
    held = [m.name for m in _members(bytes(raw)) if b"posix" in m.data]
    assert artifact.verdict != "clean" or not held


class _Held:
    def __init__(self, name: str, data: bytes) -> None:
        self.name, self.data = name, data


def _members(raw: bytes) -> list[_Held]:
    """Return what Python's own reader finds, an independent implementation."""
    try:
        with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
            return [_Held(m.name, archive.extractfile(m).read()) for m in archive.getmembers() if m.isfile()]  # type: ignore[union-attr]
    except (tarfile.TarError, ValueError, OSError, UnicodeError, OverflowError):
        return []
