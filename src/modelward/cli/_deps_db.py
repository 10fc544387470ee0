"""Where `modelward deps` has its advisories from: a file, a fresh download, or a server that is asked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelward.errors import UsageError

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Sequence

    from modelward.dependencies import Bulletin, Database, Inventory, Vulnerability

MISSING = "there is no advisory database: name one with --db, or fetch one with --update-db"


def network_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say where advisories come from over the network."""
    for option in (
        click.option("--offline", is_flag=True, help="Refuse to ask the network."),
        click.option("--since", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE",
                     help="Also list the advisories published since then that are about its packages."),
        click.option("--index", metavar="URL",
                     help="Ask this package index (its simple pages, https://HOST/simple) for yanked, withdrawn and "
                          "abandoned releases: names of packages go there."),
        click.option("--osv-url", metavar="URL",
                     help="Ask this OSV server instead of a database: names and versions of packages go there."),
        click.option("--db-url", metavar="URL", help="Where --update-db fetches from.  [default: OSV]"),
        click.option("--update-db", is_flag=True,
                     help="First fetch the current advisories, into --db or the user's cache."),
    ):  # fmt: skip
        command = option(command)
    return command


def check_network(
    db: Path | None,
    *,
    update: bool,
    db_url: str | None,
    osv_url: str | None,
    index: str | None,
    since: object,
    offline: bool,
) -> None:
    """Refuse options that exclude each other, before any work is done.

    Raises
    ------
    UsageError
    """
    if offline and (update or osv_url or index):
        raise UsageError("--offline excludes --update-db, --osv-url and --index: they ask the network")
    if osv_url and (db or update):
        raise UsageError("--osv-url asks a server instead of a database: leave --db and --update-db out")
    if db_url and not update:
        raise UsageError("--db-url says where --update-db fetches from: add --update-db")
    if since and osv_url:
        raise UsageError("--since looks into a database: leave --osv-url out")


def advisories(
    inventory: Inventory, db: Path | None, *, update: bool, db_url: str | None, osv_url: str | None,
    today: datetime.date,
) -> tuple[Database | None, tuple[Vulnerability, ...]]:  # fmt: skip
    """Return the database, and the holes of a project's packages.

    Raises
    ------
    InputError
        If the network does not give what is asked for.
    """
    from modelward.dependencies import (
        DATABASE_URL,
        ask_osv,
        audit,
        cache_folder,
        cached_database,
        read_database,
        update_database,
    )

    if osv_url:
        return ask_osv(inventory.packages, osv_url, today=today)
    environment = os.environ.get("MODELWARD_ADVISORIES")
    cached = cached_database()
    named = db or (Path(environment) if environment else None)
    if update:
        named = named or cached
        if named is None:
            raise UsageError("--update-db has no home folder to write to: name a file with --db")
        update_database(named, db_url or DATABASE_URL, today=today)
    elif named is None and cached is not None and cached.is_file():
        named = cached
    if named is None:
        return None, ()
    wanted = {p.name for p in (*inventory.packages, *inventory.unresolved)}
    database = read_database(named, today=today, wanted=wanted, cache=cache_folder())
    return database, audit(inventory.packages, database)


def news_since(
    inventory: Inventory, database: Database | None, since: datetime.datetime | None
) -> tuple[Bulletin, ...] | None:
    """Return the advisories published since a day about the packages; None if nobody asked.

    Raises
    ------
    UsageError
        If there is no database to look into.
    """
    from modelward.dependencies import bulletins

    if since is None:
        return None
    if database is None:
        raise UsageError("--since needs a database: name one with --db, or fetch one with --update-db")
    return bulletins((*inventory.packages, *inventory.unresolved), database, since.date())


def news_lines(news: Sequence[Bulletin] | None) -> list[str]:
    """Return what is printed of them for a person."""
    if news is None:
        return []
    many = "1 advisory since then is" if len(news) == 1 else f"{len(news)} advisories since then are"
    lines = [f"{many} about these packages" + ":" * bool(news)]
    said = {True: "hits this version", False: "another version", None: "version not known"}
    lines += [
        f"{b.published:13} {b.package} {b.version}  {', '.join(b.ids[:3])} ({said[b.affected]}): {b.summary}"
        for b in news
    ]
    return lines
