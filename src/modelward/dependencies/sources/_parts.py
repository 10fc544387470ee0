"""What the formats share: requirement strings, lines of array entries, hashes, URLs."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from modelward.dependencies._extra import canonical, need
from modelward.dependencies._packages import Kind, Package, Problem

_VCS = ("git+", "hg+", "svn+", "bzr+")


class Malformed(Exception):  # noqa: N818 - it carries a problem of a file
    """A file has not the form that its format prescribes."""

    def __init__(self, text: str, line: int = 0) -> None:
        super().__init__(text)
        self.line = line


def toml(text: str) -> dict[str, Any]:
    """Read TOML.

    Raises
    ------
    Malformed
        With the line.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        raise Malformed(f"is not valid TOML: {error}", line) from None


def bare(url: str) -> str:
    """Return a URL without user and password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def kind_of(url: str) -> Kind:
    """Return what a direct reference is."""
    if url.startswith(_VCS) or re.match(r"git@|ssh://", url):
        return "vcs"
    return "path" if url.startswith(("file:", ".", "/")) or "://" not in url else "url"


def requirement(
    text: str, path: str, line: int, *, group: str = "", dev: bool = False, hashed: bool | None = None
) -> Package:
    """Read one requirement of PEP 508.

    Raises
    ------
    Malformed
        If it is none.
    """
    requirements = need("packaging.requirements", "packaging")
    try:
        found = requirements.Requirement(text)
    except requirements.InvalidRequirement as error:
        why = " ".join(str(error).splitlines()[0].split())[:160]
        raise Malformed(f"is no requirement: {text[:80]!r}: {why}", line) from None
    exact = [
        s.version for s in found.specifier if s.operator in ("==", "===") and not s.version.endswith(".*")
    ]
    if len(set(exact)) > 1:
        raise Malformed(f"asks for two versions of {found.name} at once: {', '.join(exact)}", line)
    url = found.url or ""
    return Package(
        canonical(found.name), exact[0] if exact else "", path, line, asked=str(found.specifier),
        kind=kind_of(url) if url else "index", url=bare(url), hashed=hashed, group=group, dev=dev,
        marker=str(found.marker or ""), extras=tuple(sorted(map(canonical, found.extras))),
    )  # fmt: skip


def constrained(packages: list[Package], pins: list[Package]) -> list[Package]:
    """Give open packages the versions of constraints, which install nothing and hold for all of a project."""
    exact = {pin.name: pin.version for pin in pins if pin.version}
    ranges: dict[str, list[str]] = {}
    for pin in pins:
        if pin.asked and not pin.version:
            ranges.setdefault(pin.name, []).append(pin.asked)
    return [
        p if p.version or p.kind != "index"
        else replace(
            p, version=exact.get(p.name, ""), asked=",".join(filter(None, (p.asked, *ranges.get(p.name, ()))))
        )
        for p in packages
    ]  # fmt: skip


def entry_lines(text: str, header: str, count: int) -> list[int]:
    """Return the line of each entry of an array of tables; zeros if they cannot be told apart."""
    at = [i for i, line in enumerate(text.splitlines(), 1) if line.strip() == f"[[{header}]]"]
    return at if len(at) == count else [0] * count


def line_of(text: str, *needles: str) -> int:
    """Return the first line that holds one of the texts; 0 if none does."""
    for needle in needles:
        if needle and (at := text.find(needle)) >= 0:
            return text.count("\n", 0, at) + 1
    return 0


def tables(value: Any, where: str) -> list[dict[str, Any]]:
    """Return an array of tables.

    Raises
    ------
    Malformed
        If it is something else.
    """
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise Malformed(f"{where} is no array of tables")
    return value


def nameless(
    entries: list[dict[str, Any]], lines: list[int], path: str, *, version: bool
) -> tuple[Problem, ...]:
    """Return a problem for each entry of a lock whose name, and perhaps version, is no text."""
    keys = ("name", "version") if version else ("name",)
    return tuple(
        Problem(path, line, f"has a package without a {key}")
        for entry, line in zip(entries, lines, strict=True)
        for key in keys
        if not text_of(entry, key)
    )


def words(value: Any) -> list[str]:
    """Return the strings of a list, and nothing else."""
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []


def text_of(table: dict[str, Any], key: str) -> str:
    """Return a string of a table; empty if there is none."""
    value = table.get(key, "")
    return value if isinstance(value, str) else ""


def problem(path: str, error: Malformed) -> Problem:
    """Return a problem of a file."""
    return Problem(path, error.line, str(error))
