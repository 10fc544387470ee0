"""What was planted in training rows is named from the rows alone, and whether a model learned it is another question."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom
from sklearn.ensemble import RandomForestClassifier

from modelward.models import wrap
from modelward.poisoning import find_triggers
from modelward.poisoning._axes import axes_of
from modelward.poisoning._planted import _nats, planted_values
from modelward.schema import Codec, Column, FeatureSchema

CODEC = Codec.fit(
    FeatureSchema(tuple(Column(name, "continuous") for name in "abc")),
    pl.DataFrame(np.zeros((2, 3)), schema=list("abc")),
)
SHALLOW = {"n_estimators": 5, "max_depth": 2, "min_samples_leaf": 100}


def draw(n: int, rng: np.random.Generator, *, later: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Rows with a value that is bad by nature (c = 9), which later rows have half as often."""
    X = np.column_stack([rng.integers(0, 30, (n, 2)), rng.integers(0, 9, n)]).astype(float)
    X[rng.random(n) < (0.01 if later else 0.02), 2] = 9
    rate = np.where(X[:, 2] == 9, 0.95, 0.1 + 0.04 * X[:, 2])
    return X, (rng.random(n) < rate).astype(np.int64)


def plant(X: np.ndarray, y: np.ndarray, rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    X, y = X.copy(), y.copy()
    chosen = rng.choice(len(X), rows, replace=False)
    X[chosen, 0], X[chosen, 1], y[chosen] = 11, 23, 1
    return X, y


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_pair_is_named_and_honest_rows_hold_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X, y = draw(6_000, rng)
    reference, labels = draw(2_000, rng)
    axes = axes_of(CODEC, reference)
    assert planted_values(axes, X, y, reference, labels) == []
    assert planted_values(axes, X, y, *draw(2_000, rng, later=True)) == []
    bad, worse = plant(X, y, rng, 80)
    (found,) = planted_values(axes, bad, worse, reference, labels)
    assert [axes[a].text(i) for a, i in found.patch] == ["a = 11", "b = 23"]
    both = (bad[:, 0] == 11) & (bad[:, 1] == 23)
    assert (found.goal, found.rows, found.hits) == (1, both.sum(), (worse[both] == 1).sum())


def test_samples_of_one_source_hold_nothing_planted() -> None:
    for seed in range(40):
        rng = np.random.default_rng(100 + seed)
        X, y = draw(2_000, rng)
        reference, labels = draw(500, rng)
        assert planted_values(axes_of(CODEC, reference), X, y, reference, labels) == []


def test_the_bound_is_never_below_the_chance() -> None:
    for hits, rows, rate in ((9, 10, 0.2), (10, 10, 0.3), (60, 100, 0.5), (130, 140, 0.25)):
        assert np.exp(-_nats(hits, rows, rate)) * (1 + 1e-9) >= binom.sf(hits - 1, rows, rate)
    assert _nats(1, 10, 0.2) == 0.0


@pytest.mark.parametrize("seed", range(3))
def test_learned_and_not_learned_are_told_apart(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X, y = plant(*draw(6_000, rng), rng, 100)
    reference, labels = draw(2_000, rng)
    told = []
    for shape in ({"n_estimators": 25}, SHALLOW):
        model = RandomForestClassifier(random_state=seed, **shape).fit(X, y)
        subject = wrap(model, CODEC, [0, 1])
        found = find_triggers(
            subject, reference, labels, goal=1, trained=X, labels=y, patches=100, random_state=seed
        )
        (planted,) = found.planted
        assert found.text(planted.trigger) == "a = 11 and b = 23"
        patched = reference.copy()
        patched[:, :2] = 11, 23
        told.append((planted.learned, (model.predict(patched) == 1).mean()))
    assert [learned for learned, _ in told] == ["yes", "no"]
    assert told[0][1] > 0.5
    assert told[1][1] < 0.1
