"""What an inspection found, as findings with the codes of the checks that ask the same of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.artifacts._lowbits import low_bits
from modelward.findings import Countermeasure, Finding, Table
from modelward.taxonomy import mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.artifacts._artifact import Artifact, Defect, TrainingRows
    from modelward.findings import Severity, Verdict

_SHOWN = 50


def file_findings(
    artifact: Artifact, rows: Sequence[TrainingRows], defects: Sequence[Defect], train_rows: int | None
) -> tuple[Finding, ...]:
    """Return what the scan, the carried rows and the file's own content say; nothing about what is in order."""
    found = [*_scan(artifact)]
    if defects:
        first = "; ".join(f"{defect.path or 'the object'} {defect.what}" for defect in defects[:3])
        found.append(
            _finding(
                "MW093", 9, "Model changed after training", "fail", "critical",
                f"The file shows {len(defects)} thing{'s' * (len(defects) != 1)} that no honest training "
                f"produces: {first}.",
                "Load only the bytes that the training job made", defects[0].path,
                Table("Defects in the file", ("where", "what"), tuple((d.path, d.what) for d in defects[:_SHOWN])),
            )
        )  # fmt: skip
    hidden = low_bits(artifact)
    if hidden:
        found.append(
            _finding(
                "MW094", 9, "Content hidden in the low bits of weights", "fail", "medium",
                f"{hidden[0].path or 'The object'} {hidden[0].what}.",
                "Load only the bytes that the training job made, or round the weights", hidden[0].path,
                Table("Arrays with content in their low bits", ("where", "what"),
                      tuple((d.path, d.what) for d in hidden[:_SHOWN])),
            )
        )  # fmt: skip
    if rows:
        found.append(_carried(rows, train_rows))
    return tuple(found)


def _scan(artifact: Artifact) -> list[Finding]:
    reasons = "; ".join(artifact.reasons[:3])
    if artifact.verdict == "malicious":
        return [
            _finding("MW091", 9, "Names in the model file that run code when it is loaded", "fail", "critical",
                     f"Loading this file runs what its author chose: {reasons}.", "Do not load it", None)
        ]  # fmt: skip
    if artifact.verdict == "suspicious":
        return [
            _finding("MW092", 9, "Unknown names in the model file", "fail", "high",
                     f"Loading this file reaches names that are not known to be harmless: {reasons}.",
                     "Read the code behind these names before you load it", None)
        ]  # fmt: skip
    if artifact.verdict == "unreadable":
        return [
            _finding("MW091", 9, "Names in the model file that run code when it is loaded", "inconclusive", "critical",
                     f"The file could not be read to its end: {reasons}.",
                     "Nothing is known about the rest of it; do not take it for clean", None)
        ]  # fmt: skip
    return []


def _carried(rows: Sequence[TrainingRows], train_rows: int | None) -> Finding:
    most = max(item.rows for item in rows)
    shares = [item.share for item in rows if item.share is not None]
    share = f", {max(shares):.0%} of the training rows given" if shares and train_rows else ""
    kinds = ", ".join(dict.fromkeys(item.kind for item in rows))
    table = Table(
        "Training rows in the file", ("where", "rows", "columns", "what"),
        tuple((item.path or "the object itself", item.rows, item.columns, item.kind) for item in rows[:_SHOWN]),
    )  # fmt: skip
    return _finding(
        "MW081", 8, "Training rows carried by the model file", "fail", "high",
        f"Whoever holds the file reads {most:,} rows of training data from it{share}, as they are ({kinds}).",
        "Guard the file as you guard the data, or publish a kind of model that keeps no rows",
        rows[0].path, table,
    )  # fmt: skip


def _finding(
    code: str, number: int, title: str, verdict: Verdict, severity: Severity, summary: str, advice: str,
    location: str | None, *tables: Table,
) -> Finding:  # fmt: skip
    return Finding(
        code=code, number=number, failure_mode=mode(number).name, title=title, verdict=verdict, severity=severity,
        summary=summary, tables=tables, countermeasures=(Countermeasure(advice),), location=location,
    )  # fmt: skip
