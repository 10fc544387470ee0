"""Events against brute force; alerts in them are judged by what was declared or seen before, never switched off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.errors import InputError
from modelward.monitoring import Declared, Event, Monitor, Tolerance, read_declared
from modelward.monitoring._events import Calendar

HOUR, WEEK, ROWS, WEEKS = 3600.0, 168, 25, 9
SALE = Event("sale", 58 * HOUR, 64 * HOUR, ("amount",), repeat="week")
"""Six hours a week in which amounts are doubled."""


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 50_000),
    st.integers(1, 30),
    st.sampled_from(["once", "day", "week"]),
    st.integers(0, 90_000),
)
def test_an_hour_is_in_an_event_as_by_counting(start: int, length: int, repeat: str, hour: int) -> None:
    if repeat == "day" and length > 24:
        return
    event = Event("e", start * HOUR, (start + length) * HOUR, repeat=repeat)  # type: ignore[arg-type]
    every = {"once": 10**9, "day": 24, "week": WEEK}[repeat]
    begins = [b for b in range(start, hour + 1, every) if b <= hour < b + length]
    assert event.at(hour) == (begins[0] if begins else None)


@settings(max_examples=60, deadline=None)
@given(st.datetimes(datetime(1980, 1, 1), datetime(2030, 1, 1)), st.integers(0, 12), st.integers(-30, 30))
def test_a_yearly_event_comes_on_its_date(start: datetime, years: int, off: int) -> None:
    start = start.replace(minute=0, second=0, microsecond=0, tzinfo=UTC)
    event = Event("e", start.timestamp(), (start + timedelta(hours=10)).timestamp(), repeat="year")
    again = (
        start.replace(year=start.year + years, day=28)
        if (start.month, start.day) == (2, 29)
        else start.replace(year=start.year + years)
    )
    hour = int(again.timestamp() // HOUR) + off
    inside = 0 <= off < 10 and (years > 0 or again >= start)
    assert (event.at(hour) is not None) == inside


def _rows(first: int, last: int, seed: int, factor=lambda h: 2.0 if SALE.at(h) else 1.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    hour = np.repeat(np.arange(first, last), ROWS)
    scale = np.array([factor(h) for h in range(first, last)])[hour - first]
    return pl.DataFrame({
        "at": hour * HOUR,
        "amount": rng.lognormal(3, 0.3, len(hour)) * scale,
        "other": rng.lognormal(3, 0.3, len(hour)),
    })  # fmt: skip


def _fitted(*events: Event) -> Monitor:
    past = _rows(0, WEEKS * WEEK, 0)
    monitor = Monitor(clock=lambda: 1e9, declared=Declared(events=events))
    return monitor.fit(past.drop("at"), when=past["at"].to_numpy())


def _send(monitor: Monitor, frame: pl.DataFrame) -> None:
    monitor.update(frame.drop("at"), when=frame["at"].to_numpy())
    monitor.tick(float(frame["at"].max()) + 2 * HOUR)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    path = tmp_path_factory.mktemp("events") / "watch.db"
    monitor = _fitted(SALE)
    monitor.keep_in(path, every=1e6)
    monitor.close()
    return path


def _again(path, tmp_path) -> Monitor:
    (tmp_path / "w.db").write_bytes(path.read_bytes())
    return Monitor.resume(tmp_path / "w.db", every=1e6, clock=lambda: 1e9)


BEGIN = WEEKS * WEEK


def _in_sale(found, column: str):
    return [a for a in found if a.column == column and SALE.at(a.start // 3600) is not None]


def test_what_an_event_did_before_is_explained(learned, tmp_path) -> None:
    monitor = _again(learned, tmp_path)
    _send(monitor, _rows(BEGIN, BEGIN + 12 * WEEK, 1))
    found = _in_sale(monitor.alerts(), "amount")
    assert all(a.event == "sale" for a in found)
    explained, open_ = (
        {a.start // 3600 // WEEK for a in found if a.explained is known} for known in (True, False)
    )
    # One occurrence in twenty goes beyond what the others did: of twelve more than three has p < 0.003.
    assert len(open_) <= 3
    assert len(explained - open_) >= 9
    usual = [a for a in found if a.explained and a.series == "amount: mean"]
    # Beside what an explained alert measured stands the ordinary hour, from which its score is counted.
    assert all(a.expected == pytest.approx(21, rel=0.1) and a.value > 1.5 * a.expected for a in usual)
    monitor.close()


@pytest.mark.parametrize("factor", [10.0, 0.1, 6.0])
def test_an_attack_in_an_event_is_found(learned, tmp_path, factor: float) -> None:
    monitor = _again(learned, tmp_path)
    _send(monitor, _rows(BEGIN, BEGIN + 70, 1, lambda h: factor if SALE.at(h) else 1.0))
    loud = [a for a in _in_sale(monitor.alerts(), "amount") if a.series == "amount: mean"]
    assert loud
    assert not any(a.explained for a in loud)
    monitor.close()


def test_columns_that_the_event_does_not_name_keep_their_thresholds(learned, tmp_path) -> None:
    monitor = _again(learned, tmp_path)
    frame = _rows(BEGIN, BEGIN + 70, 1)
    inside = [SALE.at(int(t // HOUR)) is not None for t in frame["at"].to_list()]
    _send(
        monitor,
        frame.with_columns(other=pl.when(pl.Series(inside)).then(pl.col("other") * 2).otherwise("other")),
    )
    assert any(not a.explained for a in _in_sale(monitor.alerts(), "other"))
    monitor.close()


def test_without_a_bound_nothing_is_explained_and_with_one_it_is() -> None:
    once = Event("launch", (BEGIN + 30) * HOUR, (BEGIN + 34) * HOUR, ("amount",), "up")
    bounded = Event("launch", once.start, once.end, ("amount",), "up", at_most=4.0)
    lift = lambda h: 3.0 if once.at(h) else 2.0 if SALE.at(h) else 1.0  # noqa: E731
    for event, expected in ((once, {False}), (bounded, {True})):
        monitor = _fitted(SALE, event)
        _send(monitor, _rows(BEGIN, BEGIN + 50, 1, lift))
        means = [a for a in monitor.alerts() if a.series == "amount: mean" and event.at(a.start // 3600)]
        assert {a.explained for a in means} == expected
        assert {a.event for a in means} == {"launch"}


def test_tolerances_alarm_without_any_history() -> None:
    declared = Declared(
        (
            Tolerance("amount: mean", high=30.0),
            Tolerance("rows", low=20),
            Tolerance("amount: missing", high=0.1),
        )
    )
    past = _rows(0, 48, 0)
    monitor = Monitor(clock=lambda: 1e9, declared=declared).fit(past.drop("at"), when=past["at"].to_numpy())
    assert not monitor.sufficient
    _send(monitor, _rows(48, 50, 1))
    assert monitor.alerts() == ()
    now = _rows(50, 52, 2, lambda h: 5.0)
    _send(
        monitor,
        now.with_columns(amount=pl.when(pl.int_range(pl.len()) % 6 == 0).then(None).otherwise("amount")),
    )
    found = {a.series: a for a in monitor.alerts()}
    assert set(found) == {"amount: mean", "amount: missing"}
    assert found["amount: mean"].value > 30 == found["amount: mean"].expected
    assert found["amount: missing"].value == pytest.approx(0.2, abs=0.05)
    assert "declared is at most 10 %" in found["amount: missing"].words
    monitor.tick(60 * HOUR)
    assert "rows" in {a.series for a in monitor.alerts()}
    wrong = Monitor(declared=Declared((Tolerance("amount: men", high=1.0),)))
    with pytest.raises(InputError, match="amount: mean"):
        wrong.fit(past.drop("at"), when=past["at"].to_numpy())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tolerance]\nseries = 'x'", "write \\[\\[tolerance\\]\\]"),
        ("[[tolerance]]\nseries = 'x'", "needs a low or a high"),
        ("[[tolerance]]\nseries = 'x'\nlow = 2\nhigh = 1", "low below high"),
        ("[[tolerance]]\nseries = 'x'\nhigh = 'a lot'", "high is a number"),
        ("[[tolerance]]\nseries = 'x'\nhihg = 1", "no 'hihg'"),
        ("[[event]]\nname = 'x'\nstart = 2024-01-01", "either an end or hours"),
        ("[[event]]\nname = 'x'\nstart = 2024-01-02\nend = 2024-01-01", "end after its start"),
        ("[[event]]\nname = 'x'\nstart = 'soon'\nhours = 1", "start"),
        ("[[event]]\nname = 'x'\nstart = 2024-01-01\nhours = 30\nrepeat = 'day'", "comes again"),
        ("[[event]]\nname = 'x'\nstart = 2024-01-01\nhours = 3\nrepeat = 'often'", "repeat"),
        ("[[event]]\nname = 'x'\nstart = 2024-01-01\nhours = 3\ncolumns = 'a'", "list of names"),
        ("[[event]]\nname = 'x'\nstart = 2024-01-01\nhours = 3\nat_most = 0.5", "factor of 1 or more"),
        ("[[events]]\nname = 'x'", "no 'events'"),
        ("= 3", "no TOML"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path, text: str, said: str) -> None:
    (tmp_path / "d.toml").write_text(text)
    with pytest.raises(InputError, match=said) as error:
        read_declared(tmp_path / "d.toml")
    assert "\n" not in str(error.value)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(["name", "start", "end", "hours", "columns", "repeat", "direction", "at_most", "series", "low"]),
                       st.one_of(st.integers(), st.floats(), st.text(max_size=5), st.datetimes(), st.lists(st.text(max_size=3), max_size=2))),
       st.sampled_from(["event", "tolerance"]))  # fmt: skip
def test_any_file_is_read_or_refused(tmp_path_factory, entry: dict, kind: str) -> None:
    import tomli_w

    file = tmp_path_factory.mktemp("any") / "d.toml"
    try:
        file.write_text(tomli_w.dumps({kind: [entry]}), encoding="utf-8")
    except UnicodeEncodeError:
        return
    try:
        read = read_declared(file)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert len(read.events) + len(read.tolerances) == 1


def test_a_plain_three_sigma_band_stands_beside_with_its_rate(learned, tmp_path) -> None:
    monitor = _again(learned, tmp_path)
    assert monitor.plain_alarms >= 0
    usual, low, high = monitor.smallest()["other: mean"]
    assert low < usual < high
    assert usual == pytest.approx(np.exp(3 + 0.045), rel=0.05)
    assert "smallest jump" in monitor.promise
    monitor.close()


def test_what_goes_on_is_the_same_looked_up_or_asked_one_by_one() -> None:
    rng = np.random.default_rng(0)
    begins = rng.integers(0, 400, 30) * 1800.0
    long = [Event("long", 3600.0 * 5, 3600.0 * 900), Event("daily", 7200.0, 9000.0, repeat="day")]
    once = [Event(f"e{k % 7}", b, b + 1800.0 * (1 + k % 5)) for k, b in enumerate(begins.tolist())]
    calendar = Calendar([*once[:15], *long, *once[15:]], [""])
    for hour in range(-2, 300):
        asked = [e for e in calendar.events if e.at(hour) is not None]
        assert calendar.active(hour) == asked
