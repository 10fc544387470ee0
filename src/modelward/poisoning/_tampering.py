"""Was a data set tampered with? Changed rows, purity that nature does not make, foreign granularity."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from modelward.errors import InputError
from modelward.poisoning._cells import MOST_LABELS, Cell, Looked
from modelward.poisoning._coded import Coded, code_tables, kind_of
from modelward.poisoning._evidence import surplus
from modelward.poisoning._grain import grain_cells
from modelward.poisoning._grid import MIN_ROWS
from modelward.poisoning._maps import name_map
from modelward.poisoning._match import Matching, match_content, match_key
from modelward.poisoning._pure import pure_cells
from modelward.poisoning._ranges import rule_mask, rule_text
from modelward.poisoning._rules import Aim, search
from modelward.poisoning._unmatched import two_samples
from modelward.stats import Proportion
from modelward.tables import read_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GOOD = 0.75
_SAME = 0.99
_ALIKE = 0.5
_WAS_PURE = 0.95


@dataclass(frozen=True)
class Suspect:
    """Rows that do not look as if they came about by themselves.

    Parameters
    ----------
    rule : str
        What describes them.
    why : str
        The evidence.
    verdict : {"tampered", "changed", "drift"}
        Tampered: there is evidence that drift cannot give. Changed: rows differ, without a pattern.
    rows : ndarray
        Their positions in the new table, from 0.
    low, high : float
        95 % interval of the share of the rule's rows for which the evidence holds.
    recall : float or None
        Share of all rows with that change which the rule covers; None where it is not known.
    """

    rule: str
    why: str
    verdict: Literal["tampered", "changed", "drift"]
    rows: NDArray[np.int64]
    low: float
    high: float
    recall: float | None = None


@dataclass(frozen=True)
class DataComparison:
    """What `compare_data` found.

    Parameters
    ----------
    suspects : tuple of Suspect
        Tampering first.
    matched_by : {"key", "content", "nothing", "no reference"}
    matched, added, removed : int
        Rows in both tables, only in the new, only in the old; 0 where nothing could be matched.
    notes : tuple of str
        What was not looked into, and why.
    complete : bool
        Whether everything that can be looked into was.
    """

    suspects: tuple[Suspect, ...]
    matched_by: str
    matched: int = 0
    added: int = 0
    removed: int = 0
    notes: tuple[str, ...] = ()
    complete: bool = True

    @property
    def tampered(self) -> bool:
        """Whether there is evidence that drift cannot give."""
        return any(s.verdict == "tampered" for s in self.suspects)


@dataclass
class _Tables:
    new: pl.DataFrame
    old: pl.DataFrame | None
    names: list[str]
    target: str | None
    coded: Coded
    y: NDArray[np.int64] | None
    labels: list[str]
    notes: list[str] = field(default_factory=list)

    @property
    def fresh(self) -> Coded:
        """Return the new rows alone."""
        return self.coded if self.old is None else self.coded.take(np.arange(self.new.height))


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
    tables = _align(fresh, old, target, key)
    found: list[Suspect] = []
    if old is None:
        found = _alone(tables)
        return _done(tables, found, "no reference")
    by_key = key is not None
    pairs = match_key(fresh, old, str(key)) if by_key else match_content(fresh, old, tables.names, target)
    if pairs.by == "nothing":
        found = _samples(tables) + _alone(tables, sampled=True)
        return _done(tables, _distinct(found), "nothing")
    found = _changed(tables, pairs)
    added, removed = fresh.height - len(pairs.new), old.height - len(pairs.old)
    if added:
        tables.notes.append(
            f"{added:,} rows are not in the reference: random flips and small groups among them cannot be seen"
        )
    if added >= MIN_ROWS:
        rest = np.setdiff1d(np.arange(fresh.height), pairs.new)
        found += [s for s in _alone(tables) if np.isin(s.rows, rest).mean() > 0.5]
    return _done(tables, _distinct(found), pairs.by, (len(pairs.new), added, removed))


def _done(
    tables: _Tables, found: list[Suspect], by: str, counts: tuple[int, int, int] = (0, 0, 0)
) -> DataComparison:
    order = {"tampered": 0, "changed": 1, "drift": 2}
    ranked = tuple(sorted(found, key=lambda s: (order[s.verdict], -len(s.rows))))
    return DataComparison(ranked, by, *counts, notes=tuple(tables.notes), complete=not tables.notes)


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


def _align(new: pl.DataFrame, old: pl.DataFrame | None, target: str | None, key: str | None) -> _Tables:
    """Bring both tables into ranked columns that both have; what cannot be compared is noted."""
    frames = [(new, "data")] + ([(old, "reference")] if old is not None else [])
    for frame, what in frames:
        if not frame.height:
            raise InputError(f"the {what} has no rows")
        if target is not None and target not in frame.columns:
            raise InputError(f"the {what} has no target column {target!r}: name one that every file has")
    both = [c for c in new.columns if c not in (target, key) and (old is None or c in old.columns)]
    notes = []
    if old is not None:
        lone = sorted({*new.columns} ^ {*old.columns})
        if lone:
            notes.append(f"{len(lone)} columns are in one file only and were left out: {', '.join(lone[:5])}")
        moved = [c for c in both if kind_of(new[c]) != kind_of(old[c])]
        if moved:
            notes.append(f"{len(moved)} columns changed their type and were left out: {', '.join(moved[:5])}")
        both = [c for c in both if c not in moved]
    if not both:
        raise InputError("the data and the reference have no column in common besides target and key")
    coded, free = code_tables([frame for frame, _ in frames], both)
    if free:
        notes.append(
            f"{len(free)} columns are free text, in which no rule was searched: {', '.join(free[:5])}"
        )
    y, labels = None, []
    if target is not None:
        words = pl.concat([_label_words(frame[target]) for frame, _ in frames])
        labels = words.unique().sort().to_list()
        y = (words.rank("dense").cast(pl.Int64) - 1).to_numpy()
    return _Tables(new, old, both, target, coded, y, labels, notes)


def _label_words(values: pl.Series) -> pl.Series:
    plain = values.cast(pl.Int64) if values.dtype == pl.Boolean else values
    if plain.dtype.is_float() and bool((plain.drop_nulls() == plain.drop_nulls().round()).all()):
        plain = plain.cast(pl.Int64)
    return plain.cast(pl.String).fill_null("missing").rename("label")


def _changed(t: _Tables, pairs: Matching) -> list[Suspect]:
    """Describe what changed in rows that are in both tables."""
    if t.old is None:
        return []
    found: list[Suspect] = []
    old = pairs.old + t.new.height
    before = t.coded.take(old)
    if t.y is not None:
        a, b = t.y[pairs.new], t.y[old]
        for label in np.unique(a[a != b]).tolist():
            moved = (a != b) & (a == label)
            found += _rule_of(
                t, pairs, before, moved, b != label, f"relabelled to {t.labels[label]}", "", found
            )
    everything = np.ones(len(old), dtype=bool)
    for name in t.names:
        how, j = "", t.coded.names.index(name) if name in t.coded.names else None
        if j is None:
            first, then = (
                frame[name].cast(pl.String).fill_null("").gather(rows).to_numpy()
                for frame, rows in ((t.new, pairs.new), (t.old, pairs.old))
            )
            moved = first != then
        else:
            moved = t.coded.codes[j][pairs.new] != t.coded.codes[j][old]
            values = t.coded.numbers(j)
            if values is not None and moved.sum() >= MIN_ROWS:
                how = name_map(values[old][moved], values[pairs.new][moved])
        if moved.any():
            found += _rule_of(
                t, pairs, before, moved, everything, f"{name} changed {how}".strip(), how, found
            )
    return found


def _rule_of(
    t: _Tables, pairs: Matching, before: Coded, moved: NDArray[np.bool_], could: NDArray[np.bool_], what: str,
    how: str, known: list[Suspect],
) -> list[Suspect]:  # fmt: skip
    count = int(moved.sum())
    said, rows = f"{count:,} rows {what}", pairs.new[moved]
    if count < MIN_ROWS:
        return [Suspect("rows without a rule", "fewer than ten rows: " + what, "changed", rows, 0.0, 1.0)]
    for earlier in known:
        # Several columns of the same rows: one search is enough.
        if earlier.recall is not None and _same(np.isin(pairs.new, earlier.rows) & could, moved):
            return [replace(earlier, why=said)]
    after = t.coded.take(pairs.new)
    for rows_then in (before, after) if not moved[could].all() else ():
        # A relabelled group is named by what its rows were, a trigger by what they became.
        rate = float(moved[could].mean())
        score = surplus([1], [0], rate)
        best = search(rows_then, np.where(could, moved, -1).astype(np.int64), 2, [Aim(score, score)])[1][0]
        if best is not None and best.counts[1] >= _GOOD * best.counts.sum():
            named, found = rows_then, best
            break
    else:
        verdict: Literal["tampered", "changed"] = (
            "tampered" if how or what.startswith("relabelled") else "changed"
        )
        return [Suspect("no rule describes them", said, verdict, rows, 1.0, 1.0)]
    hits, total = int(found.counts[1]), int(found.counts.sum())
    # The rule's rows that had the label already belong to what the rule names.
    low, high = Proportion(hits, total).interval(0.95)
    inside = pairs.new[rule_mask(found.rule, named)]
    return [Suspect(rule_text(found.rule, named), said, "tampered", inside, low, high, hits / count)]


def _same(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> bool:
    return bool((first & second).sum() >= _SAME * (first | second).sum())


def _samples(t: _Tables) -> list[Suspect]:
    if t.y is None or t.old is None or not _few_labels(t):
        return []
    looked = two_samples(t.coded, t.y, t.labels, t.new.height)
    _note(t, looked)
    return [_from_cell(t.coded, cell) for cell in looked.cells]


def _alone(t: _Tables, *, sampled: bool = False) -> list[Suspect]:
    fresh, cells = t.fresh, []
    # Against an earlier sample purity was looked into already.
    if t.y is not None and not sampled and _few_labels(t):
        looked = pure_cells(fresh, t.y[: t.new.height], t.labels)
        if t.old is None:
            _note(t, looked)
        cells += [cell for cell in looked.cells if not _was_pure(t, cell)]
    cells += grain_cells(fresh)
    return _distinct([_from_cell(t.coded, cell) for cell in cells])


def _was_pure(t: _Tables, cell: Cell) -> bool:
    """Say whether the reference is as pure under a rule: then it is how these data are."""
    if t.y is None or t.old is None:
        return False
    inside = np.flatnonzero(rule_mask(cell.rule, t.coded))
    then = t.y[inside[inside >= t.new.height]]
    label = np.bincount(t.y[cell.rows]).argmax()
    return len(then) >= MIN_ROWS and bool((then == label).mean() >= _WAS_PURE)


def _few_labels(t: _Tables) -> bool:
    if 2 <= len(t.labels) <= MOST_LABELS:
        return True
    note = f"labels: {t.target} has {len(t.labels):,} values; purity is looked into for 2 to {MOST_LABELS}"
    if note not in t.notes:
        t.notes.append(note)
    return False


def _note(t: _Tables, looked: Looked) -> None:
    """Say what such a search cannot see: rows that nobody looked into are not clean."""
    rows = f"groups of fewer than about {looked.least:,} rows and labels flipped at random cannot be seen without rows "
    t.notes.append(rows + "in common with a reference")
    if looked.left_out:
        t.notes.append(f"pairs of {looked.left_out:,} conditions that show least alone were not searched")


def _from_cell(coded: Coded, cell: Cell) -> Suspect:
    low, high = Proportion(cell.hits, cell.total).interval(0.95)
    verdict: Literal["tampered", "drift"] = "tampered" if cell.tampered else "drift"
    return Suspect(rule_text(cell.rule, coded), cell.why, verdict, cell.rows, low, high)
