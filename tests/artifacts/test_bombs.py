"""What grows without end when it is decompressed is refused without being kept; all else comes out as the library has it."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import random
import tracemalloc
import zipfile
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from modelward.artifacts import _container, read_bytes
from modelward.artifacts._container import DamagedError, TooLargeError, decompress
from modelward.artifacts.readers import _zip

if TYPE_CHECKING:
    from collections.abc import Callable

PACK: dict[str, Callable[[bytes], bytes]] = {
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
}


def contents(seed: int) -> list[bytes]:
    draw = random.Random(seed)
    return [b"\x80" + draw.choice((draw.randbytes(draw.randrange(5000)), bytes(draw.randrange(90_000)))) for _ in range(3)]  # fmt: skip


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have all that is only done for large content done for small."""
    monkeypatch.setattr(_container, "_FREE", 2_000)
    monkeypatch.setattr(_container, "_CHUNK", 700)


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.usefixtures("small")
def test_what_comes_out_is_what_the_library_says(kind: str) -> None:
    for seed in range(8):
        parts = contents(seed)
        whole = b"".join(parts)
        data = b"".join(map(PACK[kind], parts))
        if len(whole) > 2_000 + 500 * len(PACK[kind](whole)):
            continue
        assert decompress(PACK[kind](whole), kind, len(whole)) == whole  # one stream, and several
        assert decompress(data, kind, len(whole)) == whole
        with pytest.raises(TooLargeError):
            decompress(data, kind, len(whole) - 1)
        with pytest.raises(DamagedError):
            decompress(data + b"more", kind, 1 << 30)
        with pytest.raises((DamagedError, TooLargeError)):
            decompress(data[: random.Random(seed).randrange(1, len(PACK[kind](parts[0])))], kind, 1 << 30)


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("begin", [b"\0", b"\x80\x04B\0\0\0\x7f"])
def test_a_bomb_takes_no_memory(kind: str, begin: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_container, "_FREE", 1 << 20)
    data = PACK[kind](begin + bytes(30_000_000))
    tracemalloc.start()
    with pytest.raises(TooLargeError):
        decompress(data, kind, 25_000_000, lambda head: head[:1] == b"\x80")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16_000_000


def test_members_of_an_archive_are_bounded_together_and_small_ones_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_zip, "_FREE", 100_000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(4):
            archive.writestr(f"{i}", bytes(900_000))
        archive.writestr("bad.pkl", b"cos\nsystem\n.")
    found = read_bytes(buffer.getvalue())
    assert found.verdict == "malicious"
    assert [member.verdict for member in found.members[:4]] == ["unreadable"] * 4
    assert all("bomb" in member.reasons[0] for member in found.members[:4])


def test_an_honest_archive_of_zeros_is_read() -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{f"a{i}": np.zeros(1_000_000) for i in range(4)})
    assert read_bytes(buffer.getvalue()).verdict == "clean"


def test_archives_of_thousands_of_pickles_or_unreadable_members_are_given_up() -> None:
    for data, reason in ((pickle.dumps(None), "more than 5,000 pickles"), (b"", "cannot be read")):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for i in range(5_100 if data else 1_100):
                archive.writestr(f"{i}", data)
        found = read_bytes(buffer.getvalue())
        assert found.verdict == "unreadable"
        assert any(reason in said for said in found.reasons)
