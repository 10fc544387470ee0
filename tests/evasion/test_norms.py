"""Norms of the black-box searches: what is reported is the norm of a legal move, never below the list's least."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from modelward.evasion import BoundarySearch, CoordinateSearch, Space
from modelward.schema import project

ORDER = {"l1": 1, "l2": 2, "linf": np.inf}


@pytest.mark.parametrize("norm", list(ORDER))
@pytest.mark.parametrize("search", [CoordinateSearch, BoundarySearch])
def test_costs_are_the_norm_of_the_units_and_never_below_the_least_of_all_legal_moves(world, search, norm):
    for seed in range(4):
        w = world(lambda s: RandomForestClassifier(5, max_depth=3, random_state=s), seed)
        codes = w.subject.codes(w.X)
        r = search(norm=norm).run(w.subject, w.X, codes, schema=w.schema, budget=len(w.X) * 400)
        alone = search(norm=norm).run(w.subject, w.X[:1], codes[:1], schema=w.schema, budget=400)
        assert np.array_equal(alone.rows[0], r.rows[0])
        space = Space(w.schema)
        labels = w.subject.codes(w.every)
        near = []
        for i in np.flatnonzero(r.success):
            units = space.unit_costs(r.rows[[i]], w.X[[i]])[0]
            assert r.cost[i] == pytest.approx(np.linalg.norm(units, ORDER[norm]))
            origin = np.broadcast_to(w.X[i], w.every.shape)
            legal = (project(w.schema, w.every, origin) == w.every).all(axis=1) & (labels != codes[i])
            least = np.linalg.norm(space.unit_costs(w.every, origin), ORDER[norm], axis=1)[legal].min()
            assert r.cost[i] >= least - 1e-9
            near.append(r.cost[i] <= 1.5 * least + 1e-9)
        assert np.mean(near or [True]) >= 0.5
