"""The pre-walk exists twice; the compiled one must say exactly what the plain one says, on every stream."""

from __future__ import annotations

import os
import pickle
import random
import struct
from pathlib import Path

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz_streams import atom, grown, honest, streams
from modelward.artifacts import _walk, diff, read_artifact
from modelward.artifacts._content import BLOCK, WINDOW, ChangedError, Content, Stretch, TextStretch
from modelward.artifacts._graph import numbers
from modelward.artifacts._opcodes import MAX_MEMORY, NO_STRETCH
from modelward.artifacts._walk import Walker


@pytest.fixture(scope="module", autouse=True)
def compiled() -> object:
    kind = _walk.load_compiled()
    assert kind is not None
    return kind


def walked(
    data: object, *, compiled: bool, stretch: int, by_build: bool, memory: int, after: int = 0
) -> list[object]:
    """Return all that a walk says, segment by segment; `after` opcodes a plain walk gives way to the compiled."""
    walker = Walker(data, compiled=compiled, stretch=stretch, by_build=by_build, max_memory=memory)
    if after:
        walker._plain = False
        was, _walk.Effort.left = _walk.Effort.left, after
    said: list[object] = []
    try:
        while True:
            segment = walker.advance()
            said.append((segment, walker.position, walker.builds, walker.patched() if segment.error else b""))
            if segment.error or segment.stopped:
                return [*said, *([] if segment.error else [walker.memory_left, vars(walker.bounds)])]
    finally:
        if after:
            _walk.Effort.left = was


def assert_twins(data: bytes, draw: random.Random) -> None:
    options = {
        "stretch": draw.choice((NO_STRETCH, 1, 5, 64)),
        "by_build": draw.random() < 0.5,
        "memory": draw.choice((MAX_MEMORY, 2_000, 20_000)),
    }
    plain = walked(data, compiled=False, **options)
    assert walked(data, compiled=True, **options) == plain
    assert walked(data, compiled=False, **options, after=draw.randrange(1, 60)) == plain


def test_twins_on_fuzzed_streams() -> None:
    draw = random.Random(3)
    for _, data in streams(1, 3000):
        assert_twins(data, draw)
    for _ in range(3000):
        assert_twins(grown(draw), draw)
        assert_twins(b"".join(atom(draw) for _ in range(draw.randrange(1, 30))), draw)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 1 << 30))
def test_twins_on_any_bytes(data: bytes, seed: int) -> None:
    assert_twins(data, random.Random(seed))


@pytest.mark.parametrize(
    "data",
    [
        b"}" + b")" + b"\x85" * 600 + b"Ns.", b"})" + b"2\x86" * 80 + b"Ns.", b"(" * 5000 + b"1" * 5000 + b"N.",
        b"N" * 9000 + b".", b"Nr" + struct.pack("<I", 65_000) + b".", b"Np65000\n.", b"(" + b"N\x94" * 5000 + b"l.",
        b"N" + b"".join(b"r" + struct.pack("<I", i * 1000) for i in range(60)) + b".", b"\x8f(" + b"\x8b\x0c\0\0\0" + b"a" * 12 + b"\x90.",
        b"\x95" + struct.pack("<Q", (1 << 20) + 1) + b"N" * (1 << 20) + b".", b"\x95" + struct.pack("<Q", 1 << 63), b"\x8e" + b"\xff" * 8,
        b"(N(NNuN.", b"(((Nu.", b"NN(Nu.", b"(N(N\x90.", b"(lN(e.", b"g\n.", b"Np\n.", b"Np01234567890123\n.", b"Np5\ng5\n\x86.", b"\x80",
    ],
    ids=range(22),
)  # fmt: skip
def test_twins_at_the_limits(data: bytes) -> None:
    for seed in range(20):
        assert_twins(data, random.Random(seed))


def on_disk(data: bytes, path: Path) -> Content:
    path.write_bytes(data)
    return Content(os.open(path, os.O_RDONLY), len(data))


