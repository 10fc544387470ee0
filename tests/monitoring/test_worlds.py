"""The simulation of benchmarks/monitor_months.py against the library: the same rows give the same series."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from modelward.monitoring._series import Plan
from modelward.profiles import Profile

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
worlds = pytest.importorskip("monitor_worlds")


@pytest.fixture(scope="module")
def known():
    kept, worlds.HOURS = worlds.HOURS, 200
    world = worlds.World(0, rows=60)
    layout, recode = worlds.layout_of(world)
    yield world, layout, recode
    worlds.HOURS = kept


def test_a_window_that_was_tallied_is_the_library_s_own(known) -> None:
    world, layout, recode = known
    here, plan = world.state(), Plan(layout)
    for t, drawn in enumerate(world.hours(12)):
        X = worlds.encode(drawn.copy(), recode)
        X[::5, 3], X[1::7, 2], X[2::9, worlds.NUMBERS] = np.nan, 999.0, np.nan
        X[t::11, 1] = 0.25
        fast, own = worlds.profile_of(layout, X), Profile(layout)
        own.update(X)
        for name in ("counts", "counters", "repeats", "present"):
            np.testing.assert_array_equal(getattr(fast, name), getattr(own, name))
        for one, two in zip(plan.measure(fast), plan.measure(own), strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(plan.shape(fast), plan.shape(own), rtol=1e-9)
    world.back(here)


def test_rows_are_what_the_world_says(known) -> None:
    world = known[0]
    here = world.state()
    X = np.concatenate([x.copy() for x in world.hours(800)])
    world.back(here)
    for j, p in enumerate(world.cum):
        shares = np.bincount(X[:, worlds.NUMBERS + j].astype(int), minlength=8) / len(X)
        assert shares == pytest.approx(np.diff(p, prepend=0.0), abs=0.02)
    # N(0, 1) and t with four degrees: the share beyond 3.
    far = (np.abs(X[:, : worlds.NUMBERS] - np.median(X[:, : worlds.NUMBERS], axis=0)) > 4).mean(axis=0)
    assert far[world.heavy].min() > 0.008
    assert far[~world.heavy].max() < 0.002
    assert X[:, -1].min() > 0 and X[:, -1].max() < 1
