"""What `modelward scan` writes: text, JSON, Markdown and HTML, file by file, so that a million files need no memory."""

from __future__ import annotations

from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

    from modelward.artifacts import Artifact
    from modelward.findings import Finding

COLOURS = {"clean": "green", "suspicious": "yellow", "malicious": "red", "unreadable": "magenta"}
ADVICE = {
    "malicious": "Do not load it: it runs what its author chose.",
    "suspicious": "Read the code behind these names before you load it.",
    "unreadable": "Nothing is known about it; do not take it for clean.",
}
_ODD = "It is not as its library writes such files: find out who made it before you load it."


def advice(artifact: Artifact) -> str:
    """Return what to do about a file that is not clean."""
    named = any(use.status != "known" for use in artifact.globals)
    return _ODD if artifact.verdict == "suspicious" and not named else ADVICE[artifact.verdict]


_SHOWN_REASONS = 5
_HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>modelward scan</title><style>
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1b1f24}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.4rem .6rem;
border-bottom:1px solid #d8dee4;overflow-wrap:anywhere}.malicious{color:#b42318}.suspicious{color:#9a6700}
.unreadable{color:#7a3e9d}.clean{color:#1a7f37}b{white-space:nowrap}ul{margin:0;padding-left:1.1rem}
</style></head><body><h1>Is it safe to load?</h1>
<table><tr><th>Verdict</th><th>File</th><th>Format</th><th>Why</th></tr>
"""


def spool(stack: ExitStack) -> IO[str]:
    """Return a text file that stays in memory until it is large, closed with the stack."""
    import tempfile

    return stack.enter_context(tempfile.SpooledTemporaryFile(1 << 22, "w+", encoding="utf-8"))


def flat(artifact: Artifact) -> Iterator[Artifact]:
    """Yield an artifact and all that it holds, holders first."""
    pending = [artifact]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(current.members))


class Tally:
    """How many files had which verdict, and what their members had."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(COLOURS, 0)
        self.problems: list[str] = []
        self._missing = 0
        self._seen: set[str] = set()

    def add(self, artifact: Artifact, problem: str = "") -> None:
        """Count a file; `problem` is why one that the user named could not be opened."""
        if problem:
            self._missing += 1
            self.problems = [*self.problems, problem][:3]
        self.counts[artifact.verdict] += 1
        self._seen.update(part.verdict for part in flat(artifact))

    @property
    def files(self) -> int:
        """How many files were counted."""
        return sum(self.counts.values())

    @property
    def all_missing(self) -> bool:
        """Whether none of the files that the user named could be opened."""
        return 0 < self.files == self._missing

    @property
    def complete(self) -> bool:
        """Whether there were files and all could be read."""
        return bool(self._seen) and "unreadable" not in self._seen

    @property
    def exit_code(self) -> int:
        """Return 1 for a malicious or suspicious file, else 3 for one that could not be read, else 0."""
        if self._seen & {"malicious", "suspicious"}:
            return 1
        return 0 if self.complete else 3

    def summary(self) -> str:
        """Return one line."""
        if not self.files:
            return "No files to scan."
        parts = [f"{count} {verdict}" for verdict, count in self.counts.items() if count]
        return f"{self.files} file{'s' * (self.files != 1)} scanned: {', '.join(parts)}."


def lines(artifact: Artifact, *, colour: bool) -> list[str]:
    """Return an artifact's lines for a person."""
    verdict = artifact.verdict
    word = click.style(f"{verdict:10}", fg=COLOURS[verdict], bold=True) if colour else f"{verdict:10}"
    out = [f"{word}  {artifact.path}  ({_about(artifact)})"]
    out += [f"            - {reason}" for reason in artifact.reasons[:_SHOWN_REASONS]]
    if len(artifact.reasons) > _SHOWN_REASONS:
        out.append(
            f"            - and {len(artifact.reasons) - _SHOWN_REASONS} more (--format json shows all)"
        )
    if verdict in ADVICE:
        out.append(f"            {advice(artifact)}")
    return out


def _about(artifact: Artifact) -> str:
    members, names = len(artifact.members), len(artifact.globals)
    about = artifact.format + (f", {members} member{'s' * (members != 1)}" if members else "")
    return about + (f", {names} name{'s' * (names != 1)}" if names else "")


def findings(artifact: Artifact) -> Iterator[Finding]:
    """Yield what the scan of a file found: of a container, the members that it is in, else the container itself."""
    if artifact.verdict == "clean":
        return
    for member in artifact.members:
        yield from findings(member)
    if all(member.verdict != artifact.verdict for member in artifact.members):
        yield _finding(artifact)


def _finding(artifact: Artifact) -> Finding:
    from modelward.findings import Countermeasure, Finding
    from modelward.taxonomy import mode

    row = mode(9)
    unknown, dangerous = (
        "Unknown names in the model file",
        "Names in the model file that run code when it is loaded",
    )
    suspicious = artifact.verdict == "suspicious"
    title = (
        unknown
        if any(use.status != "known" for use in artifact.globals)
        else "Content that no honest file has"
    )
    return Finding(
        code="MW092" if suspicious else "MW091", number=9, failure_mode=row.name,
        title=title if suspicious else dangerous,
        verdict="inconclusive" if artifact.verdict == "unreadable" else "fail",
        severity="high" if suspicious else "critical",
        summary=f"{artifact.path} is {artifact.verdict}: {'; '.join(artifact.reasons[:3])}.",
        countermeasures=(Countermeasure(advice(artifact)),), location=artifact.path,
    )  # fmt: skip


class Output:
    """Where results go, one file at a time; what an output opens besides is closed with the stack."""

    def __init__(self, stream: IO[str], stack: ExitStack) -> None:  # noqa: ARG002
        self.stream = stream

    def add(self, artifact: Artifact) -> None:
        """Write what concerns one file."""
        raise NotImplementedError

    def end(self, tally: Tally) -> None:
        """Write what comes last."""
        raise NotImplementedError


class JsonOutput(Output):
    """The JSON of DESIGN, streamed: findings wait in a temporary file until the artifacts are through."""

    def __init__(self, stream: IO[str], stack: ExitStack) -> None:
        super().__init__(stream, stack)
        self._first = True
        self._findings = spool(stack)
        self._none = True
        stream.write('{\n  "schema_version": 1,\n  "artifacts": [')

    def add(self, artifact: Artifact) -> None:
        """Write the file's objects, members included."""
        for part in flat(artifact):
            self.stream.write(("\n" if self._first else ",\n") + _indented(_as_dict(part)))
            self._first = False
        for finding in findings(artifact):
            self._findings.write(("\n" if self._none else ",\n") + _indented(asdict(finding)))
            self._none = False

    def end(self, tally: Tally) -> None:
        """Write the findings and whether everything could be read."""
        self.stream.write(("]" if self._first else "\n  ]") + ',\n  "findings": [')
        self._findings.seek(0)
        while chunk := self._findings.read(1 << 20):
            self.stream.write(chunk)
        self.stream.write(
            ("]" if self._none else "\n  ]") + f',\n  "complete": {str(tally.complete).lower()}\n}}\n'
        )


def _as_dict(artifact: Artifact) -> dict[str, Any]:
    return {
        "path": artifact.path, "format": artifact.format, "verdict": artifact.verdict,
        "reasons": list(artifact.reasons),
        "globals": [asdict(use) for use in artifact.globals],
    }  # fmt: skip


def _indented(value: dict[str, Any]) -> str:
    import json

    return "\n".join("    " + line for line in json.dumps(value, indent=2).splitlines())


class TextOutput(Output):
    """Plain text."""

    def add(self, artifact: Artifact) -> None:
        """Write the file's lines."""
        self.stream.write("\n".join(lines(artifact, colour=False)) + "\n")

    def end(self, tally: Tally) -> None:
        """Write the summary."""
        self.stream.write(tally.summary() + "\n")


class MarkdownOutput(Output):
    """A table that a pull request can show."""

    def __init__(self, stream: IO[str], stack: ExitStack) -> None:
        super().__init__(stream, stack)
        stream.write("# Is it safe to load?\n\n| verdict | file | format | why |\n|---|---|---|---|\n")

    def add(self, artifact: Artifact) -> None:
        """Write a row."""
        why = "<br>".join(_cell(reason) for reason in artifact.reasons[:_SHOWN_REASONS])
        self.stream.write(
            f"| **{artifact.verdict}** | {_cell(artifact.path)} | {_cell(_about(artifact))} | {why} |\n"
        )

    def end(self, tally: Tally) -> None:
        """Write the summary."""
        self.stream.write(f"\n{tally.summary()}\n")


def _cell(text: str) -> str:
    """Escape what Markdown or a browser would act on."""
    return "".join(
        f"&#{ord(c)};" if c in "|`*_<>[]&\\#~!" or ord(c) < 32 or "\ud800" <= c <= "\udfff" else c
        for c in text
    )


class HtmlOutput(Output):
    """One page that opens offline."""

    def __init__(self, stream: IO[str], stack: ExitStack) -> None:
        super().__init__(stream, stack)
        stream.write(_HEAD)

    def add(self, artifact: Artifact) -> None:
        """Write a row."""
        import html

        verdict = artifact.verdict
        why = "".join(f"<li>{html.escape(reason)}</li>" for reason in artifact.reasons[: 4 * _SHOWN_REASONS])
        todo = f"<p>{html.escape(advice(artifact))}</p>" if verdict in ADVICE else ""
        self.stream.write(
            f'<tr><td><b class="{verdict}">{verdict}</b></td><td>{html.escape(artifact.path)}</td>'
            f"<td>{html.escape(_about(artifact))}</td><td><ul>{why}</ul>{todo}</td></tr>\n"
        )

    def end(self, tally: Tally) -> None:
        """Write the summary."""
        import html

        self.stream.write(f"</table><p>{html.escape(tally.summary())}</p></body></html>\n")


class SarifOutput(Output):
    """What code scanning shows: a result for each finding."""

    def __init__(self, stream: IO[str], stack: ExitStack) -> None:
        super().__init__(stream, stack)
        self._found: list[Finding] = []

    def add(self, artifact: Artifact) -> None:
        """Keep the file's findings, which are few beside what was read."""
        self._found += findings(artifact)

    def end(self, tally: Tally) -> None:
        """Write the document."""
        from modelward.reports import render_sarif

        self.stream.write(
            render_sarif(self._found, verb="scan", complete=tally.complete, notes=tally.problems)
        )


OUTPUTS: dict[str, type[Output]] = {
    ".json": JsonOutput, ".txt": TextOutput, ".md": MarkdownOutput, ".html": HtmlOutput,
    ".sarif": SarifOutput,
}  # fmt: skip
"""By the suffix of the file that is written."""
