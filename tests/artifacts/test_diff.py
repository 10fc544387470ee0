"""What changed between two files: ways of writing give no line, changes are named by path."""

from __future__ import annotations

import io
import json
import pickle
import warnings
import zipfile
from collections import OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KernelDensity, KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from modelward.artifacts import Artifact, Difference, diff, fingerprint, read_bytes
from modelward.cli._diff import diff as verb
from modelward.cli._fingerprint import fingerprint as fingerprint_verb

X, Y = make_classification(80, 6, random_state=0)


def joblib_bytes(model: Any, compress: Any = 0) -> bytes:
    out = io.BytesIO()
    joblib.dump(model, out, compress=compress)
    return out.getvalue()


def changed(before: Any, after: Any) -> dict[str, tuple[str, str]]:
    found = diff(read_bytes(pickle.dumps(before)), read_bytes(joblib_bytes(after)))
    assert found.complete
    assert found.same == (not found.changes)
    return {change.path: (change.before, change.after) for change in found.changes}


def copy(model: Any) -> Any:
    return pickle.loads(pickle.dumps(model))


@pytest.fixture(scope="module")
def forest() -> RandomForestClassifier:
    return RandomForestClassifier(5, random_state=0).fit(X, Y)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)


class Everything:
    """Holds one of each kind of thing that a pickle writes differently from protocol to protocol."""

    def __init__(self) -> None:
        shared = [1.5, float("nan"), -0.0]
        self.things = {
            "shared": [shared, shared], "set": {1, "a", (2, 3)}, "frozen": frozenset({b"x", None}), "bytes": b"\xff\x00z",
            "bytearray": bytearray(b"\x80"), "big": 1 << 300, "complex": 1 - 2j, "ordered": OrderedDict(b=1, a=2),
            "default": defaultdict(list, x=[1]), "nested": {1: {True: None}, (1, 2): "t"}, "text": "é\n\x1b",
            "c": np.arange(6.0).reshape(2, 3), "f": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
            "swapped": np.arange(3, dtype=">i4"), "scalar": np.float32(1.1), "dtype": np.dtype("<f4"), "kind": np.float64,
            "objects": np.array([[1, "a"], [None, 2.5]], dtype=object, order="F"), "when": np.datetime64("2026-01-01"),
            "strings": np.array(["a", "bb"]), "random": np.random.RandomState(3), "slice": slice(1, 2), "empty": (),
            "masked": np.ma.array([1, 2], mask=[0, 1]), "generator": np.random.default_rng(2),
        }  # fmt: skip
        self.me = self


WRITTEN = [
    *(pytest.param(lambda m, p=p: pickle.dumps(m, p), id=f"protocol {p}") for p in range(6)),
    pytest.param(joblib_bytes, id="joblib"),
    pytest.param(lambda m: joblib_bytes(m, ("gzip", 3)), id="joblib, gzip"),
    pytest.param(lambda m: joblib_bytes(joblib.load(io.BytesIO(joblib_bytes(m)))), id="joblib, twice"),
    pytest.param(lambda m: pickle.dumps(copy(copy(m)), 2), id="three times"),
]


@pytest.mark.parametrize("write", WRITTEN)
def test_ways_of_writing_are_no_change(write: Any, forest: Any, pipeline: Any) -> None:
    voting = VotingClassifier([("a", LogisticRegression())]).fit(X, Y)
    for model in (Everything(), forest, pipeline, KernelDensity().fit(X), voting):
        before, after = read_bytes(pickle.dumps(model)), read_bytes(write(model))
        assert diff(before, after) == Difference(True, True, ())
        assert fingerprint(before).content == fingerprint(after).content != ""


def test_order_in_memory_of_an_array_is_no_change() -> None:
    values = np.arange(12.0).reshape(3, 4)
    assert not changed({"w": values}, {"w": np.asfortranarray(values)})
    assert not changed({"w": values}, {"w": values.astype(">f8")})
    assert set(changed({"w": values}, {"w": values.T})) == {"['w'].shape"}


