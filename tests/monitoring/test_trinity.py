"""Who moved first: planted lags are read off, and independent series lead nobody."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from modelward.monitoring import Alert, incidents, leads, role_of
from modelward.monitoring._trinity import innovations, onset_of


def service(
    names: tuple[str, ...], kinds: tuple[str, ...], columns: tuple[str, ...], kpis: tuple[str, ...] = ()
) -> Any:
    return SimpleNamespace(
        names=names, kinds=np.array(kinds), columns=columns, kpis=kpis, inputs=1, rare=("a: never seen",),
        rare_columns=("a",), layout=SimpleNamespace(names=("a", "score")),
    )  # fmt: skip


LEARNED = service(
    ("rows", "a: mean", "score: mean", "sales"),
    ("rows", "mean", "mean", "kpi"),
    ("", "a", "score", "sales"),
    ("sales",),
)


def alert(series: str, hour: int, detector: str = "fast", score: float = 9.0) -> Alert:
    return Alert(
        series, series.split(":")[0], "mean", detector, hour * 3600, hour * 3600, 1, score, 5.0, 1.0, 0.0
    )


def test_roles() -> None:
    assert [role_of(LEARNED, n) for n in (*LEARNED.names, "a: never seen")] == [
        "traffic", "input", "answer", "figure", "input"
    ]  # fmt: skip


@pytest.mark.parametrize("lag", [0, 3, 20])
def test_a_planted_lag_is_read_off_with_its_direction(lag: int) -> None:
    rng = np.random.default_rng(lag)
    z = rng.normal(size=(600, 4))
    z[lag:, 3] = 0.6 * z[: len(z) - lag, 1] + 0.8 * z[lag:, 3]
    found = leads(LEARNED, z)
    assert [(f.leader, f.follower, f.lag) for f in found] == [("a: mean", "sales", lag)]
    assert found[0].r == pytest.approx(0.6, abs=0.1)


def test_independent_series_lead_nobody() -> None:
    """Over 200 worlds at most a few in a hundred may tell a lead that is none; heavy tails and gaps included."""
    wrong = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        z = rng.standard_t(4, size=(400, 4))
        z[rng.uniform(size=z.shape) < 0.1] = np.nan
        wrong += bool(leads(LEARNED, z))
    assert wrong <= 8


def test_the_onset_of_a_slow_alert_is_the_change_and_not_the_alarm() -> None:
    errors, held = [], 0
    for seed in range(100):
        z = np.random.default_rng(seed).normal(size=300)
        z[200:] += 1.0
        onset = onset_of(alert("a: mean", 1_000 + 220, "slow"), z, 1_000)
        errors.append(onset.hour - 1_200)
        held += onset.early <= 1_200 <= onset.late
    assert abs(float(np.median(errors))) <= 2
    assert held >= 85
    assert onset_of(alert("a: mean", 1_220), z, 1_000).hour == 1_220


def test_incidents_name_who_moved_first_and_what_cannot_be_told() -> None:
    z = np.zeros((400, 4))
    z[100:, 3] = 1.0
    held = [
        alert("a: never seen", 90),
        alert("sales", 130, "slow"),
        alert("score: mean", 90),
        alert("rows", 300),
    ]
    first, second = incidents(held, LEARNED, z, 0)
    assert list(first.first) == ["input", "answer", "figure"]
    assert first.first["figure"].hour == 100
    assert first.order == (
        "input (a: never seen), at the same time as far as can be told answer (score: mean), 10 h later figure (sales)"
    )
    assert second.order == "traffic (rows)"
    assert incidents([], LEARNED, z, 0) == ()


@pytest.mark.filterwarnings("error")
def test_bands_as_wide_as_floats_go_tell_nothing_and_warn_nobody() -> None:
    learned: Any = SimpleNamespace(names=("a", "b"), turned=lambda held: held)
    low, high = np.array([-np.inf, 0.0]), np.array([np.inf, 2.0])
    hours: Any = [SimpleNamespace(hour=5, value=np.array([1.0, 2.0]), low=low, high=high)]
    z = innovations(learned, hours, np.array([4.0, 4.0]))
    assert np.isnan(z[0, 0]) and z[0, 1] == 4.0
