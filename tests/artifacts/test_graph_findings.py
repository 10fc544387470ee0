"""Training rows and defects, against scikit-learn's own estimators: what must be found, and what must not."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.cluster import HDBSCAN, AffinityPropagation, Birch
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.impute import KNNImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import Isomap, LocallyLinearEmbedding
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity, KNeighborsClassifier, LocalOutlierFactor, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelPropagation, LabelSpreading
from sklearn.svm import SVC, SVR, NuSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from modelward.artifacts import integrity, read_bytes, training_rows

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5))
Y = (X[:, 0] + 0.5 * RNG.normal(size=60) > 0).astype(int)

CARRIERS = [
    KNeighborsClassifier(), KNeighborsClassifier(algorithm="brute"), NearestNeighbors(), LocalOutlierFactor(), KNNImputer(),
    Isomap(), LocallyLinearEmbedding(), HDBSCAN(copy=True), GaussianProcessRegressor(), GaussianProcessClassifier(), SVC(), SVR(),
    NuSVC(), OneClassSVM(), KernelRidge(kernel="rbf"), Nystroem(n_components=30), LabelPropagation(), LabelSpreading(),
    KernelDensity(), Birch(threshold=0.1), AffinityPropagation(random_state=0), make_pipeline(StandardScaler(), KNeighborsClassifier()),
    GridSearchCV(SVC(), {"C": [1, 2]}, cv=2), BaggingClassifier(KNeighborsClassifier(), 3),
]  # fmt: skip


@pytest.mark.parametrize("estimator", CARRIERS, ids=lambda e: str(e)[:60])
def test_estimators_that_carry_rows(estimator: object) -> None:
    artifact = read_bytes(pickle.dumps(estimator.fit(X, Y)))
    found = training_rows(artifact)
    assert artifact.verdict == "clean"
    assert found
    assert all(item.columns == 5 and item.rows <= 60 for item in found)


def test_where_and_how_many() -> None:
    found = training_rows(
        read_bytes(pickle.dumps(make_pipeline(StandardScaler(), KNeighborsClassifier()).fit(X, Y)))
    )
    assert [(item.path, item.rows, item.columns, item.kind) for item in found] == [
        ("steps[1][1]._fit_X", 60, 5, "neighbours")
    ]


def test_sparse_rows_and_frames() -> None:
    svm = SVC().fit(sparse.csr_matrix(X), Y)
    assert training_rows(read_bytes(pickle.dumps(svm)))[0].rows == len(svm.support_)
    model = LogisticRegression().fit(X, Y)
    model.cache_ = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": ["x"] * 60})
    found = training_rows(read_bytes(pickle.dumps(model)))
    assert [(item.path, item.rows, item.columns) for item in found] == [("cache_", 60, 3)]


def test_precomputed_kernels_are_no_rows() -> None:
    assert training_rows(read_bytes(pickle.dumps(SVC(kernel="precomputed").fit(X @ X.T, Y)))) == ()


def test_all_estimators_give_no_false_call() -> None:
    """Whatever holds at least half of the rows verbatim is named; nothing is named that holds none."""
    rows = {row.tobytes() for row in X} | {row.tobytes() for row in np.abs(X)}
    looked = 0
    for name, cls in all_estimators():
        fitted = plainly_fitted(cls)
        if fitted is None:
            continue
        data = pickle.dumps(fitted, 5)
        artifact = read_bytes(data)
        assert artifact.verdict == "clean", (name, artifact.reasons)
        assert integrity(artifact) == (), name
        # The oracle counts rows in the raw bytes of the file, without any reader.
        carried = sum(row in data for row in rows)
        found = training_rows(artifact)
        if found:
            assert carried >= 5, name
        elif name != "MeanShift":  # centres that are means, of one row each on this data
            assert carried < 30, name
        looked += 1
    assert looked > 120


def plainly_fitted(cls: type) -> object | None:
    """Fit with defaults; None where that takes more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for data in (X, np.abs(X)):
            try:
                return cls().fit(data, Y)
            except Exception:  # noqa: BLE001, S112 - needs arguments or other data
                continue
    return None