def test_order_of_keys_counts_where_python_says_so() -> None:
    assert not changed({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert changed(OrderedDict(a=1, b=2), OrderedDict(b=2, a=1))


def test_nan_equals_nan_and_zero_is_not_minus_zero() -> None:
    assert not changed([float("nan"), np.array([np.nan, 1])], [float("nan"), np.array([np.nan, 1])])
    assert changed([0.0], [-0.0]) == {"[0]": ("0.0", "-0.0")}
    assert changed(np.array([0.0, 1.0]), np.array([-0.0, 1.0])) == {"(model)": ("[0, 1]", "[-0.0, 1]")}


def test_types_that_compare_equal_are_changes() -> None:
    assert changed([1, 1, 0], [True, 1.0, False]) == {
        "[0]": ("1", "True"),
        "[1]": ("1", "1.0"),
        "[2]": ("0", "False"),
    }
    assert changed({1: "x"}, {True: "x"}) == {"[1]": ("'x'", "(absent)"), "[True]": ("(absent)", "'x'")}


def test_a_forest_names_tree_field_and_node(forest: Any) -> None:
    other = copy(forest)
    state = other.estimators_[3].tree_.__getstate__()
    before = state["nodes"]["threshold"][2]
    state["nodes"]["threshold"][2] = 99
    state["values"][4, 0, 1] = 0.25
    other.estimators_[3].tree_.__setstate__(state)
    other.classes_ = np.array([1, 1])
    found = changed(forest, other)
    assert found["classes_"] == ("[0, 1]", "[1, 1]")
    assert found["trees[3].threshold[2]"] == (repr(float(before)), "99")
    assert found["trees[3].value[4, 0, 1]"][1] == "0.25"
    assert len(found) == 3


def test_trees_of_boosting(pipeline: Any) -> None:
    boosted = GradientBoostingClassifier(n_estimators=3).fit(X, Y)
    other = copy(boosted)
    other.estimators_[2, 0].tree_.value[1, 0, 0] = 0.125
    assert changed(boosted, other)["trees[2].value[1, 0, 0]"][1] == "0.125"
    hist = HistGradientBoostingClassifier(max_iter=3).fit(X, Y)
    other = copy(hist)
    other._predictors[1][0].nodes["num_threshold"][0] = 77
    assert changed(hist, other)["trees[1][0].num_threshold[0]"][1] == "77"


def test_a_pipeline_names_steps_attributes_and_classes(pipeline: Any) -> None:
    other = copy(pipeline)
    other[1].coef_[0, 2], other[1].C, other[1].extra = 9.5, 1, "new"
    del other[0].var_
    found = changed(pipeline, other)
    assert found["steps[1][1].coef_[0, 2]"][1] == "9.5"
    assert found["steps[1][1].C"] == ("1.0", "1")
    assert found["steps[1][1].extra"] == ("(absent)", "'new'")
    assert found["steps[0][1].var_"][1] == "(absent)"
    other = copy(pipeline)
    other.steps[0] = (other.steps[0][0], MinMaxScaler())
    assert found.keys().isdisjoint(changed(pipeline, other))
    assert changed(pipeline, other)["steps[0][1].class"][1] == "sklearn.preprocessing._data.MinMaxScaler"
    other = copy(pipeline)
    other.steps.insert(1, ("more", MinMaxScaler()))
    assert changed(pipeline, other) == {"steps.length": ("2", "3"), "steps[1]": ("(absent)", "tuple of 2")}


def test_many_cells_are_counted_and_the_first_shown() -> None:
    before, after = np.zeros((40, 5)), np.zeros((40, 5))
    after[10:] = 1
    found = changed({"w": before}, {"w": after})
    assert found["['w']"] == ("200 cells", "150 of them changed")
    assert found["['w'][10, 0]"] == ("0", "1")
    assert len(found) == 6
    assert set(changed({"w": before}, {"w": before.astype("f4")})) == {"['w'].dtype"}


def test_rows_of_training_data_are_counted_and_not_shown() -> None:
    rows = np.round(X * 1000) + 0.125
    model = KNeighborsClassifier().fit(rows, Y + 40)
    other = copy(model)
    other._fit_X[3, 2], other._y[5], other.n_neighbors = 31337.25, 1 - other._y[5], 9
    found = diff(read_bytes(pickle.dumps(model)), read_bytes(pickle.dumps(other)))
    by_path = {change.path: (change.before, change.after) for change in found.changes}
    assert by_path["_fit_X"] == ("480 cells, not shown", "1 of them changed")
    assert by_path["_y"] == ("80 cells, not shown", "1 of them changed")
    assert by_path["n_neighbors"] == ("5", "9")
    assert "31337" not in str(found)


def test_what_is_shared_or_cyclic_does_not_matter() -> None:
    inner = [1, 2]
    assert not changed([inner, inner], [[1, 2], [1, 2]])
    loop: list[Any] = [1]
    loop.append(loop)
    other: list[Any] = [1]
    other.append(other)
    assert not changed(loop, other)
    other[0] = 2
    assert changed(loop, other) == {"[0]": ("1", "2")}


def test_text_of_the_file_cannot_steer_a_terminal_or_a_page(tmp_path: Path) -> None:
    evil = "\x1b[2J<script>alert(1)</script>|`x`\n# h"
    (tmp_path / "a").write_bytes(pickle.dumps({evil: 1, "b": "x"}))
    (tmp_path / "b").write_bytes(pickle.dumps({evil: 2, "b": evil}))
    outs = [str(tmp_path / f"o.{suffix}") for suffix in ("html", "md", "txt", "json")]
    run = CliRunner().invoke(
        verb, [str(tmp_path / "a"), str(tmp_path / "b"), *(x for o in outs for x in ("-o", o))]
    )
    assert run.exit_code == 0
    for text in (run.stdout, *(Path(o).read_text() for o in outs)):
        assert "\x1b" not in text
    assert "<script>" not in Path(outs[0]).read_text()
    assert "\n# h" not in Path(outs[1]).read_text()


def call(command: Any, *args: object) -> tuple[Any, str]:
    run = CliRunner().invoke(command, [str(arg) for arg in args], standalone_mode=False)
    if run.exception is not None:
        raise run.exception
    return run.return_value, run.stdout


def test_verb(tmp_path: Path, forest: Any) -> None:
    a, b, c = (tmp_path / name for name in ("a.pkl", "b.joblib", "c.pkl"))
    a.write_bytes(pickle.dumps(forest))
    b.write_bytes(joblib_bytes(forest, 3))
    other = copy(forest)
    other.classes_ = np.array([1, 1])
    c.write_bytes(pickle.dumps(other))
    assert call(verb, a, b)[0] == 0
    code, out = call(verb, a, c)
    assert code == 1
    assert "classes_: [0, 1] → [1, 1]\n" in out
    code, out = call(verb, a, c, "--format", "json")
    assert json.loads(out)["changes"] == [{"path": "classes_", "before": "[0, 1]", "after": "[1, 1]"}]
    assert json.loads(out)["same"] is False
    c.write_bytes(a.read_bytes()[:-10])
    assert call(verb, a, c)[0] == 3
    assert call(verb, c, c)[0] == 3
    assert json.loads(call(verb, a, c, "--format", "json")[1])["same"] is False
    assert call(fingerprint_verb, a, b)[0] == 0
    assert call(fingerprint_verb, c)[0] == 3
    files = json.loads(call(fingerprint_verb, a, b, "--format", "json")[1])["files"]
    assert files[0]["content"] == files[1]["content"]
    assert files[0]["sha256"] != files[1]["sha256"]


def test_a_file_that_is_cut_anywhere_is_never_the_same(pipeline: Any) -> None:
    whole = pickle.dumps(pipeline)
    before = read_bytes(whole)
    for end in range(0, len(whole), 7):
        found = diff(before, read_bytes(whole[:end]))
        assert not found.same
        assert not found.complete


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_flipped_bits_never_crash_and_same_means_same_values(data: st.DataObject) -> None:
    content = bytearray(pickle.dumps({"w": np.arange(5.0), "k": [1, {"a": (2.5, "x")}], "n": None}))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    a: Artifact = read_bytes(pickle.dumps({"w": np.arange(5.0), "k": [1, {"a": (2.5, "x")}], "n": None}))
    found = diff(a, read_bytes(bytes(content)))
    one, two = fingerprint(a), fingerprint(read_bytes(bytes(content)))
    assert found.same == (bool(two.content) and one.content == two.content)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        | st.tuples(inner)
    ),
    max_leaves=15,
)


