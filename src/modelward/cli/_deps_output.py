"""What `modelward deps` found, as JSON, SARIF and text."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from modelward.cli._deps_db import news_lines
from modelward.cli._deps_sbom import SUFFIX, sbom
from modelward.cli._deps_weight import as_json, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from modelward.dependencies import (
        Bulletin,
        CodeRead,
        ContainerRead,
        Database,
        IndexAnswer,
        Package,
        Reach,
        Subject,
        Survey,
        Use,
        Vulnerability,
    )
    from modelward.findings import Finding


@dataclass(frozen=True)
class Told:
    """All that one run found; `found` begins with a finding for each of `holes`, in their order."""

    project: Path
    looked: Survey
    database: Database | None
    code: CodeRead | None
    containers: ContainerRead | None
    subject: Subject | None
    holes: Sequence[Vulnerability]
    found: Sequence[Finding]
    took: Mapping[str, float | None]
    news: Sequence[Bulletin] | None
    remarks: Sequence[str]
    index: IndexAnswer | None
    complete: bool
    exit_code: int

    def to_json(self) -> str:
        """Return JSON, one package, finding or other entry a line."""
        return (
            "{\n" + ",\n".join(f'  "{key}": {_json(value)}' for key, value in as_dict(self).items()) + "\n}\n"
        )


def _json(value: Any) -> str:
    import json

    encode = json.JSONEncoder(allow_nan=False, default=_fields).encode
    if isinstance(value, list) and value:
        return "[\n    " + ",\n    ".join(map(encode, value)) + "\n  ]"
    return encode(value)


def _fields(one: Any) -> dict[str, Any]:
    """Return a dataclass as a dictionary, its inner ones as they are: what encodes it asks again."""
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


def as_dict(told: Told) -> dict[str, Any]:
    """Return what the JSON holds; dataclasses in it are as they are."""
    looked, database, code, containers = told.looked, told.database, told.code, told.containers
    inventory, reach = looked.inventory, looked.reach
    about = None
    if database is not None:
        about = {
            "name": database.name,
            "date": str(database.date) if database.date else None,
            "records": database.records,
            "skipped": database.skipped,
            "broken_ranges": database.broken,
        }
    packages = [{**_fields(p), "use": _use(reach, p)} for p in (*inventory.packages, *inventory.unresolved)]
    findings = [
        {**_fields(f), "use": _use(reach, hole.package)} if hole else f
        for f, hole in zip_longest(told.found, told.holes)
    ]
    return {
        "schema_version": 1, "complete": told.complete, "database": about, "packages": packages,
        "index": told.index and {"name": told.index.name, "asked": told.index.asked, "dated": told.index.dated},
        "environment": looked.environment.name,
        "code": code and {"files": list(code.files), "silenced": code.silenced, "left_out": code.left_out},
        "containers": containers and {"files": list(containers.files), "silenced": containers.silenced},
        "reach": reach and _reach(reach), "weight": as_json(looked.load, told.took),
        "bulletins": None if told.news is None else list(told.news),
        "findings": findings,
    }  # fmt: skip


def _use(reach: Reach | None, package: Package) -> Use | None:
    return reach.uses.get(package.name) if reach else None


def _reach(reach: Reach) -> dict[str, Any]:
    return {
        "entry_points": list(reach.entries),
        "models": [{**_fields(m), "versions": dict(m.versions)} for m in reach.models],
        "dynamic": list(reach.dynamic),
        "unread": list(reach.unread),
    }


def write(told: Told, path: Path) -> None:
    """Write a file; its suffix decides the format."""
    from modelward.cli._deps_page import page_of
    from modelward.reports import render_page_html, render_page_markdown, render_sarif, write_text

    suffix = path.suffix.lower()
    if told.subject is not None and path.name.endswith(SUFFIX):
        text = sbom(told.looked.inventory, told.subject, told.holes, told.database)
    elif suffix == ".json":
        text = told.to_json()
    elif suffix == ".sarif":
        root = told.project if told.project.is_dir() else told.project.parent
        text = render_sarif(told.found, verb="deps", complete=told.complete, prefix=root.as_posix())
    else:
        page = page_of(told)
        text = render_page_html(page) if suffix == ".html" else render_page_markdown(page)
    write_text(path, text)


def to_text(told: Told) -> str:
    """Return what is printed for a person."""
    looked, database, found = told.looked, told.database, told.found
    code, containers = told.code, told.containers
    inventory, reach = looked.inventory, looked.reach
    dated = f"advisories: {database.name} of {database.date}" if database else "no advisories"
    files = listed(inventory.files) or "no file"
    lines = [f"{len(inventory.packages)} packages with a version from {files} · {dated}"]
    if code is None:
        lines.append("sources and notebooks were not looked at")
    elif code.files or code.left_out:
        quiet = f" · {code.silenced} findings silenced by # nosec" if code.silenced else ""
        out = f" · {code.left_out} left out by [tool.bandit]" if code.left_out else ""
        lines.append(f"{len(code.files)} source files and notebooks{quiet}{out}")
    if containers and containers.files:
        quiet = f" · {containers.silenced} findings silenced by # hadolint" if containers.silenced else ""
        lines.append(f"{len(containers.files)} container files{quiet}")
    if database and (database.skipped or database.broken):
        lines.append(
            f"{database.skipped} records of it and {database.broken} ranges make no sense and were skipped"
        )
    lines.append(_clean(index_line(told.index)))
    if any(
        p.version == e.version for p in inventory.packages if (e := looked.environment.packages.get(p.name))
    ):
        lines.append(_clean(f"versions that no file gives are of {looked.environment.name}"))
    if reach is not None:
        lines.append(_clean(_served(reach)))
    lines += map(_clean, lines_of(looked.load, told.took))
    lines += [f"note: {_clean(remark)}" for remark in told.remarks]
    said = _verdicts(found) or ["Nothing was found."]
    return "\n".join([*lines, *said, *map(_clean, news_lines(told.news))])


def listed(names: Iterable[str], most: int = 6) -> str:
    """Return the first names of some, and how many more there are.

    Examples
    --------
    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    found = list(names)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more


