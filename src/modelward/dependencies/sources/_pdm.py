"""pdm.lock, version 4.

Source: PDM's documentation, "Lock file".
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelward.dependencies._extra import canonical
from modelward.dependencies._packages import Package, Problem, Read
from modelward.dependencies.sources._parts import (
    Malformed,
    bare,
    entry_lines,
    kind_of,
    nameless,
    problem,
    tables,
    text_of,
    toml,
    words,
)

if TYPE_CHECKING:
    from pathlib import Path


def read(text: str, path: str, root: Path) -> Read:  # noqa: ARG001 - nothing else is opened
    """Read a lock of PDM."""
    try:
        document = toml(text)
        metadata = document.get("metadata", {})
        version = str(metadata.get("lock_version", "")) if isinstance(metadata, dict) else ""
        if version.partition(".")[0] != "4":
            return Read(problems=(Problem(path, 1, f"is a lock of version {version!r}; known is 4"),))
        entries = tables(document.get("package", []), "package")
    except Malformed as error:
        return Read(problems=(problem(path, error),))
    # Before 4.4 the hashes stand at the end of the file, by name and version.
    aside = metadata.get("files", {})
    lines = entry_lines(text, "package", len(entries))
    found: dict[tuple[str, str], Package] = {}
    for entry, line in zip(entries, lines, strict=True):
        one = _package(entry, path, line, aside)
        # A package with an extra has an entry of its own beside the plain one.
        known = found.setdefault((one.name, one.version), one)
        if known is not one:
            needs = tuple(sorted({*known.needs, *one.needs}))
            found[one.name, one.version] = replace(known, needs=needs, dev=known.dev and one.dev)
    return Read(tuple(found.values()), nameless(entries, lines, path, version=True))


def _package(entry: dict[str, Any], path: str, line: int, aside: Any) -> Package:
    name, version = text_of(entry, "name"), text_of(entry, "version")
    vcs = next((text_of(entry, kind) for kind in ("git", "hg", "svn", "bzr") if text_of(entry, kind)), "")
    url = text_of(entry, "url") or text_of(entry, "path")
    files = entry.get("files") or (aside.get(f"{name} {version}") if isinstance(aside, dict) else None)
    hashed = any(isinstance(file, dict) and file.get("hash") for file in files or ())
    groups = words(entry.get("groups"))
    needs = {
        canonical(found[0])
        for text in words(entry.get("dependencies"))
        if (found := re.match(r"[\w.-]+", text))
    }
    return Package(
        canonical(name), version, path, line, kind="vcs" if vcs else kind_of(url) if url else "index",
        url=bare(vcs or url), hashed=hashed or bool(text_of(entry, "revision")),
        dev=bool(groups) and "default" not in groups, locked=True, needs=tuple(sorted(needs - {canonical(name)})),
        marker=text_of(entry, "marker"),
    )  # fmt: skip
