"""What a person says of an alert, batches that come twice, and stores of earlier releases."""

from __future__ import annotations

import sqlite3

import numpy as np
import polars as pl
import pytest

from modelward.errors import InputError, UsageError
from modelward.monitoring import Monitor, Store
from modelward.monitoring._migrations import MIGRATIONS, SCHEMA_VERSION
from modelward.monitoring._store import _APPLICATION


def _moved(traffic, monitor, first: int, last: int) -> None:
    hours = np.arange(first, last)
    frame = traffic.rows_of(hours, first).with_columns(amount=pl.col("amount") + 3)
    X = monitor._fitted().learned.layout.encode(frame)[0][:, :3]
    S = np.random.default_rng(first).uniform(size=(len(X), 1))
    for k, hour in enumerate(hours.tolist()):
        here = slice(k * traffic.rows, (k + 1) * traffic.rows)
        monitor.update(X[here], S[here], when=hour * 3600.0)
        monitor.kpi("sales", 120.0, hour * 3600.0)


def test_an_accepted_change_is_the_new_normal_and_on_record(traffic, tmp_path) -> None:
    one, two = traffic.fresh(), traffic.fresh()
    start = traffic.hours
    one.keep_in(tmp_path / "w.db", every=1e6)
    for monitor in (one, two):
        _moved(traffic, monitor, start, start + 12)
    for alert in one.alerts():
        one.decide(alert.id, "new normal", by="Kim", note="the new tariff")
    _moved(traffic, one, start + 12, start + 400)
    _moved(traffic, two, start + 12, start + 400)
    told = {a.series for a in one.alerts() if a.end >= (start + 20) * 3600}
    assert "sales" not in told
    assert "amount: mean" not in told
    untold = {a.series for a in two.alerts() if a.end >= (start + 20) * 3600}
    assert {"sales", "amount: mean"} <= untold
    one.close()
    again = Monitor.resume(tmp_path / "w.db", every=1e6, clock=lambda: 1e9)
    assert again.decisions() == one.decisions()
    assert {d.by for d in again.decisions()} == {"Kim"}
    assert again.alerts() == one.alerts()
    again.close()


def test_decisions_that_cannot_be_are_refused(traffic) -> None:
    monitor = traffic.fresh()
    start = traffic.hours
    _moved(traffic, monitor, start, start + 3)
    alert = next(a for a in monitor.alerts() if a.series == "sales")
    with pytest.raises(UsageError, match="one of"):
        monitor.decide(alert.id, "maybe", by="Kim")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="by whom"):
        monitor.decide(alert.id, "incident", by="")
    with pytest.raises(InputError, match="no alert"):
        monitor.decide("nonsense", "incident", by="Kim")
    with pytest.raises(InputError, match="3 hours at least"):
        monitor.decide(alert.id, "new normal", by="Kim")
    monitor.decide(alert.id, "false alarm", by="Kim")
    assert [d.verdict for d in monitor.decisions()] == ["false alarm"]


def test_a_batch_that_comes_twice_counts_once(traffic) -> None:
    monitor = traffic.fresh(keep=5)
    start = traffic.hours
    frame = traffic.rows_of(np.array([start]), 1)
    for _ in range(3):
        monitor.update(frame, when=start * 3600.0)
    few = frame[:5]
    for _ in range(2):
        monitor.update(few, when=start * 3600.0)
        monitor.update(few, when=start * 3600.0, batch="night run")
    # Rows without any value are equal by nature.
    gone = pl.DataFrame({name: pl.Series([None] * 50, dtype=frame[name].dtype) for name in frame.columns})
    for _ in range(2):
        monitor.update(gone, when=start * 3600.0)
    monitor.tick((start + 2) * 3600.0)
    (window,) = monitor.windows()
    # The rows once, the few without a name twice, and with a name once.
    assert window.rows == len(frame) + 15 + 100
    assert monitor.dropped == {"rows of batches that came before": 2 * len(frame) + 5}
    # What belongs to an hour that is over is late, and no longer remembered.
    assert monitor._fitted().batches == {}


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_a_store_of_an_earlier_release_is_migrated(tmp_path, version: int) -> None:
    path = tmp_path / "old.db"
    db = sqlite3.connect(path)
    for step in MIGRATIONS[:version]:
        for statement in step:
            db.execute(statement)
    db.execute(
        "INSERT INTO alerts (id, series, detector, start, end, hours, score, threshold, value, expected) "
        "VALUES ('a', 's', 'fast', 0, 3600, 2, 9.0, 5.0, NULL, 1.0)"
    )
    db.execute(f"PRAGMA application_id={_APPLICATION}")
    db.execute(f"PRAGMA user_version={version}")
    db.commit()
    db.close()
    store = Store(path)
    (alert,) = store.alerts()
    assert (alert.series, alert.column, alert.event, alert.explained, alert.hours) == ("s", "", "", False, 2)
    assert np.isnan(alert.value)
    assert store.decisions() == ()
    assert store._db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    store.close()
