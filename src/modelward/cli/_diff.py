"""`modelward diff`: what changed between two model files, or two tables? Models are read and never loaded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from modelward.artifacts import Artifact, Difference

_COLOURS = {"clean": "green", "suspicious": "yellow", "malicious": "red", "unreadable": "magenta"}
_SHOWN = 50
_SUFFIXES = (".json", ".md", ".html", ".sarif", ".txt")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("before", metavar="A", type=click.Path(path_type=str))
@click.argument("after", metavar="B", type=click.Path(path_type=str))
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="How to print the result.",
)  # fmt: skip
@click.option(
    "-o", "--out", "outs", metavar="FILE", multiple=True, type=click.Path(path_type=str),
    help="Also write it to FILE (.json, .md, .html, .sarif or .txt); may be repeated.",
)  # fmt: skip
@click.option(
    "--secret", metavar="FILE", type=click.Path(path_type=str),
    help="The secret that a manifest's hashes are keyed with, to compare it with a table.",
)  # fmt: skip
def diff(before: str, after: str, form: str, outs: tuple[str, ...], secret: str | None) -> int:
    """Show what changed between two model files, without loading them, or between two tables.

    A and B are model files, such as the one that was trained and the one that is deployed. What changed is named
    by path: `classes_: [0, 1] → [1, 1]` or `trees[3].threshold[7]: 21.5 → 99`. A model that was only loaded
    and saved again, in whatever way, shows no change. Values that may be rows of training data are counted, not
    shown.

    \b
        modelward diff trained.pkl deployed.pkl
        modelward diff trained.pkl deployed.joblib --format json -o what-changed.html

    For tables, A and B are tables or manifests of them (`modelward fingerprint -o`): the columns and blocks of rows
    that changed are named. Two manifests suffice; nobody needs both tables.

    \b
        modelward diff train.manifest.toml delivered.csv

    Exit codes: 0 the same model or values; 1 they differ; 2 a file is not there; 3 one could not be read to its end.
    """
    from modelward.artifacts import diff as compare
    from modelward.artifacts import read_artifact
    from modelward.errors import UsageError

    for out in outs:
        if Path(out).suffix.lower() not in _SUFFIXES:
            raise UsageError(f"-o {out}: the format goes by the suffix; use {', '.join(_SUFFIXES)}")
    if _tabular(before, after):
        return _tables(before, after, form, outs, secret)
    if secret is not None:
        raise UsageError("--secret goes with tables and their manifests")
    pair = (read_artifact(before), read_artifact(after))
    found = compare(*pair)
    colour = False if os.environ.get("NO_COLOR") else None
    if form == "json":
        click.echo(render(".json", pair, found), nl=False)
    else:
        click.echo(_text(pair, found, limit=_SHOWN, colour=True), nl=False, color=colour)
    for out in outs:
        _write(out, render(Path(out).suffix.lower(), pair, found))
    if found.changes:
        return 1
    return 0 if found.complete else 3


def _tabular(before: str, after: str) -> bool:
    from modelward.tables import is_table
    from modelward.tables.manifest import is_manifest

    sides = (before, after)
    return any(is_manifest(side) for side in sides) or all(is_table(side) for side in sides)


def _tables(before: str, after: str, form: str, outs: tuple[str, ...], secret: str | None) -> int:
    from modelward.cli import _diff_data
    from modelward.tables.manifest import compare_manifests

    names = (before, after)
    pair = _diff_data.manifests(before, after, secret)
    found = compare_manifests(*pair)
    shown = _diff_data.text(names, pair, found)
    click.echo(_diff_data.render(".json", names, pair, found) if form == "json" else shown, nl=False)
    for out in outs:
        _write(out, _diff_data.render(Path(out).suffix.lower(), names, pair, found))
    return 0 if found.same else 1


def render(suffix: str, pair: tuple[Artifact, Artifact], found: Difference) -> str:
    """Return the difference in the format of a suffix."""
    if suffix == ".json":
        import json

        return json.dumps(to_dict(pair, found), indent=2) + "\n"
    if suffix == ".sarif":
        from modelward.cli._sarif import of_difference

        return of_difference((pair[0].path, pair[1].path), found.changes, reason=found.reason)
    if suffix == ".txt":
        return _text(pair, found, limit=None, colour=False)
    from modelward.cli import _diff_page

    return _diff_page.html(pair, found) if suffix == ".html" else _diff_page.markdown(pair, found)


def to_dict(pair: tuple[Artifact, Artifact], found: Difference) -> dict[str, Any]:
    """Return the JSON contract, version 1."""
    import dataclasses

    files = [
        {"path": side.path, "format": side.format, "verdict": side.verdict, "reasons": list(side.reasons)}
        for side in pair
    ]
    return {
        "schema_version": 1,
        "same": found.same,
        "complete": found.complete,
        "reason": found.reason,
        "files": files,
        "changes": [dataclasses.asdict(change) for change in found.changes],
    }


def summary(pair: tuple[Artifact, Artifact], found: Difference) -> str:
    """Return the one sentence that says it."""
    if found.changes:
        count = len(found.changes)
        more = "" if found.complete else f" Not all was compared: {found.reason}."
        return f"{count:,} change{'s' * (count != 1)}.{more}"
    if not found.complete and found.same:
        return f"The bytes are the same, but {found.reason}."
    if not found.complete:
        return f"Nothing can be said: {found.reason}."
    if pair[0].data == pair[1].data:
        return "The same model: the bytes are the same."
    return "The same model, written in another way: no change."


def _text(pair: tuple[Artifact, Artifact], found: Difference, *, limit: int | None, colour: bool) -> str:
    lines = []
    for letter, side in zip("AB", pair, strict=True):
        word = f"{side.verdict:10}"
        word = click.style(word, fg=_COLOURS[side.verdict], bold=True) if colour else word
        lines.append(f"{letter}  {word}  {side.path}  ({side.format})")
        lines += [f"   - {reason}" for reason in side.reasons[:3] if side.verdict != "clean"]
    lines.append("")
    cut = found.changes[:limit]
    for change in cut:
        lines.append(f"{change.path}: {change.before} → {change.after}")
        if change.path.split(".")[-1] == "classes_":
            lines.append("   the scores stay as they are and are answered under other labels, place by place")
    if len(cut) < len(found.changes):
        lines.append(f"and {len(found.changes) - len(cut):,} more (--format json shows all)")
    if cut:
        lines.append("")
    return "\n".join([*lines, summary(pair, found)]) + "\n"


def _write(out: str, content: str) -> None:
    from modelward.artifacts import whole_file

    with whole_file(out, mode=0o666, force=True) as file:
        file.write(content.encode("utf-8", "backslashreplace"))
