"""The compiled walk down the trees against each leaf's constraints, one by one in plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from modelward.evasion._bins import Binned
from modelward.evasion._entering import enter
from modelward.evasion._landscape import landscape
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


def _margin(leaves, gain, p, point):
    """Add up the leaves that hold a point, one by one."""
    total = 0.0
    for i in range(len(gain)):
        held = True
        for c in range(leaves.first[i], leaves.first[i + 1]):
            u, low, high = leaves.unit[c], int(leaves.low[c]), int(leaves.high[c])
            if p.group[u]:
                held = held and bool(low >> int(point[u]) & 1)
            elif point[u] < 0:
                held = held and bool(leaves.missing[c])
            else:
                held = held and low <= point[u] <= high
        total += gain[i] * held
    return total


@pytest.mark.parametrize("kind", MODELS)
def test_the_landscape_of_all_moves_of_one_unit(world, kind):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        w = world(MODELS[kind], seed)
        binned = Binned.build(Space(w.schema), subject_forest(w.subject))
        leaves, gain = binned.leaves, binned.leaves.value[:, 1] - binned.leaves.value[:, 0]
        x = w.X[0].copy()
        if kind == "histogram":
            x[0] = np.nan  # a missing cell goes where the library sends it
        p, _ = binned.prices(x)
        bins = np.diff(p.start)
        for narrow in (False, True):
            point = np.where(p.own < 0, -1, rng.integers(bins))
            first = np.where(p.own < 0, -1, 0)
            last = np.where(p.own < 0, -1, bins - 1)
            if narrow:  # the point itself may lie outside
                plain = ~p.group & (p.own >= 0)
                first, last = np.where(plain, bins // 4, first), np.where(plain, (bins - 1) // 2, last)
                first = np.minimum(first, last)
            change = np.empty(int(p.start[-1]) + len(bins) + 1)
            margin, _ = landscape(binned.trees, gain, p, point, first, last, change)
            assert margin == pytest.approx(_margin(leaves, gain, p, point))
            for u in np.flatnonzero(p.group | (p.own >= 0)).tolist():
                for b in range(first[u], last[u] + 1):
                    moved = point.copy()
                    moved[u] = b
                    expected = _margin(leaves, gain, p, moved) - margin
                    assert change[p.start[u] + u + b] == pytest.approx(expected, abs=1e-9), (seed, u, b)
