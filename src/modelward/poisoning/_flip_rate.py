"""Labels flipped at random: how many, as far as that can be known, and which are the most doubtful."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import InputError
from modelward.poisoning._align import Tables, align
from modelward.stats import Proportion
from modelward.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

_FOLDS = 5
_STRATA = 20
_MOST_RATE = 0.3
_STEPS = 31
_FAR = 8.0
_LEVELS = 200
_HALF_CHI = 1.9207
_MOST_LABELS = 10
_ROWS_A_LABEL = 50


@dataclass(frozen=True)
class FlipRate:
    """How many labels may have been flipped at random, and which rows are the most doubtful.

    Parameters
    ----------
    rate : float or None
        Estimated share of flipped labels; None without a reference, where only a bound is known.
    low, high : float
        95 % interval of the share. Without a reference `low` is 0: rows that look mislabelled may be nature.
    rows : ndarray of shape (n,)
        The rows of the table that were looked at, most doubtful label first.
    doubt : ndarray of shape (n,)
        For `rows`, one minus the probability that models of the other rows give to the label.
    """

    rate: float | None
    low: float
    high: float
    rows: NDArray[np.int64]
    doubt: NDArray[np.float64]

    @property
    def found(self) -> bool:
        """Whether the reference shows that labels were flipped: the interval leaves zero out."""
        return self.rate is not None and self.low > 0


def estimate_flips(
    data: Any, reference: Any = None, *, target: str, leave_out: Collection[int] = (), random_state: int = 0
) -> FlipRate:
    """Estimate how many labels were flipped at random, and rank the rows by doubt.

    Each row is predicted by models of other rows (small boosted trees on the reference, else on the other four of
    five folds), as in confident learning. With an earlier sample of the same kind the label rates of both are compared
    in twenty strata of predicted risk: flips lift every low rate and lower every high one along a line, and its
    likelihood gives share and interval (two labels only). Drift of the labels within strata looks the same, so this
    alone is no tampering. Without one, the label can be flipped in no more rows than have it where it is rarest: an
    upper bound.

    Parameters
    ----------
    data : path or data frame
        The table that came in.
    reference : path or data frame, optional
        Other rows of the same kind, with labels that are trusted.
    target : str
        The label column.
    leave_out : collection of int
        Rows of the table that are explained otherwise, such as by a rule; shares are those of the other rows.
    random_state : int
        Draws the folds.

    Returns
    -------
    FlipRate

    Raises
    ------
    InputError
        If a label has too few rows, or there are more than ten labels.

    Notes
    -----
    The ranking is a reading list and no list of flipped rows. On the credit data with 3 % flips some three of ten rows
    at its top are flipped, and a model that knew the true labels would do no better: see ``benchmarks/flips.md``.

    References
    ----------
    Northcutt, Jiang & Chuang 2021, Confident Learning: Estimating Uncertainty in Dataset Labels.

    Examples
    --------
    >>> import numpy as np, polars as pl
    >>> x = np.arange(1000) % 50
    >>> honest = pl.DataFrame({"x": x, "bad": (x > 30).astype(int)})
    >>> wrong = np.arange(0, 1000, 20)
    >>> labels = honest["bad"].to_numpy().copy()
    >>> labels[wrong] = 1 - labels[wrong]
    >>> found = estimate_flips(honest.with_columns(bad=labels), honest, target="bad")
    >>> found.low < 0.05 < found.high, bool(np.isin(found.rows[:50], wrong).all())
    (True, True)
    """
    tables = align(
        read_table(data, what="data"),
        None if reference is None else read_table(reference, what="reference"), target, None,
    )  # fmt: skip
    n = tables.new.height
    keep = np.setdiff1d(np.arange(n), np.fromiter(leave_out, dtype=np.int64))
    return _flips(tables, keep, random_state)


def _flips(t: Tables, keep: NDArray[np.int64], random_state: int) -> FlipRate:
    everything = np.asarray(t.y)
    y, old = everything[keep], everything[t.new.height :]
    fewest = min(int(np.bincount(part, minlength=len(t.labels)).min()) for part in (y, old) if len(part))
    if not 2 <= len(t.labels) <= _MOST_LABELS or fewest < _ROWS_A_LABEL:
        raise InputError(
            f"flips are estimated for 2 to {_MOST_LABELS} labels with {_ROWS_A_LABEL} rows each: there are "
            f"{len(t.labels):,}, the rarest with {fewest:,}"
        )
    every = matrix_of(t)
    X, X_old = every[keep], every[t.new.height :]
    k = len(t.labels)
    # Labels that are trusted say more than those that are in question.
    trusted = t.old is not None
    probability = _scores(X_old, old, X, k, random_state) if trusted else _out_of_fold(X, y, k, random_state)
    doubt = 1 - probability[np.arange(len(y)), y]
    order = np.argsort(-doubt, kind="stable")
    if t.old is None or k > 2:
        return FlipRate(None, 0.0, _upper(probability, y), keep[order], doubt[order])
    before = _out_of_fold(X_old, old, k, random_state)[:, 1]
    rate, low, high = _compared(before, old, probability[:, 1], y)
    return FlipRate(rate, low, high, keep[order], doubt[order])


def matrix_of(t: Tables) -> NDArray[np.float64]:
    """Return both tables' columns as numbers, words by their rank, shape (n, d)."""
    columns = []
    for j, codes in enumerate(t.coded.codes):
        values = t.coded.numbers(j)
        columns.append(np.where(codes < 0, np.nan, codes) if values is None else values)
    if not columns:
        raise InputError("flips are estimated from numbers and words: there is no such column")
    return np.column_stack(columns).astype(np.float64)


