"""Search of the short rules under which a figure departs most from the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.subgroups._rules import Condition, Rule, conditions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.schema import FeatureSchema

_ALIKE = 0.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule that the search proposes; what it is worth must be measured on other rows.

    Parameters
    ----------
    rule : Rule
    rows : int
        Rows of the search that it covers.
    score : float
        Standardised excess of the figure inside over outside.
    """

    rule: Rule
    rows: int
    score: float


def search(
    X: NDArray[np.float64],
    figure: NDArray[np.float64],
    schema: FeatureSchema,
    *,
    min_share: float = 0.01,
    min_rows: int = 10,
    most: int = 5,
) -> list[Candidate]:
    """Find the rules of one or two conditions under which a 0/1 figure is highest against the rest.

    All pairs are scored at once: counts and sums inside every pair are two matrix products. The score is the
    two-proportion z statistic; rules that cover much the same rows as a better one are dropped.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Encoded rows to search in. Measure what is found on other rows.
    figure : ndarray of shape (n,)
        0 or 1 for each row, such as "wrongly classified".
    schema : FeatureSchema
        Of the columns.
    min_share : float
        Share of the rows that a rule must cover.
    min_rows : int
        Rows that a rule must cover.
    most : int
        Rules returned at most.

    Returns
    -------
    list of Candidate
        Best first; only rules whose figure is above the rest.
    """
    least = max(min_rows, int(np.ceil(min_share * len(X))))
    singles = conditions(X, schema, min_rows=least)
    if not singles or not 0 < figure.sum() < len(figure):
        return []
    masks = np.stack([c.mask(X) for c in singles]).astype(np.float32)
    count = masks @ masks.T
    inside = (masks * figure.astype(np.float32)) @ masks.T
    score = _z(count, inside, len(X), float(figure.sum()))
    score[(count < least) | (len(X) - count < least)] = -np.inf
    columns = np.array([c.column for c in singles])
    same = columns[:, None] == columns[None, :]
    score[same & ~np.eye(len(singles), dtype=bool)] = -np.inf
    # A second condition must earn its place over both of its parents.
    parents = np.maximum(np.diag(score)[:, None], np.diag(score)[None, :])
    score[~np.eye(len(singles), dtype=bool) & (score < parents + 1.0)] = -np.inf
    return _distinct(score, masks, singles, most)


def _z(count: NDArray[np.float32], inside: NDArray[np.float32], n: int, total: float) -> NDArray[np.float64]:
    rate = total / n
    c = count.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = inside / c - (total - inside) / (n - c)
        error = np.sqrt(rate * (1 - rate) * (1 / c + 1 / (n - c)))
        return np.nan_to_num(gap / error, nan=-np.inf, posinf=-np.inf, neginf=-np.inf)


def _distinct(
    score: NDArray[np.float64], masks: NDArray[np.float32], singles: list[Condition], most: int
) -> list[Candidate]:
    """Take the best rules that do not cover much the same rows as one taken before."""
    taken: list[Candidate] = []
    covers: list[NDArray[np.bool_]] = []
    for flat in np.argsort(-score, axis=None, kind="stable"):
        i, j = divmod(int(flat), len(singles))
        if score[i, j] <= 0 or len(taken) == most:
            break
        if i > j:
            continue
        cover = (masks[i] * masks[j]) > 0
        if any((cover & c).sum() > _ALIKE * (cover | c).sum() for c in covers):
            continue
        parts = (singles[i],) if i == j else (singles[i], singles[j])
        taken.append(Candidate(Rule(parts), int(cover.sum()), float(score[i, j])))
        covers.append(cover)
    return taken
