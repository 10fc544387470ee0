"""`modelward deps`: what comes along with a project?"""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelward.cli._deps_db import MISSING, advisories, check_network, network_options, news_since

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.findings import FailOn, Finding


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("project", metavar="[PROJECT]", default=".", type=click.Path(path_type=Path))
@click.option("--db", "db", metavar="PATH", type=click.Path(path_type=Path),
              help="Advisories: a zip or folder of OSV records.  "
                   "[default: MODELWARD_ADVISORIES, else what --update-db fetched]")  # fmt: skip
@network_options
@click.option("--max-db-age", type=click.IntRange(0), default=30, show_default=True, metavar="DAYS",
              help="An older database leaves the result incomplete.")  # fmt: skip
@click.option("--no-code", is_flag=True, help="Look at packages alone, not at sources and notebooks.")
@click.option("--entry", "entries", multiple=True, metavar="FILE|MODULE",
              help="Where serving begins; repeatable.  [default: what Dockerfiles and scripts start]")  # fmt: skip
@click.option("--model", "models", multiple=True, metavar="FILE", type=click.Path(path_type=Path),
              help="A model file that is served; repeatable.  [default: those in PROJECT]")  # fmt: skip
@click.option("--python", metavar="PATH", type=click.Path(path_type=Path),
              help="The environment that PROJECT runs in.  [default: its .venv, else modelward's]")  # fmt: skip
@click.option("--data", multiple=True, metavar="FILE", type=click.Path(path_type=Path),
              help="For the SBOM: a table that the model was made with; repeatable.")  # fmt: skip
@click.option("--schema", metavar="FILE", type=click.Path(path_type=Path),
              help="For the SBOM: the schema of its rows.")  # fmt: skip
@click.option("--report", metavar="FILE", type=click.Path(path_type=Path),
              help="For the SBOM: its assessment, as `modelward assess -o FILE.json` wrote it.")  # fmt: skip
@click.option("--measure-imports", "measure", is_flag=True,
              help="Also say how long each dependency takes to import: this runs the packages.")  # fmt: skip
