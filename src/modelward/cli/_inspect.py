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
    label, training rows and words of texts that the file carries. The library that wrote the file need not be
    installed.

    \b
        modelward inspect model.pkl --goal good -o model.html

    Exit codes: 0 nothing wrong; 1 it is dangerous, changed, or carries training rows; 2 no model that can be
    read; 3 a part of it could not be read.
    """
    import json

    from modelward import artifacts, reports
    from modelward.cli._deliver import deliver
    from modelward.cli._inspect_page import page_of

    paths = [Path(name) for name in output]
    for out in paths:
        reports.check_suffix(out)
    found = artifacts.inspect(path, train=train, goal=goal)
    as_json = json.dumps(found.to_dict(), indent=2, allow_nan=False) + "\n"
    page = page_of(found)
    # A failure beside something that stayed open is exit code 1, and the looking was not whole all the same.
    grave = [f.verdict for f in found.findings if f.severity in ("high", "critical")]
    deliver(
        page, as_json, paths, form=form, hint="add -o model.html for the pictures, or --format json",
        sarif=lambda: reports.render_sarif(
            found.findings, verb="inspect", complete="inconclusive" not in grave, about=path
        ),
    )  # fmt: skip
    context.exit(found.exit_code())
