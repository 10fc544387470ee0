"""The store: a monitor goes on as if nothing had happened, survives a kill, and serves on without its file."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.errors import InputError
from modelward.monitoring import Monitor, Store, Window
from modelward.monitoring._saved import unpack
from modelward.monitoring._store import Batch


def _loud(traffic, monitor, first: int, last: int) -> None:
    for hour in range(first, last):
        frame = traffic.rows_of(np.array([hour]), hour)
        if hour % 5 == 0:
            frame = frame.with_columns(amount=pl.col("amount") * 9, plan=pl.lit("evil"))
        traffic.feed(monitor, hour, frame)


@pytest.mark.parametrize("cut", [1, 17, 30])
def test_a_resumed_monitor_says_what_an_unbroken_one_says(traffic, tmp_path: Path, cut: int) -> None:
    whole, first = traffic.fresh(keep=100), traffic.fresh()
    start, end = traffic.hours, traffic.hours + 40
    _loud(traffic, whole, start, end)
    first.keep_in(tmp_path / "watch.db", every=60)
    _loud(traffic, first, start, start + cut)
    # Part of an hour is open when it stops.
    half = traffic.rows_of(np.array([start + cut]), start + cut)
    scores = pl.DataFrame({"score": np.random.default_rng(start + cut).uniform(size=half.height)})
    first.update(half[:20], scores[:20], when=(start + cut) * 3600.0)
    first.close()
    second = Monitor.resume(tmp_path / "watch.db", every=60, clock=lambda: 1e9)
    second.update(half[20:], scores[20:], when=(start + cut) * 3600.0)
    second.kpi("sales", 100.0, (start + cut) * 3600.0)
    _loud(traffic, second, start + cut + 1, end)
    assert second.alerts() == whole.alerts() != ()
    second.close()
    store = Store(tmp_path / "watch.db")
    assert store.alerts() == second.alerts()
    assert store.series() == second.series
    for mine, theirs in zip(store.windows(), whole.windows(), strict=False):
        assert (mine.hour, mine.rows) == (theirs.hour, theirs.rows)
        np.testing.assert_array_equal(mine.value, theirs.value)
        np.testing.assert_array_equal(mine.low, theirs.low)
    store.close()


_KILLED = """
    import sys, time
    import numpy as np
    from modelward.monitoring import Monitor
    monitor = Monitor.resume(sys.argv[1], every=0.05, clock=lambda: 1e9)
    start = int(sys.argv[2])
    for i in range(10**6):
        monitor.update(np.array([0.1, 30.0, 0.0]), np.array([0.5]), when=start * 3600.0 + i * 20)
        time.sleep(0.001)
        if i % 100 == 0:
            print(i, flush=True)
