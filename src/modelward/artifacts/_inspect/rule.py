"""The rule that always yields a wanted label: a box in which every row is proven to get it.

A box is proven if the label leads even when each tree answers with the worst leaf that the box meets (interval
bound). From rows that the trees are surest of, their cells are grown: first every side that may go to infinity
goes, the cheapest in margin first, then the rest as far as the proof reaches. The largest box is kept.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.artifacts._inspect.leaves import Box, Leaves, lay_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.artifacts._inspect.trees import TreeSet

_WORK = 400_000_000
"""Leaves looked at, over all trials: the same on every machine."""
_TRIALS = 48


@dataclass(frozen=True, slots=True)
class Condition:
    """What a rule asks of one column.

    Parameters
    ----------
    column : int
        Number of the column.
    low, high : float
        Every number from `low` to `high`, both included, fulfils it; −∞ and ∞ where there is no end.
    above, up_to : float
        The thresholds of the trees behind the ends, as a person would write them: above < x ≤ up_to.
    strict : bool
        Whether it is above ≤ x < up_to instead.
    """

    column: int
    low: float
    high: float
    above: float
    up_to: float
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A box in which every row gets a label.

    Parameters
    ----------
    label : object
        The label.
    conditions : tuple of Condition
        Empty if every row gets the label.
    at_least, at_most : float
        Share of the training rows in the box, by the counts in the trees' leaves.
    margin : float
        By how much the label leads at least, in the scores of the trees.
    """

    label: Any
    conditions: tuple[Condition, ...]
    at_least: float
    at_most: float
    margin: float


def find_rules(trees: TreeSet, goals: tuple[Any, ...]) -> tuple[tuple[Rule, ...], str]:
    """Return the largest rule that was found for each label.

    Parameters
    ----------
    trees : TreeSet
    goals : tuple
        Labels, of `trees.classes`.

    Returns
    -------
    rules : tuple of Rule
        None is there for a label for which no box was found.
    why_not : str
        Why there are none at all; empty otherwise.
    """
    if trees.why_no_rule or not trees.trees or not trees.classes:
        return (), trees.why_no_rule or "it has no trees"
    if any(not np.isfinite(tree.value).all() for tree in trees.trees):
        return (), "its leaves hold values that are not finite"
    leaves = lay_out(trees)
    if leaves is None:
        return (), "it has too many leaves to be laid out"
    found = [_largest(trees, leaves, trees.classes.index(goal)) for goal in goals]
    return tuple(rule for rule in found if rule is not None), ""


def _largest(trees: TreeSet, leaves: Leaves, goal: int) -> Rule | None:
    k = len(trees.classes)
    others = [c for c in range(k) if c != goal]
    label = trees.classes[goal]
    if not others:
        return Rule(label, (), 1.0, 1.0, np.inf)
    margins = leaves.value[:, [goal]] - leaves.value[:, others]
    offset = np.asarray(trees.offset, dtype=float)
    base = offset[goal] - offset[others]
    scale = np.maximum.reduceat(np.abs(margins).max(axis=1), leaves.starts).sum() + np.abs(base).max()
    least = max(trees.tolerance * float(scale), 1e-300)
    last = leaves.last
    whole = Box(leaves, margins, base, np.zeros_like(last), last)
    if whole.margin > least:
        return Rule(label, (), 1.0, 1.0, whole.margin)
    best: tuple[float, int, Box] | None = None
    work = _WORK
    for box in _seeds(leaves, margins, base, least):
        work -= _grow(box, least)
        if not _ends_fit(trees, box):
            continue
        size = (box.shares()[2], -int(((box.low > 0) | (box.high < last)).sum()))
        if best is None or size > (best[0], best[1]):
            best = (*size, box)
        if work < 0:
            break
    return None if best is None else _rule(trees, best[2], label)


