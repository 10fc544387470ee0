"""Boosters as neutral trees: what they add up to is what the libraries predict, leaf by leaf what they dump."""

from __future__ import annotations

import json
import pickle
import struct

import numpy as np
import pandas as pd
import pytest

from modelward.artifacts import class_name, inspect, library_versions, read_bytes, training_rows
from modelward.artifacts._boosters import (
    BoosterError,
    BoosterTree,
    BoosterTrees,
    booster_graph,
    booster_trees,
    trees_of_bytes,
)


def goes_left(model: BoosterTrees, tree: BoosterTree, node: int, value: float) -> bool:
    """Decide one row at one node, by the rules written in the dataclass."""
    kind = tree.missing[node]
    if node in tree.categories:
        inside = not np.isnan(value) and int(value) in tree.categories[node].tolist()
        if np.isnan(value) and model.library == "xgboost":
            return bool(tree.default_left[node])
        return inside == model.set_left
    if np.isnan(value) and kind == 0:
        value = 0.0
    if (np.isnan(value) and kind) or (abs(value) <= 1e-35 and kind == 1):
        return bool(tree.default_left[node])
    if model.single:
        value = np.float32(value)
    return bool(value < tree.threshold[node] if model.strict else value <= tree.threshold[node])


def leaf(model: BoosterTrees, tree: BoosterTree, row: np.ndarray) -> int:
    node = 0
    while tree.left[node] != -1:
        go = goes_left(model, tree, node, row[tree.feature[node]])
        node = int((tree.left if go else tree.right)[node])
    return node


def answer(tree: BoosterTree, node: int, row: np.ndarray) -> np.ndarray:
    """Return what a leaf says of a row, by LightGBM's documentation of `linear_tree`."""
    if tree.linear is None or np.isnan(row[tree.linear.columns.get(node, [])]).any():
        return tree.value[node]
    total = tree.linear.constant[node]
    for j, weight in zip(tree.linear.columns.get(node, ()), tree.linear.weights.get(node, ()), strict=True):
        total += weight * row[j]
    return np.array([total])


def sums(model: BoosterTrees, rows: np.ndarray) -> np.ndarray:
    out = np.zeros((len(rows), model.n_groups))
    for i, row in enumerate(rows):
        for tree in model.trees:
            found = tree.weight * answer(tree, leaf(model, tree, row), row)
            if len(found) == 1:
                out[i, tree.group] += found[0]
            else:
                out[i] += found
    if model.linear is not None:
        out += rows @ model.linear[:-1] + model.linear[-1]
    return out


def test_sums_are_the_libraries_margins(boosters: dict[str, object], table: pd.DataFrame) -> None:
    import xgboost

    for name, model in boosters.items():
        found = booster_trees(read_bytes(pickle.dumps(model)).root)
        frame = table if len(found.feature_names or ()) == 4 else table[["a", "b", "d"]]
        frame = frame.fillna(0) if name == "xgboost linear" else frame
        rows = np.column_stack(
            [c.cat.codes if c.dtype.name == "category" else c for _, c in frame.items()]
        ).astype(float)
        ours = sums(found, rows)
        if name.startswith("xgboost"):
            matrix = xgboost.DMatrix(frame, enable_categorical=True)
            theirs = model.get_booster().predict(matrix, output_margin=True).reshape(len(rows), -1)
            base = np.array(found.base_score)
            base = np.log(base / (1 - base)) if found.objective == "binary:logistic" else base
            ours = ours + base
        else:
            theirs = model.booster_.predict(frame, raw_score=True).reshape(len(rows), -1)
            assert found.averaged == (name == "lightgbm forest")
            if found.averaged:
                mean = ours[:, 0] / len(found.trees)
                np.testing.assert_allclose(1 / (1 + np.exp(-mean)), model.booster_.predict(frame), atol=1e-12)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-6 if found.single else 1e-12, err_msg=name)


def test_xgboost_leaves_are_those_of_its_dump(boosters: dict[str, object]) -> None:
    for name in ("xgboost onehot", "xgboost sets", "xgboost classes", "xgboost dart", "xgboost pruned"):
        model = boosters[name]
        found = booster_trees(read_bytes(pickle.dumps(model)).root)
        for tree, text in zip(found.trees, model.get_booster().get_dump(dump_format="json"), strict=True):
            pending = [json.loads(text)]
            while pending:
                said = pending.pop()
                node = said["nodeid"]
                if "leaf" in said:
                    assert tree.left[node] == -1
                    # A dump of DART multiplies nothing; it has what the tree holds.
                    assert np.float32(said["leaf"]) == np.float32(tree.value[node, 0]), name
                    continue
                yes, no = said["yes"], said["no"]
                if isinstance(said["split_condition"], list):
                    assert said["split_condition"] == tree.categories[node].tolist()
                    assert {yes, no} == {tree.left[node], tree.right[node]}
                else:
                    assert (yes, no) == (tree.left[node], tree.right[node])
                    assert np.float32(said["split_condition"]) == np.float32(tree.threshold[node])
                assert (said["missing"] == tree.left[node]) == tree.default_left[node]
                assert found.feature_names[tree.feature[node]] == said["split"]
                pending += said["children"]


