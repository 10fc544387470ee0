"""poetry.lock, versions 1 and 2."""

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
    words,
)

if TYPE_CHECKING:
    from pathlib import Path

_KINDS = {"git": "vcs", "url": "url", "file": "path", "directory": "path"}


def read(text: str, path: str, root: Path) -> Read:  # noqa: ARG001 - nothing else is opened
    """Read a lock of poetry."""
    try:
        document = toml(text)
        metadata = document.get("metadata", {})
        version = str(metadata.get("lock-version", "")) if isinstance(metadata, dict) else ""
        if version.partition(".")[0] not in ("1", "2"):
            return Read(problems=(Problem(path, 1, f"is a lock of version {version!r}; known are 1 and 2"),))
        entries = tables(document.get("package", []), "package")
    except Malformed as error:
        return Read(problems=(problem(path, error),))
    # Version 1 keeps the hashes at the end of the file, by name.
    aside = metadata.get("files", metadata.get("hashes", {}))
    lines = entry_lines(text, "package", len(entries))
    packages = tuple(_package(e, path, n, aside) for e, n in zip(entries, lines, strict=True))
    return Read(packages, nameless(entries, lines, path, version=True))


def _package(entry: dict[str, Any], path: str, line: int, aside: Any) -> Package:
    name = text_of(entry, "name")
    source = entry.get("source", {})
    source = source if isinstance(source, dict) else {}
    groups = words(entry.get("groups"))
    dev = entry.get("category") == "dev" or bool(groups and "main" not in groups)
    files = entry.get("files") or (aside.get(name) if isinstance(aside, dict) else None)
    needs = entry.get("dependencies", {})
    return Package(
        canonical(name), text_of(entry, "version"), path, line,
        kind=_KINDS.get(text_of(source, "type"), "index"),  # type: ignore[arg-type]
        url=bare(text_of(source, "url")) if text_of(source, "type") in _KINDS else "",
        hashed=bool(files) or bool(text_of(source, "resolved_reference")), dev=dev, locked=True,
        needs=tuple(sorted(map(canonical, needs))) if isinstance(needs, dict) else (),
    )  # fmt: skip
