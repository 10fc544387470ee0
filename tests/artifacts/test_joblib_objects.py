"""Arrays of objects in joblib's files: pickles within a pickle, with a memo of their own."""

from __future__ import annotations

import io

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

from modelward.artifacts import read_bytes

WRAPPER = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n0"
COMPUTED = b"ccollections\nOrderedDict\n)R\x8c\x06system\x93."


@pytest.mark.parametrize("compress", [0, 3])
def test_a_forest_that_knows_its_columns_is_clean(compress):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)), columns=["a", "b", "c"])
    buffer = io.BytesIO()
    joblib.dump(RandomForestClassifier(3, random_state=0).fit(X, X["a"] > 0), buffer, compress=compress)
    found = read_bytes(buffer.getvalue())
    assert (found.verdict, found.reasons) == ("clean", ())


def test_a_computed_name_is_not_clean_behind_a_wrapper_either():
    assert read_bytes(b"\x80\x04" + COMPUTED).verdict == "malicious"
    assert read_bytes(b"\x80\x04" + WRAPPER + COMPUTED).verdict != "clean"
