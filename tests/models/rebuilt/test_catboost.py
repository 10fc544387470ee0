"""Rebuilt CatBoost models answer as CatBoost 1.2.10 did when it wrote the fixtures (make_models.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from modelward.artifacts import read_artifact
from modelward.errors import ModelwardError
from modelward.models import open_model
from modelward.models.rebuilt import rebuild

DATA = Path(__file__).parents[2] / "artifacts" / "data" / "catboost"
ROWS = pl.read_csv(DATA / "rows.csv")
ANSWERS = pl.read_csv(DATA / "answers.csv")


@pytest.mark.parametrize("name", ["two", "three"])
def test_labels_and_shares(name: str) -> None:
    model = rebuild(read_artifact(DATA / f"{name}.pkl"))
    rows = ROWS.fill_null(0.0)
    assert model.predict(rows).tolist() == ANSWERS[f"labels {name}"].to_list()
    told = ANSWERS.select(pl.selectors.starts_with(f"shares {name}")).to_numpy()
    np.testing.assert_allclose(model.predict_proba(rows), told, rtol=0, atol=1e-12)
    assert list(model.feature_names_in_) == ROWS.columns


@pytest.mark.parametrize("name", ["number.pkl", "number.cbm"])
def test_numbers(name: str) -> None:
    model = rebuild(read_artifact(DATA / name))
    np.testing.assert_allclose(
        model.predict(ROWS.fill_null(0.0).to_numpy()), ANSWERS["number:0"].to_numpy(), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("name", ["missing_min", "missing_max"])
def test_missing_cells_and_bare_files(name: str) -> None:
    opened = open_model(str(DATA / f"{name}.cbm"))
    assert opened.rebuilt
    raw = ANSWERS[f"{name}:0"].to_numpy()
    shares = opened.model.predict_proba(ROWS.to_numpy())
    np.testing.assert_allclose(shares[:, 1], 1 / (1 + np.exp(-raw)), rtol=0, atol=1e-12)
    assert opened.model.predict(ROWS.to_numpy()).tolist() == np.where(raw > 0, "yes", "no").tolist()


@pytest.mark.parametrize("name", ["depthwise", "sets"])
def test_other_forms_are_refused_by_name(name: str) -> None:
    with pytest.raises(ModelwardError, match="not symmetric|split on categories|parts behind its trees"):
        open_model(str(DATA / f"{name}.cbm"))
