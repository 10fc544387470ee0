"""What inspect reads from a file, against the same object loaded by its own library."""

from __future__ import annotations

import io
import json
import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier
from sklearn.utils import all_estimators

from modelward.artifacts import inspect, read_bytes, tree_set

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 6))
Y = np.array(["bad", "good"])[(X[:, 0] + X[:, 2] > 0).astype(int)]
Y3 = np.digitize(X[:, 0] + X[:, 2], [-0.5, 0.7])


def look(model: object, **options: object) -> object:
    return inspect(read_bytes(pickle.dumps(model), "model.pkl"), **options)


def told(value: object) -> object:
    """Say in plain data what a loaded parameter is, by rules of our own."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return [told(item) for item in value]
    if isinstance(value, dict):
        return {str(told(key)): told(item) for key, item in value.items()}
    if isinstance(value, slice):
        return repr(value)
    kind = value if isinstance(value, type) or hasattr(value, "__qualname__") else type(value)
    return f"{kind.__module__}.{kind.__qualname__}"


def plainly_fitted(cls: type) -> object | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for data in (X[:40], np.abs(X[:40])):
            try:
                return cls().fit(data, (Y == "good")[:40].astype(int))
            except Exception:  # noqa: BLE001, S112 - needs arguments or other data
                continue
    return None


def test_class_version_parameters_and_columns_of_all_estimators() -> None:
    from sklearn import __version__

    looked = 0
    for name, cls in all_estimators():
        model = plainly_fitted(cls)
        if model is None:
            continue
        found = look(model, rules=False)
        assert found.kind == f"{cls.__module__}.{cls.__qualname__}"
        assert (found.library, found.library_version) == ("sklearn", __version__), name
        assert found.params == {key: told(value) for key, value in model.get_params().items()}, name
        assert found.complete_params
        assert found.n_features == getattr(model, "n_features_in_", found.n_features), name
        json.dumps(found.to_dict(), allow_nan=False)
        looked += 1
    assert looked > 120


NESTED = [
    make_pipeline(StandardScaler(), FeatureUnion([("a", StandardScaler()), ("b", SimpleImputer())]), SVC(C=3)),
    GridSearchCV(make_pipeline(StandardScaler(), DecisionTreeClassifier()), {"decisiontreeclassifier__max_depth": [1, 2]}, cv=2),
    VotingClassifier([("tree", DecisionTreeClassifier()), ("bayes", GaussianNB())]),
    StackingClassifier([("tree", DecisionTreeClassifier())], LogisticRegression(), cv=2),
    BaggingClassifier(make_pipeline(StandardScaler(), LogisticRegression()), 3),
]  # fmt: skip


@pytest.mark.parametrize("model", NESTED, ids=lambda m: type(m).__name__)
def test_nested_parameters(model: object) -> None:
    model.fit(X, Y)
    found = look(model, rules=False)
    assert found.params == {key: told(value) for key, value in model.get_params().items()}
    assert found.classes == ("bad", "good")
    assert found.n_features == 6


TREES = [
    DecisionTreeClassifier(max_depth=4), ExtraTreeClassifier(), DecisionTreeRegressor(), RandomForestClassifier(7), RandomForestRegressor(3),
    ExtraTreesClassifier(4), ExtraTreesRegressor(3), GradientBoostingClassifier(n_estimators=4), GradientBoostingRegressor(n_estimators=4),
    HistGradientBoostingClassifier(max_iter=4), HistGradientBoostingRegressor(max_iter=4), IsolationForest(n_estimators=6),
    BaggingClassifier(DecisionTreeClassifier(), 4, max_features=0.5), AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=4),
    AdaBoostClassifier(n_estimators=3), GradientBoostingClassifier(n_estimators=3, loss="exponential"),
]  # fmt: skip


def library_trees(model: object) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Return the node arrays that the loaded model holds, in its own order."""
    if hasattr(model, "_predictors"):
        return [(one.nodes, None) for entry in model._predictors for one in entry]
    members = model.estimators_ if hasattr(model, "estimators_") else [model]
    states = [member.tree_.__getstate__() for member in np.ravel(members)]
    return [(state["nodes"], state["values"]) for state in states]


