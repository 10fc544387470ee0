"""Was a data set tampered with? Changed rows, purity that nature does not make, foreign granularity."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from modelward.errors import InputError
from modelward.poisoning._maps import name_map
from modelward.poisoning._match import Matching, match_content, match_key
from modelward.poisoning._unmatched import Cell, foreign_grain, pure_cells, two_samples
from modelward.stats import Proportion
from modelward.subgroups import Box, Rule, describe, surplus
from modelward.tables import read_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_ROWS = 10
_MOST_COLUMNS = 100
_MOST_CODES = 200
_GOOD = 0.9
_ALIKE = 0.5
_NUMBER = "number"


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
    X: NDArray[np.float64]
    X_old: NDArray[np.float64] | None
    words: dict[int, list[Any]]
    searched: list[int]
    notes: list[str] = field(default_factory=list)

    def text(self, rule: Rule) -> str:
        """Return a rule in the table's own words."""
        said = []
        for c in rule.conditions:
            j = self.searched[c.column]
            value = self.words[j][int(c.value)] if j in self.words else f"{c.value:.10g}"
            said.append(f"{self.names[j]} {c.operator} {value}")
        return " and ".join(said)

    @property
    def categorical(self) -> NDArray[np.bool_]:
        return np.array([j in self.words for j in self.searched], dtype=bool)


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
        found = _samples(tables) + _alone(tables)
        return _done(tables, _distinct(found), "nothing")
    found = _changed(tables, pairs)
    added, removed = fresh.height - len(pairs.new), old.height - len(pairs.old)
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
                kept[i] = replace(other, why=f"{other.why}; {suspect.why}") if shared > _GOOD else other
                break
        else:
            kept.append(suspect)
    return kept


def _align(new: pl.DataFrame, old: pl.DataFrame | None, target: str | None, key: str | None) -> _Tables:
    """Bring both tables into matrices of the same columns; what cannot be compared is noted."""
    frames = [(new, "data")] + ([(old, "reference")] if old is not None else [])
    for frame, what in frames:
        if target is not None and target not in frame.columns:
            raise InputError(f"the {what} has no target column {target!r}: name one that every file has")
    both = [c for c in new.columns if c not in (target, key) and (old is None or c in old.columns)]
    notes = []
    if old is not None:
        lone = sorted({*new.columns} ^ {*old.columns})
        if lone:
            notes.append(f"{len(lone)} columns are in one file only and were left out: {', '.join(lone[:5])}")
        moved = [c for c in both if _kind(new[c]) != _kind(old[c])]
        if moved:
            notes.append(f"{len(moved)} columns changed their type and were left out: {', '.join(moved[:5])}")
        both = [c for c in both if c not in moved]
    if not both:
        raise InputError("the data and the reference have no column in common besides target and key")
    X = np.full((new.height, len(both)), np.nan)
    X_old = None if old is None else np.full((old.height, len(both)), np.nan)
    words: dict[int, list[Any]] = {}
    searched = []
    for j, name in enumerate(both):
        if _kind(new[name]) == _NUMBER:
            X[:, j] = _numbers(new[name])
            if old is not None and X_old is not None:
                X_old[:, j] = _numbers(old[name])
        elif not _encode(j, new[name], None if old is None else old[name], X, X_old, words):
            notes.append(f"{name} is free text: no rule was searched in it")
            continue
        searched.append(j)
    if len(searched) > _MOST_COLUMNS:
        notes.append(f"rules were searched in the first {_MOST_COLUMNS} of {len(searched):,} columns")
        searched = searched[:_MOST_COLUMNS]
    return _Tables(new, old, both, target, X, X_old, words, searched, notes)


def _kind(values: pl.Series) -> str:
    dtype = values.dtype
    return _NUMBER if dtype.is_numeric() or dtype in (pl.Boolean, pl.Null) else str(dtype)


def _numbers(values: pl.Series) -> NDArray[np.float64]:
    return np.asarray(values.cast(pl.Float64).fill_null(float("nan")).to_numpy(), dtype=np.float64)


def _encode(
    j: int, new: pl.Series, old: pl.Series | None, X: NDArray[np.float64],
    X_old: NDArray[np.float64] | None, words: dict[int, list[Any]],
) -> bool:  # fmt: skip
    texts = [new.cast(pl.String)] + ([] if old is None else [old.cast(pl.String)])
    known = pl.concat([t.rename("t") for t in texts]).drop_nulls().unique().sort()
    if len(known) > _MOST_CODES:
        return False
    words[j] = known.to_list()
    codes = {word: float(i) for i, word in enumerate(words[j])}
    for text, matrix in zip(texts, [X, X_old], strict=False):
        if matrix is not None:
            matrix[:, j] = [codes.get(t, np.nan) for t in text]
    return True


