"""Which versions an OSV record affects.

Source: the OSV schema 1.6, "evaluation algorithm"; versions are compared by PEP 440.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from modelward.dependencies._extra import need

_ZEROS = re.compile(r"^((?:\d+!)?\d+(?:\.\d+)*?)(?:\.0)+(?=$|[a-z+]|\.[a-z])")


@dataclass(frozen=True)
class Affected:
    """What one record says of one package.

    Parameters
    ----------
    versions : frozenset of str
        Versions that are named, as `one_form` writes them; those that are no version of PEP 440 are left out.
    spans : tuple of (low, high, last)
        Each begins at `low` (None: the first), ends before `high` (None: never), or with `last`.
    broken : int
        Ranges that make no sense and were skipped.
    """

    versions: frozenset[str]
    spans: tuple[tuple[Any, Any, Any], ...]
    broken: int = 0

    def covers(self, version: Any) -> bool:
        """Say whether a version is affected."""
        return any(_within(version, span) for span in self.spans) or one_form(version) in self.versions

    def fixes(self) -> set[Any]:
        """Return the versions that end a range."""
        return {high for _, high, _ in self.spans if high is not None}


def _within(version: Any, span: tuple[Any, Any, Any]) -> bool:
    low, high, last = span
    return (
        (low is None or version >= low)
        and (high is None or version < high)
        and (last is None or version <= last)
    )


def read_affected(entry: dict[str, Any]) -> Affected:
    """Read one entry of ``affected``; nonsense is counted."""
    named = entry.get("versions")
    parsed = map(parse, named if isinstance(named, list) else [])
    versions = frozenset(one_form(version) for version in parsed if version is not None)
    spans: list[tuple[Any, Any, Any]] = []
    broken = 0
    ranges = entry.get("ranges")
    for one in ranges if isinstance(ranges, list) else []:
        if not isinstance(one, dict) or one.get("type") == "GIT":
            broken += not isinstance(one, dict)
            continue
        found = _spans(one.get("events"))
        if found is None:
            broken += 1
        else:
            spans += found
    return Affected(versions, tuple(spans), broken)


def one_form(version: Any) -> str:
    """Return a text that two versions share if, and only if, they are equal.

    Examples
    --------
    >>> one_form(parse("1.0.0")), one_form(parse("v1.0RC1"))
    ('1', '1rc1')
    """
    return _ZEROS.sub(r"\1", str(version))


def parse(text: Any) -> Any:
    """Return a version; None if it is none of PEP 440."""
    return _version(text) if isinstance(text, str) and len(text) <= 200 else None


@lru_cache(maxsize=100_000)
def _version(text: str) -> Any:
    # Advisories about one package name the same versions again and again.
    version = need("packaging.version", "packaging")
    try:
        return version.Version(text)
    except version.InvalidVersion:
        return None


def _spans(events: Any) -> list[tuple[Any, Any, Any]] | None:
    """Return the spans of one range; None if its events make no sense."""
    if not isinstance(events, list) or not events:
        return None
    marks: list[tuple[Any, int, str]] = []
    first = False
    for event in events:
        if not isinstance(event, dict) or len(event) != 1:
            return None
        ((word, text),) = event.items()
        if word == "introduced" and text == "0":
            first = True
            continue
        if word == "limit":
            continue
        at = parse(text)
        if at is None or word not in ("introduced", "fixed", "last_affected"):
            return None
        marks.append((at, {"fixed": 0, "introduced": 1, "last_affected": 2}[word], word))
    return _walk(sorted(marks, key=lambda mark: mark[:2]), first=first)


def _walk(marks: list[tuple[Any, int, str]], *, first: bool) -> list[tuple[Any, Any, Any]] | None:
    spans: list[tuple[Any, Any, Any]] = []
    open_, low = first, None
    if not first and not any(word == "introduced" for _, _, word in marks):
        return None
    for at, _, word in marks:
        if word == "introduced":
            if not open_:
                open_, low = True, at
        elif open_:
            spans.append((low, at, None) if word == "fixed" else (low, None, at))
            open_ = False
        elif not spans:
            return None
    if open_:
        spans.append((low, None, None))
    return spans
