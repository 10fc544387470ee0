"""Columns that changed in bulk, and what purity is worth where the reference has no rows under a rule.

A column that was shifted, scaled, rounded or recoded everywhere has values that the reference never had, so every
rule over it has no earlier rows: that novelty explains itself and is no evidence. Its rules are judged against the
earlier rows of the same quantiles, against what the rule's other conditions allow, and by the new table alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._cells import HARD
from modelward.poisoning._evidence import purity
from modelward.poisoning._grid import MIN_ROWS
from modelward.poisoning._pure import stands_alone
from modelward.poisoning._ranges import Rule, rule_mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.poisoning._coded import Coded

_ALPHA = 0.005
_WEIGHT = 50.0


def distance(new: NDArray[np.int64], old: NDArray[np.int64], *, ordered: bool) -> tuple[float, float]:
    """Return the distance of two distributions and a bound of the chance of it where they are one.

    Parameters
    ----------
    new, old : ndarray of shape (values,)
        Rows with each value.
    ordered : bool
        Whether to compare distribution functions (Kolmogorov–Smirnov) instead of shares (total variation).
    """
    from scipy.special import chdtrc

    n, m = int(new.sum()), int(old.sum())
    if ordered:
        gap = float(np.abs(np.cumsum(new) / n - np.cumsum(old) / m).max())
        # Massart 2012 (the two-sample form of Dvoretzky–Kiefer–Wolfowitz), conservative where values repeat.
        return gap, min(1.0, 2 * math.exp(-2 * gap * gap * n * m / (n + m)))
    gap = float(np.abs(new / n - old / m).sum() / 2)
    rare = new + old < MIN_ROWS
    table = np.stack([np.append(side[~rare], side[rare].sum()) for side in (new, old)]).astype(float)
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        return gap, 1.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    return gap, float(chdtrc(table.shape[1] - 1, ((table - expected) ** 2 / expected).sum()))


def moved_in_bulk(coded: Coded, fresh: NDArray[np.bool_], column: int, cell: NDArray[np.bool_]) -> bool:
    """Say whether a column departs from the reference also where a rule does not reach.

    Parameters
    ----------
    coded : Coded
        New and earlier rows.
    fresh : ndarray of shape (n,)
        Which are new.
    column : int
    cell : ndarray of shape (n,)
        Rows under the rule, which are left out: what an attack did inside is not a change in bulk.
    """
    size = coded.sizes(column) + 1
    codes = coded.codes[column] + 1
    new, old = (np.bincount(codes[side & ~cell], minlength=size) for side in (fresh, ~fresh))
    if min(new.sum(), old.sum()) < MIN_ROWS:
        return True
    chances = [distance(new, old, ordered=False)[1]]
    if coded.ordered[column]:
        chances.append(distance(new, old, ordered=True)[1])
    return min(chances) * len(chances) * len(coded.names) < _ALPHA


def moved_columns(coded: Coded, fresh: NDArray[np.bool_]) -> list[int]:
    """Return the columns that depart from the reference by more than what happened to one of their values.

    Parameters
    ----------
    coded : Coded
        New and earlier rows.
    fresh : ndarray of shape (n,)
        Which are new.
    """
    found = []
    for j, codes in enumerate(coded.codes):
        new, old = (
            np.bincount(codes[side] + 1, minlength=coded.sizes(j) + 1) / side.sum()
            for side in (fresh, ~fresh)
        )
        # A trigger stamps one value on many rows; that is no change in bulk.
        stamped = codes + 1 == int(np.argmax(new - old))
        if moved_in_bulk(coded, fresh, j, stamped):
            found.append(j)
    return found


def pure_beyond_reference(
    coded: Coded, fresh: NDArray[np.bool_], hit: NDArray[np.bool_], rule: Rule, bound: float
) -> bool:
    """Say whether a pure rule is purer than anything in the reference makes likely.

    Parameters
    ----------
    coded : Coded
        New and earlier rows.
    fresh, hit : ndarray of shape (n,)
        Which rows are new, and which have the label in which the rule is pure.
    rule : Rule
    bound : float
        Nats that the likelihood ratio must reach.
    """
    inside = rule_mask(rule, coded)
    bulk = {part.column for part in rule if moved_in_bulk(coded, fresh, part.column, inside)}
    then = [inside & ~fresh]
    # What the reference allows without one of the conditions is expected where all together have few of its rows.
    near = [float(hit[~fresh].mean())] + [
        _rate(hit, rule_mask(rule[:k] + rule[k + 1 :], coded) & ~fresh) for k in range(len(rule))
    ]
    if bulk:
        near.append(_rate(hit, rule_mask(tuple(p for p in rule if p.column not in bulk), coded) & ~fresh))
        then.append(_same_quantiles(coded, fresh, rule, bulk))
    prior = max(near)
    rates = [(hit[rows].sum() + _WEIGHT * prior) / (rows.sum() + _WEIGHT) for rows in then]
    held, total = int(hit[inside & fresh].sum()), int((inside & fresh).sum())
    score = purity([0], [1], [max(rates)], HARD)(np.array([held, total - held]))
    if float(score) < bound:
        return False
    return not bulk or stands_alone(coded.take(fresh), hit[fresh], rule, bound)


def _rate(hit: NDArray[np.bool_], rows: NDArray[np.bool_]) -> float:
    count = int(rows.sum())
    return float(hit[rows].mean()) if count >= MIN_ROWS else 0.0


def _same_quantiles(coded: Coded, fresh: NDArray[np.bool_], rule: Rule, bulk: set[int]) -> NDArray[np.bool_]:
    """Return earlier rows under a rule whose conditions on some columns are read as shares of the rows."""
    rows = ~fresh & rule_mask(tuple(part for part in rule if part.column not in bulk), coded)
    for part in rule:
        if part.column not in bulk:
            continue
        codes = coded.codes[part.column]
        new = np.sort(codes[fresh])
        low = float(np.searchsorted(new, part.low, "left")) / len(new)
        high = float(np.searchsorted(new, part.high, "right")) / len(new)
        old = np.sort(codes[~fresh])
        start = int(low * len(old))
        end = max(start, math.ceil(high * len(old)) - 1)
        rows &= (codes >= old[min(start, len(old) - 1)]) & (codes <= old[min(end, len(old) - 1)])
    return rows
