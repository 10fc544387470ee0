"""Groups of one label that a table may have by itself: what speaks against tampering where purity speaks for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._cells import HARD
from modelward.poisoning._evidence import purity
from modelward.poisoning._grid import MIN_ROWS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.poisoning._cells import Cell
    from modelward.poisoning._coded import Coded

_SEVERAL = 3
"""Groups of one label, none in another, of which a table has so many by itself: nobody poisons so many places."""
_RUNS = 20
"""Fewer runs of one label are the order in which a table was sorted."""
_ALL = 0.9
"""Share of a label's rows that a rule may cover before it counts as what the label means."""


def with_reasons(coded: Coded, y: NDArray[np.int64], cells: list[Cell], labels: list[str]) -> list[Cell]:
    """Say of each rule in which way its purity may be natural.

    One group of one label among rows that are mixed everywhere else is what somebody made. Where a table has several,
    it makes them itself (customers who buy one brand, prices that decide); where the label is hardly ever met outside
    of the rule, the rule may be what the label means; and where the rule's own columns give groups that are nearly
    as pure elsewhere, it is the purest of its kind. Rows of one person follow each other and say one thing only: where
    labels come in many runs, longer than by chance, the evidence counts by so much less.
    """
    made = [int(np.bincount(y[cell.rows]).argmax()) for cell in cells]
    counted = [label for cell, label in zip(cells, made, strict=True) if not cell.natural]
    several = len(counted) >= _SEVERAL or len(set(counted)) > 1
    out = []
    for cell, label in zip(cells, made, strict=True):
        hit, reason = y == label, cell.natural
        if several and not reason:
            reason = f"{len(counted)} groups of this table have one label, as if that were how its labels come about"
        elif not reason and cell.hits > _ALL * hit.sum():
            reason = f"hardly another row has label {labels[label]}: the rule may be what it means"
        elif not reason:
            like = _purest(coded, hit, cell)
            beyond = float(purity([0], [1], [like], HARD)(np.array([cell.hits, cell.total - cell.hits])))
            together = _together(np.delete(y, cell.rows))
            if beyond < cell.bound:
                reason = f"other groups by the same columns have up to {like:.0%}"
            elif beyond / together < cell.bound:
                reason = (
                    f"rows that follow each other have one label {together:.1f} times as long as by chance: they may "
                    "be rows of few persons or places"
                )
        out.append(replace(cell, natural=reason))
    return out


def _together(y: NDArray[np.int64]) -> float:
    """Return how many times as long as by chance the runs of one label are; 1 in a sorted table."""
    if len(y) < MIN_ROWS:
        return 1.0
    runs = 1 + int((y[1:] != y[:-1]).sum())
    if runs < _RUNS:
        return 1.0
    rates = np.bincount(y) / len(y)
    expected = 1 + (len(y) - 1) * (1 - float((rates**2).sum()))
    return max(1.0, expected / runs)


def _purest(coded: Coded, hit: NDArray[np.bool_], cell: Cell) -> float:
    """Return the label's highest rate in groups of about a rule's size, by its columns, of other rows."""
    from sklearn.tree import DecisionTreeClassifier

    rest = np.ones(len(hit), dtype=bool)
    rest[cell.rows] = False
    X = np.column_stack([coded.codes[j] for j in sorted({part.column for part in cell.rule})])[rest]
    least = max(MIN_ROWS, cell.total // 2)
    if len(X) < 2 * least or not hit[rest].any() or hit[rest].all():
        return float(hit[rest].mean())
    leaf = DecisionTreeClassifier(min_samples_leaf=least, random_state=0).fit(X, hit[rest]).apply(X)
    rows, hits = np.bincount(leaf), np.bincount(leaf, weights=hit[rest])
    # A few rows of the rate everywhere are added: the purest of many leaves is pure by chance as well.
    return float(((hits + 5 * hit[rest].mean()) / (rows + 5)).max())
