"""Evidence of tampering where no row can be matched: against another sample, or without any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.subgroups import Condition, Rule, describe, purity, surplus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MIN_ROWS = 10
_MIN_ROWS = 30
_LOOK = 4_000
_EARLY = 0.8
_GRAIN_RECALL = 0.95
_GRAIN_LEAST = 0.3
# Real clean credit data of 30,000 rows reach 43 in both scans; a text on what was measured stands in benchmarks/.
_TWO_SAMPLES = 60.0
_PURE = 100.0
_IMPURE = 0.01
_EXPECTED = 20.0
_NATURAL = 0.02
_GRAIN_SHARE = (0.5, 0.99)
_FEW_NUMBERS = 20


@dataclass(frozen=True)
class Cell:
    """A rule with the evidence found in it."""

    rule: Rule
    why: str
    tampered: bool
    rows: NDArray[np.int64]
    hits: int
    total: int


def two_samples(
    X: NDArray[np.float64], y: NDArray[np.str_], X_old: NDArray[np.float64], y_old: NDArray[np.str_],
    categorical: NDArray[np.bool_],
) -> list[Cell]:  # fmt: skip
    """Find cells from which a label vanished, or in which it appeared, against an earlier sample.

    That alone is drift. It is tampering where the cell became pure although the earlier sample lets expect
    at least twenty rows that are not.
    """
    found = []
    for label in np.unique(np.concatenate([y, y_old]))[:10]:
        a, b = X[y == label], X_old[y_old == label]
        if min(len(a), len(b)) < _MIN_ROWS:
            continue
        both, is_new = np.vstack([a, b]), np.repeat([True, False], [len(a), len(b)])
        for below in (True, False):
            score = surplus(len(a) / len(both), below=below)
            box = describe(both, is_new, score, categorical=categorical, min_rows=_MIN_ROWS)
            if box is None or box.score < _TWO_SAMPLES:
                continue
            inside, before = box.rule.mask(X), box.rule.mask(X_old)
            against = (y[inside] == label) if below else (y[inside] != label)
            then = (y_old[before] == label) if below else (y_old[before] != label)
            expected = (then.sum() + 0.5) / (before.sum() + 1) * inside.sum()
            pure = inside.sum() >= _MIN_ROWS and against.mean() <= _IMPURE and expected >= _EXPECTED
            word = "vanished" if below else "gathered"
            held = int((inside.sum() - against.sum()) if not below else against.sum())
            why = f"label {label} {word} here: {held:,} of {int(inside.sum()):,} rows"
            hits = int((~against).sum())
            if inside.any():
                found.append(Cell(box.rule, why, bool(pure), np.flatnonzero(inside), hits, int(inside.sum())))
    return found


def pure_cells(X: NDArray[np.float64], y: NDArray[np.str_], categorical: NDArray[np.bool_]) -> list[Cell]:
    """Find cells with one label only that the rest of the table gives no reason for.

    Purity is no evidence where labels follow from the columns anyway: if a tree of the other rows has pure
    leaves of that label too, nothing is said.
    """
    labels, counts = np.unique(y, return_counts=True)
    if not 2 <= len(labels) <= 10:
        return []
    found = []
    for label, count in zip(labels, counts, strict=True):
        if min(count, len(y) - count) < _MIN_ROWS:
            continue
        hit = y == label
        box = describe(X, hit, purity(count / len(y)), categorical=categorical, min_rows=_MIN_ROWS)
        if box is None or box.score < _PURE or box.misses > _IMPURE * (box.hits + box.misses):
            continue
        inside = box.rule.mask(X)
        if _naturally_pure(X[~inside], hit[~inside]):
            continue
        total = box.hits + box.misses
        why = f"{box.hits:,} of {total:,} rows have label {label}, in the whole table {count / len(y):.0%}"
        found.append(Cell(box.rule, why, True, np.flatnonzero(inside), box.hits, total))
    return found


def _naturally_pure(X: NDArray[np.float64], hit: NDArray[np.bool_]) -> bool:
    from sklearn.tree import DecisionTreeClassifier

    if len(X) < 2 * _MIN_ROWS or not hit.any():
        return True
    tree = DecisionTreeClassifier(min_samples_leaf=_MIN_ROWS, max_depth=6, random_state=0).fit(X, hit)
    leaf = tree.apply(X)
    rows, hits = np.bincount(leaf), np.bincount(leaf, weights=hit)
    pure = (rows > 0) & (hits >= (1 - _IMPURE) * rows)
    return bool(hits[pure].sum() > _NATURAL * hit.sum())


def foreign_grain(X: NDArray[np.float64], categorical: NDArray[np.bool_], names: Sequence[str]) -> list[Cell]:
    """Find rules whose rows hold numbers of a precision that the rest of the column does not have."""
    found = []
    for j, name in enumerate(names):
        known = X[:, j][~np.isnan(X[:, j])]
        if categorical[j] or len(np.unique(known)) < _FEW_NUMBERS:
            continue
        for step in 10.0 ** np.arange(6, -4, -1):
            off = ~np.isclose(X[:, j] / step, np.round(X[:, j] / step), rtol=0, atol=1e-6) & ~np.isnan(
                X[:, j]
            )
            share = 1 - off.sum() / len(known)
            if share >= _GRAIN_SHARE[0]:
                break
        if not _GRAIN_SHARE[0] <= share <= _GRAIN_SHARE[1]:
            continue
        others = np.delete(np.arange(X.shape[1]), j)
        some = np.random.default_rng(j).choice(len(X), min(len(X), _LOOK), replace=False)
        look = describe(
            X[some][:, others], off[some], surplus(off.mean()), categorical=categorical[others],
            min_rows=MIN_ROWS, most=2,
        )  # fmt: skip
        if look is None or look.misses + look.hits == 0 or look.hits < _EARLY * off[some].sum():
            continue
        box = describe(
            X[:, others], off, surplus(off.mean()), categorical=categorical[others], min_rows=_MIN_ROWS
        )
        if box is None or box.hits < _GRAIN_RECALL * off.sum():
            continue
        outside = off.sum() - box.hits
        if outside > _NATURAL * (len(X) - box.hits - box.misses):
            continue
        rule = Rule(tuple(_shifted(c, others) for c in box.rule.conditions))
        total = box.hits + box.misses
        if box.hits < _GRAIN_LEAST * total:
            continue
        why = f"{name} is in steps of {step:.6g} elsewhere; here {box.hits:,} of {total:,} rows are not"
        found.append(Cell(rule, why, True, np.flatnonzero(rule.mask(X)), box.hits, total))
    return found


def _shifted(condition: Condition, others: NDArray[np.int64]) -> Condition:
    return Condition(int(others[condition.column]), condition.operator, condition.value)
