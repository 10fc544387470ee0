"""What people really save is clean: several labels, searches, mixed columns, models of models."""

from __future__ import annotations

import importlib.util
import pickle
import sys
import warnings
from pathlib import Path
from types import ModuleType

import pytest

from modelward.artifacts import read_bytes

MAKER = Path(__file__).parents[2] / "benchmarks" / "make_pipelines.py"


@pytest.fixture(scope="module")
def make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_pipelines", MAKER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_pipelines"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("kind", ["searches", "pipelines", "tuned"])
def test_every_composed_model_is_clean(make: ModuleType, kind: str) -> None:
    files = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for fit in getattr(make, kind)(make.tables()):
            model = fit()
            artifact = read_bytes(pickle.dumps(model), f"{type(model).__name__}.pkl")
            assert (artifact.verdict, artifact.reasons) == ("clean", ()), type(model).__name__
            files += 1
    assert files >= 10


def test_samplers_and_encoders_of_other_libraries_are_known_and_not_called() -> None:
    for name in (
        "imblearn.pipeline.Pipeline",
        "imblearn.over_sampling._smote.base.SMOTE",
        "category_encoders.woe.WOEEncoder",
    ):
        module, _, last = name.rpartition(".")
        head = f"c{module}\n{last}\n".encode()
        assert read_bytes(head + b")\x81}b.", "kept.pkl").verdict == "clean"
        assert read_bytes(head + b"(S'a'\ntR.", "called.pkl").verdict != "clean"
