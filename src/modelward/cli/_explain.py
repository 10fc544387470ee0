"""`modelward explain`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from modelward.checks import Check, Elsewhere
    from modelward.taxonomy import Countermeasure, FailureMode

_WIDEST = 100
_EXPOSURE = {
    "callers": "callers of the model",
    "suppliers": "suppliers of data, models or packages",
    "file-holders": "whoever holds the file",
    "insiders": "insiders",
}


@click.command(short_help="Explain a failure mode or a check.")
@click.argument("name", required=False, metavar="[CODE|MODE]")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="What to print.")  # fmt: skip
def explain(name: str | None, form: str) -> None:
    """Explain one failure mode: what it is, how it is checked, and what helps.

    Give a code (MW051), a number (5), a name ("model stealing", trojan, drift) or an identifier of MITRE
    ATLAS, OWASP or NIST. Without any, all seventeen are listed.

    \b
        modelward explain stealing
        modelward explain MW101
    """
    from rich.console import Console

    from modelward.checks import ELSEWHERE, all_checks
    from modelward.taxonomy import MODES

    checks = all_checks()
    console = Console(highlight=False)
    console.width = min(console.width, _WIDEST)
    if name is None:
        if form == "json":
            _echo({"failure_modes": [_data(row, checks, ELSEWHERE) for row in MODES]})
        else:
            _list(MODES, checks, console)
        return
    row, wanted, other = _resolve(name, checks)
    if form == "json":
        _echo(_data(row, wanted, other))
    else:
        _page(row, wanted, other, console)


def _resolve(
    name: str, checks: tuple[type[Check], ...]
) -> tuple[FailureMode, tuple[type[Check], ...], tuple[Elsewhere, ...]]:
    """Return the row that is meant, its checks, and what other commands find; of a full code only that one."""
    from modelward.checks import ELSEWHERE
    from modelward.errors import UsageError
    from modelward.taxonomy import find

    row = find(name)
    mine = tuple(check for check in checks if check.number == row.number)
    other = tuple(kind for kind in ELSEWHERE if kind.number == row.number)
    code = name.strip().upper()
    if len(code) == len("MW051") and code.startswith("MW"):
        exact = tuple(check for check in mine if check.code == code)
        named = tuple(kind for kind in other if kind.code == code)
        if not exact and not named:
            known = ", ".join(sorted({check.code for check in mine} | {kind.code for kind in other}))
            raise UsageError(f"there is no check {code}; those of {row.name.lower()} are: {known}")
        return row, exact, named
    return row, mine, other


def _data(row: FailureMode, checks: tuple[type[Check], ...], other: tuple[Elsewhere, ...]) -> dict[str, Any]:
    return {
        **asdict(row),
        "checks": [
            {
                "code": check.code,
                "title": check.title,
                "severity": check.severity,
                "exposure": list(check.exposure),
                "limits": {key: {"warn": x.warn, "fail": x.fail} for key, x in check.limits.items()},
                "references": list(check.references),
            }
            for check in checks
            if check.number == row.number
        ],
        "elsewhere": [asdict(kind) for kind in other if kind.number == row.number],
    }


def _echo(data: dict[str, Any]) -> None:
    click.echo(json.dumps({"schema_version": 1, **data}, indent=2, ensure_ascii=False))


def _list(modes: tuple[FailureMode, ...], checks: tuple[type[Check], ...], console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    console.print("Seventeen ways in which a machine-learning model fails (Kumar et al. 2019)", style="bold")
    for heading, intentional in (("On purpose", True), ("By itself", False)):
        console.print()
        console.print(heading, style="bold cyan")
        table = Table.grid(padding=(0, 2))
        table.add_column(justify="right", min_width=2)
        table.add_column(min_width=max(len(row.name) for row in modes))
        table.add_column(style="dim", min_width=max(len(row.slug) for row in modes))
        table.add_column(style="green")
        for row in modes:
            if row.intentional == intentional:
                table.add_row(str(row.number), row.name, row.slug, Text(_codes(row, checks)))
        console.print(table)
    console.print()
    console.print("Read one with: modelward explain stealing", style="dim")


def _codes(row: FailureMode, checks: tuple[type[Check], ...]) -> str:
    """Return the codes of a row's checks, such as ``MW091–3``."""
    codes = [check.code for check in checks if check.number == row.number]
    return f"{codes[0]}–{codes[-1][-1]}" if len(codes) > 1 else "".join(codes)


