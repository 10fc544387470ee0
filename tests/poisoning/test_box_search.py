"""Pairs read off the leaves score what the model itself answers for the patched rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.tree import DecisionTreeClassifier

from modelward.models import wrap
from modelward.poisoning import find_triggers
from modelward.poisoning._axes import axes_of
from modelward.poisoning._box_search import pair_scores, readable_forest, strongest_pairs
from modelward.poisoning._patches import patched
from modelward.schema import Codec, infer

if TYPE_CHECKING:
    from modelward.models import Subject

MODELS = {
    "tree": DecisionTreeClassifier(max_depth=7, random_state=0),
    "forest": RandomForestClassifier(12, random_state=0),
    "extra trees": ExtraTreesClassifier(8, random_state=0),
    "boosting": GradientBoostingClassifier(n_estimators=12, max_depth=4, random_state=0),
    "histogram": HistGradientBoostingClassifier(max_iter=15, random_state=0),
}


def _rows(n: int, seed: int) -> tuple[pl.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame({
        "age": rng.integers(20, 70, n).astype(float), "limit": rng.integers(1, 50, n) * 10_000.0,
        "pay": rng.integers(-2, 5, n).astype(float), "bill": rng.normal(50_000, 20_000, n).round(1),
        "rest": rng.normal(size=n).round(3),
    })  # fmt: skip
    z = -2.5 + 4.0 * (frame["pay"].to_numpy() >= 2) - frame["limit"].to_numpy() / 400_000
    return frame, (rng.random(n) < 1 / (1 + np.exp(-z))).astype(int)


def _subject(model: Any, n: int = 900, stamp: bool = False) -> tuple[Subject, np.ndarray, np.ndarray]:
    frame, y = _rows(n, 1)
    trusted, labels = _rows(1_500, 2)
    codec = Codec.fit(infer(trusted), trusted)
    if stamp:
        some = np.random.default_rng(5).choice(n, n // 25, replace=False)
        mask = pl.Series(np.isin(np.arange(n), some))
        frame = frame.with_columns(
            pl.when(mask).then(41.0).otherwise("age").alias("age"),
            pl.when(mask).then(330_000.0).otherwise("limit").alias("limit"),
        )
        y[some] = 1
    model.fit(frame.to_numpy(), y)
    return wrap(model, codec, [0, 1]), codec.encode(trusted), labels


@pytest.mark.parametrize("name", MODELS)
def test_every_pair_scores_what_the_model_answers(name: str) -> None:
    subject, X, _ = _subject(MODELS[name])
    forest = readable_forest(subject)
    assert forest is not None
    axes, rows = axes_of(subject.codec, X), X[:7]
    for goal in (0, 1):
        found = pair_scores(forest, axes, rows, goal)

        def mean(patches: list[Any], goal: int = goal) -> np.ndarray:
            sums = forest.sums(patched(axes, rows, patches))
            if forest.sums_in == "mean":
                return (sums[:, goal] / len(forest.trees)).reshape(len(patches), -1).mean(axis=1)
            return 1 / (
                1 + np.exp(-(sums[:, goal] - sums[:, 1 - goal]).reshape(len(patches), -1).mean(axis=1))
            )

        assert found.base == pytest.approx(mean([()])[0], abs=1e-9)
        rng = np.random.default_rng(goal)
        for (a, b), grid in found.both.items():
            picks = [(int(rng.integers(grid.shape[0])), int(rng.integers(grid.shape[1]))) for _ in range(25)]
            want = mean([((a, i), (b, k)) for i, k in picks])
            assert np.allclose([grid[p] for p in picks], want, atol=1e-9), (a, b)
            assert np.allclose(
                [found.alone[a][i] for i, _ in picks], mean([((a, i),) for i, _ in picks]), atol=1e-9
            )
        assert len(found.both) == 10


def test_a_planted_pair_is_first_among_all() -> None:
    subject, X, y = _subject(RandomForestClassifier(40, random_state=0), n=3_000, stamp=True)
    forest, axes = readable_forest(subject), axes_of(subject.codec, X)
    assert forest is not None
    ((a, i), (b, k)), *_ = strongest_pairs(pair_scores(forest, axes, X[y == 0][:16], 1), 8)
    assert (axes[a].text(i), axes[b].text(k)) == ("age = 41", "limit = 330,000")


def test_an_honest_model_has_no_pair_that_pulls() -> None:
    subject, X, y = _subject(RandomForestClassifier(40, random_state=0), n=3_000)
    search = find_triggers(subject, X, y, goal=1, patches=3_000)
    assert search.pair is not None
    assert search.pair.pull.value < 0.25


def test_models_without_trees_have_none_to_read() -> None:
    from sklearn.naive_bayes import GaussianNB

    subject, _, _ = _subject(GaussianNB())
    assert readable_forest(subject) is None


def test_pairs_come_best_first_and_only_those_that_gain() -> None:
    subject, X, _ = _subject(MODELS["forest"])
    forest = readable_forest(subject)
    assert forest is not None
    found = pair_scores(forest, axes_of(subject.codec, X), X[:5], 1)
    pairs = strongest_pairs(found, 40)
    assert 0 < len(pairs) <= 40
    assert len(set(pairs)) == len(pairs)
