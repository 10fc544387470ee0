"""The report on one screen of a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.reports import _rows
from modelward.reports._text import clean

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from modelward.findings import FailOn, Report
    from modelward.reports._rows import Row

_WIDE, _ROOMY = 96, 140
_VERDICT = 16
_MOST_WARNINGS = 3
_SEVERITY_STYLE = {"critical": "bold", "high": "bold", "medium": "", "low": "dim"}
_ASCII = str.maketrans(
    {
        "–": "-", "−": "-", "—": "-", "…": "...", "×": "x", "·": "-", "≤": "<=", "≥": ">=", "∞": "inf", "\u00a0": " ",
        "“": '"', "”": '"', "‘": "'", "’": "'", "→": "->",
    }
)  # fmt: skip


def render_terminal(
    report: Report, console: Console, *, next_step: str = "", fail_on: FailOn = "high"
) -> None:
    """Print the report: headline, seventeen rows worst first, warnings, assumptions, the next step.

    Parameters
    ----------
    report : Report
        What to show.
    console : rich.console.Console
        Where to; it decides about colour and width.
    next_step : str
        A command or an order that stands last.
    fail_on : {"low", "medium", "high", "critical", "never"}
        The severity from which a fail gates, for the sentence about the exit code.
    """
    shown = _rows.rows(report)
    plain = console.options.ascii_only
    console.print(_headline(report, shown, fail_on, plain=plain), highlight=False)
    if console.width >= _WIDE:
        console.print()
    console.print(_table(shown, console, plain=plain), highlight=False)
    for line in _remarks(report, console.width, plain=plain):
        console.print(line, highlight=False)
    if next_step:
        arrow = "->" if plain else "→"
        line = _text(f"\n{arrow} Next: ", "bold", plain=plain, raw=True)
        console.print(line + _text(next_step, "bold cyan", plain=plain), highlight=False, soft_wrap=True)


def _text(said: str, style: str, *, plain: bool, raw: bool = False) -> Text:
    from rich.text import Text

    said = said if raw else clean(said)
    if plain:
        said = said.translate(_ASCII).encode("ascii", "replace").decode("ascii")
    return Text(said, style=style)


def _headline(report: Report, shown: tuple[Row, ...], fail_on: FailOn, *, plain: bool) -> Text:
    from rich.text import Text

    line = Text()
    line += _text(clean(_rows.model_name(report), 60), "bold", plain=plain)
    line += _text(" · ", "dim", plain=plain) + _text(report.headline, "bold", plain=plain)
    for state, count in _rows.tally(shown):
        line += _text(" · ", "dim", plain=plain)
        line += _text(f"{count} {state.word}", state.style, plain=plain)
    line += Text("\n")
    style = {0: "green", 1: "bold red", 3: "bold magenta"}.get(report.exit_code(fail_on), "")
    return line + _text(_rows.exit_reason(report, fail_on), style, plain=plain)


def _table(shown: tuple[Row, ...], console: Console, *, plain: bool) -> Table:
    from rich.table import Table

    width = console.width
    name = 20 if width < _WIDE else 28 if width < _ROOMY else 48
    fixed = _VERDICT + 2 + name + 8 + 4
    rest = max(16, width - fixed)
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_header=True, header_style="dim")
    table.add_column("verdict", width=_VERDICT)
    table.add_column("", justify="right", width=2)
    table.add_column("failure mode", width=name)
    table.add_column("severity", width=8)
    heading = "decisive figure [95 %]" if rest < 48 else "decisive figure [95 %], or why there is none"
    table.add_column(heading, width=rest)
    for row in shown:
        style = "dim" if row.state.key in ("not_given", "not_applicable") else ""
        mark = row.state.ascii if plain else row.state.mark
        table.add_row(
            _text(f"{mark} {row.state.word}", row.state.style, plain=plain),
            _text(str(row.number), "dim", plain=plain),
            _lines(_text(row.name, style, plain=plain), console, name, plain=plain),
            _text(row.severity, _SEVERITY_STYLE.get(row.severity, ""), plain=plain),
            _lines(_said(row, style, plain=plain), console, rest, plain=plain),
        )
    return table


def _lines(said: Text, console: Console, width: int, *, plain: bool) -> Text:
    """Return at most two lines, so that seventeen rows stay on one screen."""
    from rich.text import Text

    lines = said.wrap(console, width)
    if len(lines) <= 2:
        return said
    first, second = lines[0], lines[1]
    second.rstrip()
    second = second + _text(" ", "", plain=plain) + lines[2]
    mark = "..." if plain else "…"
    second.rstrip()
    second.truncate(width - len(mark))
    return Text("\n").join([first, second + Text(mark)])


def _said(row: Row, style: str, *, plain: bool) -> Text:
    line = _text(row.said, style or ("bold" if row.measure else ""), plain=plain)
    if row.what:
        line += _text(f" {row.what}", "", plain=plain)
    if row.note:
        line += _text(f" ({row.note})", "italic", plain=plain)
    return line


def _remarks(report: Report, width: int, *, plain: bool) -> list[Text]:
    """Return warnings and assumptions, a line each: the report file has them whole."""
    from rich.text import Text

    lines = [Text("")] if report.warnings or report.assumptions else []
    for i, warning in enumerate(report.warnings[:_MOST_WARNINGS]):
        more = len(report.warnings) - _MOST_WARNINGS if i == _MOST_WARNINGS - 1 else 0
        lines.append(_remark("warning: ", warning, more, width, "yellow", plain=plain))
    if report.assumptions:
        more = len(report.assumptions) - 1
        lines.append(_remark("assumed: ", report.assumptions[0], more, width, "dim", plain=plain))
    return lines


def _remark(lead: str, said: str, more: int, width: int, style: str, *, plain: bool) -> Text:
    tail = f" (and {more} more in the report file)" if more > 0 else ""
    line = _text(said, "dim" if style == "dim" else "", plain=plain)
    room = max(20, width - len(lead) - len(tail))
    if line.cell_len > room:
        mark = "..." if plain else "…"
        line.truncate(room - len(mark))
        line.append(mark)
    return _text(lead, style, plain=plain, raw=True) + line + _text(tail, "dim", plain=plain, raw=True)
