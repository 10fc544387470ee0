"""Rows 3, 4 and 5 as checks: planted truths, outcomes other than evidence, and the real data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from modelward.checks import BUDGETS, CheckNotGiven, CheckSkipped, Sample, Scope, conclude
from modelward.checks.mw03_inversion import AttributeInferenceCheck, sensitive_names
from modelward.checks.mw04_membership import Membership
from modelward.checks.mw05_stealing import Stealing
from modelward.findings import Cost, Policy
from modelward.models import wrap
from modelward.schema import Codec, Column, FeatureSchema

ALPHA = 0.05 / 8
SMALL = replace(BUDGETS["quick"], test_rows=1_500, fit_rows=1_500, steal_queries=300)
SHALLOW = {"n_estimators": 5, "max_depth": 3, "min_samples_leaf": 100, "random_state": 0}


def finding(check, scope):
    return conclude(check, check().run(scope), alpha=ALPHA, policy=Policy(), cost=Cost())


def real_scope(uci, model, names):
    frame = uci.with_columns(
        [(pl.col("SEX") == k).cast(pl.Int64).alias(f"SEX_{k}") for k in (1, 2) if "SEX_1" not in uci.columns]
    )
    target = next(n for n in frame.columns if "default" in n.lower())
    if names is None:
        names = [n for n in frame.columns if n not in ("ID", "SEX_1", "SEX_2", target)]
    table, y = frame.select(names), frame[target].to_numpy().astype(np.int64)
    columns = (Column(n, "integer", low=float(table[n].min()), high=float(table[n].max())) for n in names)
    onehot = (("SEX_1", "SEX_2"),) if "SEX_1" in names else ()
    schema = FeatureSchema(tuple(columns), onehot=onehot)
    codec = Codec.fit(schema, table)
    X = codec.encode(table)
    train, test = train_test_split(np.arange(len(X)), test_size=0.1, random_state=42)
    model.fit(X[train], y[train])
    return Scope(
        wrap(model, codec, [0, 1]), schema, Sample(X[test], y[test], total=len(test)),
        Sample(X[train], y[train], total=len(train)), sensitive=("SEX",),
    )  # fmt: skip


@pytest.fixture(scope="module")
def overfitted(make_scope, credit):
    frame, y = credit
    noise = np.random.default_rng(987).integers(0, 2, len(y))
    return make_scope(
        RandomForestClassifier(10, bootstrap=False, random_state=0),
        frame,
        noise,
        budget=SMALL,
        train_share=0.6,
    )


@pytest.fixture(scope="module")
def shallow(make_scope, credit):
    return make_scope(RandomForestClassifier(**SHALLOW), *credit, budget=SMALL, sensitive=("SEX",))


def test_membership_of_a_memorised_table_fails(overfitted):
    found = finding(Membership, overfitted)
    assert found.verdict == "fail"
    assert {s.name for s in found.series} == {"confidence", "shadow models", "chance"}
    assert any("min_samples_leaf=50" in c.code for c in found.countermeasures)


def test_curves_show_no_point_with_fewer_than_ten_rows(overfitted):
    evidence = Membership().run(overfitted)
    for series in evidence.series[:-1]:
        assert min(series.x) * 1_500 >= 10 - 1e-9
        assert min(series.y) * 1_500 >= 10 - 1e-9


def test_membership_of_a_model_that_generalises_does_not_fail(shallow):
    assert finding(Membership, shallow).verdict in ("pass", "inconclusive")


def test_membership_is_not_judged_when_the_tables_differ(shallow):
    moved = shallow.test.X.copy()
    moved[:, 1] += 10
    found = finding(Membership, replace(shallow, test=replace(shallow.test, X=moved)))
    assert found.verdict == "inconclusive"
    assert "not exchangeable" in found.summary


def test_membership_of_a_sound_model_is_not_judged_where_test_labels_are_noisier():
    """A linear model of linear data remembers nothing; its certainty fails on noisy test labels alone."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6_300, 20))
    y = (X.sum(axis=1) > 0).astype(np.int64)
    y[5_000:] ^= rng.random(1_300) < 0.3
    schema = FeatureSchema(tuple(Column(f"x{j}", "continuous", low=-9.0, high=9.0) for j in range(20)))
    codec = Codec.fit(schema, pl.DataFrame(X, schema=list(schema.names)))
    model = LogisticRegression().fit(X[:5_000], y[:5_000])
    scope = Scope(
        wrap(model, codec, [0, 1]), schema, Sample(X[5_000:], y[5_000:]), Sample(X[:5_000], y[:5_000])
    )
    found = finding(Membership, scope)
    assert any(m.name == "AUC: confidence" and m.verdict == "fail" for m in found.measures)
    assert found.verdict == "inconclusive"
    assert "not exchangeable" in found.summary


