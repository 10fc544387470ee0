"""L1 is the schema's cost by another name."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from modelward.evasion import CoordinateSearch, EnsembleSearch, Space, SquareSearch


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
