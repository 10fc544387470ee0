"""Replays: the same alerts as a live monitor, whatever the notation of time, and clear words for what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from scipy import stats

from modelward.errors import InputError, UsageError
from modelward.monitoring import Monitor, Store, replay
from modelward.monitoring._clock import column_seconds

WEEKS, ROWS = 11, 30


def _table(seed: int = 0, weeks: int = WEEKS) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    hour = np.repeat(np.arange(weeks * 168), ROWS)
    n = len(hour)
    return pl.DataFrame({
        "at": hour * 3600 + rng.permutation(n) % 3600,
        "amount": rng.normal(size=n) * np.where((hour >= 1500) & (hour < 1510), 8, 1),
        "score": rng.uniform(size=n),
        "sales": 50 + rng.normal(size=n) - 20 * (hour == 1600),
        "key": np.arange(n),
    })  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return replay(_table(), time="at", outputs=["score"], kpis=["sales"], skip=["key"])


def test_planted_faults_are_found_where_they_are(found) -> None:
    first, rng = {}, np.random.default_rng(0)
    for alert in found.alerts:
        first.setdefault(alert.column, alert.start // 3600)
    assert first["amount"] == 1500
    assert first["sales"] == 1600
    assert {a.kind for a in found.alerts if a.column == "sales"} == {"kpi"}
    assert found.learned.hours == 8 * 168
    assert (found.replayed.first, found.replayed.last) == (8 * 168, WEEKS * 168 - 1)
    # No row came in its last minute: the last hour may not be over.
    assert [w.hour for w in found.windows] == list(range(8 * 168, WEEKS * 168 - 1))
    j = found.monitor.series.index("amount: spread")
    (loud,) = [w for w in found.windows if w.hour == 1500]
    # What lies beyond the inner edges of the outer bins, of 32 of equal share, counts as those edges.
    edge = stats.norm.isf(1 / 32)
    assert loud.value[j] == pytest.approx(np.clip(8 * rng.normal(size=100_000), -edge, edge).std(), rel=0.1)
    assert loud.low[j] < 1 < loud.high[j]


def test_it_says_what_a_live_monitor_says(found) -> None:
    table = _table().sort("at")
    past, now = table.filter(pl.col("at") < 8 * 168 * 3600), table.filter(pl.col("at") >= 8 * 168 * 3600)
    live = Monitor(clock=lambda: 1e9)
    live.fit(
        past.select("amount"), past.select("score"), when=past["at"].to_numpy(),
        kpis={"sales": (past["sales"], past["at"].to_numpy())},
    )  # fmt: skip
    for (_,), rows in now.group_by(pl.col("at") // 3600, maintain_order=True):
        live.update(rows.select("amount"), rows.select("score"), when=rows["at"].to_numpy())
        live.kpi("sales", rows["sales"].mean(), rows["at"][0])
    live.tick((WEEKS * 168 + 1) * 3600)
    told = [(a.series, a.detector, a.start, a.hours) for a in found.alerts]
    assert told == [(a.series, a.detector, a.start, a.hours) for a in live.alerts()] != []


def test_times_of_any_notation_are_one_time() -> None:
    at = _table(weeks=1)["at"]
    moments = [datetime.fromtimestamp(s, UTC) for s in at.to_list()]
    for times in (
        at,
        pl.Series([f"{m:%Y-%m-%dT%H:%M:%S}" for m in moments]),
        pl.Series([f" {m:%Y-%m-%d %H:%M:%S}+00:00" for m in moments]),
        pl.Series(moments),
        pl.Series(moments).dt.replace_time_zone(None).cast(pl.Datetime("ms")),
        pl.Series(moments).dt.convert_time_zone("Asia/Tokyo"),
    ):
        np.testing.assert_array_equal(column_seconds(times, "FILE").to_numpy(), at.to_numpy())
    odd = column_seconds(pl.Series(["2024-01-01", None, "soon"]), "FILE").to_list()
    assert odd[0] == 1_704_067_200
    assert np.isnan(odd[1:]).all()


def test_a_reference_of_its_own_and_a_store_to_go_on_from(found, tmp_path) -> None:
    table = _table()
    past, now = table.filter(pl.col("at") < 8 * 168 * 3600), table.filter(pl.col("at") >= 8 * 168 * 3600)
    given = {"time": "at", "outputs": ["score"], "kpis": ["sales"], "skip": ["key"]}
    again = replay(now, reference=past, store=tmp_path / "watch.db", **given)
    assert again.alerts == found.alerts
    assert Store(tmp_path / "watch.db").alerts() == found.alerts
    on = Monitor.resume(tmp_path / "watch.db", clock=lambda: 1e9)
    assert on.alerts() == found.alerts
    on.close()
    with pytest.raises(InputError, match="before the reference ends"):
        replay(past, reference=now, **given)


def test_short_history_judges_nothing_and_says_so() -> None:
    short = replay(_table(weeks=3), time="at", skip=["key"])
    assert short.alerts == ()
    assert "insufficient history" in short.monitor.promise


def test_rows_of_a_clock_that_leaped_are_left_out_and_said() -> None:
    table = _table(weeks=10)
    rows = pl.int_range(table.height)
    leaped = table.with_columns(
        at=pl.when(rows % 5000 == 1).then(pl.col("at") + 10**8).when(rows == 9).then(-(10**8)).otherwise("at")
    )
    found = replay(leaped, time="at", skip=["key"])
    n = len(range(1, table.height, 5000)) + 1
    assert f"{n} rows of FILE have times far from all others" in found.notes[0]
    assert (found.learned.first, found.replayed.last) == (0, 10 * 168 - 1)
    late = leaped.filter(pl.col("at") < 8 * 168 * 3600)
    with pytest.raises(InputError, match="times far from all others"):
        Monitor().fit(late.select("amount"), when=late["at"].to_numpy())


def test_rows_without_a_time_and_an_open_last_hour_are_said() -> None:
    table = _table(weeks=9).with_columns(at=pl.col("at") // 3600 * 3600 + 5)
    lost = table.with_columns(at=pl.when(pl.int_range(pl.len()) % 1000 == 7).then(None).otherwise("at"))
    found = replay(lost, time="at", skip=["key"])
    assert any("rows of FILE have no time" in note for note in found.notes)
    assert any("last hour is not over" in note for note in found.notes)
    assert found.windows[-1].hour == 9 * 168 - 2


def test_wrong_words_are_one_clear_line() -> None:
    table = _table(weeks=2)
    with pytest.raises(InputError, match="no column 'when'"):
        replay(table, time="when")
    with pytest.raises(UsageError, match="two things"):
        replay(table, time="at", kpis=["at"])
    with pytest.raises(InputError, match="no inputs"):
        replay(table, time="at", kpis=["sales"], skip=["key", "score", "amount"])
    with pytest.raises(InputError, match="milliseconds"):
        replay(table.with_columns(at=pl.col("at") + 1_700_000_000_000), time="at")
    with pytest.raises(InputError, match="no times"):
        replay(table.with_columns(at=pl.lit("soon")), time="at")
    with pytest.raises(InputError, match="no row with a time"):
        replay(table.with_columns(at=pl.lit(None, dtype=pl.Int64)), time="at")
    with pytest.raises(InputError, match="none are left"):
        replay(table, time="at", weeks=9)
    with pytest.raises(InputError, match="no numbers"):
        replay(table.with_columns(sales=pl.lit("a")), time="at", kpis=["sales"])
    with pytest.raises(UsageError, match="exclude each other"):
        replay(table, time="at", weeks=1, reference=table)
