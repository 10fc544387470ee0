"""`modelward assess`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from modelward.findings import Policy


def _names(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Split a comma-separated option."""
    return tuple(word.strip() for word in value.split(",") if word.strip()) if value else ()


@click.command(short_help="Measure how a model can fail or be attacked.")
@click.argument("model")
@click.option(
    "--data", required=True, metavar="FILE", help="Held-out rows with labels that you trust (CSV, Parquet)."
)
@click.option("--target", required=True, metavar="COL", help="The label column.")
@click.option("--train", metavar="FILE", help="The rows that the model was trained on.")
@click.option("--schema", metavar="FILE", help="What a legal row is; see `modelward schema infer`.")
@click.option("--goal", metavar="LABEL", help="The label that an attacker wants.  [default: any other]")
@click.option(
    "--sensitive", callback=_names, metavar="COLS", help="Columns that nobody may infer, comma-separated."
)
@click.option(
    "--group", metavar="COL", help="Whose row it is: one customer stays on one side of every split."
)
@click.option("--source", metavar="COL", help="Who delivered each row of --train: what could each do?")
@click.option("--metric", default="balanced_accuracy", show_default=True, metavar="NAME",
              help="balanced_accuracy, accuracy or f1_macro: how retrained models are scored.")  # fmt: skip
@click.option("--exposure", callback=_names, metavar="LIST",
              help="Who may attack: callers,suppliers,file-holders,insiders.  [default: all]")  # fmt: skip
@click.option("--budget", type=click.Choice(["quick", "standard", "full"]), default="quick", show_default=True,
              help="How much work, in rows and fits.")  # fmt: skip
@click.option(
    "--max-queries", type=int, metavar="N", help="Rows sent to the model at most.  [endpoints: 20000]"
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="The same seed, the same report."
)
@click.option("--select", callback=_names, metavar="CODES", help="Only these checks, such as MW04,MW101.")
@click.option("--ignore", callback=_names, metavar="CODES", help="Not these checks.")
@click.option(
    "--trust", multiple=True, metavar="NAME", help="A global name that the file may load; repeatable."
)
@click.option(
    "--project", metavar="DIR", help="The project that serves it: its packages, code and container files."
)
@click.option("--db", metavar="PATH", type=click.Path(path_type=Path),
              help="With --project: advisories, a zip or folder of OSV records.  "
                   "[default: MODELWARD_ADVISORIES, else what `modelward deps --update-db` fetched]")  # fmt: skip
@click.option("--max-db-age", type=click.IntRange(0), default=30, show_default=True, metavar="DAYS",
              help="With --project: older advisories leave the result open.")  # fmt: skip
@click.option("--index", metavar="URL",
              help="With --project: ask this package index for yanked, withdrawn and abandoned releases.")  # fmt: skip
@click.option("--store", metavar="STORE", help="The file that a monitor of the running service is kept in.")
@click.option("--rebuild", is_flag=True, help="Load nothing: rebuild the model from the file's numbers.")
@click.option("--fail-on", type=click.Choice(["low", "medium", "high", "critical", "never"]), default="high",
              show_default=True, help="Severity from which a failure is exit code 1.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="What to print.")  # fmt: skip
@click.option(
    "-o",
    "--output",
    multiple=True,
    metavar="FILE",
    help="Also write .html, .json, .md or .sarif; repeatable.",
)
@click.option("--offline", is_flag=True, help="Refuse to ask an endpoint.")
@click.pass_context
def assess(
    context: click.Context,
    model: str,
    data: str,
    target: str,
    train: str | None,
    schema: str | None,
    goal: str | None,
    sensitive: tuple[str, ...],
    group: str | None,
    source: str | None,
    metric: str,
    exposure: tuple[str, ...],
    budget: str,
    max_queries: int | None,
    seed: int,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    trust: tuple[str, ...],
    project: str | None,
    db: Path | None,
    max_db_age: int,
    index: str | None,
    store: str | None,
    rebuild: bool,
    fail_on: str,
    form: str,
    output: tuple[str, ...],
    offline: bool,
) -> None:
    """Measure how MODEL can fail or be attacked, over all seventeen failure modes.

    MODEL is a file (it is read without being run before anything is loaded), package.module:attribute, or
    the URL of a prediction endpoint. Limits, ignores and a baseline are read from [tool.modelward] of the
    pyproject.toml in the current folder.

    \b
        modelward assess model.pkl --data test.csv --target DEFAULT --train train.csv -o report.html

    Exit codes: 0 passed; 1 a failure at or over --fail-on; 2 could not run; 3 inconclusive at that severity,
    skipped or crashed.
    """
    from modelward.assessment import assess as run
    from modelward.checks import EXPOSURES
    from modelward.cli._assess_progress import checks_progress
    from modelward.reports import check_suffix, render_json, render_terminal, write_report

    paths = [Path(name) for name in output]
    for path in paths:
        check_suffix(path)
    policy = _policy(Path("pyproject.toml"))
    with checks_progress() as tell:
        report = run(
            model, data, target=target, train=train, schema=schema, goal=goal, sensitive=sensitive, group=group,
            source=source, exposure=exposure or EXPOSURES, metric=metric, budget=budget, max_queries=max_queries,
            seed=seed, select=select, ignore=ignore, trust=trust, offline=offline, project=project, db=db,
            max_db_age=max_db_age, index=index, store=store, rebuild=rebuild, policy=policy, progress=tell,
        )  # fmt: skip
    for path in paths:
        write_report(report, path, fail_on=fail_on)  # type: ignore[arg-type]
    if form == "json":
        click.echo(render_json(report), nl=False)
    else:
        from rich.console import Console

        written = ", ".join(str(path) for path in paths)
        render_terminal(report, Console(), next_step=_next_step(written, train), fail_on=fail_on)  # type: ignore[arg-type]
    context.exit(report.exit_code(fail_on))  # type: ignore[arg-type]


def _policy(path: Path) -> Policy:
    from modelward.checks import all_codes
    from modelward.findings import Policy, read_policy

    return read_policy(path, all_codes()) if path.is_file() else Policy()


def _next_step(written: str, train: str | None) -> str:
    if written:
        return f"read {written}"
    if train is None:
        return (
            "add --train FILE to check membership, poisoning and drift, and -o report.html for the pictures"
        )
    return "add -o report.html for the pictures and the code of every countermeasure"
