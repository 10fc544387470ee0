"""CatBoost's models say their columns, classes and release; oracle: what catboost 1.2.10 printed when it wrote them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.artifacts import inspect, read_artifact
from modelward.artifacts._catboost import catboost_facts, facts_of_bytes

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


_TWO = _bytes("two")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(_TWO) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_changed_bytes_never_raise(changes: list[tuple[int, int]]) -> None:
    data = bytearray(_TWO)
    for place, value in changes:
        data[place] = value
    found = facts_of_bytes(bytes(data))
    assert found is None or len(found.feature_names) <= 4
