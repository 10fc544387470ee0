"""Content in low bits: planted payloads are found, honest arrays of many kinds are left alone."""

from __future__ import annotations

import importlib.util
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPClassifier

from modelward.artifacts import inspect, low_bits, read_bytes
from modelward.artifacts._lowbits import judge

spec = importlib.util.spec_from_file_location(
    "benchmark_of_lowbits", Path(__file__).parents[2] / "benchmarks" / "lowbits.py"
)
bench = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = bench
spec.loader.exec_module(bench)


def as_words(values: np.ndarray) -> np.ndarray:
    return values.view(np.uint32 if values.dtype == np.float32 else np.uint64)


@pytest.mark.parametrize("name", sorted(bench.HONEST))
def test_honest_arrays_are_left_alone(name: str) -> None:
    rng = np.random.default_rng(11)
    for _ in range(15):
        assert judge(as_words(bench.HONEST[name](rng, int(rng.integers(4100, 20_000))))) is None


@pytest.mark.parametrize("bits", [8, 4, 2, 1])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("payload", ["text", "source code", "program (ELF)", "zip archive"])
def test_planted_content_is_found(payload: str, kind: type, bits: int) -> None:
    rng = np.random.default_rng(5)
    weights = rng.normal(size=20_000).astype(kind)
    assert judge(weights.view(np.uint64 if kind is np.float64 else np.uint32)) is None
    planted = bench.plant(weights, bench.payloads(rng, 20_000 * bits // 8)[payload], bits)
    assert judge(planted) is not None
    assert np.allclose(planted.view(kind), weights, rtol=1e-4)


def test_where_it_is_in_a_file() -> None:
    rng = np.random.default_rng(3)
    model = LinearRegression().fit(rng.normal(size=(50, 3)), rng.normal(size=50))
    text = bench.payloads(rng, 8192)["text"]
    model.coef_ = bench.plant(rng.normal(size=8192), text, 8).view(np.float64).reshape(64, 128)
    model.other_ = rng.normal(size=8192)
    found = low_bits(read_bytes(pickle.dumps(model)))
    assert [defect.path for defect in found] == ["coef_"]
    assert "p = " in found[0].what
    findings = {finding.code: finding for finding in inspect(read_bytes(pickle.dumps(model))).findings}
    assert (findings["MW094"].verdict, findings["MW094"].severity) == ("fail", "medium")
    model.coef_ = rng.normal(size=100)
    assert low_bits(read_bytes(pickle.dumps(model))) == ()


@pytest.mark.filterwarnings("ignore")
def test_trained_models_are_left_alone() -> None:
    rng = np.random.default_rng(8)
    X, y = rng.normal(size=(6000, 8)), rng.normal(size=6000)
    for model in (
        RandomForestRegressor(2, random_state=0),
        MLPClassifier((64, 96), max_iter=2, random_state=0),
    ):
        target = y if isinstance(model, RandomForestRegressor) else y > 0
        assert low_bits(read_bytes(pickle.dumps(model.fit(X, target)))) == ()


def test_values_that_are_no_numbers() -> None:
    for values in (np.full(5000, np.nan), np.full(5000, np.inf), np.zeros(5000)):
        assert judge(as_words(values)) is None
