"""Evidence of tampering where no row can be matched: against another sample, or without any."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._evidence import excess, nats_of_chance, purer, purity, surplus
from modelward.poisoning._ranges import Rule, rule_mask, rule_text
from modelward.poisoning._rules import Aim, Found, climb, count_rule, search

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.poisoning._coded import Coded
    from modelward.poisoning._grid import Grid

MIN_ROWS = 10
MOST_LABELS = 10
_IMPURE = 0.1
_SOFT = 0.05
_HARD = 0.01
_HARDER = 0.001
_STRATA = 8
_PEELS = 4
_NATURAL = 0.02
_SHELL = 100


@dataclass(frozen=True)
class Cell:
    """A rule with the evidence found in it."""

    rule: Rule
    why: str
    tampered: bool
    rows: NDArray[np.int64]
    hits: int
    total: int
    score: float = 0.0


@dataclass(frozen=True)
class Looked:
    """What a search found, and how far it saw.

    Parameters
    ----------
    cells : list of Cell
    least : int
        Rows that a group must about have to be found at all.
    left_out : int
        Conditions whose pairs were not counted.
    """

    cells: list[Cell]
    least: int = 0
    left_out: int = 0


def two_samples(coded: Coded, y: NDArray[np.int64], labels: list[str], n_new: int) -> Looked:
    """Find rules from which a label vanished, or in which it gathered, against an earlier sample.

    That alone is drift. It is tampering where the new rows are pure and the earlier ones are not.

    Parameters
    ----------
    coded : Coded
        New rows, then earlier ones.
    y : ndarray of shape (n,)
        Positions in `labels`.
    labels : list of str
    n_new : int
        New rows.
    """
    k = len(labels)
    group = 2 * y + (np.arange(len(y)) >= n_new)
    cells: list[Cell] = []
    least = left_out = 0
    for _ in range(_PEELS):
        totals = np.bincount(group[group >= 0], minlength=2 * k)
        aims = [_shift(totals, label, below) for label in range(k) for below in (True, False)]
        aims += [_purer(totals, label) for label in range(k)]
        grid, found = search(coded, group, 2 * k, aims)
        left_out = max(left_out, grid.left_out)
        least = least or math.ceil(nats_of_chance(grid.language, 2, len(aims)) / math.log(len(y) / n_new))
        shown = [
            cell for each in found if each is not None
            if (cell := _judged(coded, group, totals, each, grid, labels, n_new, len(aims))) is not None
        ]  # fmt: skip
        tampered = [cell for cell in shown if cell.tampered]
        if not tampered:
            return Looked(cells + shown[:2], least, left_out)
        best = max(tampered, key=lambda cell: cell.score)
        cells.append(best)
        group = np.where(rule_mask(best.rule, coded), -1, group)
    return Looked(cells, least, left_out)


def _shift(totals: NDArray[np.int64], label: int, below: bool) -> Aim:
    new, old = totals[2 * label], totals[2 * label + 1]
    rate = float(np.clip(new / max(new + old, 1), 1e-6, 1 - 1e-6))
    score = surplus([2 * label], [2 * label + 1], rate, below=below)
    return Aim(score, score)


def _purer(totals: NDArray[np.int64], label: int, soft: float = _SOFT) -> Aim:
    others = [other for other in range(len(totals) // 2) if other != label]
    hit, miss = [2 * label], [2 * other for other in others]
    before, rest = [2 * label + 1], [2 * other + 1 for other in others]
    old = totals[1::2].sum()
    rate = float(np.clip(totals[2 * label + 1] / max(old, 1), 1e-3, 1 - 1e-3))
    return Aim(purer(hit, miss, before, rest, rate, soft), purer(hit, miss, before, rest, rate, _HARD))


def _judged(
    coded: Coded, group: NDArray[np.int64], totals: NDArray[np.int64], found: Found, grid: Grid,
    labels: list[str], n_new: int, aims: int,
) -> Cell | None:  # fmt: skip
    """Say what a rule is evidence of; None for what chance can give."""
    inside = group >= 0
    rows, groups = coded.take(inside), group[inside]
    fresh = found.counts[0::2]
    label = int(np.argmax(fresh))
    rule, counts = found.rule, found.counts
    if fresh[label] >= 0.5 * max(fresh.sum(), 1):
        named, inside_named = _attributed(rows, groups, totals, label, rule)
        if inside_named[2 * label] >= (1 - _IMPURE) * max(inside_named[0::2].sum(), 1):
            rule, counts = named, inside_named
    total, held = int(counts[0::2].sum()), int(counts[2 * label])
    shift = max(
        float(aim.beam(counts)) for one in range(len(labels)) for below in (True, False)
        for aim in [_shift(totals, one, below)]
    )  # fmt: skip
    bound = nats_of_chance(grid.language, len(rule), aims)
    beyond = shift >= nats_of_chance(grid.values, len(rule), aims)
    on_grid = found.start >= nats_of_chance(grid.language, found.start_size, aims)
    if total < MIN_ROWS or not (beyond or (on_grid and shift >= bound)):
        return None
    score = float(_purer(totals, label).climb(counts))
    pure = held >= (1 - _IMPURE) * total and score >= bound
    covered = rule_mask(rule, coded)[:n_new] & inside[:n_new]
    earlier, then = int(counts[1::2].sum()), int(counts[2 * label + 1])
    why = f"label {labels[label]} in {held:,} of {total:,} rows; in the reference in {then:,} of {earlier:,}"
    return Cell(rule, why, pure, np.flatnonzero(covered), held, total, score)


def _attributed(
    rows: Coded, groups: NDArray[np.int64], totals: NDArray[np.int64], label: int, rule: Rule
) -> tuple[Rule, NDArray[np.int64]]:
    """Return the rule that says most exactly where the new rows are pure: first against the earlier rows under
    each rule, then, so that chance among the earlier rows moves no edge, against one rate of theirs.
    """
    g = len(totals)
    aim = _purer(totals, label).climb
    rule = climb(rows, groups, g, aim, rule)
    counts = count_rule(rule, rows, groups, g)
    earlier = counts[1::2].sum()
    base = totals[2 * label + 1] / max(totals[1::2].sum(), 1)
    rate = float((counts[2 * label + 1] + 10 * base) / (earlier + 10))
    others = [2 * other for other in range(g // 2) if other != label]
    wider = climb(rows, groups, g, purity([2 * label], others, [rate] * len(others), _HARD), rule)
    again = count_rule(wider, rows, groups, g)
    if float(aim(again)) >= 0.98 * float(aim(counts)) - 2.0:
        return wider, again
    return rule, counts


def pure_cells(coded: Coded, y: NDArray[np.int64], labels: list[str]) -> Looked:
    """Find rules with one label only, at sharp edges, that the rest of the table gives no reason for.

    Searched over all rows, and over strata of predicted risk: a group of low risk that has one label is what the
    first search passes over among patterns of high risk, and a trigger that the prediction has learned is what
    the second does. Purity is no evidence where labels follow from the columns anyway: beyond every edge of the
    rule the label must be as rare as chance cannot explain, and a tree of the other rows must have no pure leaves.
    """
    cells: list[Cell] = []
    least = left_out = 0
    for label in range(len(labels)):
        hit = y == label
        if not MIN_ROWS <= hit.sum() <= len(y) - MIN_ROWS:
            continue
        free = np.ones(len(y), dtype=bool)
        for _ in range(_PEELS):
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
    strata = _strata(coded, hit, free)
    group = np.where(free, 2 * strata + hit, -1)
    totals = np.bincount(group[free], minlength=2 * _STRATA).reshape(_STRATA, 2)
    rates = ((totals[:, 1] + 0.5) / (totals.sum(axis=1) + 1)).tolist()
    base = float(hit[free].mean())
    hits, misses = list(range(1, 2 * _STRATA, 2)), list(range(0, 2 * _STRATA, 2))
    low = [s for s in range(_STRATA) if rates[s] < 1.6 * base] or [0]
    everywhere = purity(hits, misses, [base] * _STRATA, _HARDER)
    risk = purity(hits, misses, rates, _HARD)
    aims = [
        Aim(purity(hits, misses, [base] * _STRATA, 0.02), everywhere),
        Aim(excess(hits, misses, rates), risk),
        Aim(excess([hits[s] for s in low], [misses[s] for s in low], [rates[s] for s in low]), risk),
    ]
    grid, found = search(coded, group, 2 * _STRATA, aims)
    risk_of_row = np.array(rates)[strata]
    best: Cell | None = None
    for each in found:
        if each is None:
            continue
        for score in (everywhere, risk):
            rule = climb(coded.take(free), group[free], 2 * _STRATA, score, each.rule)
            cell = _sharp(
                coded, hit, free, rule, nats_of_chance(grid.values, len(rule), 3), base, label, risk_of_row
            )
            if cell is not None and (best is None or cell.score > best.score):
                best = cell
    if best is not None and _naturally_pure(coded, hit, free, best):
        best = None
    return best, grid


def _sharp(
    coded: Coded, hit: NDArray[np.bool_], free: NDArray[np.bool_], rule: Rule, bound: float, base: float,
    label: str,
    risk_of_row: NDArray[np.float64],
) -> Cell | None:  # fmt: skip
    """Return the cell if its purity is more than the rates beyond its edges can give by chance."""
    inside = rule_mask(rule, coded) & free
    total, hits = int(inside.sum()), int(hit[inside].sum())
    if total < MIN_ROWS or hits < (1 - _IMPURE) * total:
        return None
    beyond = max(base, *edge_rates(coded, hit, free, rule))
    # A column whose rate jumps by nature has a sharp edge too: the risk that the columns alone predict counts as well.
    expected = max(beyond, float(risk_of_row[inside].mean()))
    if float(purity([0], [1], [expected], _HARD)(np.array([hits, total - hits]))) < bound:
        return None
    score = float(purity([0], [1], [base], _HARD)(np.array([hits, total - hits])))
    why = (
        f"{hits:,} of {total:,} rows have label {label}, in the whole table {base:.0%}, "
        f"next to it at most {beyond:.0%}"
    )
    return Cell(rule, why, True, np.flatnonzero(inside), hits, total, score)


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


def _strata(coded: Coded, hit: NDArray[np.bool_], free: NDArray[np.bool_]) -> NDArray[np.int64]:
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
    pure = (rows > 0) & (hits >= (1 - _IMPURE / 10) * rows)
    return bool(hits[pure].sum() > _NATURAL * hit[rest].sum())


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
    known = ~np.isnan(x)
    for step in 10.0 ** np.arange(6, -4, -1):
        off = ~np.isclose(x / step, np.round(x / step), rtol=0, atol=1e-6) & known
        share = 1 - off.sum() / max(known.sum(), 1)
        if share >= 0.5:
            break
    if not 0.5 <= share <= 0.999 or off.sum() < MIN_ROWS:
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
    return search(coded, off.astype(np.int64), 2, [Aim(score, score)])[1][0]


__all__ = [
    "MIN_ROWS",
    "MOST_LABELS",
    "Cell",
    "Looked",
    "grain_cells",
    "pure_cells",
    "rule_text",
    "two_samples",
]
