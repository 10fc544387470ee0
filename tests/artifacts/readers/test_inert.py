"""No reader imports, runs or opens anything on a file's say-so: Python's own audit events are the witness."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import joblib
import lightgbm
import numpy as np
import pytest
import xgboost

from modelward.artifacts import read_bytes
from modelward.artifacts.readers import PICKLE, READERS

DATA = Path(__file__).parents[1] / "data"
ONNX = Path(__file__).parent / "files"

WATCHER = """
import inspect, json, os, pkgutil, sys, urllib.parse
import numpy
from importlib import import_module
from modelward.artifacts import read_bytes, readers
for one in pkgutil.iter_modules(readers.__path__):
    import_module("modelward.artifacts.readers." + one.name)  # a reader is loaded when content asks for it
seen, watching = [], False
KINDS = {"exec", "compile", "open", "subprocess", "os", "socket", "ctypes", "shutil", "code", "marshal"}
def hook(event, args):
    if not watching or event.split(".")[0] not in KINDS | {"import"}:
        return
    if event == "import":
        seen.append([event, str(args[0])])
    elif event == "exec":
        seen.append([event, str(getattr(args[0], "co_filename", "?"))])
    elif event in ("open", "os.listdir", "os.scandir"):
        seen.append([event, str(args[0])])
    elif event != "marshal.loads":  # the bytes of our own modules
        seen.append([event, repr(args)[:100]])
sys.addaudithook(hook)
found = {}
for name in sorted(os.listdir(sys.argv[1])):
    blob = open(os.path.join(sys.argv[1], name), "rb").read()
    watching = True
    verdict = read_bytes(blob).verdict
    watching = False
    found[name] = [verdict, list(seen)]
    seen.clear()
json.dump(found, open(sys.argv[2], "w"))
"""


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch ran",)


FOREIGN = b"\x80\x04\x8c\x0dforeign_thing\x8c\x03run\x93)R."


def _dumped(compress: object) -> bytes:
    buffer = io.BytesIO()
    joblib.dump([Evil(), np.arange(3.0)], buffer, compress=compress)
    return buffer.getvalue()


def _zipped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", data)
    return buffer.getvalue()


def _tarred(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("a")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def _npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([Evil()], dtype=object), allow_pickle=True)
    return buffer.getvalue()


def _npz() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.array([Evil()], dtype=object), b=np.arange(3.0))
    return buffer.getvalue()


def _safetensors() -> bytes:
    header = json.dumps({"w": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]}}).encode()
    return len(header).to_bytes(8, "little") + header + b"abc"


def _files() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), rng.integers(0, 2, 60)
    booster = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(X, y), 2)
    other = lightgbm.train(
        {"objective": "binary", "verbose": -1, "num_threads": 1}, lightgbm.Dataset(X, y), 2
    )
    made = {
        **{f"pickle {p}": pickle.dumps(Evil(), p) for p in range(6)},
        **{f"joblib {c}": _dumped(c) for c in (0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3))},
        "foreign": FOREIGN, "hidden": pickle.dumps([pickle.dumps(Evil())]), "npy": _npy(), "npz": _npz(),
        "zip": _zipped(pickle.dumps(Evil())), "zip foreign": _zipped(FOREIGN), "tar": _tarred(pickle.dumps(Evil())),
        "safetensors": _safetensors(), "xgboost json": bytes(booster.save_raw("json")),
        "xgboost ubj": bytes(booster.save_raw("ubj")), "lightgbm": other.model_to_string().encode(), "xgboost binary": b"binf" + bytes(400),
    }  # fmt: skip
    for path in (*sorted((DATA / "torch").glob("*.pt")), *sorted((DATA / "skops").glob("*.skops")),
                 *sorted((DATA / "r").glob("*.r*")), *sorted((DATA / "catboost").glob("*.cbm")), *sorted(ONNX.glob("*.onnx"))):  # fmt: skip
        made[path.name] = path.read_bytes()
    return made


FILES = _files()
MODULES = {
    "modelward",
    "numpy",
    "encodings",
    *(sys.stdlib_module_names - {"os", "posix", "subprocess", "socket"}),
}


@pytest.fixture(scope="module")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, list[list[str]]]]:
    """Return verdict and audit events of every file, each read in one process that watches itself."""
    folder = tmp_path_factory.mktemp("inert")
    (folder / "in").mkdir()
    for name, data in FILES.items():
        (folder / "in" / name).write_bytes(data)
    (folder / "foreign_thing.py").write_text("open('imported', 'w').close()\ndef run(): pass\n")
    subprocess.run(
        [sys.executable, "-c", WATCHER, "in", "out.json"], cwd=folder, check=True, capture_output=True
    )
    assert not (folder / "ran").exists()
    assert not (folder / "imported").exists()
    found: dict[str, tuple[str, list[list[str]]]] = json.loads((folder / "out.json").read_text())
    return found


@pytest.mark.parametrize("name", FILES)
def test_reading_imports_and_runs_nothing_foreign(
    name: str, witnessed: dict[str, tuple[str, list[list[str]]]]
) -> None:
    verdict, events = witnessed[name]
    roots = {os.path.realpath(p) for p in (*sys.path, sys.prefix, sys.base_prefix) if p}
    for event, what in events:
        if event == "import":
            assert what.partition(".")[0] in MODULES, what
        elif event in ("exec", "open", "os.listdir", "os.scandir"):
            ours = what.startswith("<frozen") or any(
                os.path.realpath(what).startswith(r + os.sep) for r in roots
            )
            assert ours or what in roots or what == ".", (event, what)
        else:
            # numpy, when it is imported, sets a variable for itself and looks into the running process.
            own = event.startswith("ctypes.") or "OPENBLAS" in what
            assert event == "compile" or (own and "foreign" not in what), (event, what)
    harmful = ("pickle", "joblib", "hidden", "npy", "npz", "tar", "evil")
    assert verdict == "malicious" or not name.startswith(harmful)


def test_every_reader_is_witnessed() -> None:
    for reader in (*READERS, PICKLE):
        assert any(reader.recognise(_content(data)) for data in FILES.values()), reader.name
    assert {"clean", "malicious", "suspicious"} <= {read_bytes(data).verdict for data in FILES.values()}


def _content(data: bytes) -> bytes:
    from modelward.artifacts._container import compression, decompress

    kind = compression(data)
    return decompress(data, kind, 1 << 30) if kind else data
