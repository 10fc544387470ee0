"""R files: real ones made by data/r/make.R with R 4.2, and hostile ones written byte by byte."""

from __future__ import annotations

import gzip
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.artifacts import Inert, as_array, read_artifact, read_bytes, training_rows
from modelward.artifacts._container import compression, decompress

HERE = Path(__file__).parent / "data" / "r"
TRAIN = pl.read_csv(HERE / "train.csv")
MODELS = {
    "glm": "glm", "glm_bare": "glm", "lm": "lm", "randomforest": "randomForest", "ranger": "ranger", "gbm": "gbm",
    "rpart": "rpart", "caret": "train", "closure": "function", "frame_ascii": "data.frame", "frame_native": "data.frame", "s4": "Plain",
}  # fmt: skip


def content(name: str) -> bytes:
    data = (HERE / name).read_bytes()
    kind = compression(data)
    return decompress(data, kind, 1 << 24) if kind else data


@pytest.mark.parametrize("name", MODELS)
def test_honest_files_are_clean_and_read_to_their_end(name: str) -> None:
    artifact = read_artifact(HERE / f"{name}.rds")
    assert (artifact.verdict, artifact.reasons) == ("clean", ())
    assert artifact.root.type_name == f"R.{MODELS[name]}"


def columns(frame: Inert) -> dict[str, list[float]]:
    return {
        key: as_array(value).to_numpy().tolist()
        for key, value in frame.state.items()
        if key != "attributes" and value.type_name != "R.factor"
    }


@pytest.mark.parametrize("name", ["frame_ascii.rds", "frame_native.rds", "frame_v2.RData"])
def test_every_spelling_gives_the_same_numbers(name: str) -> None:
    root = read_artifact(HERE / name).root
    frame = root["d"] if isinstance(root, dict) else root
    assert columns(frame) == {key: TRAIN[key].to_list() for key in ("income", "age", "debt")}
    late = frame.state["late"]
    levels = late.state["attributes"]["levels"]
    assert [levels[i - 1] for i in as_array(late).to_numpy()] == TRAIN["late"].to_list()


def test_kinds_of_objects() -> None:
    found = read_artifact(HERE / "kinds.rds").root
    assert found[0].type_name == "R.altrep"
    assert found[0].state["form"] == "base::compact_intseq"
    assert as_array(found[1]).to_numpy().tolist() == [1, 2, 3, 4, 5]
    assert found[3] is None
    assert as_array(found[5]).to_numpy().tolist() == [2 + 3j]
    assert bytes(as_array(found[6]).to_numpy()) == b"\x01\x02\x03"
    assert found[8].type_name == "R.formula"
    slots = read_artifact(HERE / "s4.rds").root.state
    assert as_array(slots["w"]).to_numpy()[:2].tolist() == [1.0, 2.0]
    assert slots["name"] == ["a", None]


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("glm", ["model", "data"]), ("glm_bare", ["data"]), ("lm", ["model", "x"]), ("caret", ["trainingData"]), ("gbm", ["data.x"]),
        ("closure", ["environment.secret"]), ("frame_ascii", [""]), ("randomforest", []), ("ranger", []), ("rpart", []), ("s4", []), ("kinds", []),
    ],
)  # fmt: skip
def test_training_rows(name: str, where: list[str]) -> None:
    artifact = read_artifact(HERE / f"{name}.rds")
    assert [item.path for item in training_rows(artifact)] == where
    for item in training_rows(artifact, TRAIN):
        assert item.rows == 40
        assert (item.matched, item.share) == (40, 1.0)


# Hostile files, in XDR.
def word(value: int) -> bytes:
    return struct.pack(">i", value)


def chars(text: str) -> bytes:
    return word(9 | 64 << 12) + word(len(text)) + text.encode()


def symbol(text: str) -> bytes:
    return word(1) + chars(text)


def call(function: str, argument: str) -> bytes:
    return word(6) + symbol(function) + word(2) + word(16) + word(1) + chars(argument) + word(254)


def rds(body: bytes) -> bytes:
    return b"X\n" + word(2) + word(0x40202) + word(0x20300) + body


