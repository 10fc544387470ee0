"""Evidence of tampering in a table alone: rows that are copies of others but for one column, with one label."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._cells import HARD, IMPURE
from modelward.poisoning._evidence import ALPHA, purity, surplus
from modelward.poisoning._grid import MIN_ROWS
from modelward.poisoning._ranges import Range

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from modelward.poisoning._coded import Coded

_LONELY = 0.95
_NEXT = 3
_MOST_VALUES = 3
_SAME = 0.9
_DESIGN, _MOSTLY = 0.05, 0.4
"""Shares of a table's rows in groups of equal ones beyond which these may be its design: where no two of a group have
the label, and in any case.
"""


@dataclass(frozen=True)
class Copies:
    """Rows that repeat others.

    Parameters
    ----------
    rule, why : str
    rows : ndarray
        Their positions.
    hits, total : int
        Rows with the one label, of the rows that repeat others.
    natural : str
        How honest rows may have come to look so; empty where no such way is known.
    """

    rule: str
    why: str
    rows: NDArray[np.int64]
    hits: int
    total: int
    natural: str = ""


def find_copies(
    coded: Coded, y: NDArray[np.int64], labels: list[str], texts: Sequence[NDArray[np.uint64]] = ()
) -> list[Copies]:
    """Find one value, with one label, in rows that repeat others in all but its column; and rows put in many times.

    Whoever stamps a trigger on copies of honest rows leaves the originals in the table. Natural tables have such twins
    as well, so a value counts only where its rows have twins far more often than the other rows have among each other,
    and where their label is purer than that of the twins and of the table. A block of rows that differ in one column or
    in none counts where no other block is nearly as large and most rows stand alone (months of one customer would be
    many such blocks), the label is one, and some value of theirs is found hardly anywhere else. Copies whose label
    alone was changed count where they leave too few groups of equal rows without that label.

    Parameters
    ----------
    coded : Coded
        Rows; columns in which every value is another are not looked at, since nothing repeats in them.
    y : ndarray of shape (n,)
        Positions in `labels`.
    labels : list of str
    texts : sequence of ndarray of uint64, shape (n,)
        Hashes of columns of free text, in which rows must be equal as well.
    """
    keys = _keys(coded)
    rest = (
        np.asarray(np.sum(texts, axis=0, dtype=np.uint64)) if texts else np.zeros(coded.rows, dtype=np.uint64)
    )
    tried = sum(coded.sizes(j) for j in range(len(coded.names))) + coded.rows
    bound = math.log(max(tried, 2) * len(labels) * 2 / ALPHA)
    found: list[Copies] = []
    for j, rows, group in _twins(keys, rest):
        if j is None:
            found += _turned(y, labels, rows, group)
        if j is not None and (stamped := _stamped(coded, y, labels, j, rows, group, bound)) is not None:
            found.append(stamped)
            continue
        block = _block(coded, y, labels, j, rows, group, bound)
        # Equal in everything is equal in all but one column as well.
        if block and not any(np.isin(block.rows, each.rows).mean() > _SAME for each in found):
            found.append(block)
    return found


def _keys(coded: Coded) -> list[tuple[int, NDArray[np.uint64]]]:
    """Return for each column a random number a value, so that rows are compared by sums; names of rows are left out."""
    rng = np.random.default_rng(0)
    out = []
    for j, codes in enumerate(coded.codes):
        number = rng.integers(0, 2**64, coded.sizes(j) + 1, dtype=np.uint64)
        if int(np.bincount(codes + 1).max()) > 1:
            out.append((j, number[codes]))
    return out


def _twins(
    keys: list[tuple[int, NDArray[np.uint64]]], rest: NDArray[np.uint64]
) -> Iterator[tuple[int | None, NDArray[np.int64], NDArray[np.int64]]]:
    """Give, without any column and then for each, the rows that have a twin when it is ignored, and their groups.

    Rows that agree in all columns but one agree in one whole half of them: only those are compared.
    """
    if len(keys) < 3:
        return
    halves = [keys[: len(keys) // 2], keys[len(keys) // 2 :]]
    sums = [sum((h for _, h in half), start=rest) for half in halves]
    whole = sums[0] + sums[1] - rest
    yield (None, *_repeated(whole, np.arange(len(whole))))
    for half, other in ((halves[0], sums[1]), (halves[1], sums[0])):
        near = _repeated(other, np.arange(len(other)))[0]
        if not len(near):
            continue
        for j, key in half:
            rows, group = _repeated(whole[near] - key[near], near)
            if len(rows):
                yield j, rows, group


def _repeated(
    values: NDArray[np.uint64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows whose value others have as well, and a number for each group of equal ones."""
    order = np.argsort(values, kind="stable")
    held = values[order]
    new = np.append(True, held[1:] != held[:-1])
    group = np.cumsum(new) - 1
    keep = np.bincount(group)[group] > 1
    return rows[order][keep], np.unique(group[keep], return_inverse=True)[1].astype(np.int64)


