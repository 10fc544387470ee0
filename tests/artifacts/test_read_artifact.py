"""Reading model files: every honest way to save one, every bad file, and nothing run."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import os
import pickle
import subprocess
import sys
import time
import zlib
from pathlib import Path

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelward.artifacts import Inert, class_name, library_versions, read_artifact, read_bytes
from modelward.artifacts._arrays import RawArray, as_array
from modelward.artifacts._graph import numbers, walk_graph
from modelward.artifacts._names import judge_name
from modelward.errors import InputError


@pytest.fixture(scope="module")
def model() -> object:
    X, y = make_classification(200, 6, random_state=0)
    return make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0)).fit(X, y)


def dumped(value: object, **options: object) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(value, buffer, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("protocol", range(6))
def test_pickle_protocols(model: object, protocol: int) -> None:
    artifact = read_bytes(pickle.dumps(model, protocol))
    assert (artifact.format, artifact.verdict, artifact.reasons) == ("pickle", "clean", ())
    check_graph(artifact, model)


@pytest.mark.parametrize("protocol", range(2, 6))
def test_joblib_protocols(model: object, protocol: int) -> None:
    artifact = read_bytes(dumped(model, protocol=protocol))
    assert (artifact.format, artifact.verdict, artifact.reasons) == ("joblib", "clean", ())
    check_graph(artifact, model)


@pytest.mark.parametrize("how", ["zlib", "gzip", "bz2", "xz", "lzma"])
def test_joblib_compressions(model: object, how: str, tmp_path: Path) -> None:
    path = tmp_path / "model"
    joblib.dump(model, path, compress=(how, 3))
    artifact = read_artifact(path)
    assert (artifact.format, artifact.verdict, artifact.reasons) == (f"joblib ({how})", "clean", ())
    assert artifact.data == path.read_bytes()
    check_graph(artifact, model)


def check_graph(artifact: object, model: object) -> None:
    """The inert graph holds what the loaded object holds: parameters, versions, and every tree bit for bit."""
    import sklearn

    assert class_name(artifact) == "sklearn.pipeline.Pipeline"
    assert library_versions(artifact) == {"sklearn": sklearn.__version__}
    forest = next(
        n.value for n in walk_graph(artifact.root) if n.value.type_name.endswith("RandomForestClassifier")
    )
    assert forest.attributes["n_estimators"] == 5
    trees = [n.value for n in walk_graph(artifact.root) if n.value.type_name == "sklearn.tree._tree.Tree"]
    assert len(trees) == 5
    for tree, real in zip(trees, model[-1].estimators_, strict=True):
        want = real.tree_.__getstate__()
        assert numbers(tree.attributes["nodes"]).tobytes() == want["nodes"].tobytes()
        np.testing.assert_array_equal(numbers(tree.attributes["values"]), want["values"])


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3)), np.array(7, dtype=">i4"),
        np.array(["a", "bcd"]), np.array([b"x"]), np.zeros((0, 3)), np.array([True, False]), np.arange(3, dtype="f2"),
        np.array(["2020-01-01"], dtype="M8[D]"), np.array([(1, 2.5)], dtype=[("a", "<i4"), ("b", "<f8")]), np.arange(4) * 1j,
    ],
    ids=str,
)  # fmt: skip
def test_arrays_are_rebuilt_from_bytes(array: np.ndarray) -> None:
    for protocol in range(6):
        files = [pickle.dumps(array, protocol)] + ([dumped(array, protocol=protocol)] if protocol > 1 else [])
        for data in files:
            found = numbers(read_bytes(data).root)
            np.testing.assert_array_equal(found, array)
            assert found.dtype == array.dtype


def test_nothing_foreign_is_imported_or_run(model: object, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return os.system, (f"touch {tmp_path / 'ran'}",)

    files = {
        "a.pkl": pickle.dumps([model, Evil()]),
        "b.joblib": dumped([model, Evil()]),
        "c.z": dumped(model, compress=3),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    script = """
import pkgutil, sys
from importlib import import_module
from modelward.artifacts import read_artifact, readers
import _compat_pickle, lzma, bz2, zlib
for one in pkgutil.iter_modules(readers.__path__):
    import_module("modelward.artifacts.readers." + one.name)  # a reader is loaded when content asks for it
seen = []
sys.addaudithook(lambda event, args: seen.append((event, args)))
for path in sys.argv[1:]:
    print(read_artifact(path).verdict)
for event, args in seen:
    if event == "builtins.id":  # told of every id(), which the reader asks for its own stand-ins
        continue
    # Only the files themselves are opened (by name, then by the descriptor).
    assert event == "open" and (isinstance(args[0], int) or str(args[0]) in sys.argv[1:]), (event, args)
