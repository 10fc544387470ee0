"""What a move from one row to another costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.schema._violations import checked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.schema._schema import FeatureSchema


def cost(schema: FeatureSchema, X: NDArray[np.float64], origin: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cost of moving each row of `origin` to that of `X`, shape (n,).

    Numbers and ordinals cost their difference times the column's cost; any change of a categorical or text
    column costs the column's cost; a value that goes missing, or comes back, costs 1.

    Parameters
    ----------
    schema : FeatureSchema
        Its columns' costs.
    X, origin : ndarray of float64, shape (n, d)
        Encoded rows. One row of origin serves all rows of X.

    Raises
    ------
    SchemaError
        If a matrix has another number of columns than the schema.

    Examples
    --------
    >>> from modelward.schema import Column, FeatureSchema
    >>> s = FeatureSchema((Column("AGE", "integer", cost=0.1), Column("JOB", "categorical", categories=("a", "b"))))
    >>> cost(s, np.array([[40.0, 1.0]]), np.array([[30.0, 0.0]]))
    array([2.])
    """
    rules = schema.rules
    X, origin = checked(X, rules), checked(origin, rules)
    gap = np.abs(X - origin)
    # The difference of equal infinities is nothing, not missing.
    gap = np.where(origin == X, 0.0, gap)
    gap = np.where(rules.flat, gap > 0, gap)
    gone, came = np.isnan(X), np.isnan(origin)
    priced = np.where(gone | came, (gone != came).astype(np.float64), gap * rules.cost)
    return np.asarray(priced.sum(axis=1))
