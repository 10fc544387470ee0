"""`modelward data`: was a data set tampered with?"""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from modelward.poisoning import ColumnShift, DataComparison, FlipRate, GroupRate, Lock, Suspect

_VERDICTS = {"tampered": "fail", "changed": "inconclusive", "drift": "warn"}
_HONEST_ROWS = (
    "groups that are pure by nature look the same (a customer in many rows, what the label is made of)"
)
_HONEST_PICTURES = "a mark that one label's pictures have by themselves (their source's stamp) looks the same"
_SUFFIXES = (".csv", ".json", ".html", ".md", ".sarif")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("file", metavar="FILE", type=click.Path(path_type=str))
@click.option(
    "--reference", metavar="FILE", help="An earlier table: of the same rows, or of others like them."
)
@click.option("--target", metavar="COL", help="The label column.  [default: labels are not looked into]")
@click.option("--key", metavar="COL", help="A column that names a row in both files.  [default: by content]")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="What to print.",
)  # fmt: skip
@click.option(
    "-o", "--output", multiple=True, metavar="FILE",
    help="Also write the suspect rows' numbers (.csv), the result (.json) or a page (.html, .md); repeatable.",
)  # fmt: skip
@click.option(
    "--doubtful", metavar="FILE", type=click.Path(path_type=Path),
    help="Also estimate how many labels were flipped at random, and write all rows' numbers, most doubtful label "
    "first (.csv).",
)  # fmt: skip
@click.option(
    "--locks",
    is_flag=True,
    help="Also train small models with and without the rows called tampered, and in ways that are said to bear them.",
)
@click.pass_context
def data(
    context: click.Context, file: str, reference: str | None, target: str | None, key: str | None,
    form: str, output: tuple[str, ...], doubtful: Path | None, locks: bool,
) -> None:  # fmt: skip
    """Say whether a data set was tampered with.

    Rows that changed against the reference are described by the shortest rule; without common rows, or without
    a reference, cells are searched whose labels are purer, or whose numbers are of another precision, than the
    rest gives a reason for, and rows that repeat others but for one value. Drift alone is never called tampering.

    \b
        modelward data new.csv --reference old.csv --target LABEL --key ID -o rows.csv

    Labels that were flipped at random make no rule: --doubtful estimates their share (without a reference, an upper
    bound) and ranks the rows. That is a reading list: most of the rows at its top are honest ones.

    --locks says what the suspects do to a model and what becomes of it when they are dropped, outvoted or trimmed.

    FILE can also be pictures: a folder with one folder for each label (PNG, JPEG, WebP, BMP, with the extra `images`),
    or arrays `images` and `labels` in one .npz file (--target names another array of labels). Patches and faint
    patterns are named that stand in pictures of one label although the rest of those pictures has others; against a
    reference also patches that one label gained, and colours that moved.

    Whether a change was allowed is not in the data: a correction that you ordered is reported like any other.

    Exit codes: 0 no evidence, every row matched with the reference; 1 tampered with; 2 could not run; 3 rows changed,
    or are gone by a rule, and nothing says why, or a part was not looked into, as always where rows cannot be
    matched: few or random flips cannot be seen then. Rows that are gone at random are counted, and change no code.
    """
    from modelward.cli._data_page import page_of
    from modelward.cli._data_pictures import compare_pictures, holds_pictures
    from modelward.cli._sarif import of_data
    from modelward.errors import UsageError
    from modelward.poisoning import compare_data, estimate_flips
    from modelward.reports import render_page_html, render_page_markdown, write_text

    paths = [Path(name) for name in output]
    for path in paths:
        if path.suffix.lower() not in _SUFFIXES:
            raise UsageError(f"-o {path}: the format goes by the suffix; use {', '.join(_SUFFIXES)}")
    if key is not None and reference is None:
        raise UsageError("--key joins two files: add --reference, or leave --key out")
    if doubtful is not None and (target is None or doubtful.suffix.lower() != ".csv"):
        raise UsageError(
            "--doubtful ranks labels into a .csv file: name one, and the label column with --target"
        )
    names: list[str] = []
    pictures = holds_pictures(file)
    if pictures:
        if key is not None or doubtful is not None or locks:
            raise UsageError(
                "--key, --doubtful and --locks are for tables, and these are pictures: leave them out"
            )
        found, names = compare_pictures(file, reference, target)
        target = target or "label"
    else:
        found = compare_data(file, reference, target=target, key=key)
    flips = None
    if doubtful is not None and target is not None:
        # Rows that both files have would vouch for their own labels.
        other = reference if found.matched_by == "nothing" else None
        explained = {int(row) for s in found.suspects if s.verdict == "tampered" for row in s.rows}
        flips = estimate_flips(file, other, target=target, leave_out=explained)
        lines = (f"{row},{doubt:.4f}\n" for row, doubt in zip(flips.rows, flips.doubt, strict=True))
        write_text(doubtful, "row,doubt\n" + "".join(lines))
    tried = _locks(file, reference, target, found) if locks else ()
    complete = found.complete and target is not None
    unexplained = any(s.verdict == "changed" for s in found.suspects)
    code = 1 if found.tampered else 0 if complete and not unexplained else 3
    as_json = json.dumps(_to_dict(found, flips, tried), indent=2, allow_nan=False) + "\n"
    page = page_of(found, flips, tried, Path(file).name, code, pictures=pictures)
    findings = json.loads(as_json)["findings"]
    first = [int(min(s.rows)) if len(s.rows) else None for s in found.suspects]
    first += [None] * (len(findings) - len(first))
    as_sarif = of_data(findings, found.notes, file, rows=first, complete=complete)
    writers = {
        ".sarif": lambda: as_sarif,
        ".json": lambda: as_json, ".csv": lambda: _rows(found, names), ".html": lambda: render_page_html(page),
        ".md": lambda: render_page_markdown(page),
    }  # fmt: skip
    for path in paths:
        write_text(path, writers[path.suffix.lower()]())
    click.echo(as_json if form == "json" else _text(found, flips, tried, pictures=pictures), nl=False)
    context.exit(code)


