"""What every attack promises: legal rows, the budget, rows that do not depend on their neighbours, going on after a break."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from modelward.errors import EndpointError
from modelward.evasion import (
    BoundarySearch,
    Cheapest,
    Checkpoint,
    CoordinateSearch,
    EnsembleSearch,
    LinearSearch,
    Outcome,
    ScoreSearch,
    SquareSearch,
)
from modelward.models import wrap
from modelward.schema import Codec, Column, FeatureSchema, legal, project

ATTACKS = {
    "boundary": BoundarySearch(steps=3),
    "boundary-linf": BoundarySearch(steps=3, norm="linf"),
    "coordinate": CoordinateSearch(),
    "score": ScoreSearch(),
    "square": SquareSearch(steps=40),
    "ensemble": EnsembleSearch(),
    "linear": LinearSearch(),
    "cheapest": Cheapest(work=200),
}


def _world(world, name, seed, rows=8):
    if name == "linear":
        return world(lambda _: LogisticRegression(), seed, rows=rows)
    return world(lambda s: RandomForestClassifier(7, max_depth=3, random_state=s), seed, rows=rows)


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("per_row", [0, 3, 150])
def test_rows_are_legal_moves_with_the_label_within_the_budget_and_alone_as_among_others(
    world, name, per_row
):
    moved = 0
    for seed in range(2):
        w = _world(world, name, seed)
        codes, goal = w.subject.codes(w.X), (None, 1)[seed % 2]
        options = {"schema": w.schema, "goal": goal, "random_state": 5}
        before = w.subject.meter.rows
        r = ATTACKS[name].run(w.subject, w.X, codes, budget=per_row * len(w.X), **options)
        assert w.subject.meter.rows - before == r.queries <= per_row * len(w.X)
        labels = w.subject.codes(r.rows)
        assert np.all((labels != codes if goal is None else labels == goal)[r.success])
        assert legal(w.schema, r.rows).all()
        assert np.array_equal(project(w.schema, r.rows, w.X), r.rows)
        assert np.array_equal(r.rows[~r.success], w.X[~r.success])
        assert [o is Outcome.MOVED for o in r.outcome] == r.success.tolist()
        assert np.all(r.bound <= r.cost)
        moved += int(r.success.sum())
        if name != "cheapest":  # its second search is left what the first did not need
            for i in (0, len(w.X) - 1):
                one = ATTACKS[name].run(w.subject, w.X[[i]], codes[[i]], budget=per_row, **options)
                assert np.array_equal(one.rows[0], r.rows[i])
                assert one.outcome[0] is r.outcome[i]
    assert moved or per_row < 150


@dataclasses.dataclass
class Frail:
    """A backend that breaks down after so many calls."""

    inner: object
    calls: int
    kind: str = "endpoint"

    def labels(self, X):
        return self._called(self.inner.labels, X)

    def scores(self, X):
        return self._called(self.inner.scores, X)

    def ask(self, X):
        return self._called(self.inner.ask, X)

    def _called(self, method, X):
        self.calls -= 1
        if self.calls < 0:
            raise EndpointError("down")
        return method(X)


@pytest.mark.parametrize("name", [n for n in ATTACKS if n not in ("ensemble", "linear", "cheapest")])
def test_a_search_that_broke_off_goes_on_to_what_an_unbroken_one_finds(world, name, tmp_path):
    w = _world(world, name, 2)
    codes = w.subject.codes(w.X)
    options = {"schema": w.schema, "budget": 120 * len(w.X), "random_state": 5}
    whole = ATTACKS[name].run(w.subject, w.X, codes, **options)
    broken = 0
    for calls in (2, 3, 10_000):
        subject = dataclasses.replace(w.subject, backend=Frail(w.subject.backend, calls))
        with Checkpoint(tmp_path / "kept", batch=40, every=1) as kept:
            last = ATTACKS[name].run(kept.subject(subject), w.X, codes, **options)
        broken += bool(last.stopped)
    assert broken >= 1
    assert not last.stopped
    assert np.array_equal(last.rows, whole.rows)
    assert last.outcome == whole.outcome


def test_a_one_hot_group_walks():
    # Another member flips at a cost of 1; the numbers that the caller knows of flip too, at 5.
    group = ("g0", "g1", "g2")
    columns = (
        Column("x", "continuous", low=0, high=10),
        *(Column(g, "integer", low=0, high=1, cost=0.5) for g in group),
    )
    schema = FeatureSchema(columns, onehot=(group,))
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.uniform(0, 10, 600), np.eye(3)[rng.integers(0, 3, 600)]])
    y = (X[:, 0] + 5 * X[:, 3] > 6).astype(int)
    subject = wrap(LogisticRegression(C=1e6).fit(X, y), Codec.fit(schema), [0, 1])
    rows = np.column_stack([np.linspace(1.5, 3, 12), np.tile([1.0, 0.0, 0.0], (12, 1))])
    known = X[(X[:, 1] == 1) & (X[:, 0] > 7)]
    codes = subject.codes(rows)
    assert not codes.any()
    for norm in ("cost", "l2", "linf"):
        r = BoundarySearch(known, norm=norm, steps=12).run(
            subject, rows, codes, schema=schema, budget=12 * 800
        )
        assert r.success.all()
        assert (r.rows[:, 3] == 1).mean() > 0.8, norm