def small_model(random_state: int) -> Any:
    """Return the classifier that is trained where no other is given."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=15, random_state=random_state)


def _out_of_fold(
    X: NDArray[np.float64], y: NDArray[np.int64], labels: int, random_state: int
) -> NDArray[np.float64]:
    """Return what models of the other folds say of each row, shape (n, labels)."""
    from sklearn.model_selection import StratifiedKFold

    out = np.zeros((len(X), labels))
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=random_state)
    for fit, rest in folds.split(X, y):
        out[rest] = _scores(X[fit], y[fit], X[rest], labels, random_state)
    return out


def _scores(
    X: NDArray[np.float64], y: NDArray[np.int64], rows: NDArray[np.float64], labels: int, random_state: int
) -> NDArray[np.float64]:
    with warnings.catch_warnings():
        # A column that is missing in a whole fold has no bins; that is no concern of the caller's.
        warnings.simplefilter("ignore")
        model = small_model(random_state).fit(X, y)
        found = model.predict_proba(rows)
    out = np.zeros((len(rows), labels))
    out[:, model.classes_] = found
    return out


def _upper(probability: NDArray[np.float64], y: NDArray[np.int64]) -> float:
    """Return an upper bound of the share of flipped labels: what each label has where it is least expected."""
    worst = 0.0
    k = probability.shape[1]
    for label in range(k):
        order = np.argsort(probability[:, label], kind="stable")
        best = 1.0
        sizes = [len(y) // parts for parts in (2, 4, 8, 16)]
        for size in sizes:
            hits = int((y[order[:size]] == label).sum())
            level = 1 - 0.1 / (k * len(sizes))
            best = min(best, Proportion(hits, size).interval(level)[1])
        worst += best * float((y != label).mean())
    return min(worst, 1.0)


def _compared(
    old: NDArray[np.float64], y_old: NDArray[np.int64], new: NDArray[np.float64], y: NDArray[np.int64]
) -> tuple[float, float, float]:
    """Return the share of flipped labels and its interval, from label rates by stratum in both tables."""
    edges = np.unique(np.quantile(np.concatenate([old, new]), np.linspace(0, 1, _STRATA + 1)[1:-1]))
    counts = []
    for score, labels in ((old, y_old), (new, y)):
        place = np.searchsorted(edges, score, side="right")
        rows = np.bincount(place, minlength=len(edges) + 1)
        counts.append((np.bincount(place, weights=labels, minlength=len(rows)), rows))
    (hits0, rows0), (hits1, rows1) = counts
    return _profile(hits0, rows0, hits1, rows1)


def _profile(
    hits0: NDArray[Any], rows0: NDArray[Any], hits1: NDArray[Any], rows1: NDArray[Any]
) -> tuple[float, float, float]:
    """Return the profile likelihood's best share and its 95 % interval.

    Strata have rates q of their own; flips of shares a (of 0 to 1) and b (of 1 to 0) turn q into a + (1 − a − b) q.
    """
    q = (np.arange(_LEVELS) + 0.5) / _LEVELS
    before = _log_binomial(hits0[:, None], rows0[:, None], q)
    ends = [(0.0, _MOST_RATE), (0.0, _MOST_RATE)]
    for _ in range(2):
        a, b = (np.linspace(*end, _STEPS) for end in ends)
        fit, share = _grid(before, hits1, rows1, q, a, b)
        near = fit >= fit.max() - _FAR
        # Once more, finer, where the likelihood is not far from its best.
        ends = [
            (float(s[m].min()), float(s[m].max())) for s, m in ((a, near.any(axis=1)), (b, near.any(axis=0)))
        ]
        ends = [(max(0.0, low - 0.01), high + 0.01) for low, high in ends]
    top = np.unravel_index(int(fit.argmax()), fit.shape)
    inside = fit >= fit[top] - _HALF_CHI
    return float(share[top]), float(share[inside].min()), float(share[inside].max())


def _grid(
    before: NDArray[np.float64], hits: NDArray[Any], rows: NDArray[Any], q: NDArray[np.float64],
    a: NDArray[np.float64], b: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """Return log-likelihood and share of flipped labels for every pair of flip rates, shape (len(a), len(b))."""
    fit, share = np.zeros((len(a), len(b))), np.zeros((len(a), len(b)))
    for i, up in enumerate(a):
        now = up + (1 - up - b[:, None, None]) * q
        whole = before + _log_binomial(hits[:, None], rows[:, None], now)
        best = whole.argmax(axis=2)
        fit[i] = whole.max(axis=2).sum(axis=1)
        truth = (q[best] * rows).sum(axis=1) / rows.sum()
        share[i] = up * (1 - truth) + b * truth
    return fit, share


def _log_binomial(hits: NDArray[Any], rows: NDArray[Any], p: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.clip(p, 1e-9, 1 - 1e-9)
    return np.asarray(hits * np.log(p) + (rows - hits) * np.log(1 - p))