def _rows(found: DataComparison, names: list[str]) -> str:
    rows = sorted({int(r) for s in found.suspects if s.verdict != "drift" for r in s.rows})
    if names:
        table = io.StringIO()
        csv.writer(table, lineterminator="\n").writerows([("row", "file"), *((r, names[r]) for r in rows)])
        return table.getvalue()
    return "row\n" + "".join(f"{row}\n" for row in rows)


def _shown(suspect: Suspect) -> dict[str, Any]:
    return {
        "rule": suspect.rule, "rows": len(suspect.rows), "low": suspect.low, "high": suspect.high,
        "recall": suspect.recall, "verdict": suspect.verdict, "why": suspect.why,
    }  # fmt: skip


def _locks(file: str, reference: str | None, target: str | None, found: DataComparison) -> tuple[Lock, ...]:
    from modelward.errors import UsageError
    from modelward.poisoning import measure_locks

    if target is None:
        raise UsageError("--locks trains models: name the label column with --target")
    rows = {int(row) for s in found.suspects if s.verdict == "tampered" for row in s.rows}
    if len(rows) < 20 or found.rows - len(rows) < 20:
        return ()
    other = reference if found.matched_by == "nothing" else None
    return measure_locks(file, rows, target=target, reference=other)


def _lock(lock: Lock) -> dict[str, Any]:
    low, high = lock.price.interval(0.95)
    return {
        "name": lock.name, "pull": lock.pull.value, "pull_rows": lock.pull.n, "accuracy": lock.accuracy.value,
        "accuracy_rows": lock.accuracy.n, "accuracy_change": [low, high], "certified": lock.certified,
    }  # fmt: skip


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _column(c: ColumnShift) -> dict[str, Any]:
    return {
        "name": c.name, "kind": c.kind, "missing": c.missing, "missing_before": _finite(c.missing_before),
        "step": _finite(c.step), "step_before": _finite(c.step_before), "distance": _finite(c.distance),
        "departs": c.departs, "how": c.how,
    }  # fmt: skip


def _rate(r: GroupRate) -> dict[str, Any]:
    before = None if r.before is None else {"hits": r.before.successes, "rows": r.before.n}
    return {"group": r.group, "label": r.label, "hits": r.rate.successes, "rows": r.rate.n, "before": before}


