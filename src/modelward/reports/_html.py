"""The report as one page that needs nothing else: no network, no script, no font to fetch."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from modelward.findings import MIN_ROWS
from modelward.reports import _charts, _picture, _rows, _strip, _text
from modelward.taxonomy import MODES

if TYPE_CHECKING:
    from jinja2 import Environment

    from modelward.findings import FailOn, Finding, Measure, Report
    from modelward.taxonomy import FailureMode

_UNFOLDED = 12
MAX_BYTES = 1_900_000
"""A page stays under two megabytes: what does not fit is left to the JSON report, and the page says so."""


@dataclass(frozen=True, slots=True)
class Caps:
    """How much of a finding a page shows."""

    measures: int
    points: int
    pictures: int
    rows: int
    tables: int
    numbers: int
    text: int
    findings: int


_CAPS = (
    Caps(measures=60, points=300, pictures=16, rows=60, tables=12, numbers=240, text=4_000, findings=500),
    Caps(measures=30, points=120, pictures=8, rows=25, tables=6, numbers=60, text=1_000, findings=200),
    Caps(measures=10, points=40, pictures=2, rows=8, tables=2, numbers=0, text=300, findings=100),
    Caps(measures=3, points=0, pictures=0, rows=0, tables=0, numbers=0, text=160, findings=60),
)


def render_html(report: Report, *, fail_on: FailOn = "high") -> str:
    """Return the report as one self-contained HTML page.

    Parameters
    ----------
    report : Report
        What to show.
    fail_on : {"low", "medium", "high", "critical", "never"}
        The severity from which a fail gates, for the sentence about the exit code.

    Returns
    -------
    str
        Under 2 MB in UTF-8. Every string of the report is escaped; a Content-Security-Policy forbids
        scripts and everything that is not in the page.
    """
    page = ""
    for caps in _CAPS:
        page = _render(report, fail_on, caps)
        if len(page.encode("utf-8", "replace")) <= MAX_BYTES:
            break
    return page


def _render(report: Report, fail_on: FailOn, caps: Caps) -> str:
    shown = _rows.rows(report)
    css = _style()
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=report, rows=shown, caps=caps, css=css, digest=digest,
            tally=_rows.tally(shown), states=_rows.STATES, model=_rows.model_name(report),
            exit_reason=_rows.exit_reason(report, fail_on), exit_code=report.exit_code(fail_on),
            again=_again(report), min_rows=MIN_ROWS,
            inside=[row for row in shown if not row.outside], outside=[row for row in shown if row.outside],
            checked=[row for row in shown if row.findings], unchecked=[row for row in shown if not row.findings],
        )
    )  # fmt: skip


def _again(report: Report) -> str:
    """Return the options that make the same report of the same inputs."""
    options = [f"--seed {report.seed}"]
    if report.budget.get("name"):
        options.append(f"--budget {_text.clean(report.budget['name'], 60)}")
    if report.budget.get("max_queries") is not None:
        options.append(f"--max-queries {_text.clean(report.budget['max_queries'], 20)}")
    if report.exposure:
        options.append(f"--exposure {_text.clean(','.join(report.exposure), 200)}")
    return " ".join(options)


def _split_measures(finding: Finding, most: int) -> tuple[list[Measure], list[Measure], int]:
    """Return the measures to show, those to fold away, and how many are left to the JSON report.

    Few stay in their own order; of many the worst come first.
    """
    measures = list(finding.measures)
    if len(measures) > _UNFOLDED:
        rank = {key: i for i, key in enumerate(_rows.STATES)}
        measures.sort(key=lambda m: (rank[m.verdict], -_rows.excess(m)))
    return measures[:_UNFOLDED], measures[_UNFOLDED:most], max(0, len(measures) - max(most, _UNFOLDED))


def _failure_mode(number: int) -> FailureMode | None:
    return next((mode for mode in MODES if mode.number == number), None)


def _ids(mode: FailureMode) -> list[tuple[str, str]]:
    """Return where other catalogues have a failure mode."""
    catalogues = (
        ("MITRE ATLAS 5.6.0", mode.atlas),
        ("OWASP ML Top 10 2023", mode.owasp),
        ("NIST AI 100-2e2025", mode.nist),
    )
    return [(name, "; ".join(map(str, entries))) for name, entries in catalogues if entries]


@lru_cache(maxsize=1)
def _style() -> str:
    return files("modelward.reports").joinpath("templates", "report.css").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("modelward.reports"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters.update(
        clean=_text.clean, block=_text.clean_block, plain=_text.plain, figure=_text.figure, number=_text.number,
        interval=_text.interval, suffix=_text.suffix, limits=_text.limits, code_parts=_text.split_code,
        facts=_text.facts, cells=_text.cells, split_measures=_split_measures, ids=_ids, strip=_strip.strip,
        pictures=_charts.pictures,
    )  # fmt: skip
    environment.globals.update(swatch=_picture.swatch, failure_mode=_failure_mode)
    return environment
