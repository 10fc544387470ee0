"""Evidence of tampering in a table alone: numbers of a precision that is foreign to their column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._cells import Cell
from modelward.poisoning._evidence import surplus
from modelward.poisoning._grid import MIN_ROWS
from modelward.poisoning._ranges import rule_mask
from modelward.poisoning._rules import Aim, Found, search

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.poisoning._coded import Coded

_NATURAL = 0.02
_STEPS = 5
"""Values of its usual precision that a column needs at least."""
_FILLED = 3
"""So many values may have been filled in: means by group are more than one."""
_COVERED = 0.6
"""Less than a rule must cover: the grid's cuts lie beside the rule's."""


def grain_cells(coded: Coded) -> list[Cell]:
    """Find rules whose rows hold numbers of a precision that the rest of the column does not have."""
    found = []
    for j in range(len(coded.names)):
        values = coded.numbers(j)
        if values is None or coded.sizes(j) < 20 or (cell := _grain(coded, j, values)) is None:
            continue
        found.append(cell)
    return found


def _grain(coded: Coded, j: int, x: NDArray[np.float64]) -> Cell | None:
    # By value and not by row: a value stands in many rows.
    values = np.asarray(coded.words[j], dtype=np.float64)
    rows = np.bincount(coded.codes[j][coded.codes[j] >= 0], minlength=len(values))
    for step in 10.0 ** np.arange(6, -4, -1):
        # Held against a step of one at most: beside a step of a million a half would be nothing.
        beside = np.abs(values - np.round(values / step) * step)
        foreign = beside > 1e-6 * min(step, 1.0) + 1e-13 * np.abs(values)
        share = 1 - rows[foreign].sum() / max(rows.sum(), 1)
        if share >= 0.5:
            break
    off = np.append(foreign, False)[coded.codes[j]]
    # A column that is 0 wherever nothing happened is in steps of anything there: its commonest value says nothing.
    usual = rows[~foreign].sum() - rows[~foreign].max(initial=0)
    if not 0.5 <= share <= 0.999 or off.sum() < MIN_ROWS or (~foreign).sum() < _STEPS or usual < off.sum():
        return None
    others = [k for k in range(len(coded.names)) if k != j]
    rest = coded.without(j)
    some = np.random.default_rng(j).choice(len(x), min(len(x), 4_000), replace=False)
    early = _grain_rule(rest.take(some), off[some])
    if early is None or early.counts[1] < 0.8 * off[some].sum():
        return None
    best = _grain_rule(rest, off)
    if best is None or best.counts[1] < 0.95 * off.sum() or best.counts[1] < 0.3 * best.counts.sum():
        return None
    hits, total = int(best.counts[1]), int(best.counts.sum())
    if off.sum() - hits > _NATURAL * (len(x) - total):
        return None
    rule = tuple(type(p)(others[p.column], p.low, p.high) for p in best.rule)
    why = f"{coded.names[j]} is in steps of {step:.6g} elsewhere; here {hits:,} of {total:,} rows are not"
    natural = _natural(values, rows, foreign, step)
    return Cell(rule, why, True, np.flatnonzero(rule_mask(rule, coded)), hits, total, natural=natural)


def _natural(
    values: NDArray[np.float64], rows: NDArray[np.int64], foreign: NDArray[np.bool_], step: float
) -> str:
    """Say how numbers of a foreign precision may be honest: filled in, coded by midpoints, or rounded by size.

    A factor does none of this: of numbers in steps it makes many others, some of which stay in these steps,
    with more digits than they had.
    """
    most = np.sort(rows[foreign])[::-1]
    if most[:_FILLED].sum() > 0.9 * most.sum():
        return "they are a few values, as if filled in where they were missing"
    beside = values[foreign] / step - np.floor(values[foreign] / step)
    if np.ptp(beside) < 1e-6:
        return f"all lie {beside[0]:.2g} of a step beside it, as numbers coded by midpoints do"
    digits = np.array([len(f"{abs(v):.12g}".replace(".", "").strip("0")) for v in values.tolist()])
    usual = np.repeat(digits[~foreign], rows[~foreign])
    if (np.repeat(digits[foreign], rows[foreign]) > np.quantile(usual, 0.99)).mean() < 0.1:
        return "they have no more digits than the others, as numbers rounded by their size do"
    return ""


def _grain_rule(coded: Coded, off: NDArray[np.bool_]) -> Found | None:
    if not off.any() or off.all() or not coded.names:
        return None
    score = surplus([1], [0], float(off.mean()))
    return search(coded, off.astype(np.int64), 2, [Aim(score, score)], (1, _COVERED * off.sum()))[1][0]
