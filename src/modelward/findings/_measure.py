"""Figures with their uncertainty: what a check claims, and what it became once judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Worse = Literal["higher", "lower"]
Verdict = Literal["pass", "warn", "fail", "inconclusive", "measured"]
Severity = Literal["low", "medium", "high", "critical"]

SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")
MIN_ROWS = 10
"""Nothing that fewer rows than this stand behind leaves in any output."""


class Estimate(Protocol):
    """A figure that can say its own interval at any confidence.

    `modelward.stats` holds the implementations.
    """

    @property
    def value(self) -> float:
        """The point estimate."""

    @property
    def n(self) -> int:
        """The number of rows (or other units) behind it."""

    @property
    def method(self) -> str:
        """How the interval is made, in words."""

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided interval at a confidence in (0, 1)."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Where a measure begins to warn and to fail; None where it does not."""

    warn: float | None = None
    fail: float | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A measured figure that a check hands over to be judged.

    Parameters
    ----------
    name : str
        Name of the measure in plain words, stable: configured limits and baselines find it by this.
    estimate : Estimate
        Value and intervals.
    unit : str
        Such as ``"share"``, ``"AUC"``, ``"rows"``, ``"cost"``.
    worse : {"higher", "lower"}
        Which direction is worse.
    limit : Limit
        Default limits; a configuration may replace them.
    """

    name: str
    estimate: Estimate
    unit: str
    worse: Worse = "higher"
    limit: Limit = Limit()


@dataclass(frozen=True, slots=True)
class Measure:
    """A judged figure: never bare.

    `low` and `high` bound the shown 95 % interval; `decision_low` and `decision_high` the wider one at
    `decision_confidence` that the verdict was read from.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str
    n: int
    confidence: float
    method: str
    limit: float | None
    worse: Worse
    warn: float | None
    verdict: Verdict
    decision_confidence: float
    decision_low: float
    decision_high: float