@pytest.mark.parametrize("model", TREES, ids=lambda m: str(m)[:45])
@pytest.mark.parametrize("labels", ["two", "three"])
@pytest.mark.parametrize("save", ["pickle", "joblib"])
def test_trees_are_bit_equal_and_importances_equal(model: object, labels: str, save: str) -> None:
    numeric = "Regressor" in type(model).__name__
    y = X[:, 0] * 2 if numeric else Y if labels == "two" else Y3
    if "exponential" in str(model):
        y = Y
    model.set_params(**({"random_state": 0} if "random_state" in model.get_params() else {})).fit(X, y)
    stream = io.BytesIO()
    (pickle.dump if save == "pickle" else joblib.dump)(model, stream)
    found = inspect(read_bytes(stream.getvalue()), rules=False)
    (one,) = found.trees
    assert one.broken == ()
    expected = library_trees(model)
    assert len(one.trees) == len(expected)
    for mine, (nodes, values) in zip(one.trees, expected, strict=True):
        assert mine.raw.dtype.names == nodes.dtype.names
        for name in nodes.dtype.names:
            assert mine.raw[name].tobytes() == nodes[name].tobytes()
        assert values is None or mine.raw_values.tobytes() == values.tobytes()
    if hasattr(model, "feature_importances_"):
        np.testing.assert_allclose(
            list(found.importances.values()), model.feature_importances_, rtol=0, atol=1e-12
        )
        assert found.importance_kind == "impurity"


def scores_of(trees: object, rows: np.ndarray) -> np.ndarray:
    """Walk every row down every tree, node by node."""
    total = np.tile(np.asarray(trees.offset, dtype=float), (len(rows), 1))
    for tree in trees.trees:
        seen = rows.astype(np.float32).astype(float) if tree.single else rows
        for i, row in enumerate(seen):
            node = 0
            while tree.left[node] != -1:
                node = (
                    tree.left[node] if row[tree.feature[node]] <= tree.threshold[node] else tree.right[node]
                )
            total[i] += tree.value[node]
    return total


@pytest.mark.parametrize(
    "model", [m for m in TREES if "Regressor" not in type(m).__name__], ids=lambda m: str(m)[:45]
)
def test_the_leaves_give_the_models_own_answers(model: object) -> None:
    y = Y if "exponential" in str(model) else Y3
    model.fit(X, y)
    found = tree_set(read_bytes(pickle.dumps(model)).root, "")
    rows = np.random.default_rng(1).normal(size=(80, 6))
    answers = np.array(found.classes, dtype=object)[scores_of(found, rows).argmax(axis=1)]
    assert (answers == model.predict(rows)).all()


def test_categories_of_histogram_trees_keep_their_own_columns() -> None:
    frame = pd.DataFrame(X, columns=list("abcdef"))
    frame["e"] = pd.Categorical.from_codes((frame["e"] * 3).astype(int) % 4, ["p", "q", "r", "s"])
    y = frame["e"].isin(["p", "r"]).to_numpy() & (X[:, 1] > -0.5)
    model = HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5).fit(frame, y)
    found = look(model)
    assert {"b", "e"} <= set(found.surface.used)
    trees = found.trees[0]
    assert {int(j) for tree in trees.trees for j in tree.feature[tree.categorical]} == {4}


def test_columns_that_never_count_never_count() -> None:
    """Whatever is said to be unused is changed at random, and no answer moves."""
    frame = pd.DataFrame(X, columns=list("abcdef")).assign(
        town=np.array(["x", "y", "z"])[RNG.integers(0, 3, 200)]
    )
    y = (frame["a"] > 0) ^ (frame["town"] == "x")
    steps = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["a", "b", "c"]),
        (OneHotEncoder(), ["town"]),
        ("passthrough", ["f"]),
    )
    for last in (
        RandomForestClassifier(5, max_depth=2, random_state=0),
        DecisionTreeClassifier(max_depth=2, random_state=0),
    ):
        model = make_pipeline(steps, last).fit(frame, y)
        found = look(model)
        assert set(found.surface.used) | set(found.surface.unused) == set(frame.columns)
        assert {"d", "e"} <= set(found.surface.unused)
        assert "a" in found.surface.used
        moved = frame.copy()
        for name in found.surface.unused:
            moved[name] = RNG.permutation(moved[name].to_numpy())
        assert (model.predict(frame) == model.predict(moved)).all()
        assert list(found.feature_names) == list(frame.columns)


