"""What changed between two tables, told from their manifests alone."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from modelward.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from modelward.tables.manifest._manifest import Block, ColumnHash, Manifest

_MOST_ALIKE = 50


@dataclass(frozen=True, slots=True)
class ManifestChange:
    """One thing that changed.

    Parameters
    ----------
    path : str
        ``rows``, ``columns`` (all that both have), ``columns.NAME``, ``labels.LABEL``, or ``rows[a:b]`` with
        positions in the earlier table (from 0, b not included).
    before, after : str
        In words; "none" on one side for what was added or removed.
    """

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ManifestDifference:
    """What changed between two tables.

    Parameters
    ----------
    same : bool
        Whether all columns hold the same values in the same rows.
    reordered : bool
        Whether the rows are the same in another order.
    changes : tuple of ManifestChange
        Empty if `same`.
    blocks : int
        Blocks of the earlier table that changed.
    rows : int
        Rows in them: no more than these changed, moved or went.
    notes : tuple of str
        What is no change of the values, or could not be told.
    """

    same: bool
    reordered: bool
    changes: tuple[ManifestChange, ...]
    blocks: int
    rows: int
    notes: tuple[str, ...]


def compare_manifests(before: Manifest, after: Manifest) -> ManifestDifference:
    """Return what changed between two tables.

    Parameters
    ----------
    before, after : Manifest
        Made with one secret, or both without.

    Returns
    -------
    ManifestDifference

    Raises
    ------
    InputError
        If they were made with different secrets, so that nothing can be compared.

    Examples
    --------
    >>> import polars as pl
    >>> from modelward.tables.manifest import make_manifest
    >>> old = pl.DataFrame({"id": range(5000), "label": [0] * 5000})
    >>> new = old.with_columns(label=(pl.col("id") == 3000).cast(int))
    >>> found = compare_manifests(make_manifest(old), make_manifest(new))
    >>> [change.path for change in found.changes]
    ['columns.label', 'rows[2119:3129]']
    """
    if before.secret != after.secret:
        raise InputError(
            "the two were made with different secrets (or one without): make both with the same --secret FILE"
        )
    notes = list(_notes(before, after))
    if before.content == after.content:
        if before.sha256 != after.sha256 and before.sha256 and after.sha256:
            notes.insert(0, "the files' bytes differ, the values in them do not")
        return ManifestDifference(True, False, (), 0, 0, tuple(notes))
    changes = list(_columns(before, after))
    common = {c.name for c in before.columns} & {c.name for c in after.columns}
    if len(common) > 1 and common <= {c.path.removeprefix("columns.") for c in changes}:
        # Rows came, went or moved: one line says it for all columns.
        changes = [c for c in changes if c.path.removeprefix("columns.") not in common]
        changes.append(ManifestChange("columns", f"{len(common):,}", "all of them differ"))
    if before.rows != after.rows:
        changes.insert(0, ManifestChange("rows", f"{before.rows:,}", f"{after.rows:,}"))
    changes += _labels(before, after)
    reordered, blocks, rows = False, 0, 0
    if {c.name for c in before.columns} != {c.name for c in after.columns}:
        notes.append("blocks of rows were not compared: the columns are not the same")
    elif before.unordered == after.unordered:
        reordered = True
    elif before.block_rows != after.block_rows:
        notes.append("blocks of rows were not compared: they were made in different sizes")
    else:
        found = list(_blocks(before.blocks, after.blocks))
        changes += [change for change, _, _ in found]
        blocks, rows = sum(n for _, n, _ in found), sum(m for _, _, m in found)
    return ManifestDifference(False, reordered, tuple(changes), blocks, rows, tuple(notes))


def _notes(before: Manifest, after: Manifest) -> Iterator[str]:
    types = {c.name: c.kind for c in before.columns}
    for c in after.columns:
        if types.get(c.name, c.kind) != c.kind:
            yield f"column {c.name!r} is {c.kind} and was {types[c.name]}"
    if [c.name for c in before.columns] != [c.name for c in after.columns] and types.keys() == {
        c.name for c in after.columns
    }:
        yield "the columns stand in another order"


def _columns(before: Manifest, after: Manifest) -> Iterator[ManifestChange]:
    old, new = ({c.name: c for c in side.columns} for side in (before, after))
    gone = [c for c in before.columns if c.name not in new]
    for column in after.columns:
        earlier = old.get(column.name)
        if earlier is None:
            twin = next((c for c in gone if c.hash == column.hash), None)
            if twin is not None:
                gone.remove(twin)
            was = "none" if twin is None else f"{twin.name!r}, the same values under another name"
            yield ManifestChange(f"columns.{column.name}", was, _shown(column))
        elif earlier.hash != column.hash:
            yield ManifestChange(f"columns.{column.name}", _shown(earlier), _shown(column))
    for column in gone:
        yield ManifestChange(f"columns.{column.name}", _shown(column), "none")


def _shown(column: ColumnHash) -> str:
    missing = "1 to 9" if column.missing is None else f"{column.missing:,}"
    return f"{column.kind}, {missing} missing, {column.hash[:16]}"


def _labels(before: Manifest, after: Manifest) -> Iterator[ManifestChange]:
    if before.target != after.target or not before.target:
        return
    old, new = ({each.label: each.rows for each in side.labels} for side in (before, after))
    for label in sorted(old.keys() | new.keys()):
        if old.get(label) != new.get(label):
            shown = [
                f"{side[label]:,} rows ({side[label] / max(rows, 1):.2%})" if label in side else "fewer than 10 rows"
                for side, rows in ((old, before.rows), (new, after.rows))
            ]  # fmt: skip
            yield ManifestChange(f"labels.{label}", *shown)


def _blocks(before: Sequence[Block], after: Sequence[Block]) -> Iterator[tuple[ManifestChange, int, int]]:
    """Yield changed runs of blocks, with how many blocks and rows of the earlier table are in each."""
    starts = [[0], [0]]
    for side, blocks in zip(starts, (before, after), strict=True):
        for block in blocks:
            side.append(side[-1] + block.rows)
    for tag, i, j, k, m in _aligned([b.hash for b in before], [b.hash for b in after]):
        if tag == "equal":
            continue
        first, last, then, end = starts[0][i], starts[0][j], starts[1][k], starts[1][m]
        place = f"rows[{first}:{last}]"
        old = f"{last - first:,} rows" if j > i else "none"
        new = f"{end - then:,} rows, [{then}:{end}]" if m > k else "none"
        yield ManifestChange(place, old, new), j - i, last - first


def _aligned(old: list[str], new: list[str]) -> Iterator[tuple[str, int, int, int, int]]:
    head = next(
        (i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new))
    )
    rest = min(len(old), len(new)) - head
    pairs = zip(reversed(old), reversed(new), strict=False)
    tail = next((i for i, (a, b) in enumerate(pairs) if a != b or i == rest), rest)
    a, b = old[head : len(old) - tail], new[head : len(new) - tail]
    if any(len(side) - len(set(side)) > _MOST_ALIKE for side in (a, b)):
        # Many equal blocks, as of a table that repeats itself: aligning them takes time squared and says nothing.
        yield "replace", head, head + len(a), head, head + len(b)
        return
    for tag, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        yield tag, i + head, j + head, k + head, m + head