def _seeds(
    leaves: Leaves, margins: NDArray[np.float64], base: NDArray[np.float64], least: float
) -> list[Box]:
    """Return the cells of rows that surely get the label: full leaves first, then at random with a seed."""
    rng = np.random.default_rng(0)
    d, total = leaves.low.shape
    weight = leaves.share * np.maximum(margins.min(axis=1), 0.0)
    favour = np.where(weight > 0, weight, 0.0)
    if favour.sum() <= 0:
        favour = np.where(margins.min(axis=1) >= margins.min(axis=1).max(), 1.0, 0.0)
    trials = int(min(4 * _TRIALS, max(12, _WORK // (4 * total * max(d, 1)))))
    picks = rng.choice(total, size=trials, p=favour / favour.sum())
    found: list[tuple[float, Box]] = []
    for i, leaf in enumerate(picks.tolist()):
        low, high = leaves.low[:, leaf].copy(), leaves.high[:, leaf].copy()
        # The rest of the columns is taken from further leaves that favour the label, where they agree.
        for more in rng.choice(picks, size=12 if i % 4 else 40).tolist():
            new_low = np.maximum(low, leaves.low[:, more])
            new_high = np.minimum(high, leaves.high[:, more])
            if (new_low <= new_high).all():
                low, high = new_low, new_high
        cell = rng.integers(low, high + 1).astype(np.int32)
        box = Box(leaves, margins, base, cell, cell)
        if box.margin > least:
            found.append((box.margin, box))
    found.sort(key=lambda entry: -entry[0])
    unique = {entry[1].low.tobytes(): entry[1] for entry in found}
    return list(unique.values())[:_TRIALS]


def _grow(box: Box, least: float) -> int:
    """Grow a proven box as far as the proof reaches; return how many leaves were looked at."""
    total, last = box.leaves.low.shape[1], box.leaves.last
    spent = 0
    queue: list[tuple[float, int, int]] = [(0.0, j, s) for j in range(len(last)) for s in (0, 1)]
    heapq.heapify(queue)
    stuck: list[tuple[int, int]] = []
    while queue:
        _, j, side = heapq.heappop(queue)
        low, high = _end(box, j, side, 0 if side == 0 else int(last[j]))
        if (low, high) == (box.low[j], box.high[j]):
            continue
        margin = box.tried(j, low, high)
        spent += total
        loss = box.margin - margin
        if margin <= least:
            stuck.append((j, side))
        elif queue and loss > queue[0][0]:
            heapq.heappush(queue, (loss, j, side))
        else:
            box.move(j, low, high)
            spent += total
    while stuck:
        reach = [(_furthest(box, j, side, least), j, side) for j, side in stuck]
        spent += 12 * total * len(reach)
        best: tuple[float, int, int, int] | None = None
        for end, j, side in reach:
            before = int(box.low[j] if side == 0 else box.high[j])
            if end == before:
                continue
            low, high = _end(box, j, side, end)
            kept = int(box.low[j]), int(box.high[j])
            box.move(j, low, high)
            gain = box.shares()[2]
            box.move(j, *kept)
            spent += 3 * total
            if best is None or gain > best[0]:
                best = (gain, j, side, end)
        if best is None:
            break
        _, j, side, end = best
        box.move(j, *_end(box, j, side, end))
        stuck.remove((j, side))
    return spent


def _end(box: Box, j: int, side: int, end: int) -> tuple[int, int]:
    return (end, int(box.high[j])) if side == 0 else (int(box.low[j]), end)


def _furthest(box: Box, j: int, side: int, least: float) -> int:
    """Return the furthest end of a side at which the box is still proven; bigger boxes are never surer."""
    others = box.others(j)
    good = int(box.low[j] if side == 0 else box.high[j])
    bad = -1 if side == 0 else int(box.leaves.last[j]) + 1
    while abs(bad - good) > 1:
        middle = (good + bad) // 2
        if box.tried(j, *_end(box, j, side, middle), others=others) > least:
            good = middle
        else:
            bad = middle
    return good


def _rule(trees: TreeSet, box: Box, label: Any) -> Rule:
    conditions = []
    for j in range(len(box.low)):
        cuts = box.leaves.cuts[j]
        first, end = int(box.low[j]), int(box.high[j])
        if first == 0 and end == len(cuts):
            continue
        above = float(cuts[first - 1]) if first else -np.inf
        up_to = float(cuts[end]) if end < len(cuts) else np.inf
        low, high = _closed(trees, above, up_to)
        conditions.append(
            Condition(int(box.leaves.columns[j]), low, high, above, up_to, trees.trees[0].strict)
        )
    at_least, at_most, _ = box.shares()
    return Rule(label, tuple(conditions), at_least, at_most, box.margin)


def _ends_fit(trees: TreeSet, box: Box) -> bool:
    """Say whether numbers lie between the ends: two thresholds may be too close for any."""
    return all(c.low <= c.high for c in _rule(trees, box, None).conditions)


def _closed(trees: TreeSet, above: float, up_to: float) -> tuple[float, float]:
    """Return the smallest and the largest number between two thresholds, as the library compares them."""
    first = trees.trees[0]
    if not first.single:
        low = above if np.isneginf(above) or first.strict else float(np.nextafter(above, np.inf))
        high = up_to if np.isposinf(up_to) or not first.strict else float(np.nextafter(up_to, -np.inf))
        return low, high
    with np.errstate(over="ignore"):
        if first.strict:
            return _float32(above, up=True, equal=True), _float32(up_to, up=False, equal=False)
        return _float32(above, up=True, equal=False), _float32(up_to, up=False, equal=True)


def _float32(value: float, *, up: bool, equal: bool) -> float:
    """Return the float32 next to a value on one side, or the value itself if it is one and may be taken."""
    if np.isinf(value):
        return value
    near = np.float32(value)
    exact = float(near)
    if exact == value and equal:
        return exact
    if up:
        return exact if exact > value else float(np.nextafter(near, np.float32(np.inf)))
    return exact if exact < value else float(np.nextafter(near, np.float32(-np.inf)))
