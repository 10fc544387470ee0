"""The monitor: planted faults in rows are named, quiet hours are quiet, and no input of any kind makes it raise."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from modelward.errors import InputError
from modelward.monitoring import Monitor
from modelward.monitoring._novelty import surprise

WEEKS, ROWS = 9, 60
HOURS = WEEKS * 168


@pytest.fixture
def monitor(traffic) -> Monitor:
    return traffic.fresh()


def test_quiet_hours_are_quiet_and_planted_faults_are_named(monitor: Monitor, traffic) -> None:
    for hour in range(HOURS, HOURS + 100):
        frame = traffic.rows_of(np.array([hour]), hour)
        if hour == HOURS + 60:
            frame = frame.with_columns(
                plan=pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("evil")).otherwise("plan"),
                amount=pl.col("amount") * 10,
            )
        traffic.feed(monitor, hour, frame, sales=60.0 if hour == HOURS + 70 else 100.0)
    found = monitor.alerts()
    early = [a for a in found if a.start < (HOURS + 60) * 3600]
    assert len(early) <= 1
    here = {(a.series, a.detector) for a in found if a.start == (HOURS + 60) * 3600}
    assert ("plan: never seen", "novelty") in here
    assert ("amount: spread", "fast") in here
    (lost,) = [a for a in found if a.series == "sales" and a.start == (HOURS + 70) * 3600]
    assert lost.value == 60
    assert lost.expected == pytest.approx(100, abs=2)
    assert not monitor.dropped


def test_an_outage_is_an_alert_when_the_time_is_told(monitor: Monitor, traffic) -> None:
    for hour in range(HOURS, HOURS + 5):
        traffic.feed(monitor, hour)
    monitor.tick((HOURS + 12) * 3600)
    (gone,) = [a for a in monitor.alerts() if a.series == "rows" and a.detector == "fast"]
    assert (gone.start, gone.value) == ((HOURS + 5) * 3600, 0)
    assert gone.expected == pytest.approx(ROWS, rel=0.1)


def test_rows_one_by_one_give_what_a_batch_gives(traffic) -> None:
    one, many = traffic.fresh(), traffic.fresh()
    for hour in range(HOURS, HOURS + 30):
        frame = traffic.rows_of(np.array([hour]), hour)
        X = np.column_stack([frame["amount"] * 5, frame["age"], np.zeros(ROWS)]).astype(float)
        S = np.full((ROWS, 1), 0.5)
        many.update(X, S, when=hour * 3600)
        for x, s in zip(X, S, strict=True):
            one.update(x, s, when=hour * 3600 + 1)
    assert one.alerts() == many.alerts() != ()


def test_late_future_and_leaping_rows_are_counted_and_harm_nothing(monitor: Monitor, traffic) -> None:
    row, score = np.array([0.0, 30.0, 0.0]), np.array([0.5])
    for hour in range(HOURS, HOURS + 4):
        traffic.feed(monitor, hour)
    for when in (5.0, 2e9, (HOURS + 5000) * 3600.0, float("nan")):
        monitor.update(row, score, when=when)
    monitor.alerts()
    assert monitor.dropped == {
        "too late": 1, "from the future": 1, "after a leap of the clock": 1, "without a time": 1,
    }  # fmt: skip
    traffic.feed(monitor, HOURS + 4)
    assert sum(monitor.dropped.values()) == 4
    # An hour back is within what may be late.
    monitor.update(row, score, when=datetime.fromtimestamp((HOURS + 3) * 3600, UTC))
    monitor.alerts()
    assert sum(monitor.dropped.values()) == 4


def test_a_long_silence_is_passed_over_once_enough_rows_confirm_it(monitor: Monitor, traffic) -> None:
    traffic.feed(monitor, HOURS)
    for hour in (HOURS + 5000, HOURS + 5001, HOURS + 5002, HOURS + 5003):
        traffic.feed(monitor, hour)
    assert monitor.dropped["after a leap of the clock"] < 3 * ROWS
    assert len(monitor._fitted().open) <= 2


@settings(max_examples=40, deadline=None)
@given(
    X=st.one_of(
        st.none(), st.integers(), st.text(), st.lists(st.floats()),
        st.builds(lambda n: np.zeros(n), st.integers(0, 5)),
        st.builds(lambda n, d: np.full((n, d), np.inf), st.integers(0, 3), st.integers(0, 5)),
        st.sampled_from([
            pl.DataFrame({"age": ["x", "y"]}), pl.DataFrame({"plan": [1.5, None], "more": [1, 2]}), pl.DataFrame(),
        ]),
    ),
    when=st.one_of(st.none(), st.floats(), st.text(), st.integers(), st.datetimes(), st.lists(st.floats())),
)  # fmt: skip
def test_nothing_makes_it_raise(traffic, X: object, when: object) -> None:
    for monitor in (traffic.shared, Monitor()):
        before = sum(monitor.dropped.values())
        monitor.update(X, when=when)
        monitor.kpi("sales", X, when)
        monitor.kpi("other", 1.0, 0.0)
        monitor.tick(when)
        monitor.alerts()
        assert sum(monitor.dropped.values()) > before


def test_a_figure_that_is_no_number_is_counted(monitor: Monitor, traffic) -> None:
    name = monitor._fitted().learned.kpis[0]
    monitor.kpi(name, float("nan"), 0)
    assert monitor.dropped["figures that are no number"] == 1


def test_short_history_is_said_and_bad_references_are_refused(traffic) -> None:
    short = traffic.fitted(2)
    assert "insufficient history" in short.promise
    for hour in range(336, 345):
        traffic.feed(
            short, hour, pl.DataFrame({"amount": [1e9] * 50, "age": [1] * 50, "plan": ["evil"] * 50})
        )
    assert short.alerts() == ()
    assert "budget of their own" in traffic.fresh().promise
    assert "not fitted" in Monitor().promise
    frame = traffic.rows_of(np.arange(2), 0)
    with pytest.raises(InputError, match="column names of their own"):
        Monitor().fit(frame, frame, when=0.0)
    with pytest.raises(InputError, match="do not fit"):
        Monitor().fit(frame, when=[0.0])
    with pytest.raises(InputError, match="a time for every row"):
        Monitor().fit(frame, when=float("nan"))
    with pytest.raises(InputError, match="0 to 48"):
        Monitor(lateness=-1)


def test_surprise_is_the_tail_of_the_negative_binomial() -> None:
    k, seen = np.array([0.0, 1, 2, 7]), np.array([0.0, 0, 3, 40])
    expected = -np.log10(stats.nbinom.sf(k - 1, seen + 0.5, 1e5 / (1e5 + 900)))
    np.testing.assert_allclose(surprise(k, 900, seen, 1e5), expected, rtol=1e-9, atol=1e-12)
