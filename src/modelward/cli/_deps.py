"""`modelward deps`: what comes along with a project?"""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.dependencies import Inventory, Reach
    from modelward.findings import FailOn, Finding


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("project", metavar="[PROJECT]", default=".", type=click.Path(path_type=Path))
@click.option("--db", "db", metavar="PATH", type=click.Path(path_type=Path),
              help="Advisories: a zip or folder of OSV records.  [default: MODELWARD_ADVISORIES]")  # fmt: skip
@click.option("--max-db-age", type=click.IntRange(0), default=30, show_default=True, metavar="DAYS",
              help="An older database leaves the result incomplete.")  # fmt: skip
@click.option("--no-code", is_flag=True, help="Look at packages alone, not at sources and notebooks.")
@click.option("--entry", "entries", multiple=True, metavar="FILE|MODULE",
              help="Where serving begins; repeatable.  [default: what Dockerfiles and scripts start]")  # fmt: skip
@click.option("--model", "models", multiple=True, metavar="FILE", type=click.Path(path_type=Path),
              help="A model file that is served; repeatable.  [default: those in PROJECT]")  # fmt: skip
@click.option("--fail-on", type=click.Choice(["low", "medium", "high", "critical", "never"]), default="high",
              show_default=True, help="Severity from which a failure is exit code 1.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="What to print.")  # fmt: skip
@click.option("-o", "--output", multiple=True, metavar="FILE", type=click.Path(path_type=Path),
              help="Also write .json or .sarif; repeatable.")  # fmt: skip
@click.pass_context
def deps(
    context: click.Context, project: Path, db: Path | None, max_db_age: int, no_code: bool, entries: tuple[str, ...],
    models: tuple[Path, ...], fail_on: FailOn, form: str, output: tuple[Path, ...],
) -> None:  # fmt: skip
    """Say what comes along with a project: known holes, loose pins, dangerous code.

    PROJECT is a folder, or a requirements or lock file. Read are requirements.txt, pyproject.toml, uv.lock,
    poetry.lock, pylock.toml and conda's environment.yml. Versions that no file gives are those installed beside
    modelward. Python files and notebooks are looked through by bandit's rules and by those that machine
    learning needs; `# nosec` and [tool.bandit] silence them, and what they silence is counted. Hidden folders and
    such as hold what was built or installed are left out. Nothing of the project is run, and nothing is asked of
    the network.

    Beside each hole stands whether its package is imported where serving begins, reached by loading a model file,
    or used by development tools alone. That hides nothing, and no verdict depends on it.

    \b
        modelward deps . --db pypa-advisories.zip -o deps.sarif

    Exit codes: 0 nothing found; 1 a failure at or over --fail-on; 2 could not run; 3 something could not be
    checked, or the database is absent or too old.
    """
    from modelward.checks import all_codes, code_findings, dependency_findings
    from modelward.cli._deps_output import as_dict, to_json, to_sarif, to_text
    from modelward.dependencies import audit, installed, read_code, read_database, take_inventory
    from modelward.errors import UsageError
    from modelward.findings import Policy, read_policy
    from modelward.reports import write_text

    for path in output:
        if path.suffix not in (".json", ".sarif"):
            raise UsageError(f"no format for {path.name!r}: end the file name in .json or .sarif")
    today = datetime.datetime.now(tz=datetime.UTC).date()
    inventory = take_inventory(project, environment=installed())
    named = db or (
        Path(os.environ["MODELWARD_ADVISORIES"]) if os.environ.get("MODELWARD_ADVISORIES") else None
    )
    database = (
        read_database(named, today=today, wanted={p.name for p in inventory.packages}) if named else None
    )
    holes = audit(inventory.packages, database) if database else ()
    reach = None if no_code or not project.is_dir() else _reach(project, inventory, entries, models)
    found = dependency_findings(
        inventory, database, holes, today=today, max_age=max_db_age, uses=reach.uses if reach else None,
        missing="there is no advisory database: name one with --db",
    )  # fmt: skip
    code = None if no_code or not project.is_dir() else read_code(project)
    found += code_findings(code) if code else ()
    complete = not any(f.verdict == "inconclusive" for f in found)
    settings = (project if project.is_dir() else project.parent) / "pyproject.toml"
    policy = read_policy(settings, all_codes()) if settings.is_file() and not inventory.problems else Policy()
    found, _ = policy.apply_ignores(found, today)
    result = as_dict(inventory, database, code, reach, holes, found, complete=complete)
    for path in output:
        write_text(
            path, to_json(result) if path.suffix == ".json" else to_sarif(found, project, complete=complete)
        )
    if form == "json":
        click.echo(to_json(result), nl=False)
    else:
        click.echo(to_text(inventory, database, code, reach, found))
    context.exit(_exit_code(found, fail_on, complete=complete))


def _reach(project: Path, inventory: Inventory, entries: tuple[str, ...], models: tuple[Path, ...]) -> Reach:
    from modelward.dependencies import find_entries, find_models, modules_of, read_imports, trace

    packages = (*inventory.packages, *inventory.unresolved)
    source = read_imports(project)
    return trace(
        packages, source, find_entries(project, source, entries), find_models(project, models),
        modules_of({p.name for p in packages}),
    )  # fmt: skip


def _exit_code(found: Sequence[Finding], fail_on: FailOn, *, complete: bool) -> int:
    from modelward.findings import SEVERITIES

    gating = [
        f for f in found
        if f.ignored is None and fail_on != "never" and SEVERITIES.index(f.severity) >= SEVERITIES.index(fail_on)
    ]  # fmt: skip
    if any(f.verdict == "fail" for f in gating):
        return 1
    return 0 if complete else 3