"""


def test_kill_minus_nine_loses_only_the_last_seconds(traffic, tmp_path: Path) -> None:
    path = tmp_path / "watch.db"
    monitor = traffic.fresh()
    monitor.keep_in(path)
    monitor.close()
    command = [sys.executable, "-c", textwrap.dedent(_KILLED), str(path), str(traffic.hours)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if int(line) >= 900:
                break
        process.send_signal(signal.SIGKILL)
    again = Monitor.resume(path, clock=lambda: 1e9)
    hours = again._fitted()
    rows = sum(w.rows for w in Store(path).windows()) + sum(p.rows for p in hours.open.values())
    # Ten times the interval, for a machine that is busy with other things.
    assert 400 < rows <= 1_100
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    again.close()


def test_a_locked_or_lost_store_harms_nothing_and_is_said(traffic, tmp_path: Path) -> None:
    path = tmp_path / "watch.db"
    monitor = traffic.fresh()
    monitor.keep_in(path, every=0.02)
    locker = sqlite3.connect(path, isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    before = time.perf_counter()
    for hour in range(traffic.hours, traffic.hours + 4):
        traffic.feed(monitor, hour)
    # The file stays locked for longer than SQLite waits; no update waited for it.
    assert time.perf_counter() - before < 2
    _until(lambda: "locked" in monitor.store_problem)
    locker.execute("ROLLBACK")
    _until(lambda: not monitor.store_problem)
    monitor._recorder.write()
    assert [w.hour for w in Store(path).windows()] == [traffic.hours, traffic.hours + 1]
    monitor.close()


def test_a_full_store_is_said_and_nothing_is_lost_when_there_is_room_again(traffic, tmp_path: Path) -> None:
    monitor = traffic.fresh()
    monitor.keep_in(tmp_path / "watch.db", every=1e6)
    recorder = monitor._recorder
    db = recorder.store._db
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count={pages}")
    for hour in range(traffic.hours, traffic.hours + 20):
        traffic.feed(monitor, hour)
    with pytest.raises(InputError, match="full"):
        recorder.write()
    assert monitor.alerts() is not None
    db.execute("PRAGMA max_page_count=1000000")
    recorder.write()
    assert len(recorder.store.windows()) == 18
    monitor.close()


def test_a_deleted_store_is_said_and_the_monitor_goes_on(traffic, tmp_path: Path) -> None:
    path = tmp_path / "watch.db"
    monitor = traffic.fresh()
    monitor.keep_in(path, every=0.02)
    path.unlink()
    _until(lambda: "was deleted or replaced" in monitor.store_problem)
    for hour in range(traffic.hours, traffic.hours + 4):
        traffic.feed(monitor, hour)
    assert not monitor.dropped
    monitor.alerts()
    hours = len(monitor._recorder.unwritten())
    assert hours, "the hours since wait"
    monitor.keep_in(tmp_path / "again.db")
    assert not monitor.store_problem
    monitor.close()
    assert Monitor.resume(tmp_path / "again.db").series == monitor.series
    with sqlite3.connect(tmp_path / "again.db") as db:
        assert db.execute("SELECT count(*) FROM windows").fetchone()[0] >= hours


def _until(said) -> None:
    for _ in range(400):
        if said():
            return
        time.sleep(0.05)
    raise AssertionError("it never came")


def test_hours_that_cannot_be_written_are_bounded_and_counted(traffic, tmp_path: Path) -> None:
    monitor = traffic.fresh()
    monitor.keep_in(tmp_path / "watch.db", every=1e6)
    nothing = np.zeros(0, dtype=np.float32)
    for hour in range(1_003):
        monitor._recorder.note(Window(hour, 0, nothing, nothing, nothing))
    assert monitor.dropped["hours that were not stored, the oldest"] == 3
    assert len(monitor._recorder._pending) == 1_000


def test_who_resumes_shuts_the_other_out(traffic, tmp_path: Path) -> None:
    first = traffic.fresh()
    first.keep_in(tmp_path / "watch.db", every=1e6)
    second = Monitor.resume(tmp_path / "watch.db", every=1e6)
    with pytest.raises(InputError, match="another process goes on"):
        first.close()
    second.close()


def test_old_hours_become_days_and_very_old_ones_go(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.db", days=2, forget=4)
    store.begin(b"", ["a", "b"], b"")
    values = np.random.default_rng(0).normal(size=(24 * 10, 2)).astype(np.float32)
    values[30, 0] = np.nan
    for hour, value in enumerate(values):
        store.write(Batch(b"", (Window(hour, 2, value, value, value),)))
    kept = store.windows()
    assert kept[0].hour == 7 * 24
    days = store.days()
    assert [d.hour for d in days] == [24 * k for k in range(5, 7)]
    for day in days:
        held = values[day.hour : day.hour + 24]
        assert day.rows == 48
        np.testing.assert_allclose(day.value, np.nanmean(held, axis=0), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(day.low, np.nanmin(held, axis=0))
        np.testing.assert_array_equal(day.high, np.nanmax(held, axis=0))


def test_files_that_are_no_store_are_refused_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database at all, but long enough to be read as one" * 50)
    with pytest.raises(InputError, match="cannot be opened"):
        Store(tmp_path / "text")
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE mine (x)")
    other.commit()
    with pytest.raises(InputError, match="something else"):
        Store(tmp_path / "other.db")
    with pytest.raises(InputError, match="cannot be opened"):
        Store(tmp_path / "no" / "folder.db")
    with pytest.raises(InputError, match="other databases"):
        Store("postgres://there/db")
    with pytest.raises(InputError, match="at least one day"):
        Store(tmp_path / "x.db", days=0)
    store = Store(f"sqlite:///{tmp_path / 'new.db'}")
    with pytest.raises(InputError, match="holds no monitor"):
        Monitor.resume(store)
    store._db.execute("PRAGMA user_version=99")
    store.close()
    with pytest.raises(InputError, match="newer release"):
        Store(tmp_path / "new.db")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_state_is_an_error_in_a_line(traffic, data) -> None:
    learned, state = (bytearray(b) for b in traffic._packed)
    which = data.draw(st.sampled_from([learned, state]))
    for _ in range(data.draw(st.integers(1, 4))):
        which[data.draw(st.integers(0, len(which) - 1))] ^= data.draw(st.integers(1, 255))
    from modelward.monitoring._saved import unpack_hours

    try:
        unpack_hours(bytes(learned), bytes(state))
    except InputError as error:
        assert "\n" not in str(error)


def test_nothing_in_a_state_is_unpickled() -> None:
    import io

    evil = io.BytesIO()
    np.savez(evil, meta=np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="damaged"):
        unpack(evil.getvalue())