@pytest.mark.parametrize("compiled", [False, True])
def test_a_file_is_walked_as_its_bytes_are(compiled: bool, tmp_path: Path) -> None:
    rows = [{"id": i, "name": f"n{i}", "raw": b"x" * (i % 3000)} for i in range(4000)]
    long = pickle.dumps([rows, b"y" * (5 * WINDOW), "z" * (3 * WINDOW), rows], 4)
    text = pickle.dumps([rows[:500], "z" * (3 * WINDOW)], 0)
    for data in (long, pickle.dumps(rows, 2), text, b"\x80\x04V" + b"a" * (2 * WINDOW), *honest()[0][:12]):
        for stretch in (NO_STRETCH, BLOCK):
            options = {"compiled": compiled, "stretch": stretch, "by_build": True, "memory": MAX_MEMORY}
            content = on_disk(data, tmp_path / "file")
            walker = walked(content, **options)
            assert [said[:3] for said in walker[:-3]] == [said[:3] for said in walked(data, **options)[:-3]]
            assert (
                walker[-2:] == walked(data, **options)[-2:]
                or walker[-1][:3] == walked(data, **options)[-1][:3]
            )


def test_what_stands_before_an_error_is_read_before_it_is_run(tmp_path: Path) -> None:
    # Python 2's strings are no stretch: the walk steps over one without reading it, the unpickler does not.
    data = b"\x80\x02T" + struct.pack("<I", 8 * WINDOW) + b"y" * (8 * WINDOW) + b"K\x01\xff"
    content = on_disk(data, tmp_path / "file")
    walker = Walker(content, compiled=False, stretch=BLOCK)
    segment = walker.advance()
    while not segment.error:
        segment = walker.advance()
    assert walker.patched().count(b"y") == 8 * WINDOW


def test_what_nobody_looks_at_is_not_read(tmp_path: Path) -> None:
    data = pickle.dumps([b"y" * (40 * WINDOW), 1], 4)
    content = on_disk(data, tmp_path / "file")
    walked(content, compiled=False, stretch=BLOCK, by_build=False, memory=MAX_MEMORY)
    assert sum(content._read) * BLOCK <= 4 * WINDOW
    assert content[-20:] == data[-20:]
    assert content[5] == data[5]
    assert bytes(content) == data


def test_what_was_read_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    content = on_disk(b"a" * (3 * BLOCK), path)
    assert content[:3] == b"aaa"
    assert not content.changed()
    with path.open("r+b") as file:
        file.write(b"bbb")
    assert content[:3] == b"aaa"
    os.utime(path, ns=(1, 1))
    assert content.changed()
    os.truncate(path, BLOCK)
    with pytest.raises(ChangedError, match="shorter"):
        content[2 * BLOCK]


def test_finding_in_a_file_reads_no_further_than_it_must(tmp_path: Path) -> None:
    data = bytearray(20 * WINDOW)
    data[3 * WINDOW - 1 : 3 * WINDOW + 2] = b"xyz"
    content = on_disk(bytes(data), tmp_path / "file")
    assert content.find(b"xyz") == 3 * WINDOW - 1
    assert sum(content._read) * BLOCK < 10 * WINDOW
    assert content.find(b"q") == -1
    assert content.find(b"xyz", 0, 3 * WINDOW) == -1
    assert content.startswith((b"\0\0", b"ab"))


def test_a_stretch_is_cut_like_bytes() -> None:
    data = bytes(range(100))
    stretch = Stretch(data, 10, 50)
    assert (len(stretch), bytes(stretch), stretch[:4], stretch[-3:], stretch[60:]) == (
        40,
        data[10:50],
        data[10:14],
        data[47:50],
        b"",
    )


def test_a_large_file_is_read_where_it_must_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    value = {"long": rng.normal(size=(40_000, 10)), "short": np.arange(5), "raw": b"q" * 200_000}
    monkeypatch.setattr("modelward.artifacts._container.LARGE", 1000)
    for protocol in (3, 4, 5):
        for dump in (pickle.dump, joblib.dump):
            with (tmp_path / "model").open("wb") as file:
                dump(value, file, protocol=protocol)
            artifact = read_artifact(tmp_path / "model", whole=False)
            assert (artifact.verdict, artifact.reasons, artifact.data) == ("clean", (), b"")
            assert artifact.globals == read_artifact(tmp_path / "model").globals
            np.testing.assert_array_equal(numbers(artifact.root["long"]), value["long"])
            np.testing.assert_array_equal(numbers(artifact.root["short"]), value["short"])
            assert bytes(artifact.root["raw"]) == value["raw"]


