"""`modelward monitor`: a file of past traffic, replayed as if it came now."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("file", metavar="FILE", type=click.Path(path_type=str))
@click.option("--time", required=True, metavar="COL", help="When a row came (UTC unless it says otherwise).")
@click.option(
    "--reference", metavar="FILE",
    help="Honest rows of the weeks before, to learn from.  [default: the first half of FILE, eight weeks at least]",
)  # fmt: skip
@click.option(
    "--weeks", type=click.IntRange(1), metavar="N", help="Learn from so many weeks of FILE instead."
)
@click.option("--answer", multiple=True, metavar="COL", help="A column that the model answered; repeatable.")
@click.option(
    "--kpi", multiple=True, metavar="COL", help="A business figure, watched by its hourly mean; repeatable."
)
@click.option("--skip", multiple=True, metavar="COL", help="A column that is not looked at, such as a key.")
@click.option(
    "--label", metavar="COL", help="The truth, where it is known: shows how often --answer was right."
)
@click.option("--schema", metavar="FILE", help="What a legal row is; see `modelward schema infer`.")
@click.option("--declared", metavar="FILE", help="Tolerances and known events (TOML).")
@click.option("--store", metavar="FILE", help="Keep the monitor there, so that a service can go on with it.")
@click.option("--fail-on", type=click.Choice(["low", "medium", "high", "critical", "never"]), default="high",
              show_default=True, help="The severity from which an alert gives exit code 1.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="What to print.")  # fmt: skip
@click.option(
    "-o",
    "--output",
    multiple=True,
    metavar="FILE",
    help="Also write .html, .json, .md or .sarif; repeatable.",
)
@click.pass_context
def monitor(
    context: click.Context, file: str, time: str, reference: str | None, weeks: int | None, answer: tuple[str, ...],
    kpi: tuple[str, ...], skip: tuple[str, ...], label: str | None, schema: str | None, declared: str | None,
    store: str | None, fail_on: str, form: str, output: tuple[str, ...],
) -> None:  # fmt: skip
    """Replay FILE (CSV, Parquet or Arrow) hour by hour as if its rows came now, and say when it left its normal.

    What is normal, by hour and weekday, and where alerts begin is learned from the weeks before. Every column that
    is not named otherwise is an input of the model: its mean, spread, missing values, bins, most repeated and new
    values are watched, of sentences the words. Columns that name a row, such as a key, belong to --skip.

    \b
        modelward monitor requests.csv --time at --answer score --kpi approved -o monitor.html

    In --declared a person says what is allowed, and which events are known. An event that moves a series no further
    than declared, or than two or more of its past occurrences tell, explains the alert; nothing is learned from it:

    \b
        [[tolerance]]                        [[event]]
        series = "AGE: missing"              name = "Black Friday"
        high = 0.02                          start = 2024-11-29T00:00:00Z
                                             hours = 24
                                             columns = ["rows", "amount"]
                                             direction = "up"
                                             repeat = "year"     # day, week
                                             at_most = 3         # times the usual

    Exit codes: 0 nothing at or over --fail-on; 1 an alert whose severity is; 2 could not run; 3 under eight weeks
    to learn from, rows that could not be judged, or under 20 rows in most days. A broken tolerance and what looks
    like an attack are of high severity, other alerts of medium: one in 30 days may be false, so they do not gate by
    default. --fail-on medium gates on all that no event explains.
    """
    from modelward import reports
    from modelward.cli._deliver import deliver
    from modelward.cli._monitor_page import complete, document_of, exit_code, findings_of, page_of
    from modelward.monitoring import read_declared, replay
    from modelward.schema import read_schema

    paths = [Path(name) for name in output]
    for out in paths:
        reports.check_suffix(out, (".html", ".json", ".md", ".sarif"))
    with _progress() as tell:
        found = replay(
            file, time=time, reference=reference, weeks=weeks, outputs=answer, kpis=kpi, skip=skip, label=label,
            schema=read_schema(schema) if schema is not None else None, store=store,
            declared=read_declared(declared) if declared is not None else None, progress=tell,
        )  # fmt: skip
    code = exit_code(found, fail_on)
    as_json = json.dumps(document_of(found), indent=2, allow_nan=False) + "\n"
    page = page_of(found, Path(file).name, code)
    deliver(
        page, as_json, paths, form=form, hint="add -o monitor.html for the time lines",
        sarif=lambda: reports.render_sarif(
            findings_of(found), verb="monitor", complete=complete(found), about=file, notes=found.notes
        ),
    )  # fmt: skip
    context.exit(code)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar on standard error, if somebody is looking."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("learning what is normal", total=None)

        def tell(done: int, total: int) -> None:
            bar.update(task, description="hours replayed", completed=done, total=total)

        yield tell
