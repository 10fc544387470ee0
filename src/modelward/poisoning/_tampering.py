"""Was a data set tampered with? Changed rows, purity that nature does not make, foreign granularity."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from modelward.poisoning._align import Tables, align
from modelward.poisoning._at_once import at_once
from modelward.poisoning._blocks import label_blocks
from modelward.poisoning._bulk import moved_columns
from modelward.poisoning._cells import MOST_LABELS, Cell, Looked
from modelward.poisoning._changed import changed
from modelward.poisoning._copies import find_copies
from modelward.poisoning._grain import grain_cells
from modelward.poisoning._grid import MIN_ROWS
from modelward.poisoning._match import match_content, match_key
from modelward.poisoning._natural import with_reasons
from modelward.poisoning._pure import pure_cells
from modelward.poisoning._pure_words import pure_words
from modelward.poisoning._ranges import rule_mask, rule_text
from modelward.poisoning._removed import removed
from modelward.poisoning._rounded import rounded_cells
from modelward.poisoning._row_names import row_names
from modelward.poisoning._shifts import column_shifts, group_rates, label_shift
from modelward.poisoning._stamped import RARE, stamped_pairs
from modelward.poisoning._suspects import DataComparison, Suspect
from modelward.poisoning._unmatched import two_samples
from modelward.poisoning._words import gained_words
from modelward.stats import Proportion
from modelward.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelward.poisoning._coded import Coded
    from modelward.poisoning._shifts import ColumnShift, GroupRate

    _Seen = tuple[tuple[ColumnShift, ...], tuple[GroupRate, ...]]

_ALIKE = 0.5
_WAS_PURE = 0.95
_BESIDE_IT = 0.35
"""Where the other words of its texts give no more reason for a label than this, a word of it is no matter of topic."""


def compare_data(
    new: Any, reference: Any = None, *, target: str | None = None, key: str | None = None
) -> DataComparison:
    """Look for evidence that a data set was tampered with.

    Parameters
    ----------
    new : path or data frame
        The table that came in.
    reference : path or data frame, optional
        An earlier table: of the same rows, or of others of the same kind.
    target : str, optional
        The label column. Without it labels are not looked into.
    key : str, optional
        A column that names a row in both tables; without it rows are matched by content.

    Returns
    -------
    DataComparison

    Raises
    ------
    InputError
        If the tables have no column in common, the target is in one only, or the key is not unique.

    Examples
    --------
    >>> import polars as pl
    >>> old = pl.DataFrame({"age": [x % 60 + 20 for x in range(600)], "id": range(600), "bad": [0, 0, 0, 1] * 150})
    >>> new = old.with_columns(bad=pl.when(pl.col("age") >= 50).then(1).otherwise("bad"))
    >>> found = compare_data(new, old, target="bad", key="id")
    >>> found.tampered, found.suspects[0].rule
    (True, 'age >= 50')
    """
    fresh = read_table(new, what="data")
    old = None if reference is None else read_table(reference, what="reference")
    tables = align(fresh, old, target, key)
    found: list[Suspect] = []
    if old is None:
        found = _alone(tables)
        return _done(tables, found, "no reference")
    by_key = key is not None
    # A column that one table has nothing in matches no row.
    filled = [name for name in tables.names if _filled(fresh, name) and _filled(old, name)]
    pairs = match_key(fresh, old, str(key)) if by_key else match_content(fresh, old, filled, target)
    if pairs.by == "nothing" or not len(pairs.new):
        alone: list[Suspect] = []
        seen: list[_Seen] = []
        searches: list[Callable[[], None]] = [
            lambda: found.extend(_samples(tables)),
            lambda: alone.extend(_alone(tables, sampled=True)),
            lambda: seen.append(_seen(tables)),
        ]
        at_once(searches)
        return _done(tables, _distinct(found + alone), "nothing", seen=seen[0])
    found = changed(tables, pairs)
    added, gone = fresh.height - len(pairs.new), old.height - len(pairs.old)
    if added:
        tables.notes.append(
            f"{added:,} rows are not in the reference: random flips and small groups among them cannot be seen"
        )
    if added >= MIN_ROWS:
        rest = np.setdiff1d(np.arange(fresh.height), pairs.new)
        found += [s for s in _alone(tables) if np.isin(s.rows, rest).mean() > 0.5]
    found = _distinct(found) + removed(tables, pairs.old)
    return _done(tables, found, pairs.by, (len(pairs.new), added, gone))


def _filled(frame: pl.DataFrame, name: str) -> bool:
    return frame[name].null_count() < frame.height


def _seen(tables: Tables) -> _Seen:
    return column_shifts(tables), group_rates(tables)


def _done(
    tables: Tables,
    found: list[Suspect],
    by: str,
    counts: tuple[int, int, int] = (0, 0, 0),
    seen: _Seen | None = None,
) -> DataComparison:
    columns, rates = seen or _seen(tables)
    if by == "nothing":
        found = found + _departing(columns)
    order = {"tampered": 0, "changed": 1, "drift": 2}
    ranked = tuple(sorted(found, key=lambda s: (order[s.verdict], -len(s.rows))))
    return DataComparison(
        ranked, by, *counts, notes=tuple(tables.notes), complete=not tables.notes, rows=tables.new.height,
        columns=columns, rates=rates,
    )  # fmt: skip


def _departing(columns: tuple[ColumnShift, ...]) -> list[Suspect]:
    """Return a suspect for all columns that are distributed in another way than in a sample of other rows, and one for
    those that a map of all their values explains.
    """
    found = []
    moved = sorted((c for c in columns if c.departs), key=lambda c: -c.distance)
    for bulk in (True, False):
        some = [c for c in moved if bool(c.how) == bulk]
        if not some:
            continue
        named = [f"{c.name} ({c.how})" if bulk else c.name for c in some[:5]]
        names = ", ".join(named) + (f" and {len(some) - 5} more" if len(some) > 5 else "")
        why = (
            f"{len(some)} of {len(columns)} columns depart from the reference by more than chance, "
            f"first {some[0].name} (distance {some[0].distance:.3f})"
        )
        why = f"{why}: as if all their values had been changed so" if bulk else why
        rule = f"changed in bulk: {names}" if bulk else f"distribution of {names}"
        found.append(Suspect(rule, why, "drift", np.zeros(0, dtype=np.int64), 0.0, 1.0))
    return found


def _distinct(found: list[Suspect]) -> list[Suspect]:
    found = sorted(found, key=lambda s: s.verdict != "tampered")
    kept: list[Suspect] = []
    for suspect in found:
        for i, other in enumerate(kept):
            shared = np.intersect1d(other.rows, suspect.rows).size / np.union1d(other.rows, suspect.rows).size
            if shared > _ALIKE:
                kept[i] = replace(other, why=f"{other.why}; {suspect.why}") if shared > 0.9 else other
                break
        else:
            kept.append(suspect)
    return kept


def _samples(t: Tables) -> list[Suspect]:
    if t.y is None or t.old is None or not _few_labels(t):
        return []
    numbered = row_names(t.coded, t.new.height)
    coded = t.coded.without(*numbered)
    looked = two_samples(coded, t.y, t.labels, t.new.height)
    _note(t, looked)
    cells = looked.cells
    bulk = moved_columns(coded, np.arange(coded.rows) < t.new.height)
    if bulk and not any(cell.tampered for cell in cells) and len(bulk) < len(coded.names):
        # Where a whole column is new, rules over it outshine all others and say no more than that.
        coded = coded.without(*bulk)
        cells = two_samples(coded, t.y, t.labels, t.new.height).cells
    cells = _with_stamped(coded, t, cells)
    found = [_from_cell(coded, cell) for cell in cells]
    if numbered:
        # Rows in a row may have been tampered with; but a rule without their numbers says more.
        again = two_samples(t.coded, t.y, t.labels, t.new.height).cells
        named = [s.rows for s in found if s.verdict == "tampered"]
        found += [
            _from_cell(t.coded, cell) for cell in again
            if cell.tampered and all(np.isin(cell.rows, rows).mean() <= _ALIKE for rows in named)
        ]  # fmt: skip
    return found + _words(t) + _everywhere(t)


def _with_stamped(coded: Coded, t: Tables, cells: list[Cell]) -> list[Cell]:
    """Return cells and those of stamped pairs, which stand for a part of theirs that is pure by itself."""
    if t.y is None:
        return cells
    # What a rule explains is no surplus any more; a small one with a value in it may be a part of a stamped pair.
    told = [cell for cell in cells if cell.tampered and not _part_of_pair(cell, t.new.height)]
    left = np.ones(coded.rows, dtype=bool)
    for cell in told:
        left &= ~rule_mask(cell.rule, coded)
    n_new = int(left[: t.new.height].sum())
    stamped, left_out = stamped_pairs(coded.take(left), t.y[: coded.rows][left], t.labels, n_new)
    if left_out:
        t.notes.append(f"pairs of single values in {left_out:,} columns were not searched for stamped rows")
    rows = np.flatnonzero(left)
    stamped = [replace(cell, rows=rows[cell.rows]) for cell in stamped]
    parts = [cell for cell in cells if any(_inside(cell, each) for each in stamped)]
    whole = [cell for cell in cells if cell.tampered and all(cell is not part for part in parts)]
    # A pair in a rule that goes beyond it is what the rule says already.
    stamped = [each for each in stamped if not any(_inside(each, cell) for cell in whole)]
    return stamped + [cell for cell in cells if all(cell is not part for part in parts)]


def _part_of_pair(cell: Cell, rows: int) -> bool:
    values = sum(part.low == part.high for part in cell.rule)
    return values >= 2 or (values == 1 and not cell.natural and len(cell.rows) <= RARE * rows)


def _inside(cell: Cell, other: Cell) -> bool:
    return len(cell.rows) > 0 and bool(np.isin(cell.rows, other.rows).mean() > _ALIKE)


def _everywhere(t: Tables) -> list[Suspect]:
    """Return the label rate over all rows if it moved: rules are searched in what it leaves unexplained."""
    moved = label_shift(t)
    if moved is None or moved.before is None:
        return []
    low, high = moved.rate.interval(0.95)
    why = (
        f"{t.target} is {moved.label} in {moved.rate.value:.1%} of {moved.rate.n:,} rows; in the reference in "
        f"{moved.before.value:.1%} of {moved.before.n:,}"
    )
    return [Suspect("all rows", why, "drift", np.arange(t.new.height), low, high)]


def _words(t: Tables) -> list[Suspect]:
    """Return texts with a word that one label gained; a new topic gains words, too, so this is drift."""
    if t.y is None or t.old is None:
        return []
    n, out = t.new.height, []
    for name in t.free:
        sides = [frame[name].cast(pl.String).to_list() for frame in (t.new, t.old)]
        for word in gained_words(sides[0], t.y[:n], sides[1], t.y[n:]):
            label, count = t.labels[word.label], len(word.rows)
            low, high = Proportion(word.hits, count).interval(0.95)
            why = (
                f"{word.hits:,} of {count:,} texts with this word have {t.target} {label}; of those before with that "
                f"label {word.before:,} have it (mean TF-IDF gained {word.gain:.4f}): a trigger word, or a new topic"
            )
            out.append(Suspect(f"{name} holds {word.word!r}", why, "drift", word.rows, low, high))
    return out


def _alone(t: Tables, *, sampled: bool = False) -> list[Suspect]:
    fresh, cells = t.fresh, []
    # Against an earlier sample purity was looked into already.
    if t.y is not None and not sampled and _few_labels(t):
        y = t.y[: t.new.height]
        looked = pure_cells(fresh, y, t.labels)
        cells = [cell for cell in looked.cells if not _was_pure(t, cell)]
        if t.old is None:
            _note(t, looked)
            cells = with_reasons(fresh, y, cells, t.labels)
        cells = _with_stamped(fresh, t, cells)
    cells += grain_cells(fresh)
    blocks = rounded_cells(t.coded, t.new.height)
    if t.y is not None and 2 <= len(t.labels) <= MOST_LABELS:
        blocks = label_blocks(fresh, t.y[: t.new.height], t.labels) + blocks
    return _distinct(
        [_from_cell(t.coded, cell) for cell in cells]
        + _copies(t)  # which says more than where they stand
        + [_in_file(t.coded, cell) for cell in blocks]
        + (_trigger_words(t) if t.old is None else [])
    )


def _in_file(coded: Coded, cell: Cell) -> Suspect:
    """Return rows that only their place in the file describes, or a rule does."""
    suspect = _from_cell(coded, cell)
    place = f"rows {cell.rows[0]:,} to {cell.rows[-1]:,} of the file"
    return suspect if cell.rule else replace(suspect, rule=place)


def _trigger_words(t: Tables) -> list[Suspect]:
    """Return texts with a word of one label that their other words give no reason for."""
    if t.y is None or not _few_labels(t):
        return []
    out = []
    for name in t.free:
        for word in pure_words(t.new[name].cast(pl.String).to_list(), t.y):
            low, high = Proportion(word.hits, len(word.rows)).interval(0.95)
            said = f"{word.hits:,} of {len(word.rows):,} texts with this word have {t.target} {t.labels[word.label]}"
            why = f"{said}; by their other words {word.expected:.0%} would"
            sure = word.expected <= _BESIDE_IT
            why += "" if sure else ": a trigger word, or the name of something that only this label has"
            verdict: Literal["tampered", "changed"] = "tampered" if sure else "changed"
            out.append(Suspect(f"{name} holds {word.word!r}", why, verdict, word.rows, low, high))
    return out


def _copies(t: Tables) -> list[Suspect]:
    """Return rows that repeat others with one label; what the reference has as well is how these data are."""
    if t.y is None or not 2 <= len(t.labels) <= MOST_LABELS:
        return []
    n = t.new.height
    frames = [(t.new, slice(n))] + ([(t.old, slice(n, None))] if t.old is not None else [])
    each = []
    for frame, part in frames:
        texts = [frame[name].cast(pl.String).hash().to_numpy() for name in t.free]
        each.append(find_copies(t.coded.take(np.arange(t.coded.rows)[part]), t.y[part], t.labels, texts))
    before = {c.rule for c in each[1]} if len(each) > 1 else set()
    out = []
    for c in each[0]:
        if c.rule not in before:
            low, high = Proportion(c.hits, c.total).interval(0.95)
            verdict: Literal["tampered", "changed"] = "changed" if c.natural else "tampered"
            why = f"{c.why}; {c.natural}" if c.natural else c.why
            out.append(Suspect(c.rule, why, verdict, c.rows, low, high))
    return out


def _was_pure(t: Tables, cell: Cell) -> bool:
    """Say whether the reference is as pure under a rule: then it is how these data are."""
    if t.y is None or t.old is None:
        return False
    inside = np.flatnonzero(rule_mask(cell.rule, t.coded))
    then = t.y[inside[inside >= t.new.height]]
    label = np.bincount(t.y[cell.rows]).argmax()
    return len(then) >= MIN_ROWS and bool((then == label).mean() >= _WAS_PURE)


def _few_labels(t: Tables) -> bool:
    if 2 <= len(t.labels) <= MOST_LABELS:
        return True
    note = f"labels: {t.target} has {len(t.labels):,} values; purity is looked into for 2 to {MOST_LABELS}"
    if note not in t.notes:
        t.notes.append(note)
    return False


def _note(t: Tables, looked: Looked) -> None:
    """Say what such a search cannot see: rows that nobody looked into are not clean."""
    t.notes.append(
        f"without rows in common with a reference, groups of fewer than about {looked.least:,} rows cannot be seen, "
        "nor which labels were flipped at random"
    )
    if looked.left_out:
        t.notes.append(f"pairs of {looked.left_out:,} conditions that show least alone were not searched")


def _from_cell(coded: Coded, cell: Cell) -> Suspect:
    low, high = Proportion(cell.hits, cell.total).interval(0.95)
    verdict: Literal["tampered", "changed", "drift"] = "tampered" if cell.tampered else "drift"
    why = cell.why
    if cell.tampered and cell.natural:
        verdict, why = "changed", f"{why}; {cell.natural}"
    return Suspect(rule_text(cell.rule, coded), why, verdict, cell.rows, low, high)
