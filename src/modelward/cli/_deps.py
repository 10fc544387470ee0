"""`modelward deps`: what comes along with a project?"""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.dependencies import CodeRead, Database, Inventory
    from modelward.findings import FailOn, Finding


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("project", metavar="[PROJECT]", default=".", type=click.Path(path_type=Path))
@click.option("--db", "db", metavar="PATH", type=click.Path(path_type=Path),
              help="Advisories: a zip or folder of OSV records.  [default: MODELWARD_ADVISORIES]")  # fmt: skip
@click.option("--max-db-age", type=click.IntRange(0), default=30, show_default=True, metavar="DAYS",
              help="An older database leaves the result incomplete.")  # fmt: skip
@click.option("--no-code", is_flag=True, help="Look at packages alone, not at sources and notebooks.")
@click.option("--fail-on", type=click.Choice(["low", "medium", "high", "critical", "never"]), default="high",
              show_default=True, help="Severity from which a failure is exit code 1.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="What to print.")  # fmt: skip
@click.option("-o", "--output", multiple=True, metavar="FILE", type=click.Path(path_type=Path),
              help="Also write .json or .sarif; repeatable.")  # fmt: skip
@click.pass_context
def deps(
    context: click.Context, project: Path, db: Path | None, max_db_age: int, no_code: bool, fail_on: FailOn, form: str,
    output: tuple[Path, ...],
) -> None:  # fmt: skip
    """Say what comes along with a project: known holes, loose pins, dangerous code.

    PROJECT is a folder, or a requirements or lock file. Read are requirements.txt, pyproject.toml, uv.lock,
    poetry.lock, pylock.toml and conda's environment.yml. Versions that no file gives are those installed beside
    modelward. Python files and notebooks are looked through by bandit's rules and by those that machine
    learning needs; `# nosec` and [tool.bandit] silence them, and what they silence is counted. Hidden folders and
    such as hold what was built or installed are left out. Nothing of the project is run, and nothing is asked of
    the network.

    \b
        modelward deps . --db pypa-advisories.zip -o deps.sarif

    Exit codes: 0 nothing found; 1 a failure at or over --fail-on; 2 could not run; 3 something could not be
    checked, or the database is absent or too old.
    """
    from modelward.checks import all_codes, code_findings, dependency_findings
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
    found = dependency_findings(
        inventory, database, holes, today=today, max_age=max_db_age,
        missing="there is no advisory database: name one with --db",
    )  # fmt: skip
    code = None if no_code or not project.is_dir() else read_code(project)
    found += code_findings(code) if code else ()
    complete = not any(f.verdict == "inconclusive" for f in found)
    settings = (project if project.is_dir() else project.parent) / "pyproject.toml"
    policy = read_policy(settings, all_codes()) if settings.is_file() and not inventory.problems else Policy()
    found, _ = policy.apply_ignores(found, today)
    result = _as_dict(inventory, database, code, found, complete=complete)
    for path in output:
        write_text(
            path, _json(result) if path.suffix == ".json" else _sarif(found, project, complete=complete)
        )
    if form == "json":
        click.echo(_json(result), nl=False)
    else:
        click.echo(_text(inventory, database, code, found))
    context.exit(_exit_code(found, fail_on, complete=complete))


def _exit_code(found: Sequence[Finding], fail_on: FailOn, *, complete: bool) -> int:
    from modelward.findings import SEVERITIES

    gating = [
        f for f in found
        if f.ignored is None and fail_on != "never" and SEVERITIES.index(f.severity) >= SEVERITIES.index(fail_on)
    ]  # fmt: skip
    if any(f.verdict == "fail" for f in gating):
        return 1
    return 0 if complete else 3


def _as_dict(
    inventory: Inventory,
    database: Database | None,
    code: CodeRead | None,
    found: Sequence[Finding],
    *,
    complete: bool,
) -> dict[str, Any]:
    from dataclasses import asdict

    about = None
    if database is not None:
        about = {
            "name": database.name,
            "date": str(database.date) if database.date else None,
            "records": database.records,
            "skipped": database.skipped,
            "broken_ranges": database.broken,
        }
    packages = [asdict(p) for p in (*inventory.packages, *inventory.unresolved)]
    return {
        "schema_version": 1, "complete": complete, "database": about, "packages": packages,
        "code": code and {"files": list(code.files), "silenced": code.silenced, "left_out": code.left_out},
        "findings": [asdict(f) for f in found],
    }  # fmt: skip


def _json(result: dict[str, Any]) -> str:
    import json

    return json.dumps(result, indent=2, allow_nan=False) + "\n"


def _sarif(found: Sequence[Finding], project: Path, *, complete: bool) -> str:
    from modelward.reports import render_sarif

    root = project if project.is_dir() else project.parent
    prefix = "" if root.is_absolute() else root.as_posix()
    return render_sarif(found, verb="deps", complete=complete, prefix=prefix)


def _text(
    inventory: Inventory, database: Database | None, code: CodeRead | None, found: Sequence[Finding]
) -> str:
    from collections import Counter

    dated = f"advisories: {database.name} of {database.date}" if database else "no advisories"
    files = ", ".join(inventory.files[:6]) or "no file"
    lines = [f"{len(inventory.packages)} packages with a version from {files} · {dated}"]
    if code is None:
        lines.append("sources and notebooks were not looked at")
    elif code.files or code.left_out:
        quiet = f" · {code.silenced} findings silenced by # nosec" if code.silenced else ""
        out = f" · {code.left_out} left out by [tool.bandit]" if code.left_out else ""
        lines.append(f"{len(code.files)} source files and notebooks{quiet}{out}")
    if database and (database.skipped or database.broken):
        lines.append(
            f"{database.skipped} records of it and {database.broken} ranges make no sense and were skipped"
        )
    low = [f for f in found if f.severity == "low" and f.verdict == "warn" and not f.ignored]
    for finding in (f for f in found if f not in low):
        mark = "ignored" if finding.ignored else finding.verdict
        lines.append(f"{mark:13} {finding.code}  {finding.location or ''}  {_clean(finding.summary)}")
        lines += [f"{'':13} → {_clean(c.title)}" for c in finding.countermeasures]
    if low:
        counts = Counter(f.title.rpartition(" ")[2] for f in low)
        said = ", ".join(f"{rule} × {n}" for rule, n in counts.most_common(6))
        lines.append(f"{'warn':13} MW112  {len(low)} of low severity: {said}; -o FILE.json lists each")
    return "\n".join(lines if found else [*lines, "Nothing was found."])


def _clean(text: str) -> str:
    """Return text that cannot steer a terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
