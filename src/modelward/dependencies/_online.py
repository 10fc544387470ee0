"""Advisories over the network, where a person asks for it: the current database, or a server by pip-audit."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
import urllib.request
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from modelward.dependencies._advisories import Advisory, Database, read_database
from modelward.dependencies._audit import Vulnerability, merged
from modelward.dependencies._extra import need
from modelward.dependencies._places import DATABASE_URL
from modelward.dependencies._ranges import parse
from modelward.errors import InputError, UsageError

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable

    from modelward.dependencies._packages import Package

MAX_DOWNLOAD = 1_000_000_000
_TIMEOUT = 60
_CANDIDATES = 20


def check_url(url: str) -> str:
    """Return a URL that answers can be trusted from: https, or this machine.

    Raises
    ------
    UsageError
        For any other.

    Examples
    --------
    >>> check_url("http://127.0.0.1:8000/all.zip")
    'http://127.0.0.1:8000/all.zip'
    """
    try:
        parts = urlsplit(url)
        local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    except ValueError:
        raise UsageError(f"{url!r} is no URL") from None
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise UsageError(f"{url!r} is no URL of http or https")
    if parts.scheme == "http" and not local:
        raise UsageError(f"{url!r} can be changed on its way: use https")
    return url


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect to where nothing is encrypted."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        check_url(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def update_database(path: Path, url: str = DATABASE_URL, *, today: datetime.date) -> Database:
    """Fetch a zip of OSV records; what was there before stays unless the new one is whole, readable and no older.

    Parameters
    ----------
    path : Path
        Where it goes.
    url : str
        Where it comes from.
    today : date

    Returns
    -------
    Database
        With its date, and no advisory in it.

    Raises
    ------
    InputError
        If there is no network, or what comes is no database.
    """
    check_url(url)
    if path.is_dir():
        raise UsageError(f"{path} is a folder of records: --update-db writes a zip, name one with --db")
    host = urlsplit(url).hostname
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("xb") as file:
            _fetch(url, file)
        new = read_database(beside, today=today, wanted=())
        if path.exists() and _older(new, path, today):
            raise InputError(f"{host} gives a database of {new.date}, older than {path.name}, which is kept")
        beside.replace(path)
    except UsageError:
        raise
    except InputError as error:
        raise InputError(str(error).replace(beside.name, f"what {host} gives")) from None
    except OSError as error:
        why = getattr(error, "reason", None) or error.strerror or type(error).__name__
        raise InputError(
            f"cannot fetch advisories from {host}: {why}; where there is no network, bring a zip of OSV records "
            "and name it with --db"
        ) from None
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
    return new


def _older(new: Database, path: Path, today: datetime.date) -> bool:
    try:
        old = read_database(path, today=today, wanted=())
    except InputError:
        return False
    return old.date is not None and (new.date is None or new.date < old.date)


def _fetch(url: str, file: IO[bytes]) -> None:
    opener = urllib.request.build_opener(Redirects())
    request = urllib.request.Request(url, headers={"User-Agent": "modelward"})  # noqa: S310 - checked
    with opener.open(request, timeout=_TIMEOUT) as answer:
        promised = answer.headers.get("Content-Length")
        total = 0
        while chunk := answer.read(1 << 20):
            total += len(chunk)
            if total > MAX_DOWNLOAD:
                raise InputError(f"what comes has over {MAX_DOWNLOAD:,} bytes: no database of advisories has")
            file.write(chunk)
        if promised is not None and promised.isdecimal() and total < int(promised):
            raise OSError(None, f"the answer ends after {total:,} of {int(promised):,} bytes")
    file.flush()
    os.fsync(file.fileno())


def ask_osv(
    packages: Iterable[Package], url: str, *, today: datetime.date
) -> tuple[Database, tuple[Vulnerability, ...]]:
    """Ask an OSV server about each package, through pip-audit; names and versions leave this machine.

    Parameters
    ----------
    packages : iterable of Package
    url : str
        Of its query, such as ``https://api.osv.dev/v1/query``.
    today : date
        The date of the answers.

    Returns
    -------
    database : Database
        Its name is that of the server; no advisory is in it.
    holes : tuple of Vulnerability

    Raises
    ------
    InputError
        If the server does not answer every question: half an answer would look like a clean one.
    """
    check_url(url)
    service_module = need("pip_audit._service.osv", "pip-audit")
    host = urlsplit(url).hostname or url
    database = Database(host, today)
    holes: list[Vulnerability] = []
    with tempfile.TemporaryDirectory() as cache:
        service = service_module.OsvService(cache_dir=Path(cache), timeout=_TIMEOUT, osv_url=url)
        try:
            for package in packages:
                version = parse(package.version)
                if version is None:
                    continue
                results = _query(service, package.name, version)
                database.records += len(results)
                holes += _holes(service, package, version, results)
        finally:
            service.session.close()
    return database, tuple(holes)


def _query(service: Any, name: str, version: Any) -> list[Any]:
    interface = need("pip_audit._service.interface", "pip-audit")
    try:
        _, results = service.query(interface.ResolvedDependency(name, version))
    except Exception as error:  # noqa: BLE001 - whatever a server or its library does wrong, it is no clean answer
        why = str(error.__cause__ or error)[:200] or type(error).__name__
        raise InputError(f"the OSV server did not answer about {name} {version}: {why}") from None
    found: list[Any] = results
    return found


def _holes(service: Any, package: Package, version: Any, results: list[Any]) -> list[Vulnerability]:
    fixes: dict[str, set[Any]] = {}
    for one in results:
        # Two records may have one name here: pip-audit calls each by its alias of PyPA's where there is one.
        fixes.setdefault(one.id, set()).update(v for v in one.fix_versions if v > version)
    told = [
        Advisory(one.id, tuple(sorted(one.aliases)), " ".join(one.description.split())[:300],
                 one.published.date().isoformat() if one.published else "", {})
        for one in results
    ]  # fmt: skip
    upgrade = ""
    for candidate in sorted({v for ends in fixes.values() for v in ends})[:_CANDIDATES]:
        if not _query(service, package.name, candidate):
            upgrade = str(candidate)
            break
    found = []
    for group in merged(told):
        ids = dict.fromkeys(name for a in group for name in (a.id, *a.aliases))
        fixed = sorted({v for a in group for v in fixes[a.id]})
        published = min(a.published for a in group)
        found.append(
            Vulnerability(package, tuple(ids), group[0].summary, published, tuple(map(str, fixed)), upgrade)
        )
    return found
