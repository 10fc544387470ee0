"""The page of one project in a package index: which releases it has, which were yanked, what becomes of it.

Source: the simple repository API (PEP 503, 592, 691, 700) and project status markers (PEP 792).
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urlsplit

from modelward.dependencies._extra import need
from modelward.dependencies._ranges import parse

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
STATUSES = ("active", "archived", "deprecated", "quarantined")
_MOST_WORDS = 200


@dataclass(frozen=True)
class ProjectPage:
    """What an index says of one project.

    Parameters
    ----------
    status, reason : str
        One of `STATUSES`, and what was said about it.
    releases : frozenset
        Versions, parsed.
    yanked : dict
        Versions of which every file was yanked, with the reason that was given.
    last : date or None
        Of the newest upload; None if the index does not tell.
    """

    status: str = "active"
    reason: str = ""
    releases: frozenset[Any] = frozenset()
    yanked: dict[Any, str] = field(default_factory=dict)
    last: datetime.date | None = None


def read_page(body: bytes, kind: str) -> ProjectPage:
    """Read a page by its content type.

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> page = read_page(b'<a href="a-1.tar.gz" data-yanked="broken">a-1.tar.gz</a>', "text/html")
    >>> {str(version): why for version, why in page.yanked.items()}
    {'1': 'broken'}
    """
    if kind.partition(";")[0].strip().endswith("json"):
        return _from_json(body)
    return _from_html(body.decode("utf-8", "replace"))


def _from_json(body: bytes) -> ProjectPage:
    try:
        document: Any = json.loads(body)
        files = [f for f in document["files"] if isinstance(f, dict)]
    except (KeyError, TypeError, RecursionError):
        raise ValueError("no page of a project in the form of PEP 691") from None
    said = document.get("project-status")
    said = said if isinstance(said, dict) else {}
    named = document.get("versions")
    more = {v for v in map(parse, named if isinstance(named, list) else []) if v is not None}
    told = [(_text(f.get("filename")), f.get("yanked") or False) for f in files]
    days = [day for f in files if (day := _day(f.get("upload-time")))]
    return _page(_text(said.get("status")), _text(said.get("reason")), told, more, max(days, default=None))


def _from_html(text: str) -> ProjectPage:
    reader = _Links()
    reader.feed(text)
    status, reason = (reader.said.get(f"pypi:project-status{end}", "") for end in ("", "-reason"))
    page = _page(status, reason, reader.files, set(), None)
    if not page.releases and not any(name.startswith("pypi:") for name in reader.said):
        raise ValueError("no page of a project: no link of it is a release")
    return page


class _Links(HTMLParser):
    """Collects links to files and what the page says of its project."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[tuple[str, Any]] = []
        self.said: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "meta" and given.get("name"):
            self.said[str(given["name"])] = given.get("content") or ""
        if tag == "a" and given.get("href"):
            name = unquote(urlsplit(str(given["href"])).path.rpartition("/")[2])
            self.files.append((name, given["data-yanked"] or True if "data-yanked" in given else False))


def _page(
    status: str, reason: str, files: list[tuple[str, Any]], more: set[Any], last: datetime.date | None
) -> ProjectPage:
    releases: dict[Any, list[Any]] = {}
    for name, yanked in files:
        version = _release(name)
        if version is not None:
            releases.setdefault(version, []).append(yanked)
    gone = {
        version: next((" ".join(y.split())[:_MOST_WORDS] for y in said if isinstance(y, str)), "")
        for version, said in releases.items()
        if all(y is not False and y is not None for y in said)
    }
    known = status if status in STATUSES else "active"
    return ProjectPage(
        known, " ".join(reason.split())[:_MOST_WORDS], frozenset(more | set(releases)), gone, last
    )


def _release(filename: str) -> Any:
    """Return the version that a file is of; None if its name does not tell."""
    utils = need("packaging.utils", "packaging")
    try:
        if filename.endswith(".whl"):
            return utils.parse_wheel_filename(filename)[1]
        return utils.parse_sdist_filename(filename)[1]
    except (utils.InvalidWheelFilename, utils.InvalidSdistFilename, ValueError):
        # Files of old forms, such as .egg and .tar.bz2; their names end with the version before the suffix.
        stem = filename.removesuffix(".tar.bz2").removesuffix(".egg").removesuffix(".tgz")
        return parse(stem.partition("-py")[0].rpartition("-")[2])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _day(value: Any) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(_text(value)[:10])
    except ValueError:
        return None
