"""uv.lock, version 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.dependencies._extra import canonical
from modelward.dependencies._packages import Package, Problem, Read
from modelward.dependencies.sources._parts import (
    Malformed,
    bare,
    entry_lines,
    nameless,
    problem,
    tables,
    text_of,
    toml,
)

if TYPE_CHECKING:
    from pathlib import Path

_KINDS = {"git": "vcs", "url": "url", "path": "path", "directory": "path"}


def read(text: str, path: str, root: Path) -> Read:  # noqa: ARG001 - nothing else is opened
    """Read a lock of uv."""
    try:
        document = toml(text)
        if document.get("version") != 1:
            return Read(
                problems=(Problem(path, 1, f"is a lock of version {document.get('version')!r}; known is 1"),)
            )
        entries = tables(document.get("package", []), "package")
    except Malformed as error:
        return Read(problems=(problem(path, error),))
    lines = entry_lines(text, "package", len(entries))
    needs: dict[str, set[str]] = {}
    roots: list[dict[str, Any]] = []
    for entry in entries:
        needs.setdefault(canonical(text_of(entry, "name")), set()).update(_named(entry.get("dependencies")))
        if set(_source(entry)) & {"editable", "virtual", "directory"}:
            roots.append(entry)
    always = _closure({name for entry in roots for name in _named(entry.get("dependencies"))}, needs)
    optional = _closure(
        {
            name
            for entry in roots
            for group in _groups(entry, "optional-dependencies")
            for name in _named(group)
        },
        needs,
    )
    packages = [
        _package(
            entry,
            path,
            line,
            needs,
            dev=bool(roots) and canonical(text_of(entry, "name")) not in always | optional,
        )
        for entry, line in zip(entries, lines, strict=True)
        if not set(_source(entry)) & {"editable", "virtual"} and text_of(entry, "version")
    ]
    return Read(tuple(packages), nameless(entries, lines, path, version=False))


def _source(entry: dict[str, Any]) -> dict[str, Any]:
    source = entry.get("source", {})
    return source if isinstance(source, dict) else {}


def _named(value: Any) -> set[str]:
    entries = value if isinstance(value, list) else []
    return {canonical(text_of(entry, "name")) for entry in entries if isinstance(entry, dict)} - {""}


def _groups(entry: dict[str, Any], key: str) -> list[Any]:
    value = entry.get(key, {})
    return list(value.values()) if isinstance(value, dict) else []


def _closure(names: set[str], needs: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            pending.extend(needs.get(name, ()))
    return seen


def _package(
    entry: dict[str, Any], path: str, line: int, needs: dict[str, set[str]], *, dev: bool
) -> Package:
    name = canonical(text_of(entry, "name"))
    source = _source(entry)
    kind = next((_KINDS[key] for key in source if key in _KINDS), "index")
    wheels = entry.get("wheels")
    files = [entry.get("sdist"), *(wheels if isinstance(wheels, list) else [])]
    hashed = any(isinstance(file, dict) and file.get("hash") for file in files)
    url = next((bare(str(source[key])) for key in source if key in _KINDS), "")
    return Package(
        name, text_of(entry, "version"), path, line, kind=kind, url=url,  # type: ignore[arg-type]
        hashed=hashed or (kind == "vcs" and "#" in str(source.get("git"))), dev=dev, locked=True,
        needs=tuple(sorted(needs.get(name, ()))),
    )  # fmt: skip
