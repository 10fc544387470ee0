"""What compiled code follows without looking: honest state is clean, and whatever points outside never is."""

from __future__ import annotations

import io
import pickle
import sys
from typing import Any

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from scipy.spatial import cKDTree
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.neighbors import BallTree, KDTree, KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from modelward.artifacts import read_bytes
from modelward.artifacts._arrays import Dtype
from modelward.artifacts._followed_trees import _at_once, _one_by_one, _plan, _together
from modelward.artifacts._log import Log
from modelward.artifacts._opcodes import WalkError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
MIXED = np.column_stack([X[:, :2], RNG.integers(0, 5, 300)])


def categorical() -> Any:
    return HistGradientBoostingClassifier(max_iter=4, categorical_features=[2]).fit(
        MIXED, (MIXED[:, 2] % 2).astype(int)
    )


HONEST = {
    "tree": lambda: DecisionTreeClassifier().fit(X, Y),
    "tree of one leaf": lambda: DecisionTreeClassifier().fit(X, np.zeros(300)),
    "tree of many nodes": lambda: DecisionTreeClassifier().fit(RNG.normal(size=(4000, 4)), RNG.integers(0, 9, 4000)),
    "tree of many outputs": lambda: DecisionTreeClassifier().fit(X, np.column_stack([Y, 1 - Y])),
    "forest": lambda: RandomForestClassifier(5).fit(X, Y),
    "extra trees": lambda: ExtraTreesRegressor(5).fit(X, Y),
    "boosting": lambda: GradientBoostingClassifier(n_estimators=5).fit(X, Y),
    "histograms": lambda: HistGradientBoostingClassifier(max_iter=5).fit(X, Y),
    "histograms with categories": categorical,
    "isolation": lambda: IsolationForest(n_estimators=5, max_features=2).fit(X),
    "neighbours": lambda: KNeighborsClassifier(algorithm="kd_tree").fit(X, Y),
    "ball tree": lambda: BallTree(X, leaf_size=3),
    "k-d tree": lambda: KDTree(X, leaf_size=3),
    "k-d tree of one row": lambda: KDTree(X[:1]),
    "scipy's k-d tree": lambda: cKDTree(X, leafsize=3),
    "scipy's k-d tree of one leaf": lambda: cKDTree(X[:5]),
    "sparse": lambda: [getattr(sp, f"{form}_{kind}")(X > 1) for form in ("csr", "csc", "coo", "bsr") for kind in ("matrix", "array")],
}  # fmt: skip


@pytest.mark.parametrize("name", HONEST)
def test_honest_state_is_clean(name: str) -> None:
    model = HONEST[name]()
    buffer = io.BytesIO()
    joblib.dump(model, buffer, compress=3)
    for data in (pickle.dumps(model, 2), pickle.dumps(model, 5), buffer.getvalue()):
        found = read_bytes(data)
        assert found.verdict == "clean", found.reasons


def changed(model: Any, dtype: str, place: str, value: object, row: int = 0) -> bytes:
    """Return a model's pickle in which a field of its first record array with a field of that name is another value."""
    data = pickle.dumps(model, 4)
    for array in arrays(model):
        if place in (array.dtype.names or ()):
            raw = array.tobytes()
            assert raw in data
            spoilt = array.copy()
            spoilt[place][row] = value
            return data.replace(raw, spoilt.tobytes())
    raise AssertionError(dtype)


def arrays(model: Any) -> list[Any]:
    if hasattr(model, "tree_"):
        return [model.tree_.__getstate__()["nodes"]]
    if hasattr(model, "_predictors"):
        return [stage[0].nodes for stage in model._predictors]
    if hasattr(model, "estimators_"):
        return [one.tree_.__getstate__()["nodes"] for one in np.ravel(model.estimators_)]
    return [np.asarray(part) for part in model.__getstate__()[:3]]


@pytest.mark.parametrize("name", ["tree", "tree of many nodes", "forest", "boosting"])
@pytest.mark.parametrize(
    ("place", "value"),
    [("left_child", 1 << 40), ("right_child", -7), ("left_child", 0), ("feature", 4), ("feature", -2)],
)
def test_trees_that_point_outside_are_not_clean(name: str, place: str, value: int) -> None:
    model = HONEST[name]()
    found = read_bytes(changed(model, "nodes", place, value))
    assert found.verdict == "suspicious"
    assert any("outside its own arrays" in reason for reason in found.reasons)


@pytest.mark.parametrize(
    ("place", "value"), [("left", 4_000_000_000), ("right", 0), ("feature_idx", 4), ("feature_idx", -1)]
)
def test_histogram_trees_that_point_outside_are_not_clean(place: str, value: int) -> None:
    assert read_bytes(changed(HONEST["histograms"](), "nodes", place, value)).verdict == "suspicious"


def test_categories_outside_are_not_clean() -> None:
    model = categorical()
    row = int(np.flatnonzero(model._predictors[0][0].nodes["is_categorical"])[0])
    assert read_bytes(changed(model, "nodes", "bitset_idx", 9999, row)).verdict == "suspicious"


