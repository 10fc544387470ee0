"""Rows that go wrong in production: the monitor takes them in, counts what it could not, and alarms about the rest."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from modelward.errors import InputError
from modelward.profiles import Profile, read_profile


def late(monitor, hour: int) -> set[str]:
    return {a.series for a in monitor.alerts() if a.start >= hour * 3600}


def test_a_column_that_vanishes_is_missing_and_alarms(traffic) -> None:
    monitor = traffic.fresh()
    for hour in range(traffic.hours, traffic.hours + 4):
        traffic.feed(monitor, hour, traffic.rows_of(np.array([hour]), hour).drop("age"))
    assert monitor.dropped["columns that vanished"] == 4
    assert "age: missing" in late(monitor, traffic.hours)
    assert (
        monitor.causes(monitor.alerts(), monitor.windows())[monitor.alerts()[0].id].likeliest
        == "pipeline fault"
    )


def test_a_column_that_appears_is_counted_and_changes_nothing(traffic) -> None:
    one, two = traffic.fresh(), traffic.fresh()
    for hour in range(traffic.hours, traffic.hours + 4):
        frame = traffic.rows_of(np.array([hour]), hour)
        traffic.feed(one, hour, frame)
        traffic.feed(two, hour, frame.with_columns(more=pl.lit(1)))
    assert two.dropped["columns that appeared"] == 4
    assert one.alerts() == two.alerts()


def test_a_column_of_another_type_is_missing_and_alarms(traffic) -> None:
    monitor = traffic.fresh()
    for hour in range(traffic.hours, traffic.hours + 4):
        frame = traffic.rows_of(np.array([hour]), hour).with_columns(amount=pl.lit("many"))
        traffic.feed(monitor, hour, frame)
    assert monitor.dropped["columns that have another type"] == 4
    assert "amount: missing" in late(monitor, traffic.hours)


def test_infinities_are_counted_and_spoil_no_moment(traffic) -> None:
    monitor = traffic.fresh()
    for hour in range(traffic.hours, traffic.hours + 4):
        frame = traffic.rows_of(np.array([hour]), hour)
        spoilt = pl.when(pl.int_range(pl.len()) < 3).then(float("inf")).otherwise("amount")
        traffic.feed(monitor, hour, frame.with_columns(amount=spoilt))
    found = late(monitor, traffic.hours)
    assert "amount: infinite" in found
    assert "amount: mean" not in found
    assert all(np.isfinite(w.value[monitor.series.index("amount: mean")]) for w in monitor.windows())


def test_a_batch_without_rows_is_nothing_and_no_failure(traffic) -> None:
    monitor, frame = traffic.fresh(), traffic.rows_of(np.array([traffic.hours]), 0)
    for nothing in (frame.clear(), frame.to_pandas().iloc[:0], np.empty((0, 4))):
        monitor.update(nothing, when=traffic.hours * 3600.0)
    assert not monitor.dropped


def test_an_empty_window_is_judged_by_its_rows_alone(traffic) -> None:
    monitor = traffic.fresh()
    traffic.feed(monitor, traffic.hours)
    monitor.update(
        traffic.rows_of(np.array([traffic.hours + 1]), 1).head(0), when=(traffic.hours + 1) * 3600.0
    )
    monitor.tick((traffic.hours + 4) * 3600.0)
    empty = [w for w in monitor.windows() if w.hour > traffic.hours]
    assert [w.rows for w in empty] == [0, 0]
    assert all(np.isnan(w.value[monitor.series.index("amount: mean")]) for w in empty)
    assert late(monitor, traffic.hours + 1) == {"rows"}


def test_profiles_of_another_schema_or_version_are_refused(traffic, tmp_path) -> None:
    layout = traffic.shared._fitted().learned.layout
    held = Profile(layout)
    text = held.to_json()
    path = tmp_path / "p.json"
    path.write_text(text.replace('"version":', '"version":9', 1))
    with pytest.raises(InputError, match="version"):
        read_profile(path)
    from modelward.profiles import Layout

    other = Profile(Layout.fit(pl.DataFrame({"a": [float(k) for k in range(50)]})))
    with pytest.raises(InputError, match="different layouts"):
        held.merge(other)
