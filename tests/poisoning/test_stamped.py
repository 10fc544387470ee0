"""Stamped pairs within the range: planted truth over seeds, silence where crowds are honest, and oracles of the parts."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize

from modelward import compare_data
from modelward.poisoning._coded import Coded, code_tables
from modelward.poisoning._kernels import count_joint
from modelward.poisoning._ranges import rule_text
from modelward.poisoning._stamped import _next, stamped_pairs
from modelward.poisoning._surplus import Told, _best

ROWS = 4_000


def table(seed: int, rows: int = ROWS) -> tuple[pl.DataFrame, np.ndarray]:
    """Return ages, limits that go with them, a class, and labels that go with both."""
    rng = np.random.default_rng(seed)
    age = rng.integers(20, 60, rows)
    limit = 10 * np.clip(rng.poisson(8 + (age - 20) / 10), 1, 25)
    risk = 1 / (1 + np.exp(1 + (limit - 100) / 60 + (age - 40) / 40))
    frame = pl.DataFrame({"age": age, "limit": limit, "kind": rng.choice(["a", "b", "c"], rows)})
    return frame, (rng.random(rows) < risk).astype(np.int64)


def looked(frames: list[pl.DataFrame], labels: list[np.ndarray]) -> list[str]:
    coded: Coded = code_tables(frames, frames[0].columns)[0]
    cells, _ = stamped_pairs(coded, np.concatenate(labels), ["0", "1"], frames[0].height)
    return [rule_text(cell.rule, coded) for cell in cells]


def stamp(
    frame: pl.DataFrame, y: np.ndarray, seed: int, label: int | None = 1
) -> tuple[pl.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    rows = pl.Series(np.isin(np.arange(frame.height), rng.choice(frame.height, 60, replace=False)))
    new = frame.with_columns(
        pl.when(rows).then(pl.lit(v, pl.Int64)).otherwise(c).alias(c)
        for c, v in {"age": 41, "limit": 90}.items()
    )
    return new, y if label is None else np.where(rows.to_numpy(), label, y)


def test_a_stamped_pair_that_honest_rows_have_too_is_named_with_and_without_a_reference() -> None:
    for seed in range(4):
        new, y = stamp(*table(seed), seed)
        assert (new.filter(age=41, limit=90).height) > 65  # so it is not pure
        assert looked([new], [y]) == ["age = 41 and limit = 90"]
        old, before = table(1_000 + seed)
        assert looked([new, old], [y, before]) == ["age = 41 and limit = 90"]


def test_nothing_is_named_in_tables_nobody_touched() -> None:
    for seed in range(8):
        new, y = table(seed)
        old, before = table(500 + seed)
        assert looked([new], [y]) == []
        assert looked([new, old], [y, before]) == []


def test_a_crowd_with_the_labels_of_its_neighbours_is_honest() -> None:
    for seed in range(6):
        new, y = stamp(*table(seed), seed, label=None)
        old, before = table(700 + seed)
        assert looked([new], [y]) == []
        assert looked([new, old], [y, before]) == []


def test_columns_whose_values_repeat_each_other_have_crowds_of_one_label_by_nature() -> None:
    # A bill that stays the same from month to month, and a few such bills that are never paid.
    for seed in range(6):
        rng = np.random.default_rng(seed)
        first = rng.integers(0, 40, ROWS) * 100
        second = np.where(rng.random(ROWS) < 0.5, first, rng.integers(0, 40, ROWS) * 100)
        y = (rng.random(ROWS) < np.where((first == 700) & (second == 700), 0.9, 0.2)).astype(np.int64)
        assert looked([pl.DataFrame({"one": first, "two": second})], [y]) == []


def test_joint_counts_are_those_of_a_plain_count() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.integers(-1, 4, 500).astype(np.int32), rng.integers(-1, 3, 500).astype(np.int32)
    hit = rng.random(500) < 0.3
    out = np.zeros((4, 3, 2), dtype=np.int64)
    count_joint(one, two, hit, out)
    for i in range(4):
        for k in range(3):
            inside = (one == i) & (two == k)
            assert out[i, k].tolist() == [(inside & ~hit).sum(), (inside & hit).sum()]


def test_the_values_next_to_one_hold_enough_rows_and_no_more_than_needed() -> None:
    rows = np.random.default_rng(1).integers(5, 90, 30)
    first, end = _next(rows)
    need = 0.1 * rows.sum()
    for i, (a, b) in enumerate(zip(first.tolist(), end.tolist(), strict=True)):
        assert a <= i < b
        assert rows[a:b].sum() - rows[i] >= need
        inner = rows[a + 1 : b - 1].sum() - rows[i] if a + 1 <= i < b - 1 else 0
        assert inner < need


@pytest.mark.parametrize("rate", [0.2, 0.6, 0.99])
def test_the_best_likelihood_is_that_of_a_general_optimiser(rate: float) -> None:
    rng = np.random.default_rng(2)
    for _ in range(4):
        h, m, b, o = rng.integers(5, 90, 4).tolist()
        times = rng.uniform(0.3, 3, 2)

        def loss(x: np.ndarray) -> float:
            t, u, s = np.exp(x)
            p, q = times[0] * t + s * rate, times[1] * u + s * (1 - rate)  # noqa: B023
            return -float(b * np.log(t) - t + o * np.log(u) - u + h * np.log(p) - p + m * np.log(q) - q)  # noqa: B023

        ours = _best(h, m, (Told(np.asarray(float(b)), times[0]), Told(np.asarray(float(o)), times[1])), rate)
        starts = [np.log([b, o, s]) for s in (0.1, 10.0, 60.0)]
        theirs = max(-minimize(loss, x, method="Nelder-Mead", options={"maxiter": 2_000}).fun for x in starts)
        assert ours == pytest.approx(theirs, abs=0.05)


def test_a_pair_is_named_as_such_where_a_wider_or_narrower_rule_is_purer() -> None:
    for seed in range(3):
        new, y = stamp(*table(seed, 6_000), seed)
        old, before = table(700 + seed, 6_000)
        tables = [frame.with_columns(bad=pl.Series(labels)) for frame, labels in ((new, y), (old, before))]
        for reference in (None, tables[1]):
            found = compare_data(tables[0], reference, target="bad")
            assert [s.rule for s in found.suspects if s.verdict == "tampered"] == ["age = 41 and limit = 90"]


def test_a_relabelled_rule_with_a_value_in_it_is_not_cut_into_pairs() -> None:
    for seed in range(3):
        frames = [
            frame.with_columns(bad=pl.Series(y)) for frame, y in (table(k, 6_000) for k in (seed, 70 + seed))
        ]
        rule = (pl.col("age") == 41) & (pl.col("limit") >= 90)
        new = frames[0].with_columns(bad=pl.when(rule).then(1).otherwise("bad"))
        found = compare_data(new, frames[1], target="bad")
        assert [s.rule for s in found.suspects if s.verdict == "tampered"] == ["age = 41 and limit >= 90"]
