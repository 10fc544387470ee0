"""The climb from a rule to its best cuts: every end of every condition moved over all values of its column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.poisoning._coded import MISSING
from modelward.poisoning._grid import MIN_ROWS
from modelward.poisoning._kernels import count_values
from modelward.poisoning._ranges import Range, Rule, rule_mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.poisoning._coded import Coded
    from modelward.poisoning._evidence import Score

_ROUNDS = 8
_MARGIN = 2.0
_SHARE = 0.003
_CONDITION = 8.0


class Climb:
    """Climbs by one score over the same rows; what one of them counted the next one knows.

    Parameters
    ----------
    coded : Coded
        Rows.
    group : ndarray of shape (n,)
        The group of each row.
    groups : int
        Groups.
    score : callable
        What to maximise.
    """

    def __init__(self, coded: Coded, group: NDArray[np.int64], groups: int, score: Score) -> None:
        self.coded, self.group, self.groups, self.score = coded, group, groups, score
        self._counts: dict[Rule, NDArray[np.int64]] = {}
        self._ranges: dict[tuple[Rule, Range], tuple[Range, float]] = {}

    def count(self, rule: Rule) -> NDArray[np.int64]:
        """Return rows under a rule, group by group."""
        if rule not in self._counts:
            self._counts[rule] = count_rule(rule, self.coded, self.group, self.groups)
        return self._counts[rule]

    def top(self, rule: Rule) -> Rule:
        """Move every end of a rule to its best value in turn, and drop conditions that do not pay for themselves."""
        parts = list(rule)
        best = float(self.score(self.count(rule)))
        for _ in range(_ROUNDS):
            before = list(parts)
            for k, part in enumerate(parts):
                known = (tuple(parts[:k] + parts[k + 1 :]), part)
                if known not in self._ranges:
                    self._ranges[known] = self._best_range(*known)
                parts[k], best = self._ranges[known]
            if parts == before:
                break
        for part in list(parts):
            rest = [p for p in parts if p != part]
            if not rest:
                break
            without = float(self.score(self.count(tuple(rest))))
            if without >= best - _CONDITION:
                parts, best = rest, without
        return tuple(sorted(parts))

    def _best_range(self, rest: Rule, now: Range) -> tuple[Range, float]:
        j, size = now.column, self.coded.sizes(now.column)
        counts = np.zeros((size + 1, self.groups), dtype=np.int64)
        count_values(self.coded.codes[j], self.group, rule_mask(rest, self.coded), counts)
        present = np.flatnonzero(rows_of(counts))
        # Group by group in memory: sums run along the values.
        held = np.ascontiguousarray(counts[present].T).T
        blocks = [(present, present, held)]
        if self.coded.ordered[j]:
            known = int(len(present) > 0 and present[0] == 0)
            blocks += _sides(present[known:], held[known:], now)
        best, top = now, -np.inf
        for order, (low, high, inside) in enumerate(blocks):
            enough = np.flatnonzero(rows_of(inside) >= MIN_ROWS)
            if not len(enough):
                continue
            gain = self.score(inside if len(enough) == len(inside) else inside[enough])
            at = int(np.argmax(gain))
            k, value = int(enough[at]), float(gain[at])
            # A value says less than a side, and a side less than an interval: more words must earn it.
            price = 0.0 if order == 0 else _MARGIN if order < 3 else _MARGIN + _SHARE * max(value, 0.0)
            if value - price > top + 1e-9:
                top, best = value - price, Range(j, int(low[k]) - 1, int(high[k]) - 1)
        last = size - 1
        if self.coded.ordered[j] and best.low != MISSING and best.low != best.high:
            # The outermost value that is present stands for the open side.
            values = present[present > 0] - 1
            start = 0 if best.low == values[0] else best.low
            end = last if best.high == values[-1] else best.high
            best = Range(j, start, end)
        return best, top


def climb(coded: Coded, group: NDArray[np.int64], groups: int, score: Score, rule: Rule) -> Rule:
    """Climb once from one rule: see `Climb`."""
    return Climb(coded, group, groups, score).top(rule)


def count_rule(rule: Rule, coded: Coded, group: NDArray[np.int64], groups: int) -> NDArray[np.int64]:
    """Return rows under a rule, group by group."""
    return np.bincount(group[rule_mask(rule, coded)], minlength=groups)


def rows_of(counts: NDArray[Any]) -> NDArray[Any]:
    """Return rows of all groups together; sums along a short last axis are slow."""
    total = counts[:, 0].copy()
    for g in range(1, counts.shape[1]):
        total += counts[:, g]
    return total


def _sides(
    present: NDArray[np.int64], held: NDArray[np.int64], now: Range
) -> list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
    """Return what lies up to each value, from each value on, and both with the other end held."""
    if not len(present):
        return []
    up = np.cumsum(held.T, axis=1).T
    down = np.cumsum(held.T[:, ::-1], axis=1)[:, ::-1].T
    first, last = np.full_like(present, present[0]), np.full_like(present, present[-1])
    blocks = [(first, present, up), (present, last, down)]
    if now.low == MISSING:
        return blocks
    a, b = (
        int(np.searchsorted(present, now.low + 1)),
        int(np.searchsorted(present, now.high + 1, side="right")),
    )
    if 0 < a < len(present):
        blocks.append((np.full(len(present) - a, present[a]), present[a:], up[a:] - up[a - 1]))
    if 0 < b < len(present):
        blocks.append((present[:b], np.full(b, present[b - 1]), down[:b] - down[b]))
    return blocks
