"""Countermeasures: those with a known effect, those that cannot apply, and the code that they hand out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from modelward.demo import credit_data, shallow_forest
from modelward.evasion import LOCKS, Workbench, harden
from modelward.evasion._field import balanced_accuracy
from modelward.evasion._gates import gated, round_to, rounded_thresholds
from modelward.evasion.hardening import _paired
from modelward.models import wrap
from modelward.schema import Codec, Column, FeatureSchema

BY_NAME = {lock.name: lock for lock in LOCKS}


def bench_of(model, X, y, schema, **options):
    subject = wrap(model.fit(X, y), Codec.fit(schema), y.tolist())
    return Workbench(subject, X, y, schema, 0, **options)


@pytest.fixture(scope="module")
def noisy():
    """One column with a step at 50 and noise: a full tree learns the noise, large leaves do not."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 100, 3_000), rng.integers(0, 100, 3_000)]).astype(float)
    y = ((X[:, 0] >= 50) ^ (rng.uniform(size=3_000) < 0.15)).astype(int)
    columns = (
        Column("a", "integer", low=0, high=99, cost=0.1),
        Column("b", "integer", low=0, high=99, cost=0.1),
    )
    return X, y, FeatureSchema(columns)


def _run(bench, noisy, names, **options):
    X, y, _ = noisy
    found = harden(bench, X[2_000:], y[2_000:], locks=[BY_NAME[n] for n in names], rows=60, **options)
    return {trial.name: trial for trial in found.trials}


def test_what_must_help_helps_on_a_model_that_learnt_noise(noisy):
    X, y, schema = noisy
    bench = bench_of(DecisionTreeClassifier(random_state=0), X[:2_000], y[:2_000], schema)
    found = _run(bench, noisy, ["control 1", "control 2", "leaves", "monotonic"])
    for name in ("leaves", "monotonic"):
        trial = found[name]
        assert trial.effect == "helps", name
        assert trial.before.exact
        assert trial.after.exact
        assert trial.after.flipped.value < trial.before.flipped.value
        assert trial.accuracy_by.value > 0, "less noise is learnt"
    assert found["control 1"].effect != "helps"
    assert "a up" in found["monotonic"].note


def test_a_countermeasure_that_changes_nothing_is_not_said_to_help(noisy):
    X, y, schema = noisy
    bench = bench_of(DecisionTreeClassifier(max_depth=1, random_state=0), X[:2_000], y[:2_000], schema)
    found = _run(bench, noisy, ["control 1", "monotonic", "leaves"])
    for name in ("control 1", "monotonic", "leaves"):
        assert found[name].effect == "no difference shown"
        assert found[name].flipped_by.value == 0.0


def test_both_models_are_attacked_by_the_same_search(noisy):
    X, y, schema = noisy
    bench = bench_of(DecisionTreeClassifier(max_depth=3, random_state=0), X[:2_000], y[:2_000], schema)
    found = _run(bench, noisy, ["leaves", "rounding", "clipping", "ensemble"])
    assert found["leaves"].before.exact
    for name in ("rounding", "clipping", "ensemble"):
        assert not found[name].before.exact
        assert not found[name].after.exact
    assert found["clipping"].outside


def test_what_does_not_apply_says_why(noisy):
    X, y, schema = noisy
    X, y = X[:600], y[:600]
    far = {
        n: t for n, t in _all(KNeighborsClassifier(3), X, y, schema).items() if t.status == "not_applicable"
    }
    assert "takes no monotonic" in far["monotonic"].reason
    assert "no size of leaves" in far["leaves"].reason
    three = np.digitize(X[:, 0], [33, 66])
    found = _all(RandomForestClassifier(3, max_depth=3, random_state=0), X, three, schema)
    assert "two labels" in found["monotonic"].reason
    bench = bench_of(LogisticRegression(), X, y, schema)
    lonely = Workbench(dataclasses.replace(bench.subject, trainer=None, model=None), X, y, schema, 0)
    trials = harden(lonely, X[:100], y[:100], rows=20, queries=200).trials
    assert [t.name for t in trials if t.status == "tried"] == ["clipping"], (
        "it stands in front and trains nothing"
    )
    assert all(t.reason for t in trials if t.status != "tried")
    assert len(trials) == len(LOCKS)


