"""What each supplier of rows could do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from modelward.models import wrap
from modelward.poisoning import Backdoor, exposure_by_source
from modelward.schema import Codec


@pytest.fixture(scope="module")
def rows(draw_credit: Callable[[int, int], tuple[Codec, np.ndarray, np.ndarray]]) -> Any:
    codec, X, y = draw_credit(1_200, 5)
    model = DecisionTreeClassifier(min_samples_leaf=2, random_state=0).fit(X[:800], y[:800])
    return wrap(model, codec, [0, 1]), X[:900], y[:900], X[900:], y[900:]


def test_who_delivers_more_can_do_more_and_few_rows_are_nobody(rows: Any) -> None:
    sources = np.array(["big"] * 600 + ["small"] * 292 + ["tiny"] * 5 + [None] * 3, dtype=object)
    sources = np.random.default_rng(0).permutation(sources)
    found = exposure_by_source(*rows, sources, attacks=[Backdoor(1)], fit_rows=500, repeats=2)
    assert [s.name for s in found] == ["big", "small"]
    assert found[0].worst >= found[1].worst > 0.3
    assert (found[0].rows, found[1].rows) == (600, 292)
    assert all(s.curves[0].points[0].rows <= round(s.share * 500) for s in found)
    again = exposure_by_source(*rows, sources, attacks=[Backdoor(1)], fit_rows=500, repeats=2)
    assert found == again


def test_a_supplier_may_hold_back(rows: Any) -> None:
    (one,) = exposure_by_source(
        *rows, np.full(900, 7.0), attacks=[Backdoor(1)], most=0.01, fit_rows=500, repeats=1
    )
    assert one.name == "7.0" and one.share == 1.0
    assert one.curves[0].points[0].rows == 5


def test_mistakes_are_named(rows: Any) -> None:
    for sources in (np.full(3, "a"), np.arange(900), np.full(900, np.nan)):
        with pytest.raises(ValueError, match=r"sources for|ten rows"):
            exposure_by_source(*rows, sources)


def test_assess_says_what_each_supplier_could_do() -> None:
    import polars as pl

    from modelward import assess
    from modelward.demo import credit_data, shallow_forest
    from modelward.errors import UsageError

    train, test = credit_data(rows=1_500, seed=0)
    model = shallow_forest(train)
    train = train.with_columns(agency=pl.Series(["a", "b", "b"] * 500)[: train.height])
    report = assess(model, test, target="DEFAULT", train=train, source="agency", select=["MW023"])
    tables = [
        table for finding in report.findings for table in finding.tables if table.columns[0] == "supplier"
    ]
    assert sorted(row[0] for row in tables[0].rows) == ["a", "b"]
    for wrong in ({"source": "none", "train": train}, {"source": "agency"}):
        with pytest.raises(UsageError, match="--source"):
            assess(model, test, target="DEFAULT", select=["MW023"], **wrong)
