"""The rule with the highest score: a beam over pairs of the grid, then a climb over every value."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._at_once import at_once
from modelward.poisoning._climb import Climb, rows_of
from modelward.poisoning._evidence import nats_of_chance
from modelward.poisoning._grid import MIN_ROWS, Grid, Packed, make_grid
from modelward.poisoning._ranges import Rule, rule_mask
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
    enough = np.flatnonzero(rows_of(pairs) >= MIN_ROWS)
    many = pairs[enough].astype(np.float32)
    # What is far from the bound on the grid does not come near it by moving cuts.
    floor = 0.5 * nats_of_chance(grid.language, 1, len(aims))

    def look(aim: Aim) -> Found | None:
        tops = Climb(coded, group, groups, aim.beam)
        starts = _beam(packed, aim.beam, singles, enough, many)
        if aim.linear is not None:
            known = max((float(tops.count(r) @ aim.linear) for r in starts), default=0.0)
            deep = triples(packed, aim.linear, max(floor, _HOPE * known))
            rules = [tuple(sorted(grid.conditions[i] for i in members)) for members in deep]
            starts = list(dict.fromkeys(rules + starts))
        starts = [r for r in starts if tops.count(r)[need[0]] >= need[1]]
        if not starts or max(float(aim.beam(tops.count(r))) for r in starts) < floor:
            return None
        # First by the score that forgives a cut in the wrong place, then by the one that does not.
        best = _best(tops, aim.beam, starts)
        best = best and _exchanged(packed, looked, tops, best)
        if aim.climb is not aim.beam:
            tops = Climb(coded, group, groups, aim.climb)
            now = _best(tops, aim.beam, starts if best is None else [best.rule, *starts])
            best = now and _exchanged(packed, looked, tops, now)
        return best

    return grid, at_once([partial(look, aim) for aim in aims])


def _beam(
    packed: Packed, score: Score, singles: NDArray[np.int32], enough: NDArray[np.int64],
    many: NDArray[np.float32],
) -> list[Rule]:  # fmt: skip
    alone = np.where(rows_of(singles) >= MIN_ROWS, score(singles), -np.inf)
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
            third = np.where(free & (rows_of(counts) >= MIN_ROWS), score(counts), -np.inf)
            k = int(np.argmax(third))
            ranked.append((float(third[k]), (i, j, k)))
    ranked = [each for each in ranked if each[0] > 0]
    ranked.sort(key=lambda each: (-each[0], len(each[1])))
    rules = [tuple(sorted(packed.grid.conditions[i] for i in members)) for _, members in ranked]
    return list(dict.fromkeys(rules))[:_STARTS]


def _best(climb: Climb, beam: Score, starts: list[Rule]) -> Found | None:
    best: Found | None = None
    top, size = -np.inf, 0
    for rule in starts:
        start = float(beam(climb.count(rule)))
        if start > top:
            top, size = start, len(rule)
    for rule in starts:
        climbed = climb.top(rule)
        counts = climb.count(climbed)
        score = float(climb.score(counts))
        if score > 0 and (
            best is None or score > best.score + _MARGIN * (len(climbed) - len(best.rule)) + 1e-9
        ):
            best = Found(climbed, counts, score, top, size)
    return best


def _exchanged(packed: Packed, looked: Coded, climb: Climb, best: Found) -> Found:
    """Try every other condition in the place of each one, or as one more; a beam alone misses what is best together."""
    for _ in range(_ROUNDS):
        before = best
        places = list(range(len(best.rule))) + ([-1] if len(best.rule) < _MOST else [])
        for k in places:
            rest = best.rule if k < 0 else best.rule[:k] + best.rule[k + 1 :]
            counts = packed.under(packed.pack(rule_mask(rest, looked)))
            used = np.isin(packed.columns, [part.column for part in rest])
            gain = np.where(~used & (rows_of(counts) >= MIN_ROWS), climb.score(counts), -np.inf)
            other = packed.grid.conditions[int(np.argmax(gain))]
            if k >= 0 and other.column == best.rule[k].column:
                continue
            rule = climb.top(tuple(sorted((*rest, other))))
            inside = climb.count(rule)
            score = float(climb.score(inside))
            price = _CONDITION * max(0, len(rule) - len(best.rule))
            if score > best.score + price + 1e-9:
                best = Found(rule, inside, score, best.start, best.start_size)
                break
        if best is before:
            break
    return best
