"""Performance without labels and with late ones, and who moved first: all against planted truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from tests.checks.test_live import found

from modelward.checks import CheckNotGiven
from modelward.checks.mw14_performance import ProductionAccuracy
from modelward.errors import InputError
from modelward.monitoring import Monitor, read_standing
from modelward.monitoring._performance import Calibration, Ledger

if TYPE_CHECKING:
    from pathlib import Path

WEEKS, ROWS = 8, 40
HOURS = WEEKS * 168


def world(
    hours: np.ndarray, seed: int, hard: float = 0.0
) -> tuple[pl.DataFrame, pl.DataFrame, np.ndarray, np.ndarray]:
    """Return inputs, scores that are too sure of themselves, labels and times; `hard` pulls inputs to the border."""
    rng = np.random.default_rng(seed)
    n = len(hours) * ROWS
    x = rng.normal(size=n) * 2 * (1 - hard)
    y = rng.uniform(size=n) < 1 / (1 + np.exp(-x))
    score = 1 / (1 + np.exp(-2 * x))
    return pl.DataFrame({"x": x}), pl.DataFrame({"score": score}), y, np.repeat(hours, ROWS) * 3600.0


@pytest.fixture(scope="module")
def monitor() -> Monitor:
    X, S, y, when = world(np.arange(HOURS), 0)
    return Monitor(clock=lambda: 1e9).fit(X, S, when=when, labels=y)


def test_intervals_hold_what_labels_would_show(monitor: Monitor) -> None:
    """Also when the model is asked harder questions, and although its scores are too sure."""
    held = total = 0
    learned = monitor.accuracy
    assert learned is not None
    for begin, hard in ((HOURS, 0.0), (HOURS + 100, 0.7)):
        X, S, y, when = world(np.arange(begin, begin + 100), begin, hard)
        monitor.update(X, S, when=when)
        monitor.labels(y, outputs=S, when=when)
        monitor.tick((begin + 102) * 3600.0)
        hours = [
            p
            for p in monitor.performance()
            if p.hour >= begin and p.labels == ROWS and np.isfinite(p.estimate)
        ]
        held += sum(p.low <= p.right / p.labels <= p.high for p in hours)
        total += len(hours)
        mean = np.mean([p.estimate for p in hours])
        assert mean == pytest.approx(np.mean([p.right / p.labels for p in hours]), abs=0.02)
    assert mean < learned.value - 0.1
    assert total >= 190
    assert held / total >= 0.9


def test_the_estimate_equals_a_direct_sum() -> None:
    right, rows = np.array([90, 55, 0]), np.array([100, 100, 0])
    held = Calibration("score", right, rows, True)
    common = 145.5 / 201
    rates = [(r + 5 * common) / (n + 5) for r, n in zip(right.tolist(), rows.tolist(), strict=True)]
    value, low, high, doubt = held.estimate(np.array([30, 10, 0]))
    assert value == pytest.approx(0.75 * rates[0] + 0.25 * rates[1])
    assert low < value < high
    assert 0 < doubt < value - low
    # Where the reference says nothing, the estimate knows less.
    middle, wide, *_ = held.estimate(np.array([0, 0, 40]))
    assert value - low < middle - wide
    assert np.isnan(held.estimate(np.array([19, 0, 0]))[0])


def test_labels_come_late_by_id_and_those_of_unknown_rows_are_counted(tmp_path: Path) -> None:
    X, S, y, when = world(np.arange(HOURS), 0)
    monitor = Monitor(clock=lambda: 1e9).fit(X, S, when=when, labels=y)
    X, S, y, when = world(np.arange(HOURS, HOURS + 3), 5)
    ids = [f"order {k}" for k in range(len(y))]
    monitor.update(X, S, when=when, ids=ids)
    one = np.array([0.2]), np.array([0.9])
    monitor.update(*one, when=(HOURS + 3) * 3600.0, ids="single")
    monitor.labels(y, ids=ids)
    monitor.labels([True], ids=["single"])
    right = {p.hour - HOURS: (p.right, p.labels) for p in monitor.performance()}
    truth = (S["score"].to_numpy() >= 0.5) == y
    assert right[0] == (truth[:ROWS].sum(), ROWS)
    assert right[3] == (1, 1)
    assert not monitor.dropped
    # Twice the same, or never sent: counted, not taken in.
    monitor.labels(y[:2], ids=["order 0", "nobody"])
    assert monitor.dropped == {"labels of rows that are not known": 2}
    monitor.labels(["what"], ids=["order 1"])
    monitor.labels([1.0], when=5.0)
    assert sum(monitor.dropped.values()) >= 3
    before = monitor.performance()
    monitor.keep_in(tmp_path / "watch.db")
    monitor.close()
    again = Monitor.resume(tmp_path / "watch.db", clock=lambda: 1e9)
    assert [(p.hour, p.right, p.labels) for p in again.performance()] == [
        (p.hour, p.right, p.labels) for p in before
    ]
    assert again.accuracy == monitor.accuracy
    again.close()


def test_what_waits_for_labels_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    import modelward.monitoring._performance as room

    monkeypatch.setattr(room, "MOST_IDS", 3)
    monkeypatch.setattr(room, "MOST_HOURS", 2)
    ledger = Ledger(Calibration("s", np.array([5]), np.array([9]), True))
    assert ledger.remember(list(range(5)), np.zeros(5), np.ones(5)) == 2
    assert ledger.settle(["0", "4"], np.array([1.0, 1.0])) == 1
    for hour in (7, 8, 9, 1):
        ledger.count(np.array([hour]), np.array([1.0]), np.array([1.0]))
    assert [p.hour for p in ledger.all()] == [8, 9]


@pytest.mark.parametrize(
    ("labels", "answer", "said"),
    [
        ([1, 0], None, "do not fit"),
        (None, "nothing", "no output 'nothing'"),
        ([7] * 400, None, "no answer of 'score' equals"),
        ([None] * 400, None, "0 rows of the reference"),
    ],
)
def test_labels_that_do_not_fit_are_one_clear_line(
    labels: list[int] | None, answer: str | None, said: str
) -> None:
    X, S, y, when = world(np.arange(10), 0)
    with pytest.raises(InputError, match=said):
        Monitor().fit(X, S, when=when, labels=y if labels is None else labels, answer=answer)


def test_production_accuracy_in_assess(tmp_path: Path, today: None) -> None:
    X, S, y, when = world(np.arange(HOURS), 0)
    monitor = Monitor(clock=lambda: 1e9).fit(X, S, when=when, labels=y)
    monitor.keep_in(tmp_path / "watch.db", every=1_000)
    X, S, y, when = world(np.arange(HOURS, HOURS + 200), 9, hard=0.7)
    monitor.update(X, S, when=when)
    monitor.tick((HOURS + 202) * 3600.0)
    monitor._recorder.write()  # type: ignore[union-attr]
    finding = found(ProductionAccuracy, tmp_path / "watch.db")
    assert {m.name: m.verdict for m in finding.measures} == {"accuracy lost, estimated": "warn"}
    monitor.labels(y, outputs=S, when=when)
    monitor.close()
    finding = found(ProductionAccuracy, tmp_path / "watch.db")
    assert finding.verdict == "fail"
    assert finding.measures[0].name == "accuracy lost, counted"
    assert read_standing(tmp_path / "watch.db").performance
    plain = Monitor(clock=lambda: 1e9).fit(X, S, when=np.repeat(np.arange(200), ROWS) * 3600.0)
    plain.keep_in(tmp_path / "plain.db")
    plain.close()
    with pytest.raises((CheckNotGiven, Exception), match="labels|history"):
        found(ProductionAccuracy, tmp_path / "plain.db")


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelward.checks._service.STALE_DAYS", 1e9)
