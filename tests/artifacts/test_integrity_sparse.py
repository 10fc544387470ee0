"""Sparse matrices of files: honest ones of every form, and ones whose indices point outside."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.artifacts import read_bytes
from modelward.artifacts._integrity import integrity

FORMS = [f"{form}_{kind}" for form in ("csr", "csc", "bsr", "coo") for kind in ("matrix", "array")]


def defects(value: Any, protocol: int = 4) -> list[str]:
    return [f"{one.path}: {one.what}" for one in integrity(read_bytes(pickle.dumps({"m": value}, protocol)))]


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(FORMS), st.integers(0, 6), st.integers(1, 6), st.integers(0, 9), st.sampled_from([2, 5])
)
def test_whatever_scipy_makes_is_sound(form: str, rows: int, columns: int, seed: int, protocol: int) -> None:
    dense = np.random.default_rng(seed).integers(0, 2, (rows, columns)).astype(float)
    made = getattr(sp, form)(dense)
    assert defects(made, protocol) == []
    if rows and form.startswith("csr"):
        assert defects(made[: rows // 2], protocol) == []
        assert defects(made.T, protocol) == []


def test_blocks_are_sound() -> None:
    assert defects(sp.bsr_matrix(np.eye(6), blocksize=(2, 3))) == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("wrong", [1 << 20, -1, 4])
def test_an_index_outside_is_named(form: str, wrong: int) -> None:
    made = getattr(sp, form)(np.eye(4))
    if form.startswith("coo"):
        made.coords = (np.array([0, 1, 2, wrong]), made.coords[1])
    else:
        made.indices = made.indices.copy()
        made.indices[-1] = wrong
    assert "['m']: is a sparse matrix whose indices point outside" in "".join(defects(made))


@pytest.mark.parametrize(
    "starts", [[0, 1, 2, 3, 9], [0, 3, 2, 3, 4], [1, 1, 2, 3, 4], [0, 1], [-1, 1, 2, 3, 4]]
)
def test_rows_outside_are_named(starts: list[int]) -> None:
    made = sp.csr_matrix(np.eye(4))
    made.indptr = np.array(starts, dtype=np.int32)
    assert defects(made) != []


def test_fewer_values_than_indices_are_named() -> None:
    made = sp.csr_matrix(np.eye(4))
    made.data = made.data[:2]
    assert defects(made) != []
