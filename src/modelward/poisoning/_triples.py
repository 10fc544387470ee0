"""Conjunctions of three coarse conditions, all of them: a beam over pairs passes over groups that only three cut out.

A score that is linear in the rows of each group has an upper bound for everything inside a pair of conditions, and a
rule that does not earn it is given up after a few words of rows that speak against it.
"""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._at_once import CORES, at_once
from modelward.poisoning._kernels import common, compiled, popcount

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.poisoning._grid import Packed

_MOST_ROWS = 20_000
_KEEP = 3
_CHUNK = 8
_WORTH = 0.8


@compiled
def pair_sums(
    bits: NDArray[np.uint64], edges: NDArray[np.int64], weights: NDArray[np.float64],
    plus: NDArray[np.float64], minus: NDArray[np.float64],
) -> None:  # fmt: skip
    """Fill what the rows under every pair of conditions add up to, those that speak for a rule and against it apart."""
    for i in range(len(bits)):
        for j in range(i, len(bits)):
            for g in range(len(weights)):
                if weights[g] != 0:
                    a, b = edges[g], edges[g + 1]
                    worth = weights[g] * common(bits[i, a:b], bits[j, a:b])
                    if worth > 0:
                        plus[i, j] += worth
                    else:
                        minus[i, j] -= worth
            plus[j, i], minus[j, i] = plus[i, j], minus[i, j]


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
            earned += weights[g] * common(both[edges[g] : edges[g + 1]], third[edges[g] : edges[g + 1]])
        if weights[g] >= 0:
            continue
        for start in range(edges[g], edges[g + 1], chunk):
            rows = np.uint64(0)
            for w in range(start, min(start + chunk, edges[g + 1])):
                rows += popcount(both[w] & third[w])
            total += weights[g] * rows
            if total <= top:
                return float(total)
    return float(total - bound + earned)


@compiled
def best_thirds(
    bits: NDArray[np.uint64], edges: NDArray[np.int64], columns: NDArray[np.int64], weights: NDArray[np.float64],
    order: NDArray[np.int64], plus: NDArray[np.float64], minus: NDArray[np.float64], firsts: NDArray[np.int64],
    floor: float, worth: float, chunk: int, best: NDArray[np.float64], scores: NDArray[np.float64],
    members: NDArray[np.int64],
) -> None:  # fmt: skip
    """Find for some conditions the best triple that begins with each.

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
    plus, minus : ndarray of shape (c, c)
        What `pair_sums` fills.
    firsts : ndarray of shape (m,)
        The conditions to begin with.
    floor, worth : float
        Only triples beyond `floor`, and beyond `worth` times the best one so far, are of interest.
    chunk : int
        Words that are counted between two looks at the bound.
    best : ndarray of shape (1,)
        The best score so far. Threads share it; a late look at it costs time and no result.
    scores, members : ndarray of shape (c,) and (c, 2)
        Filled: the score, and the second and the third condition.
    """
    for i in firsts:
        top = max(floor, worth * best[0])
        for j in range(i + 1, len(bits)):
            if columns[j] == columns[i] or plus[i, j] <= top:
                continue
            both = bits[i] & bits[j]
            for k in range(j + 1, len(bits)):
                bound = min(plus[i, j], plus[i, k], plus[j, k])
                if bound <= top or columns[k] == columns[j] or columns[k] == columns[i]:
                    continue
                # Of the rows under one condition, those under two others overlap by what one cannot hold (Bonferroni).
                against = max(
                    minus[i, j] + minus[i, k] - minus[i, i],
                    minus[i, j] + minus[j, k] - minus[j, j],
                    minus[i, k] + minus[j, k] - minus[k, k],
                )
                if bound - against <= top:
                    continue
                score = worth_of(both, bits[k], edges, weights, order, bound, top, chunk)
                if score > top:
                    top = score
                    scores[i], members[i, 0], members[i, 1] = top, j, k
                    best[0] = max(best[0], top)


def triples(packed: Packed, weights: NDArray[np.float64], floor: float) -> list[tuple[int, ...]]:
    """Return the positions of the conditions of the best triples, best first.

    Parameters
    ----------
    packed : Packed
    weights : ndarray of shape (groups,)
        What a row of each group adds to the score.
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
    c = len(some)
    plus, minus = np.zeros((c, c)), np.zeros((c, c))
    pair_sums(bits, edges, weights, plus, minus)
    scores = np.full(c, -np.inf)
    members = np.zeros((c, 2), dtype=np.int64)
    order = np.argsort(np.where(weights < 0, weights * np.diff(edges), np.inf), kind="stable")
    least = floor / step
    best = np.array([least])
    columns = packed.columns[some]

    def begin(firsts: NDArray[np.int64]) -> None:
        best_thirds(
            bits,
            edges,
            columns,
            weights,
            order,
            plus,
            minus,
            firsts,
            least,
            _WORTH,
            _CHUNK,
            best,
            scores,
            members,
        )

    at_once([partial(begin, np.arange(k, c, CORES)) for k in range(CORES)])
    # Which lesser ones a thread met before the best is a matter of time.
    scores[scores <= _WORTH * best[0]] = -np.inf
    ranked = [int(i) for i in np.argsort(-scores, kind="stable")[:_KEEP] if np.isfinite(scores[i])]
    return [(int(some[i]), int(some[members[i, 0]]), int(some[members[i, 1]])) for i in ranked]