def _stamped(
    coded: Coded, y: NDArray[np.int64], labels: list[str], j: int, rows: NDArray[np.int64],
    group: NDArray[np.int64], bound: float,
) -> Copies | None:  # fmt: skip
    """Return the value whose rows repeat others, if their number and their label are beyond chance."""
    codes = coded.codes[j][rows]
    kinds = np.unique(np.stack([group, codes]), axis=1)
    various = np.bincount(kinds[0], minlength=int(group.max()) + 1)
    mixed = various[group] > 1
    often = np.bincount(codes[mixed] + 1, minlength=coded.sizes(j) + 1)
    everywhere = np.bincount(coded.codes[j] + 1, minlength=coded.sizes(j) + 1)
    base = np.bincount(y, minlength=len(labels)) / len(y)
    for value in (np.argsort(-often, kind="stable")[:_MOST_VALUES] - 1).tolist():
        here = mixed & (codes == value)
        total, holders = int(here.sum()), int(everywhere[value + 1])
        others = int(np.count_nonzero(everywhere[1:])) - 1
        # Rows with the one other value have no third to repeat each other in: nothing says what is natural.
        if total < MIN_ROWS or others < 2:
            continue
        with_it = np.zeros(len(various), dtype=np.int64)
        with_it[group[here]] = 1
        rest = codes != value
        # Twins that the others have among each other: what is natural in this table.
        natural = int((rest & (various[group] - with_it[group] > 1)).sum())
        rate = min((natural + 1) / (coded.rows - holders + 2), 1 - 1e-6)
        if float(surplus([1], [0], rate)(np.array([holders - total, total]))) < bound:
            continue
        inside = y[rows[here]]
        label = int(np.bincount(inside).argmax())
        hits = int((inside == label).sum())
        twins = rest & (with_it[group] > 0)
        # Others with this value, which repeat nothing, show what it means by itself.
        beside = np.setdiff1d(np.flatnonzero(coded.codes[j] == value), rows[here])
        means = (float((y[beside] == label).sum()) + base[label]) / (len(beside) + 1)
        expected = max(float(base[label]), float((y[rows[twins]] == label).mean()), means)
        score = float(purity([0], [1], [expected], HARD)(np.array([hits, total - hits])))
        if hits < (1 - IMPURE) * total or score < bound:
            continue
        word = Range(j, value, value).text(coded)
        why = (
            f"{hits:,} of {total:,} rows that repeat another but for {coded.names[j]} have label {labels[label]}, the "
            f"rows that they repeat {float((y[rows[twins]] == label).mean()):.0%}; "
            f"{natural / max(coded.rows - holders, 1):.1%} of the other rows repeat one"
        )
        return Copies(f"{word}, in copies of other rows", why, np.sort(rows[here]), hits, total)
    return None


