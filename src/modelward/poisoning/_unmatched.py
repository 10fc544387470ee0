"""Evidence of tampering against a sample of other rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._bulk import pure_beyond_reference
from modelward.poisoning._cells import HARD, IMPURE, PEELS, Cell, Looked
from modelward.poisoning._climb import climb, count_rule
from modelward.poisoning._evidence import nats_of_chance, nats_of_rule, purer, purity, purity_weights, surplus
from modelward.poisoning._grid import MIN_ROWS
from modelward.poisoning._ranges import Rule, rule_mask
from modelward.poisoning._rules import Aim, Found, search

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.poisoning._coded import Coded
    from modelward.poisoning._grid import Grid

_SOFT = 0.05


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
    for _ in range(PEELS):
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
    # Other labels are gone from a pure group: earlier rows with them speak for it, new ones against it.
    earlier = float(np.clip(totals[rest].sum() / max(totals[miss + rest].sum(), 1), 1e-6, 1 - 1e-6))
    gone = purity_weights(rest, miss, [earlier] * len(rest), soft, len(totals))
    return Aim(purer(hit, miss, before, rest, rate, soft), purer(hit, miss, before, rest, rate, HARD), gone)


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
        if inside_named[2 * label] >= (1 - IMPURE) * max(inside_named[0::2].sum(), 1):
            rule, counts = named, inside_named
    total, held = int(counts[0::2].sum()), int(counts[2 * label])
    shift = max(
        float(aim.beam(counts)) for one in range(len(labels)) for below in (True, False)
        for aim in [_shift(totals, one, below)]
    )  # fmt: skip
    bound = nats_of_chance(grid.language, len(rule), aims)
    by_values = nats_of_rule([(p.kinds(coded), len(coded.names)) for p in rule], aims)
    beyond = shift >= min(nats_of_chance(grid.values, len(rule), aims), by_values)
    on_grid = found.start >= nats_of_chance(grid.language, found.start_size, aims)
    if total < MIN_ROWS or not (beyond or (on_grid and shift >= bound)):
        return None
    score = float(_purer(totals, label).climb(counts))
    pure = held >= (1 - IMPURE) * total and score >= bound
    if pure:
        fresh_rows = np.flatnonzero(inside) < n_new
        pure = pure_beyond_reference(rows, fresh_rows, groups // 2 == label, rule, bound)
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
    wider = climb(rows, groups, g, purity([2 * label], others, [rate] * len(others), HARD), rule)
    again = count_rule(wider, rows, groups, g)
    if float(aim(again)) >= 0.98 * float(aim(counts)) - 2.0:
        return wider, again
    return rule, counts