def test_membership_without_shadow_models_is_never_a_pass(shallow):
    """The weak attack alone proves little: what it does not find, shadow models may."""
    evidence = Membership().run(replace(shallow, subject=replace(shallow.subject, trainer=None)))
    assert "could not be tried" in evidence.unproven
    assert Membership().run(shallow).unproven == ""


def test_few_non_members_are_too_few(overfitted):
    test = Sample(overfitted.test.X[:400], overfitted.test.y[:400])
    found = finding(Membership, replace(overfitted, test=test))
    assert found.verdict == "inconclusive"
    assert "400 non-members" in found.summary
    assert any(m.name == "AUC: confidence" and m.value > 0.9 for m in found.measures)


def test_membership_without_train_or_with_hardly_a_row(overfitted):
    with pytest.raises(CheckNotGiven, match="--train FILE"):
        Membership().run(replace(overfitted, train=None))
    with pytest.raises(CheckSkipped, match="of each are needed"):
        Membership().run(replace(overfitted, test=overfitted.train))
    with pytest.raises(CheckSkipped, match="--max-queries"):
        Membership().run(replace(overfitted, subject=overfitted.subject.with_budget(10)))


def test_without_refitting_the_summary_says_so(overfitted):
    fixed = replace(overfitted.subject, trainer=None)
    assert (
        "No shadow models: the model cannot be trained again"
        in Membership().run(replace(overfitted, subject=fixed)).summary
    )


def test_sensitive_columns_come_from_the_call_or_from_the_schema(shallow):
    assert sensitive_names(replace(shallow, sensitive=("SEX", "SEX_1", "AGE"))) == ("SEX", "AGE")
    columns = tuple(replace(c, role="sensitive" if c.name == "AGE" else "none") for c in shallow.schema)
    marked = replace(shallow, sensitive=(), schema=replace(shallow.schema, columns=columns))
    assert sensitive_names(marked) == ("AGE",)
    with pytest.raises(CheckNotGiven, match="--sensitive COLS"):
        AttributeInferenceCheck().run(replace(shallow, sensitive=()))


@pytest.mark.parametrize("with_train", [True, False])
def test_attribute_inference_of_a_shallow_forest_does_not_fail(shallow, with_train):
    scope = replace(shallow, sensitive=("SEX", "AGE"), train=shallow.train if with_train else None)
    found = finding(AttributeInferenceCheck, scope)
    assert [m.name for m in found.measures] == ["advantage: SEX", "advantage: AGE"]
    assert found.verdict in ("pass", "inconclusive")
    assert ("training rows" in found.summary) is with_train


def test_stealing_shows_curves_baseline_and_the_queries(shallow):
    evidence = Stealing().run(shallow)
    found = conclude(Stealing, evidence, alpha=ALPHA, policy=Policy(), cost=Cost())
    assert found.verdict == "measured"
    assert evidence.attack_rows.shape == (300, len(shallow.schema))
    assert found.series[-1].name == "always the most common label"
    best = next(m for m in found.measures if m.name == "fidelity: real rows asked")
    base = next(m for m in found.measures if m.name.startswith("baseline: most common label, real"))
    assert best.value > base.value


def test_stealing_needs_rows_and_queries(shallow):
    with pytest.raises(CheckSkipped, match="give more rows"):
        Stealing().run(replace(shallow, test=Sample(shallow.test.X[:40], shallow.test.y[:40])))
    with pytest.raises(CheckSkipped, match="three points"):
        Stealing().run(replace(shallow, subject=shallow.subject.with_budget(50)))


@pytest.mark.parametrize("check", [AttributeInferenceCheck, Membership, Stealing])
def test_the_seed_decides_everything(shallow, check):
    first, second = (check().run(replace(shallow, seed=5)) for _ in range(2))
    assert (first.summary, first.claims, first.series) == (second.summary, second.claims, second.series)


def test_the_shallow_forest_of_the_real_data_gives_no_member_away(uci):
    from modelward.checks import BUDGETS

    names = [
        "LIMIT_BAL",
        "AGE",
        "PAY_0",
        "PAY_2",
        "PAY_3",
        "BILL_AMT1",
        "BILL_AMT2",
        "PAY_AMT1",
        "SEX_1",
        "SEX_2",
    ]
    scope = real_scope(uci, RandomForestClassifier(**SHALLOW), names)
    assert scope.budget == BUDGETS["quick"]
    assert finding(Membership, scope).verdict in ("pass", "inconclusive")


def test_a_full_forest_of_the_real_data_gives_its_members_away(uci):
    scope = real_scope(uci, RandomForestClassifier(100, random_state=0), None)
    found = finding(Membership, replace(scope, budget=replace(scope.budget, shadows=2, fit_rows=4_000)))
    assert found.verdict == "fail"
