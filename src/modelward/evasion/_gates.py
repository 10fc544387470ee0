"""A gate in front of a model: rows are clipped or rounded before it sees them, in production as in training."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.models import Meter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from modelward.models import Backend, Scores, Subject


@dataclass(frozen=True)
class Gate:
    """A backend that changes rows and passes them on.

    Parameters
    ----------
    inner : Backend
        The model behind it.
    change : callable
        From encoded rows to encoded rows.
    """

    inner: Backend
    change: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    kind: str = "gate"

    def ask(self, X: NDArray[np.float64]) -> tuple[NDArray[Any], Scores | None]:
        """Return labels and scores of one batch."""
        return self.inner.ask(self.change(X))

    def labels(self, X: NDArray[np.float64]) -> NDArray[Any]:
        """Return labels of one batch."""
        return self.inner.labels(self.change(X))

    def scores(self, X: NDArray[np.float64]) -> Scores | None:
        """Return scores of one batch."""
        return self.inner.scores(self.change(X))


def gated(subject: Subject, change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Subject:
    """Return the subject behind a gate; it is no longer one whose inside can be read."""
    return dataclasses.replace(
        subject, backend=Gate(subject.backend, change), model=None, trainer=None, meter=Meter()
    )


def round_to(X: NDArray[np.float64], steps: Mapping[int, float]) -> NDArray[np.float64]:
    """Return rows with some columns rounded to multiples of a step.

    Examples
    --------
    >>> round_to(np.array([[14.0, 14.0]]), {0: 10.0}).tolist()
    [[10.0, 14.0]]
    """
    out = X.copy()
    for j, step in steps.items():
        out[:, j] = np.round(X[:, j] / step) * step
    return out


def rounded_thresholds(
    cuts: Mapping[int, NDArray[np.float64]], steps: Mapping[int, float]
) -> dict[int, NDArray[np.float64]]:
    """Return where the answers of a tree ensemble behind `round_to` change: half-way between two multiples."""
    out = dict(cuts)
    for j, step in steps.items():
        finite = cuts[j][np.isfinite(cuts[j])] if j in cuts else np.empty(0)
        out[j] = np.unique((np.floor(finite / step) + 0.5) * step)
    return out
