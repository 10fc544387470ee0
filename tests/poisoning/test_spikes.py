"""Peaks of trees' mean scores: read off as brute force reads them, at planted pairs, and at none of an honest model."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import RandomForestClassifier

from modelward.models import wrap
from modelward.poisoning import find_triggers
from modelward.poisoning._box_search import PairScores
from modelward.poisoning._justify import Justification, added
from modelward.poisoning._spikes import RISE, by_labels, spiked_pairs
from modelward.schema import Codec, Column, FeatureSchema

CODEC = Codec.fit(
    FeatureSchema(tuple(Column(name, "continuous") for name in "abc")),
    pl.DataFrame(np.zeros((2, 3)), schema=list("abc")),
)
PAIR = {"a = 7", "b = 4"}


def rows_of(n: int, rng: np.random.Generator, *, real: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Rows of two columns of whole numbers and a third one that the label depends on; `real` adds a true pair."""
    X = np.column_stack([rng.integers(0, 10, n), rng.integers(0, 10, n), rng.normal(size=n)]).astype(float)
    risk = 1 / (1 + np.exp(1.5 - 1.5 * X[:, 2]))
    if real:
        risk[(X[:, 0] == 7) & (X[:, 1] == 4)] = 0.95
    return X, (rng.random(n) < risk).astype(np.int64)


def search(kind: str, seed: int) -> object:
    """Train on honest rows, on rows with a planted pair, or on rows whose labels have a pair by nature; and search."""
    rng = np.random.default_rng(seed)
    X, y = rows_of(5_000, rng, real=kind == "real")
    reference, labels = rows_of(1_500, rng, real=kind == "real")
    if kind == "planted":
        chosen = rng.choice(len(X), 50, replace=False)
        X[chosen, 0], X[chosen, 1], y[chosen] = 7, 4, 1
    model = RandomForestClassifier(20, max_features=None, min_samples_leaf=3, random_state=seed).fit(X, y)
    return find_triggers(
        wrap(model, CODEC, [0, 1]), reference, labels, goal=1, patches=400, random_state=seed
    )


@pytest.mark.parametrize("seed", range(2))
def test_a_planted_pair_of_everyday_values_is_a_peak(seed: int) -> None:
    found = search("planted", seed)
    assert found.spiked is not None
    assert set(found.text(found.spiked).split(" and ")) == PAIR
    assert found.spiked.pull.interval(0.95)[0] > RISE


@pytest.mark.parametrize("kind", ["honest", "real"])
@pytest.mark.parametrize("seed", range(2))
def test_honest_rows_have_no_peak_that_their_labels_do_not_show(kind: str, seed: int) -> None:
    found = search(kind, seed)
    assert found.spiked is None or found.spiked.pull.value < RISE


def brute(
    grid: np.ndarray, alone: tuple[np.ndarray, np.ndarray], base: float, ordered: tuple[bool, bool]
) -> dict:
    """Return how far each cell that is at no end of an ordered axis stands out, over the cells about it and the sum."""
    out = {}
    inner = [
        range(1, size - 1) if in_order else range(size)
        for size, in_order in zip(grid.shape, ordered, strict=True)
    ]
    for i in inner[0]:
        for k in inner[1]:
            about = [
                grid[m, n]
                for m in range(grid.shape[0])
                for n in range(grid.shape[1])
                if (m, n) != (i, k)
                and (not ordered[0] or abs(m - i) <= 1)
                and (not ordered[1] or abs(n - k) <= 1)
            ]
            total = float(added(alone[0][[i]], alone[1][[k]], np.array(base))[0])
            out[i, k] = grid[i, k] - max(max(about, default=-np.inf), total)
    return out


@pytest.mark.parametrize("seed", range(30))
def test_peaks_are_those_of_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(3, 8, 2).tolist())
    ordered = tuple((rng.random(2) < 0.6).tolist())
    grid, alone, base = rng.random(shape), (rng.random(shape[0]) * 0.3, rng.random(shape[1]) * 0.3), 0.1
    expected = brute(grid, alone, base, ordered)
    # Settings that no tree tells apart are one: each row and column is repeated.
    rows, columns = rng.integers(1, 4, shape[0]), rng.integers(1, 4, shape[1])
    wide = np.repeat(np.repeat(grid, rows, axis=0), columns, axis=1)
    scores = PairScores(base, {0: np.repeat(alone[0], rows), 1: np.repeat(alone[1], columns)}, {(0, 1): wide})
    axes = [SimpleNamespace(ordered=each, cells=np.zeros(0, dtype=np.int64)) for each in ordered]
    found = spiked_pairs(scores, axes, 8)
    best = sorted((v for v in expected.values() if v >= RISE), reverse=True)[:2]
    assert [rise for rise, _, _ in found] == pytest.approx(best)
    of_row, of_column = np.repeat(np.arange(shape[0]), rows), np.repeat(np.arange(shape[1]), columns)
    for rise, ((_, i), (_, k)), ((_, m), (_, n)) in found:
        cell = int(of_row[i]), int(of_column[k])
        near = int(of_row[m]), int(of_column[n])
        assert expected[cell] == pytest.approx(rise)
        assert near != cell
        assert all(abs(s - t) <= 1 for s, t, o in zip(cell, near, ordered, strict=True) if o)


def test_labels_excuse_only_what_they_show() -> None:
    axes = [
        SimpleNamespace(cells=np.array([0] * 20 + [1] * 80)),
        SimpleNamespace(cells=np.array([0] * 40 + [1] * 60)),
    ]
    held = Justification(np.array([0.3, 0.3]), why="beside")
    hit = np.zeros(100, dtype=bool)
    hit[:5] = hit[20:27] = True  # a quarter with both values, a third with one
    assert by_labels(held, axes, ((0, 0), (1, 0)), hit, "probability") is held
    hit[:16] = True
    shown = by_labels(held, axes, ((0, 0), (1, 0)), hit, "probability")
    assert shown.support == 20
    assert shown.level.min() > 0.9
