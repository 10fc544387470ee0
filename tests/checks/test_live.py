"""Rows 12 to 14 on the store of a service: planted truth is found, quiet is quiet, and what was not looked at is said."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from sklearn.tree import DecisionTreeClassifier

import modelward.assessment._assess as module
from modelward.assessment._plan import make_sure_told
from modelward.checks import CheckNotGiven, CheckSkipped, conclude, told_by
from modelward.checks._service import why_open
from modelward.checks.mw12_reward_hacking import RewardHacking
from modelward.checks.mw13_side_effects import SideEffects
from modelward.checks.mw14_live import LiveTraffic
from modelward.errors import InputError, UsageError
from modelward.findings import Cost, Policy
from modelward.monitoring import Declared, Event, Monitor, Proxy, Store, Tolerance, move_of, read_standing

if TYPE_CHECKING:
    from pathlib import Path

WEEKS, ROWS, LASTS = 9, 25, 3
HOURS = WEEKS * 168
PROXY = Declared(proxies=(Proxy("clicks", "orders"),), intended=("visits",))


def kept(
    path: Path, *, grow: float = 0.0, fall: float = 0.0, side: float = 0.0, spread: float = 1.0, weeks: int = WEEKS,
    lasts: int = LASTS, declared: Declared = PROXY, more: int = 0, feed: bool = True,
) -> Path:  # fmt: skip
    """Keep a service in a store: one column, four figures, and others that wander by themselves."""
    rng = np.random.default_rng(3)
    hours = np.arange((weeks + lasts) * 168)
    past = hours < weeks * 168
    season = 1 + 0.2 * np.sin(hours / 24 * 2 * np.pi)
    later = np.where(past, 0.0, 1.0)
    figures = {
        "clicks": 200 * season * (1 + grow * later),
        "orders": 50 * season * (1 - fall * later),
        "complaints": 20 * season * (1 + side * later),
        "visits": 900 * season * (1 + 0.3 * later * (grow > 0)),
    }
    figures = {name: y * (1 + 0.05 * rng.normal(size=len(y))) for name, y in figures.items()}
    for k in range(more):
        level = np.cumsum(0.02 * rng.normal(size=len(hours)))
        noise = np.zeros(len(hours))
        for t in range(1, len(hours)):
            noise[t] = 0.7 * noise[t - 1] + rng.normal()
        figures[f"other {k}"] = 100 + level + noise

    def rows(here: np.ndarray, wide: float) -> pl.DataFrame:
        return pl.DataFrame(
            {"amount": wide * np.random.default_rng(int(here[0])).normal(size=len(here) * ROWS)}
        )

    monitor = Monitor(clock=lambda: 1e9, declared=declared)
    monitor.fit(
        rows(hours[past], 1.0),
        when=np.repeat(hours[past], ROWS) * 3600.0,
        kpis={name: (y[past], hours[past] * 3600.0) for name, y in figures.items()},
    )
    monitor.keep_in(path, every=1_000)
    for hour in hours[~past].tolist() if feed else ():
        monitor.update(rows(np.array([hour]), spread), when=hour * 3600.0)
        for name, y in figures.items():
            monitor.kpi(name, float(y[hour]), hour * 3600.0)
    monitor.close()
    return path


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kept(tmp_path_factory.mktemp("quiet") / "watch.db", more=40)


@pytest.fixture(scope="module")
def hacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    declared = Declared((Tolerance("orders", low=1.0),), (), PROXY.proxies, PROXY.intended)
    return kept(
        tmp_path_factory.mktemp("hacked") / "watch.db",
        grow=0.3,
        fall=0.25,
        side=0.6,
        spread=8.0,
        declared=declared,
    )


def found(check: Any, path: Path) -> Any:
    scope = SimpleNamespace(store=path, options={})
    return conclude(check, check().run(scope), alpha=0.005, policy=Policy(), cost=Cost())


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the last judged hour be a fresh one."""
    import modelward.checks._service as service

    class Now(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls.fromtimestamp((WEEKS + LASTS) * 168 * 3600, tz)

    monkeypatch.setattr(service.datetime, "datetime", Now)


def test_quiet_figures_pass_and_do_not_move_beyond_chance(quiet: Path, today: None) -> None:
    assert found(RewardHacking, quiet).verdict == "pass"
    # The forty that wander by themselves keep within what they may: 95 % intervals hold nothing for all but a few.
    standing = read_standing(quiet)
    moves = [move_of(standing, name) for name in standing.kpis if name.startswith("other")]
    away = sum(not move.interval(0.95)[0] <= 0 <= move.interval(0.95)[1] for move in moves if move)
    assert len(moves) == 40
    assert away <= 5
    assert found(SideEffects, quiet).verdict == "pass"
    assert found(LiveTraffic, quiet).verdict in ("pass", "warn")


def test_a_proxy_that_gains_at_its_figures_cost_fails(hacked: Path, today: None) -> None:
    finding = found(RewardHacking, hacked)
    (measure,) = finding.measures
    assert finding.verdict == "fail"
    assert measure.low > 0.15
    assert measure.value == pytest.approx(0.25, abs=0.03)
    assert "orders -2" in finding.summary
    assert finding.series


def test_figures_nobody_meant_to_move_are_named_and_meant_ones_are_not(hacked: Path, today: None) -> None:
    finding = found(SideEffects, hacked)
    assert finding.verdict == "warn"
    assert [m.name for m in finding.measures] == ["move of a figure: complaints"]
    assert finding.measures[0].value == pytest.approx(0.6, abs=0.05)


def test_open_alerts_fail_and_decided_ones_do_not(hacked: Path, tmp_path: Path, today: None) -> None:
    finding = found(LiveTraffic, hacked)
    assert finding.verdict == "fail"
    assert finding.measures[0].value > 2
    path = tmp_path / "copy.db"
    path.write_bytes(hacked.read_bytes())
    monitor = Monitor.resume(path, clock=lambda: 1e9)
    for alert in monitor.alerts():
        monitor.decide(alert.id, "false alarm", by="ada")
    monitor.close()
    assert found(LiveTraffic, path).verdict == "pass"


def test_tolerances_and_figures_are_findings_of_their_own(hacked: Path) -> None:
    scope: Any = SimpleNamespace(store=hacked, options={})
    assert told_by(scope) == ()
    LiveTraffic().run(scope)
    codes = {(f.code, f.verdict) for f in told_by(scope)}
    assert ("MW132", "fail") in codes
    assert not [f for f in told_by(scope) if f.code == "MW147"]


def test_what_was_not_looked_at_is_said(quiet: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckNotGiven, match="--store"):
        LiveTraffic().run(SimpleNamespace(store=None, options={}))  # type: ignore[arg-type]
    # The store is of 1970: silence says nothing of today.
    assert found(LiveTraffic, quiet).verdict in ("inconclusive", "warn")
    assert "days old" in why_open(read_standing(quiet))
    short = kept(tmp_path / "short.db", weeks=5, declared=Declared())
    with pytest.raises(CheckSkipped, match="insufficient history"):
        LiveTraffic().run(SimpleNamespace(store=short, options={}))  # type: ignore[arg-type]
    silent = kept(tmp_path / "silent.db", feed=False, declared=Declared())
    with pytest.raises(CheckSkipped, match="no hour"):
        LiveTraffic().run(SimpleNamespace(store=silent, options={}))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="not there"):
        read_standing(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()
    Store(tmp_path / "empty.db").close()
    with pytest.raises(InputError, match="no monitor"):
        read_standing(tmp_path / "empty.db")


def test_nothing_declared_is_not_given(tmp_path: Path) -> None:
    event = Event("sale", 0.0, 3600.0)
    path = kept(tmp_path / "watch.db", declared=Declared(events=(event,)), lasts=1)
    with pytest.raises(CheckNotGiven, match=r"\[\[proxy\]\]"):
        RewardHacking().run(SimpleNamespace(store=path, options={}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        (Declared(proxies=(Proxy("amount: nothing", "orders"),)), "is no business figure"),
        (Declared(proxies=(Proxy("clicks", "profit"),)), "'profit' is declared as a business figure"),
        (Declared(intended=("profit",)), "there are clicks"),
    ],
)
def test_declared_figures_that_are_none_are_one_clear_line(
    tmp_path: Path, declared: Declared, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        kept(tmp_path / "watch.db", declared=declared)


@pytest.mark.parametrize(
    ("select", "ignore", "kept"),
    [
        ((), (), {"MW132"}),
        (("MW142",), (), set()),
        (("MW13",), (), {"MW132"}),
        (("MW142", "MW132"), (), {"MW132"}),
        ((), ("MW132",), set()),
        ((), ("MW13",), set()),
    ],
)
def test_what_a_store_tells_beside_checks_is_selected_and_ignored_like_theirs(
    hacked: Path,
    credit: tuple[pl.DataFrame, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    kept: set[str],
) -> None:
    frame, y = credit
    table = frame.with_columns(pl.Series("label", y))[:1_000]
    model = DecisionTreeClassifier(max_depth=2).fit(frame.to_pandas(), y)
    monkeypatch.setattr(module, "all_checks", lambda: (SideEffects, LiveTraffic))
    report = module.assess(model, table, target="label", store=hacked, select=select, ignore=ignore)
    assert {f.code for f in report.findings if f.code in ("MW132", "MW147", "MW148")} == kept


def test_a_finding_that_nothing_would_read_the_store_for_cannot_be_selected() -> None:
    make_sure_told((), (), store=True)
    make_sure_told(("MW148", "MW142"), (), store=True)
    make_sure_told(("MW01",), (), store=True)
    make_sure_told((), ("MW12", "MW13", "MW14"), store=True)
    make_sure_told((), ("MW121", "MW131", "MW142", "MW143"), store=False)
    with pytest.raises(UsageError, match="MW148 is told beside"):
        make_sure_told(("MW148",), (), store=False)
    with pytest.raises(UsageError, match="MW132 is told beside"):
        make_sure_told((), ("MW121", "MW131", "MW142", "MW143"), store=True)
