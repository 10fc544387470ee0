"""Pickles hidden in the data of a file: found wherever and however they lie, and never seen where there are none."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import os
import pickle
import pickletools
import time
import zipfile
import zlib
from typing import TYPE_CHECKING

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.neighbors import KNeighborsClassifier

from modelward.artifacts import read_artifact, read_bytes
from modelward.artifacts._container import snapshot
from modelward.artifacts._content import BLOCK, Content
from modelward.artifacts._hidden import MAX_FOUND
from modelward.artifacts._hidden_opcodes import first_look
from modelward.artifacts._known import KNOWN
from modelward.artifacts._log import Log
from modelward.artifacts._names import _LAST, _PREFIXES, _STDLIB, judge_name, may_harm
from modelward.artifacts._unpickle import read_one

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("true",)


def zipped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.pkl", data)
    return buffer.getvalue()


FORMS: dict[str, Callable[[bytes], object]] = {
    "bytes": bytes, "bytearray": bytearray, "text": lambda e: e.decode("latin-1"), "uint8": lambda e: np.frombuffer(e, "u1"),
    "at an offset": lambda e: b"x" * 9 + e, "float64": lambda e: np.frombuffer(e + b"\0" * (-len(e) % 8), "f8"),
    "zlib": zlib.compress, "gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress,
    "lzma": lambda e: lzma.compress(e, lzma.FORMAT_ALONE), "zip": zipped, "twice": lambda e: pickle.dumps([zlib.compress(e)]),
}  # fmt: skip
ENCODED: dict[str, Callable[[bytes], object]] = {
    "base64": base64.b64encode, "base64 text": lambda e: base64.b64encode(e).decode(), "hexadecimal": bytes.hex,
}  # fmt: skip


@pytest.mark.parametrize("outer", [0, 2, 4])
@pytest.mark.parametrize("form", [*FORMS, *ENCODED])
def test_a_hidden_pickle_is_malicious_and_its_place_is_told(form: str, outer: int) -> None:
    # Without a PROTO opcode (protocols 0 and 1) nothing tells base64 of a pickle from any other.
    for inner in range(2 if form in ENCODED else 0, 6):
        held = {**FORMS, **ENCODED}[form](pickle.dumps(Evil(), inner))
        artifact = read_bytes(pickle.dumps({"a": [held]}, outer))
        assert artifact.verdict == "malicious", inner
        assert any("system" in reason for reason in artifact.reasons)
        assert artifact.members


def test_strings_of_python_2() -> None:
    evil = repr(pickle.dumps(Evil(), 2))[1:].encode()
    assert read_bytes(b"(lp0\nS" + evil + b"\np1\na.").verdict == "malicious"


def test_the_path_of_a_find() -> None:
    evil = pickle.dumps(Evil())
    artifact = read_bytes(pickle.dumps({"a": [1, b"xx" + evil]}), "m.pkl")
    assert [member.path for member in artifact.members] == ["m.pkl!/['a'][1]"]
    buffer = io.BytesIO()
    joblib.dump({"w": np.frombuffer(b"   " + evil, "u1")}, buffer, compress=3)
    assert read_bytes(buffer.getvalue(), "m").members[0].path == "m!/['w']"
    np.save(buffer := io.BytesIO(), np.frombuffer(b"   " + evil, "u1"))
    assert read_bytes(buffer.getvalue()).verdict == "malicious"


def test_a_name_that_is_not_known_makes_a_hidden_pickle_suspicious() -> None:
    assert read_bytes(pickle.dumps([b"\x80\x04\x8c\x04bank\x8c\x03Net\x93."])).verdict == "suspicious"
    assert read_bytes(pickle.dumps([pickle.dumps({"a": 1})])).verdict == "clean"
    assert read_bytes(pickle.dumps([pickle.dumps(np.arange(3.0)), np.arange(3.0)])).verdict == "clean"


def test_a_large_file_is_searched_without_being_kept(tmp_path: Path) -> None:
    path = tmp_path / "large.pkl"
    data = np.zeros(70_000_000, "u1")
    path.write_bytes(pickle.dumps(data, 5))
    assert read_artifact(path, whole=False).verdict == "clean"
    evil = np.frombuffer(pickle.dumps(Evil()), "u1")
    data[(8 << 20) - 5 : (8 << 20) - 5 + len(evil)] = evil  # over the edge of two windows
    path.write_bytes(pickle.dumps(data, 5))
    artifact = read_artifact(path, whole=False)
    assert (artifact.verdict, len(artifact.members)) == ("malicious", 1)


@pytest.mark.parametrize("how", [bytes, base64.b64encode, zlib.compress, lzma.compress, bytes.hex])
@pytest.mark.parametrize("at", [300, (1 << 20) - 30, (2 << 20) + 40_000])
def test_a_large_npy_file_is_searched_for_all_of_it(
    how: Callable[[bytes], bytes | str], at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelward.artifacts._container.LARGE", 1000)
    monkeypatch.setattr("modelward.artifacts._hidden._STEP", 1 << 20)
    monkeypatch.setattr("modelward.artifacts._hidden._OVERLAP", 1 << 12)
    data = np.zeros(3 << 20, "u1")
    path = tmp_path / "large.npy"
    np.save(path, data)
    artifact = read_artifact(path, whole=False)
    assert (artifact.verdict, artifact.format, artifact.data) == ("clean", "npy", b"")
    evil = how(pickle.dumps(Evil()))
    evil = np.frombuffer(evil.encode() if isinstance(evil, str) else evil, "u1")
    data[at : at + len(evil)] = evil
    np.save(path, data)
    artifact, whole = read_artifact(path, whole=False), read_artifact(path)
    assert artifact.verdict == whole.verdict == "malicious"
    assert [use.name for use in artifact.globals] == [use.name for use in whole.globals]
    assert len(artifact.members) == 1


def test_a_large_npy_file_of_objects_or_cut_is_as_a_small_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.npy"
    np.save(path, np.array([Evil(), "a" * 5000], dtype=object), allow_pickle=True)
    evil = path.read_bytes()
    np.save(path, np.arange(1000))
    plain = path.read_bytes()
    for data in (
        evil,
        plain[:-1],
        plain + b"x" * 100,
        plain + plain,
        plain + pickle.dumps(Evil()),
        plain + evil,
    ):
        path.write_bytes(data)
        monkeypatch.setattr("modelward.artifacts._container.LARGE", 1 << 30)
        small = read_artifact(path, whole=False)
        monkeypatch.setattr("modelward.artifacts._container.LARGE", 1000)
        large = read_artifact(path, whole=False)
        assert (large.verdict, large.reasons) == (small.verdict, small.reasons)


def test_what_is_tried_in_a_large_file_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "random.pkl"
    path.write_bytes(pickle.dumps(np.frombuffer(np.random.default_rng(0).bytes(70_000_000), "u1"), 5))
    opened: list[Content | None] = []

    def watched(place: str | Path) -> Content | None:
        opened.append(snapshot(place))
        return opened[-1]

    monkeypatch.setattr("modelward.artifacts._read.snapshot", watched)
    assert read_artifact(path, whole=False).verdict == "clean"
    (content,) = opened
    assert content is not None
    assert content.held < 4 << 20


def test_content_aside_is_as_it_was_read_and_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"a" * 3 * BLOCK)
    content = Content(os.open(path, os.O_RDONLY), 3 * BLOCK)
    assert content[:3] == b"aaa"
    path.write_bytes(b"b" * 3 * BLOCK)
    aside = content.aside()
    assert (aside[:3], aside[BLOCK : BLOCK + 3], aside[-1:]) == (b"aaa", b"bbb", b"b")
    assert content.held == BLOCK


OPCODES = bytes(ord(op.code) for op in pickletools.opcodes)
PIECES = st.one_of(
    st.sampled_from([bytes([op]) for op in OPCODES]),
    st.sampled_from([b"cos\nsystem\n", b"\x8c\x02os", b"\x8c\x06system", b"\x93", b"K\x01", b"X\1\0\0\0a", b"(ios\na\n", b"I1\n"]),
    st.binary(max_size=3),
)  # fmt: skip


@given(st.lists(PIECES, max_size=20).map(b"".join), st.integers(0, 40))
@settings(max_examples=500, deadline=None)
def test_the_first_look_never_passes_over_a_place_that_reaches_a_name(data: bytes, cut: int) -> None:
    log = Log()
    read_one(data, 0, log, joblib=False, max_memory=1 << 24)
    if log.names:
        assert first_look(data[:cut], 0, len(data))[0]
        assert first_look(b"xy" + data, 2, len(data))[0]


@pytest.mark.parametrize("code", [b"\x82\x01", b"\x83\x01\0", b"\x84\x01\0\0\0"])
def test_an_extension_code_turns_no_place_away(code: bytes) -> None:
    # A registered code is whatever the other process registered, and what follows it is reached.
    data = b"\x80\x02" + code + b"0cos\nsystem\n."
    assert first_look(data, 0, len(data))[0]


PARTS = st.one_of(
    st.sampled_from(
        sorted({*_STDLIB, *_LAST, *_PREFIXES, "sklearn", "builtins", "eval", "numpy", "__globals__"})
    ),
    st.sampled_from(sorted(KNOWN)),
    st.text("abcos_.", max_size=8),
)


@given(
    st.lists(PARTS, min_size=1, max_size=3).map(".".join),
    st.lists(PARTS, min_size=1, max_size=2).map(".".join),
)
@settings(max_examples=500, deadline=None)
def test_a_glance_at_a_name_never_passes_over_a_dangerous_one(module: str, name: str) -> None:
    assert may_harm(module, name) or judge_name(module, name)[0] != "dangerous"


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("form", ["bytes", "base64", "hexadecimal", "text"])
def test_one_of_many_small_pieces_is_found_at_its_place(form: str, protocol: int) -> None:
    make = {**FORMS, **ENCODED}[form]
    held: list[object] = [make(pickle.dumps(i)) for i in range(3000)]
    held[1777] = make(pickle.dumps(Evil()))
    artifact = read_bytes(pickle.dumps(held, protocol))
    assert artifact.verdict == "malicious"
    if protocol == 4:
        assert any("[1777]" in member.path for member in artifact.members)
    del held[1777]
    assert read_bytes(pickle.dumps(held, protocol)).verdict == "clean"


def test_no_false_alarm_on_honest_data() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 5)), rng.integers(0, 2, 200)
    words = [
        "ios\nandroid\n",
        "cos\nsin\n",
        "c os\nsystem",
        "the cat\nsat.",
        "gAQA",
        "eJyrVkrLz1eyUkpKLFKqBQA",
    ]
    held: list[object] = [
        rng.bytes(200_000), rng.normal(size=50_000), rng.normal(size=50_000).astype("f4"), words,
        [rng.bytes(4000) for _ in range(50)], np.full(20_000, 376), np.full(20_000, 640, "u2"),
        RandomForestClassifier(5).fit(X, y), KNeighborsClassifier().fit(X, y), CountVectorizer().fit(["a cat\nsat", "os system"]),
        [f"word{i} cat{i}" for i in range(50_000)], {str(i): pickle.dumps(i) for i in range(20_000)},
        zlib.compress(b"some text, and no pickle " * 99), base64.b64encode(rng.bytes(9000)), rng.bytes(9000).hex(),
    ]  # fmt: skip
    for number, one in enumerate(held):
        for protocol in range(6):
            artifact = read_bytes(pickle.dumps(one, protocol))
            assert (artifact.verdict, artifact.members) == ("clean", ()), (number, protocol, artifact.reasons)


def test_the_worst_of_many_finds_is_never_lost() -> None:
    unknown = [f"\x80\x04\x8c\x04bank\x8c\x05Net{i:02}\x93.".encode("latin-1") for i in range(40)]
    assert read_bytes(pickle.dumps(unknown)).verdict == "suspicious"
    artifact = read_bytes(pickle.dumps([*unknown, pickle.dumps(Evil())]))
    assert artifact.verdict == "malicious"
    assert len(artifact.members) == MAX_FOUND
    assert any("21 more hidden pickles" in reason for reason in artifact.reasons)
    deep = [zlib.compress(pickle.dumps([*unknown, pickle.dumps(Evil())])), *unknown]
    assert read_bytes(pickle.dumps(deep)).verdict == "malicious"


def test_lines_that_name_something_may_overlap() -> None:
    # An unpickler may begin anywhere; a name before the dangerous one must not swallow it.
    for text in (
        b"ca\ncos\nsystem\n(S'x'\ntR.",
        b"magiccos\nsystem\n(S'x'\ntR.",
        b"\nia\n(S'x'\nios\nsystem\n.",
    ):
        assert read_bytes(pickle.dumps([text], 4)).verdict == "malicious", text


def test_one_budget_serves_a_file_and_all_that_is_in_it() -> None:
    bomb = pickle.dumps([zlib.compress(pickle.dumps([b"%d" % i, b"\x80\x04(" * 700])) for i in range(40)])
    once = read_bytes(pickle.dumps([zlib.compress(pickle.dumps([b"\x80\x04(" * 700]))]))
    assert once.verdict == "clean"
    artifact = read_bytes(bomb)
    assert artifact.verdict == "unreadable"
    assert any("than may be looked into" in reason for reason in artifact.reasons)


BOMBS = {
    "marks": b"\x80\x04(" * 30_000, "names": b"cos\nsystem\n" * 3_000, "compressed": zlib.compress(b"a" * 10_000_000) * 20,
    "nested": zlib.compress(zlib.compress(bytes(30_000_000)) * 20), "streams": zlib.compress(b"") * 30_000,
    "headers": b"\x80\x04N0" * 20_000, "text": b"\x80\x04V" * 60_000, "inst": b"(I1\nios\nsystem\n" * 500,
}  # fmt: skip
HARMLESS = {
    "escapes": b"V\\u00" * 40_000,
    "letters": b"c" * 100_000,
    "quotes": b"S'\\x80\n" * 1_000,
    "lines": b"(I\n" * 30_000,
}


@pytest.mark.parametrize("what", BOMBS)
@pytest.mark.parametrize("protocol", [0, 4])
def test_a_search_without_end_is_given_up_and_said(what: str, protocol: int) -> None:
    began = time.process_time()
    artifact = read_bytes(pickle.dumps([BOMBS[what]], protocol))
    assert time.process_time() - began < 20
    assert artifact.verdict in ("unreadable", "malicious")


@pytest.mark.parametrize("what", HARMLESS)
@pytest.mark.parametrize("protocol", [0, 4])
def test_a_search_of_what_only_looks_like_something_ends(what: str, protocol: int) -> None:
    assert read_bytes(pickle.dumps([HARMLESS[what]], protocol)).verdict == "clean"
