"""The benchmark of leaks: its oracle finds planted rows, and both agree on a few estimators."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KDTree, KNeighborsClassifier
from sklearn.svm import SVC

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "leaks.py"


def load() -> object:
    spec = importlib.util.spec_from_file_location("benchmark_of_leaks", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_oracle_and_the_reader_agree() -> None:
    bench = load()
    model = LogisticRegression().fit(bench.X, bench.Y)
    assert bench.rows_carried(model, bench.X) == 0
    for hidden, rows in (
        (bench.X[:7], 7), ([{"a": (bench.X.T,)}], 60), (sparse.csr_matrix(bench.X), 60), (KDTree(bench.X), 60),
        (np.array([None, bench.X[:9]], dtype=object), 9), (np.sort(bench.X, axis=0), 0),
    ):  # fmt: skip
        model.hidden_ = hidden
        assert bench.rows_carried(model, bench.X) == rows
    found = [
        bench.outcome(type(m).__name__, m.fit(bench.X, bench.Y), bench.X, bench.X)
        for m in (KNeighborsClassifier(), SVC(), LogisticRegression(), KMeans(2, n_init=1))
    ]
    assert [bool(o.said) for o in found] == [True, True, False, False]
    said = bench.summary(found)
    assert said["recall"] == said["precision"] == said["others left alone"] == (2, 2)
