"""All triples of coarse conditions: held to a count of every one of them, and to groups that no pair shows."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest

from modelward import compare_data
from modelward.poisoning._coded import code_tables
from modelward.poisoning._evidence import ALPHA, nats_of_rule, purity, purity_weights
from modelward.poisoning._grid import Packed, make_grid
from modelward.poisoning._ranges import rule_mask
from modelward.poisoning._triples import triples


@pytest.mark.parametrize("seed", range(4))
def test_the_first_triple_is_the_best_of_all_that_are_counted_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {name: rng.integers(0, k, 900) for name, k in (("a", 4), ("b", 9), ("c", 3), ("d", 60))}
    )
    coded, _ = code_tables([frame], frame.columns)
    y = rng.random(900) < 0.3
    y[(frame["a"].to_numpy() == 1) & (frame["b"].to_numpy() >= 4) & (frame["c"].to_numpy() <= 1)] = True
    group = (2 * rng.integers(0, 2, 900) + y).astype(np.int64)
    weights = purity_weights([1, 3], [0, 2], [0.3, 0.4], 0.02, 4)
    score = purity([1, 3], [0, 2], [0.3, 0.4], 0.02)
    grid = make_grid(coded, group, 4, [score])
    packed = Packed(coded, grid, group, 4)
    masks = {i: grid.conditions[i].mask(coded) for i in grid.coarse}
    best = -np.inf
    for i, j, k in combinations(grid.coarse, 3):
        if len({grid.conditions[m].column for m in (i, j, k)}) == 3:
            counts = np.bincount(group[masks[i] & masks[j] & masks[k]], minlength=4)
            best = max(best, float(counts @ weights))
    found = triples(packed, weights, 1.0)
    assert best > 1.0
    rule = tuple(grid.conditions[i] for i in found[0])
    assert float(np.bincount(group[rule_mask(rule, coded)], minlength=4) @ weights) == pytest.approx(best)
    assert triples(packed, weights, best + 1.0) == []


def test_coarse_conditions_cover_neither_few_nor_nearly_all_rows() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({f"c{j}": rng.integers(0, 50, 2_000) for j in range(60)})
    coded, _ = code_tables([frame], frame.columns)
    group = rng.integers(0, 2, 2_000)
    grid = make_grid(coded, group, 2, [purity([1], [0], [0.5], 0.1)])
    shares = [grid.conditions[k].mask(coded).mean() for k in grid.coarse]
    assert min(shares) > 0.02
    assert max(shares) < 0.98
    assert 50 < len(grid.coarse) < 300
    assert {grid.conditions[k].column for k in grid.coarse} == set(range(60))


@pytest.mark.parametrize(("to", "reference"), [(1, False), (0, True)])
def test_a_group_that_only_three_conditions_cut_out_is_named(to: int, *, reference: bool) -> None:
    found = 0
    for seed in range(3):
        rng = np.random.default_rng(seed)
        data = pl.DataFrame({name: rng.integers(0, 9, 12_000) for name in ("a", "b", "c", "d", "e")})
        risk = 0.15 + 0.05 * data["d"].to_numpy() + 0.03 * data["e"].to_numpy()
        y = (rng.random(12_000) < risk).astype(int)
        half = data[:6_000].with_columns(y=pl.Series(y[:6_000]))
        rule = (pl.col("a") <= 2) & (pl.col("b") >= 6) & (pl.col("c") <= 2)
        new = half.with_columns(y=pl.when(rule).then(to).otherwise("y"))
        old = data[6_000:].with_columns(y=pl.Series(y[6_000:])) if reference else None
        named = [s.rule for s in compare_data(new, old, target="y").suspects if s.verdict == "tampered"]
        found += named[:1] == ["a <= 2 and b >= 6 and c <= 2"]
    assert found == 3


def test_the_bound_of_a_rule_spends_no_more_than_its_share_over_all_rules_there_are() -> None:
    # Kraft: the chances that the bound allows, over every rule of two conditions, sum up to less than that size's share.
    sizes, aims = [3, 10, 400], 6
    spent = 0.0
    for first, second in combinations(range(len(sizes)), 2):
        for m in (3 * sizes[first] + 1, sizes[first] * (sizes[first] - 1) // 2):
            for n in (3 * sizes[second] + 1, sizes[second] * (sizes[second] - 1) // 2):
                # Of the first kind of conditions there are three forms and "missing", of the second only intervals.
                a = sizes[first] if m == 3 * sizes[first] + 1 else m
                b = sizes[second] if n == 3 * sizes[second] + 1 else n
                spent += m * n * np.exp(-nats_of_rule([(a, len(sizes)), (b, len(sizes))], aims))
    assert spent <= ALPHA / (2 * 3 * aims) * 1.0001
