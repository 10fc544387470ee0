"""A page in a terminal: from the alarm to the details, each section with a line of its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from modelward.reports._terminal import _ASCII
from modelward.reports._text import cells, clean, plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from modelward.findings import Series, Table
    from modelward.reports._page import Page, Section

_BARS, _ITEMS, _ROWS, _FINDINGS = 10, 30, 8, 10
_STYLES = ("cyan", "dark_orange", "green", "magenta", "yellow", "blue")
_VERDICTS = {"fail": "bold red", "inconclusive": "bold magenta", "warn": "yellow"}


def render_page_terminal(page: Page, console: Console, *, next_step: str = "") -> None:
    """Print a page.

    Parameters
    ----------
    page : Page
    console : rich.console.Console
        Where to; it decides about colour and width.
    next_step : str
        A command or an order that stands last.
    """
    out = _Printer(console)
    out.line((page.title, "bold"))
    out.line((page.headline, ""))
    if page.alarm:
        out.line(("!! " + page.alarm, "bold white on red"))
    elif page.calm:
        out.line((page.calm, "green"))
    for finding in page.findings[:_FINDINGS]:
        out.line((f"{finding.verdict}, {finding.severity} ", _VERDICTS.get(finding.verdict, "")),
                 (f"{finding.code} ", "dim"), (finding.summary, ""), indent=2)  # fmt: skip
    if len(page.findings) > _FINDINGS:
        more = f"and {len(page.findings) - _FINDINGS:,} more; -o FILE.html or --format json shows them all"
        out.line((more, "bold"), indent=2)
    for section in page.sections:
        if not section.folded:
            out.section(section)
    if next_step:
        console.print()
        out.line(("→ Next: ", "bold"), (next_step, "bold cyan"))


class _Printer:
    def __init__(self, console: Console) -> None:
        self.console = console
        self.plain = console.options.ascii_only

    def text(self, said: str, style: str = "") -> Text:
        from rich.text import Text

        said = clean(said)
        if self.plain:
            said = said.translate(_ASCII).replace("█", "#").encode("ascii", "replace").decode("ascii")
        return Text(said, style=style)

    def line(self, *parts: tuple[str, str], indent: int = 0, hang: int = 2) -> None:
        """Print a line of styled parts, wrapped with a hanging indent."""
        from rich.text import Text

        whole = Text()
        for said, style in parts:
            whole += self.text(said, style)
        room = max(20, self.console.width - indent - hang)
        for i, part in enumerate(whole.wrap(self.console, room)):
            part.rstrip()
            lead = Text(" " * (indent + (hang if i else 0)))
            self.console.print(lead + part, highlight=False, soft_wrap=True)

    def section(self, section: Section) -> None:
        self.console.print()
        self.line((section.title, "bold underline"))
        if section.lead:
            self.line((section.lead, "dim"), indent=2, hang=0)
        width = max((len(name) for name, _ in section.facts), default=0) + 2
        for name, value in section.facts:
            self.line((f"{name:{width}}", "dim"), (value, ""), indent=2, hang=min(width, 30))
        for item in section.items[:_ITEMS]:
            name = f"{item.name}: " if item.name else ""
            note = f"  {item.note}" if item.note else ""
            self.line((name, "dim"), (item.text, "bold"), (note, "dim"), indent=2 + 2 * min(item.depth, 8))
        if len(section.items) > _ITEMS:
            self.line((f"and {len(section.items) - _ITEMS} more", "dim"), indent=2)
        for rule in section.rules:
            self.line((rule.title, f"bold {_STYLES[rule.tone % len(_STYLES)]}"), indent=2)
            self.line((rule.words, ""), indent=4)
            if rule.note:
                self.line((rule.note, "dim"), indent=4)
        for series in section.series:
            if len(section.series) > 1:
                self.line(
                    (f"{series.group}: {series.name}" if series.group else series.name, "dim"), indent=2
                )
            self.bars(series)
        for table in section.tables:
            self.table(table)

    def bars(self, series: Series) -> None:
        """Print the first bars of a series, with a block for each share of the largest."""
        rows = [(plain(name), float(value)) for name, value in zip(series.x, series.y, strict=True)]
        rows = [(name, value) for name, value in rows if math.isfinite(value)]
        most = max((abs(value) for _, value in rows), default=0.0)
        if not most:
            return
        width = min(26, max(len(name) for name, _ in rows[:_BARS]))
        room = max(8, min(36, self.console.width - width - 16))
        for name, value in rows[:_BARS]:
            bar = "█" * max(1, round(room * abs(value) / most)) if value else ""
            shown = name if len(name) <= width else name[: width - 1] + "…"
            self.line((f"{shown:{width}}  ", ""), (bar, "cyan"), (f" {plain(value)}", "dim"), indent=2)
        if len(rows) > _BARS:
            self.line((f"and {len(rows) - _BARS} more", "dim"), indent=2)

    def table(self, table: Table) -> None:
        lines, numeric = cells(table, _ROWS)
        widths = [max(len(c), *(len(line[i]) for line in lines), 1) for i, c in enumerate(table.columns)]
        widths = [min(w, 40) for w in widths]
        self.line(
            ("  ".join(f"{c[:w]:{w}}" for c, w in zip(table.columns, widths, strict=True)), "dim"), indent=2
        )
        for row in lines:
            shown = [
                f"{c[:w]:>{w}}" if n else f"{c[:w]:{w}}" for c, w, n in zip(row, widths, numeric, strict=True)
            ]
            self.line(("  ".join(shown), ""), indent=2)
        if len(table.rows) > _ROWS:
            self.line((f"and {len(table.rows) - _ROWS} more", "dim"), indent=2)