def exact(value: Any) -> Any:
    """Return what says a plain value to the bit: an oracle that shares no code with the comparison."""
    if isinstance(value, dict):
        return ("dict", sorted((key, repr(exact(item))) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return (type(value).__name__, [exact(item) for item in value])
    return (type(value).__name__, repr(value))


@settings(max_examples=200, deadline=None)
@given(plain, plain, st.integers(0, 5), st.integers(2, 5))
def test_against_an_independent_comparison(a: Any, b: Any, first: int, second: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x, y = read_bytes(pickle.dumps(a, first)), read_bytes(pickle.dumps(b, second))
    expected = exact(a) == exact(b)
    assert diff(x, y).same == expected
    assert (fingerprint(x).content == fingerprint(y).content) == expected
    assert diff(x, read_bytes(pickle.dumps(a, second))).same


def test_members_of_a_container_are_named_once(pipeline: Any) -> None:
    def archive(**files: Any) -> Artifact:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as target:
            for name, model in files.items():
                target.writestr(name, pickle.dumps(model))
        return read_bytes(out.getvalue(), "m.zip")

    other = copy(pipeline)
    other[1].coef_[0, 2] = 9.5
    before = archive(a=pipeline, b=pipeline)
    assert diff(before, archive(b=copy(pipeline), a=pipeline)).same
    (change,) = diff(before, archive(a=pipeline, b=other)).changes
    assert change.path == "['b'].steps[1][1].coef_[0, 2]"
    (change,) = diff(before, archive(a=pipeline)).changes
    assert change.after == "(absent)"
    broken = diff(before, archive(a=pipeline, b=pipeline, c=b"").members[0])
    assert not broken.same
