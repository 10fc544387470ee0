"""Transformers of numbers: scalers, PCA, bins' kin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special, stats

from modelward.errors import SubjectError
from modelward.models.rebuilt._base import Estimator, family

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models.rebuilt._table import Matrix
    from modelward.models.rebuilt._view import View


class _Affine(Estimator):
    """Subtracts, divides, multiplies or adds a row, each of them or none."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._offer(transform=self._transform)

    def _row(self, view: View, key: str) -> NDArray[Any]:
        row = view.floats(key, 1)
        if len(row) != getattr(self, "n_features_in_", len(row)):
            raise view.bad(key, "has not one number for each column")
        self.n_features_in_ = len(row)
        return row

    def _transform(self, X: Any) -> Matrix:
        with np.errstate(all="ignore"):
            return self._apply(self.table(X).floats(nan=True))

    def _apply(self, rows: NDArray[np.float64]) -> Matrix:
        raise NotImplementedError


@family("StandardScaler")
class StandardScaler(_Affine):
    """Takes the mean away and divides by the deviation."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.with_mean, self.with_std = view.flag("with_mean"), view.flag("with_std")
        self.mean_ = self._row(view, "mean_") if self.with_mean else None
        self.scale_ = self._row(view, "scale_") if self.with_std else None

    def _apply(self, rows: NDArray[np.float64]) -> Matrix:
        if self.mean_ is not None:
            rows -= self.mean_
        if self.scale_ is not None:
            rows /= self.scale_
        return rows


@family("RobustScaler")
class RobustScaler(_Affine):
    """Takes the median away and divides by a range of quantiles."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.with_centering, self.with_scaling = view.flag("with_centering"), view.flag("with_scaling")
        self.center_ = self._row(view, "center_") if self.with_centering else None
        self.scale_ = self._row(view, "scale_") if self.with_scaling else None

    def _apply(self, rows: NDArray[np.float64]) -> Matrix:
        if self.center_ is not None:
            rows -= self.center_
        if self.scale_ is not None:
            rows /= self.scale_
        return rows


@family("MinMaxScaler")
class MinMaxScaler(_Affine):
    """Maps the range seen in training onto another."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.scale_, self.min_ = self._row(view, "scale_"), self._row(view, "min_")
        self.clip = view.flag("clip", default=False)
        self._range = view.floats("feature_range", 1, (2,)) if self.clip else None

    def _apply(self, rows: NDArray[np.float64]) -> Matrix:
        rows *= self.scale_
        rows += self.min_
        return rows if self._range is None else np.clip(rows, *self._range)


@family("MaxAbsScaler")
class MaxAbsScaler(_Affine):
    """Divides by the largest size."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.scale_ = self._row(view, "scale_")
        self.clip = view.flag("clip", default=False)

    def _apply(self, rows: NDArray[np.float64]) -> Matrix:
        rows /= self.scale_
        return np.clip(rows, -1.0, 1.0) if self.clip else rows


@family("Normalizer")
class Normalizer(Estimator):
    """Divides each row by its length."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._norm = view.text("norm")
        if self._norm not in ("l1", "l2", "max"):
            raise view.bad("norm", "is not known")
        self._offer(transform=self._transform)

    def _transform(self, X: Any) -> Matrix:
        rows = self.table(X).floats()
        if self._norm == "l2":
            length = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        else:
            size = np.abs(rows)
            length = size.sum(axis=1) if self._norm == "l1" else size.max(axis=1)
        length[length == 0] = 1.0
        return rows / length[:, None]  # type: ignore[no-any-return]


@family("PowerTransformer")
class PowerTransformer(Estimator):
    """Box–Cox or Yeo–Johnson powers."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._powers = view.floats("lambdas_", 1)
        self.n_features_in_ = len(self._powers)
        self._cox = view.text("method") == "box-cox"
        self._scaler = view.child("_scaler") if view.flag("standardize") else None
        self._offer(transform=self._transform)

    def _transform(self, X: Any) -> Matrix:
        rows = self.table(X).floats(nan=True)
        if self._cox and np.nanmin(rows, initial=1.0) <= 0:
            raise SubjectError("the model takes positive numbers only")
        with np.errstate(all="ignore"):
            for j, power in enumerate(self._powers):
                one = special.boxcox if self._cox else stats.yeojohnson
                rows[:, j] = one(rows[:, j], power)
        return rows if self._scaler is None else self._scaler.transform(rows)


@family("QuantileTransformer")
class QuantileTransformer(Estimator):
    """Maps each column onto its quantiles."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._quantiles = view.floats("quantiles_", 2)
        self.n_features_in_ = self._quantiles.shape[1]
        self._references = view.floats("references_", 1, (self._quantiles.shape[0],))
        if not len(self._references):
            raise view.bad("references_", "is empty")
        self._normal = view.text("output_distribution") == "normal"
        self._offer(transform=self._transform)

    def _transform(self, X: Any) -> Matrix:
        rows = self.table(X).floats(nan=True)
        for j in range(rows.shape[1]):
            rows[:, j] = self._column(rows[:, j], self._quantiles[:, j])
        return rows

    def _column(self, x: Matrix, marks: Matrix) -> Matrix:
        near = 1e-7
        with np.errstate(all="ignore"):
            low = x - near < marks[0] if self._normal else x == marks[0]
            high = x + near > marks[-1] if self._normal else x == marks[-1]
            # From below and from above, since quantiles repeat where values do.
            up = np.interp(x, marks, self._references)
            down = np.interp(-x, -marks[::-1], -self._references[::-1])
            out = 0.5 * (up - down)
        out[high], out[low] = 1.0, 0.0
        if self._normal:
            end = near - np.spacing(1)
            out = np.clip(stats.norm.ppf(out), stats.norm.ppf(end), stats.norm.ppf(1 - end))
        return np.where(np.isnan(x), np.nan, out)


@family("Binarizer")
class Binarizer(Estimator):
    """1 over the threshold, else 0."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        threshold = view.number("threshold")
        self._offer(transform=lambda X: (self.table(X).floats() > threshold).astype(np.float64))


@family("PCA", "IncrementalPCA", "TruncatedSVD")
class Projection(Estimator):
    """Projects onto components."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._components = view.floats("components_", 2)
        self.n_features_in_ = self._components.shape[1]
        self._mean = None
        self._scale = None
        if view.name != "TruncatedSVD":
            self._mean = view.floats("mean_", 1, (self.n_features_in_,))
            if view.flag("whiten", default=False):
                spread = np.sqrt(view.floats("explained_variance_", 1, (len(self._components),)))
                self._scale = np.maximum(spread, np.finfo(spread.dtype).eps)
        self._offer(transform=self._transform)

    def _transform(self, X: Any) -> Matrix:
        out = self.table(X).floats() @ self._components.T
        if self._mean is not None:
            out -= self._mean[None, :] @ self._components.T
        return out if self._scale is None else out / self._scale  # type: ignore[no-any-return]
