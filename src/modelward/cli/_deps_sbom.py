"""What `modelward deps -o FILE.cdx.json` puts beside the packages: the model, its data, its schema, its assessment."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelward.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelward.dependencies import Database, DataFacts, Inventory, ModelFacts, Subject, Vulnerability

SUFFIX = ".cdx.json"
_MAX_REPORT = 100_000_000


def subject_of(
    project: Path, models: Sequence[Path], data: Sequence[Path], schema: Path | None, report: Path | None
) -> Subject:
    """Read what a document says beside the packages.

    Raises
    ------
    InputError
        If a file cannot be read, or the report is about another model.
    UsageError
        If there is more than one model.
    """
    from modelward.dependencies import Subject
    from modelward.schema import read_schema
    from modelward.tables import file_facts

    if len(models) > 1:
        raise UsageError("an SBOM is about one model: name one --model")
    facts = _model(models[0]) if models else None
    said = _report(report, facts) if report else {}
    columns = read_schema(schema) if schema else None
    return Subject(
        project.resolve().name or "project", facts, _data(data, said), columns,
        file_facts(schema)["sha256"] if schema else "", said,
    )  # fmt: skip


def sbom(
    inventory: Inventory, subject: Subject, holes: Sequence[Vulnerability], database: Database | None
) -> str:
    """Return the document."""
    from modelward.dependencies import render_sbom

    complete = not inventory.problems and not inventory.unresolved
    advisories = f"{database.name} of {database.date}" if database else ""
    return render_sbom(inventory, subject, holes=holes, advisories=advisories, complete=complete, made=_now())


def _now() -> datetime.datetime:
    fixed = os.environ.get("SOURCE_DATE_EPOCH", "")
    if fixed.isdecimal():
        return datetime.datetime.fromtimestamp(int(fixed), tz=datetime.UTC)
    return datetime.datetime.now(tz=datetime.UTC).replace(microsecond=0)


def _model(path: Path) -> ModelFacts:
    from modelward.artifacts import fingerprint, inspect, read_artifact
    from modelward.dependencies import ModelFacts

    artifact = read_artifact(path)
    found = fingerprint(artifact)
    try:
        seen = inspect(path)
    except InputError:
        # What is no model that can be read still has a hash.
        return ModelFacts(path.name, found.sha256, found.content, artifact.format, artifact.verdict)
    return ModelFacts(
        path.name, found.sha256, found.content, artifact.format, artifact.verdict, seen.kind, seen.library,
        seen.library_version, tuple(map(str, seen.feature_names or ())), tuple(map(str, seen.classes or ())),
    )  # fmt: skip


def _data(paths: Sequence[Path], report: Mapping[str, Any]) -> tuple[DataFacts, ...]:
    from modelward.dependencies import DataFacts
    from modelward.tables import file_facts

    found: dict[str, DataFacts] = {}
    for path in paths:
        facts = file_facts(path)
        found[facts["sha256"]] = DataFacts(path.name, facts["sha256"], facts.get("rows"))
    for role in ("train", "data"):
        facts = report.get("inputs", {}).get(role) or {}
        if facts.get("sha256"):
            name = Path(str(facts.get("path", role))).name
            found[facts["sha256"]] = DataFacts(
                name, facts["sha256"], facts.get("rows"), role="training" if role == "train" else "assessment"
            )
    return tuple(found.values())


def _report(path: Path, model: ModelFacts | None) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > _MAX_REPORT:
            raise InputError(f"{path.name} has over {_MAX_REPORT:,} bytes: no report has")
        said = json.loads(path.read_text(encoding="utf-8"))
        good = said["schema_version"] == 1 and {"inputs", "coverage", "complete"} <= set(said)
        good = good and all(
            {"code", "title", "verdict", "summary", "measures"} <= set(f) for f in said["findings"]
        )
        good = good and all({"number", "status", "reason"} <= set(row) for row in said["coverage"])
        about = (said["inputs"].get("model") or {}).get("sha256")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {(error.strerror or '').lower()}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        good, about, said = False, None, {}
    if not good:
        raise InputError(f"{path.name} is no JSON report of `modelward assess`")
    if model is not None and about != model.sha256:
        raise InputError(f"{path.name} is about another model than {model.name}: assess this one")
    checked: Mapping[str, Any] = said
    return checked
