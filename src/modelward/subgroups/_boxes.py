"""The conjunction that describes a set of rows best, cut at the values that the rows really have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.subgroups._rules import Condition, Rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Score = Callable[[NDArray[Any], NDArray[Any]], NDArray[np.float64]]

_CUTS = 12
_VALUES = 12
_BEAM = 12
_ROUNDS = 6
_MOST_CONDITIONS = 400
_MARGIN = 2.0
_SAMPLE = 20_000


@dataclass(frozen=True)
class Box:
    """A rule and what its search counted.

    Parameters
    ----------
    rule : Rule
    hits, misses : int
        Rows inside with and without the property that was looked for.
    score : float
        What was maximised, in log-likelihood units.
    """

    rule: Rule
    hits: int
    misses: int
    score: float


def surplus(rate: float, *, below: bool = False) -> Score:
    """Return the log-likelihood gained by a rate of its own inside a cell, where it is above (below) `rate`."""

    def score(hits: NDArray[Any], misses: NDArray[Any]) -> NDArray[np.float64]:
        n = np.maximum(hits + misses, 1e-9)
        inside = hits / n
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = np.where(hits > 0, hits * np.log(inside / rate), 0.0)
            gain += np.where(misses > 0, misses * np.log((1 - inside) / (1 - rate)), 0.0)
        return np.asarray(np.where((inside < rate) == below, gain, -1.0))

    return score


def purity(rate: float, impurity: float = 1e-4) -> Score:
    """Return the log-likelihood of a cell that is all hits but for `impurity`, against `rate` everywhere."""

    def score(hits: NDArray[Any], misses: NDArray[Any]) -> NDArray[np.float64]:
        return np.asarray(hits * np.log((1 - impurity) / rate) + misses * np.log(impurity / (1 - rate)))

    return score


def describe(
    X: NDArray[np.float64],
    hit: NDArray[np.bool_],
    score: Score,
    *,
    categorical: NDArray[np.bool_],
    min_rows: int = 10,
    most: int = 3,
) -> Box | None:
    """Find the conjunction with the highest score: a beam over binned conditions, then a climb over real cuts.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Rows; NaN where missing. A missing value is in no condition.
    hit : ndarray of shape (n,)
        The property to be described.
    score : callable
        `surplus` or `purity`: arrays of hits and misses inside cells to scores.
    categorical : ndarray of shape (d,)
        Columns whose order means nothing.
    min_rows : int
        Rows that a rule must cover.
    most : int
        Conditions at most.

    Returns
    -------
    Box or None
        None where no cell has a positive score. The score is the maximum over many cells: what is usual for
        it without any pattern has to be known to the caller.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.integers(0, 50, (2000, 3)).astype(float)
    >>> found = describe(X, (X[:, 0] >= 30) & (X[:, 1] <= 7), surplus(0.06), categorical=np.zeros(3, bool))
    >>> [(c.column, c.operator, c.value) for c in found.rule.conditions]
    [(0, '>=', 30.0), (1, '<=', 7.0)]
    """
    rows = np.arange(len(X))
    if len(X) > _SAMPLE:
        rows = np.random.default_rng(0).choice(len(X), _SAMPLE, replace=False)
    singles = _conditions(X[rows], hit[rows], score, categorical, min_rows)
    if not singles or not hit.any():
        return None
    masks = np.stack([c.mask(X[rows]) for c in singles]).astype(np.float32)
    beam = _beam(masks, hit[rows].astype(np.float32), score, singles, min_rows * len(rows) / len(X), most)
    best: Box | None = None
    for rule in beam:
        box = _climb(X, hit, score, rule, categorical, min_rows)
        if box is not None and (best is None or box.score > best.score + 1e-9):
            best = box
    return best


def _conditions(
    X: NDArray[np.float64],
    hit: NDArray[np.bool_],
    score: Score,
    categorical: NDArray[np.bool_],
    min_rows: int,
) -> list[Condition]:
    found: list[Condition] = []
    for j in range(X.shape[1]):
        there = ~np.isnan(X[:, j])
        known = X[there, j]
        values, place, counts = np.unique(known, return_inverse=True, return_counts=True)
        if len(values) < 2:
            continue
        most = 60 if categorical[j] else _VALUES
        hits = np.bincount(place, weights=hit[there], minlength=len(values))
        # A planted value may be rare: the values that look best alone are tried beside the frequent ones.
        alone = score(hits, counts - hits)
        taken = np.union1d(
            np.argsort(-counts, kind="stable")[:most], np.argsort(-alone, kind="stable")[:most]
        )
        found += [Condition(j, "=", float(v)) for v in values[taken]]
        if not categorical[j] and len(values) > 2:
            cuts = np.unique(np.quantile(known, np.linspace(0, 1, _CUTS + 2)[1:-1], method="higher"))
            tails = values[[1, -1]]
            for cut in np.unique(np.concatenate([cuts, tails])).tolist():
                found += [Condition(j, ">=", cut), Condition(j, "<=", cut)]
    return [c for c in found if min(min_rows, 5) <= c.mask(X).sum() < len(X)]


def _beam(
    masks: NDArray[np.float32], hit: NDArray[np.float32], score: Score, singles: list[Condition],
    least: float, most: int,
) -> list[Rule]:  # fmt: skip
    columns = np.array([c.column for c in singles])
    all_hits, all_rows = masks @ hit, masks.sum(axis=1)
    alone = score(all_hits.astype(np.float64), (all_rows - all_hits).astype(np.float64))
    keep = np.argsort(-alone, kind="stable")[:_MOST_CONDITIONS]
    masks, columns, singles = masks[keep], columns[keep], [singles[i] for i in keep]
    alone = np.where(all_rows[keep] >= least, alone[keep], -np.inf)
    ranked: list[tuple[float, tuple[int, ...]]] = [
        (float(alone[i]), (int(i),)) for i in np.argsort(-alone, kind="stable")[:_BEAM]
    ]
    hits = (masks * hit) @ masks.T
    count = masks @ masks.T
    pair = score(hits.astype(np.float64), (count - hits).astype(np.float64))
    pair[(count < least) | (columns[:, None] == columns[None, :])] = -np.inf
    pair[np.tril_indices(len(pair))] = -np.inf
    top = np.argsort(-pair, axis=None, kind="stable")[:_BEAM]
    pairs = [divmod(int(flat), len(pair)) for flat in top]
    ranked += [(float(pair[i, j]), (i, j)) for i, j in pairs]
    if most >= 3:
        for i, j in pairs:
            cover = masks[i] * masks[j]
            n, h = masks @ cover, masks @ (cover * hit)
            triple = score(h.astype(np.float64), (n - h).astype(np.float64))
            triple[(n < least) | (columns == columns[i]) | (columns == columns[j])] = -np.inf
            k = int(np.argmax(triple))
            ranked.append((float(triple[k]), (i, j, k)))
    ranked = [r for r in ranked if r[0] > 0]
    ranked.sort(key=lambda r: -r[0])
    return [Rule(tuple(singles[i] for i in members)) for _, members in ranked[:_BEAM]]


def _climb(
    X: NDArray[np.float64], hit: NDArray[np.bool_], score: Score, rule: Rule,
    categorical: NDArray[np.bool_], min_rows: int,
) -> Box | None:  # fmt: skip
    """Move every cut to its best real value in turn, and drop conditions that do not pay for themselves."""
    parts = list(rule.conditions)
    best = -np.inf
    for _ in range(_ROUNDS):
        before = best
        for k in range(len(parts)):
            others = np.ones(len(X), dtype=bool)
            for condition in (*parts[:k], *parts[k + 1 :]):
                others &= condition.mask(X)
            parts[k], best = _best_cut(X, hit, score, others, parts[k], categorical, min_rows)
        if best <= before + 1e-9:
            break
    for condition in list(parts):
        rest = [c for c in parts if c != condition]
        cover = Rule(tuple(rest)).mask(X)
        h = int(hit[cover].sum())
        without = float(score(np.array([float(h)]), np.array([float(cover.sum() - h)]))[0])
        if rest and without >= best - _MARGIN:
            parts, best = rest, without
    found = Rule(tuple(sorted(parts, key=lambda c: (c.column, c.operator))))
    cover = found.mask(X)
    if cover.sum() < min_rows or best <= 0:
        return None
    return Box(found, int(hit[cover].sum()), int((cover & ~hit).sum()), float(best))


def _best_cut(
    X: NDArray[np.float64], hit: NDArray[np.bool_], score: Score, others: NDArray[np.bool_],
    now: Condition, categorical: NDArray[np.bool_], min_rows: int,
) -> tuple[Condition, float]:  # fmt: skip
    inside = others & ~np.isnan(X[:, now.column])
    values, place = np.unique(X[inside, now.column], return_inverse=True)
    if not len(values):
        return now, -np.inf
    hits = np.bincount(place, weights=hit[inside], minlength=len(values))
    rows = np.bincount(place, minlength=len(values)).astype(np.float64)
    options: list[tuple[float, Condition]] = []
    for operator in ("=",) if categorical[now.column] else ("=", "<=", ">="):
        if operator == "=":
            h, n = hits, rows
        elif operator == "<=":
            h, n = np.cumsum(hits), np.cumsum(rows)
        else:
            h, n = np.cumsum(hits[::-1])[::-1], np.cumsum(rows[::-1])[::-1]
        gain = np.where(n >= min_rows, score(h, n - h), -np.inf)
        k = int(np.argmax(gain))
        options.append((float(gain[k]), Condition(now.column, operator, float(values[k]))))
    top = max(gain for gain, _ in options)
    # A side of a cut says the same as the last value beyond it in fewer words to defend.
    return next((c, g) for g, c in options if g >= top - 1e-9)