NIL, GLOBAL, UNBOUND = word(254), word(253), word(252)
HOSTILE = {
    "unbound promise (CVE-2024-27322)": (word(5) + UNBOUND + call("print", "x"), "CVE-2024-27322"),
    "unbound promise in a list": (word(19) + word(1) + word(5) + UNBOUND + symbol("x"), "CVE-2024-27322"),
    "promise where no variable is": (word(5 | 1024) + GLOBAL + UNBOUND + symbol("x"), "CVE-2024-27322"),
    "promise that runs a program": (word(4) + word(0) + GLOBAL + word(2 | 1024) + symbol("a") + word(5 | 1024) + GLOBAL + UNBOUND + call("system", "id") + NIL + NIL + NIL, "R function system"),
    "closure that runs a program": (word(3 | 1024) + GLOBAL + NIL + call("system", "id"), "R function system"),
    "closure by do.call": (word(3 | 1024) + GLOBAL + NIL + call("do.call", "system"), "R function system"),
    "bytecode that runs a program": (word(3 | 1024) + GLOBAL + NIL + word(21) + word(0) + word(13) + word(1) + word(12) + word(2) + word(1) + symbol("system") + word(16) + word(16) + word(1) + chars("id"), "R function system"),
    "function in an attribute": (word(14 | 512) + word(1) + struct.pack(">d", 1) + word(2 | 1024) + symbol("a") + word(3 | 1024) + GLOBAL + NIL + call("unlink", "x") + NIL, "R function unlink"),
    "builtin": (word(19) + word(1) + word(8) + word(6) + b"system", "R function system"),
    "file mapped by name": (word(238) + word(2) + symbol("mmap_real") + word(2) + symbol("base") + word(2) + word(13) + word(1) + word(14) + NIL + NIL + NIL, "mmap_real"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_runs_code_is_malicious(name: str) -> None:
    body, why = HOSTILE[name]
    for data in (rds(body), gzip.compress(rds(body))):
        artifact = read_bytes(data)
        assert artifact.verdict == "malicious", artifact
        assert any(why in reason for reason in artifact.reasons)
        assert not any("end" in reason for reason in artifact.reasons)


def test_a_promise_that_touches_files_as_r_writes_it() -> None:
    artifact = read_artifact(HERE / "promise.rds")
    assert artifact.verdict == "malicious"
    assert "file.create" in artifact.reasons[0]


@pytest.mark.parametrize(
    ("body", "verdict", "why"),
    [
        (word(249) + word(0) + word(1) + chars("evilpackage"), "suspicious", "evilpackage"),
        (word(249) + word(0) + word(1) + chars("stats"), "clean", ""),
        (word(247) + word(0) + word(1) + chars("x"), "suspicious", "persistent"),
        (word(3 | 1024) + GLOBAL + NIL + call("parse", "x"), "suspicious", "names that are computed"),
        (word(3 | 1024) + GLOBAL + NIL + word(6) + symbol("get") + word(2) + symbol("a") + NIL, "suspicious", "names that are computed"),
        (word(3 | 1024) + GLOBAL + NIL + call("get", "colMeans"), "clean", ""),
        (word(3 | 1024) + GLOBAL + NIL + call("get", "system"), "malicious", "R function system"),
        (word(254) + b"more", "suspicious", "follow its end"),
        (word(14) + word(2**31 - 1), "unreadable", "more than the file has"),
        (word(14) + word(-1) + word(2**31 - 1) + word(-1), "unreadable", "more than the file has"),
        (word(19) + word(2**30), "unreadable", "more than the file has"),
        (word(14) + word(-5), "unreadable", "negative"),
        (word(255 | 9 << 8), "unreadable", "was not there"),
        (word(199), "unreadable", "type 199"),
        (b"".join(word(19) + word(1) for _ in range(5000)) + NIL, "unreadable", "nested"),
        (b"".join(word(6) for _ in range(5000)) + NIL, "unreadable", "nested"),
    ],
)  # fmt: skip
def test_bounds(body: bytes, verdict: str, why: str) -> None:
    artifact = read_bytes(rds(body))
    assert artifact.verdict == verdict, artifact
    assert any(why in reason for reason in artifact.reasons) or not why


def test_compact_sequences_are_not_grown() -> None:
    body = (
        word(238)
        + word(2)
        + symbol("compact_intseq")
        + word(2)
        + symbol("base")
        + word(2)
        + word(13)
        + word(1)
        + word(13)
        + NIL
    )
    body += word(14) + word(3) + struct.pack(">3d", 1e15, 1, 1) + NIL
    assert read_bytes(rds(body)).verdict == "clean"


def test_a_list_that_holds_itself() -> None:
    # An environment whose variable is the environment.
    body = (
        word(4) + word(0) + word(242) + word(2 | 1024) + symbol("me") + word(255 | 1 << 8) + NIL + NIL + NIL
    )
    artifact = read_bytes(rds(body))
    assert artifact.verdict == "clean"
    assert artifact.root.state["me"] is artifact.root
    assert training_rows(artifact) == ()


@pytest.mark.parametrize(
    "name", ["frame_ascii.rds", "frame_native.rds", "s4.rds", "promise.rds", "closure.rds"]
)
def test_truncated_anywhere_is_never_clean(name: str) -> None:
    whole = content(name)
    for length in range(7, len(whole) - 1, 1 + len(whole) // 400):
        artifact = read_bytes(whole[:length])
        assert artifact.verdict in ("unreadable", "malicious"), length


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["glm_bare.rds", "frame_ascii.rds", "s4.rds", "gbm.rds", "kinds.rds"]),
    st.integers(0, 2**31),
    st.integers(0, 255),
)
def test_a_changed_byte_never_raises(name: str, place: int, value: int) -> None:
    data = bytearray(content(name))
    data[10 + place % (len(data) - 10)] = value
    artifact = read_bytes(bytes(data))
    training_rows(artifact)
    training_rows(artifact, TRAIN)


def test_r_itself_makes_the_same_files(tmp_path: Path) -> None:
    rscript = shutil.which("Rscript")
    if rscript is None:
        pytest.skip("Rscript is not installed: R files are only checked as committed")
    made = subprocess.run(
        [rscript, str(HERE / "make.R"), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if "there is no package" in made.stderr:
        pytest.skip(f"packages of R are missing: {made.stderr[-200:]}")
    for path in sorted(HERE.glob("*.[rR][dD]*")):
        again, committed = read_artifact(tmp_path / path.name), read_artifact(path)
        assert (again.verdict, again.reasons) == (committed.verdict, committed.reasons)
        assert [(r.path, r.rows, r.columns) for r in training_rows(again)] == [
            (r.path, r.rows, r.columns) for r in training_rows(committed)
        ]


def test_missing_numbers_match_themselves() -> None:
    values = struct.pack(">4i", 1, -(2**31), 3, 4)
    frame = word(19 | 512) + word(1) + word(13) + word(4) + values
    frame += word(2 | 1024) + symbol("names") + word(16) + word(1) + chars("a")
    frame += word(2 | 1024) + symbol("class") + word(16) + word(1) + chars("data.frame") + NIL
    found = training_rows(read_bytes(rds(frame)), np.array([[1.0], [np.nan], [3.0], [4.0]]))
    assert [item.matched for item in found] == [4]