def test_steps_that_mix_columns_count_all_of_them() -> None:
    from sklearn.decomposition import PCA

    found = look(make_pipeline(PCA(3), DecisionTreeClassifier(max_depth=1)).fit(X, Y))
    assert len(found.surface.used) == 6
    assert look(KNeighborsClassifier().fit(X, Y)).surface.used is None


def test_linear_models_bayes_vectors_and_words() -> None:
    linear = LogisticRegression().fit(X, Y3)
    found = look(linear)
    assert found.weights == {f"x{j}": tuple(linear.coef_[:, j]) for j in range(6)}
    assert found.constants == tuple(linear.intercept_)
    assert dict(look(SVC().fit(X, Y)).part.facts)["support vectors"].endswith("× 6")
    assert "means of a class and column" in dict(look(GaussianNB().fit(X, Y)).part.facts)
    words = look(
        make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(["secret word", "other word"], [0, 1])
    )
    assert dict(words.part.parts[0].facts)["vocabulary"] == "3 words"
    assert "secret" not in json.dumps(words.part.to_dict())  # words have a place of their own
    assert [word.text for word in words.vocabularies[0].words] == ["word", "other", "secret"]


def test_what_repeats_and_what_does_not() -> None:
    assert look(RandomForestClassifier(2, random_state=1).fit(X, Y)).surface.reproducible is True
    assert look(RandomForestClassifier(2).fit(X, Y)).surface.unseeded == ("random_state",)
    inside = make_pipeline(StandardScaler(), RandomForestClassifier(2)).fit(X, Y)
    assert look(inside).surface.unseeded == ("randomforestclassifier__random_state",)
    assert look(LogisticRegression().fit(X, Y)).surface.reproducible is None
    assert look(LogisticRegression(solver="saga", max_iter=1000).fit(X, Y)).surface.reproducible is False


def test_several_outputs_and_wrapped_members_are_all_counted() -> None:
    two = np.c_[Y3, Y3 > 0]
    forest = look(RandomForestClassifier(3).fit(X, two))
    assert forest.surface.rules == ()
    assert "several outputs" in forest.surface.why_no_rule
    assert forest.classes == ([0, 1, 2], [0, 1])
    many = look(MultiOutputClassifier(RandomForestClassifier(3)).fit(X, two))
    assert many.to_dict()["trees"]["count"] == 6


def test_a_model_in_a_dictionary_is_found() -> None:
    found = look({"version": 3, "model": DecisionTreeClassifier(max_depth=2).fit(X, Y)})
    assert found.short == "DecisionTreeClassifier"
    assert found.model_path == "['model']"
    assert found.remarks


def test_the_published_table_is_without_a_loss_and_its_comparison_can_fail() -> None:
    """The benchmark's own comparison, on a model that it must pass and on one that was changed behind its back."""
    import importlib.util
    from pathlib import Path

    folder = Path(__file__).parents[2] / "benchmarks"
    spec = importlib.util.spec_from_file_location("inspection_benchmark", folder / "inspection.py")
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    model = RandomForestClassifier(3, random_state=0).fit(X, Y3)
    data = pickle.dumps(model)
    assert set(bench.compare(model, data)) == set(bench.COLUMNS)
    assert all(bench.compare(model, data).values())
    model.estimators_[1].tree_.threshold[0] += 1.0
    model.max_depth = 9
    assert [key for key, same in bench.compare(model, data).items() if not same] == ["params", "trees"]
    text = (folder / "inspection.md").read_text()
    assert "Not equal: none." in text
    assert text.startswith("`python benchmarks/inspection.py`")
