"""The report as a short comment for a pull request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelward.reports import _rows
from modelward.reports._text import clean

if TYPE_CHECKING:
    from modelward.findings import FailOn, Report

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~:@&$!])")
_MOST = 10


def render_markdown(report: Report, *, fail_on: FailOn = "high") -> str:
    """Return the report in GitHub's Markdown: headline, seventeen rows, warnings, what to do first.

    Parameters
    ----------
    report : Report
        What to show.
    fail_on : {"low", "medium", "high", "critical", "never"}
        The severity from which a fail gates, for the sentence about the exit code.

    Returns
    -------
    str
        Names from models and data are escaped: they make no links, mentions or markup.
    """
    shown = _rows.rows(report)
    counts = " · ".join(f"{count} {state.word}" for state, count in _rows.tally(shown))
    lines = [
        f"### {escape(_rows.model_name(report))}: {report.headline}",
        "",
        f"{counts}  ",
        f"**{escape(_rows.exit_reason(report, fail_on))}**",
        "",
        "| verdict | row | failure mode | severity | decisive figure [95 %], or why there is none |",
        "|---|--:|---|---|---|",
    ]
    for row in shown:
        said = f"**{escape(row.said)}** {escape(row.what)}" if row.measure else escape(row.said, 200)
        note = f" *({escape(row.note, 200)})*" if row.note else ""
        mark = f"{row.state.mark} {row.state.word}"
        lines.append(f"| {mark} | {row.number} | {escape(row.name)} | {row.severity} | {said}{note} |")
    if report.warnings:
        lines += ["", "**Warnings**", ""]
        lines += [f"- {escape(w, 300)}" for w in report.warnings[:_MOST]]
        lines += [f"- and {len(report.warnings) - _MOST} more"] if len(report.warnings) > _MOST else []
    if advice := _advice(shown):
        lines += ["", "**What to do first**", "", *advice]
    lines += [
        "",
        f"<sub>modelward {escape(report.modelward, 40)}, seed {report.seed}. Not checked is never clean.</sub>",
        "",
    ]
    return "\n".join(lines)


def escape(text: str, limit: int = 400) -> str:
    r"""Return text that Markdown shows as it is.

    Examples
    --------
    >>> print(escape("a|b <img> @team"))
    a\|b \<img\> \@​team
    """
    return _SPECIAL.sub(r"\\\1", clean(text, limit)).replace("www.", r"www\.").replace(r"\@", "\\@\u200b")


def _advice(shown: tuple[_rows.Row, ...]) -> list[str]:
    return [
        f"- {escape(row.name)}: {escape(first.title)}"
        + (f" ({escape(first.effect, 200)})" if first.effect else "")
        for row in shown
        if row.lead is not None and row.state.key in ("fail", "warn")
        for first in row.lead.countermeasures[:1]
    ]
