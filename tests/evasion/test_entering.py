"""The compiled walk down the trees against each leaf's constraints, one by one in plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from modelward.evasion._bins import Binned
from modelward.evasion._entering import enter
from modelward.evasion._space import Space
from modelward.models import subject_forest

MODELS = {
    "voting forest": lambda seed: RandomForestClassifier(4, random_state=seed),
    "histogram": lambda seed: HistGradientBoostingClassifier(
        max_iter=6, min_samples_leaf=2, random_state=seed
    ),
}


def _price(p, u, low, high, missing):
    start, end = int(p.start[u]), int(p.start[u + 1])
    if p.group[u]:
        return min((p.price[start + c] for c in range(end - start) if low >> c & 1), default=np.inf)
    if p.own[u] < 0:
        return 0.0 if missing else np.inf
    return p.price[start + low : start + high + 1].min(initial=np.inf)


@pytest.mark.parametrize("norm", ["cost", "linf"])
@pytest.mark.parametrize("kind", MODELS)
def test_the_leaves_in_reach_and_their_prices(world, kind, norm):
    grouped = 0
    for seed in range(8):
        w = world(MODELS[kind], seed)
        binned = Binned.build(Space(w.schema, norm), subject_forest(w.subject))
        leaves = binned.leaves
        for x in w.X[:4]:
            p, _ = binned.prices(x)
            near = np.empty(len(leaves.first) - 1)
            for i in range(len(near)):
                each = [
                    _price(p, leaves.unit[c], leaves.low[c], leaves.high[c], leaves.missing[c])
                    for c in range(leaves.first[i], leaves.first[i + 1])
                ]
                near[i] = max(each, default=0.0) if norm == "linf" else sum(each)
            finite = np.sort(near[np.isfinite(near)])
            for most in (np.inf, finite[len(finite) // 2] + 1e-9):
                active, tree, found, size, looked = enter(leaves, binned.trees, p, most)
                order = np.argsort(active)
                assert np.array_equal(active[order], np.flatnonzero(near < most))
                assert found[order] == pytest.approx(near[near < most])
                assert np.all(np.diff(tree) >= 0)
                assert np.all((leaves.tree[tree] <= active) & (active < leaves.tree[tree + 1]))
                assert size == np.diff(leaves.first)[active].sum()
                assert looked >= len(active)
            grouped += int(p.group.any())
    assert grouped
