"""L1 is the schema's cost by another name; the searches together work in each norm."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from modelward.evasion import Cheapest, CoordinateSearch, EnsembleSearch, Space, SquareSearch
from modelward.evasion.cheapest import _cheaper


@pytest.mark.parametrize("search", [EnsembleSearch, CoordinateSearch, SquareSearch])
def test_l1_and_cost_are_one_norm(world, search):
    w = world(lambda s: RandomForestClassifier(5, max_depth=3, random_state=s), 3)
    codes = w.subject.codes(w.X)
    by_cost, by_l1 = (
        search(norm=norm).run(w.subject, w.X, codes, schema=w.schema, budget=len(w.X) * 100)
        for norm in ("cost", "l1")
    )
    assert by_cost.success.any()
    assert np.array_equal(by_cost.rows, by_l1.rows)
    assert np.allclose(by_cost.cost, by_l1.cost, rtol=1e-12)
    moved = by_l1.success
    units = Space(w.schema).unit_costs(by_l1.rows[moved], w.X[moved])
    assert by_l1.cost[moved] == pytest.approx(units.sum(axis=1))


def test_a_second_search_that_reaches_the_bound_of_the_first_has_proven_it(world):
    w = world(lambda s: RandomForestClassifier(9, max_depth=4, random_state=s), 1)
    codes = w.subject.codes(w.X)
    whole = EnsembleSearch().run(w.subject, w.X, codes, schema=w.schema)
    n, moved = len(w.X), whole.success
    assert moved.sum() > 2
    # As if the first search had ended with its bounds, and with rows that are dearer.
    short = dataclasses.replace(whole, cost=whole.cost + 1.0, proven=np.zeros(n, dtype=bool))
    labels = dataclasses.replace(whole, bound=np.zeros(n), proven=np.zeros(n, dtype=bool))
    both = _cheaper(short, labels, np.arange(n))
    assert np.array_equal(both.proven, moved)
    loose = dataclasses.replace(short, bound=whole.bound * 0.9)
    assert not _cheaper(loose, labels, np.arange(n)).proven.any()
    # A second search that proves something itself: the larger bound counts, whichever has it.
    assert np.array_equal(_cheaper(loose, whole, np.arange(n)).bound, np.minimum(whole.cost, whole.bound))
    less = dataclasses.replace(labels, bound=whole.bound * 0.5)
    assert np.array_equal(_cheaper(loose, less, np.arange(n)).bound, loose.bound)


def test_the_searches_together_keep_to_the_norm(world):
    for seed in range(4):
        w = world(lambda s: RandomForestClassifier(9, max_depth=4, random_state=s), seed)
        codes = w.subject.codes(w.X)
        for norm, order in (("l1", 1), ("linf", np.inf)):
            alone = EnsembleSearch(work=1, norm=norm).run(w.subject, w.X, codes, schema=w.schema)
            both = Cheapest(work=1, norm=norm).run(w.subject, w.X, codes, schema=w.schema)
            assert (both.cost <= alone.cost * (1 + 1e-9)).all()
            for i in np.flatnonzero(both.proven & both.success):
                assert both.cost[i] == pytest.approx(w.least(w.X[i], int(codes[i]), None, order), rel=1e-6)
