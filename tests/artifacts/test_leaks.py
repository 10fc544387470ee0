"""Training rows in files: what must be found without a name, what must not, and matches with the training table."""

from __future__ import annotations

import functools
import pickle

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.spatial import cKDTree
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import DBSCAN, KMeans, MeanShift, SpectralCoclustering
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import BallTree, KDTree, KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC

from modelward.artifacts import read_bytes, training_rows

RNG = np.random.default_rng(1)
X = RNG.normal(size=(80, 5))
Y = (X[:, 0] > 0).astype(int)


def rows_in(value: object, train: object = None) -> list[tuple[str, int, int]]:
    return [(r.path, r.rows, r.columns) for r in training_rows(read_bytes(cloudpickle.dumps(value)), train)]


class Held:
    """A user's class that keeps whatever it is given."""

    def __init__(self, **kept: object) -> None:
        self.__dict__.update(kept)


@pytest.mark.parametrize(
    "make",
    [cKDTree, KDTree, BallTree, pd.DataFrame, pl.DataFrame],
    ids=lambda c: f"{c.__module__}.{c.__name__}",
)
def test_trees_and_frames_by_themselves_and_in_an_object(make: object) -> None:
    assert [r[1:] for r in rows_in(make(X))] == [(80, 5)]
    assert [r[1:] for r in rows_in({"model": [make(X)]})] == [(80, 5)]


def test_arrow_tables() -> None:
    import pyarrow as pa

    table = pa.Table.from_pandas(pd.DataFrame(X))
    assert [r[1:] for r in rows_in({"kept": table})] == [(80, 5)]
    assert [r[1:] for r in rows_in({"kept": table.to_batches()[0]})] == [(80, 5)]


@pytest.mark.parametrize(
    "name", ["X", "X_train", "_X", "x_fit_", "train_data", "data", "background_data", "cache_df", "dataset"]
)
def test_arrays_named_as_data(name: str) -> None:
    assert rows_in(Held(**{name: X}))[0][1:] == (80, 5)
    assert rows_in({name: X})[0][1:] == (80, 5)
    assert rows_in(Held(**{name: sparse.csr_matrix(X)}))[0][1:] == (80, 5)


def test_arrays_with_other_names_are_only_called_rows_when_a_table_proves_it() -> None:
    kept = Held(weights=X, coef=RNG.normal(size=(80, 5)), y=Y, gram=X @ X.T, shares=np.sort(X, axis=0))
    assert rows_in(kept) == []
    assert rows_in(kept, X) == [("weights", 80, 5)]
    assert rows_in(kept, RNG.normal(size=(80, 5))) == []


@pytest.mark.parametrize(
    "rows",
    [
        X, np.column_stack([X, Y]), X.tolist(), [tuple(row) for row in X.tolist()],
        pd.DataFrame(X).to_dict("records"), sparse.csr_matrix(X),
    ],
    ids=["array", "with target", "lists", "tuples", "records", "sparse"],
)  # fmt: skip
def test_rows_beside_a_model_that_nothing_names(rows: object) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    for held in ((model, rows, Y), {"m": model, "p": rows}, [[model], [rows]]):
        (found,) = training_rows(read_bytes(pickle.dumps(held)))
        assert found.rows == len(X)
        (found,) = training_rows(read_bytes(pickle.dumps(held)), pd.DataFrame(X))
        assert found.matched == len(X)
    if isinstance(rows, list):
        model.kept = rows
        assert [one.rows for one in training_rows(read_bytes(pickle.dumps(model)))] == [len(X)]


def test_what_stands_beside_a_model_and_is_no_rows() -> None:
    model = LogisticRegression().fit(X, Y)
    harmless = {
        "few": X[:9], "narrow": X[:, :3], "wide": RNG.normal(size=(80, 9)), "labels": Y, "scores": X[:, :1],
        "params": [dict.fromkeys("abcde", i) for i in range(20)], "ragged": [[1.0] * (i % 5) for i in range(30)],
        "names": [list("abcde") for _ in range(4)], "objects": [[model] * 5 for _ in range(20)],
    }  # fmt: skip
    assert training_rows(read_bytes(pickle.dumps({"m": model, **harmless}))) == ()
    assert training_rows(read_bytes(pickle.dumps(harmless))) == ()
    # Which rows belong to which bicluster: an attribute called rows_ that holds none.
    assert (
        training_rows(read_bytes(pickle.dumps(SpectralCoclustering(2, random_state=0).fit(np.abs(X))))) == ()
    )
    search = GridSearchCV(LogisticRegression(), {"C": list(range(1, 25)), "tol": [1e-3]}, cv=2).fit(
        X[:, :2], Y
    )
    assert training_rows(read_bytes(pickle.dumps(search))) == ()


def test_what_code_has_captured() -> None:
    assert rows_in(functools.partial(np.dot, X))[0][1:] == (80, 5)
    assert rows_in(FunctionTransformer(functools.partial(np.add, x2=X)).fit(X))[0][1:] == (80, 5)


def test_frames_that_hold_what_was_learned() -> None:
    assert rows_in(Held(mapping=pd.DataFrame(X), cv_results=pd.DataFrame(X), prior=pd.Series(X[:, 0]))) == []
    assert rows_in(Held(X=pd.Series(X[:, 0])))[0][1:] == (80, 1)


