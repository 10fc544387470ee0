"""Rules that always give a label: proven by the engine, doubted here by asking the loaded model."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from modelward.artifacts import inspect, read_bytes
from modelward.artifacts._inspect.ensembles import tree_set
from modelward.artifacts._inspect.leaves import lay_out
from modelward.artifacts._inspect.rule import find_rules
from modelward.errors import UsageError

RNG = np.random.default_rng(3)
X = np.round(RNG.normal(size=(400, 5)), 2)
Y = np.digitize(X[:, 0] + 0.6 * X[:, 1] * (X[:, 2] > 0), [-0.4, 0.8])

MODELS = [
    DecisionTreeClassifier(max_depth=4), RandomForestClassifier(9, max_depth=4), RandomForestClassifier(15), ExtraTreesClassifier(7, max_depth=5),
    GradientBoostingClassifier(n_estimators=8), HistGradientBoostingClassifier(max_iter=8), AdaBoostClassifier(n_estimators=8),
    BaggingClassifier(DecisionTreeClassifier(max_depth=4), 7, max_features=0.7), IsolationForest(n_estimators=15, max_samples=32),
]  # fmt: skip


def rows_inside(rule: object, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw rows that fulfil a rule: its corners first, the other columns wild and missing nowhere."""
    rows = rng.normal(scale=3, size=(n, 5))
    rows[::3] = X[rng.integers(0, len(X), len(rows[::3]))]
    for condition in rule.conditions:
        low = condition.low if np.isfinite(condition.low) else min(condition.high, -50.0) - 1
        high = condition.high if np.isfinite(condition.high) else max(condition.low, 50.0) + 1
        ends = np.array([low, high, np.nextafter(low, np.inf), np.nextafter(high, -np.inf)])
        ends = np.clip(ends, low, high)
        values = np.where(rng.uniform(size=n) < 0.5, rng.uniform(low, high, n), rng.choice(ends, n))
        rows[:, condition.column] = values
    return rows


@pytest.mark.parametrize("model", MODELS, ids=lambda m: str(m)[:45])
@pytest.mark.parametrize("labels", ["two", "three"])
def test_every_row_in_the_box_gets_the_label(model: object, labels: str) -> None:
    y = Y if labels == "three" else np.array(["no", "yes"])[(Y > 0).astype(int)]
    model.set_params(random_state=0).fit(X, y)
    trees = tree_set(read_bytes(pickle.dumps(model)).root, "")
    rules, why = find_rules(trees, trees.classes)
    assert why == ""
    assert rules
    rng = np.random.default_rng(5)
    for rule in rules:
        assert (model.predict(rows_inside(rule, 3_000, rng)) == rule.label).all(), rule
        assert 0 <= rule.at_least <= rule.at_most <= 1


def test_missing_values_elsewhere_change_nothing() -> None:
    A = np.where(RNG.uniform(size=X.shape) < 0.2, np.nan, X)
    for model in (
        RandomForestClassifier(7, max_depth=3, random_state=0),
        HistGradientBoostingClassifier(max_iter=5),
    ):
        model.fit(A, Y > 0)
        trees = tree_set(read_bytes(pickle.dumps(model)).root, "")
        for rule in find_rules(trees, trees.classes)[0]:
            rows = rows_inside(rule, 2_000, np.random.default_rng(0))
            free = [j for j in range(5) if j not in {c.column for c in rule.conditions}]
            rows[:, free] = np.where(RNG.uniform(size=(2_000, len(free))) < 0.5, np.nan, rows[:, free])
            assert (model.predict(rows) == rule.label).all()