def _page(
    row: FailureMode, checks: tuple[type[Check], ...], other: tuple[Elsewhere, ...], console: Console
) -> None:
    from rich.text import Text

    title = Text(f"{row.number}  {row.name}", style="bold")
    title.append("   somebody does it on purpose" if row.intentional else "   it happens by itself", "dim")
    console.print(title)
    console.print()
    _indented(row.explanation, console, 0)
    if row.intentional:
        console.print()
        _indented(f"It breaks {_and(row.breaks)}. An attacker needs {_access(row)}.", console, 0)
    _heading("How it is checked", console)
    if not checks and not other:
        _indented("Nothing in this release checks it.", console)
    for check in checks:
        _check(check, console)
    if checks:
        codes = ",".join(check.code for check in checks)
        flags = " ".join(dict.fromkeys(check.flags for check in checks))
        _code(f"modelward assess MODEL --data FILE --target COL {flags} --select {codes}\n", console)
    both = {check.code for check in checks}
    for command in dict.fromkeys(kind.command for kind in other if kind.code in both):
        codes = ", ".join(kind.code for kind in other if kind.code in both and kind.command == command)
        _indented(f"Without a model, {codes} can be had place by place:", console)
        _code(f"{command}\n", console)
    for kind in (kind for kind in other if kind.code not in both):
        line = Text(kind.code, style="green")
        line.append(f"  {kind.title}", "default")
        line.append(f"  (severity {kind.severity})", "dim")
        _indented(line, console)
        _code(f"{kind.command}\n", console)
    _heading("What helps", console)
    for i, lock in enumerate(row.countermeasures, 1):
        if i > 1:
            console.print()
        _lock(i, lock, console)
    _elsewhere(row, checks, console)


def _check(check: type[Check], console: Console) -> None:
    from rich.text import Text

    line = Text(check.code, style="green")
    line.append(f"  {check.title}", "default")
    line.append(f"  (severity {check.severity})", "dim")
    _indented(line, console)
    if check.exposure:
        _indented(f"Who could: {', '.join(_EXPOSURE.get(who, who) for who in check.exposure)}.", console, 9)
    for name, limit in check.limits.items():
        parts = [
            f"{verdict} limit {value:g}"
            for verdict, value in (("warn", limit.warn), ("fail", limit.fail))
            if value is not None
        ]
        if parts:
            _indented(f"{name}: {', '.join(parts)}.", console, 9)


def _lock(number: int, lock: Countermeasure, console: Console) -> None:
    from rich.text import Text

    _indented(Text(f"{number}. {lock.title}", style="bold"), console)
    _indented(lock.how, console, 5)
    if lock.code:
        console.print()
        _code(lock.code, console)
    if lock.measured_by:
        if lock.code:
            console.print()
        _indented(f"Measured by {lock.measured_by}.", console, 5)


def _elsewhere(row: FailureMode, checks: tuple[type[Check], ...], console: Console) -> None:
    catalogues = (("MITRE ATLAS 5.6.0", row.atlas), ("OWASP ML Top 10, 2023", row.owasp),
                  ("NIST AI 100-2e2025", row.nist))  # fmt: skip
    _heading("Elsewhere", console)
    if row.aliases:
        _indented(f"Also called {', '.join(row.aliases)}.", console)
    for name, entries in catalogues:
        if entries:
            _indented(f"{name}: {', '.join(map(str, entries))}.", console)
    for reference in dict.fromkeys(text for check in checks for text in check.references):
        _indented(f"{reference.rstrip('.')}.", console)


def _heading(text: str, console: Console) -> None:
    console.print()
    console.print(text, style="bold cyan")


def _indented(text: str | Text, console: Console, left: int = 2) -> None:
    """Print a paragraph, wrapped and indented, without blanks at the ends of its lines."""
    from rich.text import Text

    paragraph = Text(text) if isinstance(text, str) else text
    for line in paragraph.wrap(console, console.width - left):
        line.rstrip()
        console.print(Text(" " * left).append_text(line), soft_wrap=True)


def _code(code: str, console: Console) -> None:
    """Print code with its lines whole, so that it can be copied."""
    from rich.text import Text

    for line in code.rstrip("\n").splitlines():
        console.print(Text(f"     {line}" if line else "", style="yellow"), soft_wrap=True)


def _and(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _access(row: FailureMode) -> str:
    said = {
        "black box": "only to ask the model (black box)",
        "white box": "the model itself (white box)",
        "data": "to reach the training data",
        "supply chain": "to reach what you get from others (supply chain)",
    }
    return " or ".join(said[way] for way in row.access)
