"""Natural adversarial examples: honest rows that the model gets wrong while it is sure of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.stats import Proportion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models import Scores

SURE = 0.9
"""Probability from which an answer counts as sure."""


@dataclass(frozen=True)
class Certainty:
    """How errors lie against the model's own certainty.

    Parameters
    ----------
    sure_errors : Proportion or None
        Share of sure answers that are wrong; None where the model is never sure, or gives no probabilities.
    coverage : tuple of float
        Shares of the rows, most certain first.
    risk : tuple of Proportion
        Error among those.
    claimed : float
        What the mean probability of the sure answers claims their error to be.
    """

    sure_errors: Proportion | None
    coverage: tuple[float, ...]
    risk: tuple[Proportion, ...]
    claimed: float


def certainty(scores: Scores, y: NDArray[np.int64], predicted: NDArray[np.int64]) -> Certainty:
    """Compare errors with certainty (the risk-coverage curve of El-Yaniv & Wiener 2010).

    Parameters
    ----------
    scores : Scores
        Of honest rows, shape (n, k).
    y, predicted : ndarray of shape (n,)
        True and predicted classes.
    """
    best = np.take_along_axis(scores.values, predicted[:, None], axis=1)[:, 0]
    wrong = predicted != y
    order = np.argsort(-best, kind="stable")
    shares = tuple(s for s in (0.1, 0.2, 0.4, 0.6, 0.8, 1.0) if s * len(y) >= 10)
    risk = tuple(Proportion(int(wrong[order[: int(s * len(y))]].sum()), int(s * len(y))) for s in shares)
    sure = best >= SURE if scores.kind == "probability" else np.zeros(len(y), dtype=bool)
    sure_errors = Proportion(int(wrong[sure].sum()), int(sure.sum())) if sure.sum() >= 10 else None
    claimed = float(1 - best[sure].mean()) if sure_errors is not None else float("nan")
    return Certainty(sure_errors, shares, risk, claimed)