def _all(model, X, y, schema):
    bench = bench_of(model, X, y, schema, attacked=50)
    return {t.name: t for t in harden(bench, X[:150], y[:150], rows=20, queries=200).trials}


def test_rounding_changes_answers_where_it_says(noisy):
    X, y, schema = noisy
    inner = bench_of(DecisionTreeClassifier(max_depth=3, random_state=0), X, y, schema).subject
    cuts = {j: np.unique(np.random.default_rng(j).uniform(0, 100, 4)) for j in (0, 1)}
    steps = {0: 10.0}
    told = rounded_thresholds(cuts, steps)[0]
    values = np.arange(0, 100, 0.25)
    side = np.searchsorted(cuts[0], round_to(np.column_stack([values, values]), steps)[:, 0])
    changes = (values[1:] + values[:-1])[np.diff(side) > 0] / 2
    assert len(changes) == len(told)
    assert np.abs(changes - told).max() <= 0.25
    door = gated(inner, lambda rows: round_to(rows, steps))
    assert np.array_equal(door.codes(np.array([[14.0, 3.0]])), inner.codes(np.array([[10.0, 3.0]])))
    assert door.model is None


def test_intervals_of_balanced_accuracy_cover():
    rng = np.random.default_rng(0)
    inside = paired = 0
    for _ in range(300):
        y = (rng.uniform(size=400) < 0.3).astype(int)
        one, two = (rng.uniform(size=400) < np.where(y == 1, 0.6, 0.9) for _ in range(2))
        low, high = balanced_accuracy(one, y).interval(0.95)
        inside += low <= 0.75 <= high
        low, high = _paired(one, two, y).interval(0.95)
        paired += low <= 0.0 <= high
    assert inside >= 0.92 * 300
    assert paired >= 0.92 * 300


def test_no_attacked_row_costs_more_than_one_that_flips_both():
    """The flips that moved the model before are tried after: what still works counts."""
    rng = np.random.default_rng(1)
    X = rng.integers(0, 50, (800, 2)).astype(float)
    y = (X[:, 0] + X[:, 1] > 50).astype(int)
    schema = FeatureSchema(tuple(Column(n, "integer", low=0, high=49, cost=0.1) for n in "ab"))
    bench = bench_of(HistGradientBoostingClassifier(max_iter=10, random_state=0), X, y, schema)
    found = harden(bench, X[:200], y[:200], locks=[BY_NAME["ensemble"]], rows=40, queries=300)
    trial = found.trials[0]
    assert trial.status == "tried"
    assert np.isfinite(trial.after.cost.value)
    same = harden(bench, X[:200], y[:200], locks=[BY_NAME["ensemble"]], rows=40, queries=300)
    assert same == found


def test_the_code_of_each_runs_on_the_demo_and_leaves_a_model():
    train, test = credit_data(rows=3_000, seed=0)
    model = shallow_forest(train)
    names = list(model.feature_names_in_)
    X_train, y_train = train.select(names), train["DEFAULT"]
    schema = __import__("modelward").infer(X_train)
    codec = Codec.fit(schema, X_train)
    subject = wrap(model, codec, y_train.to_list())
    bench = Workbench(subject, codec.encode(X_train), y_train.to_numpy(), schema, 0, attacked=60)
    for lock in LOCKS:
        made = lock.make(bench)
        if not made.code:
            assert lock.name.startswith("control")
            continue
        space = {"model": model, "X_train": X_train, "y_train": y_train}
        exec(made.code, space)  # noqa: S102 - it is our own
        rows = test.select(names)
        answer = space["answer"](rows) if "answer" in space else space["hardened"].predict(rows)
        share = np.mean(np.asarray(answer) == test["DEFAULT"].to_numpy())
        assert share > 0.7, lock.name
        if lock.name in ("monotonic", "leaves", "rounding", "clipping"):
            ours = made.subject.predict(codec.encode(rows))
            assert np.mean(ours == answer) > 0.95, "the code makes the model that was measured"
