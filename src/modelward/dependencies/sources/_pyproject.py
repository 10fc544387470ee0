"""pyproject.toml: PEP 621, dependency groups of PEP 735, and poetry's own tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from modelward.dependencies._extra import canonical
from modelward.dependencies._packages import Package, Problem, Read
from modelward.dependencies.sources._indexes import poetry_doubts, uv_doubts
from modelward.dependencies.sources._parts import (
    Malformed,
    bare,
    constrained,
    kind_of,
    line_of,
    problem,
    requirement,
    text_of,
    toml,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read(text: str, path: str, root: Path) -> Read:  # noqa: ARG001 - nothing else is opened
    """Read what a project declares."""
    try:
        document = toml(text)
    except Malformed as error:
        return Read(problems=(problem(path, error),))
    packages: list[Package] = []
    problems = [Problem(path, line_of(text, f"{name} =", name), f"has a {name} that is no {form}")
                for name, form in _misshapen(document)]  # fmt: skip
    own = canonical(text_of(_table(document.get("project")), "name"))
    pins: list[Package] = []
    for into, strings in ((packages, _strings(document)), (pins, _uv_pins(document))):
        for asked, group, dev in strings:
            line = line_of(text, f'"{asked}"', f"'{asked}'")
            try:
                package = requirement(asked, path, line, group=group, dev=dev)
            except Malformed as error:
                problems.append(problem(path, error))
                continue
            if package.name != own:
                into.append(package)
    packages = constrained(packages, pins)
    problems += _dynamic(document, text, path)
    packages += _poetry(_table(_table(document.get("tool")).get("poetry")), text, path)
    tool = _table(document.get("tool"))
    doubts = (
        *uv_doubts(_table(tool.get("uv")), text, path),
        *poetry_doubts(_table(tool.get("poetry")), text, path),
    )
    library = "build-system" in document
    return Read(tuple(packages), tuple(problems), doubts, library=library)


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _entries(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _misshapen(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the keys that hold packages and have not the form that the specifications prescribe."""
    for name in ("project", "dependency-groups", "tool"):
        if name in document and not isinstance(document[name], dict):
            yield name, "table"
    project, tool = _table(document.get("project")), _table(document.get("tool"))
    if "dependencies" in project and not isinstance(project["dependencies"], list):
        yield "dependencies", "list"
    if "optional-dependencies" in project and not isinstance(project["optional-dependencies"], dict):
        yield "optional-dependencies", "table"
    for groups in (project.get("optional-dependencies"), document.get("dependency-groups")):
        for name, entries in _table(groups).items():
            if not isinstance(entries, list):
                yield str(name), "list"
    for name, asked in _table(_table(tool.get("poetry")).get("dependencies")).items():
        if not isinstance(asked, str | dict | list):
            yield str(name), "version"


def _strings(document: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Yield requirement strings with their group."""
    project = _table(document.get("project"))
    for asked in _entries(project.get("dependencies")):
        yield str(asked), "", False
    for group, entries in _table(project.get("optional-dependencies")).items():
        for asked in _entries(entries):
            yield str(asked), str(group), _is_dev(str(group))
    for group, entries in _table(document.get("dependency-groups")).items():
        for asked in _entries(entries):
            if isinstance(asked, str):  # a table includes another group, which is listed itself
                yield asked, str(group), True

    for asked in _entries(_table(_table(document.get("tool")).get("uv")).get("dev-dependencies")):
        yield str(asked), "dev", True


def _uv_pins(document: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Yield what uv holds other requirements to."""
    uv = _table(_table(document.get("tool")).get("uv"))
    for key in ("constraint-dependencies", "override-dependencies"):
        for asked in _entries(uv.get(key)):
            yield str(asked), "", False


def _dynamic(document: dict[str, Any], text: str, path: str) -> Iterator[Problem]:
    """Yield a problem if only a build tells what the project depends on; poetry and a requirements.txt tell it."""
    project, tool = _table(document.get("project")), _table(document.get("tool"))
    if "dependencies" not in words(project.get("dynamic")) or "dependencies" in _table(tool.get("poetry")):
        return
    given = _table(_table(tool.get("setuptools")).get("dynamic")).get("dependencies")
    files = _table(given).get("file")
    named = [files] if isinstance(files, str) else words(files)
    if not named or not all(re.search(r"requirements[^/]*\.(txt|in)$", name) for name in named):
        yield Problem(
            path, line_of(text, "dynamic"),
            "has dynamic dependencies, which only its build tells: write them down here, or lock them",
        )  # fmt: skip


def _is_dev(group: str) -> bool:
    return bool(re.search(r"dev|test|lint|doc|type|bench", group, re.IGNORECASE))


def _poetry(table: dict[str, Any], text: str, path: str) -> Iterator[Package]:
    groups: list[tuple[str, bool, dict[str, Any]]] = [
        ("", False, _table(table.get("dependencies"))),
        ("dev", True, _table(table.get("dev-dependencies"))),
    ]
    for group, inner in _table(table.get("group")).items():
        groups.append((str(group), True, _table(_table(inner).get("dependencies"))))
    for group, dev, entries in groups:
        for name, asked in entries.items():
            if name.lower() != "python":
                for one in asked if isinstance(asked, list) else [asked]:
                    yield _poetry_one(name, one, group, text, path, dev=dev)


def _poetry_one(name: str, asked: Any, group: str, text: str, path: str, *, dev: bool) -> Package:
    found = re.search(rf"^\s*[\"']?{re.escape(name)}[\"']?\s*=", text, re.MULTILINE)
    line = text.count("\n", 0, found.start() + len(found[0]) - len(found[0].lstrip())) + 1 if found else 0
    table = _table(asked)
    version = asked if isinstance(asked, str) else text_of(table, "version")
    url = text_of(table, "git") or text_of(table, "url") or text_of(table, "path")
    # A bare number is exact for poetry, too; only signs and stars make a range.
    exact = re.fullmatch(r"(?:==?)?\s*(\d[\w.!+-]*)", version.strip())
    pinned = exact[1] if exact else ""
    kind = "vcs" if text_of(table, "git") else kind_of(url) if url else "index"
    return Package(
        canonical(name),
        pinned,
        path,
        line,
        asked=version,
        kind=kind,
        url=bare(url) if "://" in url else url,
        group=group,
        dev=dev,
        extras=tuple(map(canonical, words(table.get("extras")))),
    )
