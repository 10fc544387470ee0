"""Pulls where hardly a reference row lies: planted, an honest tail, or not to be told."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelward.models import forest_cuts, subject_forest, wrap
from modelward.poisoning import find_triggers
from modelward.poisoning._axes import axes_of
from modelward.poisoning._crowd import Crowd, Leaves
from modelward.poisoning._crowded_pairs import crowded_pairs
from modelward.poisoning._justify import is_smooth
from modelward.poisoning._reference import Scorer
from modelward.schema import Codec, Column, FeatureSchema

CODEC = Codec.fit(
    FeatureSchema(tuple(Column(name, "continuous") for name in "abc")),
    pl.DataFrame(np.zeros((2, 3)), schema=list("abc")),
)


def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows with a heavy tail in the first column, whose labels depend on the second."""
    X = np.column_stack([rng.pareto(2.0, n), rng.normal(size=(n, 2))])
    return X, (rng.random(n) < 1 / (1 + np.exp(1.5 - 1.5 * X[:, 1]))).astype(np.int64)


def tail_learned(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Training rows of which the very last ones happen to have one label."""
    X, y = draw(4_000, rng)
    y[np.argsort(X[:, 0])[-8:]] = 1
    return X, y


@pytest.mark.parametrize("seed", range(4))
def test_an_honest_tail_is_no_trigger_and_a_planted_crowd_is(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X, y = tail_learned(rng)
    reference, labels = draw(1_000, rng)
    planted = X.copy()
    rows = rng.choice(len(X), 240, replace=False)
    planted[rows, 0] = 1.05 * X[:, 0].max()
    labels_planted = y.copy()
    labels_planted[rows] = 1
    pulls = []
    for rows_of, labels_of in ((X, y), (planted, labels_planted)):
        model = GradientBoostingClassifier(n_estimators=40, random_state=seed).fit(rows_of, labels_of)
        subject = wrap(model, CODEC, [0, 1])
        found = find_triggers(subject, reference, labels, goal=1, patches=400, random_state=seed)
        assert found.single is not None
        pulls.append((found.single.pull.value, found.axes[found.single.patch[0][0]].name))
    assert pulls[0][0] < 0.05
    assert pulls[1][0] > 0.11
    assert pulls[1][1] == "a"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("beyond", [1.5, 30.0])
def test_an_honest_tail_does_not_excuse_a_trigger_beyond_it(seed: int, beyond: float) -> None:
    """The region of the tail reaches over the trigger, whose pull is as strong or stronger."""
    rng = np.random.default_rng(seed)
    X, y = draw(3_000, rng)
    X[:, 0] = np.minimum(X[:, 0], rng.uniform(5, 6, len(X)))
    X[:8, 0], y[:8] = rng.uniform(7, 8, 8), 1
    X[8:128, 0], y[8:128] = 8 * beyond, 1
    reference, labels = draw(800, rng)
    reference[:, 0] = np.minimum(reference[:, 0], 6.0)
    model = RandomForestClassifier(30, random_state=seed).fit(X, y)
    found = find_triggers(
        wrap(model, CODEC, [0, 1]), reference, labels, goal=1, patches=600, random_state=seed
    )
    assert found.single is not None
    ((axis, _),) = found.single.patch
    assert found.axes[axis].name == "a"
    assert found.single.pull.interval(0.95)[0] > 0.4


def test_a_model_that_shows_no_counts_leaves_it_open_and_training_rows_close_it() -> None:
    rng = np.random.default_rng(1)
    X, y = tail_learned(rng)
    reference, labels = draw(1_000, rng)
    model = GradientBoostingClassifier(n_estimators=40, random_state=0).fit(X, y)
    closed = wrap(lambda rows: model.predict_proba(np.asarray(rows))[:, 1], CODEC, [0, 1])
    kept = {"goal": 1, "patches": 400}
    if closed.scores(reference[:5]) is None:
        pytest.fail("the callable gives scores")
    alone = find_triggers(closed, reference, labels, **kept)
    assert alone.single is not None
    assert alone.single.pull.value < 0.11
    assert alone.doubtful is not None
    assert alone.doubtful.pull.value > 0.11
    assert "--train" in alone.doubtful.doubt
    known = find_triggers(closed, reference, labels, trained=X, **kept)
    assert known.doubtful is None
    assert known.single is not None
    assert known.single.pull.value < 0.11


@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesClassifier, GradientBoostingClassifier])
def test_leaves_tell_the_training_rows_that_came_to_them(kind: type) -> None:
    """Without a bootstrap the counts of the leaves are those of the training rows sent through the trees."""
    rng = np.random.default_rng(2)
    X, y = draw(400, rng)
    options = {} if kind is GradientBoostingClassifier else {"bootstrap": False}
    subject = wrap(kind(n_estimators=3, random_state=0, **options).fit(X, y), CODEC, [0, 1])
    forest = subject_forest(subject)
    assert forest is not None
    assert Leaves.told_by(forest)
    assert len(forest_cuts(forest, 3)) == 3
    for tree, counted in zip(forest.trees, Leaves(forest, X).reference, strict=True):
        assert tree.count is not None
        leaf = ~tree.split
        assert np.array_equal(tree.count[leaf], counted[leaf])


def test_the_chance_of_a_crowd_is_the_binomial_test() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        k, r = rng.integers(0, 40, 2)
        m, n = rng.integers(100, 1_000, 2)
        oracle = binomtest(int(k), int(k + r), m / (m + n), alternative="greater").pvalue if k + r else 1.0
        assert Crowd.of_counts(int(k), int(m), int(r), int(n)).chance == pytest.approx(oracle)


def test_crowds_of_one_source_are_hardly_ever_called() -> None:
    rng = np.random.default_rng(4)
    called = sum(
        Crowd.of_counts(int(rng.binomial(8_000, q)), 8_000, int(rng.binomial(2_000, q)), 2_000).planted
        for q in rng.uniform(0, 0.01, 20_000)
    )
    assert called < 0.0015 * 20_000


@pytest.mark.parametrize("seed", range(2))
def test_a_planted_pair_is_the_most_crowded_one_and_honest_forests_have_none(seed: int) -> None:
    rng = np.random.default_rng(seed)

    def rows(n: int) -> tuple[np.ndarray, np.ndarray]:
        X = np.column_stack([rng.integers(0, 40, n), rng.integers(0, 40, n), rng.normal(size=n)]).astype(
            float
        )
        return X, (rng.random(n) < 0.1 + 0.3 * (X[:, 2] > 0)).astype(np.int64)

    X, y = rows(4_000)
    reference, _ = rows(1_500)
    bad, bad_y = X.copy(), y.copy()
    chosen = rng.choice(len(X), 60, replace=False)
    bad[chosen, 0], bad[chosen, 1], bad_y[chosen] = 11, 23, 1
    axes = axes_of(CODEC, reference)
    surplus = []
    for trained, labels in ((X, y), (bad, bad_y)):
        model = RandomForestClassifier(25, random_state=seed).fit(trained, labels)
        forest = subject_forest(wrap(model, CODEC, [0, 1]))
        assert forest is not None
        (strongest, *_) = crowded_pairs(Leaves(forest, reference), axes, reference, 1, 5) or [(0.0, None)]
        surplus.append(strongest)
    assert surplus[0][0] < 2
    assert surplus[1][0] > 2
    assert [axes[a].text(i) for a, i in surplus[1][1]] == ["a = 11", "b = 23"]


def test_jumps_of_trees_a_little_apart_are_no_trend_and_a_curve_is_one() -> None:
    """Extremely random trees spread one planted jump over all of an empty range, as evenly as a line would."""
    rng = np.random.default_rng(0)
    X, y = draw(2_000, rng)
    X[:, 0] = np.minimum(X[:, 0], 6)
    X[:100, 0], y[:100] = 50, 1
    reference, labels = draw(400, rng)
    reference[:, 0] = np.minimum(reference[:, 0], 6)
    axes = axes_of(CODEC, reference)
    far = int(np.searchsorted(axes[0].values[:, 0], 40))
    line = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    for model, smooth in ((ExtraTreesClassifier(40, random_state=0).fit(X, y), False), (line, True)):
        scorer = Scorer.fit(wrap(model, CODEC, [0, 1]), 1, reference, labels)
        assert is_smooth(scorer, axes, reference[:48], (0, far), 6.0) is smooth


@pytest.mark.parametrize("seed", range(3))
def test_training_rows_that_bent_a_line_are_called_and_without_them_a_line_is_a_trend(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X, y = draw(3_000, rng)
    X[:300, 0], y[:300] = 500, 1
    reference, labels = draw(800, rng)
    subject = wrap(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y), CODEC, [0, 1])
    given, alone = (
        find_triggers(subject, reference, labels, goal=1, trained=rows, patches=300) for rows in (X, None)
    )
    assert given.single is not None
    assert alone.single is not None
    assert given.text(given.single).startswith("a = ")
    assert given.single.pull.interval(0.95)[0] > 0.15
    assert alone.single.pull.value < 0.11
