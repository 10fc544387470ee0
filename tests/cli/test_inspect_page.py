"""inspect's page: what stands beside each other, and the ranges that are drawn; oracle: the loaded model's trees."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelward.artifacts import inspect
from modelward.cli._inspect_page import page_of
from modelward.cli._inspect_tree import asked_ranges
from modelward.reports import render_page_html

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame({name: RNG.lognormal(3, 1, 300) for name in ("income", "age", "amount", "noise")})
Y = np.where(TABLE["income"] > TABLE["amount"], "paid", "late")
FOREST = RandomForestClassifier(8, max_depth=3, random_state=0)


@pytest.fixture
def told(tmp_path: Path) -> Any:
    def read(model: Any) -> Any:
        (tmp_path / "m.pkl").write_bytes(pickle.dumps(model.fit(TABLE, Y)))
        return inspect(tmp_path / "m.pkl")

    return read


@pytest.mark.parametrize("scaled", [False, True])
def test_lines_go_over_the_values_that_the_model_asks_about(told: Any, scaled: bool) -> None:
    model = make_pipeline(StandardScaler(), FOREST) if scaled else FOREST
    found = told(model)
    trees = [tree.tree_ for tree in FOREST.estimators_]
    scaler = model[0] if scaled else None
    ranges = asked_ranges(found)
    for j, name in enumerate(TABLE):
        values = np.concatenate([tree.threshold[tree.feature == j] for tree in trees])
        if scaler is not None:
            values = values * scaler.scale_[j] + scaler.mean_[j]
        np.testing.assert_allclose(ranges[name], (values.min(), values.max()), rtol=1e-9)
    spans = [span for section in page_of(found).sections for card in section.rules for span in card.spans]
    assert spans
    for span in spans:
        low, high = ranges[span.name]
        ends = [end for end in (span.low, span.high) if not math.isinf(end)]
        assert span.start < min(low, *ends)
        assert span.end > max(high, *ends)


def test_sections_stand_in_pairs_and_none_is_lost(told: Any) -> None:
    for model, first in (
        (FOREST, ["What it is", "Which columns count"]),
        (make_pipeline(StandardScaler(), KNeighborsClassifier()), ["What it is", "What it is made of"]),
    ):
        page = page_of(told(model))
        rows = [[section.title for _, section in row] for row in page.rows]
        assert rows[0] == first
        assert [title for row in rows for title in row] == [section.title for section in page.sections]
        assert max(map(len, rows)) == 2
        assert render_page_html(page).count('<div class="pair">') == sum(len(row) == 2 for row in rows)


def test_it_says_how_many_columns_count(told: Any) -> None:
    found = told(RandomForestClassifier(2, max_depth=1, random_state=0))
    (section,) = [s for s in page_of(found).sections if s.title == "Which columns count"]
    facts = dict(section.facts)
    used = found.surface.used
    assert facts["used"] == f"{len(used)} of 4 columns can change the answer"
    assert all(name in facts["never used"] for name in set(TABLE) - set(used))
