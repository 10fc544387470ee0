"""Conjunctions of three coarse conditions, all of them: a beam over pairs passes over groups that only three cut out.

A score that is linear in the rows of each group has an upper bound for everything inside a pair of conditions, and a
rule that does not earn it is given up after a few words of rows that speak against it.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._kernels import compiled, popcount

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.poisoning._grid import Packed

_MOST_ROWS = 20_000
_KEEP = 3
_CHUNK = 8
_WORTH = 0.8


@compiled
def worth_of(
    both: NDArray[np.uint64], third: NDArray[np.uint64], edges: NDArray[np.int64], weights: NDArray[np.float64],
    order: NDArray[np.int64], bound: float, top: float, chunk: int,
) -> float:  # fmt: skip
    """Return what the rows under three conditions add up to, or a bound of it once that is not beyond `top`.

    Groups that speak against a rule come first in `order`; `bound` is what all others could add.
    """
    total = bound
    earned = 0.0
    for g in order:
        if weights[g] > 0:
            for w in range(edges[g], edges[g + 1]):
                earned += weights[g] * popcount(both[w] & third[w])
            continue
        for start in range(edges[g], edges[g + 1], chunk):
            rows = 0
            for w in range(start, min(start + chunk, edges[g + 1])):
                rows += popcount(both[w] & third[w])
            total += weights[g] * rows
            if total <= top:
                return float(total)
    return float(total - bound + earned)


@compiled
def best_thirds(
    bits: NDArray[np.uint64], edges: NDArray[np.int64], columns: NDArray[np.int64], weights: NDArray[np.float64],
    order: NDArray[np.int64], most: NDArray[np.float32], floor: float, worth: float, chunk: int,
    scores: NDArray[np.float64], members: NDArray[np.int64],
) -> None:  # fmt: skip
    """Find for every condition the best triple that begins with it.

    Parameters
    ----------
    bits : ndarray of shape (c, words)
        Rows under each condition; rows of one group stand in words of their own.
    edges : ndarray of shape (g + 1,)
        Where each group's words begin.
    columns : ndarray of shape (c,)
        The column of each condition.
    weights : ndarray of shape (g,)
        What a row of each group adds.
    order : ndarray of shape (g,)
        Groups in the order in which they are counted: those that speak against a rule first.
    most : ndarray of shape (c, c)
        What the rows under each pair would add if none spoke against it.
    floor, worth : float
        Only triples beyond `floor`, and beyond `worth` times the best one so far, are of interest.
    chunk : int
        Words that are counted between two looks at the bound.
    scores, members : ndarray of shape (c,) and (c, 2)
        Filled: the score, and the second and the third condition.
    """
    best = floor
    for i in range(len(bits)):
        top = max(floor, worth * best)
        for j in range(i + 1, len(bits)):
            if columns[j] == columns[i] or most[i, j] <= top:
                continue
            both = bits[i] & bits[j]
            for k in range(j + 1, len(bits)):
                bound = min(most[i, j], most[i, k], most[j, k])
                if columns[k] == columns[j] or columns[k] == columns[i] or bound <= top:
                    continue
                score = worth_of(both, bits[k], edges, weights, order, bound, top, chunk)
                if score > top:
                    top = score
                    scores[i], members[i, 0], members[i, 1] = top, j, k
                    best = max(best, top)


def triples(
    packed: Packed, weights: NDArray[np.float64], pairs: NDArray[np.int32], floor: float
) -> list[tuple[int, ...]]:
    """Return the positions of the conditions of the best triples, best first.

    Parameters
    ----------
    packed : Packed
    weights : ndarray of shape (groups,)
        What a row of each group adds to the score.
    pairs : ndarray of shape (c * (c - 1) / 2, groups)
        Rows under every pair of conditions, as `Packed.pairs` counts them.
    floor : float
        What a triple must be worth.
    """
    some = np.array(packed.grid.coarse, dtype=np.int64)
    if len(some) < _KEEP:
        return []
    edges, words = packed.edges, np.arange(int(packed.edges[-1]))
    step = -(-len(words) * 64 // _MOST_ROWS)
    if step > 1:
        # Rows stand in the table's order within a group, so every so many words are a fair part of each.
        parts = [words[a:b:step] for a, b in itertools.pairwise(edges.tolist())]
        words = np.concatenate(parts)
        edges = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    bits = packed.bits[some] if step == 1 else np.ascontiguousarray(packed.bits[np.ix_(some, words)])
    c = len(packed.bits)
    a, b = np.minimum.outer(some, some), np.maximum.outer(some, some)
    place = np.where(a < b, a * (2 * c - a - 1) // 2 + b - a - 1, 0)
    gains = np.maximum(weights, 0)
    most = (pairs.astype(np.float32) @ gains.astype(np.float32))[place] / step
    # A part of the rows holds a little more than its share of some rules.
    most = most + 3 * np.sqrt(most * gains.max(initial=0)) if step > 1 else most
    scores = np.full(len(some), -np.inf)
    members = np.zeros((len(some), 2), dtype=np.int64)
    size = np.diff(edges)
    order = np.argsort(np.where(weights < 0, weights * size, np.inf), kind="stable")
    best_thirds(
        bits, edges, packed.columns[some], weights, order, most.astype(np.float32), floor / step, _WORTH, _CHUNK,
        scores, members,
    )  # fmt: skip
    ranked = [int(i) for i in np.argsort(-scores, kind="stable")[:_KEEP] if np.isfinite(scores[i])]
    return [(int(some[i]), int(some[members[i, 0]]), int(some[members[i, 1]])) for i in ranked]