def test_the_box_of_a_single_tree_is_the_largest() -> None:
    """Brute force: of all boxes of cells in which the tree says the label, none has more training rows."""
    model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X[:, :2], Y > 0)
    trees = tree_set(read_bytes(pickle.dumps(model)).root, "")
    rules, _ = find_rules(trees, trees.classes)
    leaves = lay_out(trees)
    cuts = [np.concatenate([[-np.inf], c, [np.inf]]) for c in leaves.cuts]
    for rule in rules:
        best = 0
        ranges = [list(itertools.combinations(range(len(c)), 2)) for c in cuts]
        for box in itertools.product(*ranges):
            inside = np.ones(len(X), dtype=bool)
            for axis, (a, b) in enumerate(box):
                column = X[:, int(leaves.columns[axis])].astype(np.float32)
                inside &= (column > cuts[axis][a]) & (column <= cuts[axis][b])
            cells = [
                [
                    max(cuts[axis][c], -9.0) + 1e-4 if np.isinf(cuts[axis][c + 1]) else cuts[axis][c + 1]
                    for c in range(a, b)
                ]
                for axis, (a, b) in enumerate(box)
            ]
            grid = np.zeros((int(np.prod([len(c) for c in cells])), 2))
            for axis, values in enumerate(np.meshgrid(*cells, indexing="ij")):
                grid[:, int(leaves.columns[axis])] = np.nextafter(
                    values.ravel().astype(np.float32), np.float32(-np.inf)
                )
            if (model.predict(grid) == rule.label).all():
                best = max(best, int(inside.sum()))
        held = np.ones(len(X), dtype=bool)
        for condition in rule.conditions:
            held &= (X[:, condition.column] >= condition.low) & (X[:, condition.column] <= condition.high)
        assert held.sum() == best


def test_rules_are_told_in_the_tables_own_units() -> None:
    frame = pd.DataFrame(X, columns=list("abcde")).assign(
        town=np.array(["x", "y", "z"])[RNG.integers(0, 3, 400)]
    )
    y = np.where((frame["a"] > 0.2) & (frame["town"] != "z"), "good", "bad")
    for scaler in (StandardScaler(), MinMaxScaler(), RobustScaler()):
        model = make_pipeline(
            make_column_transformer(
                (make_pipeline(SimpleImputer(), scaler), ["b", "a"]), (OneHotEncoder(), ["town"])
            ),
            RandomForestClassifier(5, max_depth=3, random_state=0),
        ).fit(frame, y)
        found = inspect(read_bytes(pickle.dumps(model)), train=frame)
        assert {rule.label for rule in found.surface.rules} == {"good", "bad"}
        for rule in found.surface.rules:
            rows = frame.sample(2_000, replace=True, random_state=0).reset_index(drop=True)
            held = np.ones(len(frame), dtype=bool)
            for term in rule.terms:
                values = frame[term.column]
                if term.is_not or term.equals:
                    allowed = [
                        t for t in "xyz" if t not in term.is_not and (not term.equals or t in term.equals)
                    ]
                    rows[term.column] = RNG.choice(allowed, len(rows))
                    held &= values.isin(allowed).to_numpy()
                else:
                    low, high = max(term.low, -40), min(term.high, 40)
                    rows[term.column] = np.where(
                        RNG.uniform(size=len(rows)) < 0.3,
                        RNG.choice([low, high], len(rows)),
                        RNG.uniform(low, high, len(rows)),
                    )
                    held &= ((values >= term.low) & (values <= term.high)).to_numpy()
            assert (model.predict(rows) == rule.label).all(), rule.words
            assert rule.counted is None or rule.counted.inside == held.sum()


def test_a_goal_picks_the_label() -> None:
    data = read_bytes(pickle.dumps(RandomForestClassifier(3, max_depth=2, random_state=0).fit(X, Y > 0)))
    (rule,) = inspect(data, goal="True").surface.rules
    assert rule.label is True
    with pytest.raises(UsageError, match="it has False, True"):
        inspect(data, goal="maybe")


def test_a_constant_model_has_a_rule_without_conditions() -> None:
    found = inspect(read_bytes(pickle.dumps(DecisionTreeClassifier().fit(X, np.zeros(400, dtype=int)))))
    assert [rule.words for rule in found.surface.rules] == ["every row gets 0"]


def test_the_same_file_gives_the_same_rule() -> None:
    data = read_bytes(pickle.dumps(RandomForestClassifier(12, random_state=0).fit(X, Y)))
    assert inspect(data).to_dict() == inspect(data).to_dict()
