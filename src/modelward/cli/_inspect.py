"""`modelward inspect`: what does a model file give away? It is read and never loaded."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("path", metavar="PATH", type=click.Path(path_type=str))
@click.option("--train", metavar="FILE", help="The training rows (CSV, Parquet): shares are counted in them.")
@click.option("--goal", metavar="LABEL", help="The label whose rule is wanted.  [default: every label]")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="What to print.",
)  # fmt: skip
@click.option(
    "-o",
    "--output",
    multiple=True,
    metavar="FILE",
    help="Also write .html, .json, .md or .sarif; repeatable.",
)
@click.pass_context
def inspect(
    context: click.Context, path: str, train: str | None, goal: str | None, form: str, output: tuple[str, ...]
) -> None:
    """Say what a model file gives away, without loading it.

    What it is and was trained with, which columns can change its answer, the rule that always gives a wanted
    label, training rows that the file carries. The library that wrote the file need not be installed.

    \b
        modelward inspect model.pkl --goal good -o model.html

    Exit codes: 0 nothing wrong; 1 it is dangerous, changed, or carries training rows; 2 no model that can be
    read; 3 a part of it could not be read.
    """
    import json

    from modelward import artifacts, reports
    from modelward.cli._inspect_page import page_of

    paths = [Path(name) for name in output]
    for out in paths:
        reports.check_suffix(out)
    found = artifacts.inspect(path, train=train, goal=goal)
    as_json = json.dumps(found.to_dict(), indent=2, allow_nan=False) + "\n"
    page = page_of(found)
    made = {".html": reports.render_page_html, ".md": reports.render_page_markdown}
    for out in paths:
        suffix = out.suffix.lower()
        if suffix == ".sarif":
            whole = found.exit_code() != 3
            text = reports.render_sarif(found.findings, verb="inspect", complete=whole, about=path)
        else:
            text = as_json if suffix == ".json" else made[suffix](page)
        reports.write_text(out, text)
    if form == "json":
        click.echo(as_json, nl=False)
    else:
        from rich.console import Console

        written = ", ".join(str(out) for out in paths)
        step = f"read {written}" if written else "add -o model.html for the pictures, or --format json"
        reports.render_page_terminal(page, Console(), next_step=step)
    context.exit(found.exit_code())
