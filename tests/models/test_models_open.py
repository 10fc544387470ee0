"""Opening models: inertly read first, then exactly those bytes behind a gate of names."""

from __future__ import annotations

import dataclasses
import os
import pickle
import sys
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import modelward.artifacts
from modelward.artifacts import read_artifact
from modelward.errors import (
    InputError,
    ModelwardError,
    RefusedError,
    SubjectError,
    UnreadableError,
    UsageError,
)
from modelward.models import Endpoint, load_artifact, open_model
from modelward.models._load import written_by

if TYPE_CHECKING:
    from pathlib import Path

X = np.random.default_rng(0).normal(size=(120, 3))
Y = np.array(["bad", "good"], dtype=object)[(X[:, 0] > 0).astype(int)]


@pytest.fixture(scope="module")
def forest() -> RandomForestClassifier:
    return RandomForestClassifier(3, max_depth=3, random_state=0).fit(X, Y)


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_every_protocol(tmp_path: Path, forest: Any, protocol: int) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(forest, protocol=protocol))
    opened = open_model(str(path))
    assert (opened.kind, opened.name, opened.notes) == ("file", "model.pkl", ())
    assert opened.model.predict(X).tolist() == forest.predict(X).tolist()
    assert opened.artifact.data == path.read_bytes()


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)], ids=str)
def test_joblib_files(tmp_path: Path, compress: Any) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    path = tmp_path / "model.joblib"
    joblib.dump(model, path, compress=compress)
    opened = open_model(str(path))
    assert opened.model.predict(X).tolist() == model.predict(X).tolist()
    assert opened.model.classes_.tolist() == ["bad", "good"]


class Evil:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.marker}",)


