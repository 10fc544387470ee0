"""Columns that tell the time are named, whatever form they have, and none of those that merely move with seasons."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from modelward.monitoring import Monitor, replay
from modelward.monitoring._tell_time import telling_time

DAYS = 80
AT = np.repeat(np.arange(DAYS * 24) * 3600.0, 2) + 1.7e9
WHEN = pl.from_epoch(pl.Series(AT.astype(np.int64)))


@pytest.mark.parametrize("seed", range(5))
def test_clocks_counters_and_parts_of_the_date_are_named_and_honest_columns_are_not(seed: int):
    rng = np.random.default_rng(seed)
    n = len(AT)
    walk = np.cumsum(rng.normal(size=DAYS))[np.floor((AT - AT[0]) / 86_400).astype(int)]
    frame = pl.DataFrame(
        {
            "date": WHEN.dt.date(), "text": WHEN.dt.strftime("%Y-%m-%d %H:%M"), "key": rng.permutation(5) [0] + np.arange(n),
            "left": 1e9 - AT, "month": WHEN.dt.month(), "day": WHEN.dt.day(), "gaps": [None if k % 3 else k for k in range(n)],
            "noise": rng.normal(size=n), "season": np.sin(AT / 86_400 * 2 * np.pi), "year's season": np.sin(AT / 3.15e7 * 2 * np.pi) + rng.normal(size=n),
            "growth": 0.01 * (AT - AT[0]) / 86_400 + rng.normal(size=n), "walk": walk, "still": np.ones(n),
            "hour": WHEN.dt.hour(), "weekday": WHEN.dt.weekday(), "word": rng.choice(["a", "b"], n), "none": pl.Series([None] * n, dtype=pl.Float64),
            "switch": (np.median(AT) < AT).astype(float),
        }
    )  # fmt: skip
    assert set(telling_time(frame, AT)) == {"date", "text", "key", "left", "month", "day", "gaps"}
    assert not telling_time(frame[:300], AT[:300]), "a week is too short to say"


def test_a_column_of_ones_in_the_first_quarter_is_not_the_quarter():
    at = np.arange(56 * 24) * 3600.0
    ones = np.where(np.arange(len(at)) % 2_000 == 1_000, 0.5, 1.0)
    late = np.append(at, 92 * 86_400.0)
    frame = pl.DataFrame({"share": ones})
    assert not telling_time(frame, at)
    assert not telling_time(pl.DataFrame({"share": np.append(ones, 1.0)}), late)


def test_a_replay_does_not_watch_a_clock_and_says_so():
    rng = np.random.default_rng(0)
    n = 10 * 168 * 2
    at = np.repeat(np.arange(n // 2) * 3600.0, 2)
    frame = pl.DataFrame({"at": at, "id": np.arange(n), "amount": rng.normal(size=n)})
    found = replay(frame, time="at")
    assert [note for note in found.notes if note.startswith("'id' goes up with time")]
    assert not [a for a in found.alerts if a.column == "id"]
    assert all(found.monitor.column(s) != "id" for s in found.monitor.series)


def test_a_reference_with_a_clock_is_warned_of():
    n = 20 * 24
    X = pl.DataFrame({"id": np.arange(n), "amount": np.random.default_rng(0).normal(size=n)})
    with pytest.warns(UserWarning, match="'id' goes up with time"):
        Monitor().fit(X, when=np.arange(n) * 3600.0)
