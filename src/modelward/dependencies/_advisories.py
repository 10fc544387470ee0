"""A database of advisories: any OSV directory or zip, read offline and within bounds."""

from __future__ import annotations

import datetime
import json
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelward.dependencies._extra import canonical
from modelward.dependencies._ranges import Affected, read_affected
from modelward.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

MAX_RECORD = 8_000_000
MAX_TOTAL = 2_000_000_000
MAX_RECORDS = 1_000_000


@dataclass(frozen=True)
class Advisory:
    """One record: its identifiers, and what it affects, by package."""

    id: str
    aliases: tuple[str, ...]
    summary: str
    published: str
    affected: dict[str, tuple[Affected, ...]]


@dataclass
class Database:
    """Advisories by package.

    Parameters
    ----------
    name : str
        Of the file or folder.
    date : datetime.date or None
        The newest change of a record that does not lie in the future.
    by_name : dict
        Advisories by the package's normal name.
    skipped, broken : int
        Records that could not be read, and ranges that make no sense.
    doubtful : set of str
        Packages of which a range or a record was skipped.
    """

    name: str
    date: datetime.date | None = None
    by_name: dict[str, list[Advisory]] = field(default_factory=dict)
    records: int = 0
    skipped: int = 0
    broken: int = 0
    doubtful: set[str] = field(default_factory=set)

    def age(self, today: datetime.date) -> int | None:
        """Return its age in days; None if no record has a date."""
        return None if self.date is None else (today - self.date).days


def read_database(path: Path, *, today: datetime.date, wanted: Collection[str] | None = None) -> Database:
    """Read a directory or a zip of OSV records.

    Parameters
    ----------
    path : Path
    today : date
        Records that were changed later do not make the database newer.
    wanted : collection of str, optional
        Packages by their normal names: of others no range is read, so that none of them is counted as nonsense.

    Raises
    ------
    InputError
        If it is absent, no zip, or unfolds to more than a database of advisories has.
    """
    if not path.exists():
        raise InputError(f"no advisory database at {path.name}: download a zip of OSV records and name it")
    database = Database(path.name)
    records = _folder(path) if path.is_dir() else _zip(path)
    for data in records:
        database.records += 1
        if data is None:
            database.skipped += 1
            continue
        _add(database, data, today, wanted)
    if not database.records or database.records == database.skipped:
        raise InputError(f"{path.name} holds no OSV record that can be read")
    return database


def _folder(path: Path) -> Iterator[bytes | None]:
    for file in sorted(path.rglob("*.json")):
        if file.is_symlink() or file.stat().st_size > MAX_RECORD:
            yield None
        else:
            yield file.read_bytes()


def _zip(path: Path) -> Iterator[bytes | None]:
    total = 0
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if info.filename.endswith(".json")]
            if len(members) > MAX_RECORDS:
                raise InputError(f"{path.name} has {len(members):,} members: no database of advisories has")
            for info in members:
                # The directory of a zip may lie about sizes, so what comes out is counted.
                with archive.open(info) as stream:
                    data = stream.read(MAX_RECORD + 1)
                total += len(data)
                if total > MAX_TOTAL:
                    raise InputError(f"{path.name} unfolds to over {MAX_TOTAL:,} bytes: it is not read")
                yield None if len(data) > MAX_RECORD else data
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{path.name} is no zip that can be read: {type(error).__name__}") from None


def _add(database: Database, data: bytes, today: datetime.date, wanted: Collection[str] | None) -> None:
    try:
        record: Any = json.loads(data)
        entries = [e for e in record["affected"] if e["package"]["ecosystem"].partition(":")[0] == "PyPI"]
        names = [canonical(entry["package"]["name"]) for entry in entries]
        identifier = str(record["id"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        database.skipped += 1
        return
    changed = _day(record.get("modified"))
    if changed and changed <= today and (database.date is None or changed > database.date):
        database.date = changed
    if record.get("withdrawn"):
        return
    affected: dict[str, tuple[Affected, ...]] = {}
    for name, entry in zip(names, entries, strict=True):
        if wanted is not None and name not in wanted:
            continue
        one = read_affected(entry)
        database.broken += one.broken
        if one.broken or not (one.spans or one.versions):
            database.doubtful.add(name)
        affected[name] = (*affected.get(name, ()), one)
    aliases = record.get("aliases")
    said = record.get("summary") or record.get("details") or ""
    advisory = Advisory(
        identifier, tuple(a for a in aliases if isinstance(a, str)) if isinstance(aliases, list) else (),
        " ".join(str(said).split())[:300], str(record.get("published", ""))[:10], affected,
    )  # fmt: skip
    for name in affected:
        database.by_name.setdefault(name, []).append(advisory)


def _day(text: Any) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(str(text)[:10])
    except ValueError:
        return None