def _turned(
    y: NDArray[np.int64], labels: list[str], rows: NDArray[np.int64], group: NDArray[np.int64]
) -> list[Copies]:
    """Return rows equal to others in everything but the label, if hardly any such group is without one label.

    Where equal rows get their labels by themselves, at one rate, a label is missing in as many groups of s as when its
    places are drawn from all rows of such groups; and, by Jensen's inequality, in more where rows differ in their
    rate. Copies of honest rows with one label put in leave no such group; neither does a design that matches each row
    with an equal one of another label. A design is a good part of its table, and has no groups in which all have the
    label.
    """
    size = np.bincount(group) if len(group) else np.zeros(0, dtype=np.int64)
    best = (math.log(len(labels) / ALPHA), -1, 0, 0.0)
    for label in range(len(labels)):
        held = np.bincount(group, weights=y[rows] == label, minlength=len(size))
        without, expected = int((held == 0).sum()), 0.0
        for s in np.unique(size).tolist():
            like = size == s
            of = s * int(like.sum())
            missing, left = float(like.sum()), of - int(held[like].sum())
            for drawn in range(s):
                missing *= max(left - drawn, 0) / (of - drawn)
            expected += missing
        if without < expected:
            # Chernoff's bound for a sum of indicators that stays this far below its mean.
            fall = expected - without + (without * math.log(without / expected) if without else 0.0)
            best = max(best, (fall, label, without, expected))
    _, label, without, expected = best
    if label < 0:
        return []
    held = np.bincount(group, weights=y[rows] == label, minlength=len(size))
    here = ((held > 0) & (held < size))[group] & (y[rows] == label)
    # Which of two rows with the label is the copy is not known: one of each group is named.
    named = np.sort(rows[here][np.unique(group[here], return_index=True)[1]])
    if len(named) < MIN_ROWS:
        return []
    why = (
        f"of {len(size):,} groups of equal rows {without:,} are without label {labels[label]}; if equal rows had come "
        f"to their labels by themselves, at least {expected:,.0f} would be"
    )
    what = f"rows with label {labels[label]} that are equal to rows with another label"
    share = len(rows) / len(y)
    # Of rows that were copied some had the label before, as many as of the others.
    others = np.setdiff1d(np.arange(len(y)), rows)
    both = float((y[others] == label).mean()) * len(size) if len(others) else 0.0
    alike = int((held == size).sum())
    natural = ""
    if share > _MOSTLY or (share > _DESIGN and alike < 0.25 * both):
        natural = (
            f"they are {share:.0%} of the table, as where each row was matched with one of another label"
        )
    return [Copies(what, why, named, len(named), len(named), natural)]


def _block(
    coded: Coded, y: NDArray[np.int64], labels: list[str], j: int | None, rows: NDArray[np.int64],
    group: NDArray[np.int64], bound: float,
) -> Copies | None:  # fmt: skip
    """Return the largest block of rows that differ in one column or in none, if no other block is like it."""
    sizes = np.bincount(group) if len(group) else np.zeros(1, dtype=np.int64)
    largest = int(sizes.argmax())
    total = int(sizes[largest])
    others = int(np.delete(sizes, largest).max(initial=1))
    if total < MIN_ROWS or total < _NEXT * others or len(rows) - total > (1 - _LONELY) * (coded.rows - total):
        return None
    inside = np.sort(rows[group == largest])
    label = int(np.bincount(y[inside]).argmax())
    hits = int((y[inside] == label).sum())
    base = float((np.bincount(y, minlength=len(labels))[label]) / len(y))
    if (
        hits < (1 - IMPURE) * total
        or float(purity([0], [1], [base], HARD)(np.array([hits, total - hits]))) < bound
    ):
        return None
    rarest = min(
        (int((codes == codes[inside[0]]).sum()) - total for k, codes in enumerate(coded.codes)
         if k != j and (codes[inside] == codes[inside[0]]).all()), default=coded.rows,
    )  # fmt: skip
    expected = coded.rows * (rarest + 1) / (coded.rows - total + 1)
    if rarest >= total or total * math.log(total / expected) - total + expected < bound:
        return None
    what = "in everything" if j is None else f"in all but {coded.names[j]}"
    alone = f"the next largest such block has {others:,}" if others > 1 else "no other row has its like"
    why = f"{hits:,} of them have label {labels[label]}, in the whole table {base:.0%}; {alone}"
    return Copies(f"{total:,} rows that are equal {what}", why, inside, hits, total)
