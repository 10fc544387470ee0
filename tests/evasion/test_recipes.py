"""Recipes: planted truths, listing every recipe and every row, and what must not be claimed."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from modelward.errors import EndpointError
from modelward.evasion import Held, RecipeSearch, Space, recipe_words
from modelward.evasion._recipe_moves import follow, list_moves
from modelward.evasion._thresholds import split_points
from modelward.models import wrap
from modelward.schema import Codec, Column, FeatureSchema, project

NAMES = ("PAY_0", "PAY_2", "AGE", "BILL")


def planted(*columns: Column, seed: int = 0, n: int = 600):
    """Grant exactly where PAY_0 <= 1 and PAY_2 <= 1: rows, labels, schema."""
    rng = np.random.default_rng(seed)
    schema = FeatureSchema(
        columns
        or (
            Column("PAY_0", "integer", low=-2, high=8), Column("PAY_2", "integer", low=-2, high=8),
            Column("AGE", "integer", low=21, high=75), Column("BILL", "continuous", low=0, high=1000),
        )
    )  # fmt: skip
    X = np.column_stack(
        [rng.integers(-2, 9, n), rng.integers(-2, 9, n), rng.integers(21, 76, n), rng.uniform(0, 1000, n)]
    ).astype(float)
    return X, ((X[:, 0] <= 1) & (X[:, 1] <= 1)).astype(int), schema


def subject_of(model, X, y, schema):
    return wrap(model.fit(X, y), Codec.fit(schema), y.tolist())


def search(subject, X, schema, goal=1, **options):
    return RecipeSearch(**options).run(subject, X, subject.codes(X), schema=schema, goal=goal)


def test_a_planted_recipe_is_found_proven_and_said_in_words():
    X, y, schema = planted()
    found = search(subject_of(DecisionTreeClassifier(random_state=0), X, y, schema), X, schema)
    assert found.best.always
    assert recipe_words(schema, found.best.held) == "PAY_0 <= 1 and PAY_2 <= 1"
    assert found.best.moved.value == found.best.searched.value == 1.0
    low, high = found.best.moved.interval(0.95)
    assert low < 1.0 == high
    single = found.ladder[0]
    assert not single.always
    low, high = single.moved.interval(0.999)
    assert low <= 3 / 11 <= high, "of the refused, about three in ten lack one column alone"


def test_the_same_seed_gives_the_same_recipes():
    X, y, schema = planted()
    subject = subject_of(RandomForestClassifier(5, random_state=0), X, y, schema)
    assert search(subject, X, schema) == search(subject, X, schema)


def test_the_held_out_half_corrects_what_the_search_promises_on_noise():
    # Labels are noise: whatever moves many rows of the searched half is luck of a memorising model.
    X, _, schema = planted(n=200)
    y = np.random.default_rng(1).integers(0, 2, 200)
    subject = subject_of(DecisionTreeClassifier(random_state=0), X, y, schema)
    found = search(subject, X, schema)
    assert found.best.moved.n + found.best.searched.n == found.denied
    A, possible = follow(Space(schema), X[subject.codes(X) == 0], found.best.held)
    assert found.best.moved.successes <= np.count_nonzero(subject.codes(A[possible]) == 1)


def test_an_immutable_column_is_left_alone_and_a_direction_is_kept():
    X, y, _ = planted()
    held = FeatureSchema(
        (
            Column("PAY_0", "integer", low=-2, high=8, mutable=False),
            Column("PAY_2", "integer", low=-2, high=8, direction="up"),
            Column("AGE", "integer", low=21, high=75), Column("BILL", "continuous", low=0, high=1000),
        )
    )  # fmt: skip
    subject = subject_of(DecisionTreeClassifier(random_state=0), X, y, held)
    found = search(subject, X, held)
    # PAY_2 may only rise and PAY_0 may not move: no refused row can reach the box.
    assert found.best is None
    down = dataclasses.replace(held, columns=(held.columns[0], dataclasses.replace(held.columns[1], direction="down"), *held.columns[2:]))  # fmt: skip
    found = search(subject, X, down)
    assert {Space(down).schema.names[h.unit] for h in found.best.held} == {"PAY_2"}
    share = np.mean(X[(y == 0), 0] <= 1)
    low, high = found.best.moved.interval(0.999)
    assert low <= share <= high
    assert not found.best.always


def test_a_one_hot_group_is_one_step_of_a_recipe():
    rng = np.random.default_rng(3)
    member = rng.integers(0, 3, 400)
    X = np.column_stack([rng.integers(0, 5, 400), np.eye(3)[member]]).astype(float)
    columns = (
        Column("a", "integer", low=0, high=4),
        *(Column(f"g{k}", "integer", low=0, high=1) for k in range(3)),
    )
    schema = FeatureSchema(columns, onehot=(("g0", "g1", "g2"),))
    subject = subject_of(DecisionTreeClassifier(random_state=0), X, (member == 2).astype(int), schema)
    found = search(subject, X, schema)
    assert recipe_words(schema, found.best.held) == "g2 = 1"
    assert found.best.always


def _listed(world, held):
    """Say by listing every legal row whether a recipe always gives label 1."""
    space = Space(world.schema)
    keep = np.ones(len(world.every), dtype=bool)
    for h in held:
        unit = space.units[h.unit]
        if len(unit) > 1:
            keep &= world.every[:, unit[int(h.value)]] == 1
        else:
            keep &= (world.every[:, unit[0]] >= h.low) & (world.every[:, unit[0]] <= h.high)
    return bool(keep.any() and (world.subject.codes(world.every[keep]) == 1).all())


MODELS = {
    "tree": lambda seed: DecisionTreeClassifier(max_depth=3, random_state=seed),
    "forest": lambda seed: RandomForestClassifier(4, max_depth=3, random_state=seed),
    "boosting": lambda seed: GradientBoostingClassifier(n_estimators=4, max_depth=2, random_state=seed),
    "linear": lambda _: LogisticRegression(),
}


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("seed", range(5))
def test_on_small_worlds_no_recipe_is_better_and_no_proof_is_wrong(world, kind, seed):
    w = world(MODELS[kind], seed, rows=80)
    labels = w.subject.codes(w.X)
    if np.count_nonzero(labels == 0) < 4:
        pytest.skip("nearly no row is refused")
    found = search(w.subject, w.X, w.schema, columns=2, per_column=50, screen=200)
    for recipe in found.ladder:
        if recipe.always:
            assert _listed(w, recipe.held)
    # By listing: the best recipe of each size over the same values, on the same searched rows.
    space = Space(w.schema)
    denied = np.flatnonzero(labels == 0)
    denied = denied[np.random.default_rng(0).permutation(len(denied))]
    rows = w.X[denied[: len(denied) // 2]]
    moves = list_moves(space, w.X, split_points(w.subject), 50)
    assert found.complete
    for size, recipe in enumerate(found.ladder, start=1):
        most = 0
        for combination in itertools.combinations(moves, size):
            if len({m.unit for m in combination}) < size:
                continue
            target = rows.copy()
            for m in combination:
                unit = space.units[m.unit]
                target[:, unit] = np.eye(len(unit))[int(m.value)] if len(unit) > 1 else m.value
            able = (project(w.schema, target, rows) == target).all(axis=1)
            most = max(most, int(((w.subject.codes(target) == 1) & able).sum()))
        assert recipe.searched.successes == most


def test_what_misses_one_row_is_not_called_always():
    # One legal corner of the box is refused, and no row of the population lies there.
    X, y, schema = planted()
    corner = (X[:, 2] >= 74) & (X[:, 0] <= 1) & (X[:, 1] <= 1)
    X, y = X[~corner], y[~corner]
    extra = np.array([[0.0, 0.0, 75.0, 500.0], [1.0, -1.0, 75.0, 100.0], [-2.0, 1.0, 75.0, 900.0]])
    subject = subject_of(
        DecisionTreeClassifier(random_state=0),
        np.vstack([X, extra]), np.concatenate([y, [0, 0, 0]]), schema,
    )  # fmt: skip
    found = search(subject, X, schema, columns=2)
    assert not any(r.always for r in found.ladder if {h.unit for h in r.held} <= {0, 1})


def test_too_small_a_budget_and_too_few_rows_are_said():
    X, y, schema = planted()
    subject = subject_of(DecisionTreeClassifier(random_state=0), X, y, schema)
    little = RecipeSearch().run(subject, X, subject.codes(X), schema=schema, goal=1, budget=50)
    assert little.best is None
    assert "too few" in little.stopped
    spent = RecipeSearch().run(subject, X, subject.codes(X), schema=schema, goal=1, budget=3_000)
    assert spent.queries <= 3_000
    assert search(subject, X[:0], schema).denied == 0
    assert search(subject, X[y == 1], schema).ladder == ()


def test_missing_cells_are_neither_filled_nor_in_the_way():
    X, y, _ = planted()
    schema = FeatureSchema(
        (
            Column("PAY_0", "integer", low=-2, high=8, missing=True, direction="down"),
            Column("PAY_2", "integer", low=-2, high=8), Column("AGE", "integer", low=21, high=75),
            Column("BILL", "continuous", low=0, high=1000),
        )
    )  # fmt: skip
    X[:50, 0] = np.nan
    A, possible = follow(Space(schema), X, (Held.at(0, 0.0),))
    assert not possible[:50].any()
    assert np.isnan(A[:50, 0]).all()
    subject = subject_of(DecisionTreeClassifier(random_state=0), X, y, schema)
    found = search(subject, X, schema)
    assert found.best is not None


def test_values_that_are_tried_on_a_black_box_are_no_rows_own():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1e6, 1e6, (40, 1))
    schema = FeatureSchema((Column("a", "continuous"),))
    tried = [m.value for m in list_moves(Space(schema), X, None, 16)]
    assert len(tried) > 4
    assert not np.isin(tried, X).any()
    beyond = np.sort(X[:, 0])
    assert beyond[8] < min(tried) < max(tried) < beyond[-9]
    assert list_moves(Space(schema), X * np.nan, None, 16) == ()


class Frail:
    """A backend that breaks down after so many calls."""

    kind = "endpoint"

    def __init__(self, inner, calls):
        self.inner, self.calls = inner, calls

    def labels(self, X):
        return self.ask(X)[0]

    def ask(self, X):
        self.calls -= 1
        if self.calls < 0:
            raise EndpointError("down")
        return self.inner.labels(X), None


def test_an_endpoint_that_fails_half_way_keeps_the_recipes_counted_by_then():
    X, y, schema = planted()
    subject = subject_of(DecisionTreeClassifier(random_state=0), X, y, schema)
    codes, ladders = subject.codes(X), []
    for calls in (0, 1, 2, 3, 4, 5, 6, 100):
        frail = dataclasses.replace(subject, backend=Frail(subject.backend, calls), model=None)
        found = RecipeSearch(columns=2).run(frail, X, codes, schema=schema, goal=1)
        assert ("down" in found.stopped) == (frail.backend.calls < 0)
        assert not (found.stopped and found.complete)
        assert (found.best is None) == (not found.ladder)
        ladders.append(found.ladder)
    assert ladders[0] == () and len(ladders[-1]) == 2
    # What is handed back is a part of what an unbroken search finds.
    assert all(ladder == ladders[-1][: len(ladder)] for ladder in ladders)


def test_rows_outside_the_schema_and_missing_cells_are_left_out():
    X, y, schema = planted()
    subject = subject_of(DecisionTreeClassifier(random_state=0), X, y, schema)
    bad = np.repeat(X[:1], 4, axis=0)
    bad[0, 0], bad[1, 0], bad[2, 0], bad[3, 3] = 99, 0.5, np.nan, np.inf
    codes = subject.codes(X)
    found = RecipeSearch().run(
        subject, np.concatenate([X, bad]), np.concatenate([codes, [0] * 4]), schema=schema, goal=1
    )
    assert found.denied == int((codes == 0).sum())
    assert found.best is not None and found.best.always