def _labels(values: pl.Series) -> NDArray[np.str_]:
    plain = values.cast(pl.Int64) if values.dtype == pl.Boolean else values
    if plain.dtype.is_float() and bool((plain.drop_nulls() == plain.drop_nulls().round()).all()):
        plain = plain.cast(pl.Int64)
    return plain.cast(pl.String).fill_null("missing").to_numpy().astype(str)


def _changed(t: _Tables, pairs: Matching) -> list[Suspect]:
    """Describe what changed in rows that are in both tables."""
    if t.old is None or t.X_old is None:
        return []
    found = []
    before = t.X_old[pairs.old]
    if t.target is not None:
        a, b = _labels(t.new[t.target])[pairs.new], _labels(t.old[t.target])[pairs.old]
        for label in np.unique(a[a != b]):
            found += _rule_of(
                t, pairs, before, (a != b) & (a == label), b != label, f"relabelled to {label}", ""
            )
    for j, name in enumerate(t.names):
        if j not in t.words and not np.isnan(t.X[:, j]).all():
            after, was = t.X[pairs.new, j], before[:, j]
            moved = (after != was) & ~(np.isnan(after) & np.isnan(was))
            how = name_map(was[moved], after[moved]) if moved.sum() >= MIN_ROWS else ""
        else:
            first = t.new[name].cast(pl.String).fill_null("").to_numpy()[pairs.new]
            moved = first != t.old[name].cast(pl.String).fill_null("").to_numpy()[pairs.old]
            how = ""
        if moved.any():
            found += _rule_of(
                t, pairs, before, moved, np.ones(len(moved), bool), f"{name} changed {how}".strip(), how
            )
    return found


def _rule_of(
    t: _Tables, pairs: Matching, before: NDArray[np.float64], moved: NDArray[np.bool_],
    could: NDArray[np.bool_], what: str, how: str,
) -> list[Suspect]:  # fmt: skip
    count = int(moved.sum())
    exact = (f"{count:,} rows {what}", pairs.new[moved])
    if count < MIN_ROWS:
        return [Suspect("rows without a rule", "fewer than ten rows: " + what, "changed", exact[1], 0.0, 1.0)]
    box: Box | None = None
    if not moved.all():
        rate = min(max(float(moved[could].mean()), 1e-6), 1 - 1e-6)
        X = before[could][:, t.searched]
        box = describe(X, moved[could], surplus(rate), categorical=t.categorical)
        if rate == 1 - 1e-6:
            box = None
    if box is None or box.hits < _GOOD * (box.hits + box.misses):
        verdict: Literal["tampered", "changed"] = (
            "tampered" if how or what.startswith("relabelled") else "changed"
        )
        return [Suspect("no rule describes them", exact[0], verdict, exact[1], 1.0, 1.0)]
    # The rule's rows that had the label already belong to what the rule names.
    inside = box.rule.mask(before[:, t.searched])
    low, high = Proportion(box.hits, box.hits + box.misses).interval(0.95)
    return [Suspect(t.text(box.rule), exact[0], "tampered", pairs.new[inside], low, high, box.hits / count)]


def _samples(t: _Tables) -> list[Suspect]:
    if t.target is None or t.old is None or t.X_old is None:
        return []
    X, X_old = t.X[:, t.searched], t.X_old[:, t.searched]
    cells = two_samples(X, _labels(t.new[t.target]), X_old, _labels(t.old[t.target]), t.categorical)
    return [_from_cell(t, c) for c in cells]


def _alone(t: _Tables) -> list[Suspect]:
    X = t.X[:, t.searched]
    cells = [] if t.target is None else pure_cells(X, _labels(t.new[t.target]), t.categorical)
    cells += foreign_grain(X, t.categorical, [t.names[j] for j in t.searched])
    return _distinct([_from_cell(t, c) for c in cells])


def _from_cell(t: _Tables, cell: Cell) -> Suspect:
    low, high = Proportion(cell.hits, cell.total).interval(0.95)
    verdict: Literal["tampered", "drift"] = "tampered" if cell.tampered else "drift"
    return Suspect(t.text(cell.rule), cell.why, verdict, cell.rows, low, high)
