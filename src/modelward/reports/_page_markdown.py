"""A page as Markdown, for a pull request or a wiki."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelward.reports._markdown import escape
from modelward.reports._text import cells, clean_block, plain

if TYPE_CHECKING:
    from modelward.findings import Series, Table
    from modelward.reports._page import Page, Section

_ROWS, _BARS = 40, 15


def render_page_markdown(page: Page) -> str:
    """Return a page in GitHub's Markdown; names from the file make no links, mentions or markup."""
    lines = [f"### {escape(page.title)}", "", escape(page.headline, 600), ""]
    if page.alarm:
        lines += [f"> **{escape(page.alarm, 1200)}**", ""]
    elif page.calm:
        lines += [escape(page.calm), ""]
    if page.findings:
        lines += ["**What is wrong with it**", ""]
        lines += [
            f"- {finding.verdict}, {finding.severity} ({escape(finding.code, 20)}): "
            + (f"{escape(finding.location, 300)}: " if finding.location else "")
            + escape(finding.summary, 800)
            for finding in page.findings[:20]
        ]
        if len(page.findings) > 20:
            lines.append(f"- {len(page.findings) - 20} more; the JSON output has all")
        lines.append("")
    for section in page.sections:
        if not section.folded:
            lines += _section(section)
    lines += [f"<sub>modelward {escape(page.version, 40)}. {escape(page.closing, 200)}</sub>", ""]
    return "\n".join(lines)


def _section(section: Section) -> list[str]:
    lines = [f"#### {escape(section.title)}", ""]
    if section.lead:
        lines += [escape(section.lead, 2_000), ""]
    if section.facts:
        lines += [*(f"- {escape(name)}: {escape(value, 800)}" for name, value in section.facts), ""]
    if section.items:
        for item in section.items[:_ROWS]:
            name = f"{escape(item.name)}: " if item.name else ""
            note = f" ({escape(item.note, 400)})" if item.note else ""
            lines.append(f"{'  ' * min(item.depth, 6)}- {name}**{escape(item.text)}**{note}")
        lines.append("")
    for rule in section.rules:
        note = f" *({escape(rule.note)})*" if rule.note else ""
        lines.append(f"- **{escape(rule.title)}**: {escape(rule.words, 1_500)}{note}")
    lines += [""] if section.rules else []
    for series in section.series:
        lines += _bars(series)
    for table in section.tables:
        lines += _table(table)
    if section.code:
        code = clean_block(section.code, 20_000)
        # Longer than any run of backticks inside, so that nothing in it can close it.
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", code)), default=0))
        lines += [f"{fence}python", *code.rstrip().splitlines(), fence, ""]
    return lines


def _bars(series: Series) -> list[str]:
    rows = list(zip(series.x, series.y, strict=True))[:_BARS]
    lines = [f"| {escape(series.y_label or series.name)} | |", "|---|--:|"]
    return [*lines, *(f"| {escape(plain(name))} | {plain(float(value))} |" for name, value in rows), ""]


def _table(table: Table) -> list[str]:
    lines, _ = cells(table, _ROWS)
    head = "| " + " | ".join(escape(column) for column in table.columns) + " |"
    rule = "|" + "---|" * len(table.columns)
    return [f"**{escape(table.title)}**", "", head, rule,
            *("| " + " | ".join(escape(cell) for cell in line) + " |" for line in lines), ""]  # fmt: skip