def test_malicious_files_stay_closed(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    for name, dump in (("m.pkl", lambda o, p: p.write_bytes(pickle.dumps(o))), ("m.joblib", joblib.dump)):
        path = tmp_path / name
        dump({"model": Evil(marker), "rows": X}, path)
        for trust in ((), ("posix.system", "os.system")):
            opened = open_model(str(path), trust=trust)
            assert opened.model is None
            assert opened.artifact.verdict == "malicious"
            with pytest.raises(RefusedError, match="system"):
                load_artifact(opened.artifact, trust)
    assert not marker.exists()


def test_models_that_would_read_beside_their_arrays_stay_closed(tmp_path: Path) -> None:
    """Predicting with either would end the process; nothing in them has a name that is not known."""
    machine = SVC().fit(X, X[:, 0] > 0)
    machine._n_support = np.array([10**8, len(machine.support_) - 10**8], "i4")
    words = CountVectorizer().fit(["a word", "or two"])
    words.vocabulary_ = dict.fromkeys(words.vocabulary_, 10**9)
    for model in (machine, make_pipeline(words, LogisticRegression())):
        path = tmp_path / "model.pkl"
        path.write_bytes(pickle.dumps(model))
        with pytest.raises(RefusedError, match="memory beside"):
            open_model(str(path), trust=("sklearn.svm._classes.SVC",))


def module_with_a_model(folder: Path, name: str) -> None:
    (folder / f"{name}.py").write_text(
        "class Scorer:\n    classes_ = [0, 1]\n    def predict(self, X):\n        return (X[:, 0] > 0) * 1\n"
        "scorer = Scorer()\nclass Shelf:\n    inner = scorer\n"
    )


def test_unknown_names_need_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module_with_a_model(tmp_path, "bank_one")
    monkeypatch.syspath_prepend(str(tmp_path))
    import importlib

    path = tmp_path / "own.pkl"
    path.write_bytes(pickle.dumps(importlib.import_module("bank_one").scorer))
    sys.modules.pop("bank_one")
    with pytest.raises(RefusedError, match=r"bank_one\.Scorer.*--trust bank_one\.Scorer") as caught:
        open_model(str(path))
    assert "\n" not in str(caught.value)
    assert "bank_one" not in sys.modules
    with pytest.raises(RefusedError):
        open_model(str(path), trust=("bank_one", "bank_one.*", "Scorer"))
    opened = open_model(str(path), trust=("bank_one.Scorer",))
    assert opened.model.predict(X[:2]).tolist() == (X[:2, 0] > 0).tolist()


def test_the_gate_holds_whatever_the_reading_said(tmp_path: Path, forest: Any) -> None:
    """Were the reading to miss a name, the load still would not reach it: nothing of the file is built."""
    marker = tmp_path / "ran"
    honest = tmp_path / "honest.joblib"
    joblib.dump(forest, honest)
    clean = read_artifact(honest)
    objects = np.array([Evil(marker), None], dtype=object)
    evil = tmp_path / "evil.joblib"
    joblib.dump({"a": X, "nested in an array of objects": objects}, evil)
    plain = pickle.dumps(Evil(marker))
    for data in (evil.read_bytes(), plain):
        lied = dataclasses.replace(clean, data=data)
        with pytest.raises(RefusedError, match="which its reading did not show"):
            load_artifact(lied)
        without = tuple(g for g in clean.globals if "joblib" not in g.name)
        with pytest.raises(ModelwardError):
            load_artifact(dataclasses.replace(lied, globals=without))
    assert not marker.exists()


def test_what_is_loaded_is_what_was_read(
    tmp_path: Path, forest: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, marker = tmp_path / "model.pkl", tmp_path / "ran"
    path.write_bytes(pickle.dumps(forest))

    def read_then_swap(given: Path) -> Any:
        artifact = read_artifact(given)
        path.write_bytes(pickle.dumps(Evil(marker)))
        return artifact

    monkeypatch.setattr(modelward.artifacts, "read_artifact", read_then_swap)
    assert open_model(str(path)).model.predict(X).tolist() == forest.predict(X).tolist()
    assert not marker.exists()


@pytest.mark.parametrize("form", ["pickle", "joblib", "zlib"])
def test_cut_off_files_are_one_line(tmp_path: Path, forest: Any, form: str) -> None:
    path = tmp_path / "model"
    if form == "pickle":
        path.write_bytes(pickle.dumps(forest))
    else:
        joblib.dump(forest, path, compress=3 if form == "zlib" else 0)
    whole = path.read_bytes()
    sound = read_artifact(path)
    for cut in np.linspace(0, len(whole) - 1, 25).astype(int):
        path.write_bytes(whole[:cut])
        with pytest.raises(UnreadableError) as caught:
            open_model(str(path))
        assert "\n" not in str(caught.value)
        with pytest.raises(ModelwardError) as caught_too:
            load_artifact(dataclasses.replace(sound, data=whole[:cut]))
        assert "\n" not in str(caught_too.value)


def test_another_version_is_a_note(tmp_path: Path, forest: Any) -> None:
    import sklearn

    path = tmp_path / "old.pkl"
    now = sklearn.__version__.encode()
    path.write_bytes(pickle.dumps(forest).replace(now, now[:-1] + b"0"))
    opened = open_model(str(path))
    assert len(opened.notes) == 1
    assert f"written by scikit-learn {now[:-1].decode()}0" in opened.notes[0]
    assert opened.model.predict(X).tolist() == forest.predict(X).tolist()
    assert written_by("sklearn", path.read_bytes()) == f"{now[:-1].decode()}0"


def test_a_tree_that_this_version_cannot_read(tmp_path: Path, forest: Any) -> None:
    path = tmp_path / "old.pkl"
    import sklearn

    now = sklearn.__version__.encode()
    data = pickle.dumps(forest).replace(now, now[:-1] + b"0").replace(b"threshold", b"thresholq")
    path.write_bytes(data)
    with pytest.raises(SubjectError, match=r"pip install scikit-learn==") as caught:
        open_model(str(path))
    assert "\n" not in str(caught.value)


def test_a_library_that_is_absent(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"\x80\x04\x8c\x0eno_such_librar\x94\x8c\x05Model\x94\x93)\x81.")
    with pytest.raises(
        SubjectError, match="needs no_such_librar, which is not installed: pip install"
    ) as caught:
        open_model(str(path), trust=("no_such_librar.Model",))
    assert "\n" not in str(caught.value)


def test_the_version_of_xgboost(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import xgboost

    model = xgboost.XGBClassifier(n_estimators=2, n_jobs=1).fit(X, (X[:, 0] > 0).astype(int))
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(model))
    assert written_by("xgboost", path.read_bytes()) == xgboost.__version__
    labels = model.predict(X).tolist()
    assert open_model(str(path)).model.predict(X).tolist() == labels
    for name in [n for n in sys.modules if n.partition(".")[0] == "xgboost"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "xgboost", None)
    # Without the library the file is not loaded but rebuilt.
    assert open_model(str(path)).model.predict(X).tolist() == labels


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model file"):
        open_model(str(tmp_path / "none.pkl"))
    with pytest.raises(InputError, match="folder"):
        open_model(str(tmp_path))
    for content in (b"", b"a,b\n1,2\n", b"\x80"):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(UnreadableError):
            open_model(str(tmp_path / "x"))


def test_attributes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module_with_a_model(tmp_path, "bank_two")
    (tmp_path / "bank_three.py").write_text("raise RuntimeError('no database\\nhere')\n")
    (tmp_path / "bank_four.py").write_text("import no_such_library\n")
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])
    monkeypatch.chdir(tmp_path)
    opened = open_model("bank_two:Shelf.inner")
    assert (opened.kind, opened.name, opened.artifact) == ("attribute", "bank_two:Shelf.inner", None)
    assert opened.model.predict(X[:1]).shape == (1,)
    for spec, kind, message in (
        ("bank_two:nothing", InputError, "no attribute nothing"),
        ("bank_none:model", InputError, "no module bank_none"),
        ("bank_two:Scorer", UsageError, "is a class"),
        ("bank_three:model", SubjectError, "RuntimeError: no database"),
        ("bank_four:model", SubjectError, "needs no_such_library"),
    ):
        with pytest.raises(kind, match=message) as caught:
            open_model(spec)
        assert "\n" not in str(caught.value)


def test_addresses() -> None:
    opened = open_model("https://models.example/credit?key=1")
    assert (opened.kind, opened.name) == ("endpoint", "https://models.example/credit")
    assert isinstance(opened.model, Endpoint)
    with pytest.raises(UsageError):
        open_model("ftp://models.example/credit")
