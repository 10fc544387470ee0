"""What a caller sees of the true label of each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.privacy._tpr import log_odds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.models import Subject


@dataclass(frozen=True)
class Signals:
    """The model's answers about the true labels.

    Parameters
    ----------
    confidence : ndarray of shape (n,)
        The true label's probability, or its margin over the best other label, or 0/1 without scores.
    correct : ndarray of bool, shape (n,)
        Whether the label with the highest score (without scores: the model's label) is the true one.
    probability, has_scores : bool
        What `confidence` is.
    """

    confidence: NDArray[np.float64]
    correct: NDArray[np.bool_]
    probability: bool
    has_scores: bool

    def logit(self, clip: float, decimals: int | None = None) -> NDArray[np.float64]:
        """Return the confidence on an unbounded scale, if asked for after rounding; margins are as they are."""
        if self.has_scores and not self.probability:
            return self.confidence
        seen = self.confidence if decimals is None else np.round(self.confidence, decimals)
        return log_odds(seen, clip)


def ask(subject: Subject, X: NDArray[np.float64], y: NDArray[np.int64]) -> Signals:
    """Ask for the scores of rows once, for labels where there are none."""
    scores = subject.scores(X)
    rows = np.arange(len(X))
    if scores is None:
        right = subject.codes(X) == y
        return Signals(right.astype(np.float64), right, False, False)
    values = np.nan_to_num(scores.values, neginf=-1e6, posinf=1e6)
    right = values.argmax(axis=1) == y
    own = values[rows, y]
    if scores.kind == "probability":
        return Signals(own, right, True, True)
    rest = values.copy()
    rest[rows, y] = -np.inf
    return Signals(own - rest.max(axis=1), right, False, True)
