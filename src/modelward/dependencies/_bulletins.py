"""Security bulletins: the advisories of late about a package of the project, whether they hit its version or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelward.dependencies._audit import merged
from modelward.dependencies._ranges import parse

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable

    from modelward.dependencies._advisories import Database
    from modelward.dependencies._packages import Package


@dataclass(frozen=True, slots=True)
class Bulletin:
    """An advisory about a package of the project.

    `affected` says whether it hits the version that the project has; None where that version is not known.
    """

    package: str
    version: str
    ids: tuple[str, ...]
    published: str
    summary: str
    affected: bool | None


def bulletins(packages: Iterable[Package], database: Database, since: datetime.date) -> tuple[Bulletin, ...]:
    """Return the advisories that were published on a day or later, the newest first.

    Parameters
    ----------
    packages : iterable of Package
        Also those without a version.
    database : Database
        Read with these packages wanted.
    since : date
    """
    found: dict[tuple[str, str, tuple[str, ...]], Bulletin] = {}
    for package in packages:
        version = parse(package.version)
        for group in merged(database.by_name.get(package.name, [])):
            published = min((a.published for a in group if a.published), default="")
            if published < since.isoformat():
                continue
            hit = None
            if version is not None:
                hit = any(one.covers(version) for a in group for one in a.affected[package.name])
            ids = tuple(dict.fromkeys(name for a in group for name in (a.id, *a.aliases)))
            one = Bulletin(package.name, package.version, ids, published, group[0].summary, hit)
            found.setdefault((package.name, package.version, ids), one)
    return tuple(sorted(found.values(), key=lambda b: (b.published, b.package), reverse=True))
