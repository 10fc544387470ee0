"""Thin traffic: hours are taken together, a fault is seen, quiet stays quiet, and a restart forgets nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from modelward.monitoring import Monitor
from modelward.monitoring._together import Together, width_of
from modelward.profiles import Layout, Profile

if TYPE_CHECKING:
    from pathlib import Path

WEEKS, RATE = 8, 5.0
HOURS = WEEKS * 168


def rows(hours: np.ndarray, seed: int, times: float = 1.0) -> tuple[pl.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    when = np.repeat(hours, rng.poisson(RATE * np.exp(0.3 * np.sin(hours / 24 * 2 * np.pi)))) * 3600.0
    n = len(when)
    return pl.DataFrame({"amount": times * rng.normal(size=n), "plan": rng.choice(["a", "b", "c"], n)}), when


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    X, when = rows(np.arange(HOURS), 0)
    monitor = Monitor(clock=lambda: 1e9).fit(X, when=when)
    assert monitor.together == 6
    assert "the last 6 hours together" in monitor.promise
    assert {"amount: mean", "amount: spread", "plan: a"} <= set(monitor.series)
    path = tmp_path_factory.mktemp("thin") / "watch.db"
    monitor.keep_in(path)
    monitor.close()
    return path


def again(path: Path, copy: Path) -> Monitor:
    copy.write_bytes(path.read_bytes())
    return Monitor.resume(copy, clock=lambda: 1e9, every=1_000)


@pytest.mark.parametrize("width", [2, 3, 6])
def test_the_last_hours_together_are_those_merged_one_by_one(width: int) -> None:
    rng = np.random.default_rng(width)
    frame = pl.DataFrame({"x": rng.normal(size=300), "k": rng.choice(["a", "b"], 300)})
    layout = Layout.fit(frame)
    X, together, hours = layout.encode(frame)[0], Together(width), []
    for t in range(25):
        profile = Profile(layout)
        profile.update(X[rng.integers(0, 300, int(rng.choice([0, 4])))])
        if t == 14:
            other = Together(width)
            other.restore(together.held())
            together = other
        hours.append(profile)
        plain = Profile(layout)
        for one in hours[-width:]:
            plain = plain.merge(one)
        assert together.take(profile).to_json() == plain.to_json()
    together.clear()
    assert together.take(hours[3]) is hours[3]


def test_quiet_is_quiet_and_a_fault_of_five_rows_an_hour_is_seen(small: Path, tmp_path: Path) -> None:
    monitor = again(small, tmp_path / "quiet.db")
    X, when = rows(np.arange(HOURS, HOURS + 400), 1)
    monitor.update(X, when=when)
    assert len(monitor.alerts()) <= 2
    before = len(monitor.alerts())
    X, when = rows(np.arange(HOURS + 400, HOURS + 412), 2, times=10.0)
    monitor.update(X, when=when)
    monitor.tick((HOURS + 414) * 3600.0)
    late = [a.start // 3600 - HOURS - 400 for a in monitor.alerts()[before:] if a.column == "amount"]
    assert min(late) <= 2
    monitor.close()


def test_a_restart_gives_what_an_unbroken_run_gives(small: Path, tmp_path: Path) -> None:
    X, when = rows(np.arange(HOURS, HOURS + 60), 3, times=4.0)
    one, two = again(small, tmp_path / "one.db"), again(small, tmp_path / "two.db")
    one.update(X, when=when)
    first = when < (HOURS + 30) * 3600.0
    two.update(X.filter(pl.Series(first)), when=when[first])
    two.close()
    two = Monitor.resume(tmp_path / "two.db", clock=lambda: 1e9, every=1_000)
    two.update(X.filter(pl.Series(~first)), when=when[~first])
    assert two.alerts() == one.alerts() != ()
    for monitor in (one, two):
        monitor.close()


def test_so_few_hours_as_needed_are_taken_together() -> None:
    rng = np.random.default_rng(0)
    for rate, most in ((100.0, 1), (15.0, 2), (4.0, 12), (0.2, 24)):
        held = rng.poisson(rate, 2_000).astype(float)
        width = width_of(held)
        assert width <= most
        sums = np.convolve(held, np.ones(width), "valid")
        assert width == 24 or np.mean(sums >= 20) >= 0.9
