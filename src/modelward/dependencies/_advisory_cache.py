"""What was read of a zip of advisories, kept by package: a later run reads only the packages that it asks about.

A file has the hash of all that follows in its first line, then a JSON object with what is true of the whole database
and where each package begins, then one line of JSON a package. Its name is the hash of the very zip and of the code's
release, so another zip or another release has another file. One that is broken or not this user's is made anew.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import secrets
from typing import TYPE_CHECKING, Any

from modelward._version import __version__
from modelward.dependencies._advisories import (
    Advisory,
    Database,
    check_readable,
    note,
    read_record,
    records_of,
)
from modelward.dependencies._extra import need
from modelward.dependencies._ranges import Affected, parse, read_affected
from modelward.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_FORMAT, _KEPT = 2, 4
_ENDING = ".advisories"


def read_cached(path: Path, *, today: datetime.date, wanted: Collection[str], folder: Path) -> Database:
    """Read a zip, or what is kept of it; both give the same.

    Parameters
    ----------
    path : Path
        Of the zip.
    today : date
    wanted : collection of str
    folder : Path
        Where it is kept; if nothing can be written there, nothing is kept.

    Raises
    ------
    InputError
        As `read_database`.
    """
    try:
        before = path.stat()
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}") from None
    release = f"{_FORMAT} {__version__} {need('packaging', 'packaging').__version__} {digest}"
    kept = folder / (hashlib.sha256(release.encode()).hexdigest() + _ENDING)
    content = _load(kept)
    if content is None:
        content = _gather(path)
        after = path.stat()
        if (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size):
            _keep(kept, content)
    return _database(path.name, content, today, wanted)


def _gather(path: Path) -> bytes:
    """Return all that a zip says, in the form in which it is kept."""
    days: set[str] = set()
    records = skipped = 0
    lines: dict[str, list[Any]] = {}
    for data in records_of(path):
        records += 1
        record = None if data is None else read_record(data)
        if record is None:
            skipped += 1
            continue
        if record.changed:
            days.add(record.changed.isoformat())
        if record.withdrawn:
            continue
        own = record.advisory
        found: dict[str, list[Any]] = {}
        for name, entry in zip(record.names, record.entries, strict=True):
            found.setdefault(name, []).append(_written(read_affected(entry)))
        for name, affected in found.items():
            about = [own.id, own.aliases, own.summary, own.published, affected]
            lines.setdefault(name, []).append(about)
    check_readable(Database(path.name, records=records, skipped=skipped))
    places: dict[str, tuple[int, int]] = {}
    body = bytearray()
    for name, advisories in lines.items():
        line = json.dumps(advisories, separators=(",", ":")).encode()
        places[name] = (len(body), len(line))
        body += line + b"\n"
    head = {"records": records, "skipped": skipped, "days": sorted(days), "places": places}
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + bytes(body)


def _written(one: Affected) -> list[Any]:
    spans = [[None if end is None else str(end) for end in span] for span in one.spans]
    return [sorted(one.versions), spans, one.broken]


def _database(name: str, content: bytes, today: datetime.date, wanted: Collection[str]) -> Database:
    end = content.index(b"\n") + 1
    head = json.loads(content[:end])
    days = [day for text in head["days"] if (day := datetime.date.fromisoformat(text)) <= today]
    database = Database(name, max(days, default=None), records=head["records"], skipped=head["skipped"])
    for package in sorted(set(wanted) & set(head["places"])):
        at, length = head["places"][package]
        for identifier, aliases, summary, published, entries in json.loads(
            content[end + at : end + at + length]
        ):
            affected = tuple(
                Affected(frozenset(versions), tuple((*map(_end, span),) for span in spans), broken)
                for versions, spans, broken in entries
            )
            for one in affected:
                note(database, package, one)
            advisory = Advisory(identifier, tuple(aliases), summary, published, {package: affected})
            database.by_name.setdefault(package, []).append(advisory)
    return database


def _end(text: str | None) -> Any:
    return None if text is None else parse(text)


def _load(file: Path) -> bytes | None:
    """Return what is kept; None if it is absent, broken or somebody else's."""
    try:
        with file.open("rb") as stream:
            status = os.fstat(stream.fileno())
            if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
                return None
            digest, content = stream.readline(65).rstrip(b"\n"), stream.read()
    except OSError:
        return None
    return content if digest == hashlib.sha256(content).hexdigest().encode() else None


def _keep(file: Path, content: bytes) -> None:
    beside = file.with_name(f".{file.name}.{secrets.token_hex(8)}.tmp")
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as stream:
                stream.write(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
            beside.replace(file)
        finally:
            with contextlib.suppress(OSError):
                beside.unlink()
        old = sorted(file.parent.glob(f"*{_ENDING}"), key=lambda f: f.stat().st_mtime, reverse=True)
        for one in old[_KEPT:]:
            one.unlink()