assert not {"numpy", "sklearn", "joblib", "scipy"} & set(sys.modules)
"""
    run = subprocess.run(
        [sys.executable, "-c", script, *(str(tmp_path / name) for name in files)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["malicious", "malicious", "clean"]
    assert not (tmp_path / "ran").exists()


BOMBS = {
    "nine bytes ask for a memo of 4 GB": bytes.fromhex("80044E72FFFFFF0F2E"),
    "the same as text": b"Np268435455\n.",
    "bytearray of 1 TB": b"\x80\x05\x96" + (1 << 40).to_bytes(8, "little") + b".",
    "bytes of 2 GB": b"\x80\x03B\xff\xff\xff\x7f.",
    "frame of 1 EB": b"\x80\x04\x95" + (1 << 60).to_bytes(8, "little") + b"N.",
    "tuples nested as a key": b"}" + b")" + b"\x85" * 300_000 + b"Ns.",
    "tuples doubled as a key": b"})" + b"2\x86" * 80 + b"Ns.",
    "colliding integers": b"}(" + b"".join(
        b"\x8a\x10" + (k * (2**61 - 1)).to_bytes(16, "little") + b"N" for k in range(1 << 40, (1 << 40) + 60_000)
    ) + b"u.",
}  # fmt: skip


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS)
def test_bombs_cost_nothing(data: bytes) -> None:
    began = time.process_time()
    assert read_bytes(data).verdict == "unreadable"
    assert time.process_time() - began < 5


def test_deep_nesting_is_read_and_walked() -> None:
    artifact = read_bytes(b")" + b"\x85" * 300_000 + b".")
    assert list(walk_graph(artifact.root)) == []
    body = b"\x80\x02cbank\nNode\nq\x00)\x81" + b"h\x00)\x81" * 200_000 + b"b" * 200_000 + b"."
    artifact = read_bytes(body)
    assert artifact.verdict == "suspicious"
    assert len(list(walk_graph(artifact.root))) == 200_001


def test_memory_of_objects_is_bounded() -> None:
    for flood in (b"}", b"\x94", b"(", b"2", b"h\x00", b"\x8f", b"I1\n"):
        artifact = read_bytes(b"\x80\x04N\x94" + flood * 200_000 + b".", max_memory=1 << 20)
        assert artifact.verdict == "unreadable", flood
        assert "memory" in artifact.reasons[0]


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress, bz2.compress], ids=["zlib", "gzip", "bz2"])
def test_decompression_is_bounded_and_whole(pack: object) -> None:
    honest = pickle.dumps(list(range(50)))
    assert read_bytes(pack(honest)).verdict == "clean"
    assert "bomb" in read_bytes(pack(honest + b"\0" * 10_000_000), max_bytes=1_000_000).reasons[0]
    assert read_bytes(pack(honest)[:-6]).verdict == "unreadable"
    assert read_bytes(pack(honest) + b"more").verdict == "unreadable"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"PK\x03\x04" + b"\0" * 60 + b"archive/data.pkl archive/version", "PyTorch"), (b"PK\x03\x04" + b"\0" * 60, "zip"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 60, "HDF5"), (b"\x93NUMPY\x01\x00", "npy"), (b"a,b\n1,2\n", "text"), (b"{\"a\": 1}", "JSON"),
        (b"\x08\x07\x12\x04onnx" + b"\0" * 20, "ONNX"), (b"tree\nversion=v4\n", "LightGBM"), (b"\x7fELF\x02", "ELF"),
        (b"#!/bin/sh\n", "script"), (b"", "empty"),
    ],
)  # fmt: skip
def test_everything_else_is_unreadable_by_name(data: bytes, what: str) -> None:
    artifact = read_bytes(data)
    assert artifact.verdict == "unreadable"
    assert what in f"{artifact.format}: {artifact.reasons[0]}"
    assert artifact.root is None


def test_bad_paths_are_one_line(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "none", tmp_path, tmp_path / "fifo", Path("/dev/zero"), tmp_path / ("x" * 300)):
        with pytest.raises(InputError, match=r"^[^\n]+$"):
            read_artifact(path)
    (tmp_path / "long").write_bytes(b"N." * 100)
    assert read_artifact(tmp_path / "long", max_bytes=50).verdict == "unreadable"


def test_several_pickles_in_one_file() -> None:
    artifact = read_bytes(pickle.dumps([1]) + pickle.dumps({"a": 2}))
    assert artifact.root == ([1], {"a": 2})
    assert artifact.pickles == 2


def test_scalars_and_cycles_do_not_hang_the_walk() -> None:
    cyclic: list[object] = [np.float64(3)]
    cyclic.append(cyclic)
    artifact = read_bytes(pickle.dumps(cyclic))
    assert artifact.verdict == "clean"
    assert len(list(walk_graph(artifact.root))) == 2


class Watching(pickle.Unpickler):
    """CPython's own unpickler, noting what it would look up; the oracle of the fuzz test."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.names: list[tuple[str, str]] = []

    def find_class(self, module: str, name: str) -> object:
        self.names.append((module, name))
        return Inert


SEEDS = [
    pickle.dumps({"a": np.arange(4.0), "b": [("x", 1), {2, 3}], "c": os.system}, protocol)
    for protocol in range(6)
] + [pickle.dumps(StandardScaler().fit([[1.0], [2.0]]), protocol) for protocol in (0, 2, 5)]


@settings(max_examples=1500, deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from("rid"), st.binary(min_size=1, max_size=6)), max_size=5
    ),
)
def test_fuzz_never_clean_where_cpython_reaches_more(
    seed: bytes, edits: list[tuple[int, str, bytes]]
) -> None:
    data = bytearray(seed)
    for where, how, what in edits:
        at = where % (len(data) + 1)
        if how == "r":
            data[at : at + len(what)] = what
        elif how == "i":
            data[at:at] = what
        else:
            del data[at : at + len(what)]
    began = time.process_time()
    artifact = read_bytes(bytes(data))
    assert time.process_time() - began < 1
    if artifact.verdict == "clean":
        oracle = Watching(bytes(data))
        with contextlib.suppress(Exception):  # only what it looked up before matters
            oracle.load()
        for module, name in oracle.names:
            assert judge_name(*pickle._compat_pickle.NAME_MAPPING.get((module, name), (module, name)))[
                0
            ] == "known" or (module in pickle._compat_pickle.IMPORT_MAPPING)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_noise_never_crashes(data: bytes) -> None:
    assert read_bytes(data).path == "<bytes>"


def test_array_views_are_lazy_and_read_only() -> None:
    root = read_bytes(dumped(np.arange(5.0))).root
    array = as_array(root)
    assert isinstance(array, RawArray)
    with pytest.raises(ValueError, match="read-only"):
        array.to_numpy()[0] = 1
