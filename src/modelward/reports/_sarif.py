"""SARIF 2.1.0: findings where code scanning shows them, at the very line.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from modelward._version import __version__
from modelward.reports._sarif_lines import Lines, about_secret
from modelward.taxonomy import mode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelward.findings import Finding, Verdict

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_KINDS: dict[Verdict, tuple[str, str]] = {
    "fail": ("fail", "error"), "warn": ("fail", "warning"), "inconclusive": ("open", "none"),
}  # fmt: skip
_SCORES = {"low": "3.0", "medium": "5.5", "high": "8.0", "critical": "9.5"}


def render_sarif(
    findings: Iterable[Finding],
    *,
    verb: str,
    complete: bool,
    prefix: str = "",
    about: str = "",
    notes: Sequence[str] = (),
    look: bool = True,
) -> str:
    """Return findings as SARIF; what passed, was only measured, or is ignored is left out.

    Parameters
    ----------
    findings : iterable of Finding
    verb : str
        The command that found them.
    complete : bool
        Whether everything that was asked for could be looked at.
    prefix : str
        The folder that locations are relative to.
    about : str
        The file that a finding without a place of its own is about.
    notes : sequence of str
        What could not be looked at.
    look : bool
        Whether fingerprints may know the text at a place: not where it is a row of somebody's data.
    """  # fmt: skip
    told = [f for f in findings if f.ignored is None]
    shown = [
        part for f in told for part in (f.parts or (f,)) if part.ignored is None and part.verdict in _KINDS
    ]
    rules = {f.code: _rule(f) for f in sorted(shown, key=lambda f: f.code)}
    marks: dict[int, str] = {}
    order = {code: i for i, code in enumerate(rules)}
    seen: Counter[str] = Counter()
    lines = Lines() if look else None
    # Of equal findings in equal surroundings the later one in the file is the later one here.
    for finding in sorted(shown, key=_line_of):
        marks[id(finding)] = _mark(finding, prefix, about, seen, lines)
    run = {
        "tool": {"driver": {"name": "modelward", "version": __version__, "rules": list(rules.values())}},
        "automationDetails": {"id": f"modelward/{verb}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The root of the repository."}}},
        "invocations": [
            {
                "executionSuccessful": complete,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": _text(n)}} for n in notes
                ],
            }
        ],
        "results": [_result(f, order[f.code], prefix, about, marks[id(f)]) for f in shown],
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _rule(finding: Finding) -> dict[str, Any]:
    row = mode(finding.number)
    return {
        "id": finding.code,
        "name": "".join(word.capitalize() for word in re.findall(r"\w+", row.name)),
        "shortDescription": {"text": _text(row.name)},
        "fullDescription": {"text": _text(row.explanation)},
        "help": {"text": f"modelward explain {finding.code}"},
        "properties": {
            "security-severity": _SCORES[finding.severity],
            "tags": ["security", "machine-learning"],
        },
    }


def _line_of(finding: Finding) -> int:
    return _split(finding.location or "")[1]


def _mark(finding: Finding, prefix: str, about: str, seen: Counter[str], lines: Lines | None) -> str:
    """Return what a result is known by: its code, place and title, and the text there, whatever its line is."""
    where = finding.location or about
    uri, _, inner = _place(where or "pyproject.toml", prefix)
    path, line, _ = _split(where)
    text = (
        ""
        if lines is None or not line or about_secret(finding)
        else lines.at(Path.cwd() / prefix / path, line)
    )
    key = "\0".join((finding.code, uri, inner, finding.title, text))
    seen[key] += 1
    return hashlib.sha256(f"{key}\0{seen[key]}".encode("utf-8", "backslashreplace")).hexdigest()


def _result(finding: Finding, index: int, prefix: str, about: str, mark: str) -> dict[str, Any]:
    uri, line, inner = _place(finding.location or about or "pyproject.toml", prefix)
    kind, level = _KINDS[finding.verdict]
    advice = " ".join(f"{c.title}." for c in finding.countermeasures[:1])
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": uri, "uriBaseId": "SRCROOT"},
            # A binary has no lines, and viewers want one.
            "region": {"startLine": line, **({} if line > 1 else {"startColumn": 1})},
        }
    }
    if inner:
        location["logicalLocations"] = [{"fullyQualifiedName": _text(inner), "kind": "member"}]
    return {
        "ruleId": finding.code, "ruleIndex": index, "kind": kind, "level": level,
        "message": {"text": _text(f"{finding.title}: {finding.summary} {advice}".strip())},
        "locations": [location],
        "partialFingerprints": {"modelward/v1": mark},
        "properties": {"verdict": finding.verdict, "severity": finding.severity},
    }  # fmt: skip


def _place(location: str, prefix: str) -> tuple[str, int, str]:
    """Split a location into a relative URI, a line, and a member of a container."""
    path, line, inner = _split(location)
    uri = quote("/".join(_parts(path, prefix)).encode("utf-8", "surrogateescape")) or "pyproject.toml"
    return uri, max(1, line), inner


def _split(location: str) -> tuple[str, int, str]:
    """Split a location into a path, a line (0 if it has none) and a member of a container."""
    outer, _, inner = location.partition("!/")
    found = re.fullmatch(r"(.+?):(\d{1,9})", outer)
    return (found[1], int(found[2]), inner) if found else (outer, 0, inner)


def _parts(path: str, prefix: str) -> list[str]:
    """Return a path relative to the repository that it lies in, else to the current folder.

    Of a file that lies in neither only what the user said is left: no name of a folder of this machine leaves it.
    """
    here = Path.cwd()
    full = Path(os.path.normpath(here / prefix / path))
    root = next((folder for folder in full.parents if (folder / ".git").exists()), here)
    if full.is_relative_to(root):
        return list(full.relative_to(root).parts)
    plain = Path(path)
    parts = (plain.name,) if plain.is_absolute() else plain.parts
    return [part for part in parts if part not in (".", "..", "/")]


def _text(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8") or "-"