def _to_dict(found: DataComparison, flips: FlipRate | None, tried: tuple[Lock, ...]) -> dict[str, Any]:
    """Return the JSON contract, version 1."""
    from modelward.checks import elsewhere

    findings = []
    for s in found.suspects:
        kind = elsewhere("MW145" if s.verdict == "drift" else "MW025")
        findings.append(
            {"code": kind.code, "failure_mode": kind.number, "severity": kind.severity,
             "verdict": _VERDICTS[s.verdict], "summary": f"{s.rule}: {s.why}"}
        )  # fmt: skip
    if flips is not None and flips.found:
        kind = elsewhere("MW145")
        findings.append(
            {"code": kind.code, "failure_mode": kind.number, "severity": kind.severity, "verdict": "warn",
             "summary": _flips_text(flips)}
        )  # fmt: skip
    said = None if flips is None else {"rate": flips.rate, "low": flips.low, "high": flips.high}
    return {
        "flips": said, "schema_version": 1, "complete": found.complete, "matched_by": found.matched_by,
        "matched": found.matched, "added": found.added, "removed": found.removed,
        "notes": list(found.notes), "findings": findings, "suspects": [_shown(s) for s in found.suspects],
        "locks": [_lock(lock) for lock in tried], "rows": found.rows, "columns": [_column(c) for c in found.columns],
        "label_rates": [_rate(r) for r in found.rates],
    }  # fmt: skip


def _flips_text(flips: FlipRate) -> str:
    if flips.rate is None:
        return f"at most {flips.high:.1%} of the labels were flipped at random; more is not known without other rows"
    said = f"{flips.rate:.1%} of the labels depart from the reference as random flips would"
    return f"{said} ({flips.low:.1%} to {flips.high:.1%}); drift can look the same"


def _text(
    found: DataComparison, flips: FlipRate | None, tried: tuple[Lock, ...], *, pictures: bool = False
) -> str:
    if found.matched:
        counts = f"{found.matched:,} rows; {found.added:,} added, {found.removed:,} removed"
        head = f"matched by {found.matched_by}: {counts}"
    else:
        head = (
            "no reference"
            if found.matched_by == "no reference"
            else f"the reference holds other {'pictures' if pictures else 'rows'}"
        )
    lines = [head]
    for s in found.suspects:
        count = f"  ({len(s.rows):,} rows)" if len(s.rows) else ""
        lines.append(f"{s.verdict:9} {s.rule}{count}")
        lines.append(f"          {s.why}")
    if not found.tampered:
        changed = any(s.verdict == "changed" for s in found.suspects)
        if changed and found.matched:
            lines.append("rows were changed or removed, and nothing says why: look whether that was meant")
        elif changed:
            lines.append(
                "what is named here may have come about by itself, and may have been put there: look at it"
            )
        elif found.matched:
            lines.append("no evidence of tampering in the rows that both files have")
        else:
            lines.append(
                "no evidence found, which is no proof: random flips and small relabelled groups can go unseen here"
            )
    elif found.matched_by == "no reference":
        honest = _HONEST_PICTURES if pictures else _HONEST_ROWS
        lines.append(f"without a reference {honest}: somebody who knows the data must say")
    bulk = [f"{c.name} ({c.how})" for c in found.columns if c.how]
    if bulk:
        rest = f" and {len(bulk) - 8} more" if len(bulk) > 8 else ""
        lines.append(f"columns changed in bulk: {', '.join(bulk[:8])}{rest}")
    departing = [c.name for c in found.columns if c.departs and not c.how]
    if departing and found.matched:
        rest = f" and {len(departing) - 5} more" if len(departing) > 5 else ""
        lines.append(f"columns that depart from the reference: {', '.join(departing[:5])}{rest}")
    lines += [] if flips is None else [_flips_text(flips)]
    for lock in tried:
        pulled = f"{lock.pull.value:.0%} of suspects that did not train get the suspects' label"
        lines.append(f"trained, {lock.name}: {pulled}; accuracy elsewhere {lock.accuracy.value:.1%}")
    lines += [f"not looked into: {note}" for note in found.notes]
    plain = ("".join(c if c.isprintable() else repr(c)[1:-1] for c in line) for line in lines)
    return "\n".join(plain) + "\n"
