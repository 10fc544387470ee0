"""The rule with the highest score: a beam over pairs of the grid, then a climb over every value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.poisoning._coded import MISSING
from modelward.poisoning._evidence import nats_of_chance
from modelward.poisoning._grid import MIN_ROWS, Grid, Packed, make_grid
from modelward.poisoning._kernels import count_values
from modelward.poisoning._ranges import Range, Rule, rule_mask
from modelward.poisoning._triples import triples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.poisoning._coded import Coded
    from modelward.poisoning._evidence import Score

_BEAM = 12
_STARTS = 3
_ROUNDS = 8
_MOST = 3
_MARGIN = 2.0
_SHARE = 0.003
_CONDITION = 8.0
_BEAM_ROWS = 400_000
_HOPE = 0.7


@dataclass(frozen=True)
class Aim:
    """What to look for.

    Parameters
    ----------
    beam : callable
        The score by which conjunctions on the grid are ranked.
    climb : callable
        The score of the climb that follows.
    linear : ndarray of shape (groups,), optional
        What a row of each group adds, for a look at all triples of coarse conditions; without it there is none.
    """

    beam: Score
    climb: Score
    linear: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Found:
    """The best rule for an aim.

    Parameters
    ----------
    rule : tuple of Range
    counts : ndarray of shape (groups,)
        Rows under it.
    score : float
        Of the climb.
    start : float
        The best score of the beam on the grid, before any cut was moved.
    start_size : int
        How many conditions that rule had.
    """

    rule: Rule
    counts: NDArray[np.int64]
    score: float
    start: float
    start_size: int


def search(
    coded: Coded,
    group: NDArray[np.int64],
    groups: int,
    aims: Sequence[Aim],
    need: tuple[int, float] = (0, 0.0),
) -> tuple[Grid, list[Found | None]]:
    """Find the conjunction of up to three ranges with the highest score, for every aim.

    Parameters
    ----------
    coded : Coded
        Rows.
    group : ndarray of shape (n,)
        Which group each row counts in; -1 for rows that are left out.
    groups : int
        Groups.
    aims : sequence of Aim
    need : tuple of int and float
        A group, and how many of its rows a rule must cover before any cut is moved.

    Returns
    -------
    Grid
        What was tried.
    list of Found or None
        For every aim; None where no rule has a positive score.
    """
    if (group < 0).any():
        coded, group = coded.take(group >= 0), group[group >= 0]
    grid = make_grid(coded, group, groups, [aim.beam for aim in aims], need)
    if not grid.conditions:
        return grid, [None] * len(aims)
    some = slice(None)
    looked = coded
    if coded.rows > _BEAM_ROWS:
        # The beam only proposes: what it proposes is counted on all rows.
        picked = np.sort(np.random.default_rng(0).choice(coded.rows, _BEAM_ROWS, replace=False))
        looked, some = coded.take(picked), picked  # type: ignore[assignment]
    packed = Packed(looked, grid, group[some], groups)
    singles, pairs = packed.singles(), packed.pairs()
    enough = np.flatnonzero(_rows(pairs) >= MIN_ROWS)
    many = pairs[enough].astype(np.float32)
    # What is far from the bound on the grid does not come near it by moving cuts.
    floor = 0.5 * nats_of_chance(grid.language, 1, len(aims))
    found: list[Found | None] = []
    for aim in aims:
        starts = _beam(packed, aim.beam, singles, enough, many)
        if aim.linear is not None:
            known = max(
                (float(count_rule(r, coded, group, groups) @ aim.linear) for r in starts), default=0.0
            )
            deep = triples(packed, aim.linear, pairs, max(floor, _HOPE * known))
            rules = [tuple(sorted(grid.conditions[i] for i in members)) for members in deep]
            starts = list(dict.fromkeys(rules + starts))
        starts = [r for r in starts if count_rule(r, coded, group, groups)[need[0]] >= need[1]]
        if not starts or max(float(aim.beam(count_rule(r, coded, group, groups))) for r in starts) < floor:
            found.append(None)
            continue
        # First by the score that forgives a cut in the wrong place, then by the one that does not.
        best: Found | None = None
        for score in dict.fromkeys((aim.beam, aim.climb)):
            tried = starts if best is None else [best.rule, *starts]
            now = _best(coded, group, groups, Aim(aim.beam, score), tried)
            best = now and _exchanged(packed, looked, coded, group, groups, Aim(aim.beam, score), now)
        found.append(best)
    return grid, found


def _beam(
    packed: Packed, score: Score, singles: NDArray[np.int32], enough: NDArray[np.int64],
    many: NDArray[np.float32],
) -> list[Rule]:  # fmt: skip
    alone = np.where(_rows(singles) >= MIN_ROWS, score(singles), -np.inf)
    ranked: list[tuple[float, tuple[int, ...]]] = [
        (float(alone[i]), (int(i),)) for i in np.argsort(-alone, kind="stable")[:_BEAM]
    ]
    if len(enough):
        both = score(many)
        top = np.argpartition(-both, min(_BEAM, len(both) - 1))[:_BEAM]
        for p in top[np.argsort(-both[top], kind="stable")].tolist():
            i, j = packed.pair(int(enough[p]))
            ranked.append((float(both[p]), (i, j)))
            counts = packed.under(packed.bits[i] & packed.bits[j])
            free = (packed.columns != packed.columns[i]) & (packed.columns != packed.columns[j])
            third = np.where(free & (_rows(counts) >= MIN_ROWS), score(counts), -np.inf)
            k = int(np.argmax(third))
            ranked.append((float(third[k]), (i, j, k)))
    ranked = [each for each in ranked if each[0] > 0]
    ranked.sort(key=lambda each: (-each[0], len(each[1])))
    rules = [tuple(sorted(packed.grid.conditions[i] for i in members)) for _, members in ranked]
    return list(dict.fromkeys(rules))[:_STARTS]


def count_rule(rule: Rule, coded: Coded, group: NDArray[np.int64], groups: int) -> NDArray[np.int64]:
    """Return rows under a rule, group by group."""
    return np.bincount(group[rule_mask(rule, coded)], minlength=groups)


def _best(coded: Coded, group: NDArray[np.int64], groups: int, aim: Aim, starts: list[Rule]) -> Found | None:
    best: Found | None = None
    top, size = -np.inf, 0
    for rule in starts:
        start = float(aim.beam(count_rule(rule, coded, group, groups)))
        if start > top:
            top, size = start, len(rule)
    for rule in starts:
        climbed = climb(coded, group, groups, aim.climb, rule)
        counts = count_rule(climbed, coded, group, groups)
        score = float(aim.climb(counts))
        if score > 0 and (
            best is None or score > best.score + _MARGIN * (len(climbed) - len(best.rule)) + 1e-9
        ):
            best = Found(climbed, counts, score, top, size)
    return best


def _exchanged(
    packed: Packed, looked: Coded, coded: Coded, group: NDArray[np.int64], groups: int, aim: Aim, best: Found
) -> Found:
    """Try every other condition in the place of each one, or as one more; a beam alone misses what is best together."""
    for _ in range(_ROUNDS):
        before = best
        places = list(range(len(best.rule))) + ([-1] if len(best.rule) < _MOST else [])
        for k in places:
            rest = best.rule if k < 0 else best.rule[:k] + best.rule[k + 1 :]
            counts = packed.under(packed.pack(rule_mask(rest, looked)))
            used = np.isin(packed.columns, [part.column for part in rest])
            gain = np.where(~used & (_rows(counts) >= MIN_ROWS), aim.climb(counts), -np.inf)
            other = packed.grid.conditions[int(np.argmax(gain))]
            if k >= 0 and other.column == best.rule[k].column:
                continue
            rule = climb(coded, group, groups, aim.climb, tuple(sorted((*rest, other))))
            inside = count_rule(rule, coded, group, groups)
            score = float(aim.climb(inside))
            price = _CONDITION * max(0, len(rule) - len(best.rule))
            if score > best.score + price + 1e-9:
                best = Found(rule, inside, score, best.start, best.start_size)
                break
        if best is before:
            break
    return best


def climb(coded: Coded, group: NDArray[np.int64], groups: int, score: Score, rule: Rule) -> Rule:
    """Move every end of a rule to its best value in turn, and drop conditions that do not pay for themselves."""
    parts = list(rule)
    best = float(score(count_rule(rule, coded, group, groups)))
    for _ in range(_ROUNDS):
        before = list(parts)
        for k, part in enumerate(parts):
            rest = rule_mask(tuple(parts[:k] + parts[k + 1 :]), coded)
            parts[k], best = _best_range(coded, group, groups, score, rest, part)
        if parts == before:
            break
    for part in list(parts):
        rest_parts = [p for p in parts if p != part]
        if not rest_parts:
            break
        without = float(score(count_rule(tuple(rest_parts), coded, group, groups)))
        if without >= best - _CONDITION:
            parts, best = rest_parts, without
    return tuple(sorted(parts))


def _best_range(
    coded: Coded, group: NDArray[np.int64], groups: int, score: Score, rest: NDArray[np.bool_], now: Range
) -> tuple[Range, float]:
    j, size = now.column, coded.sizes(now.column)
    counts = np.zeros((size + 1, groups), dtype=np.int64)
    count_values(coded.codes[j], group, rest, counts)
    present = np.flatnonzero(_rows(counts))
    held = counts[present]
    blocks = [(present, present, held)]
    if coded.ordered[j]:
        blocks += _sides(present[present > 0], held[present > 0], now)
    best, top = now, -np.inf
    for order, (low, high, inside) in enumerate(blocks):
        enough = np.flatnonzero(_rows(inside) >= MIN_ROWS)
        if not len(enough):
            continue
        gain = score(inside if len(enough) == len(inside) else inside[enough])
        at = int(np.argmax(gain))
        k, value = int(enough[at]), float(gain[at])
        # A value says less than a side, and a side less than an interval: more words must earn it.
        price = 0.0 if order == 0 else _MARGIN if order < 3 else _MARGIN + _SHARE * max(value, 0.0)
        if value - price > top + 1e-9:
            top, best = value - price, Range(j, int(low[k]) - 1, int(high[k]) - 1)
    last = size - 1
    if coded.ordered[j] and best.low != MISSING and best.low != best.high:
        # The outermost value that is present stands for the open side.
        values = present[present > 0] - 1
        start = 0 if best.low == values[0] else best.low
        end = last if best.high == values[-1] else best.high
        best = Range(j, start, end)
    return best, top


def _rows(counts: NDArray[Any]) -> NDArray[Any]:
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
    up = np.cumsum(held, axis=0)
    down = np.cumsum(held[::-1], axis=0)[::-1]
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
