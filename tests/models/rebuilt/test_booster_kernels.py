"""The compiled walks and links of boosters, beside a slow plain-Python twin of each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.models.rebuilt._kernels import (
    booster_leaves,
    exponential_single,
    logistic_single,
    softmax_single,
)

ZERO = float(np.float32(1e-35))
CELLS = [
    math.nan,
    math.inf,
    -math.inf,
    0.0,
    -0.0,
    ZERO,
    2 * ZERO,
    1.0,
    -1.0,
    -0.5,
    2.5,
    3.0,
    40.0,
    2.0**31,
    1e300,
]


def twin(row: list[float], tree: dict[int, Any], strict: bool, set_left: bool) -> int:
    """Follow one row: `tree` has from node to None for a leaf, else a dictionary of what its split says."""
    node = 0
    while tree[node] is not None:
        split = tree[node]
        x = row[split["feature"]]
        if split["set"] is not None:
            if math.isnan(x):
                left = split["default"] if strict else False
            else:
                code = int(x) if -1 < x < 2**31 else None
                left = (code in split["set"]) == set_left
        elif (split["missing"] == "nan" and math.isnan(x)) or (
            split["missing"] == "zero" and (math.isnan(x) or abs(x) <= ZERO)
        ):
            left = split["default"]
        else:
            x = 0.0 if math.isnan(x) else x
            left = x < split["threshold"] if strict else x <= split["threshold"]
        node = split["left"] if left else split["right"]
    return node


@st.composite
def trees(draw: st.DrawFn) -> dict[int, Any]:
    """Return a random binary tree over three columns."""
    tree: dict[int, Any] = {0: None}
    leaves = [0]
    for _ in range(draw(st.integers(0, 6))):
        node = leaves.pop(draw(st.integers(0, len(leaves) - 1)))
        left, right = len(tree), len(tree) + 1
        tree[node] = {
            "feature": draw(st.integers(0, 2)), "threshold": draw(st.sampled_from(CELLS[1:])),
            "left": left, "right": right, "default": draw(st.booleans()),
            "missing": draw(st.sampled_from(["none", "zero", "nan"])),
            "set": draw(st.none() | st.sets(st.sampled_from([0, 1, 2, 3, 40, 41]))),
        }  # fmt: skip
        tree[left] = tree[right] = None
        leaves += [left, right]
    return tree


def flat(tree: dict[int, Any]) -> list[np.ndarray]:
    """Return the arrays that the compiled walk takes."""
    n = len(tree)

    def over(key: str, fill: Any, kind: Any) -> np.ndarray:
        return np.array([fill if tree[i] is None else tree[i][key] for i in range(n)], dtype=kind)

    kinds = {"none": 0, "zero": 1, "nan": 2}
    missing = np.array([0 if tree[i] is None else kinds[tree[i]["missing"]] for i in range(n)], dtype=np.int8)
    sets, bounds, members = np.full(n, -1), [0], []
    for i in range(n):
        if tree[i] is not None and tree[i]["set"] is not None:
            sets[i] = len(bounds) - 1
            members += sorted(tree[i]["set"])
            bounds.append(len(members))
    return [
        over("feature", -1, np.int64), over("threshold", math.nan, np.float64), over("left", -1, np.int64),
        over("right", -1, np.int64), over("default", False, np.bool_), missing, sets,
        np.array(bounds, dtype=np.int64), np.array(members, dtype=np.int64),
    ]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(trees(), st.lists(st.lists(st.sampled_from(CELLS), min_size=3, max_size=3), min_size=1, max_size=20), st.booleans(), st.booleans())  # fmt: skip
def test_walk(tree: dict[int, Any], rows: list[list[float]], strict: bool, set_left: bool) -> None:
    feature, threshold, left, right, default, missing, sets, bounds, members = flat(tree)
    out = np.zeros(len(rows), dtype=np.int64)
    booster_leaves(
        np.array(rows), feature, threshold, left, right, default, missing, strict, set_left, sets, bounds, members, out
    )  # fmt: skip
    assert out.tolist() == [twin(row, tree, strict, set_left) for row in rows]


MARGINS = np.random.default_rng(0).normal(scale=20, size=(500, 3)).astype(np.float32)
MARGINS[0] = [0, 200, -200]


def test_logistic() -> None:
    # XGBoost: 1 / (e^x + 1 + 1e-16) in float32, with -x held below 88.7.
    one = np.float32(1)
    plain = [
        [one / (np.float32(math.exp(min(-x, np.float32(88.7)))) + one + np.float32(1e-16)) for x in row]
        for row in MARGINS
    ]
    np.testing.assert_allclose(logistic_single(MARGINS), plain, rtol=2e-7, atol=0)


def test_softmax() -> None:
    plain = []
    for row in MARGINS.tolist():
        powers = [np.float32(math.exp(np.float32(x - max(row)))) for x in row]
        plain.append([p / np.float32(math.fsum(powers)) for p in powers])
    np.testing.assert_allclose(softmax_single(MARGINS), plain, rtol=4e-7, atol=1e-44)
    np.testing.assert_allclose(softmax_single(MARGINS).sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("x", [-90.0, -1.5, 0.0, 1.0, 30.0])
def test_exponential(x: float) -> None:
    assert exponential_single(np.array([[x]], dtype=np.float32))[0, 0] == np.float32(math.exp(x))
