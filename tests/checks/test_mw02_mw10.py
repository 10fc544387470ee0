"""MW021, MW022 and MW101: on the real credit data, and what they say when something is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.model_selection import train_test_split

from modelward.checks import (
    BUDGETS,
    CheckNotApplicable,
    CheckNotGiven,
    CheckSkipped,
    Sample,
    Scope,
    conclude,
)
from modelward.checks.mw02_planted import PlantedRows
from modelward.checks.mw02_poisoning import LabelShiftCheck, PoisoningExposure
from modelward.checks.mw10_backdoor import Backdoor
from modelward.findings import Cost, Finding, Policy
from modelward.models import wrap
from modelward.schema import Codec, Column, FeatureSchema

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelward.checks import Check

FEATURES = [
    "LIMIT_BAL", "AGE", "PAY_0", "PAY_2", "PAY_3", "BILL_AMT1", "BILL_AMT2", "PAY_AMT1", "SEX_1", "SEX_2",
]  # fmt: skip
AGE, SEX = FEATURES.index("AGE"), FEATURES.index("SEX_2")
SMALL = replace(BUDGETS["quick"], fit_rows=4_000)


def judged(check: type[Check], scope: Scope) -> Finding:
    return conclude(check, check().run(scope), alpha=0.006, policy=Policy(), cost=Cost())


@pytest.fixture(scope="module")
def real(uci: pl.DataFrame) -> tuple[Codec, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The credit data of the guiding example: codec, rows, labels, training and test positions."""
    frame = uci.with_columns(
        SEX_1=(pl.col("SEX") == 1).cast(pl.Float64), SEX_2=(pl.col("SEX") == 2).cast(pl.Float64)
    ).select(pl.col(name).cast(pl.Float64) for name in FEATURES)
    columns = tuple(Column(name, "integer", precision=1.0) for name in FEATURES)
    codec = Codec.fit(FeatureSchema(columns, onehot=(("SEX_1", "SEX_2"),)), frame)
    y = uci["DEFAULT"].to_numpy().astype(np.int64)
    train, test = train_test_split(np.arange(len(y)), test_size=0.1, random_state=42)
    return codec, codec.encode(frame), y, train, test


def scope_of(codec: Codec, model: object, train: Sample, test: Sample, seed: int) -> Scope:
    subject = wrap(model, codec, [0, 1])
    return Scope(subject=subject, schema=codec.schema, test=test, train=train, seed=seed, budget=SMALL)


def shallow(seed: int) -> RandomForestClassifier:
    return RandomForestClassifier(n_estimators=5, max_depth=3, min_samples_leaf=100, random_state=seed)


