"""Plain per-column bands: the simplest watch over the inputs of a model.

They are meant to be understood at a glance by whoever is woken by them: a value is outside because it is
illegal, because nobody has seen it, or because it lies far from everything that was seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from modelward.errors import InputError, UsageError
from modelward.schema import violations

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from modelward.schema import FeatureSchema

Rule = Literal["schema", "unseen", "missing", "sigma", "quantile"]
RULES: tuple[Rule, ...] = ("schema", "unseen", "missing", "sigma", "quantile")

FEW_VALUES = 20
"""A column with at most so many different values is watched value by value, not by a range."""
SIGMAS = 3.0
TAIL = 0.001


@dataclass(frozen=True)
class Bands:
    """What honest rows look like, column by column.

    Parameters
    ----------
    schema : FeatureSchema
        What is legal.
    sigma, quantile : ndarray of shape (2, d)
        Lower and upper edges: mean ± 3 standard deviations, and the 0.1 % and 99.9 % quantiles. Columns that
        are watched value by value have infinite edges.
    seen : tuple of (ndarray or None), length d
        The values of columns that are watched value by value: coded columns, and numbers with at most twenty
        different values (a constant is one); None for others.
    missing : ndarray of bool, shape (d,)
        Columns in which a value was missing.
    n : int
        Rows that the bands were fitted on.

    Examples
    --------
    >>> from modelward.schema import Column, FeatureSchema
    >>> schema = FeatureSchema((Column("age", "integer", low=18, high=120),))
    >>> bands = Bands.fit(np.arange(20.0, 70.0)[:, None], schema)
    >>> bands.outside(np.array([[30.0], [110.0], [999.0]])).ravel().tolist()
    [False, True, True]
    """

    schema: FeatureSchema
    sigma: NDArray[np.float64]
    quantile: NDArray[np.float64]
    seen: tuple[NDArray[np.float64] | None, ...]
    missing: NDArray[np.bool_]
    n: int

    @classmethod
    def fit(cls, X: NDArray[np.float64], schema: FeatureSchema) -> Bands:
        """Learn the bands of reference rows.

        Parameters
        ----------
        X : ndarray of float64, shape (n, d)
            Encoded rows that are believed to be honest, such as the training rows.
        schema : FeatureSchema
            Of the same columns.

        Raises
        ------
        InputError
            If there are no rows, or not the schema's columns.
        """
        X = _matrix(X, schema)
        if not len(X):
            raise InputError("bands need at least one reference row")
        d = len(schema)
        sigma, quantile = np.tile([[-np.inf], [np.inf]], (1, d)), np.tile([[-np.inf], [np.inf]], (1, d))
        seen: list[NDArray[np.float64] | None] = []
        for j, column in enumerate(schema):
            values = X[np.isfinite(X[:, j]), j]
            distinct = np.unique(values)
            if column.coded or len(distinct) <= FEW_VALUES:
                seen.append(distinct)
                continue
            seen.append(None)
            # Scaled first, so that squares of huge values stay finite.
            scale = float(np.abs(values).max())
            middle, spread = float((values / scale).mean()), float((values / scale).std())
            sigma[:, j] = (middle - SIGMAS * spread) * scale, (middle + SIGMAS * spread) * scale
            quantile[:, j] = np.quantile(values, [TAIL, 1 - TAIL])
        return cls(schema, sigma, quantile, tuple(seen), np.asarray(np.isnan(X).any(axis=0)), len(X))

    def outside(self, X: NDArray[np.float64], rules: Collection[Rule] = RULES) -> NDArray[np.bool_]:
        """Say which cells break a rule.

        Parameters
        ----------
        X : ndarray of float64, shape (n, d)
            Encoded rows.
        rules : collection of {"schema", "unseen", "missing", "sigma", "quantile"}
            The rules to apply; all by default.

        Returns
        -------
        ndarray of bool, shape (n, d)

        Raises
        ------
        UsageError
            If there is no such rule.
        """
        X = _matrix(X, self.schema)
        if unknown := set(rules) - set(RULES):
            raise UsageError(f"there is no rule {min(unknown)!r}; there are {', '.join(RULES)}")
        out = np.zeros(X.shape, dtype=bool)
        gone = np.isnan(X)
        if "schema" in rules:
            out |= violations(self.schema, X).cells
        if "missing" in rules:
            out |= gone & ~self.missing
        if "unseen" in rules:
            for j, values in enumerate(self.seen):
                if values is not None:
                    out[:, j] |= ~np.isin(X[:, j], values) & ~gone[:, j]
        for name, edges in (("sigma", self.sigma), ("quantile", self.quantile)):
            if name in rules:
                out |= (edges[0] > X) | (edges[1] < X)
        return out


def _matrix(X: NDArray[np.float64], schema: FeatureSchema) -> NDArray[np.float64]:
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2 or X.shape[1] != len(schema):
        raise InputError(f"expected rows of the schema's {len(schema)} columns, got shape {X.shape}")
    return X
