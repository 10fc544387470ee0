"""`modelward scan`: is a model file safe to load? It is read and never loaded."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelward.artifacts import Artifact
    from modelward.findings import Finding

_COLOURS = {"clean": "green", "suspicious": "yellow", "malicious": "red", "unreadable": "magenta"}
_SHOWN_REASONS = 5
_ADVICE = {
    "malicious": "Do not load it: it runs what its author chose.",
    "suspicious": "Read the code behind these names before you load it.",
    "unreadable": "Nothing is known about it; do not take it for clean.",
}


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=str))
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="How to print the result.",
)  # fmt: skip
@click.option(
    "-o", "--out", "outs", metavar="FILE", multiple=True, type=click.Path(path_type=str),
    help="Also write it to FILE (.json or .txt); may be repeated.",
)  # fmt: skip
def scan(paths: tuple[str, ...], form: str, outs: tuple[str, ...]) -> int:
    """Say whether model files are safe to load, without loading them.

    PATH is a file, or a directory to walk. Pickle and joblib files are read, compressed or not; anything else
    is called unreadable, by name, and never clean.

    Exit codes: 0 all clean; 1 malicious or suspicious; 2 nothing to scan; 3 something could not be read.
    """
    from modelward.errors import InputError, UsageError

    for out in outs:
        if Path(out).suffix not in (".json", ".txt"):
            raise UsageError(f"-o {out}: the format goes by the suffix; use .json or .txt")
    text = form == "text"
    found: list[Artifact] = []
    missing: list[str] = []
    progress = not text and sys.stderr.isatty()
    for path in _files(paths):
        artifact, problem = _read(path)
        if problem and path in paths:
            missing.append(problem)
        found.append(artifact)
        if text:
            click.echo("\n".join(_lines(artifact, colour=True)), color=_colour())
        elif progress:
            click.echo(f"\r{len(found):,} files", nl=False, err=True)
    if progress:
        click.echo("\r", nl=False, err=True)
    if missing and len(missing) == len(found):
        raise InputError("; ".join(missing[:3]))
    if text:
        click.echo(_summary(found))
    else:
        click.echo(_json(found), nl=False)
    for out in outs:
        _write(Path(out), found)
    return _exit_code(found)


def _colour() -> bool | None:
    return False if os.environ.get("NO_COLOR") else None


def _files(paths: tuple[str, ...]) -> Iterator[str]:
    """Yield the files of every path in a stable order; directories are walked, links to them not followed."""
    for path in paths:
        if not Path(path).is_dir():
            yield path
            continue
        unreadable: list[str] = []
        for folder, inner, names in os.walk(path, onerror=lambda e: unreadable.append(str(e.filename))):  # noqa: B023
            inner.sort()
            for name in sorted(names):
                yield os.path.join(folder, name)  # noqa: PTH118 - names need not be UTF-8
        yield from unreadable


def _read(path: str) -> tuple[Artifact, str]:
    """Read one file; whatever is wrong with it is its own verdict and never stops the rest."""
    from dataclasses import replace

    from modelward.artifacts import Artifact, read_artifact
    from modelward.errors import InputError

    try:
        # A directory may hold many files: what was read of each goes at once.
        return replace(read_artifact(path), data=b"", root=None), ""
    except InputError as error:
        shown, _, reason = str(error).rpartition(": ")
        return Artifact(shown or path, "none", b"", "unreadable", (reason,)), str(error)
    except MemoryError:
        return Artifact(
            path, "unknown", b"", "unreadable", ("reading it takes more memory than there is",)
        ), ""


def _lines(artifact: Artifact, *, colour: bool) -> list[str]:
    """Return an artifact's lines for a person."""
    verdict = artifact.verdict
    word = click.style(f"{verdict:10}", fg=_COLOURS[verdict], bold=True) if colour else f"{verdict:10}"
    names = len(artifact.globals)
    about = artifact.format + (f", {names} name{'s' * (names != 1)}" if names else "")
    lines = [f"{word}  {artifact.path}  ({about})"]
    lines += [f"            - {reason}" for reason in artifact.reasons[:_SHOWN_REASONS]]
    if len(artifact.reasons) > _SHOWN_REASONS:
        lines.append(
            f"            - and {len(artifact.reasons) - _SHOWN_REASONS} more (--format json shows all)"
        )
    if verdict in _ADVICE:
        lines.append(f"            {_ADVICE[verdict]}")
    return lines


def _summary(found: list[Artifact]) -> str:
    if not found:
        return "No files to scan."
    counts = {verdict: sum(a.verdict == verdict for a in found) for verdict in _COLOURS}
    parts = [f"{count} {verdict}" for verdict, count in counts.items() if count]
    return f"{len(found)} file{'s' * (len(found) != 1)} scanned: {', '.join(parts)}."


def _exit_code(found: list[Artifact]) -> int:
    verdicts = {artifact.verdict for artifact in found}
    if verdicts & {"malicious", "suspicious"}:
        return 1
    return 3 if "unreadable" in verdicts or not found else 0


def _findings(artifact: Artifact) -> list[Finding]:
    """Return what the scan of one file found; nothing for a clean one."""
    from modelward.findings import Countermeasure, Finding
    from modelward.taxonomy import mode

    if artifact.verdict == "clean":
        return []
    row = mode(9)
    unknown, dangerous = (
        "Unknown names in the model file",
        "Names in the model file that run code when it is loaded",
    )
    suspicious = artifact.verdict == "suspicious"
    return [
        Finding(
            code="MW092" if suspicious else "MW091", number=9, failure_mode=row.name,
            title=unknown if suspicious else dangerous,
            verdict="inconclusive" if artifact.verdict == "unreadable" else "fail",
            severity="high" if suspicious else "critical",
            summary=f"{artifact.path} is {artifact.verdict}: {'; '.join(artifact.reasons[:3])}.",
            countermeasures=(Countermeasure(_ADVICE[artifact.verdict]),), location=artifact.path,
        )
    ]  # fmt: skip


def _to_dict(found: list[Artifact]) -> dict[str, Any]:
    import dataclasses

    return {
        "schema_version": 1,
        "complete": bool(found) and all(artifact.verdict != "unreadable" for artifact in found),
        "artifacts": [
            {
                "path": artifact.path,
                "format": artifact.format,
                "verdict": artifact.verdict,
                "reasons": list(artifact.reasons),
                "globals": [dataclasses.asdict(use) for use in artifact.globals],
            }
            for artifact in found
        ],
        "findings": [dataclasses.asdict(finding) for artifact in found for finding in _findings(artifact)],
    }


def _json(found: list[Artifact]) -> str:
    import json

    return json.dumps(_to_dict(found), indent=2) + "\n"


def _write(out: Path, found: list[Artifact]) -> None:
    from modelward.errors import UsageError

    if out.suffix == ".json":
        content = _json(found)
    else:
        lines = [line for artifact in found for line in _lines(artifact, colour=False)]
        content = "\n".join([*lines, _summary(found)]) + "\n"
    try:
        out.write_text(content, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"-o {out}: cannot be written: {os.strerror(error.errno or 5)}") from None
