"""Files that nobody should load, or can, are rebuilt; and engines see the inside of what was rebuilt."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from modelward.assessment import assess
from modelward.errors import RefusedError, SubjectError, UsageError
from modelward.models import is_rebuilt, linear_form, open_model, subject_boxes, subject_thresholds, wrap
from modelward.schema import Codec, infer

X = np.random.default_rng(0).normal(size=(200, 3))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


class Payload:
    """Would make a file when it is loaded."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.place}",)


def _file(place: Path, model: Any) -> str:
    place.write_bytes(pickle.dumps(model))
    return str(place)


def test_a_malicious_file_is_asked_only_with_rebuild_and_never_runs(tmp_path: Path) -> None:
    model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, Y)
    model.payload = Payload(tmp_path / "ran")
    spec = _file(tmp_path / "m.pkl", model)
    assert open_model(spec).model is None
    opened = open_model(spec, rebuild=True)
    assert opened.rebuilt
    assert is_rebuilt(opened.model)
    assert opened.artifact.verdict == "malicious"
    assert opened.model.predict(X).tolist() == model.predict(X).tolist()
    table = pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "y": Y})
    report = assess(spec, table, target="y", rebuild=True, select=["MW01", "MW09"])
    assert any("rebuilt" in line and "not compared" in line for line in report.assumptions)
    assert report.subject["class"] == "DecisionTreeClassifier (rebuilt, not loaded)"
    verdicts = {finding.code: finding.verdict for finding in report.findings}
    assert any(code.startswith("MW01") for code in verdicts)
    assert "fail" in [verdict for code, verdict in verdicts.items() if code.startswith("MW09")]
    assert not (tmp_path / "ran").exists()


class Unknown:
    """A name that no table knows."""


def test_a_suspicious_file_is_rebuilt_and_refused_where_it_cannot_be(tmp_path: Path) -> None:
    for model, rebuilt in ((LogisticRegression(), True), (KNeighborsClassifier(), False)):
        model.fit(X, Y).extra = Unknown()
        spec = _file(tmp_path / "m.pkl", model)
        if rebuilt:
            opened = open_model(spec)
            assert opened.rebuilt
            assert "nobody has checked" in opened.notes[0]
            assert opened.model.predict(X).tolist() == model.predict(X).tolist()
        else:
            with pytest.raises(RefusedError, match="--trust"):
                open_model(spec)
            with pytest.raises(SubjectError, match="KNeighborsClassifier"):
                open_model(spec, rebuild=True)


def test_a_file_whose_library_cannot_be_imported_is_rebuilt(tmp_path: Path, monkeypatch: Any) -> None:
    model = RandomForestClassifier(3, random_state=0).fit(X, Y)
    spec = _file(tmp_path / "m.pkl", model)
    assert not open_model(spec).rebuilt
    monkeypatch.setitem(__import__("sys").modules, "sklearn.ensemble._forest", None)
    opened = open_model(spec)
    assert opened.rebuilt
    assert np.array_equal(opened.model.predict_proba(X), model.predict_proba(X))


def test_rebuild_takes_files_only() -> None:
    for spec in ("https://models.example/credit", "some.module:model"):
        with pytest.raises(UsageError, match="model file"):
            open_model(spec, rebuild=True)


@pytest.mark.parametrize(
    ("model", "engine"),
    [
        (RandomForestClassifier(3, max_depth=3, random_state=0), subject_boxes),
        (RandomForestClassifier(3, max_depth=3, random_state=0), subject_thresholds),
        (GradientBoostingClassifier(n_estimators=3, random_state=0), subject_thresholds),
        (make_pipeline(StandardScaler(), LogisticRegression()), linear_form),
    ],
)
def test_engines_see_the_same_inside(tmp_path: Path, model: Any, engine: Any) -> None:
    loaded = model.fit(X, Y)
    table = pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2]})
    codec = Codec.fit(infer(table), table)
    ours = open_model(_file(tmp_path / "m.pkl", loaded), rebuild=True).model
    first, second = (engine(wrap(one, codec, [0, 1])) for one in (loaded, ours))
    assert first is not None
    for a, b in zip(first, second, strict=True):
        pairs = [(a.low, b.low), (a.high, b.high), (a.value, b.value)] if hasattr(a, "low") else [(a, b)]
        for one, other in pairs:
            np.testing.assert_array_equal(one, other)
