"""`modelward decide`: a person's word reaches the monitor that runs, and mistakes change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from modelward.cli import main
from modelward.monitoring import Declared, Event, Monitor, Store, Tolerance, read_standing

if TYPE_CHECKING:
    from pathlib import Path

WEEKS, ROWS = 8, 25
HOURS = WEEKS * 168


def rows(first: int, hours: int, level: float = 0.0) -> tuple[pl.DataFrame, np.ndarray]:
    when = np.repeat(np.arange(first, first + hours), ROWS) * 3600.0
    return pl.DataFrame({"amount": level + np.random.default_rng(first).normal(size=len(when))}), when


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Monitor:
    monkeypatch.chdir(tmp_path)
    X, when = rows(0, HOURS)
    sale = Event("sale", (HOURS - 5) * 3600.0, (HOURS - 2) * 3600.0, ("rows",))
    declared = Declared((Tolerance("amount: mean", high=0.9),), (sale,))
    monitor = Monitor(clock=lambda: 1e9, declared=declared).fit(X, when=when)
    monitor.keep_in(tmp_path / "watch.db", every=1_000)
    X, when = rows(HOURS, 8, level=3.0)
    monitor.update(X, when=when)
    monitor._recorder.write()  # type: ignore[union-attr]
    return monitor


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["modelward", "decide", *words])
    with pytest.raises(SystemExit) as done:
        main()
    return int(done.value.code or 0)


def test_a_decision_beside_a_running_monitor_is_followed(running: Monitor, monkeypatch, capsys) -> None:
    assert run(monkeypatch, "watch.db") == 0
    said = capsys.readouterr().out
    learned = next(a for a in running.alerts() if a.series == "amount: mean" and a.detector == "fast")
    assert learned.id in said
    assert "2 h after sale, which is not declared to move it" in said
    assert f"{len(running.alerts())} alerts open" in said
    assert (
        run(monkeypatch, "watch.db", learned.id[:8], "new-normal", "--by", "ada", "--note", "new market") == 0
    )
    assert "on record" in capsys.readouterr().out
    assert running.decisions() == ()
    # Already settled for whoever reads the store; followed when the monitor writes, once.
    assert learned.id not in {a.id for a in read_standing("watch.db").open_alerts}
    for _ in range(2):
        running._recorder.write()  # type: ignore[union-attr]
    (decision,) = running.decisions()
    assert (decision.alert, decision.by, decision.note) == (learned.id, "ada", "new market")
    before = len(running.alerts())
    X, when = rows(HOURS + 8, 10, level=3.0)
    running.update(X, when=when)
    assert not [a for a in running.alerts()[before:] if a.series == "amount: mean" and a.detector == "fast"]
    running.close()
    store = Store("watch.db")
    assert len(store.decisions()) == 1
    assert store.waiting() == {}
    store.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.db"], "not there"),
        (["watch.db", "zzz", "incident", "--by", "ada"], "no alert of the last four weeks begins with 'zzz'"),
        (["watch.db", "", "incident", "--by", "ada"], "alerts begins with ''"),
        (["watch.db", "zzz", "incident"], "say what and who"),
        (["watch.db", "DECLARED", "new-normal", "--by", "ada"], "is changed in the file that declares it"),
    ],
)
def test_mistakes_are_one_line_and_change_nothing(running: Monitor, monkeypatch, capsys, words, said) -> None:
    declared = next(a.id for a in running.alerts() if a.detector == "declared")
    words = [declared if word == "DECLARED" else word for word in words]
    assert run(monkeypatch, *words) == 2
    assert said in capsys.readouterr().err
    running._recorder.write()  # type: ignore[union-attr]
    assert running.decisions() == ()
    running.close()
