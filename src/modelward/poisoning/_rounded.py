"""Numbers that lost precision in a part of a table: rounded in a block of the file, or under a rule.

A source that rounds what it reports leaves the same trace, so this is named and left open.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._blocks import next_alike, segments
from modelward.poisoning._cells import HARD, Cell
from modelward.poisoning._evidence import ALPHA, surplus
from modelward.poisoning._grid import MIN_ROWS
from modelward.poisoning._ranges import Range, rule_mask
from modelward.poisoning._row_names import numbers_rows
from modelward.poisoning._rules import Aim, search

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.poisoning._coded import Coded

_FACTORS = (1000, 100, 10)
_ALIKE = 0.05
_MOST = 0.5
"""Share of multiples of a coarse step from which on it is the column's own."""
_PURE = 0.97
_VALUES = 5
_OTHERS = 0.01
"""So many more multiples than before may stand beside a rule; more is a column that was rounded as a whole."""
_NATURAL = "a source that rounds what it reports leaves such numbers as well"


def rounded_cells(coded: Coded, n_new: int) -> list[Cell]:
    """Find rows whose numbers in one column are all multiples of a step that the column does not keep.

    Parameters
    ----------
    coded : Coded
        New rows in the order of the file, then earlier ones if there are any.
    n_new : int
        New rows.

    Returns
    -------
    list of Cell
        With an empty rule where the rows follow each other in the file.
    """
    found = []
    for j in range(len(coded.names)):
        values = coded.words[j]
        if isinstance(values, tuple) or len(values) < 20 or numbers_rows(coded, j):
            continue
        some = np.append(values != 0, False)[coded.codes[j]]
        step = _step(values, np.bincount(coded.codes[j][some], minlength=len(values)))
        for factor in _FACTORS if step else ():
            coarse = np.append(_multiples(values, step * factor), False)[coded.codes[j]]
            cell = _rounded(coded, j, some, coarse, n_new, step * factor)
            if cell is not None:
                found.append(cell)
                break
    return found


def _multiples(values: NDArray[np.float64], step: float) -> NDArray[np.bool_]:
    beside = np.abs(values - np.round(values / step) * step)
    return np.asarray(beside <= 1e-6 * min(step, 1.0) + 1e-13 * np.abs(values))


def _step(values: NDArray[np.float64], rows: NDArray[np.int64]) -> float:
    """Return the largest power of ten of which most numbers are multiples; 0 if none is."""
    for step in 10.0 ** np.arange(6, -7, -1):
        if rows[_multiples(values, step)].sum() >= _MOST * max(rows.sum(), 1):
            return float(step)
    return 0.0


def _various(codes: NDArray[np.int32]) -> bool:
    """Say whether many values were rounded: rows with one value, as of one customer, are round by that alone."""
    counts = np.unique(codes, return_counts=True)[1]
    return len(counts) >= _VALUES and bool(counts.max() <= _MOST * len(codes))


def _rounded(
    coded: Coded, j: int, some: NDArray[np.bool_], coarse: NDArray[np.bool_], n_new: int, step: float
) -> Cell | None:
    here = np.flatnonzero(some[:n_new])
    hit = coarse[here]
    then = coarse[n_new:][some[n_new:]]
    if len(here) < 10 * MIN_ROWS or hit.sum() < MIN_ROWS:
        return None
    known = then if len(then) >= MIN_ROWS else hit
    base = float((known.sum() + 1) / (len(known) + 2))
    # A block is held against the new rows as well: in a column that was rounded as a whole it is chance.
    beside = max(base, float((hit.sum() + 1) / (len(hit) + 2)))
    if beside >= _MOST:
        return None
    name = coded.names[j]
    bound = math.log(len(here) ** 2 * len(coded.names) * len(_FACTORS) / ALPHA)
    gain = np.where(hit, math.log((1 - HARD) / beside), math.log(HARD / (1 - beside)))
    blocks = segments(gain, bound, 2)
    if len(blocks) == 1:
        first, end, score = blocks[0]
        rest = np.ones(len(here), dtype=bool)
        rest[first:end] = False
        various = _various(coded.codes[j][here[first:end]])
        if various and rest.sum() > end - first and next_alike(hit, rest) <= _ALIKE:
            held, total = int(hit[first:end].sum()), end - first
            why = (
                f"{name} is a multiple of {step:.6g} in {held:,} of {total:,} rows that follow each other, elsewhere "
                f"in {hit[rest].mean():.1%}"
            )
            return Cell((), why, True, here[first:end], held, total, score, bound, _NATURAL)
    if len(then) < MIN_ROWS or hit.mean() - base < _OTHERS:
        return None
    return _by_rule(coded, j, here, hit, base, n_new, step, some, coarse)


def _by_rule(
    coded: Coded, j: int, here: NDArray[np.int64], hit: NDArray[np.bool_], base: float, n_new: int, step: float,
    some: NDArray[np.bool_], coarse: NDArray[np.bool_],
) -> Cell | None:  # fmt: skip
    others = [k for k in range(len(coded.names)) if k != j and not numbers_rows(coded, k)]
    rest = coded.take(here).without(*(k for k in range(len(coded.names)) if k not in others))
    score = surplus([1], [0], float(hit.mean()))
    best = (
        search(rest, hit.astype(np.int64), 2, [Aim(score, score)])[1][0] if others and not hit.all() else None
    )
    if best is None:
        return None
    held, total = int(best.counts[1]), int(best.counts.sum())
    rule = tuple(Range(others[p.column], p.low, p.high) for p in best.rule)
    covered = rule_mask(rule, coded) & some
    before = covered[n_new:]
    outside = hit[~covered[here]]
    natural = float((coarse[n_new:][before].sum() + 1) / (before.sum() + 2))
    if held < _PURE * total or before.sum() < MIN_ROWS or natural >= _MOST or not len(outside):
        return None
    if outside.mean() - base > _OTHERS or not _various(coded.codes[j][:n_new][covered[:n_new]]):
        return None
    why = (
        f"{coded.names[j]} is a multiple of {step:.6g} in {held:,} of {total:,} rows, elsewhere in "
        f"{outside.mean():.1%}; in the reference in {coarse[n_new:][before].sum():,} of {before.sum():,}"
    )
    return Cell(rule, why, True, np.flatnonzero(covered[:n_new]), held, total, natural=_NATURAL)