def index_line(answer: IndexAnswer | None) -> str:
    """Say what an index was asked."""
    if answer is None:
        return "yanked and abandoned releases: not checked, no index was asked (--index URL)"
    dated = "" if answer.dated else "; it does not tell dates: abandoned ones are not checked"
    return f"yanked and abandoned releases: {answer.name} was asked about {answer.asked} packages{dated}"


def _verdicts(found: Sequence[Finding]) -> list[str]:
    """Return a line or two for each finding; what is ignored or of low severity is counted."""
    from collections import Counter

    lines: list[str] = []
    ignored = Counter((f.code, f.ignored.reason, f.ignored.until) for f in found if f.ignored)
    open_ = [f for f in found if not f.ignored]
    low = [f for f in open_ if f.severity == "low" and f.verdict == "warn"]
    for finding in (f for f in open_ if f not in low):
        lines.append(
            f"{finding.verdict:13} {finding.code}  {finding.location or ''}  {_clean(finding.summary)}"
        )
        lines += [f"{'':13} → {_clean(c.title)}" for c in finding.countermeasures]
    if low:
        counts = Counter(f.title.rpartition(" ")[2] for f in low)
        said = ", ".join(f"{rule} × {n}" for rule, n in counts.most_common(6))
        codes = "/".join(sorted({f.code for f in low}))
        lines.append(f"{'warn':13} {codes}  {len(low)} of low severity: {said}; -o FILE.json lists each")
    if ignored and not open_:
        lines.append("Nothing was found but what is ignored:")
    lines += [
        f"{'ignored':13} {code}  {n} until {until}: {_clean(reason)}"
        for (code, reason, until), n in ignored.items()
    ]
    return lines


def _served(reach: Reach) -> str:
    ways = list(dict.fromkeys(e.path or e.tool for e in reach.entries))
    begun = f"serving begins at {listed(ways, 4)}" if ways else "where serving begins is not known (--entry)"
    count = len(reach.models)
    models = f" · {count} model file{'s' * (count != 1)} read" if count else ""
    broken = [m for m in reach.models if m.unread]
    if broken:
        models += f", {len(broken)} not to the end: {broken[0].path}"
    unseen = f" · {len(reach.dynamic)} imports named at run time only" if reach.dynamic else ""
    return begun + models + unseen


def _clean(text: str) -> str:
    """Return text that cannot steer a terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
