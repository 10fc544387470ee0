"""CatBoost's models say their columns, classes and release; oracle: what catboost 1.2.10 printed when it wrote them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.artifacts import inspect, read_artifact, read_bytes
from modelward.artifacts._catboost import catboost_facts, facts_of_bytes
from modelward.artifacts._catboost_trees import CatBoostError, catboost_trees
from modelward.artifacts._inspect import TreeNodes, TreeSet

DATA = Path(__file__).parent / "data" / "catboost"
NAMES = ("age", "limit", "bill", "pay")
TRUTH = {
    "two": (NAMES, ("no", "yes")),
    "three": (NAMES, (0, 1, 2)),
    "number": (("0", "1", "2", "3"), ()),
}


def _bytes(name: str) -> bytes:
    return bytes(read_artifact(DATA / f"{name}.pkl").root.attributes["__model"])


@pytest.mark.parametrize("name", TRUTH)
def test_what_catboost_says(name: str) -> None:
    artifact = read_artifact(DATA / f"{name}.pkl")
    assert artifact.verdict == "clean"
    found = catboost_facts(artifact.root)
    assert found is not None
    assert (found.feature_names, found.classes) == TRUTH[name]
    assert (found.version, found.trees) == ("1.2.10", 5)
    seen = inspect(artifact)
    assert seen.feature_names == (TRUTH[name][0] if name != "number" else None)
    assert seen.n_features == 4
    assert (seen.classes or ()) == TRUTH[name][1]


def test_a_cut_file_says_nothing() -> None:
    data = _bytes("two")
    for length in range(0, len(data) - 1, 97):
        facts_of_bytes(data[:length])
    assert facts_of_bytes(data[:20]) is None
    assert facts_of_bytes(b"CBM2" + data[4:]) is None


ROWS = pl.read_csv(DATA / "rows.csv").to_numpy().astype(float)
ANSWERS = pl.read_csv(DATA / "answers.csv")


def _leaf(tree: TreeNodes, row: np.ndarray) -> np.ndarray:
    node = 0
    while tree.left[node] != -1:
        x = row[tree.feature[node]]
        left = tree.missing_left[node] if np.isnan(x) else np.float32(x) <= tree.threshold[node]
        node = int((tree.left if left else tree.right)[node])
    return tree.value[node]


def _scores(trees: TreeSet, rows: np.ndarray) -> np.ndarray:
    return np.array([np.sum([_leaf(tree, row) for tree in trees.trees], axis=0) for row in rows])


@pytest.mark.parametrize(
    "name", ["missing_min.cbm", "missing_max.cbm", "two.pkl", "three.pkl", "number.pkl", "number.cbm"]
)
def test_trees_add_up_to_what_catboost_answers(name: str) -> None:
    artifact = read_artifact(DATA / name)
    assert artifact.verdict == "clean"
    found = inspect(artifact)
    (trees,) = found.trees
    assert not trees.broken
    told = ANSWERS.select(pl.selectors.starts_with(f"{name[:-4]}:")).to_numpy()
    rows = ROWS if name.startswith("missing") else np.nan_to_num(ROWS)
    ours = _scores(trees, rows)
    if trees.classes and len(trees.classes) == 2:
        assert not ours[:, 0].any()
        ours = ours[:, 1:] + trees.offset[1]
    else:
        data = artifact.data if name.endswith("cbm") else _bytes(name[:-4])
        ours = ours + catboost_trees(data).bias
    np.testing.assert_allclose(ours, told, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["missing_min.cbm", "missing_max.cbm", "two.pkl", "three.pkl"])
def test_rules_hold_for_every_row_in_them(name: str) -> None:
    found = inspect(DATA / name)
    (trees,) = found.trees
    rng = np.random.default_rng(0)
    assert len(found.surface.rules) == len(found.classes)
    for rule in found.surface.rules:
        rows = rng.normal(scale=2, size=(300, 4))
        for term in rule.terms:
            low, high = max(term.low, -9.0), min(term.high, 9.0)
            rows[:, term.index] = rng.uniform(low, high, len(rows))
        labels = (_scores(trees, rows) + np.array(trees.offset)).argmax(axis=1)
        assert {found.classes[i] for i in labels} == {rule.label}


@pytest.mark.parametrize(
    ("name", "says"), [("depthwise", "not symmetric"), ("sets", "parts behind its trees, for categories")]
)
def test_forms_that_are_not_read_are_named_and_never_clean(name: str, says: str) -> None:
    artifact = read_artifact(DATA / f"{name}.cbm")
    assert artifact.verdict == "unreadable"
    assert says in artifact.reasons[0]
    found = inspect(artifact)
    assert found.n_features == (5 if name == "sets" else 4)
    assert found.surface.used is None
    assert not found.surface.rules
    assert found.exit_code() == 3


def test_appended_bytes_and_cut_files_are_not_clean() -> None:
    data = (DATA / "number.cbm").read_bytes()
    for changed in (data + b"\0", data[:-1], data[:40], b"CBM1", data[:4] + b"\xff" * 4 + data[8:]):
        assert read_bytes(changed).verdict == "unreadable"


_TWO = _bytes("two")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(_TWO) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_changed_bytes_never_raise(changes: list[tuple[int, int]]) -> None:
    data = bytearray(_TWO)
    for place, value in changes:
        data[place] = value
    found = facts_of_bytes(bytes(data))
    assert found is None or len(found.feature_names) <= 4
    try:
        trees = catboost_trees(bytes(data))
    except CatBoostError:
        return
    assert all(0 <= j < trees.n_features for tree in trees.trees for j in tree.columns)
    artifact = read_bytes(bytes(data))
    assert artifact.verdict in ("clean", "unreadable")
    if artifact.verdict == "clean":
        inspect(artifact, rules=False)


def test_trees_of_another_shape_are_said_to_be_all_of_them() -> None:
    remarks = " ".join(inspect(DATA / "depthwise.cbm").remarks)
    assert "Its trees cannot be read: " in remarks
    assert "1 of its trees" not in remarks