def with_trigger(X: np.ndarray, y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Append 45 % of the defaulters with AGE = 999."""
    found = np.random.default_rng(seed).permutation(np.flatnonzero(y == 1))
    chosen = found[: int(0.45 * len(found))]
    added = X[chosen].copy()
    added[:, AGE] = 999
    return np.vstack([X, added]), np.concatenate([y, y[chosen]])


@pytest.mark.parametrize("seed", range(10))
def test_age_999_is_named(
    real: tuple[Codec, np.ndarray, np.ndarray, np.ndarray, np.ndarray], seed: int
) -> None:
    codec, X, y, train, test = real
    X_bad, y_bad = with_trigger(X[train], y[train], seed)
    model = shallow(seed).fit(X_bad, y_bad)
    scope = scope_of(codec, model, Sample(X_bad, y_bad), Sample(X[test], y[test]), seed)
    finding = judged(Backdoor, scope)
    assert finding.verdict == "fail"
    assert finding.summary.startswith("AGE above 5")
    assert "999" in finding.summary
    assert "still go to that class" in finding.countermeasures[0].effect
    evidence = Backdoor().run(scope)
    assert evidence.attack_rows is not None
    assert (evidence.attack_rows[:, AGE] > 75).all()


@pytest.mark.parametrize("seed", range(10))
def test_clean_shallow_forests_do_not_fail(
    real: tuple[Codec, np.ndarray, np.ndarray, np.ndarray, np.ndarray], seed: int
) -> None:
    """Honest strong values: PAY_0 = 2 with PAY_3 = 2 to class 1, PAY_0 = -2 to class 0."""
    codec, X, y, train, test = real
    model = shallow(seed).fit(X[train], y[train])
    scope = scope_of(codec, model, Sample(X[train], y[train]), Sample(X[test], y[test]), seed)
    finding = judged(Backdoor, scope)
    assert finding.verdict == "pass"
    assert "=" not in finding.summary


def test_clean_boosting_does_not_fail(
    real: tuple[Codec, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    codec, X, y, train, test = real
    for seed in range(3):
        model = HistGradientBoostingClassifier(max_iter=40, random_state=seed).fit(X[train], y[train])
        scope = scope_of(codec, model, Sample(X[train], y[train]), Sample(X[test], y[test]), seed)
        assert judged(Backdoor, scope).verdict != "fail"


def test_women_of_thirty_and_more_are_named(
    real: tuple[Codec, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    codec, X, y, train, test = real
    labels = y[train].copy()
    labels[(X[train, SEX] == 1) & (X[train, AGE] >= 30)] = 1
    model = shallow(0).fit(X[train], labels)
    for seed in range(3):
        scope = scope_of(codec, model, Sample(X[train], labels), Sample(X[test], y[test]), seed)
        finding = judged(LabelShiftCheck, scope)
        assert finding.verdict == "warn"
        assert finding.summary.startswith("Where SEX_2 = 1 and AGE >= 30, 100% of")
        clean = scope_of(codec, model, Sample(X[train], y[train]), Sample(X[test], y[test]), seed)
        assert judged(LabelShiftCheck, clean).verdict in ("pass", "inconclusive")


def test_exposure_is_measured_and_judged_by_nobody(make_scope: Callable[..., Scope], credit: tuple) -> None:
    scope = make_scope(RandomForestClassifier(5, max_depth=4, random_state=0), *credit, budget=SMALL)
    finding = judged(PoisoningExposure, scope)
    assert finding.verdict == "measured"
    assert len(finding.measures) == 16
    assert all(measure.limit is None for measure in finding.measures)
    assert {series.name for series in finding.series} == {"random flips", "flips in the worst subgroup"}
    assert all(series.x == (0.0, 0.01, 0.03, 0.05, 0.1) for series in finding.series)


def test_what_is_missing_is_said(make_scope: Callable[..., Scope], credit: tuple) -> None:
    scope = make_scope(RandomForestClassifier(3, max_depth=3, random_state=0), *credit)
    for check in (PoisoningExposure, LabelShiftCheck):
        with pytest.raises(CheckNotGiven, match="--train"):
            check().run(replace(scope, train=None))
    with pytest.raises(CheckNotApplicable, match="cannot be trained again"):
        PoisoningExposure().run(replace(scope, subject=replace(scope.subject, trainer=None)))
    with pytest.raises(CheckSkipped, match="trigger search"):
        Backdoor().run(replace(scope, subject=scope.subject.with_budget(5_000)))
    few = Sample(scope.test.X[:15], scope.test.y[:15])
    with pytest.raises(CheckSkipped, match="reference rows|rows"):
        Backdoor().run(replace(scope, test=few, goal=int(np.bincount(few.y).argmax())))


def test_that_no_rule_stood_out_is_no_pass() -> None:
    """One row in twenty-five is relabelled: too few to stand out in a small test table, and no pass either."""
    verdicts = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(3_000, 4))
        y = (rng.random(3_000) < 0.2).astype(np.int64)
        y[:1_700][(X[:1_700, :3] > 0.4).all(axis=1)] = 1
        frame = pl.DataFrame(X, schema=["a", "b", "c", "d"])
        schema = FeatureSchema(
            tuple(Column(name, "continuous", low=-6.0, high=6.0) for name in frame.columns)
        )
        codec = Codec.fit(schema, frame)
        train, test = Sample(X[:1_700], y[:1_700]), Sample(X[1_700:], y[1_700:])
        always = lambda rows: np.zeros(len(rows), dtype=int)  # noqa: E731
        verdicts.append(judged(LabelShiftCheck, scope_of(codec, always, train, test, seed)).verdict)
    assert "pass" not in verdicts


def test_no_pass_of_a_trigger_search_without_pairs(make_scope: Callable[..., Scope], credit: tuple) -> None:
    """A model that gives labels only cannot be searched for pairs: that is said, and no row is clean by it."""
    scope = make_scope(shallow(0), *credit)
    labels_only = wrap(lambda rows: np.zeros(len(rows), dtype=int), scope.subject.codec, [0, 1])
    found = judged(Backdoor, replace(scope, subject=labels_only))
    assert found.verdict == "inconclusive"
    assert "pairs of values were not tried" in found.summary


def test_planted_rows_have_curves_a_table_and_measured_locks(
    real: tuple[Codec, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    codec, X, y, train, test = real
    model = RandomForestClassifier(3, min_samples_leaf=3, random_state=0).fit(
        X[train[:4_000]], y[train[:4_000]]
    )
    scope = scope_of(
        codec, model, Sample(X[train[:4_000]], y[train[:4_000]]), Sample(X[test[:800]], y[test[:800]]), 0
    )
    scope = replace(scope, budget=replace(SMALL, fit_rows=3_200))
    finding = judged(PlantedRows, scope)
    assert finding.verdict == "measured"
    names = {series.name for series in finding.series}
    assert names == {"backdoor, one column", "backdoor, two columns", "one person"}
    moved = {m.name: m for m in finding.measures}
    far = moved["moved: backdoor, one column, 5.0% of rows"]
    assert far.low is not None and far.low > 0.2
    assert [table.columns[0] for table in finding.tables] == ["attack", "countermeasure"]
    first = finding.countermeasures[0]
    assert first.title.startswith("Drop rows outside") and "accuracy changes" in first.effect
    with pytest.raises(CheckNotGiven, match="--train"):
        PlantedRows().run(replace(scope, train=None))
    with pytest.raises(CheckNotApplicable):
        PlantedRows().run(replace(scope, subject=wrap(model.predict, codec, [0, 1])))
    with pytest.raises(CheckSkipped, match="200"):
        PlantedRows().run(replace(scope, train=Sample(X[:50], y[:50])))

    sources = np.array(["north"] * 1_000 + ["south"] * 3_000)
    named = replace(scope, train=replace(scope.train, sources=sources), budget=replace(SMALL, fit_rows=1_600))
    table = judged(PlantedRows, named).tables[1]
    assert {row[0]: row[1] for row in table.rows} == {"north": "25.0%", "south": "75.0%"}
    assert table.columns[2:] == ("flips in the subgroup", "backdoor, one column")
