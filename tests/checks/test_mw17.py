"""Row 17 as a check: what was proposed is judged, and nothing proposed is no pass."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from modelward.checks import CheckNotApplicable, Sample, Scope, conclude
from modelward.checks.mw17_testing import ErrorSlices, SeenRows
from modelward.findings import Cost, Finding, Policy
from modelward.models import wrap
from modelward.schema import Codec, Column, FeatureSchema


def _judged(X: np.ndarray, y: np.ndarray, seed: int) -> Finding:
    names = [f"x{j}" for j in range(X.shape[1])]
    schema = FeatureSchema(tuple(Column(n, "continuous", low=-9.0, high=9.0) for n in names))
    codec = Codec.fit(schema, pl.DataFrame(X, schema=names))
    subject = wrap(lambda rows: np.zeros(len(rows), dtype=int), codec, [0, 1])
    evidence = ErrorSlices().run(Scope(subject, schema, Sample(X, y), seed=seed))
    return conclude(ErrorSlices, evidence, alpha=0.05 / 8, policy=Policy(), cost=Cost(0, 0.0))


@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_nothing_to_propose_is_neither_a_pass_nor_a_warning(rate: float) -> None:
    rng = np.random.default_rng(0)
    X = np.zeros((600, 1))
    found = _judged(X, (rng.random(600) < rate).astype(int), 0)
    assert found.verdict == "inconclusive"


def test_a_small_bad_group_beside_a_large_mild_one_is_no_pass() -> None:
    """Two rows in a hundred err always; half of the rows err a little more, which many rows prove to be little."""
    verdicts = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(4_000, 3))
        wrong = rng.random(4_000) < np.where(X[:, 0] > 0, 0.06, 0.03)
        wrong |= (X[:, 1] > 2.05) & (rng.random(4_000) < 0.6)
        verdicts.append(_judged(X, wrong.astype(int), seed).verdict)
    assert "pass" not in verdicts
    assert "warn" in verdicts


def _seen(data: tuple[np.ndarray, np.ndarray], train: tuple[np.ndarray, np.ndarray]) -> str:
    names = [f"x{j}" for j in range(data[0].shape[1])]
    schema = FeatureSchema(tuple(Column(n, "continuous", low=-9.0, high=9.0) for n in names))
    subject = wrap(
        lambda rows: np.zeros(len(rows), dtype=int),
        Codec.fit(schema, pl.DataFrame(data[0], schema=names)),
        [0, 1],
    )
    scope = Scope(subject, schema, Sample(*data), train=Sample(*train, total=len(train[0])))
    return conclude(
        SeenRows, SeenRows().run(scope), alpha=0.05 / 18, policy=Policy(), cost=Cost(0, 0.0)
    ).verdict


@pytest.mark.parametrize("values", [2, 4, 60, 10_000])
def test_test_rows_from_the_training_rows_are_told_from_repetitions(values: int) -> None:
    """However coarse the columns, fresh rows pass; rows copied from the training rows do not where columns are fine."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X, y = rng.integers(0, values, (3_000, 4)).astype(float), rng.integers(0, 2, 3_000)
        train, test = (X[:2_000], y[:2_000]), (X[2_000:], y[2_000:])
        assert _seen(test, train) == "pass"
        once = np.unique(np.column_stack(train), axis=0)  # repetitions taken out of the training rows
        if values <= 4:
            with pytest.raises(CheckNotApplicable):
                _seen(test, (once[:, :4], once[:, 4].astype(int)))
        else:
            assert _seen(test, (once[:, :4], once[:, 4].astype(int))) == "pass"
        if values >= 60:
            half = (np.vstack([test[0][:700], train[0][:300]]), np.r_[test[1][:700], train[1][:300]])
            assert _seen(half, train) == "fail"
