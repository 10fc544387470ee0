"""Where training labels depart from test labels: the shortest rule that describes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats as sps

from modelward.stats import ProportionDifference
from modelward.subgroups import Condition, Rule, conditions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.schema import FeatureSchema

_MIN_SHARE = 0.03
_MIN_ROWS = 30
_MOST_ROWS = 20_000
_PASSES = 4
_MANY = 200


@dataclass(frozen=True)
class Rates:
    """How often a label stands in the training rows and in the test rows of a rule.

    Parameters
    ----------
    rule : Rule
        The rows; without conditions all of them.
    label : int
        The class that the training rows have more often.
    train_hits, train_rows, test_hits, test_rows : int
        Counted on the halves that did not search.
    """

    rule: Rule
    label: int
    train_hits: int
    train_rows: int
    test_hits: int
    test_rows: int

    @property
    def gap(self) -> ProportionDifference:
        """The label's rate in training minus its rate in test rows."""
        return ProportionDifference(self.train_hits, self.train_rows, self.test_hits, self.test_rows)


@dataclass(frozen=True)
class LabelShift:
    """What a comparison of labels found.

    Parameters
    ----------
    overall : Rates
        Over all rows.
    inside : Rates or None
        Under the rule that departs most; None where none stood out in the search.
    rules : int
        Rules that were compared.
    candidate : Rates or None
        The rule that came first in the search, also where it did not stand out: that is no proof that nothing
        is there, and its interval says how much could be.
    """

    overall: Rates
    inside: Rates | None
    rules: int
    candidate: Rates | None = None


@dataclass(frozen=True)
class _Side:
    X: NDArray[np.float64]
    y: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> _Side:
        return _Side(self.X[rows], self.y[rows])

    def count(self, rule: Rule, label: int) -> tuple[int, int]:
        covered = rule.mask(self.X)
        return int((self.y[covered] == label).sum()), int(covered.sum())


def compare_labels(
    X: NDArray[np.float64], y: NDArray[np.int64], test_X: NDArray[np.float64], test_y: NDArray[np.int64],
    schema: FeatureSchema, *, alpha: float = 0.05, random_state: int = 0,
) -> LabelShift:  # fmt: skip
    """Search the rule of one or two conditions under which training labels depart most from test labels.

    One half of both tables searches, the other measures. A rule is reported only if its two-proportion test
    in the search survives Bonferroni's correction over all rules and labels; then its cuts are moved to where
    the test is strongest. Drift and tampering look alike in two samples: this says where, not why.

    Parameters
    ----------
    X, y : ndarray of shape (n, d) and (n,)
        Training rows, encoded, and their labels.
    test_X, test_y : ndarray of shape (m, d) and (m,)
        Rows to compare with.
    schema : FeatureSchema
        Of the columns.
    alpha : float
        Rate at which a rule stands out by chance in the search.
    random_state : int
        Splits the rows.

    Returns
    -------
    LabelShift

    Raises
    ------
    ValueError
        If a table has fewer than 120 rows.
    """
    if min(len(X), len(test_X)) < 4 * _MIN_ROWS:
        raise ValueError(f"comparing labels needs {4 * _MIN_ROWS} rows of training and of test data")
    rng = np.random.default_rng(random_state)
    train_search, train_rest = _halves(_Side(X, y), rng)
    test_search, test_rest = _halves(_Side(test_X, test_y), rng)
    labels = np.unique(np.concatenate([y, test_y]))
    everything = Rule(())
    label = max(labels, key=lambda c: _rate_gap(train_search, test_search, everything, int(c)))
    overall = _rates(train_rest, test_rest, everything, int(label))
    singles = conditions(np.concatenate([train_search.X, test_search.X]), schema, min_rows=2 * _MIN_ROWS)
    if not singles:
        return LabelShift(overall, None, 0)
    best, rules = _search(train_search, test_search, singles, labels)
    if best is None:
        return LabelShift(overall, None, rules)
    if best[2] > alpha / max(1, rules * len(labels)):
        return LabelShift(overall, None, rules, _rates(train_rest, test_rest, best[0], best[1]))
    rule = _refine(train_search, test_search, best[0], best[1])
    rule = Rule(tuple(sorted(rule.conditions, key=lambda c: (c.operator != "=", c.column))))
    inside = _rates(train_rest, test_rest, rule, best[1])
    return LabelShift(overall, inside, rules, inside)