@click.option("--fail-on", type=click.Choice(["low", "medium", "high", "critical", "never"]), default="high",
              show_default=True, help="Severity from which a failure is exit code 1.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="What to print.")  # fmt: skip
@click.option("-o", "--output", multiple=True, metavar="FILE", type=click.Path(path_type=Path),
              help="Also write .html, .json, .md, .sarif, or .cdx.json (CycloneDX SBOM); repeatable.")  # fmt: skip
@click.pass_context
def deps(
    context: click.Context, project: Path, db: Path | None, update_db: bool, db_url: str | None,
    osv_url: str | None, index: str | None, since: datetime.datetime | None, offline: bool, max_db_age: int,
    no_code: bool, entries: tuple[str, ...],
    models: tuple[Path, ...], python: Path | None, data: tuple[Path, ...], schema: Path | None,
    report: Path | None, measure: bool, fail_on: FailOn, form: str, output: tuple[Path, ...],
) -> None:  # fmt: skip
    """Say what comes along with a project: known holes, loose pins, dangerous code, careless containers.

    PROJECT is a folder, or a requirements or lock file. Read are requirements.txt, pyproject.toml, uv.lock,
    poetry.lock, pdm.lock, Pipfile.lock, pylock.toml, conda's environment.yml, what MLflow writes beside a model, and
    what model files and imports say; another lock is named and leaves the result open. Versions that no file gives
    are those of --python. Python files and notebooks are looked through by bandit's rules and by those that machine
    learning needs; `# nosec` and [tool.bandit] silence them, and what they silence is counted. Dockerfiles and
    compose files are looked through for bases without a version, root, secrets in layers, what is fetched and run as
    it comes, and what makes the image larger than it must be; `# hadolint ignore=RULE` is followed.

    Hidden folders and such as hold what was built or installed are left out. Nothing of
    the project is run, and nothing is asked of the network unless --update-db, --osv-url or --index says so. Whether
    a release was yanked or nobody looks after a project is known to an index alone.

    Beside each hole stands whether its package is imported where serving begins, reached by loading a model file,
    or used by development tools alone. That hides nothing, and no verdict depends on it. What each dependency
    weighs, and a smaller one that may replace it, is advice and no finding.

    The SBOM has the model of --model as its component, with its hash, data, schema and assessment.

    \b
        modelward deps . --db pypa-advisories.zip -o deps.sarif
        modelward deps . --update-db --since 2026-01-01
        modelward deps . --model model.pkl --report report.json -o model.cdx.json

    Exit codes: 0 nothing found; 1 a failure at or over --fail-on; 2 could not run; 3 something could not be
    checked, or the database is absent or too old.
    """
    import gc

    from modelward.checks import all_codes, code_findings, container_findings, dependency_findings
    from modelward.cli._deps_output import Told, to_text, write
    from modelward.cli._deps_sbom import SUFFIX, subject_of
    from modelward.dependencies import survey
    from modelward.errors import UsageError
    from modelward.findings import Policy, read_policy

    if output:
        from modelward.reports import check_suffix

        for path in output:
            check_suffix(path)
    check_network(
        db, update=update_db, db_url=db_url, osv_url=osv_url, index=index, since=since, offline=offline
    )
    if measure and no_code:
        raise UsageError("--measure-imports and --no-code exclude each other: it runs packages")
    # Syntax trees are many small objects, and the usual threshold looks through them all again and again.
    gc.set_threshold(100_000, 20, 20)
    boms = [path for path in output if path.name.endswith(SUFFIX)]
    if not boms and (data or schema or report):
        raise UsageError("--data, --schema and --report say what an SBOM is about: add -o FILE.cdx.json")
    subject = subject_of(project, models, data, schema, report) if boms else None
    today = datetime.datetime.now(tz=datetime.UTC).date()
    looked = survey(project, python=python, entries=entries, models=models, code=not no_code)
    inventory, reach = looked.inventory, looked.reach
    database, holes = advisories(inventory, db, update=update_db, db_url=db_url, osv_url=osv_url, today=today)
    news = news_since(inventory, database, since)
    answer = None
    if index:
        from modelward.dependencies import ask_index

        answer = ask_index(inventory, index, today=today)
    doubted = replace(inventory, doubts=(*inventory.doubts, *(answer.doubts if answer else ())))
    found = dependency_findings(
        doubted,
        database,
        holes,
        today=today,
        max_age=max_db_age,
        uses=reach.uses if reach else None,
        missing=MISSING,
    )
    code = containers = None
    if project.is_dir():
        from modelward.dependencies import read_code, read_containers

        if not no_code:
            code = read_code(project, (*inventory.packages, *inventory.unresolved))
            found += code_findings(code)
        containers = read_containers(project)
        found += container_findings(containers)
    complete = not any(f.verdict == "inconclusive" for f in found)
    settings = (project if project.is_dir() else project.parent) / "pyproject.toml"
    policy = read_policy(settings, all_codes()) if settings.is_file() and not inventory.problems else Policy()
    found, remarks = policy.apply_ignores(found, today)
    took: dict[str, float | None] = {}
    if measure:
        from modelward.dependencies import measure_imports

        heavy = [w.name for w in looked.load.weights if w.own is not None]
        took = measure_imports(heavy, looked.modules, python)
    told = Told(
        project, looked, database, code, containers, subject, holes, found, took, news, remarks, answer,
        complete=complete,
        exit_code=_exit_code(found, fail_on, complete=complete),
    )  # fmt: skip
    for path in output:
        write(told, path)
    click.echo(told.to_json() if form == "json" else to_text(told), nl=form != "json")
    context.exit(told.exit_code)


def _exit_code(found: Sequence[Finding], fail_on: FailOn, *, complete: bool) -> int:
    from modelward.findings import SEVERITIES

    gating = [
        f for f in found
        if f.ignored is None and fail_on != "never" and SEVERITIES.index(f.severity) >= SEVERITIES.index(fail_on)
    ]  # fmt: skip
    if any(f.verdict == "fail" for f in gating):
        return 1
    return 0 if complete else 3
