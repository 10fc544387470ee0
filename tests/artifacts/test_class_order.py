"""Labels that changed places in a model file: every fit sorts them, so another order was made afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import joblib
import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer

from modelward.artifacts import read_artifact
from modelward.artifacts._integrity import integrity
from modelward.cli import cli

if TYPE_CHECKING:
    from pathlib import Path

MODELS = [
    RandomForestClassifier(3, random_state=0),
    HistGradientBoostingClassifier(max_iter=3),
    LogisticRegression(),
    OneVsRestClassifier(LogisticRegression()),
]


def _fitted(model: object, labels: list[object]) -> object:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3))
    return model.fit(X, np.array(labels)[rng.integers(0, len(labels), 90)])  # type: ignore[attr-defined]


@pytest.mark.parametrize("labels", [[0, 1], ["no", "yes"], [2, 10, 11], ["B", "a", "ä"], [False, True]])
@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_every_fit_sorts_its_labels_and_nothing_is_said(
    tmp_path: Path, model: object, labels: list[object]
) -> None:
    joblib.dump(_fitted(model, labels), tmp_path / "m.joblib")
    assert integrity(read_artifact(tmp_path / "m.joblib")) == ()


def test_labels_given_in_an_order_of_ones_own_are_no_defect(tmp_path: Path) -> None:
    joblib.dump(MultiLabelBinarizer(classes=["b", "a"]).fit([["a"], ["b"]]), tmp_path / "m.joblib")
    assert integrity(read_artifact(tmp_path / "m.joblib")) == ()


def test_labels_that_changed_places_are_named_by_inspect_and_diff(tmp_path: Path) -> None:
    model = _fitted(RandomForestClassifier(3, random_state=0), ["bad", "good"])
    joblib.dump(model, tmp_path / "a.joblib")
    model.classes_ = model.classes_[::-1].copy()  # type: ignore[attr-defined]
    joblib.dump(model, tmp_path / "b.joblib")
    (defect,) = integrity(read_artifact(tmp_path / "b.joblib"))
    assert "rows that were learned as 'bad' are answered 'good'" in defect.what
    run = CliRunner()
    said = run.invoke(cli, ["inspect", str(tmp_path / "b.joblib")])
    assert "MW093" in said.output
    said = run.invoke(cli, ["diff", str(tmp_path / "a.joblib"), str(tmp_path / "b.joblib")])
    assert "answered under other labels" in said.output