TREES = [
    RandomForestClassifier(5, random_state=0), RandomForestClassifier(3, class_weight="balanced", ccp_alpha=0.01, random_state=0),
    ExtraTreesRegressor(3, random_state=0), GradientBoostingClassifier(n_estimators=3), HistGradientBoostingClassifier(max_iter=5),
    IsolationForest(n_estimators=3), DecisionTreeClassifier(max_leaf_nodes=5), BaggingClassifier(DecisionTreeClassifier(), 3, max_features=3),
]  # fmt: skip


@pytest.mark.parametrize("estimator", TREES, ids=lambda e: str(e)[:50])
@pytest.mark.parametrize("seed", range(4))
def test_honest_trees_have_no_defects(estimator: object, seed: int) -> None:
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(150, 5))
    A[rng.uniform(size=A.shape) < 0.1] = np.nan
    if isinstance(estimator, GradientBoostingClassifier):
        A = np.nan_to_num(A)
    y = rng.integers(0, 3, 150)
    model = clone(estimator).fit(A, y)
    assert integrity(read_bytes(pickle.dumps(model))) == ()
    if isinstance(model, RandomForestClassifier):
        weighted = clone(estimator).fit(A, y, sample_weight=rng.uniform(size=150))
        assert integrity(read_bytes(pickle.dumps(weighted))) == ()


def forest() -> RandomForestClassifier:
    return RandomForestClassifier(3, max_depth=3, random_state=0).fit(X, Y)


def tampered(change: object) -> tuple[str, ...]:
    """Change a forest's first tree through the state that the file will hold."""
    model = forest()
    tree = model.estimators_[0].tree_
    state = tree.__getstate__()
    nodes, values = state["nodes"].copy(), state["values"].copy()
    change(nodes, values)
    state["nodes"], state["values"] = nodes, values

    class Stub:
        def __reduce__(self) -> tuple[object, ...]:
            return type(tree), tree.__reduce__()[1], state

    model.estimators_[0].__dict__["tree_"] = Stub()
    return tuple(f"{d.path}: {d.what}" for d in integrity(read_bytes(pickle.dumps(model))))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda n, v: n["left_child"].__setitem__(0, 10_000), "outside"),
        (lambda n, v: n["left_child"].__setitem__(0, 0), "backwards"),
        (lambda n, v: n["right_child"].__setitem__(0, n["left_child"][0]), "twice or never"),
        (lambda n, v: n["right_child"].__setitem__(0, -1), "one child"),
        (lambda n, v: n["feature"].__setitem__(0, 99), "feature"),
        (lambda n, v: n["threshold"].__setitem__(0, np.nan), "not finite"),
        (lambda n, v: v.__setitem__(slice(None), -v), "negative"),
        (lambda n, v: v.__setitem__(-1, v[-1][:, ::-1] * 0.9 + 0.05), "add up"),
        (lambda n, v: n["n_node_samples"].__setitem__(1, 3), "add up"),
    ],
)
def test_tampered_trees_are_named(change: object, what: str) -> None:
    found = tampered(change)
    assert len(found) == 1
    assert what in found[0]
    assert found[0].startswith("estimators_[0].tree_")


def test_tampered_classes_are_named() -> None:
    model = forest()
    model.classes_ = np.array([1, 1])
    assert [(d.path, "repeats" in d.what) for d in integrity(read_bytes(pickle.dumps(model)))] == [
        ("classes_", True)
    ]
    model.classes_ = np.array([0, 1, 2])
    assert "n_classes_ says 2" in integrity(read_bytes(pickle.dumps(model)))[0].what
    wrapped = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    wrapped[-1].classes_ = np.array(["good", "good"], dtype=object)
    assert integrity(read_bytes(pickle.dumps(wrapped)))[0].path == "steps[1][1].classes_"


def test_mismatched_feature_counts_are_named() -> None:
    model = forest()
    model.estimators_[1].n_features_in_ = 4
    assert any("its ensemble 5" in d.what for d in integrity(read_bytes(pickle.dumps(model))))


def test_values_of_the_wrong_kind_are_a_defect_and_no_crash() -> None:
    data = pickle.dumps(forest(), 5).replace(b"weighted_n_node_samples", b"weighted_x_node_samples")
    found = integrity(read_bytes(data))
    assert len(found) == 3
    assert all("kind" in defect.what for defect in found)
