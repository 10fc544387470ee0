"""pylock.toml of PEP 751, version 1."""

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


def read(text: str, path: str, root: Path) -> Read:  # noqa: ARG001 - nothing else is opened
    """Read a lock of PEP 751."""
    try:
        document = toml(text)
        version = document.get("lock-version")
        if not isinstance(version, str) or version.partition(".")[0] != "1":
            return Read(problems=(Problem(path, 1, f"is a lock of version {version!r}; known is 1.0"),))
        entries = tables(document.get("packages", []), "packages")
    except Malformed as error:
        return Read(problems=(problem(path, error),))
    lines = entry_lines(text, "packages", len(entries))
    packages = tuple(_package(e, path, n) for e, n in zip(entries, lines, strict=True))
    return Read(packages, nameless(entries, lines, path, version=False))


def _inner(entry: dict[str, Any], key: str) -> dict[str, Any]:
    value = entry.get(key)
    return value if isinstance(value, dict) else {}


def _package(entry: dict[str, Any], path: str, line: int) -> Package:
    vcs, archive, folder = (_inner(entry, key) for key in ("vcs", "archive", "directory"))
    wheels = entry.get("wheels")
    files = [_inner(entry, "sdist"), archive, *(wheels if isinstance(wheels, list) else [])]
    hashed = any(isinstance(file, dict) and file.get("hashes") for file in files)
    needs = entry.get("dependencies")
    named = [e for e in needs if isinstance(e, dict)] if isinstance(needs, list) else []
    marker = text_of(entry, "marker")
    return Package(
        canonical(text_of(entry, "name")), text_of(entry, "version"), path, line,
        kind="vcs" if vcs else "url" if archive else "path" if folder else "index",
        url=bare(text_of(vcs, "url") or text_of(archive, "url")),
        hashed=hashed or bool(text_of(vcs, "commit-id")) or bool(folder), locked=True, marker=marker,
        dev="dependency_groups" in marker, needs=tuple(canonical(text_of(e, "name")) for e in named),
    )  # fmt: skip