def test_lightgbm_leaves_are_those_of_its_dump(boosters: dict[str, object]) -> None:
    for name in ("lightgbm sets", "lightgbm classes", "lightgbm stump", "lightgbm forest"):
        model = boosters[name]
        found = booster_trees(read_bytes(pickle.dumps(model)).root)
        dump = model.booster_.dump_model()
        assert list(found.feature_names) == dump["feature_names"]
        for tree, said in zip(found.trees, dump["tree_info"], strict=True):
            pending = [(0, said["tree_structure"])]
            while pending:
                node, part = pending.pop()
                if "leaf_value" in part:
                    assert (tree.left[node], tree.value[node, 0]) == (-1, part["leaf_value"])
                    continue
                assert tree.feature[node] == part["split_feature"]
                assert tree.default_left[node] == part["default_left"]
                assert ["None", "Zero", "NaN"][tree.missing[node]] == part["missing_type"]
                if part["decision_type"] == "==":
                    assert "||".join(map(str, tree.categories[node])) == part["threshold"]
                else:
                    assert tree.threshold[node] == part["threshold"]
                pending += [(tree.left[node], part["left_child"]), (tree.right[node], part["right_child"])]


def test_files_and_pickles_hold_the_same_trees(boosters: dict[str, object]) -> None:
    model = boosters["xgboost sets"]
    pickled = booster_trees(read_bytes(pickle.dumps(model)).root)
    for form in ("json", "ubj"):
        filed = booster_trees(read_bytes(bytes(model.get_booster().save_raw(form))).root)
        for ours, theirs in zip(filed.trees, pickled.trees, strict=True):
            assert np.array_equal(ours.threshold, theirs.threshold, equal_nan=True)
            assert np.array_equal(ours.value, theirs.value)
    assert pickled.version.count(".") == 2


@pytest.mark.parametrize(
    ("line", "value", "says"),
    [
        ("num_features", "9 9", "the linear models in its leaves do not fit"),
        ("leaf_const", "1", "the linear models in its leaves do not fit"),
        ("leaf_features", "99", "a leaf weighs a feature that the model does not have"),
        ("leaf_features", "-1", "a leaf weighs a feature that the model does not have"),
        ("leaf_coeff", "inf", "values that are not finite"),
    ],
)
def test_leaf_models_that_the_loader_would_trust(
    boosters: dict[str, object], line: str, value: str, says: str
) -> None:
    text = boosters["lightgbm linear"].booster_.model_to_string()
    assert read_bytes(text.encode()).verdict == "clean"
    head, mark, rest = text.partition("Tree=1\n")
    before, key, after = rest.partition(f"\n{line}=")
    old, end, tail = after.partition("\n")
    new = value if line in ("num_features", "leaf_const") else " ".join([value, *old.split()[1:]])
    changed = read_bytes((head + mark + before + key + new + end + tail).encode())
    assert changed.verdict == "suspicious"
    assert says in " ".join(changed.reasons)
    with pytest.raises(BoosterError):
        trees_of_bytes(changed.data)


def test_inspect_counts_columns_that_leaves_weigh(boosters: dict[str, object]) -> None:
    model = boosters["lightgbm linear"]
    found = inspect(read_bytes(pickle.dumps(model)))
    split = {j for one in found.trees for tree in one.trees for j in tree.feature[tree.inner].tolist()}
    weighed = {j for one in found.trees for tree in one.trees for own in tree.weighed.values() for j in own}
    assert weighed
    assert len(found.surface.used) == len(split | weighed)
    assert not found.surface.rules


def test_what_cannot_be_read_is_named(boosters: dict[str, object]) -> None:
    data = pickle.dumps(boosters["xgboost sets"])
    node = struct.pack(">i", 1) + struct.pack(">i", 3)
    assert data.count(node) >= 1
    spoilt = read_bytes(data.replace(node, struct.pack(">i", 99) + node[4:], 1))
    with pytest.raises(BoosterError):
        booster_trees(spoilt.root)
    text = pickle.dumps(boosters["lightgbm sets"]).replace(b"num_leaves=6", b"num_leaves=7", 1)
    with pytest.raises(BoosterError, match="leaves need 6"):
        booster_graph(read_bytes(text).root)


def test_other_objects_are_no_boosters() -> None:
    assert booster_trees(read_bytes(pickle.dumps({"a": 1})).root) is None
    assert booster_graph(None) is None


def test_the_release_that_wrote_a_booster(boosters: dict[str, object]) -> None:
    import xgboost

    model = boosters["xgboost sets"]
    for data in (pickle.dumps(model), bytes(model.get_booster().save_raw("json"))):
        assert library_versions(read_bytes(data))["xgboost"] == xgboost.__version__
    artifact = read_bytes(bytes(model.get_booster().save_raw("ubj")))
    assert class_name(artifact) == "xgboost.core.Booster"
    assert training_rows(artifact) == ()


def test_a_pickled_booster_is_no_better_than_its_bytes(boosters: dict[str, object]) -> None:
    for name, old, new, says in (
        ("xgboost onehot", b"left_children[$l#L" + struct.pack(">q", 7), None, "outside the tree"),
        ("lightgbm sets", b"num_leaves=6", b"num_leaves=7", "leaves need 6"),
    ):
        data = bytearray(pickle.dumps(boosters[name]))
        assert read_bytes(bytes(data)).verdict == "clean"
        if new is None:
            at = data.find(b"left_children[$l#L") + len(old)
            data[at : at + 4] = struct.pack(">i", 9999)
        else:
            data = data.replace(old, new, 1)
        artifact = read_bytes(bytes(data))
        assert artifact.verdict == "suspicious"
        assert says in artifact.reasons[0]
