"""Packages against advisories: aliases merged, and the smallest upgrade that resolves them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelward.dependencies._ranges import parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelward.dependencies._advisories import Advisory, Database
    from modelward.dependencies._packages import Package


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """A known hole of a package, whatever its databases call it.

    `fixed` are the versions that end a range that the version is in; `upgrade` is the smallest of all fixed
    versions of the package that no advisory affects, empty if there is none.
    """

    package: Package
    ids: tuple[str, ...]
    summary: str
    published: str
    fixed: tuple[str, ...]
    upgrade: str


def audit(packages: Iterable[Package], database: Database) -> tuple[Vulnerability, ...]:
    """Return the holes of packages, in the order of the packages."""
    found: list[Vulnerability] = []
    for package in packages:
        version = parse(package.version)
        advisories = database.by_name.get(package.name, [])
        if version is None or not advisories:
            continue
        hits = [a for a in advisories if _hit(a, package.name, version)]
        upgrade = _upgrade(advisories, package.name, version) if hits else ""
        for group in merged(hits):
            fixes = {
                high
                for a in group
                for one in a.affected[package.name]
                for high in one.fixes()
                if high > version
            }
            ids = dict.fromkeys(name for a in group for name in (a.id, *a.aliases))
            found.append(
                Vulnerability(package, tuple(ids), group[0].summary, min(a.published for a in group),
                              tuple(map(str, sorted(fixes))), upgrade)
            )  # fmt: skip
    return tuple(found)


def _hit(advisory: Advisory, name: str, version: Any) -> bool:
    return any(one.covers(version) for one in advisory.affected[name])


def merged(advisories: list[Advisory]) -> list[list[Advisory]]:
    """Join records that share an identifier, directly or over others."""
    groups: list[tuple[set[str], list[Advisory]]] = []
    for advisory in advisories:
        names = {advisory.id, *advisory.aliases}
        members = [advisory]
        apart = []
        for known, others in groups:
            if known & names:
                names |= known
                members = [*others, *members]
            else:
                apart.append((known, others))
        groups = [*apart, (names, members)]
    return [members for _, members in groups]


def _upgrade(advisories: list[Advisory], name: str, version: Any) -> str:
    candidates = {
        high for a in advisories for one in a.affected[name] for high in one.fixes() if high > version
    }
    for candidate in sorted(candidates):
        if not any(_hit(a, name, candidate) for a in advisories):
            return str(candidate)
    return ""
