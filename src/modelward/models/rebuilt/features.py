"""Selectors and makers of columns."""

from __future__ import annotations

from itertools import combinations, combinations_with_replacement
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.models.rebuilt._base import Estimator, family
from modelward.models.rebuilt._table import Table
from modelward.models.rebuilt._view import cannot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models.rebuilt._table import Matrix
    from modelward.models.rebuilt._view import View

_MOST_COLUMNS = 100_000


class _Selector(Estimator):
    """Keeps some of the columns."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._kept = np.flatnonzero(self._mask(view))
        self._offer(transform=self._transform)

    def _mask(self, view: View) -> NDArray[np.bool_]:
        raise NotImplementedError

    def _transform(self, X: Any) -> Table | Matrix:
        kept = self.table(X).take(self._kept)
        return kept if isinstance(X, Table) else kept.matrix()


@family("RFE", "RFECV", "SequentialFeatureSelector")
class Supported(_Selector):
    """Keeps the columns that a search left."""

    def _mask(self, view: View) -> NDArray[np.bool_]:
        mask = view.mask("support_")
        self.n_features_in_ = len(mask)
        return mask


@family("VarianceThreshold")
class VarianceThreshold(_Selector):
    """Keeps the columns that vary."""

    def _mask(self, view: View) -> NDArray[np.bool_]:
        spread = view.floats("variances_", 1)
        self.n_features_in_ = len(spread)
        return np.asarray(spread > view.number("threshold"))


@family("SelectKBest", "SelectPercentile", "SelectFpr")
class Univariate(_Selector):
    """Keeps the columns with the best scores."""

    def _mask(self, view: View) -> NDArray[np.bool_]:
        if view.name == "SelectFpr":
            return np.asarray(view.floats("pvalues_", 1) < view.number("alpha"))
        scores = view.floats("scores_", 1).astype(np.float64)
        self.n_features_in_ = len(scores)
        scores = np.where(np.isnan(scores), np.finfo(np.float64).min, scores)
        if view.name == "SelectKBest":
            k = len(scores) if view.get("k") == "all" else view.integer("k")
            mask = np.zeros(len(scores), dtype=bool)
            mask[np.argsort(scores, kind="mergesort")[len(scores) - min(k, len(scores)) :]] = True
            return mask
        share = view.number("percentile")
        if share in (0, 100) or not 0 < share < 100 or not len(scores):
            return np.full(len(scores), share >= 100)
        cut = np.percentile(scores, 100 - share)
        mask = scores > cut
        ties = np.flatnonzero(scores == cut)
        mask[ties[: int(len(scores) * share / 100) - mask.sum()]] = True
        return mask


@family("PolynomialFeatures")
class Polynomial(Estimator):
    """Products of columns."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        low, high = view.integer("_min_degree", most=20), view.integer("_max_degree", most=20)
        d = view.integer("n_features_in_", most=_MOST_COLUMNS)
        wanted = view.integer("n_output_features_", most=_MOST_COLUMNS)
        pick = combinations if view.flag("interaction_only") else combinations_with_replacement
        self._terms: list[tuple[int, ...]] = [()] if view.flag("include_bias") else []
        for degree in range(max(low, 1), high + 1):
            for term in pick(range(d), degree):
                self._terms.append(term)
                if len(self._terms) > wanted:
                    raise cannot("PolynomialFeatures makes more columns than it says")
        self._offer(transform=self._transform)

    def _transform(self, X: Any) -> Matrix:
        rows = self.table(X).floats()
        out = np.ones((len(rows), len(self._terms)))
        for i, term in enumerate(self._terms):
            # From the right, so that products round as they did in training.
            for j in reversed(term):
                out[:, i] *= rows[:, j]
        return out


@family("KBinsDiscretizer")
class Bins(Estimator):
    """Numbers in bins."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._edges = [view.floats_of(e, "bin_edges_", 1) for e in view.items("bin_edges_")]
        self.n_features_in_ = len(self._edges)
        if any(len(e) < 2 for e in self._edges):
            raise view.bad("bin_edges_", "holds a column without bins")
        self._codes = view.text("encode") == "ordinal"
        self._offer(transform=self._transform)

    def _transform(self, X: Any) -> Matrix:
        rows = self.table(X).floats()
        for j, edges in enumerate(self._edges):
            rows[:, j] = np.searchsorted(edges[1:-1], rows[:, j], side="right")
        if self._codes:
            return rows
        blocks = [rows[:, [j]] == np.arange(len(e) - 1) for j, e in enumerate(self._edges)]
        return np.hstack(blocks).astype(np.float64)
