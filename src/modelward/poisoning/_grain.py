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
    # A column that is 0 wherever nothing happened is in steps of anything there.
    if not 0.5 <= share <= 0.999 or off.sum() < MIN_ROWS or (~foreign).sum() < _STEPS:
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
    return Cell(rule, why, True, np.flatnonzero(rule_mask(rule, coded)), hits, total)


def _grain_rule(coded: Coded, off: NDArray[np.bool_]) -> Found | None:
    if not off.any() or off.all() or not coded.names:
        return None
    score = surplus([1], [0], float(off.mean()))
    return search(coded, off.astype(np.int64), 2, [Aim(score, score)], (1, _COVERED * off.sum()))[1][0]