def test_a_long_text_of_a_large_file_is_decoded_when_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelward.artifacts._container.LARGE", 1000)
    path = tmp_path / "model"
    long = "é\udc80a" * 30_000
    for protocol in (1, 2, 4, 5):
        path.write_bytes(b"\x80\x02" * (protocol == 1) + pickle.dumps([long, 7], protocol))
        artifact = read_artifact(path, whole=False)
        assert (artifact.verdict, artifact.root[1]) == ("clean", 7)
        assert isinstance(artifact.root[0], TextStretch)
        assert str(artifact.root[0]) == long
        assert diff(artifact, read_artifact(path)).same
    data = pickle.dumps(long, 4)
    for at in (100, 70_000):  # an unpickler would stop there
        path.write_bytes(data[:at] + b"\xff" + data[at + 1 :])
        artifact = read_artifact(path, whole=False)
        assert artifact.verdict == read_artifact(path).verdict == "unreadable"
        assert artifact.reasons == ("cannot be read to its end: a text is no UTF-8",)


def test_an_old_array_in_a_large_file_is_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelward.artifacts._container.LARGE", 1000)
    path = tmp_path / "model"
    value = np.random.default_rng(0).normal(size=20_000)
    path.write_bytes(pickle.dumps(value, 2))
    artifact = read_artifact(path, whole=False)
    assert (artifact.verdict, artifact.data) == ("clean", b"")
    np.testing.assert_array_equal(numbers(artifact.root), value)


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"cbuiltins\neval\n", b"\x85R."), (b"", b"Q."), (b"", b"\x8c\x01a\x93."), (b"\x8c\x02os", b"\x93.")],
)
def test_a_long_text_of_a_large_file_is_never_taken_for_harmless(
    before: bytes, after: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an argument, as an identifier, and as either part of a name."""
    monkeypatch.setattr("modelward.artifacts._container.LARGE", 1000)
    path = tmp_path / "model"
    path.write_bytes(b"\x80\x04" + before + b"X" + struct.pack("<I", 70_000) + b"x" * 70_000 + after)
    assert read_artifact(path, whole=False).verdict != "clean"
    assert read_artifact(path).verdict != "clean"


def test_what_asks_for_its_bytes_in_a_large_file_gets_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long bytes are handed over by a persistent identifier; the file's own ones are still told apart."""
    monkeypatch.setattr("modelward.artifacts._container.LARGE", 1000)
    long = b"B" + struct.pack("<I", 70_000) + b"x" * 70_000
    (tmp_path / "model").write_bytes(b"\x80\x03" + long + b"NQ" + long + b"NQ\x86\x86\x86.")
    artifact = read_artifact(tmp_path / "model", whole=False)
    assert artifact.verdict == "suspicious"
    assert artifact.reasons == ("refers to objects outside the file (persistent ids)",)
    first, (own, (second, other)) = artifact.root
    assert [len(first), len(second)] == [70_000, 70_000]
    assert {type(own).module, type(other).module} == {"persistent"}


def test_a_large_file_that_is_evil_cut_or_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelward.artifacts._container.LARGE", 1000)
    path = tmp_path / "model"
    good = pickle.dumps([b"x" * 70_000, list(range(3000))], 4)
    for cut in (1001, 30_000, len(good) - 1):
        path.write_bytes(good[:cut])
        assert read_artifact(path, whole=False).verdict == "unreadable"
    path.write_bytes(good + b"cos\nsystem\n(V:\ntR.")
    assert read_artifact(path, whole=False).verdict == "malicious"
    path.write_bytes(good)
    real = _walk.Walker.advance

    def cut_meanwhile(self: Walker) -> object:
        os.truncate(path, 2000)
        return real(self)

    monkeypatch.setattr(_walk.Walker, "advance", cut_meanwhile)
    assert read_artifact(path, whole=False).reasons[0] == "it was written to while it was read"


@pytest.mark.parametrize("count", [10, 255, 256, 257, 5000])
def test_a_walk_goes_over_to_the_compiled_one_in_the_middle(count: int, compiled: object) -> None:
    data = b"\x80\x04](" + b"K\x01" * count + b"e." + bytes(5000)
    walker = Walker(data)
    assert walker.advance() == Walker(data, compiled=False).advance()
    assert (walker._compiled is not None) == (count + 5 > 256)
