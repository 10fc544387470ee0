"""What a package index tells of a project's releases, where a person asks one: yanked, withdrawn, abandoned."""

from __future__ import annotations

import base64
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from modelward.dependencies._online import Redirects, check_url
from modelward.dependencies._packages import Doubt
from modelward.dependencies._ranges import parse
from modelward.dependencies._simple import ACCEPT, ProjectPage, read_page
from modelward.errors import InputError

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator

    from modelward.dependencies._packages import Inventory, Package

QUIET_DAYS = 3 * 365
"""Days without a release after which a project is called abandoned; that is of low severity."""
MAX_PAGE = 100_000_000
_TIMEOUT, _AT_ONCE, _TRIES = 30, 8, 3


@dataclass(frozen=True)
class IndexAnswer:
    """What an index told.

    Parameters
    ----------
    name : str
        Its host.
    asked : int
        Projects that it was asked about.
    dated : bool
        Whether it tells when files were uploaded: without that nothing is called abandoned.
    doubts : tuple of Doubt
    """

    name: str
    asked: int = 0
    dated: bool = False
    doubts: tuple[Doubt, ...] = ()


def ask_index(inventory: Inventory, url: str, *, today: datetime.date) -> IndexAnswer:
    """Ask an index about each package of an inventory; their names leave this machine.

    Parameters
    ----------
    inventory : Inventory
    url : str
        Of its simple pages; user and password in it are sent to it alone.
    today : date

    Raises
    ------
    InputError
        If it does not answer every question: what it did not say would look like nothing to say.
    UsageError
        If the URL is none that can be trusted.
    """
    base, headers = _address(url)
    packages = [p for p in (*inventory.packages, *inventory.unresolved) if p.kind == "index"]
    names = list(dict.fromkeys(p.name for p in packages))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        pages = dict(zip(names, pool.map(lambda name: _ask(base, name, headers), names), strict=True))
    host = urlsplit(base).hostname or base
    confused = any(doubt.rule == "extra-index" for doubt in inventory.doubts)
    doubts = [d for p in packages for d in _doubts(p, pages[p.name], host, today, confused=confused)]
    dated = any(page is not None and page.last for page in pages.values())
    return IndexAnswer(host, len(names), dated, tuple(dict.fromkeys(doubts)))


def _address(url: str) -> tuple[str, dict[str, str]]:
    """Return a URL without user and password, and the headers that say them."""
    headers = {"Accept": ACCEPT, "User-Agent": "modelward"}
    try:
        parts = urlsplit(url)
        plain = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
    except ValueError:
        plain, user, password = url.rpartition("@")[2], "", ""
    check_url(plain)
    if user or password:
        # Redirects elsewhere do not get it: urllib takes an unredirected header no further.
        headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    return plain, headers


def _ask(base: str, name: str, headers: dict[str, str]) -> ProjectPage | None:
    """Return the page of a project; None if the index does not have it."""
    request = urllib.request.Request(f"{base}/{name}/")  # noqa: S310 - checked
    for key, value in headers.items():
        request.add_unredirected_header(key, value) if key == "Authorization" else request.add_header(
            key, value
        )
    why = ""
    for _ in range(_TRIES):
        try:
            with urllib.request.build_opener(Redirects()).open(request, timeout=_TIMEOUT) as answer:
                body: bytes = answer.read(MAX_PAGE + 1)
                kind = str(answer.headers.get("Content-Type", ""))
            if len(body) > MAX_PAGE:
                raise ValueError(f"a page of over {MAX_PAGE:,} bytes")
            return read_page(body, kind)
        except urllib.error.HTTPError as error:
            if error.code in (404, 410):
                return None
            why = f"{error.code} {error.reason}"
            if error.code < 500:
                break
        except (OSError, ValueError) as error:
            why = str(getattr(error, "reason", None) or error)
    host = urlsplit(base).hostname
    raise InputError(
        f"the index {host} did not answer about {name}: {why[:200]}; leave --index out to go without"
    )


def _doubts(
    package: Package, page: ProjectPage | None, host: str, today: datetime.date, *, confused: bool
) -> Iterator[Doubt]:
    def doubt(rule: str, text: str, *, severe: bool = False, minor: bool = False) -> Doubt:
        return Doubt(rule, package.path, package.line, text, severe, minor)

    name, version = package.name, parse(package.version)
    if page is None:
        danger = (
            ": whoever registers the name there is installed, as an extra index is asked beside it" * confused
        )
        yield doubt("not-on-index", f"{host} does not have {name}{danger}", severe=confused)
        return
    why = f": {page.reason}" if page.reason else ""
    if page.status == "quarantined":
        yield doubt("quarantined", f"{host} holds {name} back as unsafe{why}: take it out and look at where it ran",
                    severe=True)  # fmt: skip
    elif page.status != "active":
        yield doubt(
            page.status, f"{name} is {page.status}{why}: no mending of it can be expected, replace it"
        )
    elif page.last is not None and (today - page.last).days > QUIET_DAYS:
        years = (today - page.last).days // 365
        yield doubt("abandoned", f"{name} has had no release since {page.last}, {years} years: look whether anybody "
                    "looks after it", minor=True)  # fmt: skip
    if version is None or page.status == "quarantined":
        return
    if version in page.yanked:
        said = f": {page.yanked[version]}" if page.yanked[version] else ""
        yield doubt("yanked", f"{name} {package.version} was yanked by those who made it{said}; take another release",
                    severe=True)  # fmt: skip
    elif version not in page.releases:
        yield doubt("not-on-index", f"{host} has {name}, but no release {package.version}: it was removed, or comes "
                    "from elsewhere")  # fmt: skip
