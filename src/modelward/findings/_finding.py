"""Finding: the one currency. Whatever reports, gates or draws reads Findings and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from modelward.findings._measure import Measure, Severity, Verdict


@dataclass(frozen=True, slots=True)
class Series:
    """A picture's worth of numbers, ready to be drawn.

    Parameters
    ----------
    name : str
        What the series is, for the legend.
    x, y : tuple
        Points; `x` holds numbers for lines and names for bars.
    low, high : tuple of float, optional
        A band about `y`, same length.
    x_label, y_label : str
        Axes, with units.
    kind : {"line", "bar"}
        How it wants to be drawn.
    group : str
        Series of one group share one picture, whose title it is.
    """

    name: str
    x: tuple[float | str, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    x_label: str = ""
    y_label: str = ""
    kind: Literal["line", "bar"] = "line"
    group: str = ""

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y) or len(self.low) != len(self.high):
            raise ValueError(f"series {self.name!r}: x and y, low and high must be of one length")
        if self.low and len(self.low) != len(self.y):
            raise ValueError(f"series {self.name!r}: the band must be as long as the line")


@dataclass(frozen=True, slots=True)
class Table:
    """A small table; never rows of users' data."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | int, ...], ...]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"table {self.title!r}: every row needs {len(self.columns)} cells")


@dataclass(frozen=True, slots=True)
class Countermeasure:
    """What to do; where it was tried, with its measured effect; where it is code, with the code."""

    title: str
    effect: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a finding cost: rows sent to the model, and seconds (the one figure that is not reproducible)."""

    queries: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Ignored:
    """Why a finding does not gate, and until when (ISO date)."""

    reason: str
    until: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Parameters
    ----------
    code : str
        Such as ``"MW041"``.
    number : int
        Row of the taxonomy, 1 to 17.
    failure_mode : str
        Its name.
    title : str
        Title of the check.
    verdict : {"pass", "warn", "fail", "inconclusive", "measured"}
        The evidence; ``measured`` is an exposure for which nobody set a limit.
    severity : {"low", "medium", "high", "critical"}
        The impact, fixed per code.
    summary : str
        What was measured, in a sentence or two.
    measures, series, tables, countermeasures : tuple
        The figures, pictures and advice.
    cost : Cost
        Queries and seconds.
    location : str or None
        A relative path, or a place in a file.
    ignored : Ignored or None
        Set by the policy.
    parts : tuple of Finding
        What it sums up, where that has places of its own.
    names : tuple of str
        What others call it, such as ``"CVE-2023-5752"``: an ignore may give any of these as its rule.
    """

    code: str
    number: int
    failure_mode: str
    title: str
    verdict: Verdict
    severity: Severity
    summary: str
    measures: tuple[Measure, ...] = ()
    series: tuple[Series, ...] = ()
    tables: tuple[Table, ...] = ()
    countermeasures: tuple[Countermeasure, ...] = ()
    cost: Cost = Cost()
    location: str | None = None
    ignored: Ignored | None = None
    parts: tuple[Finding, ...] = ()
    names: tuple[str, ...] = ()