def test_values_out_of_their_rows_do_not_count() -> None:
    for model in (
        QuantileTransformer(n_quantiles=80),
        KMeans(3, n_init=1),
        RandomForestClassifier(5),
        OneHotEncoder(),
    ):
        assert rows_in(model.fit(X, Y)) == []
    assert rows_in(QuantileTransformer(n_quantiles=80).fit(X), X) == []
    assert rows_in(CalibratedClassifierCV(LogisticRegression(), method="isotonic", cv=2).fit(X, Y)) == []


def test_rows_that_only_some_settings_keep() -> None:
    assert rows_in(DBSCAN(eps=3).fit(X))[0][0] == "components_"
    assert rows_in(SVC(kernel=np.inner and (lambda a, b: a @ b.T)).fit(X, Y))[0][2] == 5
    assert rows_in(IsotonicRegression().fit(X[:, 0], X[:, 1]))[0][0] == "X_thresholds_"


def test_centres_of_one_row_are_proven_by_the_table() -> None:
    model = MeanShift(bandwidth=1.2).fit(X)
    exact = int((np.abs(model.cluster_centers_[:, None] - X[None]).max(axis=2) < 1e-9).any(axis=1).sum())
    assert rows_in(model) == []
    assert exact > 0.3 * len(model.cluster_centers_)
    assert training_rows(read_bytes(pickle.dumps(model)), X)[0].matched == exact


@pytest.mark.parametrize(
    "scaler",
    [None, StandardScaler(), MinMaxScaler(), RobustScaler(), StandardScaler(with_mean=False)],
    ids=str,
)
@pytest.mark.parametrize("part", [80, 30])
def test_matches_also_behind_a_scaler(scaler: object, part: int) -> None:
    model = make_pipeline(scaler or "passthrough", KNeighborsClassifier()).fit(X[:part], Y[:part])
    found = training_rows(read_bytes(pickle.dumps(model)), pl.DataFrame(X))
    assert [(r.rows, r.matched, r.share) for r in found] == [(part, part, part / 80)]
    other = training_rows(read_bytes(pickle.dumps(model)), RNG.normal(size=(80, 5)))
    assert [r.matched or 0 for r in other] == [0]


def test_matches_behind_a_column_transformer_with_text() -> None:
    frame = pd.DataFrame(X, columns=list("abcde")).assign(town=RNG.choice(["x", "y"], 80))
    encode = ColumnTransformer([("t", OneHotEncoder(), ["town"]), ("s", StandardScaler(), ["e", "a", "c"])])
    model = make_pipeline(encode, KNeighborsClassifier()).fit(frame, Y)
    found = training_rows(read_bytes(pickle.dumps(model)), pl.from_pandas(frame))
    assert [(r.rows, r.matched, r.share) for r in found] == [(80, 80, 1.0)]


def test_sparse_float32_and_joblib(tmp_path: object) -> None:
    model = SVC().fit(sparse.csr_matrix(X), Y)
    found = training_rows(read_bytes(pickle.dumps(model)), X)
    assert [r.matched for r in found] == [len(model.support_)]
    narrow = KNeighborsClassifier().fit(X.astype(np.float32), Y)
    path = tmp_path / "m"
    joblib.dump(narrow, path, compress=3)
    assert training_rows(read_bytes(path.read_bytes()), X)[0].matched == 80


def test_few_valued_columns_are_no_coincidence() -> None:
    coarse = RNG.integers(0, 2, size=(200, 3)).astype(float)
    other = Held(weights=RNG.integers(0, 2, size=(200, 3)).astype(float))
    assert rows_in(other, coarse) == []


def test_missing_values_match_themselves() -> None:
    holes = X.copy()
    holes[::3, 1] = np.nan
    assert training_rows(read_bytes(pickle.dumps({"X": holes})), holes)[0].matched == 80


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 20), st.integers(1, 4))
def test_matches_equal_brute_force(seed: int, shared: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(30, width))
    kept = np.vstack([table[rng.permutation(30)[:shared]], rng.normal(size=(20 - shared, width))])
    brute = sum(bool((row == table).all(axis=1).any()) for row in kept)
    item = training_rows(read_bytes(pickle.dumps({"X": kept})), table)[0]
    assert (item.matched or 0) == brute  # None: nothing in common


def test_shared_and_endless_structures_end() -> None:
    loop: dict[str, object] = {"X": X}
    loop["again"] = [loop] * 3
    assert len(rows_in(loop)) == 1


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ("label last", True),
        ("label first", True),
        ("reversed", True),
        ("label last", False),
        ("label first", False),
    ],
)
def test_a_table_with_the_label_beside_the_columns_is_matched(order: str, named: bool) -> None:
    rng = np.random.default_rng(0)
    # Counts and amounts, as tables have them: many columns hold the same few values.
    table = pd.DataFrame({f"c{i}": rng.integers(0, 3 + 300 * (i % 2), 200) for i in range(6)})
    label = pd.Series(rng.integers(0, 2, 200), name="label")
    model = make_pipeline(StandardScaler(), KNeighborsClassifier()).fit(
        table if named else table.to_numpy(), label
    )
    train = pd.concat([label, table] if order == "label first" else [table, label], axis=1)
    if order == "reversed":
        train = train[train.columns[::-1]]
    for held in (train, pl.DataFrame({name: train[name].to_numpy() for name in train.columns})):
        (rows,) = training_rows(read_bytes(pickle.dumps(model)), held)
        assert (rows.rows, rows.matched, rows.share) == (200, 200, 1.0)