@pytest.mark.parametrize("name", ["ball tree", "k-d tree"])
@pytest.mark.parametrize(("place", "value"), [("idx_start", -1), ("idx_end", 301), ("idx_start", 1 << 50)])
def test_neighbour_trees_that_point_outside_are_not_clean(name: str, place: str, value: int) -> None:
    assert read_bytes(changed(HONEST[name](), "nodes", place, value)).verdict == "suspicious"


def swapped(model: Any, old: np.ndarray, new: np.ndarray) -> bytes:
    data = pickle.dumps(model, 4)
    assert old.tobytes() in data
    return data.replace(old.tobytes(), new.tobytes())


@pytest.mark.parametrize("name", ["ball tree", "k-d tree", "scipy's k-d tree"])
def test_rows_outside_are_not_clean(name: str) -> None:
    model = HONEST[name]()
    order = np.asarray(model.indices if name.startswith("scipy") else model.__getstate__()[1])
    spoilt = order.copy()
    spoilt[3] = 300
    assert read_bytes(swapped(model, order, spoilt)).verdict == "suspicious"


@pytest.mark.parametrize(("word", "value"), [(0, 9), (3, -1), (4, 1 << 40), (7, 10_000), (8, 0)])
def test_links_of_scipys_trees_are_looked_at(word: int, value: int) -> None:
    model = HONEST["scipy's k-d tree"]()
    raw = np.asarray(model.__getstate__()[0])
    words = np.frombuffer(raw.tobytes(), "<i8").copy()
    words[word] = value
    assert read_bytes(swapped(model, raw, words)).verdict == "suspicious"


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr"])
def test_sparse_matrices_that_point_outside_are_not_clean(form: str) -> None:
    made = getattr(sp, f"{form}_matrix")(np.eye(4))
    if form == "coo":
        made.coords = (np.array([0, 1, 2, 99]), made.coords[1])
    else:
        made.indices = np.array([0, 1, 2, 99])
    assert read_bytes(pickle.dumps(made)).verdict == "suspicious"


def test_an_ensemble_of_trees_with_more_columns_is_not_clean() -> None:
    for name in ("tree", "forest", "boosting", "histograms"):
        model = HONEST[name]()
        model.n_features_in_ = 1
        found = read_bytes(pickle.dumps(model))
        assert found.verdict == "suspicious", name
        assert "columns" in found.reasons[0]


def test_the_same_bytes_in_many_trees_are_not_looked_at_for_ever() -> None:
    log = Log(length=1000)
    with pytest.raises(WalkError, match="again and again"):
        for _ in range(100):
            log._looked(1_000_000)


def test_a_small_forest_is_scanned_without_numpy() -> None:
    import subprocess

    data = pickle.dumps(RandomForestClassifier(3, max_depth=3).fit(X, Y))
    code = "import sys; from modelward.artifacts import read_bytes; print(read_bytes(sys.stdin.buffer.read()).verdict, 'numpy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True)
    assert run.stdout.split() == [b"clean", b"False"]


def test_the_three_ways_of_looking_at_nodes_agree() -> None:
    dtype = Dtype("", 32, tuple((name, Dtype("<i8", 8), place) for name, place in (("feature", 0), ("right_child", 16), ("left_child", 24))))  # fmt: skip
    plan = _plan(dtype)
    assert plan is not None
    kind = dtype.to_numpy()
    said = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        kept, alone, general = [], [], []
        for _ in range(int(rng.integers(1, 5))):
            count = int(rng.integers(1, 8))
            nodes = np.zeros(count, kind)
            for i in range(count):
                leaf = i + 2 >= count or rng.random() < 0.3
                nodes[i] = (rng.integers(0, 3), -1, -1) if leaf else (rng.integers(0, 3), i + 1, i + 2)
            if rng.random() < 0.2:
                name = rng.choice(["feature", "right_child", "left_child"])
                nodes[name][rng.integers(0, count)] = rng.choice([-2, -1, 0, 1, 3, count, 1 << 60])
            kept.append((nodes.tobytes(), count, 3))
            alone.append(_one_by_one(plan, nodes.tobytes(), count, 3))
            general.append(_at_once(nodes, 3))
        assert alone == general
        assert _together(plan, kept) == all(alone)
        said.append(all(alone))
    assert 30 < sum(said) < 270


@pytest.mark.parametrize("spoil", [False, True])
def test_trees_of_the_other_byte_order_are_read(spoil: bool) -> None:
    model = DecisionTreeClassifier().fit(X, Y)
    made = model.tree_.__reduce__()
    state = dict(made[2])
    swapped = state["nodes"].astype(state["nodes"].dtype.newbyteorder(">"))
    if spoil:
        swapped["left_child"][0] = 10**6

    class Other:
        def __reduce__(self) -> Any:
            return made[0], made[1], {**state, "nodes": swapped}

    found = read_bytes(pickle.dumps(Other(), 4))
    assert found.verdict == ("suspicious" if spoil else "clean")
