"""Pipfile.lock of pipenv, specification 6.

Source: pipenv's documentation, "Pipfile & Pipfile.lock" and "Specifiers".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from modelward.dependencies._extra import canonical
from modelward.dependencies._packages import Doubt, Package, Problem, Read
from modelward.dependencies.sources._parts import bare, kind_of, line_of, text_of, words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read(text: str, path: str, root: Path) -> Read:  # noqa: ARG001 - nothing else is opened
    """Read a lock of pipenv: ``default`` is what serves, every other category is for development."""
    try:
        document: Any = json.loads(text)
    except json.JSONDecodeError as error:
        return Read(problems=(Problem(path, error.lineno, f"is not valid JSON: {error.msg}"),))
    found: Any = document.get("_meta") if isinstance(document, dict) else None
    meta: dict[str, Any] = found if isinstance(found, dict) else {}
    version = meta.get("pipfile-spec")
    if version != 6:
        return Read(problems=(Problem(path, 1, f"is a lock of specification {version!r}; known is 6"),))
    packages: list[Package] = []
    problems: list[Problem] = []
    for category, entries in document.items():
        if category == "_meta":
            continue
        if not isinstance(entries, dict):
            problems.append(
                Problem(path, line_of(text, f'"{category}"'), f"has no table of packages in {category!r}")
            )
            continue
        begun = text.find(f'"{category}"')
        for name, entry in entries.items():
            line = text.count("\n", 0, max(0, text.find(f'"{name}": {{', begun))) + 1
            if not isinstance(entry, dict):
                problems.append(Problem(path, line, f"says nothing of {name}"))
                continue
            one = _package(name, entry, path, line, category)
            if one.kind == "index" and not one.version:
                problems.append(Problem(path, line, f"has no exact version of {name}"))
            else:
                packages.append(one)
    return Read(tuple(packages), tuple(problems), tuple(_doubts(meta, text, path)))


def _package(name: str, entry: dict[str, Any], path: str, line: int, category: str) -> Package:
    vcs = next((text_of(entry, kind) for kind in ("git", "hg", "svn", "bzr") if text_of(entry, kind)), "")
    file = text_of(entry, "file") or text_of(entry, "path")
    asked = text_of(entry, "version")
    return Package(
        canonical(name), asked.lstrip("=").strip() if asked.startswith("==") else "", path, line, asked=asked,
        kind="vcs" if vcs else kind_of(file) if file else "index", url=bare(vcs or file),
        # A repository is held by its commit, and what lies in the project needs no hash.
        hashed=bool(words(entry.get("hashes"))) or bool(vcs and text_of(entry, "ref")),
        group="" if category == "default" else category, dev=category != "default", locked=True,
        marker=text_of(entry, "markers"), extras=tuple(sorted(map(canonical, words(entry.get("extras"))))),
    )  # fmt: skip


def _doubts(meta: dict[str, Any], text: str, path: str) -> Iterator[Doubt]:
    sources = meta.get("sources")
    for source in sources if isinstance(sources, list) else []:
        url = text_of(source, "url") if isinstance(source, dict) else ""
        line = line_of(text, url)
        if url.startswith("http://"):
            yield Doubt("plain-http", path, line, f"{bare(url)} is not encrypted: anybody on the way can replace it",
                        severe=True)  # fmt: skip
        if url and source.get("verify_ssl") is False:
            yield Doubt("trusted-host", path, line, f"the certificate of {bare(url)} is not checked (verify_ssl)",
                        severe=True)  # fmt: skip
