"""Traffic of a small service, a monitor that learned it, and copies of that monitor for every test."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from modelward.monitoring import Monitor
from modelward.monitoring._saved import pack, pack_learned, state_of, unpack_hours

WEEKS, ROWS = 9, 60
HOURS = WEEKS * 168


class Traffic:
    """What the tests of a monitor need."""

    rows, hours = ROWS, HOURS

    def __init__(self) -> None:
        learned = self.fitted()._fitted()
        self._packed = pack_learned(learned), pack(*state_of(learned))
        self.shared = self.fresh()

    def rows_of(self, hours: np.ndarray, seed: int) -> pl.DataFrame:
        rng = np.random.default_rng(seed)
        t = np.repeat(hours, ROWS)
        return pl.DataFrame({
            "amount": rng.normal(size=len(t)) + np.sin(t / 24 * 2 * np.pi),
            "age": rng.integers(20, 70, len(t)),
            "plan": rng.choice(["a", "b", "c"], len(t)),
        })  # fmt: skip

    def fitted(self, weeks: int = WEEKS) -> Monitor:
        hours = np.arange(weeks * 168)
        sales = np.random.default_rng(5).normal(100, 1, len(hours))
        monitor = Monitor(clock=lambda: 1e9)
        frame = self.rows_of(hours, 0)
        outputs = pl.DataFrame({"score": np.random.default_rng(1).uniform(size=frame.height)})
        return monitor.fit(
            frame, outputs, when=np.repeat(hours, ROWS) * 3600.0, kpis={"sales": (sales, hours * 3600.0)}
        )

    def fresh(self, keep: int = 24) -> Monitor:
        """Return a monitor that learned nine weeks, as if it had just been fitted."""
        monitor = Monitor(clock=lambda: 1e9, keep=keep)
        hours = unpack_hours(*self._packed, keep=keep)
        monitor._gate, monitor.dropped = hours.gate, hours.gate.dropped
        monitor._start(hours)
        return monitor

    def feed(
        self, monitor: Monitor, hour: int, frame: pl.DataFrame | None = None, sales: float = 100.0
    ) -> None:
        frame = self.rows_of(np.array([hour]), hour) if frame is None else frame
        scores = pl.DataFrame({"score": np.random.default_rng(hour).uniform(size=frame.height)})
        monitor.update(frame, scores, when=hour * 3600.0)
        monitor.kpi("sales", sales, hour * 3600.0)


@pytest.fixture(scope="session")
def traffic() -> Traffic:
    return Traffic()
