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
_SUMMARY = 300


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


def read_database(
    path: Path, *, today: datetime.date, wanted: Collection[str] | None = None, cache: Path | None = None
) -> Database:
    """Read a directory or a zip of OSV records.

    Parameters
    ----------
    path : Path
    today : date
        Records that were changed later do not make the database newer.
    wanted : collection of str, optional
        Packages by their normal names: of others no range is read, so that none of them is counted as nonsense.
    cache : Path, optional
        A folder that keeps what was read of a zip, so that the next time only what is wanted is read.

    Raises
    ------
    InputError
        If it is absent, no zip, or unfolds to more than a database of advisories has.
    """
    if not path.exists():
        raise InputError(f"no advisory database at {path.name}: download a zip of OSV records and name it")
    if cache is not None and wanted is not None and path.is_file():
        from modelward.dependencies._advisory_cache import read_cached

        return read_cached(path, today=today, wanted=wanted, folder=cache)
    database = Database(path.name)
    for data in records_of(path):
        database.records += 1
        if data is None:
            database.skipped += 1
        else:
            _add(database, data, today, wanted)
    check_readable(database)
    return database


def check_readable(database: Database) -> None:
    """Refuse a database of which nothing could be read.

    Raises
    ------
    InputError
    """
    if not database.records or database.records == database.skipped:
        raise InputError(f"{database.name} holds no OSV record that can be read")


def records_of(path: Path) -> Iterator[bytes | None]:
    """Yield the records of a folder or a zip, within bounds; None for one that is too large.

    Raises
    ------
    InputError
    """
    yield from _folder(path) if path.is_dir() else _zip(path)


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


@dataclass(frozen=True)
class Record:
    """One OSV record, its ranges not yet read: `names` and `entries` are what it affects, in pairs."""

    advisory: Advisory
    changed: datetime.date | None
    withdrawn: bool
    names: tuple[str, ...]
    entries: tuple[dict[str, Any], ...]


def read_record(data: bytes) -> Record | None:
    """Read one record; None if it is none."""
    try:
        record: Any = json.loads(data)
        entries = tuple(
            e for e in record["affected"] if e["package"]["ecosystem"].partition(":")[0] == "PyPI"
        )
        names = tuple(canonical(entry["package"]["name"]) for entry in entries)
        identifier = str(record["id"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    aliases = record.get("aliases")
    said = record.get("summary") or record.get("details") or ""
    advisory = Advisory(
        identifier, tuple(a for a in aliases if isinstance(a, str)) if isinstance(aliases, list) else (),
        _short(str(said)), str(record.get("published", ""))[:10], {},
    )  # fmt: skip
    return Record(advisory, _day(record.get("modified")), bool(record.get("withdrawn")), names, entries)


def _add(database: Database, data: bytes, today: datetime.date, wanted: Collection[str] | None) -> None:
    record = read_record(data)
    if record is None:
        database.skipped += 1
        return
    changed = record.changed
    if changed and changed <= today and (database.date is None or changed > database.date):
        database.date = changed
    if record.withdrawn:
        return
    affected = record.advisory.affected
    for name, entry in zip(record.names, record.entries, strict=True):
        if wanted is not None and name not in wanted:
            continue
        one = read_affected(entry)
        note(database, name, one)
        affected[name] = (*affected.get(name, ()), one)
    for name in affected:
        database.by_name.setdefault(name, []).append(record.advisory)


def note(database: Database, name: str, one: Affected) -> None:
    """Count what makes no sense of one entry."""
    database.broken += one.broken
    if one.broken or not (one.spans or one.versions):
        database.doubtful.add(name)


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _SUMMARY else words[:_SUMMARY].rpartition(" ")[0] + " …"


def _day(text: Any) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(str(text)[:10])
    except ValueError:
        return None
