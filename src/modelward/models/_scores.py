"""Scores: what a model says besides the label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ScoreKind = Literal["probability", "margin"]


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of a batch.

    Parameters
    ----------
    values : ndarray of float64, shape (n, k)
        One column a class of the subject, in the order of `Subject.classes`.
    kind : {"probability", "margin"}
        Whether rows sum to one, or are distances from the decision boundary.
    """

    values: NDArray[np.float64]
    kind: ScoreKind
