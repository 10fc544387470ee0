"""SARIF of the verbs that report otherwise than by findings: each turns what it has into findings first."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelward.findings import Countermeasure, Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.findings import Verdict

_MOST = 1_000
"""Results of a difference: viewers of SARIF take a few thousand in all."""


def finding(
    code: str, verdict: Verdict, summary: str, place: str, *, detail: str = "", remedy: str = ""
) -> Finding:
    """Return a finding that no check of `assess` gives.

    Parameters
    ----------
    code : str
        Of `modelward.checks.ELSEWHERE`.
    verdict : str
    summary, place : str
        What was found, and in which file.
    detail : str
        What tells it from others of its code.
    remedy : str
        What to do.
    """
    from modelward.checks import elsewhere
    from modelward.taxonomy import mode

    kind = elsewhere(code)
    return Finding(
        code=code, number=kind.number, failure_mode=mode(kind.number).name,
        title=f"{kind.title}: {detail}" if detail else kind.title, verdict=verdict, severity=kind.severity,
        summary=summary, location=place, countermeasures=(Countermeasure(remedy),) if remedy else (),
    )  # fmt: skip


def of_difference(names: tuple[str, str], changes: Sequence[Any], *, reason: str) -> str:
    """Return the SARIF of `diff`: a result for each change, at the later file.

    Parameters
    ----------
    names : (str, str)
        The two files.
    changes : sequence
        With `path`, `before` and `after`.
    reason : str
        Why not all was compared; empty if it was.
    """
    from modelward.reports import render_sarif

    before, after = names
    found = [
        finding(
            "MW094", "fail", f"{c.path}: {c.before} → {c.after}.", f"{after}!/{c.path}", detail=str(c.path)
        )
        for c in changes[:_MOST]
    ]
    if len(changes) > _MOST:
        found.append(
            finding(
                "MW094", "fail", f"{len(changes) - _MOST:,} more changes from {before}.", after, detail="more"
            )
        )
    if reason:
        found.append(finding("MW094", "inconclusive", f"Not all was compared: {reason}.", after))
    return render_sarif(found, verb="diff", complete=not reason, notes=[reason] if reason else ())


def of_data(
    findings: Sequence[dict[str, Any]],
    notes: Sequence[str],
    file: str,
    *,
    rows: Sequence[int | None],
    complete: bool,
) -> str:
    """Return the SARIF of `data`, from the findings of its JSON, each at the line of its first row.

    Parameters
    ----------
    findings : sequence of dict
    notes : sequence of str
        What was not looked into.
    file : str
        The table. Only of a CSV file lines are known; results about another stand at its beginning.
    rows : sequence of int or None
        The first row of each finding, counted from 0.
    complete : bool
    """
    from modelward.reports import render_sarif

    lines = _lines_of_rows(file, {row for row in rows if row is not None})
    found = []
    for f, row in zip(findings, rows, strict=True):
        place, where = file, ""
        if row is not None:
            where = f" The first of its rows is row {row:,}, counted from 0" + (
                f", in line {lines[row]:,}." if row in lines else "."
            )
            place = f"{file}:{lines[row]}" if row in lines else file
        said = f"{f['summary']}.{where}"
        found.append(finding(f["code"], f["verdict"], said, place, detail=f["summary"].partition(":")[0]))
    found += [
        finding("MW025", "inconclusive", f"Not looked into: {note}.", file, detail=note) for note in notes
    ]
    return render_sarif(found, verb="data", complete=complete, notes=notes, look=False)


def _lines_of_rows(file: str, rows: set[int]) -> dict[int, int]:
    """Return the line of a CSV file in which each of some rows begins; a cell may go over several lines."""
    path = Path(file)
    if not rows or path.suffix.lower() not in (".csv", ".tsv") or not path.is_file():
        return {}
    found: dict[int, int] = {}
    last, number, begins = max(rows), -1, 1
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            reader = csv.reader(stream)
            for cells in reader:
                if number in rows:
                    found[number] = begins
                begins = reader.line_num + 1
                # The header is no row, and an empty line is none either.
                number += bool(cells)
                if number > last:
                    break
    except (OSError, csv.Error):
        return {}
    return found


def of_verification(results: Sequence[dict[str, Any]]) -> str:
    """Return the SARIF of `verify`: a result for each file that does not hold."""
    from modelward.reports import render_sarif

    broken = [r for r in results if not r["holds"]]
    found = [
        finding("MW095", "inconclusive" if r["code"] in (2, 3) else "fail", f"{r['text']}.", r["path"],
                remedy="Do not load it: get the file that was signed")
        for r in broken
    ]  # fmt: skip
    return render_sarif(found, verb="verify", complete=not any(r["code"] in (2, 3) for r in broken))
