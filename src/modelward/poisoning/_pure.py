"""Evidence of tampering in a table alone: rules with one label only."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._cells import HARD, IMPURE, PEELS, Cell, Looked
from modelward.poisoning._climb import climb
from modelward.poisoning._evidence import excess, nats_of_chance, purity, purity_weights
from modelward.poisoning._grid import MIN_ROWS
from modelward.poisoning._ranges import Rule, rule_mask
from modelward.poisoning._rules import Aim, search

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.poisoning._coded import Coded
    from modelward.poisoning._grid import Grid

_HARDER = 0.001
_SOFT = 0.02
_STRATA = 8
_NATURAL = 0.02
_SHELL = 100


def pure_cells(coded: Coded, y: NDArray[np.int64], labels: list[str]) -> Looked:
    """Find rules with one label only, at sharp edges, that the rest of the table gives no reason for.

    Searched over all rows, and over strata of predicted risk: a group of low risk that has one label is what the
    first search passes over among patterns of high risk, and a trigger that the prediction has learned is what
    the second does. Purity is no evidence where labels follow from the columns anyway: beyond every edge of the
    rule the label must be as rare as chance cannot explain, and a tree of the other rows must have no pure leaves.
    What passes may still be how these data are: see `_natural`.
    """
    cells: list[Cell] = []
    least = left_out = 0
    for label in range(len(labels)):
        hit = y == label
        if not MIN_ROWS <= hit.sum() <= len(y) - MIN_ROWS:
            continue
        free = np.ones(len(y), dtype=bool)
        for _ in range(PEELS):
            looked, grid = _pure(coded, hit, free, labels[label])
            left_out = max(left_out, grid.left_out)
            seen = nats_of_chance(grid.values, 2, 3) / -math.log(float(hit.mean()))
            least = max(least, math.ceil(seen))
            if looked is None:
                break
            cells.append(looked)
            free[looked.rows] = False
    return Looked(cells, least, left_out)


def _pure(
    coded: Coded, hit: NDArray[np.bool_], free: NDArray[np.bool_], label: str
) -> tuple[Cell | None, Grid]:
    strata = risk_strata(coded, hit, free)
    group = np.where(free, 2 * strata + hit, -1)
    totals = np.bincount(group[free], minlength=2 * _STRATA).reshape(_STRATA, 2)
    rates = ((totals[:, 1] + 0.5) / (totals.sum(axis=1) + 1)).tolist()
    base = float(hit[free].mean())
    hits, misses = list(range(1, 2 * _STRATA, 2)), list(range(0, 2 * _STRATA, 2))
    low = [s for s in range(_STRATA) if rates[s] < 1.6 * base] or [0]
    everywhere = purity(hits, misses, [base] * _STRATA, _HARDER)
    risk = purity(hits, misses, rates, HARD)
    deep = purity_weights(hits, misses, rates, _SOFT, 2 * _STRATA)
    aims = [
        Aim(purity(hits, misses, [base] * _STRATA, _SOFT), everywhere),
        Aim(excess(hits, misses, rates), risk, deep),
        Aim(excess([hits[s] for s in low], [misses[s] for s in low], [rates[s] for s in low]), risk),
    ]
    grid, found = search(coded, group, 2 * _STRATA, aims)
    best: Cell | None = None
    for each in found:
        if each is None:
            continue
        for score in (everywhere, risk):
            rule = climb(coded.take(free), group[free], 2 * _STRATA, score, each.rule)
            cell = _sharp(coded, hit, free, rule, nats_of_chance(grid.values, len(rule), 3), base, label)
            if cell is not None and (best is None or cell.score > best.score):
                best = cell
    if best is not None and _naturally_pure(coded, hit, free, best):
        best = None
    return best, grid


def stands_alone(coded: Coded, hit: NDArray[np.bool_], rule: Rule, bound: float) -> bool:
    """Say whether a rule given from elsewhere is as pure as no other part of its table gives a reason for.

    Parameters
    ----------
    coded : Coded
    hit : ndarray of shape (n,)
        Which rows have the label.
    rule : Rule
    bound : float
        Nats that the likelihood ratio must reach.
    """
    free = np.ones(len(hit), dtype=bool)
    cell = _sharp(coded, hit, free, rule, bound, float(hit.mean()), "")
    return cell is not None and not cell.natural and not _naturally_pure(coded, hit, free, cell)


def _sharp(
    coded: Coded, hit: NDArray[np.bool_], free: NDArray[np.bool_], rule: Rule, bound: float, base: float, label: str,
) -> Cell | None:  # fmt: skip
    """Return the cell if its purity is more than the rates beyond its edges can give by chance."""
    inside = rule_mask(rule, coded) & free
    total, hits = int(inside.sum()), int(hit[inside].sum())
    if total < MIN_ROWS or hits < (1 - IMPURE) * total:
        return None
    beyond = max(base, *edge_rates(coded, hit, free, rule))
    # A column whose rate jumps by nature has a sharp edge too: the risk that each column of the other rows predicts
    # counts as well.
    expected = max(beyond, _risk(coded, hit, free & ~inside, inside))
    counts = np.array([hits, total - hits])
    if float(purity([0], [1], [expected], HARD)(counts)) < bound:
        return None
    # What one column gives by itself, these rows counted, may be what that column means.
    alone = max(beyond, _risk(coded, hit, free, inside))
    natural = ""
    if float(purity([0], [1], [alone], HARD)(counts)) < bound:
        natural = f"one of its columns goes with label {label} by itself, as a cause of it would"
    score = float(purity([0], [1], [base], HARD)(counts))
    why = (
        f"{hits:,} of {total:,} rows have label {label}, in the whole table {base:.0%}, "
        f"next to it at most {beyond:.0%}"
    )
    return Cell(rule, why, True, np.flatnonzero(inside), hits, total, score, bound, natural)


def _risk(
    coded: Coded, hit: NDArray[np.bool_], others: NDArray[np.bool_], inside: NDArray[np.bool_]
) -> float:
    """Return the rate of hits that other rows give reason to expect inside."""
    if not others.any():
        return float(hit.mean())
    strata = risk_strata(coded, hit, others)
    rows, hits = (np.bincount(strata[others], weights=w, minlength=_STRATA) for w in (None, hit[others]))
    return float(((hits + 0.5) / (rows + 1))[strata[inside]].mean())


def edge_rates(coded: Coded, hit: NDArray[np.bool_], free: NDArray[np.bool_], rule: Rule) -> list[float]:
    """Return the rate of hits next to every edge of a rule.

    Next to an edge are the hundred rows, or somewhat more, with the nearest values beyond it, that meet all other
    conditions; for a value without order all rows with other values.
    """
    base = float(hit[free].mean())
    rates = [0.0]
    for k, part in enumerate(rule):
        rest = rule_mask(rule[:k] + rule[k + 1 :], coded) & free
        codes = coded.codes[part.column]
        sides = [rest & (codes > part.high), rest & (codes < part.low)]
        if not coded.ordered[part.column]:
            sides = [sides[0] | sides[1]]
        for side in sides:
            if side.sum() < MIN_ROWS:
                continue
            if coded.ordered[part.column]:
                edge = part.high if codes[side][0] > part.high else part.low
                away = np.abs(codes[side] - edge)
                near = away <= np.partition(away, min(_SHELL, len(away) - 1))[min(_SHELL, len(away) - 1)]
                side[np.flatnonzero(side)[~near]] = False
            # A few rows next to an edge say little: twenty rows of the whole table's rate are added to them.
            rates.append((float(hit[side].sum()) + 20 * base) / (float(side.sum()) + 20))
    return rates


def risk_strata(coded: Coded, hit: NDArray[np.bool_], free: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return eight strata of predicted risk: sums of each column's log-odds in ten bins (naive Bayes)."""
    total = np.zeros(len(hit))
    base = np.log((hit[free].sum() + 1) / ((~hit[free]).sum() + 1))
    for j, codes in enumerate(coded.codes):
        rows = np.bincount(codes[free] + 1, minlength=coded.sizes(j) + 1)
        bins = np.arange(len(rows))
        if len(rows) > 11:
            bins = np.minimum(np.cumsum(rows) * 10 // max(int(rows.sum()), 1), 9)
        place = bins[codes + 1]
        n = np.bincount(place[free], minlength=len(rows))
        h = np.bincount(place[free], weights=hit[free], minlength=len(rows))
        # A bin of few rows says nothing; ten rows of the base rate are added to each.
        share = hit[free].mean()
        odds = np.log((h + 10 * share + 0.5) / (n - h + 10 * (1 - share) + 0.5)) - base
        total += odds[place]
    edges = np.quantile(total[free], np.linspace(0, 1, _STRATA + 1)[1:-1])
    return np.searchsorted(edges, total, side="right").astype(np.int64)


def _naturally_pure(coded: Coded, hit: NDArray[np.bool_], free: NDArray[np.bool_], cell: Cell) -> bool:
    from sklearn.tree import DecisionTreeClassifier

    rest = free.copy()
    rest[cell.rows] = False
    if rest.sum() < 60 or not hit[rest].any():
        return True
    X = np.column_stack(coded.codes)[rest]
    tree = DecisionTreeClassifier(
        min_samples_leaf=min(max(30, cell.total // 4), 100), max_depth=6, random_state=0
    ).fit(X, hit[rest])
    leaf = tree.apply(X)
    rows, hits = np.bincount(leaf), np.bincount(leaf, weights=hit[rest])
    pure = (rows > 0) & (hits >= (1 - IMPURE / 10) * rows)
    return bool(hits[pure].sum() > _NATURAL * hit[rest].sum())
