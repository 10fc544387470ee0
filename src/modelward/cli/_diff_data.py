"""`modelward diff` of tables and their manifests: which columns and which blocks of rows changed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

from modelward._version import __version__
from modelward.cli._sarif import of_difference
from modelward.findings import Table
from modelward.reports import Page, Section, render_page_html, render_page_markdown

if TYPE_CHECKING:
    from modelward.tables.manifest import Manifest, ManifestDifference

_SHOWN, _MOST = 50, 2_000
_FOOT = (
    (
        "A block is some thousand rows that stand together. A changed block holds at least one row that changed, came, "
        "went or moved; positions are those of the earlier table, counted from 0, the last not included."
    ),
)


def manifests(before: str, after: str, secret: str | None) -> tuple[Manifest, Manifest]:
    """Return the manifests of two files; a table's is made in the way of the other one.

    Raises
    ------
    InputError
        If one is neither a manifest nor a table.
    """
    from modelward.tables.manifest import is_manifest, make_manifest, read_manifest, read_secret

    key = read_secret(secret) if secret is not None else b""
    read = {path: read_manifest(path) for path in (before, after) if is_manifest(path)}
    like = next(iter(read.values()), None)
    target = (like.target or None) if like is not None else None
    rows = like.block_rows if like is not None else 1024
    made = []
    for path in (before, after):
        if path in read:
            made.append(read[path])
            continue
        made.append(make_manifest(path, secret=key, block_rows=rows))
        if target in {c.name for c in made[-1].columns}:
            made[-1] = make_manifest(path, target=target, secret=key, block_rows=rows)
    return made[0], made[1]


def summary(pair: tuple[Manifest, Manifest], found: ManifestDifference) -> str:
    """Return the sentence or two that say it."""
    if found.same:
        return f"The same table: {pair[0].rows:,} rows, {len(pair[0].columns):,} columns."
    if found.reordered:
        return "The same rows in another order."
    columns = [c.path.removeprefix("columns.") for c in found.changes if c.path.startswith("columns.")]
    named = ", ".join(columns[:5]) + f" and {len(columns) - 5:,} more" * (len(columns) > 5)
    first = f"{len(columns):,} of {len(pair[0].columns):,} columns differ: {named}."
    if any(c.path == "columns" for c in found.changes):
        first = "All columns differ" + f"; gone or new: {named}." * bool(columns) + "." * (not columns)
    if not found.blocks:
        return first
    count = len(pair[0].blocks)
    place = f"{found.rows:,} of {pair[0].rows:,} rows ({found.blocks:,} of {count:,} blocks)"
    return f"{first} What changed lies within {place}."


def render(
    suffix: str, names: tuple[str, str], pair: tuple[Manifest, Manifest], found: ManifestDifference
) -> str:
    """Return the difference in the format of a suffix."""
    if suffix == ".json":
        sides = [
            {
                "path": name,
                "rows": m.rows,
                "columns": len(m.columns),
                "sha256": m.sha256,
                "content": m.content,
            }
            for name, m in zip(names, pair, strict=True)
        ]
        out = {"schema_version": 1, "same": found.same, "complete": True, "reason": "", "files": sides}
        out |= {key: getattr(found, key) for key in ("reordered", "blocks", "rows", "notes")}
        return json.dumps(out | {"changes": [dataclasses.asdict(c) for c in found.changes]}, indent=2) + "\n"
    if suffix == ".sarif":
        return of_difference(names, found.changes, reason="")
    if suffix == ".txt":
        return text(names, pair, found, limit=None)
    page = _page(names, pair, found)
    return render_page_html(page) if suffix == ".html" else render_page_markdown(page)


def text(
    names: tuple[str, str], pair: tuple[Manifest, Manifest], found: ManifestDifference, *, limit: int | None = _SHOWN
) -> str:  # fmt: skip
    """Return the difference for a terminal."""
    lines = [f"{a}  {n}  ({m.rows:,} rows, {m.content})" for a, n, m in zip("AB", names, pair, strict=True)]
    cut = found.changes[:limit]
    lines += ["", *(f"{c.path}: {c.before} → {c.after}" for c in cut)]
    if len(cut) < len(found.changes):
        lines.append(f"and {len(found.changes) - len(cut):,} more (--format json shows all)")
    lines += [f"note: {note}" for note in found.notes]
    lines += [""] * bool(cut or found.notes) + [summary(pair, found)]
    return "".join("".join(c if c.isprintable() else repr(c)[1:-1] for c in line) + "\n" for line in lines)


def _page(names: tuple[str, str], pair: tuple[Manifest, Manifest], found: ManifestDifference) -> Page:
    sections = []
    kinds = (("columns", "Columns"), ("rows", "Rows"), ("labels", "Labels"))
    for prefix, title in kinds:
        rows = [
            (c.path.removeprefix("columns."), c.before, c.after)
            for c in found.changes
            if c.path.startswith(prefix)
        ]
        if rows:
            cut = f", the first {_MOST:,} of {len(rows):,}" * (len(rows) > _MOST)
            table = Table(f"{title}: what changed{cut}", ("where", "before", "after"), tuple(rows[:_MOST]))
            sections.append(Section(title, tables=(table,)))
    facts = tuple(
        (f"{letter}: {name}", f"{m.rows:,} rows, {len(m.columns):,} columns, {m.content}")
        for letter, name, m in zip("AB", names, pair, strict=True)
    ) + tuple(("note", note) for note in found.notes)
    calm = "The two tables hold the same values." if found.same else ""
    alarm = "" if found.same else "The two tables differ."
    shown = (Section("The two tables", facts=facts), *sections)
    return Page(
        title=f"{Path(names[0]).name} → {Path(names[1]).name}", headline=summary(pair, found), alarm=alarm, calm=calm,
        sections=shown, findings=(), exit_code=int(not found.same), version=__version__, foot=_FOOT,
        brand="what changed in a table", closing="Compared by hashes alone.",
    )  # fmt: skip