def _halves(side: _Side, rng: np.random.Generator) -> tuple[_Side, _Side]:
    order = rng.permutation(len(side.X))
    cut = min(len(order) // 2, _MOST_ROWS)
    return side.take(order[:cut]), side.take(order[cut:])


def _rates(train: _Side, test: _Side, rule: Rule, label: int) -> Rates:
    return Rates(rule, label, *train.count(rule, label), *test.count(rule, label))


def _rate_gap(train: _Side, test: _Side, rule: Rule, label: int) -> float:
    return _rates(train, test, rule, label).gap.value


def _search(
    train: _Side, test: _Side, singles: list[Condition], labels: NDArray[np.int64]
) -> tuple[tuple[Rule, int, float] | None, int]:
    """Score all rules of one and two conditions; return the best with its one-sided p, and how many."""
    m, k = (np.stack([c.mask(side.X) for c in singles]).astype(np.float32) for side in (train, test))
    n_train, n_test = (m @ m.T).astype(np.float64), (k @ k.T).astype(np.float64)
    columns = np.array([c.column for c in singles])
    off = ~np.eye(len(singles), dtype=bool)
    # Two cuts of one column are an interval; two values of one column are nothing.
    use = (
        np.triu(np.ones_like(off))
        & (n_train >= np.maximum(_MIN_ROWS, _MIN_SHARE * len(train.X)))
        & (n_test >= np.maximum(_MIN_ROWS, _MIN_SHARE * len(test.X)))
        & ~((columns[:, None] == columns[None, :]) & off)
    )
    best: tuple[Rule, int, float] | None = None
    top = 0.0
    for label in labels:
        hits_train = ((m * (train.y == label)) @ m.T).astype(np.float64)
        hits_test = ((k * (test.y == label)) @ k.T).astype(np.float64)
        z = np.where(use, _z(hits_train, n_train, hits_test, n_test), -np.inf)
        i, j = np.unravel_index(int(np.argmax(z)), z.shape)
        if z[i, j] > top:
            top = float(z[i, j])
            parts = (singles[i],) if i == j else (singles[i], singles[j])
            best = Rule(parts), int(label), float(sps.norm.sf(top))
    return best, int(use.sum())


def _z(
    hits_train: NDArray[np.float64], n_train: NDArray[np.float64], hits_test: NDArray[np.float64],
    n_test: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    """Return the pooled two-proportion statistic, positive where training has the label more often."""
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = (hits_train + hits_test) / (n_train + n_test)
        error = np.sqrt(pooled * (1 - pooled) * (1 / n_train + 1 / n_test))
        return np.nan_to_num((hits_train / n_train - hits_test / n_test) / error, nan=0.0, posinf=0.0)


def _refine(train: _Side, test: _Side, rule: Rule, label: int) -> Rule:
    """Move the cuts of a rule, one at a time, to the legible value where the test is strongest."""
    best, score = rule, _score(train, test, rule, label)
    for _ in range(_PASSES):
        before = best
        for position, condition in enumerate(best.conditions):
            for value in _cuts(train, condition):
                parts = list(best.conditions)
                parts[position] = replace(condition, value=value)
                tried = Rule(tuple(parts))
                found = _score(train, test, tried, label)
                if found > score + 1e-9:
                    best, score = tried, found
        if best == before:
            break
    return best


def _cuts(train: _Side, condition: Condition) -> Sequence[float]:
    """Return the values that a cut may move to: those of ten rows or more, or rounded quantiles."""
    if condition.operator == "=":
        return ()
    x = train.X[:, condition.column]
    x = x[~np.isnan(x)]
    values, counts = np.unique(x, return_counts=True)
    if len(values) > _MANY:
        step = 10.0 ** np.floor(np.log10(max(float(np.ptp(np.quantile(x, [0.05, 0.95]))), 1e-12) / 20))
        values = np.unique(np.round(np.quantile(x, np.linspace(0.01, 0.99, 99)) / step) * step)
    else:
        values = values[counts >= 10]
    return [float(value) for value in values]


def _score(train: _Side, test: _Side, rule: Rule, label: int) -> float:
    hits_train, n_train = train.count(rule, label)
    hits_test, n_test = test.count(rule, label)
    if n_train < _MIN_ROWS or n_test < _MIN_ROWS:
        return -np.inf
    arrays = (np.array([v], dtype=float) for v in (hits_train, n_train, hits_test, n_test))
    return float(_z(*arrays)[0])
